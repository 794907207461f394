"""Transactions, threads, and databases in trouble."""

import asyncio
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select
from store_support import NOW, Ask, visit

from webapp.errors import NotFound, StoreUnavailable
from webapp.store import conversations, database, feedback, messages
from webapp.store.database import Store
from webapp.store.tables import IdentityRow
from webapp.store.users import User


def names(session: Session) -> list[str]:
    return sorted(session.exec(select(IdentityRow.subject)))


async def test_a_command_that_raises_leaves_nothing_behind(store: Store) -> None:
    def visit_in_vain(session: Session) -> None:
        visit(session, 'ann')
        raise NotFound

    with pytest.raises(NotFound):
        await store.write(visit_in_vain)
    assert await store.read(names) == []
    await store.write(visit, 'bob')
    assert await store.read(names) == ['bob']


async def test_a_cancelled_command_is_kept_whole_and_the_store_goes_on(store: Store) -> None:
    started, may_end = threading.Event(), threading.Event()

    def visit_slowly(session: Session) -> None:
        visit(session, 'ann')
        started.set()
        may_end.wait(30)
        visit(session, 'bob')

    running = asyncio.create_task(store.write(visit_slowly))
    queued = [asyncio.create_task(store.write(visit, f'guest {n}')) for n in range(8)]
    await asyncio.to_thread(started.wait, 30)
    for task in (running, *queued):
        task.cancel()
    await asyncio.gather(running, *queued, return_exceptions=True)
    may_end.set()
    await store.write(visit, 'zoe')
    await until(lambda: store.read(names), ['ann', 'bob', *(f'guest {n}' for n in range(8)), 'zoe'])


async def until(look, expected) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(20):
        while await look() != expected:
            await asyncio.sleep(0.01)


async def test_a_command_that_waited_too_long_is_not_begun(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, 'PATIENCE', -1.0)
    with pytest.raises(StoreUnavailable, match='too slow or locked'):
        await store.write(visit, 'ann')
    assert await store.read(names) == []


async def test_a_read_sees_one_state_and_can_not_write(store: Store) -> None:
    loop = asyncio.get_running_loop()

    def read_twice(session: Session) -> tuple[list[str], list[str]]:
        first = names(session)
        asyncio.run_coroutine_threadsafe(store.write(visit, 'ann'), loop).result(30)
        session.expire_all()
        return first, names(session)

    assert await store.read(read_twice) == ([], [])
    assert await store.read(names) == ['ann']
    with pytest.raises(StoreUnavailable, match=r'readonly|read-only'):
        await store.read(visit, 'bob')


async def test_mistakes_of_ours_stay_mistakes(store: Store, ann: User, ask: Ask) -> None:
    def break_a_rule(session: Session) -> None:
        session.connection().execute(text("UPDATE conversations SET user_id = 'nobody'"))

    await ask(ann)
    with pytest.raises(IntegrityError):
        await store.write(break_a_rule)


async def test_what_somebody_has_taken_away_in_between_is_looked_for_again(store: Store, ann: User, ask: Ask) -> None:
    """On SQLite nobody gets in between."""
    begun, loop = await ask(ann), asyncio.get_running_loop()
    looks: list[bool] = []

    def rate(session: Session) -> None:
        is_there = messages.is_there(session, message_id=begun.message.id)
        looks.append(is_there)
        if is_there and session.connection().dialect.name == 'postgresql':
            about = {'user_id': ann.id, 'conversation_id': begun.conversation.id, 'now': NOW}
            asyncio.run_coroutine_threadsafe(store.write(conversations.delete, **about), loop).result(30)
        if is_there:
            session.add(feedback.blank('f', app='support', upstream=('m', 'c'), message_id=begun.message.id))

    await store.write(rate)
    assert looks in ([True], [True, False])


async def test_whoever_measures_is_told_of_each_transaction(database: str) -> None:
    told: list[tuple[str, float]] = []
    store = Store(database, on_done=lambda kind, seconds: told.append((kind, seconds)))

    def fail(session: Session) -> None:
        raise NotFound

    assert await store.read(names) == []
    await store.write(visit, 'ann')
    with pytest.raises(NotFound):
        await store.write(fail)
    await store.write(lambda session: time.sleep(0.05))
    assert [kind for kind, _ in told] == ['read', 'write', 'write', 'write']
    assert told[-1][1] >= 0.05
    assert all(0 <= seconds < 30 for _, seconds in told)
    await store.close()


async def test_a_closed_store_says_so(database: str) -> None:
    store = Store(database)
    pending = asyncio.create_task(store.write(visit, 'ann'))
    await asyncio.sleep(0)
    await store.close()
    await pending
    with pytest.raises(StoreUnavailable, match='closed'):
        await store.read(names)
    with pytest.raises(StoreUnavailable, match='closed'):
        await store.write(visit, 'bob')
    assert await store.check() == 'The database cannot be reached: the store is closed'


async def test_messages_of_trouble_hold_no_data(store: Store, ann: User) -> None:
    def fail(session: Session) -> None:
        session.connection().execute(text('SELECT :secret FROM nowhere'), {'secret': 'my diary'})

    with pytest.raises(Exception, match='nowhere') as failed:
        await store.write(fail)
    assert 'my diary' not in str(failed.value)


