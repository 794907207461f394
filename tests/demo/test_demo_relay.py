"""The demo that answers through a model: what the model is given, how its words arrive, and what becomes of trouble."""

import asyncio
import base64
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from demo.model_server import ModelServer, delta, event, head, page, serve_model, stream
from support.server import OURS

from webapp.upstream.demo import Relay, build, serve
from webapp.upstream.demo.model import NO_WAY
from webapp.upstream.demo.pictures import png

Json = dict[str, Any]
KEY = 'sk-test-0123456789'


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    async with serve_model() as server:
        yield server


@pytest.fixture
async def client(model: ModelServer) -> AsyncIterator[httpx.AsyncClient]:
    async with connect(Relay(model.url, 'small-model', KEY)) as client:
        yield client


@contextlib.asynccontextmanager
async def connect(relay: Relay | None) -> AsyncIterator[httpx.AsyncClient]:
    app = build(rate=0, title_seconds=0.01, relay=relay)
    headers = {'Authorization': 'Bearer demo'}
    async with (
        serve(app) as url,
        httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30) as client,
    ):
        yield client


async def ask(client: httpx.AsyncClient, query: str, **more: Any) -> list[Json]:
    body = {'query': query, 'inputs': {}, 'response_mode': 'streaming', 'user': 'u', 'auto_generate_name': False} | more
    async with client.stream('POST', '/chat-messages', json=body) as response:
        assert response.status_code == 200, await response.aread()
        blocks = (await response.aread()).decode().split('\n\n')
        return [json.loads(block.removeprefix('data: ')) for block in blocks if '{' in block]


async def upload(client: httpx.AsyncClient, name: str, content: bytes, type: str, media: str) -> Json:
    files = {'file': (name, content, media)}
    uploaded = (await client.post('/files/upload', files=files, data={'user': 'u'})).json()
    return {'type': type, 'transfer_method': 'local_file', 'upload_file_id': uploaded['id']}


def text(frames: list[Json]) -> str:
    return ''.join(frame['answer'] for frame in frames if frame['event'] == 'message')


async def test_the_models_words_arrive_as_they_come(client: httpx.AsyncClient, model: ModelServer) -> None:
    model.reply = lambda _: stream('Grüße', ' aus\u2028Köln', ' 🦊')
    frames = await ask(client, 'Say hello')
    assert [frame['answer'] for frame in frames[:3]] == ['Grüße', ' aus\u2028Köln', ' 🦊']
    assert frames[-1]['event'] == 'message_end'
    (asked,) = model.asked
    assert (asked.path, asked.headers['authorization']) == ('/v1/chat/completions', f'Bearer {KEY}')
    assert asked.body == {
        'model': 'small-model',
        'messages': [{'role': 'user', 'content': 'Say hello'}],
        'stream': True,
        'stream_options': {'include_usage': True},
    }


async def test_tokens_are_the_servers_and_nobody_made_up_a_price(client: httpx.AsyncClient) -> None:
    end = (await ask(client, 'Which database is used?'))[-1]
    usage = end['metadata']['usage']
    assert (usage['prompt_tokens'], usage['completion_tokens'], usage['total_tokens']) == (31, 7, 38)
    assert (usage['total_price'], usage['prompt_unit_price'], usage['currency']) == ('0', '0', 'USD')
    assert usage['latency'] >= usage['time_to_first_token'] >= 0
    assert end['metadata']['retriever_resources'] == []  # the model was given no handbook


async def test_tokens_are_counted_here_only_if_nobody_else_did(client: httpx.AsyncClient, model: ModelServer) -> None:
    model.reply = lambda _: stream('one two', usage=None)
    usage = (await ask(client, 'four')).pop()['metadata']['usage']
    assert (usage['prompt_tokens'], usage['completion_tokens'], usage['total_price']) == (1, 2, '0')


async def test_a_server_that_knows_no_figures_is_not_asked_for_them(
    client: httpx.AsyncClient, model: ModelServer
) -> None:
    unknown = {'error': {'message': 'Unknown parameter: stream_options'}}
    model.reply = lambda asked: (
        page('422 Unprocessable Entity', unknown) if 'stream_options' in asked.body else stream('Hello', usage=None)
    )
    assert text(await ask(client, 'hello')) == 'Hello'


async def test_the_conversation_so_far_goes_along(client: httpx.AsyncClient, model: ModelServer) -> None:
    model.reply = lambda _: stream('hm', thoughts=(delta(reasoning='What does she mean?'),))
    first = await ask(client, 'My name is Ada.')
    await ask(client, 'What is my name?', conversation_id=first[0]['conversation_id'])
    assert model.asked[-1].body['messages'] == [
        {'role': 'user', 'content': 'My name is Ada.'},
        {'role': 'assistant', 'content': 'hm'},  # without its reasoning
        {'role': 'user', 'content': 'What is my name?'},
    ]


