"""What might be asked next is asked for once, when an answer is complete, and whatever comes of it delays nobody."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from generations_support import ask, ended, text_begins
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from webapp.apps import App, Apps
from webapp.changes import Changes
from webapp.files import Files
from webapp.generations import Generations
from webapp.principal import Principal
from webapp.store.database import Store
from webapp.suggestions import Suggestions
from webapp.upstream import demo
from webapp.upstream.client import DifyClient


@dataclass
class Asked:
    """How often the demo was asked for suggestions."""

    times: int = 0
    is_broken: bool = False
    came: asyncio.Event = field(default_factory=asyncio.Event)


class Recorder:
    """Middleware in front of the demo."""

    def __init__(self, app: ASGIApp, asked: Asked) -> None:
        self._app = app
        self._asked = asked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get('path', '').endswith('/suggested'):
            self._asked.times += 1
            self._asked.came.set()
            if self._asked.is_broken:
                return await PlainTextResponse('broken', 500)(scope, receive, send)
        return await self._app(scope, receive, send)


@pytest.fixture
async def asked() -> Asked:
    return Asked()


@pytest.fixture
async def apps(asked: Asked) -> AsyncIterator[Apps]:
    upstream = demo.build(rate=500)
    upstream.add_middleware(Recorder, asked=asked)
    async with demo.serve(upstream) as url:
        apps = Apps([App('demo', DifyClient(url, 'demo'), running=2)])
        await apps.get('demo').about()
        yield apps
        await apps.close()


@pytest.fixture
async def suggestions(changes: Changes) -> AsyncIterator[Suggestions]:
    suggestions = Suggestions(changes)
    yield suggestions
    await suggestions.close()


@pytest.fixture
async def generations(
    store: Store, apps: Apps, changes: Changes, files: Files, suggestions: Suggestions
) -> AsyncIterator[Generations]:
    generations = Generations(store, apps, changes, files, suggestions=suggestions)
    yield generations
    await generations.shutdown(limit=0)


async def test_they_come_after_a_complete_answer_and_pages_are_told(
    generations: Generations, suggestions: Suggestions, changes: Changes, asked: Asked, ann: Principal
) -> None:
    counter = changes.of(ann.user_id)
    message = await ask(generations, ann, 'What is this product?')
    seen = counter.value
    async with asyncio.timeout(20):
        while not suggestions.of(message.id):
            seen = await counter.after(seen)
    assert asked.times == 1
    assert suggestions.of('another') == ()


async def test_none_are_asked_for_after_one_that_was_stopped_or_failed(
    generations: Generations, asked: Asked, ann: Principal
) -> None:
    failed = await ask(generations, ann, '/error', key='k1')
    await ended(generations, failed)
    stopped = await ask(generations, ann, '/rate 20 /long 2000', key='k2')
    generation = generations.of(stopped.id)
    assert generation is not None
    await text_begins(generation)
    await generations.stop(ann, stopped.id)
    await ended(generations, stopped)
    await ended(generations, await ask(generations, ann, '/echo complete', key='k3'))
    async with asyncio.timeout(20):
        await asked.came.wait()
    assert asked.times == 1


async def test_an_error_leaves_the_answer_as_it_is(
    generations: Generations,
    suggestions: Suggestions,
    apps: Apps,
    asked: Asked,
    ann: Principal,
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked.is_broken = True
    message = await ask(generations, ann, '/echo hello')
    await ended(generations, message)
    async with asyncio.timeout(20):
        await asked.came.wait()
    await ended(generations, await ask(generations, ann, '/echo again', key='k2'))
    assert suggestions.of(message.id) == ()
    assert apps.get('demo').health.code == ''
    assert not [record for record in caplog.records if 'suggest' in record.message and record.levelname != 'DEBUG']
