"""The tables: made from nothing, kept over versions, by any number of processes at once."""

import asyncio
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, Engine, text
from sqlmodel import Session
from store_support import NOW, Ask

from webapp.chat.message import Status
from webapp.errors import StoreUnavailable
from webapp.store import (
    conversations,
    engines,
    feedback,
    feedback_queue,
    leftovers,
    messages,
    migration,
    reports,
    schema,
    sessions,
    speeds,
)
from webapp.store.database import Store
from webapp.store.tables import Table
from webapp.store.users import User


@pytest.fixture
def database(url: str) -> str:
    """One that was migrated for the test, which may change its tables."""
    if url.startswith('sqlite'):
        engines.prepare_file(engines.parse(url))
    migration.migrate(engines.parse(url))
    return url


async def test_migrations_make_the_tables_that_the_code_speaks_of(store: Store) -> None:
    def differences(session: Session) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(session.connection()), Table.metadata))

    assert await store.read(differences) == []


def test_migrations_make_the_same_indexes_conditions_included(tmp_path: Path) -> None:
    """Autogeneration does not compare the conditions of partial indexes."""

    def indexes(name: str, make: Callable[[Connection], object]) -> set[str]:
        url = engines.parse(f'sqlite:///{tmp_path}/{name}')
        with engines.migrating(url).begin() as connection:
            make(connection)
            return set(connection.scalars(text("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql <> ''")))

    migrated = indexes('migrated.db', lambda connection: command.upgrade(migration.config(connection), 'head'))
    assert migrated == indexes('created.db', Table.metadata.create_all)
    assert any(index.endswith("WHERE status = 'running'") for index in migrated)


def test_a_new_version_is_drafted_from_the_tables(tmp_path: Path) -> None:
    shutil.copytree(migration.MIGRATIONS, tmp_path / 'migrations')
    drafted = migration.draft('no change', tmp_path / 'migrations')
    assert drafted.name == '0016_no_change.py'
    assert "revision = '0016'\ndown_revision = '0015'" in drafted.read_text()
    assert 'pass' in drafted.read_text()

    for version in (tmp_path / 'migrations' / 'versions').glob('*.py'):
        version.unlink()
    drafted = migration.draft('all tables', tmp_path / 'migrations')
    assert "sa.Column('created_at', sa.BigInteger(), nullable=False)" in drafted.read_text()
    assert 'Moment' not in drafted.read_text()


async def test_migrations_speak_of_plain_types_only() -> None:
    for version in (migration.MIGRATIONS / 'versions').glob('*.py'):
        assert 'webapp' not in version.read_text()
        assert 'sqlmodel' not in version.read_text()


async def test_the_store_says_what_its_tables_lack(url: str) -> None:
    store = Store(url)
    assert await store.check() == 'The database is empty: run `webapp migrate`.'
    store.migrate()
    assert await store.check() is None
    store.migrate()
    assert await store.check() is None

    await store.write(lambda session: _set_version(session, 'from the future') and None)
    assert await store.check() == schema.NEWER
    with pytest.raises(StoreUnavailable, match='newer version'):
        store.migrate()
    await store.close()


def _set_version(session: Session, version: str) -> object:
    return session.connection().execute(text('UPDATE alembic_version SET version_num = :v'), {'v': version})


async def test_many_processes_may_start_at_once(url: str) -> None:
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, '-c', MIGRATES, url, stdin=pipe, stdout=pipe, stderr=pipe)
        for _ in range(6)
    ]
    for process in processes:
        assert process.stdout
        assert await process.stdout.readline() == b'ready\n'
    errors = await asyncio.gather(*(process.communicate(b'go\n') for process in processes))
    assert [p.returncode for p in processes] == [0] * 6, errors
    store = Store(url)
    assert await store.check() is None
    await store.close()


MIGRATES = """
import sys
from webapp.store import schema
from webapp.store.database import Store

print('ready', flush=True)
sys.stdin.readline()
Store(sys.argv[1]).migrate()
"""


def first_version(url: str) -> Engine:
    """A database as version 0001 left it."""
    if url.startswith('sqlite'):
        engines.prepare_file(engines.parse(url))
    migration.migrate(engines.parse(url), '0001')
    engine = engines.writing(engines.parse(url), 1)
    with engine.begin() as connection:
        for statement in FIRST_VERSION.read_text().split(';\n'):
            if statement.strip():
                connection.exec_driver_sql(statement)
    return engine


