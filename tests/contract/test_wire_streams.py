"""Streams: their framing, the shape of each frame, and the same order of events as a real Dify's."""

import contextlib
import json
import time

import httpx
import pytest
from wire_tools import Heard, ask, blocks, check, listen, question, recorded, shape

# what is asked of the demo, and the recording of a real server in the same situation
PAIRS = {
    'What is this product?': 'chat-stream-new',
    '/think What is this product?': 'chat-stream-think',
    '/cite 1': 'knowledge-chat-stream',
    '/error': 'error-after-first-token-drop',
    '/error first': 'error-before-first-token-rate',
    '/agent Where is the API key?': 'agent-stream-one-tool-continue',
    '/image a fox': 'agent-stream-tool-fails',
    '/agent /error': 'error-agent-after-first-token',
    '/agent /error first': 'error-agent-before-first-token',
    '/steps /echo here': 'chatflow-stream-continue',
    '/steps /error first': 'error-chatflow-before-first-token',
}
OWN = (
    '/replace What is this product?',
    '/long 300',
    '/markdown',
    '/usage0 hello',
    '/human',
    '/noend hello',
    '/newagent hello',
)


async def test_an_ordinary_answer(client: httpx.AsyncClient) -> None:
    heard = await ask(client, 'What is this product?')
    assert heard.status == 200
    assert heard.headers['content-type'] == 'text/event-stream; charset=utf-8'
    assert heard.headers['x-version']
    for block in heard.blocks:
        assert block == 'event: ping' or (block.startswith('data: {') and '\n' not in block)
    for frame in heard.frames:
        check(frame, frame['event'])
        assert (frame['conversation_id'], frame['message_id']) == (heard.conversation_id, heard.message_id)
    assert heard.text


@pytest.mark.parametrize('query', PAIRS)
async def test_events_come_in_the_order_of_a_real_server(demo_client: httpx.AsyncClient, query: str) -> None:
    heard, real = await ask(demo_client, query), recorded(PAIRS[query])
    assert heard.events == real.events
    for frame in heard.frames:
        check(frame, frame['event'])


@pytest.mark.parametrize('query', PAIRS)
async def test_frames_have_the_fields_of_a_real_server(demo_client: httpx.AsyncClient, query: str) -> None:
    """The same names in the same order, in every frame of the same kind."""
    heard, real = await ask(demo_client, query), recorded(PAIRS[query])
    for event in {frame['event'] for frame in real.frames}:
        assert _first(heard, event) == _first(real, event)


async def test_an_iteration_is_told_of_as_by_a_real_server(demo_client: httpx.AsyncClient) -> None:
    heard, real = await ask(demo_client, '/steps Where is the API key?'), recorded('chatflow-rich-stream')
    for event in ('iteration_started', 'iteration_next', 'iteration_completed'):
        assert _first(heard, event) == _first(real, event)
    names = [event.partition(' ')[0] for event in heard.events if 'iteration' in event or 'template' in event]
    assert names == [
        'iteration_started',
        *(len(heard.of('iteration_next')) * ['iteration_next', 'node_started', 'node_finished']),
        'iteration_completed',
    ]
    assert [frame['data']['index'] for frame in heard.of('iteration_next')] == [0, 1, 2]
    for frame in heard.frames:
        if frame['event'] in {'node_started', 'node_finished'}:
            check(frame, frame['event'])


async def test_text_may_come_under_the_name_of_files(demo_client: httpx.AsyncClient) -> None:
    """As 1.12.1 sends it when a question has images: events named `message_file`, with an answer and no address."""
    heard, real = await ask(demo_client, '/filetext /echo under a wrong name'), recorded('chat-image-local')
    assert heard.events == real.events == ['message_file', 'message_end']
    assert _first(heard, 'message_file') == _first(real, 'message_file')
    assert ''.join(frame['answer'] for frame in heard.of('message_file')) == 'under a wrong name'
    for frame in heard.of('message_file'):
        check(frame, 'message')


