"""All that the usage page shows, of one state of the database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlmodel import Session

from webapp.store import comparison, labels, ledger, percentiles, reports
from webapp.store.labels import Called
from webapp.store.ledger import Entry
from webapp.store.percentiles import Speed
from webapp.store.reports import Filter, Line, Side
from webapp.store.speeds import Measure
from webapp.store.usage import Total, together

WEEK = 7


@dataclass(frozen=True, slots=True)
class Overview:
    totals: list[Total]  # by currency
    lines: list[Line]
    entries: list[Entry]
    daily: list[Line]  # by day and outcome
    speed: dict[Measure, dict[tuple[str, ...], Speed]]  # by day
    group_speed: dict[Measure, dict[tuple[str, ...], Speed]]
    month: list[Line]  # so far
    lately: list[Line]  # the last seven whole days
    called: dict[str, Called]
    differing: int  # answers of which Dify's history tells something else


def read(
    session: Session,
    *,
    wanted: Filter,
    by: Sequence[Side] | None,
    today: date,
    before: tuple[datetime, str] | None = None,
    limit: int = 100,
) -> Overview:
    """
    :param by: what to add up by; None for the answers themselves, the newest first, at most `limit`
    :param before: the place of the last answer known
    """
    lines = reports.summed(session, wanted=wanted, by=by) if by is not None else []
    entries = ledger.entries(session, wanted=wanted, before=before, limit=limit) if by is None else []
    people = {line.keys[0] for line in lines} if by == ('user',) else {entry.user for entry in entries}
    daily = reports.summed(session, wanted=wanted, by=('day', 'outcome'))
    yesterday = today - timedelta(days=1)
    return Overview(
        totals=_totals(daily),
        lines=lines,
        entries=entries,
        daily=daily,
        speed=percentiles.speed(session, wanted=wanted, by=('day',)),
        group_speed=percentiles.speed(session, wanted=wanted, by=by) if by and by != ('user',) else {},
        month=reports.summed(session, wanted=replace(wanted, since=today.replace(day=1), until=today)),
        lately=reports.summed(
            session, wanted=replace(wanted, since=yesterday - timedelta(days=WEEK - 1), until=yesterday)
        ),
        differing=comparison.differing(session, wanted=wanted),
        called=labels.called(session, ids=people | ({wanted.user} if wanted.user else set())),
    )


def _totals(lines: Sequence[Line]) -> list[Total]:
    currencies = sorted({line.total.currency for line in lines})
    return [together([line.total for line in lines if line.total.currency == each], each) for each in currencies]
