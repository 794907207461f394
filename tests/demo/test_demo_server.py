"""The demo as a server: what survives, what is limited, and every kind of trouble it can make."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from webapp.upstream.demo import SAMPLE_FORM, build, serve, state

Json = dict[str, Any]
NOBODYS = '0' * 8 + '-0000-4000-8000-' + '0' * 12


@contextlib.asynccontextmanager
async def connect(**settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A demo of its own, and a client."""
    app = build(**{'rate': 0, 'title_seconds': 0.01} | settings)
    headers = {'Authorization': f'Bearer {settings.get("key", "demo")}'}
    async with (
        serve(app) as url,
        httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30) as client,
    ):
        yield client


def body(query: str, **more: Any) -> Json:
    return {'query': query, 'inputs': {}, 'response_mode': 'streaming', 'user': 'u', 'auto_generate_name': False} | more


async def ask(client: httpx.AsyncClient, query: str, **more: Any) -> list[Json]:
    """The frames of an answer, broken ones left out; a closed socket is an end like any other."""
    frames = []
    async with client.stream('POST', '/chat-messages', json=body(query, **more)) as response:
        assert response.status_code == 200, await response.aread()
        with contextlib.suppress(httpx.RemoteProtocolError):
            async for line in response.aiter_lines():
                with contextlib.suppress(json.JSONDecodeError):
                    frames.append(json.loads(line.removeprefix('data: ')))
    return [frame for frame in frames if isinstance(frame, dict) and frame.get('task_id', frame.get('code'))]


def text(frames: list[Json]) -> str:
    return ''.join(frame['answer'] for frame in frames if frame['event'] in {'message', 'agent_message'})


async def history(client: httpx.AsyncClient, frames: list[Json]) -> Json:
    where = {'user': 'u', 'conversation_id': frames[0]['conversation_id']}
    message: Json = (await client.get('/messages', params=where)).json()['data'][-1]
    return message


async def test_conversations_survive_a_restart(tmp_path: Path) -> None:
    data = tmp_path / 'new folder' / 'demo.db'
    async with connect(data=data) as client:
        first = await ask(client, '/echo before')
        picture = await client.post(
            '/files/upload', files={'file': ('a.txt', b'words', 'text/plain')}, data={'user': 'u'}
        )
    async with connect(data=data) as client:
        assert (await history(client, first))['answer'] == 'before'
        file = {'type': 'document', 'transfer_method': 'local_file', 'upload_file_id': picture.json()['id']}
        await ask(client, '/echo after', conversation_id=first[0]['conversation_id'], files=[file])
        assert (await client.get(f'/files/{file["upload_file_id"]}/preview')).content == b'words'
        (row,) = (await client.get('/conversations', params={'user': 'u'})).json()['data']
        assert row['id'] == first[0]['conversation_id']


async def test_a_paused_run_survives_a_restart(tmp_path: Path) -> None:
    async with connect(data=tmp_path / 'demo.db') as client:
        paused = await ask(client, '/human /echo done')
        asked = next(frame for frame in paused if frame['event'] == 'human_input_required')
    async with connect(data=tmp_path / 'demo.db') as client:
        reply = {'inputs': {'comment': 'yes', 'urgency': 'low'}, 'action': 'approve', 'user': 'u'}
        await client.post(f'/form/human_input/{asked["data"]["form_token"]}', json=reply)
        await client.get(f'/workflow/{asked["workflow_run_id"]}/events', params={'user': 'u'})
        assert (await history(client, paused))['answer'].endswith('done')


async def test_the_key_is_the_one_it_was_given() -> None:
    async with connect(key='another') as client:
        assert (await client.get('/info')).status_code == 200
        assert (await client.get('/info', headers={'Authorization': 'Bearer demo'})).status_code == 401


async def test_further_requests_wait_when_all_connections_are_taken() -> None:
    """Without a byte, until one is free: as with the ten of a stock server."""
    async with connect(connections=2) as client:
        streams = [await _open(client, '/rate 20 /long 10000') for _ in range(2)]
        third = asyncio.create_task(client.get('/info'))
        lines = streams[0].aiter_lines()
        for _ in range(10):  # the others go on, for a while
            await anext(lines)
        assert not third.done()
        await streams[0].aclose()
        assert (await third).status_code == 200
        await streams[1].aclose()