async def test_a_thought_that_was_stopped_is_no_answer(client: httpx.AsyncClient, model: ModelServer) -> None:
    first = await ask(client, '/echo <think>\nI wonder')
    await ask(client, 'Go on', conversation_id=first[0]['conversation_id'])
    assert model.asked[-1].body['messages'] == [{'role': 'user', 'content': 'Go on'}]


async def test_a_long_past_is_cut_at_its_beginning(client: httpx.AsyncClient, model: ModelServer) -> None:
    where: Json = {}
    for number in range(30):
        frames = await ask(client, f'{number} ' + 'long ' * 300, **where)
        where = {'conversation_id': frames[0]['conversation_id']}
    messages = model.asked[-1].body['messages']
    assert messages[-1]['content'].startswith('29 ')
    assert messages[0]['role'] == 'user'
    assert len(messages) == 41
    await ask(client, 'x' * 40_000, **where)
    await ask(client, 'and now?', **where)
    assert [len(message['content']) for message in model.asked[-1].body['messages']] == [40_000, 12, 8]


@pytest.mark.parametrize('field', ['reasoning_content', 'reasoning'])
async def test_reasoning_stands_in_think_tags(client: httpx.AsyncClient, model: ModelServer, field: str) -> None:
    thoughts = (delta(**{field: 'Let me'}), delta(**{field: ' think.'}))
    model.reply = lambda _: stream('So.', thoughts=thoughts)
    assert text(await ask(client, 'Why?')) == '<think>\nLet me think.\n</think>\n\nSo.'
    model.reply = lambda _: stream(thoughts=thoughts)
    assert text(await ask(client, 'Why?')) == '<think>\nLet me think.\n</think>\n\n'


async def test_the_model_sees_the_very_bytes_of_a_picture(client: httpx.AsyncClient, model: ModelServer) -> None:
    content = png('a fox')
    picture = await upload(client, 'fox.png', content, 'image', 'application/octet-stream')
    first = await ask(client, 'What is this?', files=[picture])
    question, image = model.asked[-1].last
    assert question == {'type': 'text', 'text': 'What is this?'}
    head, _, data = image['image_url']['url'].partition(',')
    assert (head, base64.b64decode(data)) == ('data:image/png;base64', content)
    await ask(client, 'And its colour?', conversation_id=first[0]['conversation_id'])
    messages = model.asked[-1].body['messages']
    assert [type(message['content']) for message in messages] == [list, str, str]


async def test_documents_are_read_to_it(client: httpx.AsyncClient, model: ModelServer) -> None:
    notes = await upload(client, 'notes.txt', 'Käse\n'.encode() * 20_000, 'document', 'text/plain')
    report = await upload(client, 'report.pdf', b'%PDF-1.7\n\xff', 'document', 'application/pdf')
    await ask(client, 'Sum up', files=[notes, report])
    given = model.asked[-1].last
    assert given.startswith('The file notes.txt:\n\nKäse\nKäse')
    assert '[cut after 40,000 of 99,999 characters]' in given
    assert '[The file report.pdf came with this message. Its content can not be read.]' in given
    assert given.endswith('\n\nSum up')


async def test_what_a_model_refused_does_not_come_again(client: httpx.AsyncClient, model: ModelServer) -> None:
    """A picture for a model without eyes must not spoil the rest of the conversation."""
    model.reply = lambda asked: (
        page('400 Bad Request', {'error': {'message': 'no images'}}) if isinstance(asked.last, list) else stream('fine')
    )
    picture = await upload(client, 'fox.png', png('a fox'), 'image', 'image/png')
    first = await ask(client, 'What is this?', files=[picture])
    assert first[-1]['message'] == 'API request failed with status code 400: no images'
    again = await ask(client, 'Never mind.', conversation_id=first[0]['conversation_id'])
    assert text(again) == 'fine'
    assert model.asked[-1].body['messages'] == [{'role': 'user', 'content': 'Never mind.'}]


