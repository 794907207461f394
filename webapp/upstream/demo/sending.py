"""POST /chat-messages, and its stop."""

import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from webapp.upstream.demo import (
    agent,
    attachments,
    chat,
    chatflow,
    inputs,
    new_agent,
    saving,
    scenario,
    speech,
    titles,
    usage,
    writer,
)
from webapp.upstream.demo.contents import Attachment, look
from webapp.upstream.demo.generation import Generation, Signal
from webapp.upstream.demo.payloads import ChatRequestPayload, body, check, user_of
from webapp.upstream.demo.records import Conversation, File, Message
from webapp.upstream.demo.responses import (
    ApiError,
    ConnectionCut,
    CutResponse,
    EventStream,
    answer,
    invalid,
    missing,
    proxy_page,
)
from webapp.upstream.demo.scenario import Refusal, Scenario
from webapp.upstream.demo.state import APP_ID, Demo, base_url, demo_of
from webapp.upstream.demo.turn import Frame, Turn

ROUTE = '/v1/chat-messages'
DIALECTS: dict[str, Callable[[Turn, Demo], AsyncIterator[Frame]]] = {
    'chat': chat.frames,
    'agent-chat': agent.frames,
    'agent': new_agent.frames,
    'advanced-chat': chatflow.frames,
}


async def send(request: Request) -> Response:
    """Stream the answer, or give it whole if `response_mode` says so or says nothing."""
    demo, data = demo_of(request), await body(request)
    user = user_of(data)
    payload = check(ChatRequestPayload, data)
    payload.query = payload.query.replace('\0', '')
    if not payload.query:
        raise invalid('query is required')
    asked = scenario.parse(payload.query, mode=demo.mode)
    if asked.refusal:
        return _refuse(scenario.REFUSALS[asked.refusal])
    streaming = payload.response_mode == 'streaming'
    if not streaming and (asked.mode == 'agent-chat' or asked.human):
        raise invalid('Agent Chat App does not support blocking mode')
    if not streaming and asked.mode == 'agent':
        raise ApiError(400, 'bad_request', 'Agent App only supports streaming response mode.')
    if demo.active_limit is not None and len(demo.running) >= demo.active_limit:
        raise invalid(
            'Too many requests. Please try again later. The current maximum concurrent requests allowed for '
            f'{APP_ID} is {demo.active_limit}.'
        )
    turn = _open(demo, payload, asked, user, base_url(request))
    frames = DIALECTS[asked.mode](turn, demo)
    generation = Generation(
        turn,
        speech.aloud(frames, turn) if demo.abilities.speaks_unasked else frames,
        ping=demo.ping,
        save=lambda frame: saving.save(demo.records, turn, frame),
    )
    demo.start(generation)
    titled = turn.dialogue_count == 1 and payload.auto_generate_name
    if titled:
        demo.spawn(saving.make_title(demo, turn.conversation.id, payload.query))
    if streaming:
        return EventStream(generation.stream(hold=demo.title_seconds if titled else 0.0))
    return await _whole(generation)


async def stop(request: Request) -> Response:
    """Always a success; only a running task of the same user does stop."""
    demo, user = demo_of(request), user_of(await body(request))
    generation = demo.running.get(request.path_params['task'])
    if generation and generation.turn.message.user == user:
        generation.turn.stopping.set()
    return answer({'result': 'success'})


def _open(demo: Demo, payload: ChatRequestPayload, asked: Scenario, user: str, base: str) -> Turn:
    """Check everything that can be refused, then put the conversation and the message on record."""
    records, now = demo.records, int(time.time())
    conversation = records.conversation(payload.conversation_id, user) if payload.conversation_id else None
    if payload.conversation_id and not conversation:
        raise missing('Conversation Not Exists.', ROUTE)

    def resolve(reference: dict[str, Any]) -> dict[str, Any]:
        found = attachments.resolve(records, [reference], user)
        if not found:
            raise invalid('Invalid upload file')
        attachments.mark_used(records, found[0])
        return attachments.value(found[0])

    values = inputs.checked(demo.form, payload.inputs, resolve)
    files = attachments.resolve(records, payload.files or [], user)
    earlier = records.turns(conversation.id) if conversation else []
    if not conversation:
        name = titles.provisional(payload.query)
        introduction = inputs.fill(demo.opening_statement, values)
        conversation = Conversation(str(uuid.uuid4()), user, name, values, introduction, now, now)
    conversation.updated_at = now
    message = Message(str(uuid.uuid4()), conversation.id, user, values, payload.query, now)
    message.files = [attachments.row(file) for file in files]
    records.conversations.put(conversation)
    records.messages.put(message)
    for file in files:
        attachments.mark_used(records, file)
    model = demo.model if asked.is_plain else None
    draft = writer.Draft([]) if model else _draft(demo, asked, earlier, files, values)
    given = [text for turn in earlier for text in (turn.query, turn.answer)]
    given += [payload.query, *(passage.section.text for passage in draft.passages)]
    return Turn(
        conversation,
        message,
        asked,
        draft,
        rate=demo.rate if asked.rate is None else asked.rate,
        prompt=sum(len(usage.tokens(text)) for text in given),
        base_url=base,
        dialogue_count=len(earlier) + 1,
        model=model,
    )


def _draft(
    demo: Demo, asked: Scenario, earlier: list[Message], files: list[File], values: dict[str, Any]
) -> writer.Draft:
    if asked.content == 'inputs':
        return writer.Draft(usage.tokens(inputs.listed(values)))
    seen = [Attachment(file, look(demo.records.content(file.id))) for file in files]
    return writer.draft(asked, demo.handbook, earlier=[turn.query for turn in earlier], files=seen)


async def _whole(generation: Generation) -> Response:
    """The answer in one piece, when it is done."""
    turn = generation.turn
    metadata: Frame = {}
    try:
        async with contextlib.aclosing(generation.frames()) as frames:
            async for frame in frames:
                if isinstance(frame, Signal):
                    continue
                if frame['event'] == 'error':
                    raise ApiError(frame['status'], frame.get('code', 'internal_server_error'), frame['message'])
                if frame['event'] == 'message_end':
                    metadata = frame['metadata']
                    break
    except ConnectionCut:
        return CutResponse()
    if metadata:
        metadata['usage'] = {k: _plain(v) if k.endswith('price') else v for k, v in metadata['usage'].items()}
    whole = {
        'event': 'message',
        'task_id': turn.task_id,
        'id': turn.message.id,
        'message_id': turn.message.id,
        'conversation_id': turn.conversation.id,
        'mode': turn.scenario.mode,
        'answer': turn.text,
        'metadata': metadata,
        'created_at': turn.message.created_at,
    }
    return Response(json.dumps(whole), media_type='application/json; charset=utf-8')


def _plain(price: str) -> str:
    """Blocking mode writes amounts without exponents."""
    return format(Decimal(price), 'f')


def _refuse(refusal: Refusal) -> Response:
    if not refusal.code:
        return proxy_page(refusal.status, refusal.message)
    if refusal.status == 404:
        raise missing(refusal.message, ROUTE)
    raise ApiError(refusal.status, refusal.code, refusal.message)
