"""What must hold when something goes wrong at the worst moment."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from generations_support import ask, ended, repaired, row, text_begins
from sqlalchemy import text
from sqlmodel import Session
from support import databases

from webapp.apps import Apps
from webapp.changes import Changes
from webapp.chat.message import Status
from webapp.errors import NotFound
from webapp.files import Files
from webapp.generations import Generations, repair
from webapp.principal import Principal
from webapp.store import conversations
from webapp.store.database import Store


class SlowToAnswer(Store):
    """A database whose rows, once `hold` is cleared, are old by the time they are seen."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.hold = asyncio.Event()
        self.hold.set()
        self.has_read = asyncio.Event()

    async def read(self, query: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        found = await super().read(query, *args, **kwargs)
        if not self.hold.is_set():
            self.has_read.set()
        await self.hold.wait()
        return found


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SlowToAnswer]:
    store = SlowToAnswer(databases.place(tmp_path / 'webapp.db'))
    yield store
    await store.close()


async def execute(store: Store, statement: str) -> None:
    def run(session: Session) -> None:
        session.connection().execute(text(statement))

    await store.write(run)


async def test_a_draft_sent_again_while_its_answer_ends_asks_once(
    generations: Generations, store: SlowToAnswer, ann: Principal
) -> None:
    message = await ask(generations, ann, '/rate 50 /long 20')
    store.hold.clear()
    again = asyncio.create_task(ask(generations, ann, '/rate 50 /long 20'))
    await store.has_read.wait()  # the row says running
    await ended(generations, message)
    store.hold.set()
    assert (await again).reply.status is Status.COMPLETE
    assert generations.of(message.id) is None


async def test_an_end_that_can_not_be_kept_locks_no_conversation(
    generations: Generations, store: SlowToAnswer, ann: Principal, caplog: pytest.LogCaptureFixture
) -> None:
    await execute(store, "CREATE TRIGGER bug BEFORE INSERT ON usage BEGIN SELECT RAISE(ABORT, 'a bug'); END")
    message = await ask(generations, ann, '/echo lost')
    await ended(generations, message)
    kept = await row(store, ann, message)
    assert kept.reply.status is Status.INTERRUPTED
    assert kept.reply.failure
    assert kept.reply.failure.code == 'internal_error'
    assert f'answer {message.id} could not be kept' in caplog.text
    await execute(store, 'DROP TRIGGER bug')
    following = await ask(generations, ann, '/echo next', conversation_id=message.conversation_id, key='k2')
    await ended(generations, following)
    assert (await row(store, ann, following)).reply.text == 'next'


async def test_a_failed_answer_is_logged_without_a_word_of_it(
    generations: Generations, ann: Principal, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, 'webapp.generations'):
        message = await ask(generations, ann, '/error 401 secret words')
        await ended(generations, message)
    [line] = [record.message for record in caplog.records if message.id in record.message]
    assert line == f'answer {message.id} failed: upstream_unauthorized, status 401'


async def test_the_rest_of_a_long_run_is_waited_for(
    generations: Generations,
    store: SlowToAnswer,
    apps: Apps,
    changes: Changes,
    files: Files,
    ann: Principal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(repair, 'SOON', (0.0,))
    monkeypatch.setattr(repair, 'LATER', (0.2,) * 200)
    message = await ask(generations, ann, '/rate 50 /steps How do I connect a Dify?')
    generation = generations.of(message.id)
    assert generation
    await text_begins(generation)
    await generations.shutdown(limit=0)

    restarted = Generations(store, apps, changes, files)
    await restarted.repair_leftovers()
    kept = await repaired(store, changes, ann, message)
    assert kept.reply.usage
    assert kept.reply.usage.total_tokens
    await restarted.shutdown(limit=0)


async def test_a_deleted_conversation_leaves_no_bytes(
    generations: Generations, files: Files, store: SlowToAnswer, ann: Principal
) -> None:
    message = await ask(generations, ann, '/image')
    await ended(generations, message)
    [made] = (await row(store, ann, message)).made
    await files.find(ann, made.id)
    sweeping = asyncio.create_task(files.sweep())
    await generations.delete_conversation(ann, message.conversation_id)
    with pytest.raises(NotFound):
        await store.read(conversations.get, user_id=ann.user_id, conversation_id=message.conversation_id)

    def pieces(session: Session) -> int:
        return int(session.connection().scalar(text('SELECT count(*) FROM files')) or 0)

    async with asyncio.timeout(20):
        while await store.read(pieces):
            await store.write(lambda _: None)  # a turn of its own among the sweeper's
    sweeping.cancel()
