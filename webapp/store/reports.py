"""What everybody cost: sums and percentiles over any days, by any sides of an answer. Read from the sums by day."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Select, and_, func, literal, select as sa_select, tuple_
from sqlmodel import Session, col, select

from webapp.principal import EMBED
from webapp.store import speeds
from webapp.store.rollups import UNIT
from webapp.store.speeds import Measure
from webapp.store.tables import (
    ConversationRow,
    IdentityRow,
    Moment,
    UsageDayRow,
    UsageRow,
    UsageSpeedRow,
    UsageTotalRow,
    UserRow,
)
from webapp.store.usage import Total, from_nano

Side = Literal['user', 'group', 'app', 'day', 'model', 'outcome']
SIDES: tuple[Side, ...] = get_args(Side)
COLUMNS: dict[Side, str] = {side: {'user': 'user_id', 'group': 'cost_group'}.get(side, side) for side in SIDES}
MAX_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Filter:
    """Which answers. Days are in UTC, both ends included; a side that is None may be anything."""

    since: date
    until: date
    user: str | None = None
    group: str | None = None
    app: str | None = None
    model: str | None = None
    outcome: str | None = None

    def conditions(self, table: type[Any]) -> ColumnElement[bool]:
        """For a table that has the columns."""
        given = {'user': self.user, 'group': self.group, 'app': self.app, 'model': self.model, 'outcome': self.outcome}
        sides = [getattr(table, COLUMNS[side]) == value for side, value in given.items() if value is not None]  # type: ignore[index]
        if table is UsageRow:  # the same said twice, for its indexes
            begin = datetime.combine(self.since, time(), UTC)
            end = datetime.combine(self.until, time(), UTC) + timedelta(days=1)
            sides += [col(UsageRow.created_at) >= begin, col(UsageRow.created_at) < end]
        return and_(col(table.day) >= self.since, col(table.day) <= self.until, *sides)


@dataclass(frozen=True, slots=True)
class Line:
    """:ivar keys: of the sides that were asked for, in their order; a day as `2026-03-01`"""

    keys: tuple[str, ...]
    total: Total


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds in which half, and 95 of 100 answers were there."""

    half: int | None
    most: int | None


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
    history: 'History | None'  # what Dify's history tells, where that is something else

    @property
    def place(self) -> tuple[datetime, str]:
        return self.at, self.id


@dataclass(frozen=True, slots=True)
class History:
    tokens: int
    price: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class Called:
    """What to call a person: as their provider knows them, and as people do."""

    subject: str
    name: str


def summed(session: Session, *, wanted: Filter, by: Sequence[Side] = ()) -> list[Line]:
    """One line for each group and currency, in the order of the groups."""
    of_people = wanted.user is not None or 'user' in by
    table = UsageDayRow if of_people else UsageTotalRow
    keys = [getattr(table, COLUMNS[side]) for side in by]
    names = ('answers', 'prompt_tokens', 'completion_tokens', 'total_tokens', 'total_units', 'total_nano')
    sums = [func.sum(getattr(table, name)) for name in (*names, 'estimated', 'unpriced', 'unknown')]
    statement = (
        sa_select(*keys, col(table.currency), *sums)
        .where(wanted.conditions(table))
        .group_by(*keys, col(table.currency))
        .having(sums[0] > 0)
        .order_by(*keys, col(table.currency))
    )
    return [_line(row, len(by)) for row in session.connection().execute(statement)]


def speed(session: Session, *, wanted: Filter, by: Sequence[Side] = ()) -> dict[Measure, dict[tuple[str, ...], Speed]]:
    """How fast answers were, by group. Of one person's from the ledger itself: the sums don't tell people apart."""
    counts: dict[Measure, dict[tuple[str, ...], Counter[int]]] = {name: {} for name in get_args(Measure)}
    for measure, keys, bucket, answers in _counted(session, wanted, by):
        counts[measure].setdefault(keys, Counter())[bucket] += answers
    return {
        measure: {
            keys: Speed(speeds.percentile(found, 0.5), speeds.percentile(found, 0.95)) for keys, found in groups.items()
        }
        for measure, groups in counts.items()
    }


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


