"""Bytes to events, however they are cut; held against the library that is known for it."""

import itertools

import httpx
import pytest
from httpx_sse import EventSource
from hypothesis import example, given, settings, strategies as st

from webapp.upstream.frames import Frames
from webapp.upstream.payload import parse

LINES = st.sampled_from([
    b'data: {"a":1}', b'data:{"b":2}', b'data: x\xe2\x80\xa8y\xc2\x85z', b'data: \xf0\x9f\xa6\x8a', b'data', b'data:',
    b'data:  two', b': comment', b'event: ping', b'id: 7', b'retry: 5', b'nonsense', b'', b'',
])  # fmt: skip
ENDS = st.sampled_from([b'\n', b'\r\n', b'\r'])
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=12).map(lambda lines: b''.join(itertools.chain(*lines)))


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def frames_of(pieces: list[bytes], limit: int = 1000) -> list[bytes]:
    frames = Frames(limit)
    return [frame for piece in pieces for frame in frames.feed(piece)]


@given(STREAMS, st.lists(st.integers(0, 1000), max_size=8))
def test_same_events_as_the_library_gives_however_cut(data: bytes, places: list[int]) -> None:
    response = httpx.Response(200, headers={'content-type': 'text/event-stream'}, content=data)
    known = [event.data.encode() for event in EventSource(response).iter_sse() if event.data]
    assert frames_of(cut(data, places)) == known


@pytest.mark.parametrize('place', [0, 1, 2, 3, 4])
def test_byte_order_mark_is_no_part_of_the_first_event(place: int) -> None:
    assert frames_of(cut(b'\xef\xbb\xbfdata: x\n\n', [place])) == [b'x']


def test_events_wait_for_their_blank_line() -> None:
    frames = Frames()
    assert frames.feed(b'data: {"a":1}\n') == []
    assert frames.feed(b'\n') == [b'{"a":1}']


def test_event_whose_end_never_comes_is_given_at_the_close() -> None:
    frames = Frames()
    frames.feed(b'data: {"a":1}')
    assert frames.close() == [b'{"a":1}']


@pytest.mark.parametrize('size', [7, 64, 5000])
def test_too_long_events_are_dropped_and_the_next_one_is_read(size: int) -> None:
    data = b'data: ' + b'x' * 5000 + b'\n\ndata: {"a":1}\n\n'
    frames = Frames(limit=1000)
    found = [frame for i in range(0, len(data), size) for frame in frames.feed(data[i : i + size])]
    assert found == [b'{"a":1}']
    assert frames.skipped > 1000


def test_too_long_events_of_many_lines_are_dropped() -> None:
    frames = Frames(limit=1000)
    assert frames.feed(b'data: xxxxxxxxxxxxx\n' * 1000) == []
    assert frames.skipped > 15_000


def test_comments_without_end_hold_no_memory() -> None:
    frames = Frames(limit=1000)
    assert frames.feed(b': nothing\n' * 100_000 + b'data: {"a":1}\n\n') == [b'{"a":1}']
    assert frames.skipped == 0


@pytest.mark.parametrize(
    ('data', 'value'),
    [
        (b'{"a": NaN, "b": -Infinity, "c": 1e999}', {'a': None, 'b': None, 'c': None}),
        (b'{"a": ' + b'7' * 5000 + b'}', {'a': None}),
        (b'{"a": 123456789012345678901234567890, "b": NaN}', {'a': None, 'b': None}),
        (b'{"a": 1, "a": 2}', {'a': 2}),
        (b'{"a": "x\\u0000y"}', {'a': 'x\ufffdy'}),
        (b'{"a": "x\x00y"}', {'a': 'x\ufffdy'}),
        (b'{"a": "tab\there"}', {'a': 'tab\there'}),
        (b'{"a": "\\ud83e\\udd8a \\ud83e"}', {'a': '🦊 \ufffd'}),
        (b'{"\\ud83e": 1}', {'\ufffd': 1}),
        (b'{"a": "\xff\xfe"}', {'a': '\ufffd\ufffd'}),
        ('{"a": "\u2028\u0085"}'.encode(), {'a': '\u2028\u0085'}),
        (b'[1]', None),
        (b'"text"', None),
        (b'null', None),
        (b'{"a":', None),
        (b'[DONE]', None),
        (b'[' * 100_000, None),
        (b'{"a":' * 100_000, None),
        (b'', None),
    ],
)
def test_hostile_json(data: bytes, value: object) -> None:
    assert parse(data) == value


def test_deep_json_is_cut_where_it_must_be_cleaned() -> None:
    data = b'{"a":' * 900 + b'"\\u0000"' + b'}' * 900
    assert isinstance(parse(data)['a'], dict)
    assert repr(parse(data)).count('{') < 100


@settings(deadline=None)
@given(st.binary(max_size=60))
@example(b'{"a":"\xed\xa0\x80"}')
def test_whatever_is_read_can_be_stored(data: bytes) -> None:
    for body in (data, b'{"a":"' + data + b'"}'):
        value = parse(body)
        text = repr(value)
        text.encode()
        assert '\\x00' not in text or value is None
