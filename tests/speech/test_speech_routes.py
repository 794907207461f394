"""Speech over real HTTP, between a browser and the whole app."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from speech_support import ALL, answered, one, seconds_of, somebody, speaking, wav
from support import direct
from support.server import Server

from webapp.speech import MOST_RECORDED
from webapp.upstream import demo

LIMITS = '[limits]\nspeech_per_minute = 9\nmessages_per_minute = 0\n'


@pytest.fixture(scope='module')
def hearing() -> Iterator[str]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(demo.serve(demo.build(rate=0, abilities=ALL))) as url,
    ):
        yield url


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, hearing: str) -> Iterator[Server]:
    with speaking(tmp_path_factory.mktemp('app'), hearing, LIMITS) as server:
        yield server


@pytest.fixture
def ann(server: Server) -> Iterator[httpx.Client]:
    with somebody(server) as http:
        yield http


def forget_limits(server: Server) -> None:
    with closing(sqlite3.connect(server.folder / 'data' / 'webapp.db')) as connection, connection:
        connection.execute('DELETE FROM hits')


def test_an_answer_is_spoken_to_its_owner_alone(server: Server, ann: httpx.Client) -> None:
    forget_limits(server)
    message = answered(server, ann, '/echo These are **five** plain words.')
    answer = ann.get(f'/speech/{message}/0')
    assert (answer.status_code, answer.headers['content-type']) == (200, 'audio/wav')
    assert answer.headers['x-content-type-options'] == 'nosniff'
    assert answer.headers['cache-control'].startswith('private')
    assert 'access-control-allow-origin' not in answer.headers
    assert seconds_of(answer.content) == pytest.approx(5 * 0.21, abs=0.01)
    assert ann.get(f'/speech/{message}/1').status_code == 404
    assert ann.get(f'/speech/{message}/-1').status_code == 404
    assert ann.get(f'/speech/{message}/x').status_code == 400
    with somebody(server) as bob:
        assert bob.get(f'/speech/{message}/0').status_code == 404


def test_an_answer_that_was_not_complete_is_not_spoken(server: Server, ann: httpx.Client) -> None:
    forget_limits(server)
    message = answered(server, ann, '/error')
    assert ann.get(f'/speech/{message}/0').status_code == 404


def test_a_voice_that_fails_is_told_in_words_and_costs_no_place(server: Server, ann: httpx.Client) -> None:
    forget_limits(server)
    message = answered(server, ann, '/echo speechless')
    answers = [ann.get(f'/speech/{message}/0') for _ in range(12)]
    assert {answer.status_code for answer in answers} == {502}
    assert answers[-1].json()['message'] == 'The voice could not be had. Try again in a moment.'


def test_what_was_said_becomes_words_and_is_kept_nowhere(server: Server, ann: httpx.Client) -> None:
    forget_limits(server)
    before = one(server, 'SELECT count(*) FROM files')
    answer = ann.post('/speech?app=default', content=wav(1.5))
    assert answer.json() == {'text': "A recording of 1.5 seconds. This demo can't understand speech."}
    assert ann.post('/speech?app=default', content=wav(0.5, loud=0)).json() == {'text': ''}
    assert one(server, 'SELECT count(*) FROM files') == before


@pytest.mark.parametrize(
    ('recording', 'status', 'code'),
    [
        (b'', 415, 'recording_unfit'),
        (b'\x1a\x45\xdf\xa3 webm', 415, 'recording_unfit'),
        (b'<html></html>', 415, 'recording_unfit'),
        (wav(0.01) + bytes(MOST_RECORDED), 413, 'recording_too_long'),
    ],
    ids=['nothing', 'webm', 'html', 'too long'],
)
def test_what_is_no_short_wav_is_refused(
    server: Server, ann: httpx.Client, recording: bytes, status: int, code: str
) -> None:
    forget_limits(server)
    answer = ann.post('/speech?app=default', content=recording)
    assert (answer.status_code, answer.json()['code']) == (status, code)


def test_the_edge_takes_no_more_than_a_recording_may_have(ann: httpx.Client) -> None:
    assert ann.post('/speech?app=default', content=bytes(5_000_000)).status_code == 413


def test_strangers_and_other_apps_and_other_sites(server: Server, ann: httpx.Client) -> None:
    with direct.client(server.url) as nobody:
        assert nobody.post('/speech?app=default', content=wav(0.1)).status_code == 401
    assert ann.post('/speech?app=none', content=wav(0.1)).status_code == 404
    assert ann.post('/speech', content=wav(0.1)).status_code == 404
    foreign = ann.post('/speech?app=default', content=wav(0.1), headers={'Origin': 'https://elsewhere.example'})
    assert foreign.status_code == 403


def test_too_much_in_a_minute_is_refused_with_words(server: Server, ann: httpx.Client) -> None:
    forget_limits(server)
    answers = [ann.post('/speech?app=default', content=wav(0.1)) for _ in range(10)]
    assert [answer.status_code for answer in answers] == [200] * 9 + [429]
    assert 'too often' in answers[-1].json()['message']
    forget_limits(server)