@dataclass(frozen=True, slots=True)
class Dear:
    """A conversation that is still there, and what it cost in one currency."""

    conversation_id: str
    app: str
    title: str
    answers: int
    currency: str
    price: Decimal


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


def answers_by_embed(session: Session, *, since: date) -> dict[str, int]:
    """How many answers there were to people who have come by a page of another site, by the provider of theirs."""
    statement = (
        select(IdentityRow.provider, func.sum(UsageDayRow.answers))
        .join(UsageDayRow, col(UsageDayRow.user_id) == IdentityRow.user_id)
        .where(col(IdentityRow.provider).startswith(EMBED), UsageDayRow.day >= since)
    )
    return {provider: int(answers) for provider, answers in session.exec(statement.group_by(IdentityRow.provider))}


def called(session: Session, *, ids: Collection[str]) -> dict[str, Called]:
    """Those of `ids` that are still there, by id. Who has several ways in is named by the first."""
    found: dict[str, Called] = {}
    wanted = sorted(ids)
    for some in (wanted[start : start + MAX_PAGE] for start in range(0, len(wanted), MAX_PAGE)):
        statement = (
            select(UserRow.id, UserRow.name, UserRow.email, IdentityRow.subject)
            .join(IdentityRow, col(IdentityRow.user_id) == UserRow.id)
            .where(col(UserRow.id).in_(some))
            .order_by(col(IdentityRow.created_at), col(IdentityRow.id))
        )
        for user_id, name, email, subject in session.exec(statement):
            found.setdefault(user_id, Called(subject, name or email))
    return found


def values(session: Session, *, since: date, until: date) -> dict[Side, list[str]]:
    """What there is to choose from, for all sides but people and days."""
    found: dict[Side, list[str]] = {}
    in_time = Filter(since, until).conditions(UsageTotalRow)
    for side in ('group', 'app', 'model', 'outcome'):
        column = getattr(UsageTotalRow, COLUMNS[side])
        there = sa_select(column).where(in_time, col(UsageTotalRow.answers) > 0).distinct()
        found[side] = sorted(session.connection().scalars(there))
    return found


def _line(row: Sequence[Any], width: int) -> Line:
    currency, *numbers = row[width:]
    answers, prompt, completion, total, units, nano, estimated, unpriced, unknown = (int(n) for n in numbers)
    price = from_nano(units * UNIT + nano)
    keys = tuple(str(key) for key in row[:width])
    return Line(keys, Total(currency, answers, prompt, completion, total, price, unpriced, unknown, estimated))


def _counted(session: Session, wanted: Filter, by: Sequence[Side]) -> list[tuple[Measure, tuple[str, ...], int, int]]:
    if wanted.user is not None or 'user' in by:
        return _counted_apart(session, wanted, by)
    table = UsageSpeedRow
    keys = [getattr(table, COLUMNS[side]) for side in by]
    statement: Select[Any] = (
        sa_select(col(table.measure), col(table.bucket), func.sum(table.answers), *keys)
        .where(wanted.conditions(table))
        .group_by(col(table.measure), col(table.bucket), *keys)
    )
    return [
        (measure, tuple(map(str, rest)), bucket, int(answers))
        for measure, bucket, answers, *rest in session.connection().execute(statement)
    ]


def _counted_apart(
    session: Session, wanted: Filter, by: Sequence[Side]
) -> list[tuple[Measure, tuple[str, ...], int, int]]:
    table = UsageRow
    keys = [getattr(table, COLUMNS[side]) for side in by]
    statement: Select[Any] = sa_select(col(table.latency_ms), col(table.first_token_ms), *keys)
    statement = statement.where(wanted.conditions(table))
    found: list[tuple[Measure, tuple[str, ...], int, int]] = []
    for latency, first_token, *rest in session.connection().execute(statement):
        times: dict[Measure, int | None] = {'latency': latency, 'first_token': first_token}
        found += [
            (measure, tuple(map(str, rest)), speeds.bucket(milliseconds), 1)
            for measure, milliseconds in times.items()
            if milliseconds is not None
        ]
    return found


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
