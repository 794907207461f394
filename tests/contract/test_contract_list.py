"""Every name of Dify's has a row in `handled/*.toml`, and every row is true; `docs/contract.md` shows them."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import contract_code
import contract_page
import contract_probe
import pytest
from contract_list import VALUES, Name, Row, Section, inventory, rows, sections, tables
from contract_sources import described, published, recorded

ROWS = {name: row for row in rows() for name in row.names}
EVENTS = Path(__file__).parents[1] / 'upstream' / 'event_names.txt'


def known() -> dict[Name, str]:
    """All names that there are, and who says so."""
    events = {Name('event *', f'event={name}'): EVENTS.name for name in EVENTS.read_text().split()}
    return {**recorded(), **described(), **published(), **events, **inventory()}


def row_of(name: Name) -> Row | None:
    """The row that a name has, or that of something it is within."""
    anywhere = 'event *' if name.origin.startswith('event ') else name.origin
    path = name.path
    while path:
        row = ROWS.get(Name(name.origin, path)) or ROWS.get(Name(anywhere, path))
        if row and (path == name.path or row.is_free):
            return row
        path = path.rpartition('.')[0].removesuffix('[]')
    return None


def is_enumerated(name: Name) -> bool:
    """Whether the values in the place of a value have rows."""
    place = name.path.partition('=')[0]
    anywhere = 'event *' if name.origin.startswith('event ') else name.origin
    return bool({f'{VALUES}{name.origin}: {place}', f'{VALUES}{anywhere}: {place}'} & PLACES)


PLACES = {place for table in tables() for place in table.places}


def test_no_name_is_without_a_row() -> None:
    missing = [
        f'{name} ({source})'
        for name, source in known().items()
        if row_of(name) is None and ('=' not in name.path or is_enumerated(name))
    ]
    assert not missing, 'these have no row:\n' + '\n'.join(sorted(missing))


def test_no_row_is_without_a_name() -> None:
    names = known()
    anywhere = {Name('event *', name.path) for name in names if name.origin.startswith('event ')}
    idle = [f'{name}' for row in rows() for name in row.names[:1] if not {*row.names} & {*names, *anywhere}]
    assert not idle, 'nobody has ever said these:\n' + '\n'.join(idle)


def test_no_name_has_two_rows() -> None:
    twice = [str(name) for name, times in Counter(name for row in rows() for name in row.names).items() if times > 1]
    assert not twice


def test_what_handles_a_name_is_there_and_knows_it() -> None:
    wrong = []
    for row in rows():
        try:
            knowing = [reference for reference in row.handled if _knows(reference, row)]
        except LookupError as error:
            wrong.append(f'{_about(row)}: {error.args[0]}')
        else:
            if row.state in {'handled', 'rule'} and not knowing:
                wrong.append(f'{_about(row)}: not a word of it in {", ".join(row.handled) or "nothing"}')
    assert not wrong, '\n'.join(wrong)


def test_what_tests_a_name_is_there() -> None:
    wrong = []
    for row in rows():
        if row.state in {'handled', 'rule'} and not row.tested:
            wrong.append(f'{_about(row)}: nothing tests it')
        for node_id in row.tested:
            try:
                contract_code.file_of(node_id)
            except LookupError as error:
                wrong.append(f'{_about(row)}: {error.args[0]}')
    assert not wrong, '\n'.join(wrong)


@pytest.mark.parametrize('section', sections(), ids=lambda section: section.title)
def test_what_is_handled_counts(section: Section) -> None:
    """Without it, or with something else in its place, something else is read."""
    fields = [row for row in _fields(section, 'handled') if not row.places[0].startswith('request ')]
    idle = [row.names[0] for row in fields if not any(map(contract_probe.has_effect, row.names))]
    assert not idle, 'these make no difference in any sample:\n' + _lines(idle)


@pytest.mark.parametrize('section', sections(), ids=lambda section: section.title)
def test_what_is_ignored_counts_for_nothing(section: Section) -> None:
    names = [name for row in _fields(section, 'ignored', 'missing') for name in row.names]
    origins = {name.origin for name in names}
    found = [name for origin in origins for name in contract_probe.effective(origin, names)]
    assert not found, 'these make a difference:\n' + _lines(found)


def test_what_is_sent_has_rows_that_say_so() -> None:
    fields = {name for name in contract_probe.sent() if '=' not in name.path and not _is_within_free(name)}
    said = {
        name
        for section in sections()
        for row in _fields(section, 'handled')
        for name in row.names
        if name.origin.startswith('request ')
    }
    assert fields - said == set(), 'these are sent:\n' + _lines(fields - said)
    assert said - fields == set(), 'these are not sent:\n' + _lines(said - fields)


def test_the_page_shows_the_list() -> None:
    is_fresh = contract_page.PAGE.exists() and contract_page.PAGE.read_text() == contract_page.page()
    assert is_fresh, 'docs/contract.md does not show what the list says: make contract writes it'


def _fields(section: Section, *states: str) -> list[Row]:
    """Rows without those of rules and of values, but with those of events."""
    all_ = [row for table in section.tables for row in table.rows if row.state in states]
    return [row for row in all_ if not row.places[0].startswith(VALUES) or row.places[0] == f'{VALUES}event *: event']


def _knows(reference: str, row: Row) -> bool:
    """:raises LookupError: there is no such thing"""
    text = contract_code.words(reference)
    return row.state == 'rule' or not row.is_named or contract_code.is_word(row.name.rpartition('.')[2], text)


def _is_within_free(name: Name) -> bool:
    row = row_of(name)
    return row is not None and row.is_free and name not in row.names


def _about(row: Row) -> str:
    return str(row.names[0]) if row.places else row.name


def _lines(names: Iterable[Name]) -> str:
    return '\n'.join(sorted(map(str, names)))
