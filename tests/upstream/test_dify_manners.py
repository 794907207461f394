"""How the client behaves towards Dify: what it waits for, repeats, closes, and never tells."""

import asyncio
import gc
import gzip
import logging
import zlib
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from stage import EVENT_STREAM, KEY, Act, Stage, frames, recording, silence, slam, stream, whole

from webapp.chat.events import Finished, Interrupted, TextDelta
from webapp.chat.message import Status
from webapp.chat.reducer import replay
from webapp.errors import Unreachable, UpstreamError
from webapp.upstream import transport
from webapp.upstream.client import DifyClient
from webapp.upstream.limits import TimeLimits
from webapp.upstream.parameters import ToolIcon
from webapp.upstream.records import FileRef

NAMES = {'conversation_id': 'c', 'message_id': 'm', 'task_id': 't'}
HELLO = {'event': 'message', 'answer': 'Hello'} | NAMES
END = {'event': 'message_end', 'metadata': {}} | NAMES
BUSY = whole({'code': 'too_many_requests', 'message': 'Too many requests.', 'status': 429}, 429)
BUSY_AS_400 = recording('error-too-many-active-requests-streaming').act()
ANSWER = stream(frames(HELLO, END))


async def said(client: DifyClient, **how: object) -> list:
    return [event async for event in client.send('hello', user='ann', **how)]


# what is asked


async def test_message_as_dify_wants_it(client: DifyClient, theatre: Stage) -> None:
    theatre.play(ANSWER)
    files = [FileRef('image', upload_file_id='f'), FileRef('document', url='https://x/y.pdf')]
    await said(client, conversation_id='c', inputs={'name': 'Ada', 'nan': float('nan')}, files=files)
    (request,) = theatre.requests
    assert request.target == '/v1/chat-messages'
    assert request.headers['authorization'] == f'Bearer {KEY}'
    assert request.headers['accept-encoding'] == 'identity'
    assert request.headers['content-type'] == 'application/json'
    assert request.json == {
        'query': 'hello',
        'inputs': {'name': 'Ada', 'nan': None},
        'response_mode': 'streaming',
        'user': 'ann',
        'conversation_id': 'c',
        'auto_generate_name': False,
        'files': [
            {'type': 'image', 'transfer_method': 'local_file', 'upload_file_id': 'f'},
            {'type': 'document', 'transfer_method': 'remote_url', 'url': 'https://x/y.pdf'},
        ],
    }


async def test_new_conversation_sends_inputs_and_no_id(client: DifyClient, theatre: Stage) -> None:
    theatre.play(ANSWER)
    await said(client)
    assert theatre.requests[0].json['inputs'] == {}
    assert 'conversation_id' not in theatre.requests[0].json


async def test_query_that_json_can_not_hold_is_cleaned(client: DifyClient, theatre: Stage) -> None:
    theatre.play(ANSWER)
    _ = [event async for event in client.send('a\ud800b\0c', user='ann')]
    assert theatre.requests[0].json['query'] == 'a\ufffdb\ufffdc'


async def test_other_calls_as_dify_wants_them(client: DifyClient, theatre: Stage) -> None:
    theatre.play(whole({'result': 'success', 'name': 'N', 'id': 'x', 'data': []}))
    await client.stop('t/../x', user='ann')
    await client.delete('c', user='ann')
    await client.rename('c', user='ann', name='x' * 300)
    await client.rename('c', user='ann', auto_generate=True)
    await client.feedback('m', 'like', user='ann')
    await client.history('c', user='ann', first_id='m0', limit=5)
    await client.answer_form('tok', action='yes', inputs={'why': 'so'}, user='ann')
    await client.upload('../über/a"b.png', b'PNG', 'image/png\r\nX: y', user='ann')
    stop, delete, manual, made, like, listed, form, upload = theatre.requests
    assert (stop.method, stop.target, stop.json) == ('POST', '/v1/chat-messages/t%2F..%2Fx/stop', {'user': 'ann'})
    assert (delete.method, delete.json) == ('DELETE', {'user': 'ann'})
    assert (len(manual.json['name']), made.json) == (255, {'auto_generate': True, 'user': 'ann'})
    assert like.json == {'rating': 'like', 'user': 'ann'}
    assert listed.target == '/v1/messages?conversation_id=c&user=ann&first_id=m0&limit=5'
    assert (form.target, form.json['inputs']) == ('/v1/form/human_input/tok', {'why': 'so'})
    assert b'filename="a_b.png"' in upload.body
    assert b'Content-Type: application/octet-stream' in upload.body
    assert b'name="user"\r\n\r\nann' in upload.body


