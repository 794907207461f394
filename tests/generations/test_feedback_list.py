"""Ratings that were given elsewhere, read from the upstream's own list over real HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from generations_support import ask, ended, row
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from support.serving import serving

from webapp import clock, feedback_list as module
from webapp.apps import App, Apps
from webapp.feedback import Feedback
from webapp.feedback_list import FeedbackList
from webapp.generations import Generations
from webapp.principal import Principal
from webapp.store import feedback_list as rows, feedback_queue as queue
from webapp.store.database import Store
from webapp.store.feedback import Source, State
from webapp.store.feedback_queue import Filter, Rated
from webapp.store.messages import Message
from webapp.upstream.client import DifyClient


@dataclass
class Lister:
    """A server with a list of ratings and nothing else.

    :ivar odd: answers in place of pages, by number
    """

    items: list[dict[str, Any]] = field(default_factory=list)
    odd: dict[int, Callable[[], Response]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    is_stuck: bool = False  # gives its first page whatever it is asked for

    async def page(self, request: Request) -> Response:
        number, limit = int(request.query_params['page']), int(request.query_params['limit'])
        self.asked.append(number)
        if number in self.odd:
            return self.odd[number]()
        first = 0 if self.is_stuck else (number - 1) * limit
        return JSONResponse({'data': self.items[first : first + limit]})


def rated(number: int, **more: Any) -> dict[str, Any]:
    at = '2026-03-01T12:00:00'
    names = {'id': f'f{number}', 'message_id': f'm{number}', 'conversation_id': 'c', 'from_end_user_id': 'e'}
    return names | {'rating': 'like', 'content': None, 'from_source': 'user', 'created_at': at, 'updated_at': at} | more


@pytest.fixture
def lister() -> Lister:
    return Lister()


@pytest.fixture
async def elsewhere(lister: Lister) -> AsyncIterator[App]:
    with serving(Starlette(routes=[Route('/v1/app/feedbacks', lister.page)])) as url:
        app = App('elsewhere', DifyClient(url, 'key'))
        yield app
        await app.client.aclose()


@pytest.fixture
def worker(store: Store, elsewhere: App) -> FeedbackList:
    return FeedbackList(store, Apps([elsewhere]))


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Let time pass for the worker."""
    passed = timedelta(0)

    def let_pass(more: timedelta) -> None:
        nonlocal passed
        passed += more

    monkeypatch.setattr(module, 'now', lambda: clock.now() + passed)
    return let_pass


async def shown(store: Store) -> list[Rated]:
    return (await store.read(queue.page, wanted=Filter(), limit=500, with_texts=True)).rows


async def ids(store: Store) -> set[str]:
    return {each.upstream_message_id for each in await shown(store)}


async def test_at_first_all_of_it_then_what_is_new(
    lister: Lister, elsewhere: App, worker: FeedbackList, store: Store, time: Callable[[timedelta], None]
) -> None:
    lister.items = [rated(number) for number in range(250)]
    await worker.look(elsewhere)
    assert (len(await ids(store)), lister.asked) == (250, [1, 2, 3, 4])
    await worker.look(elsewhere)
    assert lister.asked == [1, 2, 3, 4], 'not yet'

    lister.asked.clear()
    time(rows.INTERVAL)
    await worker.look(elsewhere)
    assert lister.asked == [1], 'nothing is new there'
    lister.items[:0] = [rated(number) for number in range(250, 400)]
    lister.asked.clear()
    time(rows.INTERVAL)
    await worker.look(elsewhere)
    assert (len(await ids(store)), lister.asked) == (400, [1, 2, 3])


async def test_once_a_day_what_was_changed_or_taken_back_there_is_so_here(
    lister: Lister, elsewhere: App, worker: FeedbackList, store: Store, time: Callable[[timedelta], None]
) -> None:
    lister.items = [rated(number) for number in range(150)]
    await worker.look(elsewhere)
    lister.items[149] = rated(149, rating='dislike', content='on second thoughts')
    del lister.items[120]
    time(rows.INTERVAL)
    await worker.look(elsewhere)
    assert 'm120' in await ids(store)
    time(rows.WHOLE_INTERVAL)
    await worker.look(elsewhere)
    found = {each.upstream_message_id: each for each in await shown(store)}
    assert len(found) == 149
    assert 'm120' not in found
    changed = found['m149']
    assert changed.texts
    assert (changed.rating, changed.texts.comment) == ('dislike', 'on second thoughts')


@pytest.mark.parametrize(
    'broken',
    [
        lambda: JSONResponse({}),
        lambda: JSONResponse({'data': 'none'}),
        lambda: JSONResponse({'data': [{}, {'id': 7}]}),
        lambda: Response('<h1>502</h1>', 502, media_type='text/html'),
        lambda: Response(b'{"data": [', 200, media_type='application/json'),
        lambda: JSONResponse({'code': 'unauthorized', 'message': 'Access token is invalid', 'status': 401}, 401),
    ],
)
@pytest.mark.parametrize('page', [1, 2])
async def test_a_list_that_breaks_off_takes_nothing_away(
    broken: Callable[[], Response],
    page: int,
    lister: Lister,
    elsewhere: App,
    worker: FeedbackList,
    store: Store,
    time: Callable[[timedelta], None],
) -> None:
    lister.items = [rated(number) for number in range(150)]
    await worker.look(elsewhere)
    time(rows.WHOLE_INTERVAL)
    lister.odd[page] = broken
    await worker.look(elsewhere)
    assert len(await ids(store)) == 150
    del lister.odd[page], lister.items[0]
    time(rows.INTERVAL)
    await worker.look(elsewhere)
    assert len(await ids(store)) == 149, 'the whole look is made up for'


