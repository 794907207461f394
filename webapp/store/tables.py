"""The tables. Rows never leave `webapp.store`: its functions give values.

Moments are BIGINT microseconds since 1970 in UTC: exact, ordered and compared alike in SQLite and PostgreSQL, where
SQLite's own datetimes are text without a zone.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import UpdateBase
from sqlmodel import Field, Session, SQLModel

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """An aware `datetime` in Python, microseconds since 1970 in the database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + value * MICROSECOND


# a literal, since neither database matches a bound value with the condition of a partial index
RUNNING: ColumnElement[str] = literal_column("'running'", Text)


def changed(session: Session, statement: UpdateBase) -> int:
    """Run an UPDATE or a DELETE; how many rows it met. Rows that the session holds already are not refreshed."""
    return session.exec(statement, execution_options={'synchronize_session': False}).rowcount


class Table(SQLModel):
    """Names its constraints, so that later migrations can speak of them on every database."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            'ix': 'ix_%(table_name)s_%(column_0_N_name)s',
            'uq': 'uq_%(table_name)s_%(column_0_N_name)s',
            'fk': 'fk_%(table_name)s_%(column_0_name)s',
            'pk': 'pk_%(table_name)s',
        }
    )


def _only_where(condition: str) -> dict[str, Any]:
    """Makes an index cover only rows that meet `condition`."""
    return {'sqlite_where': text(condition), 'postgresql_where': text(condition)}


def _owner() -> Column[str]:
    return Column(Text, ForeignKey('users.id', ondelete='CASCADE'), nullable=False)


class UserRow(Table, table=True):
    """A person. `folded` is what search compares: name and e-mail address."""

    __tablename__ = 'users'
    __table_args__ = (UniqueConstraint('dify_user'), Index(None, 'last_seen_at', 'id'))

    id: str = Field(primary_key=True, sa_type=Text)
    dify_user: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    email: str = Field(sa_type=Text)
    folded: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Moment)
    last_seen_at: datetime = Field(sa_type=Moment)
    blocked_at: datetime | None = Field(sa_type=Moment)


class IdentityRow(Table, table=True):
    """A way in of a person's: who vouches for them, under what name, and what they said last. Most have one.

    `role` is what the settings made of that at the last sign-in; for lists and the audit log, never to decide by.
    """

    __tablename__ = 'identities'
    __table_args__ = (UniqueConstraint('issuer', 'subject'), Index(None, 'user_id'))

    id: str = Field(primary_key=True, sa_type=Text)
    user_id: str = Field(sa_column=_owner())
    issuer: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    provider: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    email: str = Field(sa_type=Text)
    email_verified: bool
    groups: list[str] = Field(sa_type=JSON)
    claims_admin: bool
    claims_reader: bool
    role: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Moment)
    vouched_at: datetime = Field(sa_type=Moment)


class SessionRow(Table, table=True):
    """`id` is a hash: whoever reads the table can't use a session of it. The provider's tokens are encrypted."""

    __tablename__ = 'sessions'
    __table_args__ = (
        Index(None, 'user_id'),
        Index(None, 'expires_at'),
        Index(None, 'identity_id'),
        Index(None, 'provider_session'),
        Index('ix_sessions_refresh_at', 'refresh_at', **_only_where('refresh_at IS NOT NULL')),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    user_id: str = Field(sa_column=_owner())
    identity_id: str = Field(sa_column=Column(Text, ForeignKey('identities.id', ondelete='CASCADE'), nullable=False))
    created_at: datetime = Field(sa_type=Moment)
    last_seen_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment)
    ended_at: datetime | None = Field(sa_type=Moment)
    device: str = Field(sa_type=Text)
    provider_session: str = Field(sa_type=Text)
    id_token: str = Field(sa_type=Text)
    refresh_token: str = Field(sa_type=Text)
    refresh_at: datetime | None = Field(sa_type=Moment)


class AttemptRow(Table, table=True):
    """A login that somebody has begun. `id` and `browser` are hashes; deleted when the browser comes back."""

    __tablename__ = 'attempts'
    __table_args__ = (Index(None, 'expires_at'), Index(None, 'browser'))

    id: str = Field(primary_key=True, sa_type=Text)
    browser: str = Field(sa_type=Text)
    provider: str = Field(sa_type=Text)
    nonce: str = Field(sa_type=Text)
    verifier: str = Field(sa_type=Text)
    target: str = Field(sa_type=Text)
    linking: str | None = Field(sa_column=Column(Text, ForeignKey('sessions.id', ondelete='CASCADE'), nullable=True))
    created_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment)


class OfferRow(Table, table=True):
    """A way in that has been proven in a session, and waits for its person to take it. Goes with the session."""

    __tablename__ = 'offers'

    session_id: str = Field(
        sa_column=Column(Text, ForeignKey('sessions.id', ondelete='CASCADE'), primary_key=True, nullable=False)
    )
    id: str = Field(sa_type=Text)
    identity: dict[str, Any] = Field(sa_type=JSON)
    expires_at: datetime = Field(sa_type=Moment)


class SpentTokenRow(Table, table=True):
    """Tokens that count once. `id` is a hash; a row may go when its token has expired."""

    __tablename__ = 'spent_tokens'
    __table_args__ = (Index(None, 'expires_at'),)

    id: str = Field(primary_key=True, sa_type=Text)
    expires_at: datetime = Field(sa_type=Moment)


class HitRow(Table, table=True):
    """Something that is limited has happened. `scope` is what, `key` for whom. Goes when no limit looks so far back."""

    __tablename__ = 'hits'
    __table_args__ = (Index(None, 'scope', 'key', 'at'), Index(None, 'expires_at'))

    id: str = Field(primary_key=True, sa_type=Text)
    scope: str = Field(sa_type=Text)
    key: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=Moment)
    amount: int = Field(sa_type=BigInteger)
    expires_at: datetime = Field(sa_type=Moment)


class AuditRow(Table, table=True):
    """Who did what to whom. Refers to nothing: it stays when people go, without their names if they are forgotten.

    `folded` is what search compares: both names.
    """

    __tablename__ = 'audit'
    __table_args__ = (
        Index(None, 'at', 'id'),
        Index(None, 'action', 'at'),
        Index(None, 'actor_id', 'at'),
        Index(None, 'target_id', 'at'),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    at: datetime = Field(sa_type=Moment)
    action: str = Field(sa_type=Text)
    actor_id: str = Field(sa_type=Text)
    actor_name: str = Field(sa_type=Text)
    target_id: str = Field(sa_type=Text)
    target_name: str = Field(sa_type=Text)
    folded: str = Field(sa_type=Text)
    address: str = Field(sa_type=Text)
    detail: dict[str, Any] = Field(sa_type=JSON)


class ConversationRow(Table, table=True):
    """`folded_title` is what search compares: neither database folds case alike beyond ASCII."""

    __tablename__ = 'conversations'
    __table_args__ = (
        Index(None, 'user_id', 'app', 'updated_at', 'id'),  # read backwards: newest first
        Index(None, 'upstream_id'),
        Index('ix_conversations_title_due_at', 'title_due_at', **_only_where('title_due_at IS NOT NULL')),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    user_id: str = Field(sa_column=_owner())
    app: str = Field(sa_type=Text)
    upstream_id: str | None = Field(sa_type=Text)
    title: str = Field(sa_type=Text)
    folded_title: str = Field(sa_type=Text)
    title_state: str = Field(sa_type=Text)
    title_attempts: int
    title_due_at: datetime | None = Field(sa_type=Moment)
    created_at: datetime = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)
    unread: bool
    inputs: dict[str, Any] = Field(sa_type=JSON)


class MessageRow(Table, table=True):
    """`status` repeats the reply's, for queries; the partial index allows one running answer in a conversation."""

    __tablename__ = 'messages'
    __table_args__ = (
        UniqueConstraint('user_id', 'key'),
        UniqueConstraint('conversation_id', 'number'),
        Index('ix_messages_running', 'conversation_id', unique=True, **_only_where("status = 'running'")),
        Index('ix_messages_running_of_user', 'user_id', **_only_where("status = 'running'")),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    conversation_id: str = Field(
        sa_column=Column(Text, ForeignKey('conversations.id', ondelete='CASCADE'), nullable=False)
    )
    user_id: str = Field(sa_column=_owner())
    key: str = Field(sa_type=Text)
    number: int
    status: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Moment)
    ended_at: datetime | None = Field(sa_type=Moment)
    cost_group: str = Field(sa_type=Text)
    query: str = Field(sa_type=Text)  # the long ones come last: SQLite reads a row from its start
    reply: dict[str, Any] = Field(sa_type=JSON)