async def test_calls_name_the_person_and_what_they_are_about(client: DifyClient, theatre: Stage) -> None:
    theatre.play(whole({'data': []}))
    await client.feedback('m', 'dislike', user='ann', content='Not quite')
    await client.suggested('m', user='ann')
    await client.conversations(user='ann', last_id='c0', limit=5)
    await client.audio_to_text('speech.wav', b'WAV', 'audio/wav', user='ann')
    theatre.play(ANSWER)
    await said(client, workflow_id='w')
    assert [event async for event in client.resume('r', user='ann', catch_up=True)]
    assert [event async for event in client.resume('r', user='ann')]
    theatre.play(whole(b'MP3', headers={'Content-Type': 'audio/mpeg'}))
    for voice in ('', 'v'):
        async with client.text_to_audio('Hello', user='ann', voice=voice) as sound:
            assert await sound.read() == b'MP3'
    for as_attachment in (False, True):
        async with client.preview('f', as_attachment=as_attachment) as file:
            assert file.media_type == 'audio/mpeg'

    rated, suggested, listed, heard, asked, *resumed, mute, voiced, shown, saved = theatre.requests
    assert (rated.target, rated.json) == (
        '/v1/messages/m/feedbacks',
        {'rating': 'dislike', 'user': 'ann', 'content': 'Not quite'},
    )
    assert suggested.target == '/v1/messages/m/suggested?user=ann'
    assert listed.target == '/v1/conversations?user=ann&last_id=c0&limit=5'
    assert b'name="user"\r\n\r\nann' in heard.body
    assert b'filename="speech.wav"\r\nContent-Type: audio/wav\r\n\r\nWAV' in heard.body
    assert (asked.json['user'], asked.json['workflow_id']) == ('ann', 'w')
    assert [request.target for request in resumed] == [
        '/v1/workflow/r/events?user=ann&include_state_snapshot=true',
        '/v1/workflow/r/events?user=ann',
    ]
    assert mute.json == {'text': 'Hello', 'user': 'ann'}
    assert voiced.json == {'text': 'Hello', 'user': 'ann', 'voice': 'v'}
    assert [shown.target, saved.target] == ['/v1/files/f/preview', '/v1/files/f/preview?as_attachment=true']


@pytest.mark.parametrize('said', [{'name': 'x.png'}, {'id': ''}, {'id': None}, {'id': []}])
async def test_a_file_that_got_no_id_was_not_taken(said: dict, client: DifyClient, theatre: Stage) -> None:
    theatre.play(whole(said))
    with pytest.raises(Unreachable) as lost:
        await client.upload('x.png', b'PNG', 'image/png', user='ann')
    assert lost.value.code == 'bad_gateway'


@pytest.mark.parametrize('bad', ['', '.', '..'])
async def test_id_that_would_change_the_path_is_nobodys(bad: str, client: DifyClient) -> None:
    with pytest.raises(UpstreamError) as refused:
        await client.stop(bad, user='ann')
    assert refused.value.code == 'not_found'


async def test_deleting_what_is_gone_is_fine(client: DifyClient, theatre: Stage) -> None:
    theatre.play(whole({'code': 'not_found', 'message': 'Conversation Not Exists.', 'status': 404}, 404))
    await client.delete('c', user='ann')


