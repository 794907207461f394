"""Limits where answers are begun and files are taken: what is too much never reaches upstream."""

import asyncio
import io
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from generations_support import ask, ended, text_begins
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from support.clock import Clock

from webapp.apps import App, Apps
from webapp.changes import Changes
from webapp.errors import AppError, LimitReached, Refused, UpstreamError
from webapp.files import Files
from webapp.generations import Generations
from webapp.limits import Limits
from webapp.principal import Principal, Role
from webapp.store.database import Store
from webapp.store.files import File
from webapp.store.messages import Message
from webapp.upstream import demo
from webapp.upstream.client import DifyClient

MB = 1_000_000


class Asked:
    """Counts what reaches upstream, and lets it refuse."""

    def __init__(self, app: Starlette) -> None:
        self.app = app
        self.state = app.state
        self.paths: Counter[str] = Counter()
        self.refuses = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] == 'http':
            self.paths[scope['path']] += 1
            if self.refuses:
                await send({'type': 'http.response.start', 'status': 415, 'headers': []})
                return await send({'type': 'http.response.body', 'body': b'{"code": "unsupported_file_type"}'})
        return await self.app(scope, receive, send)

    @property
    def questions(self) -> int:
        return self.paths['/v1/chat-messages']

    @property
    def uploads(self) -> int:
        return self.paths['/v1/files/upload']


@pytest.fixture
def asked() -> Asked:
    return Asked(demo.build(rate=500))


@pytest.fixture
async def upstream(asked: Asked) -> AsyncIterator[str]:
    async with demo.serve(asked) as url:  # type: ignore[arg-type]
        yield url


@pytest.fixture
async def apps(upstream: str) -> AsyncIterator[Apps]:
    apps = Apps([App('demo', DifyClient(upstream, 'demo'), running=2, guests=True)])
    yield apps
    await apps.close()


@pytest.fixture
def limits() -> Limits:
    return Limits(messages_per_minute=5, upload_mb_per_day=1)


@pytest.fixture
async def generations(
    store: Store, apps: Apps, changes: Changes, files: Files, limits: Limits
) -> AsyncIterator[Generations]:
    generations = Generations(store, apps, changes, files, limits=limits)
    yield generations
    await generations.shutdown(limit=0)


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 3, 1, 12, tzinfo=UTC))


@pytest.fixture
async def files(store: Store, apps: Apps, changes: Changes, limits: Limits, clock: Clock) -> AsyncIterator[Files]:
    files = Files(store, apps, changes, limits=limits, now=clock)
    yield files
    await files.close()


async def tried(work: 'asyncio.Task[Message] | object') -> Message | File | AppError:
    try:
        return await work  # type: ignore[misc,no-any-return]
    except AppError as error:
        return error


def guest(person: Principal, address: str) -> Principal:
    return replace(person, role=Role.GUEST, address=address)


async def test_of_fifty_questions_at_once_as_many_as_are_allowed_reach_upstream(
    generations: Generations, asked: Asked, ann: Principal
) -> None:
    results = await asyncio.gather(*(tried(ask(generations, ann, '/echo hi', key=f'k{n}')) for n in range(50)))
    begun = [each for each in results if isinstance(each, Message)]
    refused = [each for each in results if isinstance(each, LimitReached)]
    assert (len(begun), len(refused)) == (5, 45)
    assert {(each.code, each.status, each.most) for each in refused} == {('too_many_messages', 429, 5)}
    assert all(0 < (each.retry_after or 0) <= 60 for each in refused)
    for message in begun:
        await ended(generations, message)
    assert asked.questions == 5


async def test_the_same_draft_is_welcome_at_the_limit_and_the_count_survives_a_restart(
    generations: Generations,
    asked: Asked,
    store: Store,
    apps: Apps,
    changes: Changes,
    files: Files,
    limits: Limits,
    ann: Principal,
    bob: Principal,
) -> None:
    begun = [await ask(generations, ann, '/echo hi', key=f'k{number}') for number in range(5)]
    restarted = Generations(store, apps, changes, files, limits=limits)
    for message in begun:
        await ended(generations, message)
        assert (await ask(restarted, ann, '/echo hi', key=message.key)).id == message.id
    with pytest.raises(LimitReached):
        await ask(restarted, ann, '/echo hi', key='one more')
    with pytest.raises(LimitReached):
        await restarted.retry(ann, message_id=begun[0].id, key='again')
    await ended(restarted, await ask(restarted, bob, '/echo hi'))
    assert asked.questions == 6