@pytest.mark.parametrize(
    ('query', 'case'),
    [
        ('/slow 0.35 /echo here', 'ping-chat-silent-34s'),
        ('/steps /slow 0.35 /echo here', 'ping-chatflow-silent-24s'),
    ],
)
async def test_pings_while_the_model_is_silent(pinging_client: httpx.AsyncClient, query: str, case: str) -> None:
    heard = await ask(pinging_client, query)
    assert heard.events == recorded(case).events
    assert 'ping' in heard.events


@pytest.mark.parametrize('query', OWN)
async def test_every_frame_is_well_formed(demo_client: httpx.AsyncClient, query: str) -> None:
    for frame in (await ask(demo_client, query)).frames:
        check(frame, frame['event'])


@pytest.mark.parametrize(
    ('query', 'case'),
    [
        ('/rate 20 /long 400', 'stop-chat-first-turn-autoname'),
        ('/agent /rate 20 /long 400', 'stop-agent-midstream'),
        ('/steps /rate 20 /long 400', 'stop-chatflow-midstream'),
    ],
)
async def test_a_stopped_answer_ends_like_a_real_one(demo_client: httpx.AsyncClient, query: str, case: str) -> None:
    heard, real = await _stopped(demo_client, query), recorded(case)
    assert heard.events == real.events
    theirs, ours = (stream.of('message_end')[0]['metadata']['usage'] for stream in (real, heard))
    changing = {'latency', 'time_to_first_token', 'time_to_generate'}
    assert {k: v for k, v in ours.items() if k not in changing} == {
        k: v for k, v in theirs.items() if k not in changing
    }
    assert (ours['time_to_first_token'] is None) == (theirs['time_to_first_token'] is None)
    history = await demo_client.get('/messages', params={'conversation_id': heard.conversation_id, 'user': 'u-stop'})
    assert history.json()['data'][-1]['answer'] == heard.text.rstrip()


async def test_stop(client: httpx.AsyncClient) -> None:
    """The stream goes on to an ordinary end, and the text so far is in the history."""
    heard = await _stopped(client, 'Please tell me all about this product and its settings, at length.', user='u-stop')
    assert not heard.is_cut
    check(heard.of('message_end')[0], 'message_end')
    answer = await client.get('/messages', params={'conversation_id': heard.conversation_id, 'user': 'u-stop'})
    assert answer.json()['data'][0]['answer'] == heard.text.rstrip()


async def test_an_answer_that_nobody_hears_is_lost(demo_client: httpx.AsyncClient) -> None:
    """As recorded: the history keeps the question, with an empty answer."""
    body = question('/rate 500 /long 60')
    async with demo_client.stream('POST', '/chat-messages', json=body) as response:
        frame = json.loads((await anext(blocks(response))).removeprefix('data: '))
    await _until_idle(demo_client)
    where = {'conversation_id': frame['conversation_id'], 'user': body['user']}
    (message,) = (await demo_client.get('/messages', params=where)).json()['data']
    assert (message['answer'], message['status'], message['error']) == ('', 'normal', None)


async def test_the_run_of_a_chatflow_goes_on_without_listeners(demo_client: httpx.AsyncClient) -> None:
    body = question('/steps /rate 500 /echo and so to the end')
    async with demo_client.stream('POST', '/chat-messages', json=body) as response:
        run_id = json.loads((await anext(blocks(response))).removeprefix('data: '))['workflow_run_id']
    await _until_idle(demo_client)
    run = (await demo_client.get(f'/workflows/run/{run_id}')).json()
    assert run['status'] == 'succeeded'
    assert json.loads(run['outputs'])['answer'] == 'and so to the end'


