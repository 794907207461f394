"""JSON from outside, read without trust: the one place where hostile bytes become values that can be stored.

`parse` never raises and never lets through what a database or an encoder refuses (NUL, lone surrogates, numbers beyond
64 bits). The readers below it give the type they name, whatever the field holds.
"""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

import orjson

Payload = dict[str, Any]

REPLACEMENT = '\N{REPLACEMENT CHARACTER}'
MAX_DEPTH = 64
MAX_DIGITS = 40
MAX_NAME = 255  # characters of an id, a title or a file's name
MAX_COUNT = 2**53
MAX_AMOUNT = 1_000_000  # of any currency, for one answer
SMALLEST_AMOUNT = Decimal('1E-12')


def parse(data: bytes) -> Payload | None:
    """The JSON object in `data`; None if there is none. Of doubled keys the last one counts."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = clean(_tolerant(data))
    else:
        if b'\\u0000' in data:  # all that a strict parser lets through and a database refuses
            value = clean(value)
    return value if isinstance(value, dict) else None


def dump(value: object) -> bytes:
    """`value` as JSON that any server can read."""
    return orjson.dumps(clean(value), default=str)


def clean(value: object, depth: int = MAX_DEPTH) -> Any:  # noqa: PLR0911  one case for each type
    """`value` with text and numbers that can be stored; what is nested too deep becomes None."""
    match value:
        case str():
            return clean_text(value)
        case bool() | None:
            return value
        case int():
            return value if -(2**63) <= value < 2**63 else None
        case float():
            return value if isfinite(value) else None
        case _ if depth == 0:
            return None
        case Mapping():
            return {clean_text(str(key)): clean(item, depth - 1) for key, item in value.items()}
        case list() | tuple():
            return [clean(item, depth - 1) for item in value]
    return value


def clean_text(text: str) -> str:
    """NUL and lone surrogates become U+FFFD."""
    text = text.replace('\0', REPLACEMENT)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')
    return text


def text(payload: Payload, key: str, limit: int | None = None) -> str:
    """'' if it is no text; cut at `limit` characters."""
    value = payload.get(key)
    return value[:limit] if isinstance(value, str) else ''


def name(payload: Payload, key: str) -> str:
    """An id, a title or the like."""
    return text(payload, key, MAX_NAME)


def count(payload: Payload, key: str) -> int | None:
    """A whole number, not negative."""
    value = number(payload, key)
    return int(value) if value is not None and value == int(value) and value < MAX_COUNT else None


def number(payload: Payload, key: str) -> float | None:
    """A finite number, not negative; numeric text counts."""
    value = payload.get(key)
    if isinstance(value, str) and len(value) <= MAX_DIGITS:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    value = float(value)
    return value if isfinite(value) and value >= 0 else None


def amount(payload: Payload, key: str) -> Decimal | None:
    """Money; None if it is no sane amount. Dify writes zero as '0E-7' at times."""
    value = payload.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or len(str(value)) > MAX_DIGITS:
        return None
    try:
        money = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not money.is_finite() or money < 0 or money > MAX_AMOUNT:
        return None
    exponent = money.as_tuple().exponent
    if not isinstance(exponent, int) or not -12 <= exponent <= 0:
        money = money.quantize(SMALLEST_AMOUNT)
    return abs(money)


def flag(payload: Payload, key: str) -> bool:
    return payload.get(key) is True


def mapping(payload: Payload, key: str) -> Payload:
    """An object; also one that was sent as JSON text. {} if it is neither."""
    value = payload.get(key)
    if isinstance(value, str):
        value = parse(value.encode())
    return value if isinstance(value, dict) else {}


def mappings(payload: Payload, key: str, limit: int) -> list[Payload]:
    """The objects of a list, at most `limit`."""
    value = payload.get(key)
    return [item for item in value if isinstance(item, dict)][:limit] if isinstance(value, list) else []


def texts(payload: Payload, key: str, limit: int = 100) -> tuple[str, ...]:
    """The texts of a list that are not blank, at most `limit`."""
    value = payload.get(key)
    if not isinstance(value, list):
        return ()
    return tuple(item for item in value if isinstance(item, str) and item.strip())[:limit]


def _tolerant(data: bytes) -> object:
    """What the fast parser refuses but others write: NaN, huge numbers, raw control characters, half surrogates."""
    try:
        return json.loads(data.decode('utf-8', 'replace'), strict=False, parse_int=_whole, parse_constant=_nothing)
    except (ValueError, RecursionError):
        return None


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= MAX_DIGITS else None


def _nothing(_: str) -> None:
    return None
