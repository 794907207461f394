"""What everybody cost: sums over any days, by any sides of an answer. Read from the sums by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, and_, func, select as sa_select
from sqlmodel import Session, col, select

from webapp.principal import EMBED
from webapp.store.rollups import UNIT
from webapp.store.tables import (
    IdentityRow,
    UsageDayRow,
    UsageRow,
    UsageTotalRow,
)
from webapp.store.usage import Total, from_nano

Side = Literal['user', 'group', 'app', 'day', 'model', 'outcome']
SIDES: tuple[Side, ...] = get_args(Side)
COLUMNS: dict[Side, str] = {side: {'user': 'user_id', 'group': 'cost_group'}.get(side, side) for side in SIDES}


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


def answers_by_embed(session: Session, *, since: date) -> dict[str, int]:
    """How many answers there were to people who have come by a page of another site, by the provider of theirs."""
    statement = (
        select(IdentityRow.provider, func.sum(UsageDayRow.answers))
        .join(UsageDayRow, col(UsageDayRow.user_id) == IdentityRow.user_id)
        .where(col(IdentityRow.provider).startswith(EMBED), UsageDayRow.day >= since)
    )
    return {provider: int(answers) for provider, answers in session.exec(statement.group_by(IdentityRow.provider))}


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
