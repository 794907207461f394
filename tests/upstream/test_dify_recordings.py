"""What a real Dify said, replayed byte for byte over HTTP."""

import json
import re
from dataclasses import replace
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from stage import Recording, Stage, frames, recorded, recording, whole

from webapp.chat.events import Failed, Finished, Interrupted, Paused, Started, Stopped
from webapp.chat.message import FilePart, Reply, Status, StepState, TextPart
from webapp.chat.reducer import replay
from webapp.errors import UpstreamError
from webapp.upstream.client import DifyClient
from webapp.upstream.faults import CODES, Faults
from webapp.upstream.limits import TimeLimits
from webapp.upstream.reading import Reading
from webapp.upstream.records import Conversation

ENDINGS = Finished | Failed | Interrupted | Stopped | Paused


def expected_text(payloads: list[dict]) -> str:
    """The rule of the reference: all `answer`s of text events in order, without what was thought."""
    names = {'message', 'agent_message', 'message_file'}
    said = ''.join(p['answer'] for p in payloads if p['event'] in names and 'answer' in p)
    return re.sub(r'<think>.*?</think>', '', said, flags=re.DOTALL)


def expected_status(played: Recording) -> Status:
    names = [p['event'] for p in played.payloads]
    runs = [p['data']['status'] for p in played.payloads if p['event'] == 'workflow_finished']
    if 'error' in names:
        return Status.FAILED
    if runs == ['stopped']:
        return Status.STOPPED
    return Status.COMPLETE if 'message_end' in names else Status.INTERRUPTED


def read_in_pieces(body: bytes, size: int) -> list:
    reading = Reading(Faults(), TimeLimits())
    pieces = (body[i : i + size] for i in range(0, len(body), size))
    events = [event for piece in pieces for event in reading.take(piece, now=0)]
    return events + reading.close(None, now=0)


@pytest.mark.parametrize('name', recorded('sse'))
async def test_stream_replays_to_the_reply_that_its_events_spell(name: str, client: DifyClient, theatre: Stage) -> None:
    played = recording(name)
    theatre.play(played.act())

    events = [event async for event in client.send('hello', user='ann')]

    reply = replay(events)
    last = [p for p in played.payloads if p['event'] == 'message_end'][-1:]
    assert reply.text.lstrip() == expected_text(played.payloads).lstrip()
    assert reply.status is expected_status(played)
    assert sum(isinstance(event, ENDINGS) for event in events) == 1
    assert reply.conversation_id == played.payloads[0]['conversation_id']
    assert reply.message_id == played.payloads[0]['message_id']
    assert reply.task_id == played.payloads[0].get('task_id', '')
    assert reply.run_id == played.payloads[0].get('workflow_run_id', '')
    for end in last:
        usage = end['metadata']['usage']
        assert reply.usage
        assert reply.usage.total_tokens == (usage['total_tokens'] or None)
        assert reply.usage.total_price == (Decimal(usage['total_price']) or None)
        assert [c.document for c in reply.citations] == [
            r['document_name'] for r in end['metadata']['retriever_resources']
        ]


@pytest.mark.parametrize('size', [1, 5, 1000, 1_000_000])
@pytest.mark.parametrize('name', recorded('sse'))
def test_reply_does_not_depend_on_how_the_network_cut_it(name: str, size: int) -> None:
    played = recording(name)

    reply = replay(read_in_pieces(played.body, size))

    assert reply.text.lstrip() == expected_text(played.payloads).lstrip()
    assert reply == replay(read_in_pieces(played.body, 300))


@pytest.mark.parametrize('name', ['chat-stream-think', 'agent-stream-tool-fails', 'chat-stream-markdown'])
async def test_stream_of_single_bytes_over_http(name: str, client: DifyClient, theatre: Stage) -> None:
    played = recording(name)
    theatre.play(played.act(size=1))

    reply = await reply_of(client)

    assert reply.text.lstrip() == expected_text(played.payloads).lstrip()
    assert reply.status is Status.COMPLETE


async def test_text_that_came_as_file_events_is_text(client: DifyClient, theatre: Stage) -> None:
    theatre.play(recording('chat-image-local').act())
    reply = await reply_of(client)
    assert reply.text == 'Answer to turn 1, images 1: The quick brown fox jumps over the lazy '
    assert not [part for part in reply.parts if isinstance(part, FilePart)]


async def test_thoughts_are_told_from_words(client: DifyClient, theatre: Stage) -> None:
    theatre.play(recording('chat-stream-think').act())
    reply = await reply_of(client)
    assert reply.reasoning == 'I should answer carefully.\n'
    assert reply.text.startswith('Answer to turn 1')


async def test_tools_stand_between_the_rounds_with_what_they_said(client: DifyClient, theatre: Stage) -> None:
    theatre.play(recording('agent-stream-tool-fails').act())
    reply = await reply_of(client)
    kinds = [part.kind for part in reply.parts]
    draws, fails = reply.steps
    assert kinds == ['text', 'step', 'step', 'file', 'text']
    assert (draws.title, draws.state, draws.output[:12]) == ('draw', StepState.SUCCEEDED, 'drawn: a fox')
    assert (fails.title, fails.state) == ('failing', StepState.FAILED)
    assert '"prompt": "x"' in fails.input
    assert reply.parts[3].url.startswith('http://127.0.0.1:15001/files/tools/')


