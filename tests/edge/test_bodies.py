"""Bodies that are too long, lie about their length, or never end. Nobody here has a cookie."""

import contextlib
import socket
from collections.abc import Iterator

import httpx
import psutil
import pytest
from raw_page import Small

MEGABYTE = b'x' * 1_000_000


@pytest.mark.parametrize('path', ['/echo', '/form', '/', '/nothing', '/logout', '/_nicegui/client/x/upload/1'])
def test_five_megabytes_are_too_many(small: Small, path: str) -> None:
    answer = small.http().post(path, content=MEGABYTE * 5)
    assert (answer.status_code, answer.headers['connection']) == (413, 'close')


@pytest.mark.parametrize('path', ['/echo', '/form'])
def test_so_are_five_megabytes_in_pieces_without_a_length(small: Small, path: str) -> None:
    def pieces() -> Iterator[bytes]:
        yield from [b'x' * 10_000] * 500

    headers = {'Content-Type': 'application/x-www-form-urlencoded'}
    assert small.http().post(path, content=pieces(), headers=headers).status_code == 413


def test_whoever_sends_everything_before_reading_gets_the_answer_too(small: Small) -> None:
    body = MEGABYTE * 5
    head = f'POST /echo HTTP/1.1\r\nHost: 127.0.0.1:{small.port}\r\nContent-Length: {len(body)}\r\n\r\n'
    with socket.create_connection(('127.0.0.1', small.port), timeout=20) as raw:
        raw.sendall(head.encode() + body)
        assert raw.recv(100).startswith(b'HTTP/1.1 413')


def test_what_is_allowed_passes(small: Small) -> None:
    assert small.http().post('/echo', content=b'x' * 65_536).json() == {'bytes': 65_536}
    assert small.http().post('/uploads', content=MEGABYTE).json() == {'bytes': 1_000_000}
    assert small.http().post('/uploads', content=MEGABYTE + b'x').status_code == 413


def test_memory_stays_flat_while_a_gigabyte_comes(small: Small) -> None:
    process = psutil.Process(small.pid)
    before = process.memory_info().rss

    def gigabyte() -> Iterator[bytes]:
        for _ in range(1000):
            yield MEGABYTE

    with contextlib.suppress(httpx.TransportError):  # the server may close before all is sent
        assert small.http().post('/echo', content=gigabyte()).status_code == 413
    assert process.memory_info().rss - before < 50_000_000


@pytest.mark.parametrize(
    ('head', 'status'),
    [
        (b'Content-Length: 99999999999999999999999', b' 4'),
        (b'Content-Length: -1', b' 400'),
        (b'Content-Length: 4\r\nContent-Length: 5', b' 400'),
        (b'Content-Length: 4\r\nTransfer-Encoding: chunked', b' 400'),
        (b'Transfer-Encoding: chunked', b' 413'),
        (b'Content-Length: 999999', b' 413'),
    ],
)
def test_lengths_that_lie(small: Small, head: bytes, status: bytes) -> None:
    with socket.create_connection(('127.0.0.1', small.port), timeout=20) as raw:
        start = f'POST /echo HTTP/1.1\r\nHost: 127.0.0.1:{small.port}\r\n'.encode()
        raw.sendall(start + head + b'\r\n\r\n' + b'20000\r\n' + b'x' * 0x20000 + b'\r\n')
        answer = raw.recv(100)
    assert answer.startswith(b'HTTP/1.1' + status)


def test_a_body_that_does_not_go_on_is_given_up(small: Small) -> None:
    with socket.create_connection(('127.0.0.1', small.port), timeout=20) as raw:
        raw.sendall(f'POST /echo HTTP/1.1\r\nHost: 127.0.0.1:{small.port}\r\nContent-Length: 10\r\n\r\nx'.encode())
        assert raw.recv(100).startswith(b'HTTP/1.1 408')
        while raw.recv(1000):
            pass  # until it closes


def test_others_are_served_while_bodies_hang(small: Small) -> None:
    hanging = []
    try:
        for _ in range(50):
            raw = socket.create_connection(('127.0.0.1', small.port), timeout=20)
            hanging.append(raw)
            raw.sendall(f'POST /echo HTTP/1.1\r\nHost: 127.0.0.1:{small.port}\r\nContent-Length: 10\r\n\r\n'.encode())
        assert small.http().get('/client').status_code == 200
    finally:
        for raw in hanging:
            raw.close()
    assert 'Traceback' not in small.log
