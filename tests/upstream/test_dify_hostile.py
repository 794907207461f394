"""A server that means harm, or is just broken: nothing crashes, hangs, or leaves what can't be stored."""

import json

import pytest
from stage import Stage, frames, stream, whole

from webapp.chat.message import Reply, Status, dump_reply
from webapp.chat.reducer import replay
from webapp.upstream import reading
from webapp.upstream.client import DifyClient
from webapp.upstream.limits import MAX_BAD_FRAMES, MAX_FRAME

HELLO = {'event': 'message', 'answer': 'Hello', 'conversation_id': 'c', 'message_id': 'm', 'task_id': 't'}
END = {'event': 'message_end', 'metadata': {}}


async def reply_to(theatre: Stage, client: DifyClient, *payloads: dict | bytes | str) -> Reply:
    theatre.play(stream(frames(*payloads)))
    reply = replay([event async for event in client.send('hello', user='ann')])
    json.dumps(dump_reply(reply), ensure_ascii=False).encode()
    assert '\0' not in reply.text
    return reply


def message(text: str) -> str:
    return 'data: {"event":"message","answer":"' + text + '"}\n\n'


@pytest.mark.parametrize(
    ('between', 'text'),
    [
        (b'data: {"event":\n\n', 'HelloHello'),
        (b'data: [1, 2]\n\ndata: "x"\n\ndata: 7\n\ndata: null\n\ndata: [DONE]\n\n', 'HelloHello'),
        (b'data: ' + b'[' * 100_000 + b'\n\n', 'HelloHello'),
        (b'data: {"event":"message","answer":' + b'{"a":' * 100_000 + b'\n\n', 'HelloHello'),
        (b'data: {"event":"message","answer":"x","created_at":' + b'9' * 5000 + b'}\n\n', 'HelloxHello'),
        (b'data: {"event":"message","answer":"x","id":NaN,"created_at":-Infinity}\n\n', 'HelloxHello'),
        (b'data: {"event":"message","answer":"x","answer":"y"}\n\n', 'HelloyHello'),
        (b'data: {"event":"message","answer":null}\n\ndata: {"event":"message","answer":{"a":1}}\n\n', 'HelloHello'),
        (b'data: {"event":["message"],"answer":"x"}\n\ndata: {"event":null}\n\ndata: {}\n\n', 'HelloHello'),
        (b'data: {"event":"message","answer":"\\u0000\\ud83e"}\n\n', 'Hello\ufffd\ufffdHello'),
        (b'data: {"event":"message","answer":"\\ud83e\\udd8a"}\n\n', 'Hello🦊Hello'),
        (b'data: {"event":"message","answer":"a\x00b\xff"}\n\n', 'Helloa\ufffdb\ufffdHello'),
        (message('\u2028\u2029\u0085\x0b\x0c'.encode('unicode_escape').decode().replace('\\x', '\\u00')).encode(),
         'Hello\u2028\u2029\u0085\x0b\x0cHello'),
        (message('\u2028\u2029\u0085').encode(), 'Hello\u2028\u2029\u0085Hello'),
        (message('cr').replace('\n', '\r').encode(), 'HellocrHello'),
        (message('crlf').replace('\n', '\r\n').encode(), 'HellocrlfHello'),
        (b'event: ping\n\n: comment\n\nretry: 99999999999999999999\n\nid: \x00\n\n', 'HelloHello'),
        (b'data: {"event":"message",\ndata: "answer":"two lines"}\n\n', 'Hellotwo linesHello'),
        (b'data: {"event":"message","answer":"no "}\ndata: {"event":"message","answer":"blank"}\n\n',
         'Hellono blankHello'),
        (b'\xef\xbb\xbfgarbage\n\n\n\n\n', 'HelloHello'),
    ],
)  # fmt: skip
async def test_one_bad_thing_among_good_ones(between: bytes, text: str, theatre: Stage, client: DifyClient) -> None:
    reply = await reply_to(theatre, client, HELLO, between, HELLO, END)
    assert reply.text == text
    assert reply.status is Status.COMPLETE


