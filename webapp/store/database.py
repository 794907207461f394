"""The store: one plain function is one transaction."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Concatenate, Literal, ParamSpec, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError, TimeoutError
from sqlmodel import Session

from webapp.errors import StoreUnavailable
from webapp.store import engines, schema

Kind = Literal['read', 'write']
Done = Callable[[Kind, float], None]

P = ParamSpec('P')
T = TypeVar('T')

READERS = 4
WRITERS = 4  # PostgreSQL; SQLite has one
ATTEMPTS = 12
PATIENCE = 30.0  # seconds a command may wait for its turn
LOST_RACES = {  # SQLSTATEs, and how often a command that meets them is tried
    **dict.fromkeys(('23505', '40001', '40P01'), ATTEMPTS),  # unique violation, serialization failure, deadlock
    '23503': 3,  # foreign key violation: what it hangs on has just gone; if that is so again, it is a mistake
}
OUTAGES = {'42501', '42P01', '42703'}  # no privilege, no such table, no such column


class Store:
    """The database, for asynchronous callers. Queries and commands are plain functions that take a `Session` first.

        page = await store.read(conversations.page, user_id=principal.user_id, app='support')

    They run in threads of the store's own and give values, never rows.

    :param url: `sqlite:///path` (the folder is made) or `postgresql+psycopg://...`
    :param on_done: told of each, in the store's threads: which it was, and how many seconds it took, waiting included
    :raises ValueError: another kind of URL
    :raises StoreUnavailable: the file can't be made
    """

    def __init__(self, url: str, *, on_done: Done = lambda kind, seconds: None) -> None:
        self._url = engines.parse(url)
        self._on_done = on_done
        is_file = engines.is_sqlite(self._url)
        if is_file:
            engines.prepare_file(self._url)
        writers = 1 if is_file else WRITERS
        self._reading = engines.reading(self._url, READERS)
        self._writing = engines.writing(self._url, writers)
        self._readers = ThreadPoolExecutor(READERS, 'store-reader')
        self._writers = ThreadPoolExecutor(writers, 'store-writer')

    async def read(self, query: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `query` on one state of the database; it can't change anything.

        :raises StoreUnavailable: the database can't be asked
        """
        return await self._submit('read', lambda: _once(self._reading, lambda s: query(s, *args, **kwargs)))

    async def write(self, command: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `command` as one transaction: all of it is kept, or, if it raises, nothing.

        Once called it runs to its end, whether or not the caller is cancelled while waiting. A command that lost a race
        against another one is run again, so it must do nothing but use its session.

        :raises StoreUnavailable: nothing was kept, as far as we know
        """
        asked = time.monotonic()

        def run() -> T:
            if time.monotonic() - asked > PATIENCE:
                raise StoreUnavailable(
                    detail=f'not written within {PATIENCE:.0f} s: the database is too slow or locked'
                )
            return _until_settled(self._writing, lambda s: command(s, *args, **kwargs))

        return await asyncio.shield(self._submit('write', run))

    def migrate(self) -> None:
        """Bring the tables to the newest form. Safe when several processes start at once.

        :raises StoreUnavailable: the database can't be reached, or was made by a newer version
        """
        with _translated():
            if self._is_newest():
                return
            from webapp.store import migration  # noqa: PLC0415  it loads alembic, which most starts don't need

            migration.migrate(self._url)

    def _is_newest(self) -> bool:
        """Asked under the lock of those who migrate, and with their patience."""
        engine = engines.migrating(self._url)
        try:
            with engine.begin() as connection, Session(connection) as session:
                return schema.complaint(session) is None
        finally:
            engine.dispose()

    async def check(self) -> str | None:
        """`None` if all is well, else a sentence on what is not."""
        try:
            return await self.read(schema.complaint)
        except StoreUnavailable as error:
            return f'The database cannot be reached: {error.detail}'

    async def close(self) -> None:
        """Wait for the commands under way, then let go of the database. Nothing can be read or written afterwards."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writers.shutdown()
        self._readers.shutdown()
        self._writing.dispose()
        self._reading.dispose()

    def _submit(self, kind: Kind, work: Callable[[], T]) -> asyncio.Future[T]:
        asked = time.monotonic()

        def run() -> T:
            try:
                with _translated():
                    return work()
            finally:
                self._on_done(kind, time.monotonic() - asked)

        threads = self._readers if kind == 'read' else self._writers
        try:
            return asyncio.get_running_loop().run_in_executor(threads, run)
        except RuntimeError as error:  # only raised by an executor that was shut down
            raise StoreUnavailable(detail='the store is closed') from error


def _once(engine: Engine, work: Callable[[Session], T]) -> T:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        return work(session)


def _until_settled(engine: Engine, work: Callable[[Session], T]) -> T:
    """Run a transaction, again if another one got in between; what was in its way is visible to it then."""
    for attempt in range(1, ATTEMPTS):
        try:
            return _once(engine, work)
        except DBAPIError as error:
            if attempt >= LOST_RACES.get(_sqlstate(error) or '', 0):
                raise
            time.sleep(random.uniform(0, 0.002 * 2**attempt))  # noqa: S311  spreads the rivals, is no secret
    return _once(engine, work)


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, 'sqlstate', None)


MISTAKES = (IntegrityError, ProgrammingError, DataError, NotSupportedError)


@contextmanager
def _translated() -> Iterator[None]:
    """The database's own trouble becomes `StoreUnavailable`; mistakes of ours (bad SQL, broken rules) stay."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error, MISTAKES) and _sqlstate(error) not in OUTAGES:
            raise
        raise StoreUnavailable(detail=str(error.orig).strip().partition('\n')[0]) from error
    except TimeoutError as error:
        raise StoreUnavailable(detail='no free connection to the database') from error