TROUBLE: dict[str, tuple[list[bytes | None], str]] = {
    'key': (page('401 Unauthorized', {'error': {'message': f'bad key {KEY}'}}), 'Incorrect API key provided'),
    'model': (
        page('404 Not Found', {'error': {'message': 'try pulling it\nfirst'}}),
        'Model small-model not found: try pulling it first',
    ),
    'busy': (page('429 Too Many Requests', {'error': 'slow down'}), 'Rate limit reached for requests: slow down'),
    'too long': (
        page('400 Bad Request', {'object': 'error', 'message': 'maximum context length is 4096 tokens'}),
        'API request failed with status code 400: maximum context length is 4096 tokens',
    ),
    'leak': (
        page('500 Internal Server Error', {'detail': f'key {KEY} failed'}),
        'API request failed with status code 500: key … failed',
    ),
    'proxy': (
        page('502 Bad Gateway', '<html>secret</html>', 'text/html'),
        'API request failed with status code 502: Bad Gateway',
    ),
    'elsewhere': (
        [head('302 Found').replace(b'\r\n\r\n', b'\r\nLocation: http://127.0.0.1:9/\r\n\r\n')],
        'API request failed with status code 302: Found',
    ),
    'html': (
        page('200 OK', '<html></html>', 'text/html'),
        'The model server answers with text/html in place of a stream.',
    ),
    'within': (
        [head(), delta(content='Hel'), event({'error': {'message': 'out of memory'}})],
        'The model broke off: out of memory',
    ),
    'cut': ([head(), delta(content='Hel')], 'Connection error: the model broke off in the middle.'),
    'nonsense': ([head(), event('{"choices": [')], 'The model server sent something unreadable.'),
    'no http': ([b'SSH-2.0-OpenSSH\r\n'], NO_WAY),
    'nothing': ([], NO_WAY),
}  # fmt: skip


@pytest.mark.parametrize('case', TROUBLE)
async def test_trouble_is_told_as_dify_tells_it(client: httpx.AsyncClient, model: ModelServer, case: str) -> None:
    reply, message = TROUBLE[case]
    model.reply = lambda _: reply
    frames = await ask(client, 'hello')
    error = frames[-1]
    assert (error['event'], error['code'], error['status']) == ('error', 'completion_request_error', 400)
    assert error['message'] == message
    where = {'user': 'u', 'conversation_id': error['conversation_id']}
    (row,) = (await client.get('/messages', params=where)).json()['data']
    assert (row['status'], row['answer'], row['error']) == ('error', '', message)


async def test_a_server_that_is_not_there_or_silent(model: ModelServer) -> None:
    async with connect(Relay('http://127.0.0.1:9/v1', 'small-model')) as client:
        error = (await ask(client, 'hello'))[-1]
        assert error['message'] == NO_WAY
    model.reply = lambda _: [head(), delta(content='Hel'), None]
    async with connect(Relay(model.url, 'small-model', silence=0.2)) as client:
        error = (await ask(client, 'hello'))[-1]
        assert error['message'] == 'The model did not answer in time.'
    assert 'authorization' not in model.asked[-1].headers


async def test_a_server_that_does_not_stream(client: httpx.AsyncClient, model: ModelServer) -> None:
    whole = {
        'choices': [{'message': {'content': 'All at once.'}, 'finish_reason': 'stop'}],
        'usage': {'prompt_tokens': 3},
    }
    model.reply = lambda _: page('200 OK', whole)
    frames = await ask(client, 'hello')
    assert text(frames) == 'All at once.'
    assert frames[-1]['metadata']['usage']['prompt_tokens'] == 3


@pytest.mark.parametrize('spoken', [[], [delta(content='Well')]])
async def test_stopping_hangs_up_on_the_model(
    client: httpx.AsyncClient, model: ModelServer, spoken: list[bytes]
) -> None:
    """At once, though the model says nothing; an ordinary end follows, with zeros."""
    model.reply = lambda _: [head(), delta(content='So'), *spoken, None]
    body = {'query': 'go on', 'inputs': {}, 'response_mode': 'streaming', 'user': 'u', 'auto_generate_name': False}
    frames: list[Json] = []
    async with asyncio.timeout(20), client.stream('POST', '/chat-messages', json=body) as response:
        async for line in response.aiter_lines():
            if '{' not in line:
                continue
            frames.append(json.loads(line.removeprefix('data: ')))
            if len(frames) == 1 + len(spoken):
                await client.post(f'/chat-messages/{frames[0]["task_id"]}/stop', json={'user': 'u'})
        await model.left.wait()
    assert frames[-1]['event'] == 'message_end'
    assert (frames[-1]['metadata']['usage']['total_tokens'], frames[-1]['metadata']['usage']['total_price']) == (0, '0')
    where = {'user': 'u', 'conversation_id': frames[0]['conversation_id']}
    (row,) = (await client.get('/messages', params=where)).json()['data']
    assert row['answer'] == text(frames) == 'So' + 'Well' * len(spoken)


