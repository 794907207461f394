"""What travels: encodings, caching, conditions, and streams that must not be held back."""

import gzip
import time

import brotli
import httpx
import pytest
from nicegui import __version__ as nicegui_version
from raw_page import Small

from webapp.edge import assets
from webapp.edge.encodings import chosen

QUASAR = f'/_nicegui/{nicegui_version}/static/quasar.umd.prod.js'
DECODERS = {'br': brotli.decompress, 'gzip': gzip.decompress, '': bytes}


def raw(small: Small, path: str, method: str = 'GET', **headers: str) -> httpx.Response:
    """An answer as it travels: `raw_body` is what came over the wire."""
    headers = {name.replace('_', '-'): value for name, value in headers.items()}
    with small.http().stream(method, path, headers={'Accept-Encoding': 'identity'} | headers) as answer:
        answer.extensions['raw'] = b''.join(answer.iter_raw())
    return answer


@pytest.mark.parametrize(
    ('accept', 'expected'),
    [
        ('br', 'br'),
        ('gzip, deflate, br', 'br'),
        ('gzip', 'gzip'),
        ('GZIP', 'gzip'),
        ('br;q=0, gzip', 'gzip'),
        ('br;q=0.1, gzip;q=0.9', 'gzip'),
        ('*', 'br'),
        ('*;q=0', ''),
        ('br;q=0, *', 'gzip'),
        ('identity', ''),
        ('', ''),
        ('br;q=x', ''),
        ('gzip;level=9;q=1, ,;', 'gzip'),
        ('deflate', ''),
    ],
)
def test_the_client_chooses_the_encoding(accept: str, expected: str) -> None:
    encoding = chosen([accept])
    assert (encoding.name if encoding else '') == expected


@pytest.mark.parametrize('encoding', ['br', 'gzip', ''])
@pytest.mark.parametrize('path', [QUASAR, '/text', '/'])
def test_a_body_arrives_whole_in_every_encoding(small: Small, path: str, encoding: str) -> None:
    plain = raw(small, path)
    encoded = raw(small, path, Accept_Encoding=encoding or 'identity')
    assert encoded.headers.get('content-encoding', '') == encoding
    body = DECODERS[encoding](encoded.extensions['raw'])
    assert len(encoded.extensions['raw']) == int(encoded.headers['content-length'])
    assert 'Accept-Encoding' in encoded.headers.get('vary', '') or not encoding
    if path != '/':  # a page is another one each time
        assert body == plain.extensions['raw']


def test_what_never_changes_is_compressed_once_and_kept(small: Small) -> None:
    first, second = (raw(small, QUASAR, Accept_Encoding='br') for _ in range(2))
    assert first.extensions['raw'] == second.extensions['raw']
    assert first.headers['etag'] == second.headers['etag']
    assert 'immutable' in first.headers['cache-control']
    assert len(first.extensions['raw']) < 150_000


def test_a_known_version_is_not_sent_again(small: Small) -> None:
    for path in (QUASAR, assets.url('thread.css')):
        etag = raw(small, path, Accept_Encoding='br').headers['etag']
        answer = raw(small, path, Accept_Encoding='br', If_None_Match=f'"other", {etag}')
        assert (answer.status_code, answer.extensions['raw'], answer.headers['etag']) == (304, b'', etag)
    assert raw(small, QUASAR, If_None_Match='*').status_code == 304
    assert raw(small, QUASAR, If_None_Match='"other"').status_code == 200


def test_encodings_are_different_things(small: Small) -> None:
    tags = {raw(small, QUASAR, Accept_Encoding=name).headers['etag'] for name in ('br', 'gzip', 'identity')}
    assert len(tags) == 3
    assert raw(small, '/text', Accept_Encoding='br').headers['etag'] == 'W/"one"'


@pytest.mark.parametrize('path', [QUASAR, '/text', assets.url('thread.css')])
def test_head_is_get_without_the_body(small: Small, path: str) -> None:
    for encoding in ('br', 'gzip', 'identity'):
        got, head = raw(small, path, Accept_Encoding=encoding), raw(small, path, 'HEAD', Accept_Encoding=encoding)
        assert head.extensions['raw'] == b''
        for name in ('content-length', 'content-encoding', 'content-type', 'etag', 'vary', 'cache-control'):
            assert head.headers.get(name) == got.headers.get(name)


def test_a_range_of_a_kept_file_is_the_whole(small: Small) -> None:
    ranges = ','.join(f'{n}-{n + 1}' for n in range(0, 6000, 3))
    answer = raw(small, QUASAR, Range=f'bytes={ranges}')
    assert (answer.status_code, 'content-range' in answer.headers) == (200, False)


@pytest.mark.parametrize('encoding', ['br', 'gzip', 'identity'])
@pytest.mark.parametrize('path', ['/live', '/rows'])
def test_a_stream_is_not_held_back(small: Small, path: str, encoding: str) -> None:
    started = time.monotonic()
    with small.http().stream('GET', path, headers={'Accept-Encoding': encoding}) as answer:
        pieces = answer.iter_text()
        assert '0' in next(piece for piece in pieces if piece)
        assert time.monotonic() - started < 1.9  # the second piece leaves only after two seconds
        assert '2' in ''.join(pieces)
    compressed = 'content-encoding' in answer.headers
    assert compressed == (path == '/rows' and encoding != 'identity')


def test_a_crowd_of_names_for_one_file_fills_nothing(small: Small) -> None:
    for number in range(50):
        path = QUASAR.replace('/static/', '/static/' + './' * number)
        assert raw(small, path).status_code in {200, 404}
    assert 'Traceback' not in small.log