@pytest.mark.parametrize('database', ['sqlite'], indirect=True)
class TestSqlite:
    @pytest.fixture
    def file(self, store: Store, tmp_path: Path) -> Path:
        return tmp_path / 'data' / 'webapp.db'

    @pytest.fixture
    def rival(self, file: Path) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(file, isolation_level=None)) as rival:
            yield rival

    async def test_only_its_owner_may_read_the_file(self, store: Store, file: Path) -> None:
        await store.write(visit, 'ann')
        assert {p.stat().st_mode & 0o777 for p in file.parent.iterdir()} == {0o600}
        assert file.parent.stat().st_mode & 0o777 == 0o700

    async def test_a_lock_is_waited_for_and_reading_goes_on(self, store: Store, rival: sqlite3.Connection) -> None:
        await store.write(visit, 'ann')
        rival.execute('BEGIN IMMEDIATE')
        waiting = asyncio.create_task(store.write(visit, 'bob'))
        assert await store.read(names) == ['ann']
        rival.execute('COMMIT')
        await waiting
        assert await store.read(names) == ['ann', 'bob']

    async def test_a_lock_that_stays_is_an_outage(self, store: Store, rival: sqlite3.Connection) -> None:
        rival.execute('BEGIN IMMEDIATE')
        with pytest.raises(StoreUnavailable, match='locked'):
            await store.write(visit, 'ann')
        rival.execute('ROLLBACK')
        await store.write(visit, 'bob')
        assert await store.read(names) == ['bob']

    async def test_a_full_disk_is_an_outage(self, store: Store) -> None:
        def fill(session: Session) -> None:
            session.connection().execute(text('PRAGMA max_page_count = 1'))
            visit(session, 'x' * 1900)
            for n in range(100):
                visit(session, f'{n}{"x" * 1900}')

        with pytest.raises(StoreUnavailable, match='full'):
            await store.write(fill)
        assert await store.read(names) == []

    async def test_a_killed_process_leaves_whole_transactions(self, store: Store, file: Path) -> None:
        await store.write(visit, 'ann')
        script = KILLED_WHILE_WRITING.format(url=f'sqlite:///{file}')
        process = await asyncio.create_subprocess_exec(sys.executable, '-c', script)
        assert await process.wait() == -signal.SIGKILL
        assert await store.read(names) == ['ann', 'whole']
        await store.write(visit, 'bob')


KILLED_WHILE_WRITING = """
import asyncio, os, signal
from datetime import UTC, datetime
from webapp.principal import Identity
from webapp.store import database, users
from webapp.store.database import Store

def visit(session, name, then_die=False):
    identity = Identity('test', name, 'test')
    users.sign_in(session, identity=identity, role='user', secret='s', now=datetime.now(UTC))
    if then_die:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    store = Store('{url}')
    await store.write(visit, 'whole')
    await store.write(visit, 'half', then_die=True)

asyncio.run(main())
"""


@pytest.mark.parametrize('database', ['postgresql'], indirect=True)
class TestPostgres:
    async def test_a_connection_that_was_cut_is_replaced(self, store: Store) -> None:
        await store.write(visit, 'ann')

        def cut_the_others(session: Session) -> None:
            cut = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()'
            session.connection().execute(text(f'{cut} AND datname = current_database()'))

        await store.read(names)
        await store.write(cut_the_others)
        assert await store.read(names) == ['ann']
        await store.write(visit, 'bob')

    async def test_a_connection_cut_in_the_middle_is_an_outage(self, store: Store) -> None:
        def cut_myself(session: Session) -> None:
            visit(session, 'ann')
            session.connection().execute(text('SELECT pg_terminate_backend(pg_backend_pid())'))

        with pytest.raises(StoreUnavailable):
            await store.write(cut_myself)
        assert await store.read(names) == []

    async def test_a_deadlock_is_settled_by_running_one_again(self, store: Store) -> None:
        for name in ('ann', 'bob'):
            await store.write(visit, name)
        both_hold_one = threading.Barrier(2)

        def rename(session: Session, first: str, second: str, runs: list[str]) -> None:
            runs.append(first)
            change = text('UPDATE identities SET name = :first WHERE subject = :subject')
            session.connection().execute(change, {'first': first, 'subject': first})
            if len(runs) == 1:
                both_hold_one.wait(30)
            session.connection().execute(change, {'first': first, 'subject': second})

        one, two = [], []  # type: ignore[var-annotated]
        await asyncio.gather(store.write(rename, 'ann', 'bob', one), store.write(rename, 'bob', 'ann', two))
        assert len(one + two) > 2


async def test_a_file_that_is_no_database_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / 'broken.db').write_bytes(b'This is no database. ' * 1000)
    store = Store(f'sqlite:///{tmp_path}/broken.db')
    with pytest.raises(StoreUnavailable, match='not a database'):
        store.migrate()
    assert 'not a database' in str(await store.check())
    await store.close()


@pytest.mark.parametrize(
    'address', ['', 'nonsense', 'sqlite://', 'sqlite:///:memory:', 'mysql://x', 'postgresql+asyncpg://x', 'https://x']
)
def test_other_databases_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match='database'):
        Store(address)


def test_a_folder_that_can_not_be_made_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    with pytest.raises(StoreUnavailable, match='file'):
        Store(f'sqlite:///{tmp_path}/file/webapp.db')


async def test_a_server_that_is_not_there_is_an_outage() -> None:
    store = Store('postgresql://nobody:secret-word@127.0.0.1:1/nowhere')
    complaint = await store.check()
    assert complaint
    assert complaint.startswith('The database cannot be reached: ')
    assert 'secret-word' not in complaint
    await store.close()
