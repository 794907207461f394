"""What people think of an answer, and what they might ask next."""

import time
import uuid
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from webapp.upstream.demo import scenario, writer
from webapp.upstream.demo.payloads import FeedbackListQuery, MessageFeedbackPayload, body, check, user_of
from webapp.upstream.demo.records import Message
from webapp.upstream.demo.responses import ApiError, answer, invalid, missing
from webapp.upstream.demo.state import APP_ID, IDS, demo_of, end_user_id


async def rate(request: Request) -> Response:
    """Set, change or take back a rating."""
    demo, data = demo_of(request), await body(request)
    user, payload = user_of(data), check(MessageFeedbackPayload, data)
    message = _owned(request, user)
    if payload.rating is None and message.rating is None:
        raise invalid('rating cannot be None when feedback not exists')
    message.rating = payload.rating
    message.comment = payload.content if payload.rating else None
    message.rated_at = int(time.time())
    demo.records.messages.put(message)
    return answer({'result': 'success'})


async def page(request: Request) -> Response:
    """Everybody's ratings, the newest first."""
    query = check(FeedbackListQuery, dict(request.query_params))
    rows = demo_of(request).records.messages.find(
        'rating IS NOT NULL ORDER BY rated_at DESC, rowid DESC LIMIT ? OFFSET ?',
        query.limit,
        (query.page - 1) * query.limit,
    )
    return answer({'data': [_item(row) for row in rows]})


async def suggested(request: Request) -> Response:
    demo = demo_of(request)
    message = _owned(request, user_of(dict(request.query_params)))
    if demo.model:  # a second call for every answer is nothing to ask of a model unasked
        raise ApiError(400, 'bad_request', 'Suggested Questions Is Disabled.')
    question = scenario.parse(message.query).text
    return answer({'result': 'success', 'data': writer.follow_ups(question, demo.handbook)})


def _owned(request: Request, user: str) -> Message:
    message = demo_of(request).records.message(str(request.path_params['id']), user)
    if message is None:
        raise missing('Message Not Exists.')
    return message


def _item(row: Message) -> dict[str, Any]:
    rated = datetime.fromtimestamp(row.rated_at or row.created_at, UTC).replace(tzinfo=None).isoformat()
    return {
        'id': str(uuid.uuid5(IDS, row.id)),
        'app_id': APP_ID,
        'conversation_id': row.conversation_id,
        'message_id': row.id,
        'rating': row.rating,
        'content': row.comment,
        'from_source': 'user',
        'from_end_user_id': end_user_id(row.user),
        'from_account_id': None,
        'created_at': rated,
        'updated_at': rated,
    }
