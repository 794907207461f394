"""The tables. Rows never leave `webapp.store`: its functions give values.

Moments are BIGINT microseconds since 1970 in UTC: exact, ordered and compared alike in SQLite and PostgreSQL, where
SQLite's own datetimes are text without a zone.
"""

from webapp.store.tables.base import EPOCH, MICROSECOND, RUNNING, WAITING, Moment, Table, changed
from webapp.store.tables.conversations import (
    ConversationRow,
    DeletionRow,
    FeedbackListRow,
    FeedbackRow,
    FilePieceRow,
    FileRow,
    ForgottenRow,
    MessageFileRow,
    MessageRow,
)
from webapp.store.tables.ledger import (
    BudgetRow,
    ReservationRow,
    Sums,
    UsageDayRow,
    UsageRow,
    UsageSpeedRow,
    UsageTotalRow,
)
from webapp.store.tables.people import (
    AttemptRow,
    ForgettingRow,
    HitRow,
    IdentityRow,
    OfferRow,
    PairingRow,
    SessionRow,
    SpentTokenRow,
    TicketRow,
    UserRow,
)
from webapp.store.tables.service import AuditRow, ChoreRow, EmbedRevocationRow, NoticeRow

__all__ = [
    'EPOCH',
    'MICROSECOND',
    'RUNNING',
    'WAITING',
    'AttemptRow',
    'AuditRow',
    'BudgetRow',
    'ChoreRow',
    'ConversationRow',
    'DeletionRow',
    'EmbedRevocationRow',
    'FeedbackListRow',
    'FeedbackRow',
    'FilePieceRow',
    'FileRow',
    'ForgettingRow',
    'ForgottenRow',
    'HitRow',
    'IdentityRow',
    'MessageFileRow',
    'MessageRow',
    'Moment',
    'NoticeRow',
    'OfferRow',
    'PairingRow',
    'ReservationRow',
    'SessionRow',
    'SpentTokenRow',
    'Sums',
    'Table',
    'TicketRow',
    'UsageDayRow',
    'UsageRow',
    'UsageSpeedRow',
    'UsageTotalRow',
    'UserRow',
    'changed',
]
