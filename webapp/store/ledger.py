"""The rows of the ledger, one for each answer."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import func, literal, select as sa_select, tuple_
from sqlmodel import Session, col, select

from webapp.store.reports import Filter
from webapp.store.rollups import UNIT
from webapp.store.tables import (
    ConversationRow,
    Moment,
    UsageRow,
)
from webapp.store.usage import from_nano

MAX_PAGE = 1000


@dataclass(frozen=True, slots=True)
class History:
    tokens: int
    price: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the ledger."""

    id: str
    at: datetime
    day: date
    user: str
    group: str
    app: str
    conversation_id: str
    message_id: str
    model: str
    outcome: str
    pricing: str
    currency: str
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    price: Decimal | None
    latency_ms: int | None
    first_token_ms: int | None
    history: History | None  # what Dify's history tells, where that is something else

    @property
    def place(self) -> tuple[datetime, str]:
        return self.at, self.id


@dataclass(frozen=True, slots=True)
class Dear:
    """A conversation that is still there, and what it cost in one currency."""

    conversation_id: str
    app: str
    title: str
    answers: int
    currency: str
    price: Decimal


def entries(
    session: Session, *, wanted: Filter, before: tuple[datetime, str] | None = None, limit: int = 100
) -> list[Entry]:
    """Rows of the ledger, the newest first."""
    at, id_ = col(UsageRow.created_at), col(UsageRow.id)
    statement = select(UsageRow).where(wanted.conditions(UsageRow))
    if before:
        statement = statement.where(tuple_(at, id_) < tuple_(literal(before[0], Moment), literal(before[1])))
    rows = session.exec(statement.order_by(at.desc(), id_.desc()).limit(min(limit, MAX_PAGE)))
    return [_entry(row) for row in rows]


def dearest(
    session: Session, *, user_id: str, apps: Collection[str], since: date, until: date, limit: int = 5
) -> list[Dear]:
    """The conversations of a person's with these apps that cost most; those in their usual currency first."""
    nano = col(UsageRow.total_nano)
    statement = (
        sa_select(
            col(ConversationRow.id), col(ConversationRow.app), col(ConversationRow.title), col(UsageRow.currency),
            func.count(), func.sum(nano // UNIT), func.sum(nano % UNIT),
        )
        .join(ConversationRow, col(ConversationRow.id) == UsageRow.conversation_id)
        .where(Filter(since, until, user=user_id).conditions(UsageRow), col(UsageRow.currency) != '')
        .where(col(ConversationRow.user_id) == user_id, col(ConversationRow.app).in_(apps))
        .group_by(col(ConversationRow.id), col(UsageRow.currency))
    )  # fmt: skip
    found = [
        Dear(id_, app, title, int(answers), currency, from_nano(int(units or 0) * UNIT + int(rest or 0)))
        for id_, app, title, currency, answers, units, rest in session.connection().execute(statement)
    ]
    weight = Counter[str]()
    for each in found:
        weight[each.currency] += each.answers
    return sorted(found, key=lambda each: (-weight[each.currency], -each.price))[:limit]


def _entry(row: UsageRow) -> Entry:
    return Entry(
        id=row.id,
        at=row.created_at,
        day=row.day,
        user=row.user_id,
        group=row.cost_group,
        app=row.app,
        conversation_id=row.conversation_id,
        message_id=row.message_id,
        model=row.model,
        outcome=row.outcome,
        pricing=row.pricing,
        currency=row.currency,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        total_tokens=row.total_tokens,
        price=None if row.total_nano is None else from_nano(row.total_nano),
        latency_ms=row.latency_ms,
        first_token_ms=row.first_token_ms,
        history=None if row.history_tokens is None else _history(row.history_tokens, row),
    )


def _history(tokens: int, row: UsageRow) -> History:
    price = None if row.history_nano is None or not row.history_currency else from_nano(row.history_nano)
    return History(tokens, price, row.history_currency)
