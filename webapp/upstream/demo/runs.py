"""Workflow runs: their outcome, their questions to people, and how to hear the rest of them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from webapp.upstream.demo import chatflow, forms, resuming
from webapp.upstream.demo.generation import PING
from webapp.upstream.demo.payloads import HumanInputPayload, body, check, user_of, user_or_default
from webapp.upstream.demo.records import Form, Run
from webapp.upstream.demo.responses import EventStream, answer, missing
from webapp.upstream.demo.state import WORKFLOW_ID, Demo, base_url, demo_of, end_user_id
from webapp.upstream.demo.turn import Frame

LOOK_SECONDS = 0.05


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
    """What a run says from now on; of a finished one its last frame only. Older servers know no such address."""
    demo, user = demo_of(request), user_or_default(request)
    if not demo.resumes:
        raise HTTPException(404)
    run = demo.records.runs.get(str(request.path_params['id']))
    if run is None or run.user != user:
        raise missing('Workflow run not found')
    return EventStream(_rest(demo, run, catch_up=request.query_params.get('include_state_snapshot') == 'true'))


async def form(request: Request) -> Response:
    return answer(forms.shown(_form(request)))


async def submit(request: Request) -> Response:
    """Answer the question."""
    demo, data = demo_of(request), await body(request)
    user_of(data)
    payload = check(HumanInputPayload, data)
    resuming.answer(demo, _form(request), payload.inputs, payload.action, base_url(request))
    return answer({})


def _form(request: Request) -> Form:
    found = demo_of(request).records.forms.get(request.path_params['token'])
    if found is None:
        raise missing('Form not found')
    return found


async def _rest(demo: Demo, run: Run, *, catch_up: bool) -> AsyncGenerator[bytes, None]:
    """Whoever listens first after an answer misses nothing, whoever comes later hears what is said from then on.

    :param catch_up: tell first which nodes there were, and what is asked if it waits for a person
    """
    waiting = 0.0
    while True:
        generation = demo.resumed.pop(run.id, None)
        alive = generation or demo.running.get(run.task_id)
        if alive:
            heard = alive.stream() if generation else alive.rest()
            for frame in alive.nodes if catch_up and not generation else ():
                yield b'data: %b\n\n' % orjson.dumps(frame)
            async with contextlib.aclosing(heard) as chunks:
                async for chunk in chunks:
                    yield chunk
            return
        known = demo.records.runs.get(run.id) or run
        if known.status != 'paused':
            async with contextlib.aclosing(_outcome(demo, known)) as chunks:
                async for chunk in chunks:
                    yield chunk
            return
        if catch_up:
            yield b'data: %b\n\n' % orjson.dumps(chatflow.paused_again(demo, known))
            return
        await asyncio.sleep(LOOK_SECONDS)
        waiting += LOOK_SECONDS
        if waiting >= demo.ping:
            waiting = 0.0
            yield PING


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
