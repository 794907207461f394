"""Which names of Dify's count: a sample is read as it is and with something else in a name's place, and compared."""

import asyncio
import copy
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import httpx
from contract_list import Name
from contract_sources import exchanges, names_in, names_of_request

from webapp.chat import form as forms
from webapp.chat.events import FormChanged
from webapp.chat.message import Failure, FormPart, Reply
from webapp.chat.reducer import replay
from webapp.errors import UpstreamError
from webapp.upstream.client import DifyClient
from webapp.upstream.faults import Faults
from webapp.upstream.history import HistoryMessage
from webapp.upstream.limits import TimeLimits
from webapp.upstream.reading import Reading
from webapp.upstream.records import FileRef, Page

Json = dict[str, Any]
Call = Callable[[DifyClient], Awaitable[object]]
NEWER = Path(__file__).parent / 'handled' / 'newer.json'  # what newer servers say, in our own examples
GONE = object()
ENOUGH = 3
JUNK = (GONE, None, 'junk', 7, True, ['junk'], {'junk': 'junk'})
LIMITS = TimeLimits(busy_pause=0, busy_pause_at_most=0)
NOBODYS = '00000000-0000-0000-0000-000000000000'

CALLS: dict[str, Call] = {
    'POST /chat-messages': lambda client: client.ask(
        'hello', user='ann', conversation_id='c', inputs={'city': 'Kyoto'}, workflow_id='w',
        files=[FileRef('image', upload_file_id='f'), FileRef('image', url='https://x.example/y.png')],
    ),
    'POST /chat-messages/{id}/stop': lambda client: client.stop('not-a-uuid', user='ann'),
    'GET /conversations': lambda client: client.conversations(user='ann', last_id='c'),
    'POST /conversations/{id}/name': lambda client: _both(
        client.rename('not-a-uuid', user='ann', name='x'), client.rename('not-a-uuid', user='ann', auto_generate=True)
    ),
    'DELETE /conversations/{id}': lambda client: client.delete('not-a-uuid', user='ann'),
    'GET /messages': lambda client: client.history('c', user='ann', first_id='m'),
    'GET /messages/{id}/suggested': lambda client: client.suggested('not-a-uuid', user='ann'),
    'POST /messages/{id}/feedbacks': lambda client: client.feedback('not-a-uuid', 'like', user='ann', content='good'),
    'GET /app/feedbacks': lambda client: client.feedbacks(),
    'POST /files/upload': lambda client: client.upload('a.png', b'x', 'image/png', user='ann'),
    'GET /files/{id}/preview': lambda client: _bytes(client.preview('not-a-uuid', as_attachment=True)),
    'GET /files/{id}/file-preview': lambda client: _bytes(
        client.file(f'/files/{NOBODYS}/file-preview?timestamp=1&nonce=n&sign=s')
    ),
    'GET /files/tools/{id}': lambda client: _bytes(
        client.file(f'/files/tools/{NOBODYS}.png?timestamp=1&nonce=n&sign=s')
    ),
    'POST /audio-to-text': lambda client: client.audio_to_text('a.wav', b'x', 'audio/wav', user='ann'),
    'POST /text-to-audio': lambda client: _bytes(client.text_to_audio('x', user='ann', voice='v')),
    'GET /info': DifyClient.info,
    'GET /parameters': DifyClient.parameters,
    'GET /meta': DifyClient.meta,
    'GET /site': DifyClient.site,
    'GET /workflows/run/{id}': lambda client: client.run('not-a-uuid'),
    'GET /workflow/{id}/events': lambda client: _all(client.resume('not-a-uuid', user='ann', catch_up=True)),
    'POST /form/human_input/{id}': lambda client: client.answer_form(
        'not-a-uuid', action='yes', inputs={'why': 'so'}, user='ann'
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """Something that a server has said, and how we read it.

    :ivar data: the frames of a stream, or one body
    :ivar read: several versions of it
    :ivar is_recorded: it was said by a real Dify
    """

    origins: frozenset[str]
    data: list[Json]
    read: Callable[[Sequence[list[Json]]], list[object]]
    is_recorded: bool

    @cached_property
    def value(self) -> object:
        return self.read([self.data])[0]

    @cached_property
    def names(self) -> frozenset[Name]:
        return frozenset(name for frame in self.data for origin in self._of(frame) for name in names_in(origin, frame))

    def reads_otherwise(self, names: Sequence[Name]) -> bool:
        """Whether it is read otherwise with something else in the places of `names`, or without their events."""
        return any(value != self.value for value in self.read([self._changed(names, junk) for junk in JUNK]))

    def _changed(self, names: Sequence[Name], junk: object) -> list[Json]:
        gone = {name.path.removeprefix('event=') for name in names if name.path.startswith('event=')}
        data = copy.deepcopy([frame for frame in self.data if not gone & {frame.get('event')}])
        for frame in data:
            origins = self._of(frame)
            for name in names:
                if name.origin in origins:
                    _put(frame, name.path, junk)
        return data

    def _of(self, frame: Json) -> Sequence[str]:
        return ('event *', f'event {frame.get("event")}') if 'event *' in self.origins else tuple(self.origins)


def effective(origin: str, names: Sequence[Name]) -> set[Name]:
    """Those of the names, at one origin, that count; few of them are expected to. A name is tried in three samples."""
    found: set[Name] = set()
    tried = Counter[Name]()
    for sample in samples(origin):
        here = [name for name in names if name.origin == origin and name in sample.names]
        if any(tried[name] < ENOUGH for name in here):
            tried.update(here)
            if sample.reads_otherwise(here):
                found |= {name for name in here if sample.reads_otherwise([name])}
    return found


def has_effect(name: Name) -> bool:
    """Whether a name counts in any sample."""
    return any(sample.reads_otherwise([name]) for sample in samples(name.origin) if name in sample.names)


@cache
def samples(origin: str) -> tuple[Sample, ...]:
    """Ours first, since each has been made for something; then the small ones."""
    found = [sample for sample in _samples() if origin in sample.origins]
    return tuple(sorted(found, key=lambda sample: (sample.is_recorded, len(sample.names))))


@cache
def sent() -> frozenset[Name]:
    """The names in all that our client asks, when it says everything that it can say."""
    return frozenset(name for how in CALLS.values() for request in _asked(how) for name in names_of_request(request))


@cache
def _samples() -> tuple[Sample, ...]:
    newer = json.loads(NEWER.read_text())
    found = [_stream(each.frames, is_recorded=True) for each in exchanges() if each.frames]
    found += [_stream(frames) for frames in newer['streams']]
    found += [_stream(frames, is_resumed=True) for frames in newer['resumed']]
    told = [each for each in exchanges() if each.origin in CALLS and isinstance(each.body, dict)]
    found += [_body(each.origin, each.body, each.status, is_recorded=True) for each in told]
    found += [_body(origin, body) for origin, bodies in newer['answers'].items() for body in bodies]
    return tuple(found)


def _stream(frames: list[Json], *, is_resumed: bool = False, is_recorded: bool = False) -> Sample:
    def read(data: list[Json]) -> object:
        reading = Reading(Faults(), TimeLimits(), is_resumed=is_resumed)
        body = b''.join(b'data: ' + json.dumps(frame).encode() + b'\n\n' for frame in data)
        events = reading.take(body, now=0)
        until = reading.close_at
        events += reading.close(Failure('stream_cut'), now=0)
        others = [event for event in events if not isinstance(event, FormChanged)]
        return _seen(replay(events)), others, until

    origins = frozenset({'event *', *(f'event {frame["event"]}' for frame in frames)})
    return Sample(origins, frames, lambda versions: list(map(read, versions)), is_recorded)


def _body(origin: str, body: Json, status: int = 200, *, is_recorded: bool = False) -> Sample:
    def read(versions: Sequence[list[Json]]) -> list[object]:
        return asyncio.run(_told(CALLS[origin], [partial(_response, status, version[0]) for version in versions]))

    is_refused = status >= 400
    return Sample(frozenset({'refusal' if is_refused else f'answer {origin}'}), [body], read, is_recorded)


def _asked(how: Call) -> list[httpx.Request]:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return _response(200, {}, request)

    asyncio.run(_told(how, [answer]))
    return requests


class Upstream(httpx.AsyncBaseTransport):
    """Answers as it is told to, without a network."""

    answer: Callable[[httpx.Request], httpx.Response]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.answer(request)


def _response(status: int, body: Json, _: httpx.Request) -> httpx.Response:
    stream = httpx.ByteStream(json.dumps(body).encode())
    return httpx.Response(status, headers={'Content-Type': 'application/json'}, stream=stream)


async def _told(how: Call, answers: Sequence[Callable[[httpx.Request], httpx.Response]]) -> list[object]:
    """What a call of the client comes to, with each of the answers."""
    upstream = Upstream()
    client = DifyClient('http://localhost', 'app-key', limits=LIMITS, transport=upstream)
    found = []
    for upstream.answer in answers:
        found.append(await _outcome(how, client))
    await client.aclose()
    return found


async def _outcome(how: Call, client: DifyClient) -> object:
    """A value, or an error of ours."""
    try:
        return _seen(await how(client))
    except UpstreamError as error:
        return error.code, error.detail, error.status, error.upstream_code


async def _bytes(opening: AbstractAsyncContextManager[Any]) -> bytes:
    async with opening as answer:
        content: bytes = await answer.read()
        return content


async def _all(events: Any) -> list[object]:
    return [event async for event in events]


async def _both(first: Coroutine[Any, Any, object], second: Coroutine[Any, Any, object]) -> tuple[object, object]:
    try:
        return await first, await second
    finally:
        second.close()


def _seen(value: object) -> object:
    """A value with the forms in it as people see them: they are kept as upstream's own JSON."""
    match value:
        case FormPart():
            bare = replace(value, inputs='', actions='')
            return bare, forms.fields(value), forms.actions(value), forms.pieces(value)
        case Reply():
            return replace(value, parts=()), tuple(map(_seen, value.parts))
        case HistoryMessage():
            return replace(value, reply=Reply()), _seen(value.reply)
        case Page():
            return value.has_more, tuple(map(_seen, value.items))
    return value


def _put(value: Any, path: str, junk: object) -> None:
    """Put something else wherever the path leads."""
    step, _, rest = path.partition('.')
    key, *lists = step.split('[]')
    if not isinstance(value, dict) or key not in value:
        return
    if not rest and not lists:
        if junk is GONE:
            del value[key]
        else:
            value[key] = junk
        return
    below: list[Any] = [value[key]]
    for _ in lists:
        below = [each for every in below if isinstance(every, list) for each in every]
    for each in below:
        _put(each, rest, junk)
