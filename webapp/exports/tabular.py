"""Records as files: CSV that no spreadsheet runs, and JSON."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar

import orjson

Format = Literal['csv', 'json']
Record = Mapping[str, Any]
T = TypeVar('T')

FORMULA = ('=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠')  # a spreadsheet would work out what begins so
TYPES: dict[Format, str] = {'csv': 'text/csv', 'json': 'application/json'}


async def begun(pages: AsyncIterator[T]) -> AsyncIterator[T]:
    """The same pages, the first of which is there: what goes wrong with it can still be answered as it is."""
    first = await anext(pages, None)

    async def all_of_them() -> AsyncIterator[T]:
        if first is not None:
            yield first
        async for page in pages:
            yield page

    return all_of_them()


def written(pages: AsyncIterator[Sequence[Record]], columns: Sequence[str], kind: Format) -> AsyncIterator[bytes]:
    """A file, piece by piece. Decimals are exact and without an exponent, in JSON as strings."""
    return _csv(pages, columns) if kind == 'csv' else _json(pages)


async def _csv(pages: AsyncIterator[Sequence[Record]], columns: Sequence[str]) -> AsyncIterator[bytes]:
    yield _lines([columns])
    async for page in pages:
        yield _lines([_cell(record[column]) for column in columns] for record in page)


def _lines(rows: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def _cell(value: object) -> str:
    match value:
        case None:
            return ''
        case datetime():
            return value.isoformat()
        case Decimal():
            return f'{value:f}'
        case int():
            return str(value)
        case dict():
            return orjson.dumps(value).decode() if value else ''
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


async def _json(pages: AsyncIterator[Sequence[Record]]) -> AsyncIterator[bytes]:
    """A list of objects, one in a line."""
    before = b'[\n'
    async for page in pages:
        for record in page:
            yield before + orjson.dumps(record, default=_plain)
            before = b',\n'
    yield b'\n]\n' if before == b',\n' else b'[]\n'


def line(record: Record) -> bytes:
    """A record as a line of JSON."""
    return orjson.dumps(record, default=_plain, option=orjson.OPT_APPEND_NEWLINE)


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return f'{value:f}'
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError
