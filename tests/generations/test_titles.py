"""Titles are made in the background, for each app apart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from webapp.apps import App, Apps
from webapp.changes import Changes
from webapp.generations import Generations
from webapp.principal import Principal
from webapp.store import conversations
from webapp.store.conversations import TitleState
from webapp.store.database import Store
from webapp.store.messages import Message
from webapp.titles import Titles
from webapp.upstream import demo
from webapp.upstream.client import DifyClient


@pytest.fixture
async def apps(upstream: str) -> AsyncIterator[Apps]:
    """One app that makes titles, and one that takes its time for them."""
    async with demo.serve(demo.build(rate=500, title_seconds=5)) as slow:
        apps = Apps([App('slow', DifyClient(slow, 'demo')), App('quick', DifyClient(upstream, 'demo'))])
        yield apps
        await apps.close()


@pytest.fixture
async def titles(store: Store, apps: Apps, changes: Changes, generations: Generations) -> AsyncIterator[None]:
    working = asyncio.create_task(Titles(store, apps, changes, generations).run())
    yield
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working


@pytest.mark.usefixtures('titles')
async def test_a_slow_app_holds_up_nobody_elses_titles(
    generations: Generations, store: Store, changes: Changes, ann: Principal
) -> None:
    slow = await generations.start(ann, app='slow', conversation_id=None, query='/echo Hello', key='slow')
    await becomes(TitleState.GENERATING, slow, store, changes, ann)
    quick = await generations.start(ann, app='quick', conversation_id=None, query='Which colours are there?', key='q')
    await becomes(TitleState.GENERATED, quick, store, changes, ann)
    assert await state(store, ann, slow) is TitleState.GENERATING


async def becomes(wanted: TitleState, message: Message, store: Store, changes: Changes, who: Principal) -> None:
    counter = changes.of(who.user_id)
    async with asyncio.timeout(30):
        seen = counter.value  # before the row is read, so that no change falls between
        while await state(store, who, message) is not wanted:
            seen = await counter.after(seen)


async def state(store: Store, who: Principal, message: Message) -> TitleState:
    row = await store.read(conversations.get, user_id=who.user_id, conversation_id=message.conversation_id)
    return row.title_state