@pytest.mark.parametrize(
    'answer',
    [
        whole('<html><head><title>404 Not Found</title></head></html>', 404, {'Content-Type': 'text/html'}),
        whole('', 404),
        whole({'message': 'no Route matched with those values'}, 404),
        whole({'code': 'app_not_found', 'message': 'no such app', 'status': 404}, 404),
        recording('error-404-unknown-route').act(),
        whole({'code': 'not_found', 'message': 'Conversation Not Exists.', 'status': 404}, 410),
    ],
    ids=['proxy', 'nothing', 'gateway', 'no app', 'no such path', 'another status'],
)
async def test_whoever_else_knows_nothing_of_it_has_not_deleted_it(answer: Act, make_client, theatre: Stage) -> None:
    theatre.play(answer)
    with pytest.raises(UpstreamError):
        await make_client().delete('c', user='ann')


# what is repeated


@pytest.mark.parametrize('busy', [BUSY, BUSY_AS_400], ids=['429', '400'])
async def test_message_refused_as_too_busy_is_sent_again(busy, make_client, theatre: Stage) -> None:
    theatre.play(busy, busy, ANSWER)
    assert replay(await said(make_client(busy_pause=0.01))).text == 'Hello'
    assert len(theatre.requests) == 3


async def test_it_is_sent_again_twice_and_no_more(make_client, theatre: Stage) -> None:
    theatre.play(BUSY)
    with pytest.raises(UpstreamError) as refused:
        await said(make_client(busy_pause=0.01))
    assert (refused.value.code, refused.value.status, len(theatre.requests)) == ('too_busy', 429, 3)


async def test_pause_that_the_server_asks_for_is_kept_up_to_a_limit(make_client, theatre: Stage) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=9), usegmt=True)
    for asked in ('86400', later, '9' * 60):
        theatre.play(whole('error code: 1015', 429, {'Retry-After': asked}), ANSWER)
        assert replay(await said(make_client(busy_pause=3600, busy_pause_at_most=0.01))).text == 'Hello'


@pytest.mark.parametrize(
    'refusal',
    [
        whole({'code': 'rate_limit_error', 'message': 'Rate Limit Error', 'status': 429}, 429),
        whole({'code': 'completion_request_error', 'message': 'x', 'status': 400}, 400),
        whole('<html>', 502),
        slam(),
        stream(frames({'event': 'error', 'code': 'too_many_requests', 'message': 'Too many requests', 'status': 429})),
        stream([], end='cut'),
    ],
)
async def test_nothing_else_is_sent_twice(refusal, make_client, theatre: Stage) -> None:
    theatre.play(refusal)
    with suppress(UpstreamError):
        await said(make_client(busy_pause=0.01, after_error=0.01))
    assert len(theatre.requests) == 1


# what is waited for


async def test_no_connection() -> None:
    client = DifyClient('http://127.0.0.1:9', KEY)
    with pytest.raises(Unreachable) as refused:
        await said(client)
    await client.aclose()
    assert refused.value.code == 'upstream_unreachable'
    assert '127.0.0.1' not in str(refused.value)


async def test_no_head_in_time(make_client, theatre: Stage) -> None:
    theatre.play(silence())
    with pytest.raises(Unreachable) as refused:
        await said(make_client(first_byte=0.05))
    assert refused.value.code == 'first_byte_timeout'
    await theatre.hung_up()


async def test_silence_in_the_middle(make_client, theatre: Stage) -> None:
    theatre.play(stream(frames(HELLO), end='hang'))
    reply = replay(await said(make_client(silence=0.1)))
    assert (reply.status, reply.failure.code, reply.text) == (Status.INTERRUPTED, 'stream_silent', 'Hello')
    await theatre.hung_up()


@pytest.mark.parametrize('life', [b'event: ping\n\n', b': comment\n', b'data: '])
async def test_any_byte_is_life_but_does_not_extend_the_total(life: bytes, make_client, theatre: Stage) -> None:
    theatre.play(stream(frames(HELLO), end='hang', pause=0.02, again=life))
    reply = replay(await said(make_client(silence=0.5, total=1)))
    assert (reply.status, reply.failure.code, reply.text) == (Status.INTERRUPTED, 'took_too_long', 'Hello')