async def test_byte_order_mark_first(theatre: Stage, client: DifyClient) -> None:
    reply = await reply_to(theatre, client, b'\xef\xbb', b'\xbf', HELLO, END)
    assert (reply.text, reply.conversation_id) == ('Hello', 'c')


async def test_ten_megabytes_in_one_frame_are_fine(theatre: Stage, client: DifyClient) -> None:
    node = {'event': 'node_finished', 'data': {'id': 'n', 'title': 'Big', 'outputs': {'text': 'x' * 10_000_000}}}
    reply = await reply_to(theatre, client, HELLO, node, HELLO, END)
    assert (reply.text, len(reply.steps)) == ('HelloHello', 1)
    assert len(repr(reply)) < 2000


async def test_frame_beyond_the_limit_is_left_out(theatre: Stage, client: DifyClient) -> None:
    reply = await reply_to(theatre, client, HELLO, b'data: {"x":"' + b'x' * MAX_FRAME + b'"}\n\n', HELLO, END)
    assert (reply.text, reply.status) == ('HelloHello', Status.COMPLETE)


async def test_line_without_end(theatre: Stage, client: DifyClient) -> None:
    theatre.play(stream([*frames(HELLO), *[b'x' * 8_000_000] * 12], end='hang'))
    reply = replay([event async for event in client.send('hello', user='ann')])
    assert (reply.status, reply.failure.code, reply.text) == (Status.INTERRUPTED, 'stream_garbled', 'Hello')
    await theatre.hung_up()


async def test_nothing_but_garbage(theatre: Stage, client: DifyClient) -> None:
    reply = await reply_to(theatre, client, HELLO, *['data: {bad\n\n'] * (MAX_BAD_FRAMES + 1), HELLO, END)
    assert (reply.status, reply.failure.code, reply.text) == (Status.INTERRUPTED, 'stream_garbled', 'Hello')


async def test_some_garbage_now_and_then(theatre: Stage, client: DifyClient) -> None:
    some = ['data: {bad\n\n'] * MAX_BAD_FRAMES
    reply = await reply_to(theatre, client, HELLO, *some, HELLO, *some, END)
    assert (reply.status, reply.text) == (Status.COMPLETE, 'HelloHello')


async def test_answer_without_end_is_cut(theatre: Stage, client: DifyClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, 'MAX_TEXT', 1000)
    theatre.play(stream(frames(*[HELLO | {'answer': 'x' * 100}] * 50), end='hang'))
    reply = replay([event async for event in client.send('hello', user='ann')])
    assert (reply.status, reply.failure.code) == (Status.INTERRUPTED, 'stream_garbled')
    assert 1000 < len(reply.text) <= 5000
    await theatre.hung_up()


async def test_hundred_thousand_comments(theatre: Stage, client: DifyClient) -> None:
    reply = await reply_to(theatre, client, HELLO, b': x\n' * 100_000, HELLO, END)
    assert (reply.text, reply.status) == ('HelloHello', Status.COMPLETE)


async def test_ids_of_any_kind_are_short_clean_text(theatre: Stage, client: DifyClient) -> None:
    wild = {'conversation_id': 7, 'message_id': 'm' * 10_000, 'task_id': ['t'], 'event': 'message', 'answer': 'x'}
    reply = await reply_to(theatre, client, wild, END)
    assert (reply.conversation_id, reply.task_id, len(reply.message_id)) == ('', '', 255)


async def test_lists_where_objects_should_be(theatre: Stage, client: DifyClient) -> None:
    for body in ({'data': 'x', 'has_more': 'yes'}, {'data': [1, None, {'id': 5, 'created_at': 'x'}]}, {}):
        theatre.play(whole(body))
        assert (await client.conversations(user='ann')).items == ()
        history = await client.history('c', user='ann')
        assert all(message.id == '' for message in history.items)
        assert (await client.parameters()).form == ()
        assert (await client.run('r')).answer == ''
        assert await client.suggested('m', user='ann') == ()
        assert await client.meta() == {}
        assert not (await client.info()).is_chat
