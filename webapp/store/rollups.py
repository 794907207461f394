"""The sums of the ledger by day, changed in the transaction that changes the ledger.

What people ask in a day with one app is many rows there and few here, so totals come from here; and because both change
together, they agree to the last digit at any moment.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Table as SQLTable, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from webapp.store import speeds
from webapp.store.tables import UsageDayRow, UsageRow, UsageSpeedRow, UsageTotalRow

UNIT = 10**9  # of the ledger's amounts in one of the currency

DAYS: SQLTable = UsageDayRow.__table__  # type: ignore[attr-defined]
TOTALS: SQLTable = UsageTotalRow.__table__  # type: ignore[attr-defined]
SPEEDS: SQLTable = UsageSpeedRow.__table__  # type: ignore[attr-defined]

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """What one answer adds to the sums."""

    day: Key
    total: Key  # the same without the person
    amounts: Mapping[str, int]
    speeds: tuple[Key, ...]


def share(row: UsageRow) -> Share:
    measured: dict[speeds.Measure, int | None] = {'first_token': row.first_token_ms, 'latency': row.latency_ms}
    common = (row.app, row.cost_group, row.model, row.outcome)
    sides = (row.cost_group, row.app, row.model, row.outcome, row.currency)
    return Share(
        (row.day, row.user_id, *sides),
        (row.day, *sides),
        {
            'answers': 1,
            **{name: int(row.pricing == name) for name in ('unpriced', 'unknown', 'estimated')},
            **{name: getattr(row, name) or 0 for name in ('prompt_tokens', 'completion_tokens', 'total_tokens')},
            **_split('prompt', row.prompt_nano),
            **_split('completion', row.completion_nano),
            **_split('total', row.total_nano),
        },
        tuple((row.day, *common, measure, speeds.bucket(ms)) for measure, ms in measured.items() if ms is not None),
    )


def change(session: Session, *, before: Share | None, after: Share) -> None:
    """Put what an answer adds now in the place of what it added before."""
    days: dict[Key, Counter[str]] = {}
    totals: dict[Key, Counter[str]] = {}
    times: Counter[Key] = Counter()
    for sign, part in ((-1, before), (1, after)):
        if part:
            for sums in (days.setdefault(part.day, Counter()), totals.setdefault(part.total, Counter())):
                for name, amount in part.amounts.items():
                    sums[name] += sign * amount
            for key in part.speeds:
                times[key] += sign
    for table, changes in ((DAYS, days), (TOTALS, totals)):
        _add(session, table, [(key, sums) for key, sums in changes.items() if any(sums.values())])
    _add(session, SPEEDS, [(key, {'answers': count}) for key, count in times.items() if count])


def rename(session: Session, *, user_id: str, into: str, day: date) -> None:
    """Give the sums of a person on a day to a name that leads to nobody, where there may be some of it already."""
    theirs = (DAYS.c.user_id == user_id, DAYS.c.day == day)
    connection = session.connection()
    keys = [column.name for column in DAYS.primary_key]
    changes = []
    # one statement takes them away and tells what they were: what comes in between stays, for the next time
    for row in connection.execute(delete(DAYS).where(*theirs).returning(*DAYS.c)).mappings().all():
        key = tuple(into if name == 'user_id' else row[name] for name in keys)
        changes.append((key, {name: amount for name, amount in row.items() if name not in keys}))
    _add(session, DAYS, changes)


def _split(name: str, nano: int | None) -> dict[str, int]:
    units, rest = divmod(nano or 0, UNIT)
    return {f'{name}_units': units, f'{name}_nano': rest}


def _add(session: Session, table: SQLTable, changes: Iterable[tuple[Key, Mapping[str, int]]]) -> None:
    """In one order everywhere, so that no two commands wait for each other."""
    connection = session.connection()
    insert = postgresql.insert if connection.dialect.name == 'postgresql' else sqlite.insert
    names = [column.name for column in table.primary_key]
    for key, amounts in sorted(changes, key=lambda each: tuple(map(str, each[0]))):
        new = insert(table).values(dict(zip(names, key, strict=True)) | dict(amounts))
        sums = {name: table.c[name] + new.excluded[name] for name in amounts}
        connection.execute(new.on_conflict_do_update(index_elements=names, set_=sums))