class FileRow(Table, table=True):
    """What somebody uploaded or an assistant made. `conversation_id` is empty until it is sent; bytes are in pieces."""

    __tablename__ = 'files'
    __table_args__ = (
        Index(None, 'user_id', 'created_at'),
        Index(None, 'conversation_id'),
        Index('ix_files_unsent', 'created_at', **_only_where('conversation_id IS NULL')),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    user_id: str = Field(sa_column=_owner())
    conversation_id: str | None = Field(
        sa_column=Column(Text, ForeignKey('conversations.id', ondelete='CASCADE'), nullable=True)
    )
    app: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    media_type: str = Field(sa_type=Text)
    size: int | None = Field(sa_type=BigInteger)
    width: int | None
    height: int | None
    upstream_id: str = Field(sa_type=Text)
    upstream_url: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Moment)
    is_kept: bool


class FilePieceRow(Table, table=True):
    """The bytes of a file, cut so that neither end ever holds a whole one."""

    __tablename__ = 'file_pieces'

    file_id: str = Field(
        sa_column=Column(Text, ForeignKey('files.id', ondelete='CASCADE'), primary_key=True, nullable=False)
    )
    number: int = Field(primary_key=True)
    data: bytes = Field(sa_type=LargeBinary)


class MessageFileRow(Table, table=True):
    """Which files stand in which message, in which order. A question asked again has those of the first one."""

    __tablename__ = 'message_files'
    __table_args__ = (Index(None, 'file_id'),)

    message_id: str = Field(
        sa_column=Column(Text, ForeignKey('messages.id', ondelete='CASCADE'), primary_key=True, nullable=False)
    )
    file_id: str = Field(
        sa_column=Column(Text, ForeignKey('files.id', ondelete='CASCADE'), primary_key=True, nullable=False)
    )
    position: int