async def test_nodes_show_names_and_times_but_no_payloads(client: DifyClient, theatre: Stage) -> None:
    theatre.play(recording('chatflow-rich-stream').act())
    reply = await reply_of(client)
    steps = {step.title: step for step in reply.steps}
    assert [*steps] == [
        'Start',
        'Branch',
        'Loop items',
        'Item LLM',
        'First answer',
        'Final LLM',
        'Remember',
        'Second answer',
    ]
    assert steps['Item LLM'].parent == steps['Loop items'].id
    assert steps['Loop items'].state is StepState.SUCCEEDED
    assert steps['Loop items'].seconds == pytest.approx(0.719017)
    assert 'prompts' not in repr(reply)
    assert not any(step.input or step.output for step in reply.steps)


async def test_node_that_was_retried_has_failed_in_the_end(client: DifyClient, theatre: Stage) -> None:
    theatre.play(recording('chatflow-rich-node-retry').act())
    events = [event async for event in client.send('hello', user='ann')]
    states = [event.step.state for event in events if getattr(event, 'step', None) and event.step.title == 'Final LLM']
    assert states == [StepState.RUNNING, StepState.RETRYING, StepState.RETRYING, StepState.FAILED]
    assert replay(events).failure.detail == 'Run failed: Rate limit reached for requests'


@pytest.mark.parametrize('name', recorded('http'))
async def test_call_gives_a_value_or_an_error_of_ours(name: str, client: DifyClient, theatre: Stage) -> None:
    played = recording(name)
    theatre.play(played.act())
    if played.status < 400 or name in {'feedback-null-again'}:
        await call_like(played, client)
        return

    with pytest.raises(UpstreamError) as refused:
        await call_like(played, client)

    error = refused.value
    assert error.status == played.status
    assert error.code in CODES
    assert '<' not in error.detail
    assert '\n' not in error.detail
    assert 'input_value' not in error.detail
    assert 'You have requested' not in error.detail
    if played.status == 400:
        assert error.code not in {'upstream_error', 'bad_gateway'}


async def test_values_of_calls(client: DifyClient, theatre: Stage) -> None:
    async def of(name: str):
        played = recording(name)
        theatre.play(played.act())
        return await call_like(played, client)

    assert (await of('chat-blocking-new')).usage.total_price == Decimal('0.0003125')
    assert (await of('chat-blocking-new')).status is Status.COMPLETE
    whole_answer, told = await of('chat-blocking-new'), json.loads(recording('chat-blocking-new').body)
    assert whole_answer.text == told['answer']
    for name in ('conversation_id', 'message_id', 'task_id'):
        assert getattr(whole_answer, name) == told[name]
    assert (await of('knowledge-chat-blocking')).citations
    assert (await of('rename-auto')) == 'Title about Markdown please md delay 🦊'
    assert (await of('suggested'))[1] == 'Can you give an example?'
    assert (await of('upload-unicode-name')).id == recorded_id('upload-unicode-name')
    assert (await of('audio-to-text-ok')) == 'hello from the fake transcriber'
    assert (await of('chat-info')).mode == 'chat'
    assert (await of('chat-site')).icon == '🤖'
    assert [*(await of('agent-meta-plugin-tool'))] == ['draw', 'failing']
    page = await of('conversations-page1')
    assert (len(page.items), page.has_more) == (3, True)
    assert page.items[0] == Conversation('31e2a088-0f84-466d-8fd6-51342b228ae2', 'filler 0 #n=2')
    run = await of('chatflow-run-detail-after-disconnect')
    assert (run.status, run.answer[:9], run.total_tokens) == ('succeeded', '**Reply:*', 111)


async def test_history_of_an_agent_reads_like_its_streams(client: DifyClient, theatre: Stage) -> None:
    theatre.play(recording('agent-messages').act())
    page = await client.history('c', user='ann')
    theatre.play(recording('agent-stream-one-tool-continue').act())
    live = await reply_of(client)

    kept = next(message.reply for message in page.items if message.id == live.message_id)

    assert kept.text.strip() == live.text.strip()
    assert [part.kind for part in kept.parts] == [part.kind for part in live.parts]
    assert kept.steps == tuple(replace(step, seconds=None) for step in live.steps)  # we time tools only while they run


async def test_history_marks_what_went_wrong(client: DifyClient, theatre: Stage) -> None:
    theatre.play(recording('messages-after-error-auth').act())
    (failed,) = (await client.history('c', user='ann')).items
    theatre.play(recording('disconnect-chat-messages-later').act())
    *_, dropped = (await client.history('c', user='ann')).items

    assert failed.reply.status is Status.FAILED
    assert failed.error == 'Incorrect API key provided'
    assert dropped.reply.status is Status.INTERRUPTED
    assert dropped.reply.text == ''


