"""`webapp usage`: what everybody cost. Days are in UTC, both ends included; without any, those of this month."""

import asyncio
import sys
from datetime import UTC, date, datetime
from typing import Literal

from webapp.commands.database import explained
from webapp.commands.terminal import CommandFailed, quietly
from webapp.exports import tabular, usage_records
from webapp.store import reports, schema
from webapp.store.database import Store

NO_DATABASE = ('There is no database yet.', '`webapp serve` makes one, and so does `webapp migrate`.')


def run(since: date | None, until: date | None, by: list[reports.Side], form: Literal['csv', 'json']) -> None:
    """:raises CommandFailed: wrong settings, or there is no database, or it can't be used"""
    chosen = quietly()
    last = until or datetime.now(UTC).date()
    wanted = reports.Filter(since or last.replace(day=1), last)
    sides = list(dict.fromkeys(by))

    async def write() -> None:
        store = Store(chosen.database_url)
        try:
            if await store.read(schema.version) is None:
                raise CommandFailed(*NO_DATABASE)
            pages = usage_records.pages(store, wanted, sides)
            async for piece in tabular.written(pages, usage_records.columns(sides), form):
                sys.stdout.write(piece.decode())
        finally:
            await store.close()

    with explained():
        asyncio.run(write())
