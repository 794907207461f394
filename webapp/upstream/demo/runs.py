"""Workflow runs: their outcome, their questions to people, and how to hear the rest of them."""

import json
from collections.abc import AsyncGenerator

import orjson
from starlette.requests import Request
from starlette.responses import Response

from webapp.upstream.demo import chatflow, forms, saving, scenario, usage, writer
from webapp.upstream.demo.generation import Generation
from webapp.upstream.demo.payloads import HumanInputPayload, body, check, user_of, user_or_default
from webapp.upstream.demo.records import Form, Run
from webapp.upstream.demo.responses import EventStream, answer, missing
from webapp.upstream.demo.state import WORKFLOW_ID, Demo, base_url, demo_of, end_user_id
from webapp.upstream.demo.turn import Frame, Turn


async def detail(request: Request) -> Response:
    """A run's outcome; 1.12.1 gives inputs and outputs as JSON text."""
    run = demo_of(request).records.runs.get(str(request.path_params['id']))
    if run is None:
        raise missing('Workflow run not found.')
    return answer(
        {
            'id': run.id,
            'workflow_id': WORKFLOW_ID,
            'status': run.status,
            'inputs': json.dumps(run.inputs),
            'outputs': json.dumps(run.outputs),
            'error': run.error,
            'total_steps': run.steps,
            'total_tokens': run.tokens,
            'created_at': run.created_at,
            'finished_at': run.finished_at,
            'elapsed_time': run.elapsed,
        }
    )


async def events(request: Request) -> Response:
    """The rest of a resumed run, once; of a finished one its last frame only, without any text."""
    demo, user = demo_of(request), user_or_default(request)
    run = demo.records.runs.get(str(request.path_params['id']))
    if run is None or run.user != user:
        raise missing('Workflow run not found')
    generation = demo.resumed.pop(run.id, None)
    return EventStream(generation.stream() if generation else _outcome(demo, run))


async def form(request: Request) -> Response:
    return answer(forms.shown(_form(request)))


async def submit(request: Request) -> Response:
    """Answer the question; the run goes on at once, listened to or not."""
    demo, data = demo_of(request), await body(request)
    user_of(data)
    payload = check(HumanInputPayload, data)
    asked = _form(request)
    forms.submit(asked, payload.inputs, payload.action)
    run = demo.records.runs.get(asked.run_id)
    turn = _turn(demo, run, base_url(request)) if run else None
    if run is None or turn is None:
        raise missing('Form not found')
    demo.records.forms.put(asked)
    run.status = 'running'
    generation = Generation(
        turn,
        chatflow.resumed(turn, demo, run, asked),
        ping=demo.ping,
        save=lambda frame: saving.save(demo.records, turn, frame),
        detached=True,
    )
    demo.start(generation)
    demo.resumed[run.id] = generation
    return answer({})


def _form(request: Request) -> Form:
    found = demo_of(request).records.forms.get(request.path_params['token'])
    if found is None:
        raise missing('Form not found')
    return found


def _turn(demo: Demo, run: Run, base: str) -> Turn | None:
    """The turn that the run belongs to, made again from what is on record; None if it was deleted."""
    message = demo.records.messages.get(run.message_id)
    conversation = message and demo.records.conversations.get(message.conversation_id)
    if not message or not conversation:
        return None
    asked = scenario.parse(message.query)
    return Turn(
        conversation,
        message,
        asked,
        writer.draft(asked, demo.handbook),
        rate=demo.rate if asked.rate is None else asked.rate,
        prompt=len(usage.tokens(message.query)),
        base_url=base,
        task_id=run.task_id,
        pieces=[message.answer],
    )


async def _outcome(demo: Demo, run: Run) -> AsyncGenerator[bytes, None]:
    message = demo.records.messages.get(run.message_id)
    frame: Frame = {
        'event': 'workflow_finished',
        'conversation_id': message.conversation_id if message else None,
        'message_id': run.message_id,
        'created_at': run.created_at,
        'task_id': run.task_id,
        'workflow_run_id': run.id,
        'data': {
            'id': run.id,
            'workflow_id': WORKFLOW_ID,
            'status': run.status,
            'outputs': run.outputs,
            'error': run.error,
            'elapsed_time': run.elapsed,
            'total_tokens': run.tokens,
            'total_steps': run.steps,
            'created_by': {'id': end_user_id(run.user), 'user': run.user},
            'created_at': run.created_at,
            'finished_at': run.finished_at,
            'exceptions_count': 0,
            'files': [],
        },
    }
    yield b'data: %b\n\n' % orjson.dumps(frame)
