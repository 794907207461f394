"""What goes here goes upstream, too: conversations that are deleted, people who are forgotten, what is old enough."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from generations_support import ask, ended, text_begins
from sqlalchemy import select
from sqlmodel import Session

from webapp.apps import App, Apps
from webapp.changes import Changes
from webapp.clock import now
from webapp.deletions import Deletions
from webapp.errors import NotFound
from webapp.files import Files
from webapp.forgetting import Forgetting
from webapp.generations import Generations
from webapp.principal import Identity, Principal, Role
from webapp.retention import Retention
from webapp.store import deletions, forgetting, messages, reports, sessions, users
from webapp.store.audit import Party
from webapp.store.database import Store
from webapp.store.retention import Rules
from webapp.store.tables import Table
from webapp.upstream.client import DifyClient

MARK = 'marker-of-ann'
ADMIN = Party('admin', 'The Admin')
TOMORROW = timedelta(days=1)


async def upstream_has(apps: Apps, who: Principal) -> int:
    """Conversations of a person's there."""
    return len((await apps.get('demo').client.conversations(user=who.dify_user)).items)


async def left(store: Store, *words: str) -> set[str]:
    """Tables in which a word stands."""

    def look(session: Session) -> set[str]:
        rows = [
            (table.name, str(dict(row)))
            for table in Table.metadata.sorted_tables
            for row in session.connection().execute(select(table)).mappings()
        ]
        return {name for name, text in rows if any(word in text for word in words)}

    return await store.read(look)


def forgetful(
    store: Store, generations: Generations | None, on_end: Callable[[str], object] = lambda _: None
) -> Forgetting:
    """:param generations: those of this process; None for a process that has none"""

    async def nothing(_: str) -> None: ...

    return Forgetting(
        store,
        is_admin=lambda _: False,
        stop=generations.stop_all_of if generations else nothing,
        on_end=on_end,
        on_work=lambda: None,
    )


async def test_a_deleted_conversation_goes_upstream_however_long_that_takes(
    generations: Generations, store: Store, apps: Apps, upstream: str, ann: Principal
) -> None:
    message = await ask(generations, ann, f'/echo {MARK}')
    await ended(generations, message)
    await generations.delete_conversation(ann, message.conversation_id)
    locked_out = App('demo', DifyClient(upstream, 'another-key'))
    await Deletions(store, Apps([locked_out])).work(locked_out)
    await locked_out.client.aclose()
    assert await upstream_has(apps, ann) == 1
    assert await store.read(deletions.waiting) == 1

    restarted = Deletions(store, apps, now=lambda: now() + TOMORROW)
    await restarted.work(apps.get('demo'))
    assert await upstream_has(apps, ann) == 0
    assert await store.read(deletions.waiting) == 0
    await restarted.work(apps.get('demo'))


async def test_the_worker_is_woken_by_a_deletion(
    store: Store, apps: Apps, changes: Changes, files: Files, ann: Principal
) -> None:
    worker = Deletions(store, apps)
    generations = Generations(store, apps, changes, files, deletions=worker)
    message = await ask(generations, ann, '/echo hello')
    await ended(generations, message)
    working = asyncio.create_task(worker.run())
    await generations.delete_conversation(ann, message.conversation_id)
    async with asyncio.timeout(20):
        while await store.read(deletions.waiting):
            await store.write(lambda _: None)  # a turn of its own among the worker's
    working.cancel()
    assert await upstream_has(apps, ann) == 0
    await generations.shutdown(limit=0)


async def test_who_is_forgotten_leaves_nothing_here_and_upstream(
    generations: Generations, store: Store, apps: Apps, ann: Principal, bob: Principal
) -> None:
    for who in (ann, bob):
        await ended(generations, await ask(generations, who, f'/echo {MARK if who is ann else "another"}'))
    running = await ask(generations, ann, f'/long 4000 {MARK}', key='k2')
    generation = generations.of(running.id)
    assert generation
    await text_begins(generation)

    await forgetful(store, generations).forget(ann.user_id, actor=ADMIN, now=now())
    assert generations.of(running.id) is None, 'it was stopped first'
    await Deletions(store, apps).work(apps.get('demo'))
    assert (await upstream_has(apps, ann), await upstream_has(apps, bob)) == (0, 1)
    assert await left(store, MARK, ann.user_id, ann.dify_user) == set()
    today = now().date()
    lines = await store.read(reports.summed, wanted=reports.Filter(today, today), by=('user',))
    forgotten = [line.total.answers for line in lines if users.is_pseudonym(line.keys[0])]
    assert (sum(forgotten), sum(line.total.answers for line in lines)) == (2, 3)
    with pytest.raises(NotFound):
        await ask(generations, ann, '/echo again', key='k3')


