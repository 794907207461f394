"""Brings the tables to the newest form, and says whether they have it."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import URL
from sqlmodel import Session

from webapp.errors import StoreUnavailable
from webapp.store import engines

MIGRATIONS = Path(__file__).with_name('migrations')
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


def complaint(session: Session) -> str | None:
    """`None` if the tables have the newest form, else a sentence."""
    connection = session.connection()
    if not inspect(connection).has_table('alembic_version'):
        return 'The database is empty: run `webapp migrate`.'
    found, newest = MigrationContext.configure(connection).get_current_revision(), _newest()
    if found == newest:
        return None
    if found in _known():
        return f'The database is at version {found}, the program needs {newest}: run `webapp migrate`.'
    return NEWER


def draft(message: str, folder: Path = MIGRATIONS) -> Path:
    """Write the next version in `folder`: what `tables` has and the versions so far lack. To be read and mended."""
    with TemporaryDirectory() as empty:
        engine = engines.migrating(engines.parse(f'sqlite:///{empty}/draft.db'))
        with engine.begin() as connection:
            settings = config(connection, folder)
            command.upgrade(settings, 'head')
            number = len(list((folder / 'versions').glob('*.py'))) + 1
            script = command.revision(settings, message, autogenerate=True, rev_id=f'{number:04}')
    assert isinstance(script, Script)
    return Path(script.path)


NEWER = 'The database was made by a newer version of this program.'


def config(connection: Connection | None = None, folder: Path = MIGRATIONS) -> Config:
    """Alembic's settings; there is no file of them."""
    made = Config()
    made.set_main_option('script_location', str(folder).replace('%', '%%'))
    made.attributes['connection'] = connection
    return made


@cache
def _newest() -> str | None:
    return ScriptDirectory.from_config(config()).get_current_head()


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory.from_config(config()).walk_revisions())
