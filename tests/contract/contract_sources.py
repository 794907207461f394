"""Which names of Dify's there are, by sources that are not our list: recorded traffic and the contract's schemas."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from contract_list import Name
from wire_tools import RECORDINGS, SCHEMAS

ID = re.compile(r'/(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22,}|not-a-uuid)')
EVENT_SCHEMA = re.compile(r'StreamEvent(?:Chat)?(?!Base|Ping|ChatPing)(\w+)')
TOOL_FILE = re.compile(r'/files/tools/.*')
# where each schema's object stands; those without a place are parts of others
PLACES = {
    'uuid': '', 'seconds': '', 'decimal': '', 'usage': '', 'source': '', 'metadata': '',
    'named': 'event *', 'of_a_task': 'event *', 'of_a_run': 'event *',
    'whole_answer': 'answer POST /chat-messages', 'refusal': 'refusal',
    'conversation': 'answer POST /conversations/{id}/name', 'conversations': 'answer GET /conversations',
    'messages': 'answer GET /messages', 'upload': 'answer POST /files/upload', 'info': 'answer GET /info',
    'parameters': 'answer GET /parameters', 'meta': 'answer GET /meta', 'site': 'answer GET /site',
    'suggested': 'answer GET /messages/{id}/suggested', 'feedbacks': 'answer GET /app/feedbacks',
}  # fmt: skip
Found = dict[Name, str]  # and who says so


@dataclass(frozen=True)
class Exchange:
    """One request that a real Dify got, and its answer."""

    case: str
    origin: str  # 'GET /info'
    asked: tuple[Name, ...]
    status: int
    frames: list[dict[str, Any]]  # of a stream
    pings: int
    body: Any  # else: JSON, None for what is none


@cache
def exchanges() -> tuple[Exchange, ...]:
    return tuple(_exchanges())


@cache
def recorded() -> Found:
    """The names in what was sent to a real Dify, and in what it answered; and who has them."""
    found: Found = {}
    for each in exchanges():
        names = [*each.asked]
        for frame in each.frames:
            names += names_in(f'event {frame["event"]}', frame)
        names += [Name('event *', 'event=ping')] * each.pings
        names += names_in('refusal' if each.status >= 400 else f'answer {each.origin}', each.body)
        found = dict.fromkeys(names, each.case) | found
    return found


@cache
def described() -> Found:
    """The names in `schemas.json`."""
    found: Found = {}
    for schema, definition in SCHEMAS.items():
        if origin := PLACES.get(schema, f'event {schema}'):
            found |= dict.fromkeys(_described(origin, '', definition), f'schemas.json, {schema}')
    return found


@cache
def published() -> Found:
    """The names in the vendor's own description, where `DIFY_OPENAPI` names its file; see `wire_tools`."""
    if not (file := os.environ.get('DIFY_OPENAPI')):
        return {}
    found: Found = {}
    api = json.loads(Path(file).read_text())
    schemas = api['components']['schemas']
    for path, operations in api['paths'].items():
        for method, operation in operations.items():
            origin = f'{method.upper()} {re.sub("{[^}]*}", "{id}", path)}'
            asked = operation.get('parameters', ())
            names = [Name(f'request {origin}', each['name']) for each in asked if each.get('in') == 'query']
            names += _in_content(f'request {origin}', operation.get('requestBody', {}), schemas)
            for status, answer in operation.get('responses', {}).items():
                names += _in_content(f'answer {origin}', answer, schemas) if status.startswith('2') else []
            found |= dict.fromkeys(names, origin)
    for schema in schemas:
        if event := EVENT_SCHEMA.fullmatch(schema):
            origin = 'event ' + re.sub(r'(?<!^)([A-Z])', r'_\1', event[1]).lower()
            found |= dict.fromkeys(_described(origin, '', schemas[schema], schemas), schema)
    return found