class FeedbackRow(Table, table=True):
    """What somebody thinks of an answer. `feedback` tells upstream of it, `feedback_list` brings what upstream knows.

    The owner's own has the id of its message, what upstream alone knows one made of its id there. `message_id` and
    `user_id`, whose message it is, are empty where it is none of ours. A rating taken back is ''. `due_at` is empty
    when upstream has been told, at `told_at`.
    """

    __tablename__ = 'feedback'
    __table_args__ = (
        Index(None, 'user_id'),
        Index(None, 'message_id'),
        Index(None, 'app', 'upstream_message_id'),
        Index('ix_feedback_due_at', 'due_at', **_only_where('due_at IS NOT NULL')),
        # read backwards, the newest first
        Index('ix_feedback_listed', 'updated_at', 'id', **_only_where("rating <> ''")),
        Index('ix_feedback_listed_by_app', 'app', 'updated_at', 'id', **_only_where("rating <> ''")),
        Index('ix_feedback_listed_by_state', 'state', 'updated_at', 'id', **_only_where("rating <> ''")),
        Index('ix_feedback_listed_by_rating', 'rating', 'updated_at', 'id', **_only_where("rating <> ''")),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    message_id: str | None = Field(sa_column=Column(Text, ForeignKey('messages.id', ondelete='CASCADE'), nullable=True))
    user_id: str | None = Field(sa_column=Column(Text, ForeignKey('users.id', ondelete='CASCADE'), nullable=True))
    app: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    rater: str = Field(sa_type=Text)
    upstream_message_id: str = Field(sa_type=Text)
    upstream_conversation_id: str = Field(sa_type=Text)
    rating: str = Field(sa_type=Text)
    comment: str = Field(sa_type=Text)
    folded: str = Field(sa_type=Text)
    updated_at: datetime = Field(sa_type=Moment)
    state: str = Field(sa_type=Text)
    state_by: str = Field(sa_type=Text)
    state_at: datetime | None = Field(sa_type=Moment)
    sent: bool
    told_at: datetime | None = Field(sa_type=Moment)
    attempts: int
    due_at: datetime | None = Field(sa_type=Moment)


class FeedbackListRow(Table, table=True):
    """When an app's list of ratings upstream is to be looked at again: its newest, and all of it."""

    __tablename__ = 'feedback_lists'

    app: str = Field(primary_key=True, sa_type=Text)
    claimed_at: datetime = Field(sa_type=Moment)
    due_at: datetime = Field(sa_type=Moment)
    whole_due_at: datetime = Field(sa_type=Moment)
    read_at: datetime | None = Field(sa_type=Moment)


class ForgottenRow(Table, table=True):
    """A conversation that its person has deleted, by its name upstream: what is still told of it there is not heard."""

    __tablename__ = 'forgotten'

    app: str = Field(primary_key=True, sa_type=Text)
    upstream_id: str = Field(primary_key=True, sa_type=Text)


class UsageRow(Table, table=True):
    """The ledger. Refers to nothing: what was spent stays when a conversation goes. See `usage` for the units."""

    __tablename__ = 'usage'
    __table_args__ = (
        UniqueConstraint('message_id'),
        Index(None, 'user_id', 'day'),
        Index(None, 'created_at', 'id'),
        Index(None, 'app', 'created_at'),
        Index(None, 'conversation_id'),
        Index(None, 'look_at', **_only_where('look_at IS NOT NULL')),
        Index(None, 'history_tokens', 'created_at', **_only_where('history_tokens IS NOT NULL')),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    message_id: str = Field(sa_type=Text)
    user_id: str = Field(sa_type=Text)
    cost_group: str = Field(sa_type=Text)
    app: str = Field(sa_type=Text)
    conversation_id: str = Field(sa_type=Text)
    day: date
    model: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Moment)
    outcome: str = Field(sa_type=Text)
    failure: str = Field(sa_type=Text)
    pricing: str = Field(sa_type=Text)
    prompt_tokens: int | None = Field(sa_type=BigInteger)
    completion_tokens: int | None = Field(sa_type=BigInteger)
    total_tokens: int | None = Field(sa_type=BigInteger)
    prompt_nano: int | None = Field(sa_type=BigInteger)
    completion_nano: int | None = Field(sa_type=BigInteger)
    total_nano: int | None = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    latency_ms: int | None
    first_token_ms: int | None
    look_at: datetime | None = Field(default=None, sa_type=Moment)  # in Dify's history, see `comparison`
    looks: int = Field(default=0, sa_type=BigInteger)
    history_tokens: int | None = Field(default=None, sa_type=BigInteger)  # where it tells something else
    history_nano: int | None = Field(default=None, sa_type=BigInteger)
    history_currency: str = Field(default='', sa_type=Text)


class NoticeRow(Table, table=True):
    """A notice for everybody until it ends; deleted then, or before."""

    __tablename__ = 'notices'

    id: str = Field(primary_key=True, sa_type=Text)
    text: str = Field(sa_type=Text)
    level: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Moment)
    ends_at: datetime = Field(sa_type=Moment)