async def test_call_that_is_not_answered(make_client, theatre: Stage) -> None:
    theatre.play(silence())
    with pytest.raises(Unreachable) as refused:
        await make_client(call=0.05, busy_pause_at_most=0).info()
    assert refused.value.code == 'first_byte_timeout'


async def test_download_that_falls_silent(make_client, theatre: Stage) -> None:
    theatre.play(stream([b'abc'], end='hang', headers={'Content-Type': 'image/png'}))
    with pytest.raises(Unreachable) as refused:
        async with make_client(silence=0.05).preview('f') as answer:
            await answer.read()
    assert refused.value.code == 'stream_silent'


# how it is left


async def test_caller_who_leaves_closes_the_connection(client: DifyClient, theatre: Stage) -> None:
    theatre.play(stream(frames(HELLO), end='hang'))
    async with aclosing(client.send('hello', user='ann')) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    await theatre.hung_up()


async def test_cancelled_reader_closes_the_connection(client: DifyClient, theatre: Stage) -> None:
    theatre.play(stream(frames(HELLO), end='hang'))
    has_begun = asyncio.Event()

    async def read() -> None:
        async for _ in client.send('hello', user='ann'):
            has_begun.set()

    reader = asyncio.create_task(read())
    await has_begun.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await theatre.hung_up()


async def test_cancellation_by_the_caller_is_not_taken_for_a_time_limit(make_client, theatre: Stage) -> None:
    theatre.play(stream(frames(HELLO), end='hang'))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await said(make_client())


async def test_nothing_is_left_behind(make_client, theatre: Stage) -> None:
    theatre.play(stream(frames(HELLO), end='hang'))
    client = make_client(silence=0.05)
    for _ in range(20):
        await said(client)
    gc.collect()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert [task for task in others if 'webapp' in repr(task.get_coro())] == []


async def test_connection_that_the_server_closed_while_idle_is_no_trouble(client: DifyClient, theatre: Stage) -> None:
    async def answer_and_close(request, writer) -> None:
        await whole({'name': 'Shop', 'mode': 'chat'})(request, writer)
        writer.close()

    theatre.play(answer_and_close)
    for _ in range(5):
        assert (await client.info()).name == 'Shop'


async def test_fifty_answers_at_once(client: DifyClient, theatre: Stage) -> None:
    theatre.play(stream(frames(*[HELLO] * 20, END), pause=0.005))
    replies = [replay(events) for events in await asyncio.gather(*(said(client) for _ in range(50)))]
    assert {reply.text for reply in replies} == {'Hello' * 20}


# who answers in Dify's place


@pytest.mark.parametrize(
    ('act', 'code'),
    [
        (whole('<html><h1>Sign in</h1></html>', headers={'Content-Type': 'text/html'}), 'bad_gateway'),
        (whole('moved', 302, {'Location': 'https://evil.example'}), 'bad_gateway'),
        (whole('', 301, {'Location': 'https://dify.example.com/v1/chat-messages'}), 'bad_gateway'),
        (whole({'code': 'unauthorized', 'message': 'no', 'status': 401}), 'upstream_unauthorized'),
        (whole({}), 'bad_gateway'),
        (whole('null', headers={'Content-Type': 'application/json'}), 'bad_gateway'),
        (whole('<html>502</html>', 502), 'bad_gateway'),
        (whole('<html>504</html>', 504), 'bad_gateway'),
        (whole('', 524), 'bad_gateway'),
        (whole('<html>blocked</html>', 403), 'bad_gateway'),
        (whole('<html>too large</html>', 413), 'file_too_large'),
        (whole('x', headers={'Content-Encoding': 'br', 'Content-Type': 'text/event-stream'}), 'bad_gateway'),
        (slam(), 'upstream_unreachable'),
    ],
)
async def test_answers_that_are_no_stream(act, code: str, client: DifyClient, theatre: Stage) -> None:
    theatre.play(act)
    with pytest.raises(UpstreamError) as refused:
        await said(client)
    assert refused.value.code == code
    assert '<' not in refused.value.detail


