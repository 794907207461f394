"""The server owns the answer: pages come and go, tasks see it to its end, the row tells the truth."""

import asyncio
from datetime import UTC, date, datetime
from itertools import pairwise

import httpx
import pytest
from generations_support import ask, ended, repaired, row, text_begins

from webapp.apps import App, Apps
from webapp.changes import Changes
from webapp.chat.message import Status
from webapp.errors import NotFound, Refused
from webapp.files import Files
from webapp.generations import Generations, Phase
from webapp.principal import Principal
from webapp.store import conversations, reports, turns
from webapp.store.database import Store
from webapp.store.messages import Message
from webapp.upstream.client import DifyClient


async def test_an_answer_is_written_without_anybody_watching(
    generations: Generations, store: Store, ann: Principal
) -> None:
    message = await ask(generations, ann, '/echo Hello there')
    await ended(generations, message)
    kept = await row(store, ann, message)
    assert (kept.reply.status, kept.reply.text) == (Status.COMPLETE, 'Hello there')
    assert kept.reply.usage is not None
    assert kept.reply.usage.total_price is not None
    assert kept.upstream_id == kept.reply.conversation_id != ''
    conversation = await store.read(conversations.get, user_id=ann.user_id, conversation_id=message.conversation_id)
    assert conversation.unread


async def test_two_watchers_see_the_same_answer_grow(generations: Generations, ann: Principal) -> None:
    message = await ask(generations, ann, '/rate 200 /long 60')
    generation = generations.of(message.id)
    assert generation

    async def watch() -> list[str]:
        return [progress.reply.text async for progress in generation.watch()]

    first, second = await asyncio.gather(watch(), watch())
    assert first[-1] == second[-1] != ''
    assert len(set(first)) > 5
    for seen in (first, second):
        assert all(later.startswith(earlier) for earlier, later in pairwise(seen))


async def test_a_late_watcher_gets_the_whole_text_at_once(generations: Generations, ann: Principal) -> None:
    message = await ask(generations, ann, '/rate 100 /long 80')
    generation = generations.of(message.id)
    assert generation
    await text_begins(generation)
    async for progress in generation.watch():
        assert progress.reply.text == generation.reply.text != ''
        break


async def test_the_same_draft_asks_upstream_once(generations: Generations, ann: Principal) -> None:
    sent = await asyncio.gather(*(ask(generations, ann, '/echo once', key='draft') for _ in range(5)))
    assert len({m.id for m in sent}) == 1
    await ended(generations, sent[0])
    again = await ask(generations, ann, '/echo once', key='draft')
    assert again.id == sent[0].id
    assert again.reply.text == 'once'
    assert generations.of(again.id) is None


async def test_one_answer_at_a_time_in_a_conversation(generations: Generations, ann: Principal) -> None:
    message = await ask(generations, ann, '/slow 5 hello')
    with pytest.raises(Refused, match='already_running'):
        await ask(generations, ann, 'more', conversation_id=message.conversation_id, key='k2')


async def test_a_stopped_answer_keeps_its_words_and_the_next_question_is_welcome(
    generations: Generations, store: Store, ann: Principal
) -> None:
    message = await ask(generations, ann, '/rate 50 /long 5000')
    generation = generations.of(message.id)
    assert generation
    await text_begins(generation)
    await generations.stop(ann, message.id)
    assert generation.reply.status is Status.STOPPED
    words = generation.reply.text
    following = await ask(generations, ann, '/echo next', conversation_id=message.conversation_id, key='k2')
    await ended(generations, following)
    kept = await row(store, ann, message)
    assert (kept.reply.status, kept.reply.text) == (Status.STOPPED, words)
    assert (await row(store, ann, following)).reply.text == 'next'


async def test_stop_before_the_first_byte_ends_it(generations: Generations, store: Store, ann: Principal) -> None:
    message = await ask(generations, ann, '/slow 2 hello')
    await generations.stop(ann, message.id)
    generation = generations.of(message.id)
    assert generation
    assert generation.reply.status is Status.STOPPED
    await ended(generations, message)
    kept = await row(store, ann, message)
    assert (kept.reply.status, kept.reply.text) == (Status.STOPPED, '')


