"""The voice that an app sends along unasked: heard once, paid for once."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from speech_support import answered, seconds_of, somebody, speaking
from starlette.types import ASGIApp, Receive, Scope, Send
from support.server import Server

from webapp.chat.events import Finished, TextDelta, Voiced
from webapp.upstream import demo
from webapp.upstream.demo.state import Abilities
from webapp.upstream.faults import Faults
from webapp.upstream.limits import TimeLimits
from webapp.upstream.reading import Reading
from webapp.voices import MOST_HELD, MOST_SOUND, Voice, Voices

RECORDINGS = Path(__file__).parents[1] / 'recordings'


class Counting:
    """Middleware in front of the demo: how often it was asked to speak."""

    asked = 0

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        Counting.asked += scope.get('path') == '/v1/text-to-audio'
        await self._app(scope, receive, send)


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    upstream = demo.build(rate=0, abilities=Abilities(speaks_unasked=True))
    upstream.add_middleware(Counting)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(demo.serve(upstream)) as url,
        speaking(tmp_path_factory.mktemp('app'), url) as server,
    ):
        yield server


@pytest.fixture
def ann(server: Server) -> Iterator[httpx.Client]:
    with somebody(server) as http:
        yield http


def test_its_owner_hears_it_and_upstream_is_not_asked_again(server: Server, ann: httpx.Client) -> None:
    message = answered(server, ann, '/echo These are five plain words.')
    spoken = ann.get(f'/speech/{message}/whole')
    assert (spoken.status_code, spoken.headers['content-type']) == (200, 'audio/x-wav')
    assert spoken.headers['cache-control'].startswith('private')
    assert seconds_of(spoken.content) == pytest.approx(5 * 0.21, abs=0.01)
    assert Counting.asked == 0
    with somebody(server) as bob:
        assert bob.get(f'/speech/{message}/whole').status_code == 404


def test_what_was_not_spoken_or_not_complete_is_not_found(server: Server, ann: httpx.Client) -> None:
    assert ann.get(f'/speech/{answered(server, ann, "/error")}/whole').status_code == 404
    assert ann.get(f'/speech/{answered(server, ann, "/replace")}/whole').status_code == 404  # the words were withdrawn
    assert ann.get('/speech/none/whole').status_code == 404


def frames(*payloads: dict[str, object]) -> bytes:
    return b''.join(f'data: {json.dumps(payload)}\n\n'.encode() for payload in payloads)


def test_pieces_are_sound_before_and_after_the_end_and_nonsense_is_none() -> None:
    sound = base64.b64encode(b'ID3 some sound').decode()
    stream = frames(
        {'event': 'message', 'answer': 'Hello', 'message_id': 'm', 'conversation_id': 'c', 'task_id': 't'},
        {'event': 'tts_message', 'audio': sound},
        {'event': 'tts_message', 'audio': 'no base64!'},
        {'event': 'tts_message', 'audio': None},
        {'event': 'message_end'},
        {'event': 'tts_message', 'audio': sound},
        {'event': 'tts_message_end', 'audio': ''},
    )
    events = Reading(Faults(), TimeLimits()).take(stream, now=0)
    kept = [event for event in events if isinstance(event, TextDelta | Voiced | Finished)]
    assert kept == [TextDelta('Hello'), Voiced(b'ID3 some sound'), Finished(), Voiced(b'ID3 some sound')]


def test_a_recorded_voice_is_an_mp3() -> None:
    events = Reading(Faults(), TimeLimits()).take((RECORDINGS / 'chat-stream-tts-autoplay.sse').read_bytes(), now=0)
    pieces = [event.sound for event in events if isinstance(event, Voiced)]
    assert len(pieces) == 3
    assert all(piece.startswith(b'\xff\xfb') for piece in pieces)


def begun(name: str) -> tuple[Voices, Voice]:
    voices = Voices()
    voices.begin(name)
    voice = voices.of(name)
    assert voice
    return voices, voice


async def sound_of(pieces: AsyncIterator[bytes]) -> bytes:
    return b''.join([piece async for piece in pieces])


async def test_who_listens_early_hears_it_from_the_beginning_as_it_comes() -> None:
    voices, voice = begun('m')
    hearing = asyncio.create_task(voice.is_heard(within=60))
    listening = asyncio.create_task(sound_of(voice.listen()))
    await asyncio.sleep(0)
    for piece in (b'one ', b'two ', b'three'):
        voices.take('m', piece)
        await asyncio.sleep(0)
    voices.end('m')
    assert await hearing
    assert await listening == b'one two three'
    assert await sound_of(voice.listen()) == b'one two three'


async def test_silence_is_known_as_soon_as_it_is_over() -> None:
    voices, voice = begun('m')
    assert not await voice.is_heard(within=0)
    voices.end('m')
    assert not await voice.is_heard(within=60)
    assert voices.of('m') is None


async def test_what_was_withdrawn_is_heard_no_more_nor_what_follows() -> None:
    voices, _ = begun('m')
    voices.take('m', b'bad words')
    voices.withdraw('m')
    voices.take('m', b'more of them')
    assert voices.of('m') is None


async def test_the_oldest_go_when_there_is_too_much_and_are_over_for_who_listens() -> None:
    voices, old = begun('old')
    voices.begin('new')
    listening = asyncio.create_task(sound_of(old.listen()))
    for name in ('old', 'new'):
        voices.take(name, bytes(MOST_SOUND // 2 + 1))
        await asyncio.sleep(0)
    assert len(await listening) <= MOST_SOUND // 2 + 1
    voices.take('old', b'the rest')
    assert voices.of('old') is None
    assert voices.of('new')
    voices.take('new', bytes(MOST_SOUND))
    assert voices.of('new') is None


async def test_silent_ones_are_not_held() -> None:
    voices = Voices()
    for number in range(2 * MOST_HELD):
        voices.begin(str(number))
        if number % 2:
            voices.end(str(number))
    assert sum(voices.of(str(number)) is not None for number in range(2 * MOST_HELD)) <= MOST_HELD