async def test_server_that_speaks_no_http(make_client) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'220 mail.example.com ESMTP\r\n\r\n')
        writer.close()

    server = await asyncio.start_server(babble, '127.0.0.1', 0)
    client = DifyClient(f'http://127.0.0.1:{server.sockets[0].getsockname()[1]}', KEY)
    with pytest.raises(Unreachable):
        await said(client)
    await client.aclose()
    server.close()


async def test_whole_answer_in_place_of_a_stream_is_an_answer(client: DifyClient, theatre: Stage) -> None:
    theatre.play(recording('chat-blocking-new').act())
    events = await said(client)
    assert isinstance(events[-1], Finished)
    assert replay(events).text.startswith('Answer to turn 1')


async def test_whole_answer_that_never_comes(make_client, theatre: Stage) -> None:
    headers = {'Content-Type': 'application/json'}
    theatre.play(stream([b'{"ans'], end='hang', headers=headers), stream([b'{"ans'], end='cut', headers=headers))
    for wait, code in ((0.1, 'first_byte_timeout'), (30, 'upstream_unreachable')):
        with pytest.raises(Unreachable) as refused:
            await said(make_client(first_byte=wait))
        assert refused.value.code == code


async def test_refusal_whose_text_never_comes(make_client, theatre: Stage) -> None:
    async def begin(_, writer) -> None:
        writer.write(b'HTTP/1.1 401 No\r\nContent-Length: 100\r\n\r\n{"code"')
        await asyncio.sleep(3600)

    theatre.play(begin)
    with pytest.raises(UpstreamError) as refused:
        await said(make_client(call=0.05))
    assert (refused.value.code, refused.value.status) == ('upstream_unauthorized', 401)


@pytest.mark.parametrize('kind', ['', 'text/plain', 'TEXT/Event-Stream; charset=x'])
async def test_stream_under_another_name(kind: str, client: DifyClient, theatre: Stage) -> None:
    theatre.play(stream(frames(HELLO, END), headers={'Content-Type': kind} if kind else {}))
    assert replay(await said(client)).status is Status.COMPLETE


@pytest.mark.parametrize(('coding', 'press'), [('gzip', gzip.compress), ('deflate', zlib.compress)])
async def test_stream_that_was_compressed_unasked(coding: str, press, client: DifyClient, theatre: Stage) -> None:
    packed = press(b''.join(frames(HELLO, END)))
    pieces = [packed[i : i + 3] for i in range(0, len(packed), 3)]
    theatre.play(stream(pieces, headers=EVENT_STREAM | {'Content-Encoding': coding}))
    assert replay(await said(client)).text == 'Hello'


async def test_compressed_bomb_is_bounded(client: DifyClient, theatre: Stage) -> None:
    bomb = gzip.compress(b'data: ' + b'0' * 200_000_000)
    theatre.play(stream([bomb], headers=EVENT_STREAM | {'Content-Encoding': 'gzip'}))
    (ending,) = await said(client)
    assert isinstance(ending, Interrupted)
    assert ending.failure.code == 'stream_garbled'


async def test_compressed_file_is_unpacked_bit_by_bit(client: DifyClient, theatre: Stage) -> None:
    theatre.play(whole(gzip.compress(bytes(20_000_000)), headers={'Content-Encoding': 'gzip'}))
    async with client.preview('f') as answer:
        sizes = [len(piece) async for piece in answer.body]
    assert sum(sizes) == 20_000_000
    assert max(sizes) <= 64 * 1024


async def test_broken_compression_is_a_cut(client: DifyClient, theatre: Stage) -> None:
    theatre.play(stream([b'not gzip at all'], headers=EVENT_STREAM | {'Content-Encoding': 'gzip'}))
    (ending,) = await said(client)
    assert ending.failure.code == 'stream_cut'


async def test_cookies_do_not_stick(theatre: Stage) -> None:
    client = DifyClient(theatre.url.replace('127.0.0.1', 'localhost'), KEY)
    theatre.play(whole({'name': 'x'}, headers={'Set-Cookie': 'session=of-somebody; Path=/'}))
    await client.info()
    await client.info()
    assert 'cookie' not in theatre.requests[1].headers
    await client.aclose()


