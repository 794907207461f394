"""What comes in: bodies and parameters, checked with the models (and so the messages) that Dify has."""

import uuid
from typing import Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from starlette.requests import Request

from webapp.upstream.demo.responses import ApiError, invalid

DEFAULT_USER = 'DEFAULT-USER'
MOST_BYTES = 15_000_000  # of a JSON body
MOST_USER = 255  # characters; a longer one does not fit the column, which Dify notices too late


class ChatRequestPayload(BaseModel):
    inputs: dict[str, Any]
    query: str
    files: list[dict[str, Any]] | None = None
    response_mode: Literal['blocking', 'streaming'] | None = None
    conversation_id: str | None = None
    auto_generate_name: bool = True

    @field_validator('conversation_id')
    @classmethod
    def _is_uuid(cls, value: str | None) -> str | None:
        return uuid_or_none(value, 'conversation_id')


class ConversationListQuery(BaseModel):
    last_id: str | None = None
    limit: int = Field(20, ge=1, le=100)
    sort_by: Literal['created_at', '-created_at', 'updated_at', '-updated_at'] = '-updated_at'

    @field_validator('last_id')
    @classmethod
    def _is_uuid(cls, value: str | None) -> str | None:
        return uuid_or_none(value, 'last_id')


class MessageListQuery(BaseModel):
    conversation_id: str
    first_id: str | None = None
    limit: int = Field(20, ge=1, le=100)

    @field_validator('conversation_id', 'first_id')
    @classmethod
    def _is_uuid(cls, value: str | None) -> str | None:
        return uuid_or_none(value, 'conversation_id')


class ConversationRenamePayload(BaseModel):
    name: str | None = None
    auto_generate: bool = False

    @model_validator(mode='after')
    def _named(self) -> 'ConversationRenamePayload':
        if not self.auto_generate and not (self.name or '').strip():
            raise ValueError('name is required when auto_generate is false')
        return self


class MessageFeedbackPayload(BaseModel):
    rating: Literal['like', 'dislike'] | None = None
    content: str | None = None


class FeedbackListQuery(BaseModel):
    page: int = Field(1, ge=1, le=99999)
    limit: int = Field(20, ge=1, le=101)


class HumanInputPayload(BaseModel):
    inputs: dict[str, Any]
    action: str


P = TypeVar('P', bound=BaseModel)


async def body(request: Request) -> dict[str, Any]:
    """The JSON object that was sent. :raises ApiError: 400, 413, 415"""
    if request.headers.get('content-type', '').partition(';')[0].strip().lower() != 'application/json':
        text = "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
        raise ApiError(415, 'unsupported_media_type', text)
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MOST_BYTES:
            raise ApiError(413, 'request_entity_too_large', 'The data value transmitted exceeds the capacity limit.')
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        data = None
    if not isinstance(data, dict):
        text = 'The browser (or proxy) sent a request that this server could not understand.'
        raise ApiError(400, 'bad_request', text)
    return data


def user_of(data: dict[str, Any]) -> str:
    """The end user of a body that must name one; a number will do. :raises ApiError: 400, 500"""
    user = data.get('user')
    if not user:
        raise invalid('Arg user must be provided.')
    return _fits(str(user))


def user_or_default(request: Request) -> str:
    """The end user of a query string. Who names none shares one with everybody else who does not."""
    return _fits(request.query_params.get('user') or DEFAULT_USER)


def check(model: type[P], data: dict[str, Any]) -> P:
    """:raises ApiError: 400 with the library's own text, as Dify gives it"""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise invalid(str(error)) from error


def uuid_or_none(value: str | None, name: str) -> str | None:
    """:raises ValueError: not a UUID; '' and blanks are none"""
    if not value or not value.strip():
        return None
    try:
        return str(uuid.UUID(value.strip()))
    except ValueError as error:
        raise ValueError(f'{name} must be a valid UUID') from error


def _fits(user: str) -> str:
    if len(user) > MOST_USER:
        raise ApiError(500, 'unknown', 'Internal Server Error')
    return user.replace('\0', '')