class Sums(SQLModel):
    """Of answers. An amount of money is in two columns, since a sum of units of 1e-9 may exceed 64 bits."""

    answers: int = Field(sa_type=BigInteger)
    unpriced: int = Field(sa_type=BigInteger)
    unknown: int = Field(sa_type=BigInteger)
    estimated: int = Field(sa_type=BigInteger)
    prompt_tokens: int = Field(sa_type=BigInteger)
    completion_tokens: int = Field(sa_type=BigInteger)
    total_tokens: int = Field(sa_type=BigInteger)
    prompt_units: int = Field(sa_type=BigInteger)
    prompt_nano: int = Field(sa_type=BigInteger)
    completion_units: int = Field(sa_type=BigInteger)
    completion_nano: int = Field(sa_type=BigInteger)
    total_units: int = Field(sa_type=BigInteger)
    total_nano: int = Field(sa_type=BigInteger)


class UsageDayRow(Sums, Table, table=True):
    """The ledger by day and person."""

    __tablename__ = 'usage_days'
    __table_args__ = (Index(None, 'user_id', 'day'),)

    day: date = Field(primary_key=True)
    user_id: str = Field(primary_key=True, sa_type=Text)
    cost_group: str = Field(primary_key=True, sa_type=Text)
    app: str = Field(primary_key=True, sa_type=Text)
    model: str = Field(primary_key=True, sa_type=Text)
    outcome: str = Field(primary_key=True, sa_type=Text)
    currency: str = Field(primary_key=True, sa_type=Text)