FILE = '6d2f1f0e-0b1a-4c3d-8e9f-001122334455'
TOOLS = '/console/api/workspaces/current/tool-provider/builtin'


@pytest.mark.parametrize(
    'path',
    [f'/files/tools/{FILE}.png', f'/files/tools/{FILE}', f'/files/{FILE}/file-preview', f'/files/{FILE}/image-preview'],
)
async def test_signed_file_is_fetched_from_dify_only_and_without_the_key(
    path: str, client: DifyClient, theatre: Stage
) -> None:
    theatre.play(whole(b'PNG', headers={'Content-Type': 'image/png'}))
    for origin in ('', 'http://api:5001', 'https://dify.example.com/sub.path/of', 'http://[fd00::1]:80', '/sub'):
        async with client.file(f'{origin}{path}?timestamp=1&nonce=0f&sign=a%3D') as answer:
            assert (answer.media_type, answer.size, await answer.read()) == ('image/png', 3, b'PNG')
        assert theatre.requests[-1].target == f'{path}?timestamp=1&nonce=0f&sign=a%3D'
        assert 'authorization' not in theatre.requests[-1].headers


@pytest.mark.parametrize(
    'url',
    [
        'http://169.254.169.254/latest',
        'javascript:alert(1)',
        '',
        '/files/x.png',
        '/files/../v1/info',
        '/files/%2e%2e/v1/info',
        'https://evil.example/files/%2e%2e/console/api/setup',
        'https://evil.example/files/%2E%2E/v1/info',
        'https://evil.example/files/%252e%252e/v1/info',
        f'/files/tools/{FILE}.png/../../../v1/info',
        f'/files/tools/{FILE}.png/%2e%2e/%2e%2e/%2e%2e/v1/info',
        f'/files/tools/{FILE}.png%2f..%2f..%2fv1%2finfo',
        f'/files/tools/..%5c{FILE}.png',
        f'/files/tools\\{FILE}.png',
        f'/files//tools/{FILE}.png',
        f'/files/./tools/{FILE}.png',
        f'//evil.example/files/tools/{FILE}.png',
        f'https://me@evil.example/files/tools/{FILE}.png',
        f'ftp://evil.example/files/tools/{FILE}.png',
        f'/%2e%2e/files/tools/{FILE}.png',
        f'/../files/tools/{FILE}.png',
        f'/files/tools/{FILE}.png\n',
        f'/files/tools/{FILE}.png\r\nHost: evil',
        f'/files/tools/{FILE}.p\0ng',
        f'/files/tools/{FILE}.png?sign=\n',
        f'/files/tools/{FILE}.png?sign=a#b',
        f'/files/tools/{FILE}.png;/../x',
        f'/files/tools/{FILE.replace("6", "６")}.png',
        f'/files/{FILE}/preview',
        f'/files/{FILE}/file-preview/x',
        f'/files/tools/{FILE}.png?sign={"a" * 70_000}',
        f'https://{"a" * 70_000}/files/tools/{FILE}.png',
        '/files/' * 500,
    ],
    ids=lambda url: ascii(url)[:80],
)
async def test_what_is_no_address_of_a_file_is_not_asked_for(url: str, client: DifyClient, theatre: Stage) -> None:
    theatre.play(whole(b'secret'))
    with pytest.raises(UpstreamError, match='not_found'):
        async with client.file(url):
            pass
    assert theatre.requests == []


@pytest.mark.parametrize('provider', ['time', 'langgenius/fakedraw/fakedraw', 'a.b_c'])
async def test_icon_of_a_tool_is_fetched_from_dify_only(provider: str, client: DifyClient, theatre: Stage) -> None:
    theatre.play(whole(b'PNG', headers={'Content-Type': 'image/png'}))
    for origin in ('', 'http://127.0.0.1:15001', 'https://dify.example.com/sub'):
        assert await client.tool_icon(ToolIcon(url=f'{origin}{TOOLS}/{provider}/icon')) == b'PNG'
        assert theatre.requests[-1].target == f'{TOOLS}/{provider}/icon'
        assert 'authorization' not in theatre.requests[-1].headers


