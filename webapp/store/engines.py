"""Connections: which URLs we take, and how each kind of database is set up."""

import sqlite3
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from webapp.errors import StoreUnavailable

BUSY_MS = 5_000  # how long a statement waits for another process's lock
STATEMENT_MS = 30_000  # PostgreSQL: how long a statement may take in all
MIGRATION_BUSY_MS = 60_000  # as long as another process may take to migrate


def parse(url: str) -> URL:
    """The database's address, with the driver we use.

    :raises ValueError: neither `sqlite:///path` nor `postgresql://...`
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError('not a database URL') from None  # the text may hold a password
    if parsed.drivername in {'postgres', 'postgresql', 'postgresql+psycopg'}:
        return parsed.set(drivername='postgresql+psycopg')
    if parsed.drivername in {'sqlite', 'sqlite+pysqlite'} and parsed.database not in {None, '', ':memory:'}:
        return parsed.set(drivername='sqlite+pysqlite')
    raise ValueError('the database must be sqlite:///path or postgresql+psycopg://...')


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == 'sqlite'


def prepare_file(url: URL) -> None:
    """Make the SQLite file, readable by nobody else, and the folders above it.

    :raises StoreUnavailable: they can't be made
    """
    path = Path(url.database or '')
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise StoreUnavailable(detail=f'{path}: {error.strerror}') from error


def reading(url: URL, threads: int) -> Engine:
    """Connections that see one state of the database in each transaction and refuse to change it."""
    if is_sqlite(url):
        return _sqlite(url, begin='BEGIN', pragmas=('query_only = ON',), pool_size=threads)
    engine = _postgres(url, pool_size=threads, isolation_level='REPEATABLE READ')
    return engine.execution_options(postgresql_readonly=True)


def writing(url: URL, threads: int) -> Engine:
    if is_sqlite(url):
        return _sqlite(url, begin='BEGIN IMMEDIATE', pragmas=WRITER_PRAGMAS, pool_size=threads)
    return _postgres(url, pool_size=threads, isolation_level='READ COMMITTED')


def migrating(url: URL) -> Engine:
    """On SQLite without foreign keys: a migration replaces whole tables, and dropping one must not cascade."""
    if is_sqlite(url):
        pragmas = ('journal_mode = WAL', 'foreign_keys = OFF')
        return _sqlite(url, begin='BEGIN IMMEDIATE', pragmas=pragmas, busy_ms=MIGRATION_BUSY_MS, poolclass=NullPool)
    return _postgres(url, poolclass=NullPool)


# FULL: what has been committed survives a power cut, not only a crash of ours
WRITER_PRAGMAS = ('journal_mode = WAL', 'synchronous = FULL', 'foreign_keys = ON')


def _sqlite(url: URL, *, begin: str, pragmas: tuple[str, ...], busy_ms: int = BUSY_MS, **pool: Any) -> Engine:
    engine = create_engine(url, **JSON, hide_parameters=True, **pool)

    @event.listens_for(engine, 'connect')
    def set_up(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # the driver begins no transactions of its own
        for pragma in (f'busy_timeout = {busy_ms}', *pragmas):
            connection.execute(f'PRAGMA {pragma}')

    @event.listens_for(engine, 'begin')
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgres(url: URL, **options: Any) -> Engine:
    given = url.query.get('options', '')  # comes last, so it wins
    url = url.update_query_dict({'options': f'-c lock_timeout={BUSY_MS} -c statement_timeout={STATEMENT_MS} {given}'})
    if 'connect_timeout' not in url.query:
        url = url.update_query_dict({'connect_timeout': '5'})
    if options.get('poolclass') is not NullPool:
        options |= {'max_overflow': 0, 'pool_pre_ping': True}
    return create_engine(url, **JSON, hide_parameters=True, **options)


def _dumps(data: object) -> str:
    return orjson.dumps(data).decode()


JSON: dict[str, Any] = {'json_serializer': _dumps, 'json_deserializer': orjson.loads}