async def test_their_pages_are_closed_at_once(generations: Generations, store: Store, ann: Principal) -> None:
    identity = Identity('test', 'ann', 'company')
    facts = {'role': Role.USER, 'secret': 's' * 32, 'now': now(), 'absolute': timedelta(days=7)}
    for token in ('desk', 'phone'):
        await store.write(sessions.sign_in, identity=identity, token_hash=token, **facts)
    closed: list[str] = []
    await forgetful(store, generations, closed.append).forget(ann.user_id, actor=ADMIN, now=now())
    assert sorted(closed) == ['desk', 'phone']


@pytest.mark.parametrize('query', ['/long 40000 {}', '/slow {}'])
async def test_an_answer_that_another_process_writes_ends_when_its_person_is_forgotten(
    generations: Generations, store: Store, apps: Apps, ann: Principal, query: str
) -> None:
    running = await ask(generations, ann, query.format(MARK))
    generation = generations.of(running.id)
    assert generation
    await generation.named.wait()
    await forgetful(store, None).forget(ann.user_id, actor=ADMIN, now=now())
    async with asyncio.timeout(30):  # by itself, the long one would take longer
        await ended(generations, running)
    await Deletions(store, apps, now=lambda: now() + TOMORROW).work(apps.get('demo'))
    assert await left(store, MARK, ann.user_id, ann.dify_user) == set()
    assert await upstream_has(apps, ann) == 0


@pytest.mark.parametrize('moves', [False, True])
async def test_a_question_in_line_is_never_asked_once_its_person_is_forgotten_elsewhere(
    generations: Generations, store: Store, apps: Apps, ann: Principal, bob: Principal, moves: bool
) -> None:
    ahead = [await ask(generations, bob, '/rate 20 /long 2000', key=key) for key in ('k2', 'k3')]
    waiting = await ask(generations, ann, f'/echo {MARK}')
    generation = generations.of(waiting.id)
    assert generation
    async for progress in generation.watch():
        if progress.place == 1:
            break
    await forgetful(store, None).forget(ann.user_id, actor=ADMIN, now=now())
    if moves:
        await generations.stop(bob, ahead[0].id)
    async with asyncio.timeout(30):
        await ended(generations, waiting)
    assert all(generations.of(each.id) for each in ahead[moves:]), 'nobody else is disturbed'
    assert (await upstream_has(apps, ann), await store.read(deletions.waiting)) == (0, 0), 'it was not asked'
    assert await left(store, MARK, ann.user_id, ann.dify_user) == set()


async def test_what_was_begun_before_a_crash_comes_to_its_end_after_the_start(
    generations: Generations, store: Store, ann: Principal
) -> None:
    await ended(generations, await ask(generations, ann, f'/echo {MARK}'))
    about = {'actor': ADMIN, 'user_id': ann.user_id, 'now': now()}
    await store.write(forgetting.begin, is_admin=lambda _: False, **about)
    await store.write(forgetting.step, user_id=ann.user_id, now=now())
    working = asyncio.create_task(forgetful(store, generations).run())
    async with asyncio.timeout(20):
        while await store.read(forgetting.begun):
            await store.write(lambda _: None)
    working.cancel()
    assert await left(store, MARK, ann.user_id) == set()


async def test_what_is_old_enough_goes_upstream_and_pages_hear_of_it(
    generations: Generations, store: Store, apps: Apps, changes: Changes, ann: Principal
) -> None:
    old = await ask(generations, ann, '/echo old')
    await ended(generations, old)
    running = await ask(generations, ann, '/long 4000', key='k2')
    generation = generations.of(running.id)
    assert generation
    await text_begins(generation)
    page, woken = changes.of(ann.user_id), list[str]()
    seen = page.value
    work = Retention(
        store,
        Rules(messages=30),
        on_gone=changes.bump,
        on_work=[lambda: woken.append('deletions')],
        now=lambda: now() + timedelta(days=31),
    )
    counts = await work.work()
    assert counts is not None
    assert counts['conversations'] == 1
    assert old.conversation_id in (page.since(seen) or {})
    assert woken
    assert generations.of(running.id) is generation, 'what is being written goes on'
    await Deletions(store, apps, now=lambda: now() + timedelta(days=32)).work(apps.get('demo'))
    assert await upstream_has(apps, ann) == 1
    await generations.stop(ann, running.id)
    await ended(generations, running)
    assert await store.read(messages.owned, user_id=ann.user_id, message_id=running.id)