async def test_history_keeps_thoughts_and_words_apart_as_streams_do(client: DifyClient, theatre: Stage) -> None:
    answer = '<think>\nI should answer.\n</think>\n\nHello.'
    row = {'id': 'm', 'query': 'q', 'answer': answer, 'created_at': 1, 'status': 'normal'}
    theatre.play(whole({'data': [row], 'has_more': False}))
    (message,) = (await client.history('c', user='ann')).items

    assert message.reply.parts == replay(read_in_pieces(_stream_of(answer, 3), 10)).parts
    assert message.reply.parts[1] == TextPart('Hello.')


async def test_history_is_sorted_and_carries_files(client: DifyClient, theatre: Stage) -> None:
    theatre.play(recording('messages-with-images').act())
    messages = (await client.history('c', user='ann')).items
    assert [m.created_at for m in messages] == sorted(m.created_at for m in messages)
    assert [file.name for file in messages[0].files] == ['small.png']
    assert not [part for message in messages for part in message.reply.parts if isinstance(part, FilePart)]
    assert messages[0].files[0].id == 'c691498c-9f75-4610-b18b-03ac3beb3c19'  # the upload's, which a preview takes


@pytest.mark.parametrize('order', ['abcd', 'dcba', 'bcad'])
async def test_history_in_any_order_comes_oldest_first(order: str, client: DifyClient, theatre: Stage) -> None:
    seconds = {'a': 1, 'b': 5, 'c': 5, 'd': 9}
    theatre.play(whole({'data': [{'id': id_, 'created_at': seconds[id_]} for id_ in order]}))
    messages = (await client.history('c', user='ann')).items
    assert [message.id for message in messages] == ['a', 'b', 'c', 'd']


def recorded_id(name: str) -> str:
    return str(json.loads(recording(name).body)['id'])


async def call_like(played: Recording, client: DifyClient):
    """The method that makes the recorded request."""
    asked = urlsplit(played.asked['path'])
    segments = asked.path.removeprefix('/v1/').split('/')
    query = {key: values[0] for key, values in parse_qs(asked.query).items()}
    body = played.asked.get('body') if isinstance(played.asked.get('body'), dict) else {}
    match played.asked['method'], segments:
        case 'POST', ['chat-messages']:
            if played.status == 200:
                return await client.ask('hello', user='ann')
            return [event async for event in client.send('hello', user='ann')]
        case 'POST', ['chat-messages', task, 'stop']:
            return await client.stop(task, user='ann')
        case 'GET', ['conversations']:
            return await client.conversations(user='ann', last_id=query.get('last_id', ''))
        case 'GET', ['messages']:
            return await client.history('c', user='ann')
        case 'POST', ['conversations', id_, 'name']:
            return await client.rename(id_, user='ann', name='x', auto_generate=body.get('auto_generate', False))
        case 'DELETE', ['conversations', id_]:
            return await client.delete(id_, user='ann')
        case 'POST', ['messages', id_, 'feedbacks']:
            return await client.feedback(id_, body.get('rating'), user='ann')
        case 'GET', ['app', 'feedbacks']:
            return await client.feedbacks(int(query['page']), limit=int(query['limit']))
        case 'GET', ['messages', id_, 'suggested']:
            return await client.suggested(id_, user='ann')
        case 'POST', ['files', 'upload']:
            return await client.upload('a.png', b'x', 'image/png', user='ann')
        case 'GET', ['files', id_, 'preview']:
            async with client.preview(id_) as answer:
                return await answer.read()
        case (('GET' | 'HEAD'), ['', 'files', *_]):
            async with client.file(played.asked['path']) as answer:
                return await answer.read()
        case 'POST', ['audio-to-text']:
            return await client.audio_to_text('a.mp3', b'x', 'audio/mp3', user='ann')
        case 'POST', ['text-to-audio']:
            if played.headers['content-type'] == 'application/json' and played.status == 200:
                return None  # `null` in place of sound has a test of its own
            async with client.text_to_audio('x', user='ann') as answer:
                return await answer.read()
        case 'GET', ['workflows', 'run', id_]:
            return await client.run(id_)
        case 'GET', ['workflow', id_, 'events']:
            return [event async for event in client.resume(id_, user='ann')]
        case 'GET', ['parameters']:
            return await client.parameters()
        case 'GET', ['site']:
            return await client.site()
        case 'GET', ['meta']:
            return await client.meta()
    return await client.info()


async def reply_of(client: DifyClient) -> Reply:
    return replay([event async for event in client.send('hello', user='ann')])


def _stream_of(answer: str, size: int) -> bytes:
    deltas = [answer[i : i + size] for i in range(0, len(answer), size)]
    return b''.join(frames(*({'event': 'message', 'answer': delta} for delta in deltas), {'event': 'message_end'}))


def test_first_event_names_all_that_is_needed_for_a_stop() -> None:
    first = read_in_pieces(recording('chat-stream-new').body, 300)[0]
    assert isinstance(first, Started)
    assert first.task_id