@pytest.mark.parametrize(
    'url',
    [
        '/console/api/setup',
        '/console/api/workspaces/current/members',
        f'{TOOLS}/icon',
        f'{TOOLS}/time/tools',
        f'{TOOLS}/../../../setup',
        f'{TOOLS}/%2e%2e/%2e%2e/%2E%2E/setup',
        f'{TOOLS}/%2e%2e/icon',
        f'{TOOLS}/./icon',
        f'{TOOLS}//time/icon',
        f'{TOOLS}/a\\..\\b/icon',
        f'{TOOLS}/time/icon/../../x',
        f'{TOOLS}/time/icon\n',
        f'{TOOLS}/a/b/c/d/icon',
        f'{TOOLS}/{"a" * 70_000}/icon',
    ],
    ids=lambda url: ascii(url)[:80],
)
async def test_what_is_no_address_of_an_icon_is_not_asked_for(url: str, client: DifyClient, theatre: Stage) -> None:
    theatre.play(whole(b'secret'))
    with pytest.raises(UpstreamError, match='not_found'):
        await client.tool_icon(ToolIcon(url=url))
    assert theatre.requests == []


async def test_an_id_longer_than_any_address_is_not_found(client: DifyClient, theatre: Stage) -> None:
    theatre.play(whole({}))
    for call in (client.history('c' * 70_000, user='ann'), client.run('r' * 70_000)):
        with pytest.raises(UpstreamError, match='not_found'):
            await call
    assert theatre.requests == []


async def test_null_in_place_of_sound(client: DifyClient, theatre: Stage) -> None:
    theatre.play(recording('text-to-audio-unknown-message').act())
    with pytest.raises(UpstreamError):
        async with client.text_to_audio('x', user='ann'):
            pass


# what is never told


async def test_key_appears_nowhere(client: DifyClient, theatre: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    host = theatre.url.removeprefix('http://').removesuffix('/v1')
    leak = f'Access token Bearer {KEY} at http://{host}/v1 is invalid'
    theatre.play(
        whole({'code': 'unauthorized', 'message': leak, 'status': 401}, 401),
        stream(frames({'event': 'error', 'message': leak, 'code': 'x', 'status': 400})),
    )
    with pytest.raises(UpstreamError) as refused:
        await said(client)
    reply = replay(await said(client))

    told = [
        str(refused.value),
        repr(refused.value),
        repr(client),
        reply.failure.detail,
        caplog.text,
        repr(vars(client)),
    ]
    assert not any(KEY in text for text in told)
    assert not any(host in text for text in (str(refused.value), reply.failure.detail))


@pytest.mark.parametrize('key', ['', ' ', 'app-a\nb', 'app-ü', 'app a'])
def test_key_that_can_not_be_one_is_refused_unspoken(key: str) -> None:
    with pytest.raises(ValueError, match='API key') as refused:
        DifyClient('http://localhost', key)
    assert key.strip() == '' or key not in str(refused.value)


@pytest.mark.parametrize(
    ('url', 'env', 'is_ours'),
    [
        ('https://dify.example.com/v1', {}, True),
        ('https://dify.example.com/v1', {'HTTPS_PROXY': 'http://proxy:3128'}, False),
        ('https://dify.example.com/v1', {'HTTPS_PROXY': 'http://proxy:3128', 'NO_PROXY': 'example.com'}, True),
        ('http://127.0.0.1:5001/v1', {'HTTP_PROXY': 'http://proxy:3128'}, True),
        ('http://localhost/v1', {'ALL_PROXY': 'http://proxy:3128'}, True),
    ],
)
def test_proxies_of_the_environment(url, env, is_ours, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ('HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name.lower(), value)
    assert (transport.choose(url, 1) is not None) is is_ours


async def test_any_other_transport_will_do(theatre: Stage) -> None:
    theatre.play(ANSWER)
    client = DifyClient(theatre.url, KEY, limits=TimeLimits(), transport=httpx.AsyncHTTPTransport())
    assert replay(await said(client)).text == 'Hello'
    await client.aclose()