class UsageTotalRow(Sums, Table, table=True):
    """The ledger by day, of everybody: of a thousand people a thousandth of the rows."""

    __tablename__ = 'usage_totals'

    day: date = Field(primary_key=True)
    cost_group: str = Field(primary_key=True, sa_type=Text)
    app: str = Field(primary_key=True, sa_type=Text)
    model: str = Field(primary_key=True, sa_type=Text)
    outcome: str = Field(primary_key=True, sa_type=Text)
    currency: str = Field(primary_key=True, sa_type=Text)


class UsageSpeedRow(Table, table=True):
    """How many answers of a day took how long. `bucket` is a span of time, see `speeds`."""

    __tablename__ = 'usage_speeds'

    day: date = Field(primary_key=True)
    app: str = Field(primary_key=True, sa_type=Text)
    cost_group: str = Field(primary_key=True, sa_type=Text)
    model: str = Field(primary_key=True, sa_type=Text)
    outcome: str = Field(primary_key=True, sa_type=Text)
    measure: str = Field(primary_key=True, sa_type=Text)
    bucket: int = Field(primary_key=True)
    answers: int = Field(sa_type=BigInteger)


class BudgetRow(Table, table=True):
    """A budget that an admin has set. `maximum` is an exact decimal number: of `currency`, or under '' of tokens."""

    __tablename__ = 'budgets'

    scope: str = Field(primary_key=True, sa_type=Text)
    target: str = Field(primary_key=True, sa_type=Text)
    period: str = Field(primary_key=True, sa_type=Text)
    currency: str = Field(primary_key=True, sa_type=Text)
    maximum: str = Field(sa_type=Text)


class ReservationRow(Table, table=True):
    """What an answer that is being written may cost in a currency; under '' its tokens.

    Gone when its row is in the ledger; see `budgets`.
    """

    __tablename__ = 'reservations'

    message_id: str = Field(primary_key=True, sa_type=Text)
    currency: str = Field(primary_key=True, sa_type=Text)
    user_id: str = Field(sa_type=Text)
    cost_group: str = Field(sa_type=Text)
    app: str = Field(sa_type=Text)
    nano: int = Field(sa_type=BigInteger)
    tokens: int = Field(sa_type=BigInteger)


class DeletionRow(Table, table=True):
    """A conversation that is gone here and that upstream has not been told to delete yet; see `deletions`."""

    __tablename__ = 'deletions'
    __table_args__ = (Index(None, 'app', 'due_at'),)

    id: str = Field(primary_key=True, sa_type=Text)
    app: str = Field(sa_type=Text)
    upstream_id: str = Field(sa_type=Text)
    dify_user: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Moment)
    attempts: int
    due_at: datetime = Field(sa_type=Moment)


class ForgettingRow(Table, table=True):
    """Somebody who is being forgotten, and under what name their costs stay. Goes with them; see `forgetting`."""

    __tablename__ = 'forgettings'

    user_id: str = Field(
        sa_column=Column(Text, ForeignKey('users.id', ondelete='CASCADE'), primary_key=True, nullable=False)
    )
    pseudonym: str = Field(sa_type=Text)
    actor_id: str = Field(sa_type=Text)
    actor_name: str = Field(sa_type=Text)
    address: str = Field(sa_type=Text)
    asked_at: datetime = Field(sa_type=Moment)
    counts: dict[str, int] = Field(sa_type=JSON)


class ChoreRow(Table, table=True):
    """Work that one process at a time does now and then; see `chores`."""

    __tablename__ = 'chores'

    name: str = Field(primary_key=True, sa_type=Text)
    holder: str = Field(sa_type=Text)
    until: datetime = Field(sa_type=Moment)
    done_at: datetime | None = Field(sa_type=Moment)
    counts: dict[str, int] = Field(sa_type=JSON)