async def test_further_answers_are_refused_beyond_the_limit() -> None:
    async with connect(active_limit=1) as client:
        stream = await _open(client, '/rate 20 /long 10000')
        lines = stream.aiter_lines()
        task = json.loads((await anext(lines)).removeprefix('data: '))['task_id']
        refused = await client.post('/chat-messages', json=body('hello'))
        assert (refused.status_code, refused.json()['code']) == (400, 'invalid_param')
        assert refused.json()['message'].startswith('Too many requests. Please try again later.')
        await client.post(f'/chat-messages/{task}/stop', json={'user': 'u'})
        assert [line async for line in lines][-2].startswith('data: {"event":"message_end"')
        assert text(await ask(client, '/echo free again')) == 'free again'


async def test_only_the_same_user_stops_an_answer() -> None:
    async with connect() as client:
        stream = await _open(client, '/rate 20 /long 10000')
        lines = stream.aiter_lines()
        task = json.loads((await anext(lines)).removeprefix('data: '))['task_id']
        assert (await client.post(f'/chat-messages/{task}/stop', json={'user': 'bob'})).json() == {'result': 'success'}
        for _ in range(6):  # it goes on
            assert 'message_end' not in await anext(lines)
        await client.post(f'/chat-messages/{task}/stop', json={'user': 'u'})
        assert [line async for line in lines][-2].startswith('data: {"event":"message_end"')


async def test_a_form_is_checked_at_every_send() -> None:
    form: list[Json] = [
        {'text-input': {'label': 'Name', 'variable': 'name', 'required': True, 'max_length': 5}},
        {'select': {'label': 'Tone', 'variable': 'tone', 'required': False, 'options': ['formal', 'casual']}},
        {'number': {'label': 'Age', 'variable': 'age', 'required': False}},
        {'file': {'label': 'A photo', 'variable': 'photo', 'required': False}},
        {'file-list': {'label': 'Papers', 'variable': 'papers', 'required': False, 'max_length': 1}},
        {'json_object': {'label': 'More', 'variable': 'more', 'required': False}},
    ]
    cases = {
        'name is required in input form': {},
        'name in input form must be less than 5 characters': {'name': 'Magdalena'},
        "(type 'text-input') name in input form must be a string": {'name': 5},
        "tone in input form must be one of the following: ['formal', 'casual']": {'name': 'Ada', 'tone': ''},
        'age in input form must be a valid number': {'name': 'Ada', 'age': 'old'},
        'photo in input form must be a file': {'name': 'Ada', 'photo': 'x'},
        'papers in input form must be a list of files': {'name': 'Ada', 'papers': ['x']},
        'papers in input form must be less than 1 files': {'name': 'Ada', 'papers': [{}, {}]},
        'Invalid upload file': {'name': 'Ada', 'photo': {'transfer_method': 'local_file', 'upload_file_id': NOBODYS}},
        'more in input form must be a dict': {'name': 'Ada', 'more': '{}'},
    }
    async with connect(form=form) as client:
        assert (await client.get('/parameters')).json()['user_input_form'] == form
        for message, inputs in cases.items():
            answer = await client.post('/chat-messages', json=body('hello', inputs=inputs))
            assert (answer.status_code, answer.json()['message']) == (400, message)
        frames = await ask(client, 'hello', inputs={'name': 'Ada', 'age': '36', 'unknown': 1})
        none = dict.fromkeys(('tone', 'photo', 'papers', 'more'))
        assert (await history(client, frames))['inputs'] == {'name': 'Ada', 'age': 36} | none


async def test_files_of_a_form_are_remembered_and_told_of() -> None:
    async with connect(form=SAMPLE_FORM) as client:
        ids = []
        for name, data in (('photo.png', b'x'), ('notes.txt', b'y')):
            answer = await client.post('/files/upload', files={'file': (name, data)}, data={'user': 'u'})
            ids.append(answer.json()['id'])
        photo, notes = ({'transfer_method': 'local_file', 'upload_file_id': each} for each in ids)
        given = {
            'name': 'Ada', 'tone': 'formal', 'settings': {'a': [1]},
            'picture': photo | {'type': 'image'}, 'documents': [notes | {'type': 'document'}],
        }  # fmt: skip
        frames = await ask(client, '/inputs', inputs=given)
        for line in ('- `name`: `"Ada"`', '- `picture`: the file `photo.png`', '- `documents`: the file `notes.txt`'):
            assert line in text(frames)
        kept = (await history(client, frames))['inputs']
        assert (kept['picture']['related_id'], kept['documents'][0]['filename']) == (ids[0], 'notes.txt')
        assert (await client.get(f'/files/{ids[0]}/preview', params={'user': 'u'})).status_code == 200  # it is in use
        opening = (await client.get('/parameters')).json()['opening_statement']
        assert '{{name}}' in opening