async def test_the_end_of_the_demo_hangs_up_too(model: ModelServer) -> None:
    model.reply = lambda _: [head(), delta(content='So'), None]
    body = {'query': 'go on', 'inputs': {}, 'response_mode': 'streaming', 'user': 'u', 'auto_generate_name': False}
    async with connect(Relay(model.url, 'small-model')) as client:
        request = client.build_request('POST', '/chat-messages', json=body)
        response = await client.send(request, stream=True)
        assert '"So"' in await anext(response.aiter_lines())
    async with asyncio.timeout(10):
        await model.left.wait()


@pytest.mark.parametrize(
    ('said', 'title'),
    [
        (stream('"Rainbows', ' explained"\n', 'They are'), 'Rainbows explained'),
        (stream('<think>\nshort?\n</think>\n\n**Rainbows**'), 'Rainbows'),
        (stream('Rainbows', thoughts=(delta(reasoning='short?'),)), 'Rainbows'),
        (stream('long ' * 100), ('long ' * 100)[:75]),
    ],
)
async def test_the_model_finds_the_title(
    client: httpx.AsyncClient, model: ModelServer, said: list[bytes | None], title: str
) -> None:
    first = await ask(client, 'How does a rainbow come about?')
    model.reply = lambda _: said
    path = f'/conversations/{first[0]["conversation_id"]}/name'
    renamed = await client.post(path, json={'auto_generate': True, 'user': 'u'})
    assert renamed.json()['name'] == title
    assert model.asked[-1].last.endswith('How does a rainbow come about?')


async def test_a_title_that_can_not_be_found_changes_nothing(client: httpx.AsyncClient, model: ModelServer) -> None:
    first = await ask(client, 'Rainbows?')
    model.reply = lambda _: page('500 Internal Server Error', {})
    path = f'/conversations/{first[0]["conversation_id"]}/name'
    assert (await client.post(path, json={'auto_generate': True, 'user': 'u'})).json()['name'] == 'Rainbows?'


async def test_scenario_words_stay_with_the_demo(client: httpx.AsyncClient, model: ModelServer) -> None:
    assert text(await ask(client, '/echo here')) == 'here'
    found = await ask(client, '/handbook What is this product?')
    assert text(found).startswith('From the handbook')
    assert found[-1]['metadata']['retriever_resources']
    assert 'agent_thought' in {frame['event'] for frame in await ask(client, '/agent hello')}
    assert not model.asked


async def test_it_says_who_answers(client: httpx.AsyncClient, model: ModelServer) -> None:
    host = model.url.removeprefix('http://').removesuffix('/v1')
    info = (await client.get('/info')).json()
    assert (info['name'], info['description']) == ('small-model', f'Answers come from small-model at {host}.')
    parameters = (await client.get('/parameters')).json()
    assert f'`small-model` at `{host}`' in parameters['opening_statement']
    assert parameters['suggested_questions_after_answer'] == {'enabled': False}
    message = (await ask(client, 'hello'))[0]['message_id']
    refused = await client.get(f'/messages/{message}/suggested', params={'user': 'u'})
    assert (refused.status_code, refused.json()['code']) == (400, 'bad_request')


async def test_an_answer_in_one_piece(client: httpx.AsyncClient, model: ModelServer) -> None:
    body = {'query': 'hello', 'inputs': {}, 'response_mode': 'blocking', 'user': 'u'}
    whole = (await client.post('/chat-messages', json=body)).json()
    assert (whole['answer'], whole['metadata']['usage']['total_price']) == ('Hello there!', '0')
    model.reply = lambda _: page('429 Too Many Requests', {})
    refused = await client.post('/chat-messages', json=body)
    assert (refused.status_code, refused.json()['code']) == (400, 'completion_request_error')


@pytest.mark.parametrize(
    ('settings', 'said'),
    [
        (
            {'OPENAI_BASE_URL': 'http://models.example.com:8000/secret/v1', 'OPENAI_MODEL': 'small-model'},
            'Its answers come from small-model at models.example.com:8000.',
        ),
        ({'OPENAI_MODEL': 'small-model'}, 'Its answers come from its handbook'),
    ],
)
async def test_the_command_says_who_answers(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, '-m', 'webapp', 'demo-upstream', '--port', '0'),
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith(OURS)} | settings,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr
    try:
        async with asyncio.timeout(60):
            lines = [(await process.stderr.readline()).decode() for _ in range(2)]
    finally:
        process.terminate()
        await process.wait()
    assert lines[1].startswith(said)
    assert not list(tmp_path.iterdir())