class Overheard(httpx.AsyncHTTPTransport):
    """The way to an upstream, and whether it was told to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith('/stop'):
            self.stopped.set()
        return await super().handle_async_request(request)


@pytest.mark.parametrize(('query', 'is_early'), [('/slow 1 /echo hello', True), ('/rate 50 /long 5000', False)])
async def test_upstream_hears_of_a_stop_as_soon_as_it_has_named_its_task(
    query: str, is_early: bool, upstream: str, store: Store, changes: Changes, ann: Principal
) -> None:
    way = Overheard()
    apps = Apps([App('demo', DifyClient(upstream, 'demo', transport=way))])
    files = Files(store, apps, changes)
    generations = Generations(store, apps, changes, files)
    message = await ask(generations, ann, query)
    generation = generations.of(message.id)
    assert generation
    async for progress in generation.watch():
        if (progress.phase is Phase.CONNECTING and is_early) or progress.reply.text:
            break
    assert bool(generation.reply.task_id) is not is_early
    await generations.stop(ann, message.id)
    async with asyncio.timeout(20):
        await way.stopped.wait()
    await ended(generations, message)
    await generations.shutdown(limit=0)
    await files.close()
    await apps.close()


async def test_the_line_tells_the_place_and_can_be_left(generations: Generations, store: Store, ann: Principal) -> None:
    running = [await ask(generations, ann, '/rate 20 /long 2000', key=f'r{i}') for i in range(2)]
    waiting = [await ask(generations, ann, '/echo waited', key=f'w{i}') for i in range(2)]

    async def place(message: Message, wanted: int) -> None:
        generation = generations.of(message.id)
        assert generation
        async for progress in generation.watch():
            if (progress.phase, progress.place) == (Phase.QUEUED, wanted):
                return

    await place(waiting[0], 1)
    await place(waiting[1], 2)
    await generations.stop(ann, waiting[0].id)
    await ended(generations, waiting[0])
    assert (await row(store, ann, waiting[0])).reply.status is Status.STOPPED
    await place(waiting[1], 1)
    await generations.stop(ann, running[0].id)
    await ended(generations, waiting[1])
    assert (await row(store, ann, waiting[1])).reply.text == 'waited'


async def test_what_is_not_yours_is_not_there(generations: Generations, ann: Principal, bob: Principal) -> None:
    message = await ask(generations, ann, '/rate 20 /long 500')
    with pytest.raises(NotFound):
        await generations.stop(bob, message.id)
    with pytest.raises(NotFound):
        await ask(generations, bob, 'mine now', conversation_id=message.conversation_id)
    with pytest.raises(NotFound):
        await generations.retry(bob, message_id=message.id, key='k9')
    generation = generations.of(message.id)
    assert generation
    assert generation.reply.status is Status.RUNNING


@pytest.mark.parametrize(
    ('query', 'code'), [('', 'empty_query'), (' \n', 'empty_query'), ('x' * 2_000_001, 'too_long')]
)
async def test_what_can_not_be_sent_is_refused_with_its_reason(
    generations: Generations, ann: Principal, query: str, code: str
) -> None:
    with pytest.raises(Refused, match=code):
        await ask(generations, ann, query)


async def test_a_refusal_becomes_a_failed_answer_that_can_be_asked_again(
    generations: Generations, store: Store, ann: Principal
) -> None:
    message = await ask(generations, ann, '/error 401')
    await ended(generations, message)
    failed = await row(store, ann, message)
    assert failed.reply.status is Status.FAILED
    assert failed.reply.failure
    assert failed.reply.failure.code == 'upstream_unauthorized'
    again = await generations.retry(ann, message_id=message.id, key='k2')
    assert again.query == '/error 401'
    await ended(generations, again)
    with pytest.raises(NotFound):  # it had no words: the new one took its place
        await row(store, ann, message)


async def test_a_cut_stream_keeps_its_words_and_a_new_try_stands_beside_it(
    generations: Generations, store: Store, ann: Principal
) -> None:
    message = await ask(generations, ann, '/cut 20')
    await ended(generations, message)
    broken = await row(store, ann, message)
    assert broken.reply.status is Status.INTERRUPTED
    assert broken.reply.text
    again = await generations.retry(ann, message_id=message.id, key='k2')
    await ended(generations, again)
    assert (await row(store, ann, message)).reply.text == broken.reply.text


async def test_a_server_that_is_away_is_an_answer_too(store: Store, changes: Changes, ann: Principal) -> None:
    away = Apps([App('demo', DifyClient('http://127.0.0.1:9', 'key-of-nobody'))])
    generations = Generations(store, away, changes, Files(store, away, changes))
    message = await ask(generations, ann, 'anybody there?')
    await ended(generations, message)
    kept = await row(store, ann, message)
    assert kept.reply.failure
    assert kept.reply.failure.code == 'upstream_unreachable'
    assert 'key-of-nobody' not in repr(kept)
    await generations.shutdown(limit=0)
    await away.close()


async def test_shutdown_lets_short_answers_end_and_marks_long_ones(
    generations: Generations, store: Store, ann: Principal
) -> None:
    short = await ask(generations, ann, '/rate 100 /long 30', key='short')
    endless = await ask(generations, ann, '/rate 20 /long 5000', key='endless')
    generation = generations.of(endless.id)
    assert generation
    await text_begins(generation)
    await generations.shutdown(limit=3)
    assert (await row(store, ann, short)).reply.status is Status.COMPLETE
    kept = await row(store, ann, endless)
    assert kept.reply.status is Status.INTERRUPTED
    assert kept.reply.failure
    assert kept.reply.failure.code == 'process_ended'
    assert kept.reply.text == generation.reply.text != ''
    with pytest.raises(Refused, match='shutting_down'):
        await ask(generations, ann, 'too late', key='late')


async def test_a_process_that_died_leaves_no_answer_running(
    generations: Generations, store: Store, apps: Apps, ann: Principal
) -> None:
    begun = await store.write(
        turns.begin,
        user_id=ann.user_id,
        app='demo',
        conversation_id=None,
        query='asked just before the power went',
        key='k1',
        now=datetime.now(UTC),
    )
    await generations.repair_leftovers()
    kept = await row(store, ann, begun.message)
    assert (kept.query, kept.reply.status) == ('asked just before the power went', Status.INTERRUPTED)


async def test_the_rest_of_a_chatflow_answer_is_fetched_after_a_restart(
    generations: Generations, store: Store, apps: Apps, changes: Changes, files: Files, ann: Principal
) -> None:
    message = await ask(generations, ann, '/rate 100 /steps How do I connect a Dify?')
    generation = generations.of(message.id)
    assert generation
    await text_begins(generation)
    await generations.shutdown(limit=0)
    assert (await row(store, ann, message)).reply.status is Status.INTERRUPTED

    restarted = Generations(store, apps, changes, files)
    await restarted.repair_leftovers()
    kept = await repaired(store, changes, ann, message)
    assert kept.reply.status is Status.COMPLETE
    assert 'DIFY_BASE_URL' in kept.reply.text
    await restarted.shutdown(limit=0)


async def test_every_answer_is_in_the_ledger_once(generations: Generations, store: Store, ann: Principal) -> None:
    for i, query in enumerate(['/echo a', '/error', '/cut 10', '/usage0 hello']):
        await ended(generations, await ask(generations, ann, query, key=f'k{i}'))
    wanted = reports.Filter(date.min, date.max, user=ann.user_id)
    unknown, priced = [line.total for line in await store.read(reports.summed, wanted=wanted)]
    assert (unknown.currency, unknown.answers, unknown.unknown) == ('', 3, 3)
    assert (priced.currency, priced.answers, priced.unknown) == ('USD', 1, 0)
    assert priced.price > 0


async def test_a_stop_frees_the_conversation_at_once_even_if_upstream_is_silent(
    generations: Generations, store: Store, ann: Principal
) -> None:
    silent = await ask(generations, ann, '/slow 40 hello')
    generation = generations.of(silent.id)
    assert generation
    async for progress in generation.watch():
        if progress.phase is Phase.CONNECTING:
            break
    await generations.stop(ann, silent.id)
    async with asyncio.timeout(5):
        following = await ask(generations, ann, '/echo next', conversation_id=silent.conversation_id, key='k2')
        await ended(generations, following)
    assert (await row(store, ann, following)).reply.text == 'next'
    assert (await row(store, ann, silent)).reply.status is Status.STOPPED


async def test_a_question_that_was_kept_but_never_begun_is_begun_by_the_same_draft(
    generations: Generations, store: Store, ann: Principal
) -> None:
    draft = {'user_id': ann.user_id, 'app': 'demo', 'conversation_id': None, 'query': '/echo hi', 'key': 'draft'}
    await store.write(turns.begin, **draft, now=datetime.now(UTC))
    message = await ask(generations, ann, '/echo hi', key='draft')
    await ended(generations, message)
    assert (await row(store, ann, message)).reply.text == 'hi'


async def test_the_same_try_again_asks_once_although_its_first_answer_has_given_way(
    generations: Generations, ann: Principal
) -> None:
    failed = await ask(generations, ann, '/error 401')
    await ended(generations, failed)
    first, second = [await generations.retry(ann, message_id=failed.id, key='again') for _ in range(2)]
    assert first.id == second.id


async def test_what_a_stream_reports_after_the_next_question_is_still_kept(
    generations: Generations, store: Store, changes: Changes, ann: Principal
) -> None:
    message = await ask(generations, ann, '/rate 50 /long 5000')
    generation = generations.of(message.id)
    assert generation
    await text_begins(generation)
    counter = changes.of(ann.user_id)
    await generations.stop(ann, message.id)
    async with asyncio.timeout(20):
        seen = counter.value  # before the row is read, so that no change falls between
        while not (kept := await row(store, ann, message)).reply.usage:
            seen = await counter.after(seen)
    assert kept.reply.status is Status.STOPPED
