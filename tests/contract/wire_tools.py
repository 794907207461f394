"""How the contract tests speak: plain HTTP, recordings, schemas."""

import json
import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator

RECORDINGS = Path(__file__).parent.parent / 'recordings'
SCHEMAS = json.loads(Path(__file__).with_name('schemas.json').read_text())
Json = dict[str, Any]


@dataclass
class Heard:
    """A stream as it came in: every block, and what was in it."""

    status: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    blocks: list[str] = field(default_factory=list)
    is_cut: bool = False

    @property
    def frames(self) -> list[Json]:
        return [json.loads(block.removeprefix('data: ')) for block in self.blocks if block.startswith('data: ')]

    @property
    def events(self) -> list[str]:
        """The kinds of blocks in order, repetitions once; node events with the type of their node."""
        return [kind for kind, _ in groupby(_kind(block) for block in self.blocks)]

    @property
    def text(self) -> str:
        """What a reader of the stream has at its end."""
        text = ''
        for frame in self.frames:
            if frame['event'] == 'message_replace':
                text = frame['answer']
            elif frame['event'] in {'message', 'agent_message'}:
                text += frame['answer']
        return text

    def of(self, event: str) -> list[Json]:
        return [frame for frame in self.frames if frame['event'] == event]

    @property
    def conversation_id(self) -> str:
        return str(self.frames[0]['conversation_id'])

    @property
    def message_id(self) -> str:
        return str(self.frames[0]['message_id'])


def question(query: str, **more: Any) -> Json:
    """The body of a question; by a new user unless it names one."""
    body = {'query': query, 'inputs': {}, 'response_mode': 'streaming', 'user': f'u-{uuid.uuid4()}'}
    return body | {'auto_generate_name': False} | more


async def blocks(response: httpx.Response) -> AsyncIterator[str]:
    """The blocks between blank lines, as they come in."""
    rest = ''
    async for text in response.aiter_text():
        *whole, rest = (rest + text).split('\n\n')
        for block in whole:
            yield block


async def ask(client: httpx.AsyncClient, query: str, **more: Any) -> Heard:
    """Send a question and listen to the end, a clean one or not."""
    async with client.stream('POST', '/chat-messages', json=question(query, **more)) as response:
        return await listen(response)


async def listen(response: httpx.Response) -> Heard:
    heard = Heard(response.status_code, response.headers)
    try:
        async for block in blocks(response):
            heard.blocks.append(block)
    except httpx.RemoteProtocolError:
        heard.is_cut = True
    return heard


def recorded(case: str) -> Heard:
    """A stream that a real Dify sent."""
    head, body = _parts(RECORDINGS / f'{case}.sse')
    return Heard(int(head.split()[1]), blocks=[block for block in body.split('\n\n') if block])


def recorded_answer(case: str) -> tuple[int, str, str]:
    """Status, content type and body of an answer that a real Dify sent."""
    head, body = _parts(RECORDINGS / f'{case}.http')
    headers = dict(line.split(': ', 1) for line in head.splitlines()[1:])
    return int(head.split()[1]), headers.get('Content-Type', ''), body


def recorded_request(case: str) -> Json:
    """What was sent to get it: method, path, headers, body."""
    request: Json = json.loads((RECORDINGS / f'{case}.json').read_text())['request']
    return request


def check(data: Any, schema: str) -> None:
    """Compare with one of our own schemas, and with the vendor's where `DIFY_OPENAPI` names its file."""
    Draft202012Validator({'$defs': SCHEMAS, '$ref': f'#/$defs/{schema}'}).validate(data)
    if vendor := _vendor().get(schema):
        vendor.validate(_without_nulls(data))


def shape(data: Any) -> Any:
    """The names in `data`, without values. Objects whose names are free are left shut."""
    if isinstance(data, dict):
        return {name: None if name in FREE else shape(value) for name, value in data.items()}
    if isinstance(data, list):
        return [shape(data[0])] if data else []
    return None


FREE = {'inputs', 'outputs', 'process_data', 'execution_metadata', 'tool_labels', 'retriever_resources', 'files'}
# our name of a schema, the vendor's. Left out where a real 1.12.1 differs from the newer description (run detail).
VENDOR = {
    'message': 'StreamEventChatMessage',
    'agent_message': 'StreamEventChatAgentMessage',
    'agent_thought': 'StreamEventChatAgentThought',
    'message_file': 'StreamEventChatMessageFile',
    'message_replace': 'StreamEventChatMessageReplace',
    'message_end': 'StreamEventChatMessageEnd',
    'error': 'StreamEventChatError',
    'workflow_started': 'StreamEventWorkflowStarted',
    'workflow_finished': 'StreamEventWorkflowFinished',
    'workflow_paused': 'StreamEventWorkflowPaused',
    'node_started': 'StreamEventNodeStarted',
    'node_finished': 'StreamEventNodeFinished',
    'human_input_required': 'StreamEventHumanInputRequired',
    'human_input_form_filled': 'StreamEventHumanInputFormFilled',
    'whole_answer': 'ChatCompletionResponse',
    'conversations': 'ConversationsListResponse',
    'conversation': 'ConversationListItem',
    'messages': 'ConversationHistoryResponse',
    'upload': 'FileUploadResponse',
    'info': 'AppInfoResponse',
    'parameters': 'AppParametersResponse',
    'meta': 'AppMetaResponse',
    'site': 'WebAppSettingsResponse',
    'suggested': 'SuggestedQuestionsResponse',
    'feedbacks': 'AppFeedbacksResponse',
}


@cache
def _vendor() -> dict[str, Draft202012Validator]:
    path = os.environ.get('DIFY_OPENAPI')
    if not path:
        return {}
    components = _modern(json.loads(Path(path).read_text())['components'])
    return {
        ours: Draft202012Validator({'components': components, '$ref': f'#/components/schemas/{theirs}'})
        for ours, theirs in VENDOR.items()
    }


def _modern(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` as JSON Schema has it."""
    if isinstance(schema, list):
        return [_modern(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _modern(value) for name, value in schema.items() if name not in {'nullable', 'example', 'examples'}}
    return {'anyOf': [found, {'type': 'null'}]} if schema.get('nullable') is True else found


def _without_nulls(data: Any) -> Any:
    """A real server says null wherever it knows nothing, also where the description knows numbers only."""
    if isinstance(data, list):
        return [_without_nulls(item) for item in data]
    if not isinstance(data, dict):
        return data
    return {name: _without_nulls(value) for name, value in data.items() if value is not None}


def _kind(block: str) -> str:
    if block.startswith('event: '):
        return block.removeprefix('event: ')
    frame = json.loads(block.removeprefix('data: '))
    event = str(frame['event'])
    return f'{event} {frame["data"]["node_type"]}' if event.startswith('node_') else event


def _parts(path: Path) -> tuple[str, str]:
    head, _, body = path.read_bytes().decode(errors='replace').replace('\r\n', '\n').partition('\n\n')
    return head, body