async def test_a_database_of_the_first_version_opens_with_this_one(url: str) -> None:
    """Its rows are written as text, as version 0001 had them: they must be read for ever."""
    first_version(url).dispose()

    store = Store(url)
    store.migrate()
    assert await store.check() is None
    [conversation] = await store.read(conversations.page, user_id='u1', app='support', search='HOLÀ')
    assert (conversation.title, conversation.updated_at) == ('¡Holà!', NOW)
    [message] = await store.read(messages.history, user_id='u1', conversation_id='c1')
    assert (message.query, message.reply.text, message.reply.status) == ('¡Holà!', 'Good *day*.', Status.COMPLETE)
    assert (message.parent, message.versions, message.upstream_id) == (0, ('m1',), 'up-1')
    assert message.reply.usage
    assert str(message.reply.usage.total_price) == '0.0000026'
    [leftover] = await store.read(leftovers.abandoned)
    assert (leftover.message_id, leftover.dify_user) == ('m2', 'u_1')
    found = await store.read(sessions.look_up, token_hash='h1', now=NOW, idle=sessions.TOUCH * 60)
    assert found
    assert (found.user.name, found.identity.subject, found.identity.provider) == ('Ann', 'ann', 'https://id.example')
    assert (message.files, message.made, message.rating) == ((), (), '')
    await store.write(feedback.rate, user_id='u1', message_id='m1', rating='like', comment='yes', now=NOW)
    assert (await store.read(messages.owned, user_id='u1', message_id='m1')).rating == 'like'
    [line] = await store.read(reports.summed, wanted=THAT_DAY, by=('user', 'app', 'day', 'model'))
    assert (line.keys, line.total.answers) == (('u1', 'support', '2026-03-01', ''), 1)
    assert (line.total.currency, line.total.price, line.total.total_tokens) == ('USD', Decimal('0.0000026'), 11)
    await store.close()


THAT_DAY = reports.Filter(NOW.date(), NOW.date())
TIMES = (0, 9, 10, 11, 12, 14, 17, 20, 24, 28, 34, 40, 999, 5_000, 60_000, 1_260_000, 10_400_000, 10_500_000)


async def test_what_was_spent_before_there_were_sums_is_added_up(url: str) -> None:
    if url.startswith('sqlite'):
        engines.prepare_file(engines.parse(url))
    migration.migrate(engines.parse(url), '0003')
    engine = engines.writing(engines.parse(url), 1)
    with engine.begin() as connection:
        for number, milliseconds in enumerate(TIMES):
            connection.execute(
                text(
                    'INSERT INTO usage (id, message_id, user_id, app, conversation_id, day, created_at, outcome,'
                    ' pricing, total_tokens, total_nano, currency, latency_ms) VALUES (:n, :n, :user, :app, :n, :day,'
                    " 0, 'complete', 'priced', 7, 9000000000000000001, 'VND', :ms)"
                ),
                {'n': f'{number}', 'user': f'u{number % 3}', 'app': 'hr', 'day': '2026-03-01', 'ms': milliseconds},
            )
    engine.dispose()
    store = Store(url)
    store.migrate()
    [line] = await store.read(reports.summed, wanted=THAT_DAY)
    expected = Decimal('9000000000.000000001') * len(TIMES)
    assert (line.total.answers, line.total.total_tokens, line.total.price) == (len(TIMES), 7 * len(TIMES), expected)

    def counts(session: Session) -> dict[int, int]:
        rows = session.connection().execute(text('SELECT bucket, answers FROM usage_speeds'))
        return {row.bucket: row.answers for row in rows}

    assert await store.read(counts) == Counter(map(speeds.bucket, TIMES))
    await store.close()


async def test_ratings_of_before_there_was_a_queue_are_new_in_it(url: str) -> None:
    engine = first_version(url)
    migration.migrate(engines.parse(url), '0005')
    with engine.begin() as connection:
        rated = (
            "INSERT INTO feedback VALUES ('m1', 'u1', 'dislike', 'STRAßE', 5, true, 1, NULL),"
            " ('m2', 'u1', '', '', 6, false, 0, 7)"
        )
        connection.exec_driver_sql(rated)
    engine.dispose()
    store = Store(url)
    store.migrate()
    wanted = feedback_queue.Filter(search='strasse')
    [rated_one] = (await store.read(feedback_queue.page, wanted=wanted, with_texts=True)).rows
    assert (rated_one.id, rated_one.rating, rated_one.state, rated_one.user_id) == ('m1', 'dislike', 'new', 'u1')
    named = (rated_one.app, rated_one.upstream_conversation_id, rated_one.upstream_message_id)
    assert named == ('support', 'up-1', 'up-m')
    [job] = await store.write(feedback.claim_due, now=NOW)
    assert (job.message_id, job.rating) == ('m2', None)
    await store.close()


FIRST_VERSION = Path(__file__).with_name('rows_of_version_0001.sql')


async def test_a_version_may_replace_a_table_without_losing_what_refers_to_it(
    store: Store, url: str, ann: User, ask: Ask
) -> None:
    await ask(ann)
    engine = engines.migrating(engines.parse(url))
    with engine.begin() as connection:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table('users', recreate='always' if url.startswith('sqlite') else 'auto') as users:
            users.alter_column('name', nullable=True)
    engine.dispose()
    assert len(await store.read(conversations.page, user_id=ann.id, app='support')) == 1
