"""Makes what comes from outside fit to be stored. Every text column is filled through here."""

from collections.abc import Mapping
from math import isfinite
from typing import Any
from unicodedata import normalize

from webapp.errors import Refused

REPLACEMENT = '\N{REPLACEMENT CHARACTER}'
MAX_DEPTH = 32
MAX_TITLE = 255
PROVISIONAL_TITLE = 60


def clean(text: str) -> str:
    """`text` without what a database or an encoder refuses: NUL and lone surrogates become U+FFFD."""
    text = text.replace('\0', REPLACEMENT)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')  # also joins what is a pair
    return text


def clean_object(data: Mapping[str, Any]) -> dict[str, Any]:
    """`clean_json` of a JSON object."""
    return {clean(str(key)): clean_json(value) for key, value in data.items()}


def clean_json(data: object, depth: int = MAX_DEPTH) -> object:
    """`data` with clean strings and keys; numbers that JSON or 64 bits can't hold become `None`.

    :raises Refused: nested deeper than anything we store
    """
    if depth < 0:
        raise Refused(detail=f'nested deeper than {MAX_DEPTH} levels', status=400)
    match data:
        case str():
            return clean(data)
        case dict():
            return {clean(str(key)): clean_json(value, depth - 1) for key, value in data.items()}
        case list() | tuple():
            return [clean_json(value, depth - 1) for value in data]
        case float():
            return data if isfinite(data) else None
        case int():
            return data if -(2**63) <= data < 2**63 else None
    return data


def fold_title(text: str) -> str:
    """One line, at most as long as Dify's own titles; '' if nothing readable is left."""
    return ' '.join(clean(text).translate(UNWANTED).split())[:MAX_TITLE].rstrip()


CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
BIDI_CONTROLS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))  # would turn around what stands beside a title
UNWANTED = dict.fromkeys(CONTROLS, ' ') | dict.fromkeys(BIDI_CONTROLS, '')


def fold_case(text: str) -> str:
    """`text` as search compares it, the same on every database."""
    return normalize('NFKC', text).casefold()


def provisional_title(query: str) -> str:
    """The first line of `query`, cut on a word's border; '' if there is none."""
    line = next((folded for part in query[:10_000].splitlines() if (folded := fold_title(part))), '')
    if len(line) <= PROVISIONAL_TITLE:
        return line
    head = line[: PROVISIONAL_TITLE - 1]
    if not line[PROVISIONAL_TITLE - 1].isspace() and ' ' in head[PROVISIONAL_TITLE // 2 :]:
        head = head.rpartition(' ')[0]
    return head.rstrip() + '…'


def clip(text: str, most: int) -> str:
    """As much of `text` as fits into so many bytes: an index of PostgreSQL takes 2,704 of all its columns together."""
    return text.encode()[:most].decode(errors='ignore')
