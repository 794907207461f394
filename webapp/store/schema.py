"""Which form the tables have, and which they should have. Says nothing of how they get there: see `migration`."""

from pathlib import Path

from sqlalchemy import inspect, text
from sqlmodel import Session

MIGRATIONS = Path(__file__).with_name('migrations')
EMPTY = 'The database is empty: run `webapp migrate`.'
NEWER = 'The database was made by a newer version of this program.'


def version(session: Session) -> str | None:
    """Of the tables; None while there are none."""
    if not inspect(session.connection()).has_table('alembic_version'):
        return None
    found: str | None = session.scalar(text('SELECT version_num FROM alembic_version'))
    return found


def complaint(session: Session) -> str | None:
    """`None` if the tables have the newest form, else a sentence."""
    found, known = version(session), versions()
    if found == known[-1]:
        return None
    if found is None:
        return EMPTY
    if found in known:
        return f'The database is at version {found}, the program needs {known[-1]}: run `webapp migrate`.'
    return NEWER


def versions() -> list[str]:
    """All that this program knows, the newest last: the numbers that the files of the migrations begin with."""
    return sorted(path.name.partition('_')[0] for path in (MIGRATIONS / 'versions').glob('[0-9]*.py'))