@pytest.mark.parametrize('limits', [Limits(messages_per_minute=2)])
async def test_a_guest_who_becomes_another_one_is_counted_by_address(
    generations: Generations, ann: Principal, bob: Principal
) -> None:
    first, second = guest(ann, '2001:db8::1'), guest(bob, '2001:db8::ffff:2')
    await ask(generations, first, '/echo one')
    await ask(generations, second, '/echo two')
    with pytest.raises(LimitReached) as refused:
        await ask(generations, second, '/echo three', key='k2')
    assert refused.value.code == 'too_many_messages_of_guests'
    await ask(generations, guest(bob, '2001:db8:0:1::1'), '/echo three', key='k2')
    with pytest.raises(LimitReached) as refused:
        await ask(generations, guest(bob, '192.0.2.1'), '/echo four', key='k3')
    assert refused.value.code == 'too_many_messages'
    await ask(generations, replace(ann, address='2001:db8::1'), '/echo signed in', key='k4')


@pytest.mark.parametrize('limits', [Limits(running_per_user=2)])
async def test_answers_at_once_are_limited_for_a_person_and_a_complete_one_is_not_in_the_way(
    generations: Generations, asked: Asked, ann: Principal, bob: Principal
) -> None:
    results = await asyncio.gather(*(tried(ask(generations, ann, '/rate 5 /long 500', key=f'k{n}')) for n in range(20)))
    begun = [each for each in results if isinstance(each, Message)]
    assert len(begun) == 2
    assert {each.code for each in results if isinstance(each, Refused)} == {'too_many_running'}
    await ask(generations, bob, '/echo hi')
    await generations.stop(ann, begun[0].id)  # its stream lingers, its place is free
    third = await ask(generations, ann, '/rate 50 /long 500', key='third')
    with pytest.raises(Refused, match='too_many_running'):
        await ask(generations, ann, '/echo hi', key='fourth')
    generation = generations.of(third.id)
    assert generation
    await generations.stop(ann, begun[1].id)
    await text_begins(generation)


# files


async def upload(files: Files, who: Principal, size: int, name: str = 'notes.txt') -> File:
    return await files.upload(who, app='demo', name=name, stream=io.BytesIO(b'a' * size))


async def test_of_fifty_files_at_once_those_within_the_limit_reach_upstream(
    files: Files, asked: Asked, ann: Principal, bob: Principal
) -> None:
    results = await asyncio.gather(*(tried(upload(files, ann, 300_000)) for _ in range(50)))
    assert len([each for each in results if isinstance(each, File)]) == 3
    assert {each.code for each in results if isinstance(each, LimitReached)} == {'too_many_uploads'}
    assert asked.uploads == 3
    assert await upload(files, ann, 100_000)
    assert await upload(files, bob, 300_000)


async def test_a_day_slides_and_a_file_larger_than_it_is_just_too_large(
    files: Files, clock: Clock, ann: Principal
) -> None:
    await upload(files, ann, 600_000)
    clock.forward(hours=20)
    await upload(files, ann, 400_000)
    clock.forward(hours=1)
    with pytest.raises(LimitReached) as reached:
        await upload(files, ann, 500_000)
    assert reached.value.wait == timedelta(hours=3)
    clock.forward(hours=3)
    assert await upload(files, ann, 500_000)
    with pytest.raises(Refused) as refused:
        await upload(files, ann, MB + 1)
    assert (refused.value.code, refused.value.status) == ('file_too_large', 413)


async def test_what_upstream_refuses_counts_for_nothing(files: Files, asked: Asked, ann: Principal) -> None:
    await upload(files, ann, 1)  # so that the app is known
    asked.refuses = True
    for _ in range(3):
        with pytest.raises(UpstreamError):
            await upload(files, ann, 900_000)
    asked.refuses = False
    assert await upload(files, ann, 900_000)
