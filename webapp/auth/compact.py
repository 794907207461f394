"""What tokens in compact form hold, and how it is read before anybody trusts it."""

import base64
from typing import Any, TypeGuard

import orjson


def part(text: str) -> dict[str, Any]:
    """The JSON object in one part of a token. :raises ValueError: it is none in base64url; says what is wrong"""
    try:
        found = orjson.loads(base64.b64decode(text + '=' * (-len(text) % 4), altchars=b'-_', validate=True))
    except ValueError as error:
        raise ValueError('it can not be read') from error
    if not isinstance(found, dict):
        raise ValueError('it holds no object')
    return found


def is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