async def test_a_look_that_ends_in_a_bug_is_made_up_for_as_well(
    lister: Lister,
    elsewhere: App,
    worker: FeedbackList,
    store: Store,
    time: Callable[[timedelta], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise KeyError

    lister.items = [rated(number) for number in range(150)]
    await worker.look(elsewhere)
    time(rows.WHOLE_INTERVAL)
    with monkeypatch.context() as broken:
        broken.setattr(rows, 'take_over', break_down)
        with pytest.raises(KeyError):
            await worker.look(elsewhere)
    del lister.items[0]
    time(rows.INTERVAL)
    await worker.look(elsewhere)
    assert len(await ids(store)) == 149, 'that was a look at the whole'


async def test_a_server_that_turns_no_pages_is_asked_twice(
    lister: Lister, elsewhere: App, worker: FeedbackList, store: Store
) -> None:
    lister.items, lister.is_stuck = [rated(number) for number in range(300)], True
    await worker.look(elsewhere)
    assert (len(await ids(store)), lister.asked) == (100, [1, 2])


@pytest.mark.parametrize('status', [404, 400, 403])
async def test_a_server_without_a_list_is_normal_and_left_alone(
    status: int,
    lister: Lister,
    elsewhere: App,
    worker: FeedbackList,
    time: Callable[[timedelta], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    lister.odd[1] = lambda: JSONResponse({'code': 'not_found', 'message': 'Not found.', 'status': status}, status)
    with caplog.at_level(logging.INFO, 'webapp'):
        await worker.look(elsewhere)
        time(timedelta(hours=23))
        await worker.look(elsewhere)
    assert (lister.asked, caplog.records) == ([1], [])
    time(timedelta(hours=1))
    await worker.look(elsewhere)
    assert lister.asked == [1, 1], 'it may be a newer one by now'


async def test_of_several_workers_one_asks(lister: Lister, elsewhere: App, worker: FeedbackList, store: Store) -> None:
    others = [FeedbackList(store, Apps([elsewhere])) for _ in range(4)]
    await asyncio.gather(*(each.look(elsewhere) for each in [worker, *others]))
    assert lister.asked == [1]


async def test_whoever_asks_gets_the_newest_at_once_but_not_again_and_again(
    lister: Lister, elsewhere: App, worker: FeedbackList, store: Store, time: Callable[[timedelta], None]
) -> None:
    await worker.look(elsewhere)
    lister.items = [rated(1)]
    lister.asked.clear()
    await worker.refresh()
    assert lister.asked == [], 'it was read just now'
    time(rows.PATIENCE)
    await worker.refresh()
    assert await ids(store) == {'m1'}


async def test_one_upstream_that_is_away_holds_up_no_other(store: Store, lister: Lister, elsewhere: App) -> None:
    lister.items = [rated(1)]
    gone = App('gone', DifyClient('http://127.0.0.1:9', 'key'))
    working = asyncio.create_task(FeedbackList(store, Apps([gone, elsewhere])).run())
    async with asyncio.timeout(20):
        while not await ids(store):
            await asyncio.sleep(0.02)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    await gone.client.aclose()


@pytest.fixture
async def message(generations: Generations, store: Store, ann: Principal) -> Message:
    begun = await ask(generations, ann, '/echo hello')
    await ended(generations, begun)
    return await row(store, ann, begun)


async def test_with_the_demo_what_was_rated_here_and_there_is_one_list(
    store: Store, apps: Apps, upstream: str, message: Message, ann: Principal, time: Callable[[timedelta], None]
) -> None:
    app, feedback = apps.get('demo'), Feedback(store, apps)
    worker = FeedbackList(store, apps)
    telling = asyncio.create_task(feedback.run())
    await feedback.rate(ann, message.id, 'like', 'ours')
    async with asyncio.timeout(20):
        while not (await app.client.feedbacks()).items:
            await asyncio.sleep(0.02)
    async with httpx.AsyncClient(base_url=upstream, headers={'Authorization': 'Bearer demo'}, trust_env=False) as http:
        body = {'query': '/echo elsewhere', 'inputs': {}, 'user': 'somebody', 'response_mode': 'blocking'}
        other = (await http.post('/chat-messages', json=body)).json()
        rating = {'rating': 'dislike', 'content': 'theirs', 'user': 'somebody'}
        await http.post(f'/messages/{other["message_id"]}/feedbacks', json=rating)
        await worker.look(app)
        own, theirs = sorted(await shown(store), key=lambda each: each.source)
        assert own.texts
        assert theirs.texts
        assert (own.id, own.source, own.texts.comment) == (message.id, Source.OWN, 'ours')
        assert (theirs.source, theirs.texts.comment, theirs.state) == (Source.USER, 'theirs', State.NEW)
        assert theirs.upstream_conversation_id == other['conversation_id']

        changed = {'rating': 'dislike', 'content': 'changed elsewhere', 'user': ann.dify_user}
        await http.post(f'/messages/{message.reply.message_id}/feedbacks', json=changed)
        time(rows.INTERVAL)
        await worker.look(app)
        now = await row(store, ann, message)
        assert (now.rating, now.comment) == ('dislike', 'changed elsewhere')
    telling.cancel()
    with suppress(asyncio.CancelledError):
        await telling