@pytest.mark.parametrize('dialect', ['', '/agent ', '/steps '])
async def test_cut(dialect: str) -> None:
    """The socket closes in the middle; the history has an empty answer, as recorded."""
    async with connect() as client:
        stream = await _open(client, f'{dialect}/cut 3 /echo one two three four')
        lines: list[str] = []
        with pytest.raises(httpx.RemoteProtocolError):
            await _read(stream, lines)
        frames = [json.loads(line.removeprefix('data: ')) for line in lines if line]
        assert text(frames).endswith('one two thre')
        message = await history(client, frames)
        assert (message['answer'], message['status']) == ('', 'normal')


async def test_cut_of_a_whole_answer() -> None:
    async with connect() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post('/chat-messages', json=body('/cut hello', response_mode='blocking'))


async def test_errors_leave_no_text_behind() -> None:
    async with connect() as client:
        frames = await ask(client, '/error What is this product?')
        assert text(frames)
        message = await history(client, frames)
        assert (message['answer'], message['status']) == ('', 'error')
        assert message['error'] == frames[-1]['message']


async def test_garbage_does_not_change_what_is_said() -> None:
    async with connect() as client:
        frames = await ask(client, '/garbage /echo ' + 'one two three four five ' * 8)
        assert text(frames) == 'one two three four five ' * 8
        assert frames[-1]['event'] == 'message_end'


async def test_replace() -> None:
    async with connect() as client:
        frames = await ask(client, '/replace /echo one two three four')
        at = [frame['event'] for frame in frames].index('message_replace')
        final = frames[at]['answer'] + text(frames[at:])
        assert text(frames[:at])
        assert final.endswith('begins anew.\n\none two three four')
        assert (await history(client, frames))['answer'] == final


async def test_think() -> None:
    async with connect() as client:
        answer = text(await ask(client, '/think /echo so'))
        assert answer.startswith('<think>\n')
        assert answer.endswith('</think>\nso')


async def test_a_picture_belongs_to_the_thought_that_made_it() -> None:
    async with connect() as client:
        frames = await ask(client, '/image a fox')
        (file,) = [frame for frame in frames if frame['event'] == 'message_file']
        thoughts = {
            frame['id']: frame for frame in frames if frame['event'] == 'agent_thought'
        }  # the last copy of each
        assert [thought['message_files'] for thought in thoughts.values()] == [[file['id']], []]
        message = await history(client, frames)
        assert [(row['id'], row['transfer_method']) for row in message['message_files']] == [(file['id'], 'tool_file')]


async def test_signed_addresses_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connect() as client:
        frames = await ask(client, '/image a fox')
        (url,) = [frame['url'] for frame in frames if frame['event'] == 'message_file']
        assert (await client.get(url)).status_code == 200
        monkeypatch.setattr(state, 'SIGNED_SECONDS', -1)
        assert (await client.get(url)).status_code == 404


async def test_no_usage_and_no_end() -> None:
    async with connect() as client:
        usage = (await ask(client, '/usage0 hello'))[-1]['metadata']['usage']
        assert (usage['total_tokens'], usage['total_price']) == (0, '0E-7')
        frames = await ask(client, '/noend /echo here')
        assert frames[-1]['event'] == 'workflow_finished'
        assert (await history(client, frames))['answer'] == 'here'


async def test_hang_stays_open_until_the_reader_leaves() -> None:
    async with connect(ping=0.05, active_limit=1) as client:
        stream = await _open(client, '/hang /echo here')
        lines = [line async for line in _until(stream, 'event: ping', times=3)]
        assert any('"message_end"' in line for line in lines)
        assert (await client.post('/chat-messages', json=body('hello'))).status_code == 400
        await stream.aclose()
        async with asyncio.timeout(10):
            while (await client.post('/chat-messages', json=body('hello'))).status_code != 200:
                pass


async def test_silence_in_the_middle() -> None:
    async with connect(ping=0.05) as client:
        stream = await _open(client, '/silent 0.3 /echo one two three four')
        lines = [line async for line in stream.aiter_lines() if line]
        first, last = (next(i for i, line in enumerate(order) if '"answer"' in line) for order in (lines, lines[::-1]))
        assert 'event: ping' in lines[first : len(lines) - last]


async def test_the_first_turn_waits_for_its_title_only_if_one_is_wanted() -> None:
    """As 1.12.1 does: words written meanwhile come in one burst."""
    async with connect(title_seconds=3600) as client:
        assert text(await ask(client, '/echo at once')) == 'at once'
        with pytest.raises(httpx.ReadTimeout):
            await client.post('/chat-messages', json=body('/echo x', auto_generate_name=True), timeout=0.3)