async def test_a_conversation_deleted_meanwhile_has_no_end(demo_client: httpx.AsyncClient) -> None:
    body = question('/rate 50 /long 40')
    async with demo_client.stream('POST', '/chat-messages', json=body) as response:
        stream = blocks(response)
        first = await anext(stream)
        id = json.loads(first.removeprefix('data: '))['conversation_id']
        gone = await demo_client.request('DELETE', f'/conversations/{id}', json={'user': body['user']})
        assert gone.status_code == 204
        heard = Heard(blocks=[first])
        with contextlib.suppress(httpx.RemoteProtocolError):
            async for block in stream:
                heard.blocks.append(block)
    assert heard.events == recorded('delete-while-streaming').events == ['message']


async def test_nothing_is_sent_before_the_first_event(pinging_client: httpx.AsyncClient) -> None:
    """Not even a status line, as from a real server: what comes first is the ping."""
    started = time.monotonic()
    async with pinging_client.stream('POST', '/chat-messages', json=question('/slow 0.3 /echo late')) as response:
        assert time.monotonic() - started >= 0.1
        assert await anext(blocks(response)) == 'event: ping'


async def test_a_question_to_a_person(demo_client: httpx.AsyncClient) -> None:
    asked = await ask(demo_client, '/human buy a bicycle', user='ann')
    assert asked.events[-2:] == ['human_input_required', 'workflow_paused']
    (required,) = asked.of('human_input_required')
    run, token = required['workflow_run_id'], required['data']['form_token']
    form = (await demo_client.get(f'/form/human_input/{token}')).json()
    assert form['user_actions'] == required['data']['actions']
    history = {'conversation_id': asked.conversation_id, 'user': 'ann'}
    (open_message,) = (await demo_client.get('/messages', params=history)).json()['data']
    assert open_message['extra_contents'][0]['submitted'] is False

    reply = {'inputs': {'comment': 'Yes, a red one.', 'urgency': 'low'}, 'action': 'approve', 'user': 'ann'}
    assert (await demo_client.post(f'/form/human_input/{token}', json=reply)).json() == {}
    async with demo_client.stream('GET', f'/workflow/{run}/events', params={'user': 'ann'}) as response:
        rest = await listen(response)
    for frame in rest.frames:
        check(frame, frame['event'])
    assert rest.events[0] == 'human_input_form_filled'
    assert rest.events[-2:] == ['message_end', 'workflow_finished']
    assert {frame['message_id'] for frame in rest.frames} == {asked.message_id}

    (message,) = (await demo_client.get('/messages', params=history)).json()['data']
    assert message['answer'] == asked.text + rest.text
    assert message['extra_contents'][0]['form_submission_data']['action_id'] == 'approve'
    again = await demo_client.post(f'/form/human_input/{token}', json=reply)
    assert (again.status_code, again.json()['code']) == (412, 'human_input_form_submitted')
    async with demo_client.stream('GET', f'/workflow/{run}/events', params={'user': 'ann'}) as response:
        assert (await listen(response)).events == ['workflow_finished']
    foreign = await demo_client.get(f'/workflow/{run}/events', params={'user': 'bob'})
    assert foreign.status_code == 404


def _first(heard: Heard, event: str) -> object:
    return shape(heard.of(event)[0])


async def _stopped(client: httpx.AsyncClient, query: str, user: str = 'u-stop') -> Heard:
    """Ask, and stop as soon as there are words."""
    heard = Heard()
    async with client.stream('POST', '/chat-messages', json=question(query, user=user)) as response:
        async for block in blocks(response):
            heard.blocks.append(block)
            frame = heard.frames[-1] if heard.frames else {}
            if 'message' in frame.get('event', '') and frame.get('answer') and len(heard.of(frame['event'])) == 3:
                answer = await client.post(f'/chat-messages/{frame["task_id"]}/stop', json={'user': user})
                assert answer.json() == {'result': 'success'}
    return heard


async def _until_idle(client: httpx.AsyncClient) -> None:
    """Wait until what was written before is through: a later, longer answer has come to its end."""
    await ask(client, '/rate 200 /long 80')
