"""`webapp migrate`: brings the database to the newest form."""

import asyncio
import sys

from webapp import log
from webapp.commands.database import explained
from webapp.commands.terminal import chosen_settings
from webapp.store import schema
from webapp.store.database import Store


def run() -> None:
    """:raises CommandFailed: wrong settings, or the database can't be used"""
    chosen = chosen_settings()
    log.configure(secrets=chosen.secrets())

    async def migrate() -> tuple[str | None, str | None]:
        store = Store(chosen.database_url)
        try:
            before = await store.read(schema.version)
            await asyncio.to_thread(store.migrate)
            return before, await store.read(schema.version)
        finally:
            await store.close()

    with explained('The database could not be migrated.'):
        before, after = asyncio.run(migrate())
    if before == after:
        print(f'The database is up to date: version {after}.', file=sys.stderr)
    else:
        print(f'The database is up to date now: version {after}, before {before or "empty"}.', file=sys.stderr)
