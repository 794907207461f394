"""What answers cost, and what they may."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from webapp.store.tables.base import Moment, Table, only_where


class UsageRow(Table, table=True):
    """The ledger. Refers to nothing: what was spent stays when a conversation goes. See `usage` for the units."""

    __tablename__ = 'usage'
    __table_args__ = (
        UniqueConstraint('message_id'),
        Index(None, 'user_id', 'day'),
        Index(None, 'created_at', 'id'),
        Index(None, 'app', 'created_at'),
        Index(None, 'conversation_id'),
        Index(None, 'look_at', **only_where('look_at IS NOT NULL')),
        Index('ix_usage_history', 'created_at', **only_where('history_tokens IS NOT NULL')),
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
