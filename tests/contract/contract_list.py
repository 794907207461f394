"""The list of what Dify's Service API says and takes, and what becomes of each name of it here: `handled/*.toml`.

A *place* is where an object stands: `event message_end: metadata.usage`, `answer GET /messages: data[]`,
`request POST /chat-messages`, `refusal`; an event `*` is any of them. A name at a place is one row.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).parent / 'handled'
VALUES = 'values of '


@dataclass(frozen=True)
class Name:
    """A name at one place; a value of an enumeration stands behind the place that it may have."""

    origin: str  # 'event message_end', 'answer GET /info', 'request POST /chat-messages', 'refusal'
    path: str  # 'metadata.usage.total_tokens', 'data[].id'; with `=value` behind it for a value

    def __str__(self) -> str:
        return f'{self.origin}: {self.path}'


@dataclass(frozen=True)
class Row:
    """What becomes of one name, wherever it stands.

    :ivar handled: what reads or sends it, as `module:name`; empty for what is left alone
    :ivar shown: how a person sees it, or why not
    :ivar tested: `file.py::test`, or one with an id in brackets
    :ivar state: 'handled', 'ignored' for good reason, 'missing' for want of work, 'rule' for what has no name
    :ivar is_unfinished: there is something to be done
    :ivar is_free: the names below it are the app's own, or not worth a row
    :ivar is_named: it is told by its name; else it is whatever has no name
    """

    name: str
    places: tuple[str, ...]
    handled: tuple[str, ...]
    shown: str
    tested: tuple[str, ...]
    state: str
    is_free: bool = False
    is_named: bool = True
    is_unfinished: bool = False

    @property
    def names(self) -> tuple[Name, ...]:
        return tuple(_at(place, self.name) for place in self.places)


@dataclass(frozen=True)
class Table:
    """An object and its fields, an enumeration and its values, or some rules."""

    title: str
    about: str
    places: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Section:
    title: str
    about: str
    tables: tuple[Table, ...]


@cache
def sections() -> tuple[Section, ...]:
    """The whole list, in the order of its files."""
    return tuple(_section(tomllib.loads(path.read_text())) for path in sorted(LIST.glob('[0-9]*.toml')))


def tables() -> Iterator[Table]:
    for section in sections():
        yield from section.tables


def rows() -> Iterator[Row]:
    for table in tables():
        yield from table.rows


@cache
def inventory() -> Mapping[Name, str]:
    """The names of the vendor's documentation and source, and where they stand in them."""
    found = {}
    for topic, places in tomllib.loads((LIST / 'names.toml').read_text()).items():
        for place, names in places.items():
            found |= {_at(place, name): topic for name in names.split()}
    return found


def _at(place: str, name: str) -> Name:
    is_value = place.startswith(VALUES)
    origin, _, path = place.removeprefix(VALUES).partition(': ')
    if is_value:
        return Name(origin, f'{path}={name}')
    return Name(origin, f'{path}.{name}' if path else name)


def _section(data: Mapping[str, Any]) -> Section:
    return Section(data['title'], data.get('about', ''), tuple(_table(each) for each in data['tables']))


def _table(data: Mapping[str, Any]) -> Table:
    unknown = data.keys() - {'title', 'about', 'at', 'handled', 'tested', 'rows'}
    assert not unknown, f'{data["title"]}: what is {unknown}?'
    places, readers = _list(data.get('at')), _list(data.get('handled'))
    rows = tuple(_row(name, row, places, readers, _list(data.get('tested'))) for name, row in data['rows'].items())
    return Table(data['title'], data.get('about', ''), places, rows)


def _row(
    name: str, data: Mapping[str, Any], places: tuple[str, ...], readers: tuple[str, ...], tested: tuple[str, ...]
) -> Row:
    unknown = data.keys() - {'handled', 'shown', 'ignored', 'missing', 'tested', 'free', 'unnamed', 'unfinished', 'at'}
    assert not unknown, f'{name}: what is {unknown}?'
    states = [state for state in ('shown', 'ignored', 'missing') if state in data]
    assert len(states) == 1, f'{name}: either shown, or ignored, or missing'
    state = states[0] if states != ['shown'] else 'handled' if places else 'rule'
    is_read = state in {'handled', 'rule'}
    return Row(
        name=name,
        places=_list(data.get('at')) or places,
        handled=(_list(data.get('handled')) or readers) if is_read else (),
        shown=data[states[0]],
        is_unfinished=state == 'missing' or data.get('unfinished', False),
        tested=_list(data.get('tested')) or (tested if is_read else ()),
        state=state,
        is_free=data.get('free', False),
        is_named=not data.get('unnamed', False),
    )


def _list(given: str | Sequence[str] | None) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())