async def test_many_at_once() -> None:
    async with connect() as client:
        answers = await asyncio.gather(
            *(ask(client, f'/rate 500 /echo answer number {n}', user=str(uuid.uuid4())) for n in range(60))
        )
        assert [text(frames) for frames in answers] == [f'answer number {n}' for n in range(60)]


@pytest.mark.parametrize(
    'query', ['/rate 10 /long 10000', '/hang /echo here', '/slow 600', '/steps /rate 10 /long 10000']
)
async def test_its_end_cuts_what_is_running(query: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(connect(ping=0.05))
        stream = await _open(client, query)
        lines = stream.aiter_lines()
        assert await anext(lines)
        ending = asyncio.create_task(stack.aclose())
        with contextlib.suppress(httpx.RemoteProtocolError, httpx.ReadError, httpx.StreamClosed):
            async for _ in lines:
                pass
        await ending


async def test_what_comes_after_its_end_is_not_begun() -> None:
    app = build()
    async with serve(app) as url, httpx.AsyncClient(trust_env=False) as client:
        app.state.demo.close()
        headers = {'Authorization': 'Bearer demo'}
        answer = await client.post(f'{url}/chat-messages', json=body('/slow 600'), headers=headers)
        assert answer.status_code == 500


async def _open(client: httpx.AsyncClient, query: str) -> httpx.Response:
    request = client.build_request('POST', '/chat-messages', json=body(query))
    return await client.send(request, stream=True)


async def _until(stream: httpx.Response, wanted: str, *, times: int) -> AsyncIterator[str]:
    async for line in stream.aiter_lines():
        yield line
        times -= line == wanted
        if not times:
            return


async def _read(stream: httpx.Response, lines: list[str]) -> None:
    async for line in stream.aiter_lines():
        lines.append(line)


HOSTILE: list[Any] = [
    None, '', ' ', 'x', '\0', '\u2028', 'x' * 250, -1, 1e300, 10**30, True, [], {}, [None], [[]], {'a': {'a': [1]}},
    [{'transfer_method': ['x']}], [{'transfer_method': 'local_file', 'upload_file_id': {}}],
    [{'transfer_method': 'remote_url', 'url': 'http://[::1'}], [{'transfer_method': 'remote_url', 'url': ['x']}],
    '00000000-0000-0000-0000-000000000000',
]  # fmt: skip


async def test_hostile_values_never_crash_it() -> None:
    """Every field of every call takes each value in turn: a proper answer, or a refusal."""
    form: list[Json] = [{'checkbox': {'variable': 'c', 'label': 'c'}}, {'number': {'variable': 'n', 'label': 'n'}}]
    async with connect(form=form) as client:
        frames = await ask(client, 'hello')
        conversation, message = frames[0]['conversation_id'], frames[0]['message_id']
        calls = {
            '/chat-messages': body('hi', files=[], conversation_id=None),
            f'/conversations/{conversation}/name': {'name': 'x', 'auto_generate': False, 'user': 'u'},
            f'/messages/{message}/feedbacks': {'rating': 'like', 'content': 'x', 'user': 'u'},
            '/form/human_input/x': {'inputs': {}, 'action': 'x', 'user': 'u'},
        }
        for path, good in calls.items():
            for field in good:
                for value in HOSTILE:
                    answer = await client.post(path, json=good | {field: value})
                    assert answer.status_code < 500, (path, field, value)
        for value in HOSTILE:
            answer = await client.post('/chat-messages', json=body('hi', inputs={'c': value, 'n': value}))
            assert answer.status_code < 500, value
        for field in ('user', 'limit', 'last_id', 'first_id', 'conversation_id', 'sort_by', 'page'):
            for value in HOSTILE:
                for path in ('/conversations', '/messages', '/app/feedbacks', f'/messages/{message}/suggested'):
                    where = {'conversation_id': conversation, 'user': 'u', field: str(value)}
                    assert (await client.get(path, params=where)).status_code < 500, (path, field, value)


@pytest.mark.parametrize('name', ['..png', 'a"b.png', 'a\r\nb.png', 'x' * 500, '.', 'фото'])
async def test_names_of_files_are_harmless(name: str) -> None:
    async with connect() as client:
        answer = await client.post('/files/upload', files={'file': (name, b'x', 'text/html')}, data={'user': 'u'})
        assert answer.status_code == 201
        assert len(answer.json()['name']) <= 205
        page = await client.get(answer.json()['source_url'])
        assert page.headers['content-type'] == 'application/octet-stream'
        assert page.headers['x-content-type-options'] == 'nosniff'
