"""How the database is, asked without changing it."""

from dataclasses import dataclass
from itertools import product

from sqlalchemy import inspect, text
from sqlmodel import Session

from webapp.store import schema
from webapp.store.tables import Table


@dataclass(frozen=True, slots=True)
class Condition:
    server: str
    version: str | None  # of our tables; None while there are none
    complaint: str | None  # a sentence, if the tables have not the newest form
    may_write: bool  # make tables while there are none, change rows afterwards


def condition(session: Session) -> Condition:
    found = schema.version(session)
    return Condition(
        server=server(session),
        version=found,
        complaint=schema.complaint(session),
        may_write=_is_sqlite(session) or _may_write(session, is_new=found is None),
    )


def server(session: Session) -> str:
    """Such as 'SQLite 3.45.1' or 'PostgreSQL 16.3'."""
    is_sqlite = _is_sqlite(session)
    version = session.scalar(text('SELECT sqlite_version()' if is_sqlite else 'SHOW server_version'))
    return f'{"SQLite" if is_sqlite else "PostgreSQL"} {str(version).split()[0]}'


def size(session: Session) -> int:
    """Bytes of the whole database; neither kind reads it to tell."""
    if _is_sqlite(session):
        return int(session.scalar(text('SELECT page_count * page_size FROM pragma_page_count, pragma_page_size')) or 0)
    return int(session.scalar(text('SELECT pg_database_size(current_database())')) or 0)


def write_nothing(session: Session) -> None:
    """A command that only takes the right to write: it fails where another could not change anything."""


def _is_sqlite(session: Session) -> bool:
    return session.connection().dialect.name == 'sqlite'


def _may_write(session: Session, *, is_new: bool) -> bool:
    """PostgreSQL: whether this is no copy that follows another server, and we have the right."""
    if session.scalar(text('SELECT pg_is_in_recovery()')):
        return False
    if is_new:
        return bool(session.scalar(text("SELECT has_schema_privilege(current_schema(), 'CREATE')")))
    has_right = text('SELECT has_table_privilege(quote_ident(:table), :right)')
    tables = set(inspect(session.connection()).get_table_names()) & set(Table.metadata.tables)
    wanted = product(sorted(tables), ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
    return all(session.scalar(has_right, {'table': table, 'right': right}) for table, right in wanted)
