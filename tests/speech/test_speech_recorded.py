"""What a real Dify was seen to answer about sound, and what a person gets of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from speech_support import ALL, answered, somebody, wav
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from support.server import Server

from webapp.upstream import demo

RECORDINGS = Path(__file__).parents[1] / 'recordings'


@dataclass
class Playing:
    """Which recording is played in place of whatever the demo would answer about sound."""

    name: str = ''


class Player:
    """Middleware in front of the demo."""

    def __init__(self, app: ASGIApp, playing: Playing) -> None:
        self._app = app
        self._playing = playing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get('path') in {'/v1/audio-to-text', '/v1/text-to-audio'}:
            return await recorded(self._playing.name)(scope, receive, send)
        return await self._app(scope, receive, send)


def recorded(name: str) -> Response:
    head, _, body = (RECORDINGS / f'{name}.http').read_bytes().partition(b'\r\n\r\n')
    status, *lines = head.decode().split('\r\n')
    headers = dict(line.split(': ', 1) for line in lines)
    return Response(body, int(status.split()[1]), media_type=headers['Content-Type'])


@pytest.fixture(scope='module')
def playing() -> Playing:
    return Playing()


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, playing: Playing) -> Iterator[Server]:
    upstream = demo.build(rate=0, abilities=ALL)
    upstream.add_middleware(Player, playing=playing)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(demo.serve(upstream)) as url,
    ):
        server = Server(tmp_path_factory.mktemp('app'), {'DIFY_BASE_URL': url, 'DIFY_API_KEY': 'demo'})
        server.start()
        yield server
        server.stop()
        assert 'Traceback' not in server.log, server.log


@pytest.fixture(scope='module')
def ann(server: Server) -> Iterator[httpx.Client]:
    with somebody(server) as http:
        yield http


@pytest.fixture(scope='module')
def message(server: Server, ann: httpx.Client) -> str:
    return answered(server, ann, '/echo hello there')


@pytest.mark.parametrize('name', ['audio-to-text-ok', 'audio-to-text-no-user'])
def test_words_that_were_heard(ann: httpx.Client, playing: Playing, name: str) -> None:
    playing.name = name
    answer = ann.post('/speech?app=default', content=wav(0.2))
    assert (answer.status_code, answer.json()) == (200, {'text': 'hello from the fake transcriber'})


@pytest.mark.parametrize('case', ['31MB', 'bad-type', 'disabled', 'no-file', 'webm'])
def test_a_refusal_to_hear_is_one_sentence(ann: httpx.Client, playing: Playing, case: str) -> None:
    playing.name = f'audio-to-text-{case}'
    answer = ann.post('/speech?app=default', content=wav(0.2))
    assert (answer.status_code, answer.json()['code']) == (502, 'hearing_failed')
    assert 'Audio' not in answer.text


@pytest.mark.parametrize('case', ['ok', 'by-message'])
def test_a_voice_is_passed_on_as_it_is(ann: httpx.Client, playing: Playing, message: str, case: str) -> None:
    playing.name = f'text-to-audio-{case}'
    answer = ann.get(f'/speech/{message}/0')
    assert (answer.status_code, answer.headers['content-type']) == (200, 'audio/mpeg')
    assert answer.content == recorded(playing.name).body


@pytest.mark.parametrize('case', ['disabled', 'no-text', 'unknown-message'])
def test_what_is_no_voice_is_one_sentence(ann: httpx.Client, playing: Playing, message: str, case: str) -> None:
    playing.name = f'text-to-audio-{case}'
    answer = ann.get(f'/speech/{message}/0')
    assert (answer.status_code, answer.json()['code']) == (502, 'speech_failed')
