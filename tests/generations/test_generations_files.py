"""Questions with files, answers with files, and what people think of them: against the demo upstream."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from generations_support import ask, ended, repaired, row, text_begins
from sqlmodel import Session, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from webapp.apps import App, Apps
from webapp.changes import Changes
from webapp.chat.message import Failure, FilePart, Reply, Status, TextPart, dump_reply
from webapp.errors import NotFound, Refused, UpstreamError
from webapp.feedback import Feedback
from webapp.files import Files, address, made, made_id
from webapp.generations import Generations
from webapp.generations.repair import Repairs
from webapp.principal import Principal, Role
from webapp.store import feedback as rows, personal
from webapp.store.database import Store
from webapp.store.files import File
from webapp.store.leftovers import Leftover
from webapp.store.messages import Message
from webapp.store.tables import FeedbackRow, MessageRow
from webapp.upstream.client import DifyClient

RECORDINGS = Path(__file__).parents[1] / 'recordings'
PNG = (RECORDINGS / 'tool-file-signed-url.http').read_bytes().partition(b'\r\n\r\n')[2]


async def uploaded(files: Files, who: Principal, name: str = 'photo.png', data: bytes = PNG) -> File:
    return await files.upload(who, app='demo', name=name, stream=io.BytesIO(data))


async def whole(files: Files, file: File) -> bytes:
    return b''.join([block async for block in files.read(file, 0, file.size or 0)])


async def test_the_assistant_sees_the_files_of_a_question(
    generations: Generations, files: Files, store: Store, ann: Principal
) -> None:
    photo, notes = await uploaded(files, ann), await uploaded(files, ann, 'notes.txt', b'Hello there')
    question = {'app': 'demo', 'conversation_id': None, 'query': 'What is this?', 'key': 'k1'}
    message = await generations.start(ann, **question, files=[photo.id, notes.id])
    again = await generations.start(ann, **question, files=[photo.id, notes.id])
    assert again.id == message.id
    await ended(generations, message)
    kept = await row(store, ann, message)
    assert kept.reply.status is Status.COMPLETE
    assert 'photo.png' in kept.reply.text
    assert 'notes.txt' in kept.reply.text
    assert [(file.name, file.kind) for file in kept.files] == [('photo.png', 'image'), ('notes.txt', 'document')]
    assert await whole(files, await files.find(ann, photo.id)) == PNG


async def test_a_file_without_words_is_a_question(
    generations: Generations, files: Files, store: Store, ann: Principal
) -> None:
    photo = await uploaded(files, ann)
    message = await generations.start(ann, app='demo', conversation_id=None, query=' ', key='k1', files=[photo.id])
    await ended(generations, message)
    kept = await row(store, ann, message)
    assert (kept.query, kept.reply.status) == (' ', Status.COMPLETE)


async def test_more_files_than_the_app_takes_are_refused(
    generations: Generations, files: Files, ann: Principal
) -> None:
    ids = [(await uploaded(files, ann)).id for _ in range(4)]
    question = {'app': 'demo', 'conversation_id': None, 'query': 'What are these?', 'key': 'k1'}
    with pytest.raises(Refused, match='too_many_files'):
        await generations.start(ann, **question, files=ids)
    assert len((await generations.start(ann, **question, files=ids[:3])).files) == 3


async def test_files_of_others_can_not_be_sent(
    generations: Generations, files: Files, ann: Principal, bob: Principal
) -> None:
    photo = await uploaded(files, ann)
    with pytest.raises(Refused, match='file_gone'):
        await generations.start(bob, app='demo', conversation_id=None, query='?', key='k1', files=[photo.id])
    with pytest.raises(NotFound):
        await files.find(bob, photo.id)


async def test_a_question_that_failed_is_asked_again_with_its_files(
    generations: Generations, files: Files, store: Store, ann: Principal
) -> None:
    photo = await uploaded(files, ann)
    question = '/error'
    message = await generations.start(ann, app='demo', conversation_id=None, query=question, key='k1', files=[photo.id])
    await ended(generations, message)
    assert (await row(store, ann, message)).reply.status is Status.FAILED
    again = await generations.retry(ann, message_id=message.id, key='k2')
    assert [file.id for file in again.files] == [photo.id]
    await ended(generations, again)


async def test_a_cancelled_upload_leaves_nothing(files: Files, store: Store, ann: Principal) -> None:
    class Slow(io.BytesIO):
        """Its reader is cancelled half-way."""

        reads = 0

        def read(self, size: int | None = -1) -> bytes:
            self.reads += 1
            if self.reads > 40:
                loop.call_soon_threadsafe(upload.cancel)
            return super().read(min(size or 1, 100_000) if self.reads > 20 else size)

    loop = asyncio.get_running_loop()
    stream = Slow(b'word ' * 2_000_000)
    upload = asyncio.create_task(files.upload(ann, app='demo', name='long.txt', stream=stream))
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert stream.reads > 40
    assert await files.purge() == 0
    assert await Files(store, Apps([]), Changes(), now=_tomorrow).purge() == 0


async def test_uploads_that_nobody_sent_go_after_a_day(files: Files, store: Store, ann: Principal) -> None:
    photo = await uploaded(files, ann)
    assert await files.purge() == 0
    assert await Files(store, Apps([]), Changes(), now=_tomorrow).purge() == 1
    with pytest.raises(NotFound):
        await files.find(ann, photo.id)


def _tomorrow() -> datetime:
    return datetime.now(UTC) + timedelta(days=1, minutes=1)


async def test_what_the_assistant_draws_is_ours_to_show(
    generations: Generations, files: Files, store: Store, ann: Principal, bob: Principal
) -> None:
    message = await ask(generations, ann, '/image a red dot')
    generation = generations.of(message.id)
    assert generation
    async for progress in generation.watch():
        for part in progress.reply.parts:
            if isinstance(part, FilePart):  # as soon as a page can show it, it is there
                file_id = made_id(message.id, part)
                file = await files.find(ann, file_id)
                assert file.media_type == 'image/png'
                assert len(await whole(files, file)) == file.size
    kept = await row(store, ann, message)
    [drawn] = kept.made
    assert drawn.is_kept
    assert (drawn.width or 0) > 0
    [part] = [part for part in kept.reply.parts if isinstance(part, FilePart)]
    assert made_id(message.id, part) == drawn.id
    with pytest.raises(NotFound):
        await files.find(bob, drawn.id)


async def figures(generations: Generations, store: Store, ann: Principal, query: str) -> Message:
    message = await ask(generations, ann, query)
    await ended(generations, message)
    return await row(store, ann, message)


@pytest.mark.parametrize('where', ['', ' internal', ' relative'])
async def test_a_picture_in_the_text_of_an_answer_is_ours_to_show(
    generations: Generations, files: Files, store: Store, ann: Principal, bob: Principal, where: str
) -> None:
    kept = await figures(generations, store, ann, f'/figure{where} what is this?')
    chart, table = kept.made
    assert kept.reply.status is Status.COMPLETE
    assert f'![chart.png]({address(chart.id)})' in kept.reply.text
    assert f'[numbers.csv]({address(table.id)})' in kept.reply.text
    assert 'sign=' not in kept.reply.text
    assert {chart.id, table.id} <= {file.id for file in await store.read(personal.sent, user_id=ann.user_id, after='')}
    for file, media_type in ((chart, 'image/png'), (table, 'text/csv')):
        found = await files.find(ann, file.id)
        assert (found.name, found.media_type) == (file.name, media_type)
        assert len(await whole(files, found)) == found.size
        with pytest.raises(NotFound):
            await files.find(bob, file.id)


async def test_pictures_of_an_answer_that_was_broken_off_come_with_its_rest(
    generations: Generations, files: Files, store: Store, apps: Apps, changes: Changes, ann: Principal
) -> None:
    message = await ask(generations, ann, '/rate 100 /figure How do I connect a Dify?')
    generation = generations.of(message.id)
    assert generation
    await text_begins(generation)
    await generations.shutdown(limit=0)
    restarted = Generations(store, apps, changes, files)
    await restarted.repair_leftovers()
    await repaired(store, changes, ann, message)
    await ended(restarted, message)
    kept = await row(store, ann, message)
    await restarted.shutdown(limit=0)
    assert [file.name for file in kept.made] == ['chart.png', 'numbers.csv']
    for file in kept.made:
        assert address(file.id) in kept.reply.text
        assert (await files.find(ann, file.id)).is_kept


async def test_a_model_is_told_of_earlier_pictures_by_their_names(
    generations: Generations, store: Store, apps: Apps, ann: Principal
) -> None:
    first = await figures(generations, store, ann, '/figure')
    second = await ask(generations, ann, '/echo two', conversation_id=first.conversation_id, key='k2')
    await ended(generations, second)
    edited = await generations.retry(ann, message_id=second.id, key='k3', query='/echo three')
    await ended(generations, edited)
    told = await row(store, ann, edited)
    page = await apps.get('demo').client.history(told.reply.conversation_id, user=ann.dify_user)
    assert 'The numbers are in numbers.csv' in page.items[0].query
    assert '/files/' not in page.items[0].query


class Upstream:
    """A server whose files come and go."""

    def __init__(self) -> None:
        self.content = PNG
        self.status = 200
        self.calls: list[str] = []
        self.looks = 0  # into history
        self.history: list[dict[str, object]] = []
        self.endless = False

    async def file(self, request: Request) -> Response:
        self.calls.append(str(request.url.query))
        if self.endless:
            return StreamingResponse(self._pieces())
        if self.status != 200 or 'old' in request.url.query:
            return Response(status_code=self.status if self.status != 200 else 404)
        return Response(self.content, media_type='text/html')

    async def messages(self, _: Request) -> Response:
        self.looks += 1
        return JSONResponse({'data': self.history, 'has_more': False, 'limit': 100})

    @staticmethod
    async def _pieces() -> AsyncIterator[bytes]:
        for _ in range(50):  # far more than is taken
            yield bytes(1_000_000)
            await asyncio.sleep(0)


@asynccontextmanager
async def serving(upstream: Upstream) -> AsyncIterator[str]:
    routes = [Route('/files/tools/{name}', upstream.file), Route('/v1/messages', upstream.messages)]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=0, log_level='critical', lifespan='off'))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f'http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}'
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def elsewhere() -> AsyncIterator[tuple[Upstream, Apps]]:
    upstream = Upstream()
    async with serving(upstream) as url:
        apps = Apps([App('demo', DifyClient(url, 'demo'))])
        yield upstream, apps
        await apps.close()


@pytest.fixture
async def away(
    elsewhere: tuple[Upstream, Apps], store: Store, changes: Changes
) -> AsyncIterator[tuple[Upstream, Files]]:
    upstream, apps = elsewhere
    files = Files(store, apps, changes)
    yield upstream, files
    await files.close()


@pytest.fixture
async def message(generations: Generations, store: Store, ann: Principal) -> Message:
    begun = await ask(generations, ann, '/echo here it is')
    await ended(generations, begun)
    return await row(store, ann, begun)


SUN = '6d2f1f0e-0b1a-4c3d-8e9f-001122334455'
MOON = '0a1b2c3d-4e5f-4a6b-8c7d-66778899aabb'
PART = FilePart('up-1', 'image', 'sun.png', 'image/png', None, f'http://api:5001/files/tools/{SUN}.png?sign=new')


async def test_content_tells_what_a_file_is_not_what_upstream_says(
    away: tuple[Upstream, Files], message: Message, ann: Principal
) -> None:
    upstream, files = away
    upstream.content = b'<html><script>alert(1)</script></html>'
    await files.adopt(message.id, user_id=ann.user_id, app='demo', parts=[PART])
    file = await files.find(ann, made_id(message.id, PART))
    assert (file.media_type, file.size, file.width) == ('application/octet-stream', len(upstream.content), None)


async def test_many_who_ask_at_once_fetch_it_once(
    away: tuple[Upstream, Files], message: Message, ann: Principal
) -> None:
    upstream, files = away
    await files.adopt(message.id, user_id=ann.user_id, app='demo', parts=[PART])
    found = await asyncio.gather(*(files.find(ann, made_id(message.id, PART)) for _ in range(20)))
    assert {file.size for file in found} == {len(PNG)}
    assert upstream.calls == ['sign=new']


async def test_an_address_that_has_expired_is_asked_for_anew(
    away: tuple[Upstream, Files], message: Message, ann: Principal
) -> None:
    upstream, files = away
    upstream.history = [
        {
            'id': message.reply.message_id,
            'conversation_id': message.reply.conversation_id,
            'query': '',
            'answer': 'here it is',
            'message_files': [
                {
                    'id': PART.id,
                    'type': 'image',
                    'belongs_to': 'assistant',
                    'url': f'/files/tools/{SUN}.png?sign=newest',
                }
            ],
        }
    ]
    old = replace(PART, url=f'/files/tools/{SUN}.png?sign=old')
    await files.adopt(message.id, user_id=ann.user_id, app='demo', parts=[old])
    file = await files.find(ann, made_id(message.id, old))
    assert await whole(files, file) == PNG
    assert upstream.calls == ['sign=old', 'sign=newest']


def _written(id_: str, sign: str = 'old') -> FilePart:
    return FilePart(id_, 'image', 'sun.png', url=f'/files/tools/{id_}.png?nonce=1&sign={sign}', is_written=True)


async def test_an_address_that_somebody_had_written_is_never_signed_for_them(
    away: tuple[Upstream, Files], message: Message, ann: Principal
) -> None:
    upstream, files = away
    signed_anew = f'![sun](http://api:5001/files/tools/{SUN}.png?nonce=1&sign=newest)'
    upstream.history = [
        {
            'id': message.reply.message_id,
            'conversation_id': message.reply.conversation_id,
            'query': '',
            'answer': signed_anew,
            'extra_contents': [
                {
                    'type': 'human_input',
                    'submitted': True,
                    'form_definition': {'form_id': 'f', 'form_content': signed_anew, 'rendered_content': signed_anew},
                    'form_submission_data': {'rendered_content': signed_anew, 'action_id': 'yes'},
                }
            ],
        }
    ]
    part = _written(SUN)
    await files.adopt(message.id, user_id=ann.user_id, app='demo', parts=[part])
    with pytest.raises(NotFound):
        await files.find(ann, made_id(message.id, part))
    assert set(upstream.calls) == {'nonce=1&sign=old'}


async def test_a_text_full_of_forged_addresses_is_little_work_and_no_outage(
    elsewhere: tuple[Upstream, Apps], away: tuple[Upstream, Files], message: Message, ann: Principal
) -> None:
    (upstream, apps), (_, files) = elsewhere, away
    parts = [_written(f'{number:08x}{SUN[8:]}') for number in range(100)]
    for part in parts:
        await files.adopt(message.id, user_id=ann.user_id, app='demo', parts=[part])
    for part in parts:
        with pytest.raises(NotFound):
            await files.find(ann, made_id(message.id, part))
    assert upstream.looks == 1
    assert not apps.get('demo').client.health.is_down
    known = _written(f'{0:08x}{SUN[8:]}', 'new')  # which is not another one
    await files.adopt(message.id, user_id=ann.user_id, app='demo', parts=[known, PART])
    for part in (known, PART):  # nor does a text keep out what upstream names itself
        assert (await files.find(ann, made_id(message.id, part))).is_kept


@pytest.mark.parametrize('status', [401, 403, 404, 502])
async def test_a_file_that_is_refused_says_nothing_about_how_upstream_is_doing(
    status: int, elsewhere: tuple[Upstream, Apps], away: tuple[Upstream, Files], message: Message, ann: Principal
) -> None:
    (upstream, apps), (_, files) = elsewhere, away
    health = apps.get('demo').client.health
    await files.adopt(message.id, user_id=ann.user_id, app='demo', parts=[PART])
    assert (await files.find(ann, made_id(message.id, PART))).is_kept
    upstream.status = status
    refused = replace(PART, id='up-2')
    await files.adopt(message.id, user_id=ann.user_id, app='demo', parts=[refused])
    with pytest.raises((NotFound, UpstreamError)):
        await files.find(ann, made_id(message.id, refused))
    assert health.code == ''


async def test_a_file_that_nobody_has_any_more_is_not_found(
    away: tuple[Upstream, Files], message: Message, ann: Principal
) -> None:
    upstream, files = away
    upstream.status = 404
    await files.adopt(message.id, user_id=ann.user_id, app='demo', parts=[PART])
    with pytest.raises(NotFound):
        await files.find(ann, made_id(message.id, PART))


async def test_a_file_that_can_not_be_had_now_may_be_had_later(
    away: tuple[Upstream, Files], message: Message, ann: Principal
) -> None:
    upstream, files = away
    upstream.status = 503
    await files.adopt(message.id, user_id=ann.user_id, app='demo', parts=[PART])
    with pytest.raises(UpstreamError, match='file_unavailable') as caught:
        await files.find(ann, made_id(message.id, PART))
    assert caught.value.status == 502
    upstream.status = 200
    assert (await files.find(ann, made_id(message.id, PART))).is_kept


async def test_pages_hear_of_a_file_that_comes_after_its_answer(
    away: tuple[Upstream, Files], changes: Changes, message: Message, ann: Principal
) -> None:
    upstream, files = away
    upstream.status = 503
    await files.adopt(message.id, user_id=ann.user_id, app='demo', parts=[PART])
    with pytest.raises(UpstreamError):
        await files.find(ann, made_id(message.id, PART))
    upstream.status = 200
    changed = changes.of(ann.user_id)
    seen = changed.value
    await files.find(ann, made_id(message.id, PART))
    assert changed.since(seen) == {message.conversation_id: True}


async def test_a_file_without_end_is_given_up(
    away: tuple[Upstream, Files], message: Message, ann: Principal, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made, 'MOST_BYTES', 3_000_000)
    upstream, files = away
    upstream.endless = True
    await files.adopt(message.id, user_id=ann.user_id, app='demo', parts=[PART])
    with pytest.raises(NotFound):
        await files.find(ann, made_id(message.id, PART))
    asked = len(upstream.calls)
    with pytest.raises(NotFound):
        await files.find(ann, made_id(message.id, PART))
    assert len(upstream.calls) == asked


async def test_nothing_but_upstreams_files_is_fetched(
    away: tuple[Upstream, Files], message: Message, ann: Principal
) -> None:
    upstream, files = away
    hostile = (
        'http://169.254.169.254/latest',
        'file:///etc/passwd',
        '/files/../v1/messages',
        '/files/%2e%2e/v1/info',
        '',
    )
    for number, url in enumerate(hostile):
        part = replace(PART, id=str(number), url=url)
        await files.adopt(message.id, user_id=ann.user_id, app='demo', parts=[part])
        with pytest.raises(NotFound):
            await files.find(ann, made_id(message.id, part))
    assert (upstream.calls, upstream.looks) == ([], 1)


def _break(session: Session, message_id: str, reply: Reply) -> None:
    kept = session.get(MessageRow, message_id)
    assert kept
    kept.reply, kept.status = dump_reply(reply), reply.status
    session.add(kept)


async def test_what_history_has_of_a_broken_answer_neither_loses_a_picture_nor_doubles_it(
    elsewhere: tuple[Upstream, Apps],
    away: tuple[Upstream, Files],
    store: Store,
    changes: Changes,
    message: Message,
    ann: Principal,
) -> None:
    (upstream, apps), (_, files) = elsewhere, away
    sun = FilePart(SUN, 'image', 'sun.png', url=f'/files/tools/{SUN}.png?nonce=1&sign=old', is_written=True)
    place = address(made_id(message.id, sun))
    await files.adopt(message.id, user_id=ann.user_id, app='demo', parts=[sun])
    parts = (TextPart(f'Look: ![sun]({place}) and'), sun)
    broken = replace(message.reply, status=Status.INTERRUPTED, parts=parts, failure=Failure('stream_cut'))
    await store.write(_break, message_id=message.id, reply=broken)
    upstream.history = [
        {
            'id': broken.message_id,
            'conversation_id': broken.conversation_id,
            'query': '',
            'answer': 'Look:  and that is it.',  # pictures are taken out there, and put on record beside the text
            'message_files': [
                {
                    'id': f'of {of}',
                    'belongs_to': 'assistant',
                    'type': 'image',
                    'url': f'/files/tools/{of}.png?sign=newest',
                }
                for of in (SUN, MOON)
            ],
        }
    ]

    async def go_on(app: App, leftover: Leftover) -> bool:
        return False

    repairs = Repairs(store, changes, files, go_on=go_on)
    names = (message.id, message.conversation_id, ann.user_id, ann.dify_user, 'demo', message.upstream_id)
    repairs.begin(apps.get('demo'), Leftover(*names, broken))
    kept = await repaired(store, changes, ann, message)
    await repairs.close()
    assert kept.reply.text == f'Look: ![sun]({place}) and that is it.'
    assert [part.is_written for part in kept.reply.parts if isinstance(part, FilePart)] == [False, False]
    assert len(kept.made) == 2
    for file in kept.made:
        assert await whole(files, await files.find(ann, file.id)) == PNG


@pytest.fixture
async def feedback(store: Store, apps: Apps) -> AsyncIterator[Feedback]:
    feedback = Feedback(store, apps)
    worker = asyncio.create_task(feedback.run())
    yield feedback
    worker.cancel()
    await asyncio.wait({worker})


async def told(store: Store) -> None:
    async with asyncio.timeout(20):
        while await store.read(rows.next_due):
            await asyncio.sleep(0.02)


async def test_upstream_hears_what_a_person_thinks(
    feedback: Feedback, store: Store, apps: Apps, message: Message, ann: Principal, bob: Principal
) -> None:
    upstream_id = message.reply.message_id

    async def upstreams() -> str:
        page = await apps.get('demo').client.history(message.reply.conversation_id, user=ann.dify_user)
        return next(kept.feedback for kept in page.items if kept.id == upstream_id)

    with pytest.raises(NotFound):
        await feedback.rate(bob, message.id, 'dislike')
    with pytest.raises(NotFound):  # the app is closed to guests
        await feedback.rate(replace(ann, role=Role.GUEST), message.id, 'dislike')
    await feedback.rate(ann, message.id, 'like', 'Just right')
    kept = await row(store, ann, message)
    assert (kept.rating, kept.comment) == ('like', 'Just right')
    await told(store)
    assert await upstreams() == 'like'
    await feedback.rate(ann, message.id, None)
    await told(store)
    assert await upstreams() == ''
    assert (await row(store, ann, message)).rating == ''


async def test_what_was_thought_while_upstream_was_away_is_told_at_the_next_start(
    store: Store, apps: Apps, message: Message, ann: Principal
) -> None:
    away = Apps([App('demo', DifyClient('http://127.0.0.1:9', 'demo'))])
    first = Feedback(store, away)
    worker = asyncio.create_task(first.run())
    await first.rate(ann, message.id, 'dislike')
    async with asyncio.timeout(20):
        while not await store.read(_has_been_tried):
            await asyncio.sleep(0.02)
    worker.cancel()
    await asyncio.wait({worker})
    await away.close()

    second = Feedback(store, apps)
    worker = asyncio.create_task(second.run())
    await told(store)
    worker.cancel()
    await asyncio.wait({worker})
    page = await apps.get('demo').client.history(message.reply.conversation_id, user=ann.dify_user)
    assert page.items[-1].feedback == 'dislike'


def _has_been_tried(session: Session) -> bool:
    """And the try is settled: a claim alone is due much later."""
    row = session.exec(select(FeedbackRow)).one()
    return row.due_at is not None and row.attempts > 0 and row.due_at - row.updated_at < timedelta(minutes=1)
