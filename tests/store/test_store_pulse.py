"""How it goes, from the database: what is under way, and what has failed lately and why."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session
from store_support import NOW, Ask

from webapp.chat.message import Failure, Reply, Status, TextPart
from webapp.store import answers, engines, migration, pulse, schema
from webapp.store.database import Store
from webapp.store.messages import Begun
from webapp.store.pulse import Failures
from webapp.store.users import User

HOUR = timedelta(hours=1)


async def end(store: Store, begun: Begun, reply: Reply, now: datetime = NOW) -> None:
    await store.write(answers.finish, message_id=begun.message.id, reply=reply, now=now, unread=False)


def broken(code: str, status: Status = Status.FAILED) -> Reply:
    return Reply(status, failure=Failure(code, 'a detail'))


async def test_answers_under_way_are_counted_by_app(store: Store, ann: User, bob: User, ask: Ask) -> None:
    assert (await store.read(pulse.read, since=NOW)).running == {}
    ended = await ask(ann)
    await end(store, ended, Reply(Status.COMPLETE))
    for who in (ann, bob):
        await ask(who)
    await ask(ann, app='hr')
    assert (await store.read(pulse.read, since=NOW)).running == {'support': 2, 'hr': 1}


async def test_failures_are_told_by_app_and_code(store: Store, ann: User, ask: Ask) -> None:
    for minutes, app, reply in [
        (0, 'support', broken('too_busy')),
        (1, 'support', broken('too_busy')),
        (2, 'support', broken('stream_cut', Status.INTERRUPTED)),
        (3, 'hr', broken('too_busy')),
        (4, 'hr', Reply(Status.COMPLETE)),
        (5, 'hr', Reply(Status.STOPPED)),
        (-61, 'hr', broken('long_ago')),
    ]:
        await end(store, await ask(ann, app=app), reply, NOW + timedelta(minutes=minutes))
    found = await store.read(pulse.read, since=NOW - HOUR)
    assert found.failures == [
        Failures('support', 'too_busy', 2, NOW + timedelta(minutes=1)),
        Failures('hr', 'too_busy', 1, NOW + timedelta(minutes=3)),
        Failures('support', 'stream_cut', 1, NOW + timedelta(minutes=2)),
    ]
    assert found.answers == {'support': 3, 'hr': 3}


async def test_a_failure_stays_when_its_conversation_goes(store: Store, ann: User, ask: Ask) -> None:
    begun = await ask(ann)
    await end(store, begun, broken('too_busy'))
    await store.write(lambda session: session.connection().execute(text('DELETE FROM conversations')) and None)
    assert [each.code for each in (await store.read(pulse.read, since=NOW)).failures] == ['too_busy']


async def test_what_was_repaired_has_not_failed(store: Store, ann: User, ask: Ask) -> None:
    begun = await ask(ann)
    await end(store, begun, broken('stream_cut', Status.INTERRUPTED))
    whole = Reply(Status.COMPLETE, (TextPart('all of it'),), repaired=True)
    assert await store.write(answers.repair, message_id=begun.message.id, reply=whole, now=NOW)
    found = await store.read(pulse.read, since=NOW)
    assert (found.failures, found.answers) == ([], {'support': 1})


async def test_what_is_reported_later_leaves_the_reason(store: Store, ann: User, ask: Ask) -> None:
    begun, reply = await ask(ann), broken('model_failed')
    await end(store, begun, reply)
    await store.write(answers.amend, message_id=begun.message.id, reply=reply)
    assert [each.code for each in (await store.read(pulse.read, since=NOW)).failures] == ['model_failed']


async def test_an_end_that_could_not_be_kept_is_a_failure_of_ours(store: Store, ann: User, ask: Ask) -> None:
    begun = await ask(ann)
    for command in (answers.abandon, answers.charge):
        await store.write(command, message_id=begun.message.id, now=NOW)
    assert [each.code for each in (await store.read(pulse.read, since=NOW)).failures] == ['internal_error']


async def test_it_tells_of_the_database(store: Store, database: str) -> None:
    found = await store.read(pulse.read, since=NOW)
    assert found.server.startswith('SQLite 3.' if database.startswith('sqlite') else 'PostgreSQL ')
    assert found.size > 100_000
    assert found.version == schema.versions()[-1]


@pytest.fixture
def ledger_of_before(url: str) -> None:
    """A database as it was before failures were in the ledger, with an answer in it."""
    if url.startswith('sqlite'):
        engines.prepare_file(engines.parse(url))
    migration.migrate(engines.parse(url), '0006')
    engine = engines.writing(engines.parse(url), 1)
    with Session(engine) as session, session.begin():
        session.connection().execute(
            text(
                'INSERT INTO usage (id, message_id, user_id, app, conversation_id, day, created_at, outcome, pricing,'
                " currency) VALUES ('u', 'm', 'ann', 'hr', 'c', '2026-03-01', 1772366400000000, 'failed',"
                " 'unknown', '')"
            )
        )
    engine.dispose()


async def test_an_answer_of_before_has_failed_for_no_known_reason(url: str, ledger_of_before: None) -> None:
    store = Store(url)
    store.migrate()
    found = await store.read(pulse.read, since=NOW - HOUR)
    assert (found.answers, found.failures) == ({'hr': 1}, [])
    assert await store.check() is None
    await store.close()
