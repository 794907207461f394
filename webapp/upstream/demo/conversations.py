"""Lists: a person's conversations, a conversation's messages; and renaming and deleting."""

import time
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from webapp.upstream.demo import forms, titles
from webapp.upstream.demo.payloads import (
    ConversationListQuery,
    ConversationRenamePayload,
    MessageListQuery,
    body,
    check,
    user_of,
    user_or_default,
)
from webapp.upstream.demo.records import Conversation, Message
from webapp.upstream.demo.responses import ApiError, answer, invalid, missing
from webapp.upstream.demo.state import Demo, base_url, demo_of

NO_PARENT = '00000000-0000-0000-0000-000000000000'
MOST_NAME = 255  # characters; a longer one does not fit the column
HISTORY_LACKS = ('retriever_from', 'page', 'doc_metadata', 'title', 'files')  # of a source, as streams have it


async def page(request: Request) -> Response:
    """Conversations, the last used first. Rows of the very second in which a page ends are skipped, as in 1.12.1."""
    demo, user = demo_of(request), user_or_default(request)
    query = check(ConversationListQuery, dict(request.query_params))
    column = query.sort_by.lstrip('-')
    down = query.sort_by.startswith('-')
    order, beyond = ('DESC', '<') if down else ('ASC', '>')
    table = demo.records.conversations
    where: str = 'user = ?'
    values: tuple[object, ...] = (user,)
    if query.last_id:
        last = demo.records.conversation(query.last_id, user)
        if last is None:
            raise missing('Last Conversation Not Exists.', '/v1/conversations')
        where, values = f'{where} AND {column} {beyond} ?', (user, getattr(last, column))
    rows = table.find(f'{where} ORDER BY {column} {order}, rowid {order} LIMIT ?', *values, query.limit)
    more = len(rows) == query.limit and table.count(
        f'user = ? AND {column} {beyond} ?', user, getattr(rows[-1], column)
    )
    return answer({'limit': query.limit, 'has_more': bool(more), 'data': [_item(row) for row in rows]})


async def history(request: Request) -> Response:
    """The newest page, its oldest message first; `first_id` asks for the page before."""
    demo, user = demo_of(request), user_or_default(request)
    query = check(MessageListQuery, dict(request.query_params))
    if not query.conversation_id:
        return answer({'limit': query.limit, 'has_more': False, 'data': []})
    conversation = demo.records.conversation(query.conversation_id, user)
    if conversation is None:
        raise missing('Conversation Not Exists.', '/v1/messages')
    table = demo.records.messages
    where: str = 'conversation_id = ?'
    values: tuple[object, ...] = (conversation.id,)
    if query.first_id:
        first = demo.records.message(query.first_id, user)
        if first is None or first.conversation_id != conversation.id:
            raise missing('First Message Not Exists.', '/v1/messages')
        where, values = f'{where} AND created_at < ?', (conversation.id, first.created_at)
    rows = table.find(f'{where} ORDER BY created_at DESC, rowid DESC LIMIT ?', *values, query.limit)
    more = len(rows) == query.limit and table.count(
        'conversation_id = ? AND created_at < ?', conversation.id, rows[-1].created_at
    )
    base = base_url(request)
    data = [_message(demo, row, base) for row in reversed(rows)]
    return answer({'limit': query.limit, 'has_more': bool(more), 'data': data})


async def rename(request: Request) -> Response:
    """Give a name, or have one made: that takes a while, keeps the list's order, and may fail without a word."""
    demo, data = demo_of(request), await body(request)
    payload = check(ConversationRenamePayload, data)
    conversation = _owned(demo, request, data)
    if payload.auto_generate:
        turns = demo.records.turns(conversation.id)
        if not turns:
            raise invalid('')
        title = await titles.make(demo, turns[0].query)
        conversation = _owned(demo, request, data)
        if title is not None:
            conversation.name = title
    else:
        if len(payload.name or '') > MOST_NAME:
            raise ApiError(500, 'unknown', 'Internal Server Error')
        conversation.name = payload.name or ''
        conversation.updated_at = int(time.time())
    demo.records.conversations.put(conversation)
    return answer(_item(conversation))


async def delete(request: Request) -> Response:
    """204 without a body; 404 for somebody else's, as documented (1.12.1 deleted it)."""
    demo = demo_of(request)
    conversation = _owned(demo, request, await body(request))
    demo.records.messages.delete('conversation_id = ?', conversation.id)
    demo.records.conversations.delete('id = ?', conversation.id)
    return Response(status_code=204, media_type='application/json')


async def variables(request: Request) -> Response:
    """A chat app has none."""
    if demo_of(request).records.conversation(str(request.path_params['id']), user_or_default(request)) is None:
        raise missing('Conversation Not Exists.')
    return answer({'limit': 20, 'has_more': False, 'data': []})


def _owned(demo: Demo, request: Request, data: dict[str, Any]) -> Conversation:
    user = user_of({'user': data.get('user') or 'DEFAULT-USER'})
    conversation = demo.records.conversation(str(request.path_params['id']), user)
    if conversation is None:
        raise missing('Conversation Not Exists.')
    return conversation


def _item(row: Conversation) -> dict[str, Any]:
    return {
        'id': row.id,
        'name': row.name,
        'inputs': row.inputs,
        'status': 'normal',
        'introduction': row.introduction,
        'created_at': row.created_at,
        'updated_at': row.updated_at,
    }


def _message(demo: Demo, row: Message, base: str) -> dict[str, Any]:
    found = {
        'id': row.id,
        'conversation_id': row.conversation_id,
        'parent_message_id': NO_PARENT,
        'inputs': row.inputs,
        'query': row.query,
        'answer': row.answer,
        'feedback': {'rating': row.rating} if row.rating else None,
        'retriever_resources': [_source(source) for source in row.resources],
        'created_at': row.created_at,
        'agent_thoughts': row.thoughts,
        'message_files': [_file(demo, file, base) for file in row.files],
        'status': row.status,
        'error': row.error,
    }
    if demo.keeps_costs:
        found |= _costs(row)
    asked = demo.records.forms.find('message_id = ?', row.id)
    return found | ({'extra_contents': [forms.extra_content(form) for form in asked]} if asked else {})


def _costs(row: Message) -> dict[str, Any]:
    """As servers of 2026 have it; a model without a price costs nothing there, and not zero."""
    is_priced = bool(row.usage.get('total_price', '0').strip('0E-.7'))
    return {
        'message_tokens': row.usage.get('prompt_tokens', 0),
        'answer_tokens': row.usage.get('completion_tokens', 0),
        'total_tokens': row.usage.get('total_tokens', 0),
        'provider_response_latency': row.usage.get('latency', 0.0),
        'total_price': row.usage['total_price'] if is_priced else None,
        'currency': row.usage['currency'] if is_priced else None,
    }


def _source(source: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in source.items() if name not in HISTORY_LACKS}
    return {'id': str(uuid.uuid4()), 'message_id': str(uuid.uuid4()), **kept, 'created_at': None}


def _file(demo: Demo, file: dict[str, Any], base: str) -> dict[str, Any]:
    """With an address signed at this moment, unless it was somebody else's from the start."""
    match file['transfer_method']:
        case 'local_file':
            return file | {'url': base + demo.upload_url(file['upload_file_id'])}
        case 'tool_file':
            extension = file['filename'].rpartition('.')[2]
            return file | {'url': base + demo.tool_url(file['upload_file_id'], extension)}
        case _:
            return file