def names_in(origin: str, value: Any, path: str = '') -> Iterator[Name]:
    """Each name in a value; short texts also as values that their places have."""
    if isinstance(value, dict):
        for key, below in value.items():
            at = f'{path}.{key}' if path else key
            yield Name(origin, at)
            yield from names_in(origin, below, at)
    elif isinstance(value, list):
        for each in value:
            yield from names_in(origin, each, f'{path}[]')
    elif isinstance(value, str) and value and len(value) < 60:
        yield Name(origin, f'{path}={value}')


def names_of_request(request: httpx.Request) -> Iterator[Name]:
    """The names that a request of ours has in its query and its body."""
    origin = f'request {_origin(request.method, str(request.url))}'
    yield from (Name(origin, key) for key in request.url.params)
    kind = request.headers.get('content-type', '')
    if kind == 'application/json':
        yield from names_in(origin, json.loads(request.read()))
    elif kind.startswith('multipart/'):
        yield from (Name(origin, key.decode()) for key in re.findall(rb'form-data; name="(\w+)"', request.read()))


def _exchanges() -> Iterator[Exchange]:
    for about in sorted(RECORDINGS.glob('*.json')):
        request = json.loads(about.read_text()).get('request')
        answer = next((path for path in (about.with_suffix('.http'), about.with_suffix('.sse')) if path.exists()), None)
        if request is None or answer is None:
            continue
        origin = _origin(request['method'], request['path'])
        query = parse_qsl(urlsplit(request['path']).query, keep_blank_values=True)
        asked = [*(Name(f'request {origin}', key) for key, _ in query)]
        asked += names_in(f'request {origin}', request.get('body'))
        head, _, body = answer.read_bytes().replace(b'\r\n', b'\n').partition(b'\n\n')
        status = int(head.split()[1])
        is_stream = b'text/event-stream' in head
        blocks = body.split(b'\n\n') if is_stream else []
        yield Exchange(
            case=about.stem,
            origin=origin,
            asked=tuple(name for name in asked if status < 400 or '=' not in name.path),  # some values are wrong
            status=status,
            frames=[json.loads(block[6:]) for block in blocks if block.startswith(b'data: ')],
            pings=blocks.count(b'event: ping'),
            body=None if is_stream else _parsed(body),
        )


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _in_content(origin: str, message: dict[str, Any], schemas: dict[str, Any]) -> list[Name]:
    """The names in a body of JSON or a form."""
    bodies = [body for kind, body in message.get('content', {}).items() if kind != 'text/event-stream']
    return [name for body in bodies for name in _described(origin, '', body.get('schema', {}), schemas)]


def _described(origin: str, path: str, schema: dict[str, Any], schemas: dict[str, Any] = SCHEMAS) -> Iterator[Name]:
    if reference := schema.get('$ref'):
        yield from _described(origin, path, schemas[reference.rpartition('/')[2]], schemas)
    for each in (*schema.get('allOf', ()), *schema.get('anyOf', ()), *schema.get('oneOf', ())):
        yield from _described(origin, path, each, schemas)
    for value in (*schema.get('enum', ()), *([schema['const']] if 'const' in schema else ())):
        if isinstance(value, str):
            yield Name(origin, f'{path}={value}')
    for key in dict.fromkeys((*schema.get('required', ()), *schema.get('properties', {}))):
        at = f'{path}.{key}' if path else key
        yield Name(origin, at)
        yield from _described(origin, at, schema.get('properties', {}).get(key, {}), schemas)
    if items := schema.get('items'):
        yield from _described(origin, f'{path}[]', items, schemas)


def _origin(method: str, url: str) -> str:
    """Method and path, without what names one thing of many."""
    path = TOOL_FILE.sub('/files/tools/{id}', urlsplit(url).path.removeprefix('/v1'))
    path = re.sub(r'(/form/human_input)/.*', r'\1/{id}', path)
    return f'{method} {ID.sub("/{id}", path)}'
