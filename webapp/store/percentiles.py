"""In which times answers were there, over any days and by any of their sides."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from sqlalchemy import Select, func, select as sa_select
from sqlmodel import Session, col

from webapp.store import speeds
from webapp.store.reports import COLUMNS, Filter, Side
from webapp.store.speeds import Measure
from webapp.store.tables import (
    UsageRow,
    UsageSpeedRow,
)


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds in which half, and 95 of 100 answers were there."""

    half: int | None
    most: int | None


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
