"""Brings the tables to the newest form. Loaded only where there is something to bring: alembic takes 11 MB."""

from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config
from alembic.script import Script
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

from webapp.errors import StoreUnavailable
from webapp.store import engines
from webapp.store.schema import MIGRATIONS, NEWER

LOCK = 0x77656261_7070  # PostgreSQL's advisory lock of those who migrate; any fixed number


def migrate(url: URL, revision: str = 'head') -> None:
    """Upgrade to `revision` in one transaction, which also keeps other processes out.

    :raises StoreUnavailable: the tables were made by a newer version
    """
    engine = engines.migrating(url)
    try:
        with engine.begin() as connection:
            if not engines.is_sqlite(url):
                connection.execute(text('SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0'))
                connection.execute(text('SELECT pg_advisory_xact_lock(:lock)'), {'lock': LOCK})
            try:
                command.upgrade(config(connection), revision)
            except CommandError as error:
                raise StoreUnavailable(detail=NEWER) from error
    finally:
        engine.dispose()


def draft(message: str, folder: Path = MIGRATIONS) -> Path:
    """Write the next version in `folder`: what `tables` has and the versions so far lack. To be read and mended."""
    with TemporaryDirectory() as empty:
        engine = engines.migrating(engines.parse(f'sqlite:///{empty}/draft.db'))
        with engine.begin() as connection:
            settings = config(connection, folder)
            command.upgrade(settings, 'head')
            known = [int(path.name.partition('_')[0]) for path in (folder / 'versions').glob('[0-9]*.py')]
            number = max(known, default=0) + 1
            script = command.revision(settings, message, autogenerate=True, rev_id=f'{number:04}')
    assert isinstance(script, Script)
    return Path(script.path)


def config(connection: Connection | None = None, folder: Path = MIGRATIONS) -> Config:
    """Alembic's settings; there is no file of them."""
    made = Config()
    made.set_main_option('script_location', str(folder).replace('%', '%%'))
    made.attributes['connection'] = connection
    return made
