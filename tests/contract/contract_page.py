"""The list as a page for people: `docs/contract.md`, written by `make contract`."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from contract_code import file_of, module_file
from contract_list import ROOT, VALUES, Row, Section, Table, rows, sections, tables

PAGE = ROOT / 'docs' / 'contract.md'
NOT_READ = ('test_contract_list.py::test_what_is_ignored_counts_for_nothing',)
NOT_SENT = ('test_contract_list.py::test_what_is_sent_has_rows_that_say_so',)
HEAD = """# What Dify says, and what becomes of it

Every event, field, value and code of Dify's Service API for chat apps: what handles it here, what people see of it, and
what tests that. `make contract` writes this page from the list in `tests/contract/handled`; the tests beside the list
fail if a name that was ever recorded or described is not in it, if what handles or tests a name is not there, if a
field that is said to count makes no difference to what is read of a sample, or if one that is said to be ignored does.

A row has what people see of a name (`shown`), why it is left alone (`ignored`), or what there is to do (`missing`); and
what handles and tests it, unless its table says so for all of its rows. A new recording in `tests/recordings` that has
a name without a row fails the tests, and so does a newer description of the vendor's: `DIFY_OPENAPI=openapi.json pytest
tests/contract`. What newer servers say and nobody has recorded stands in `handled/newer.json`, in examples of our own.
"""


def page() -> str:
    """The page, as Markdown."""
    return '\n'.join([HEAD, *_summary(), *(line for section in sections() for line in _section(section))])


def _summary() -> Iterator[str]:
    states = Counter(row.state for row in rows())
    yield f'{states["handled"]} rows are handled, {states["ignored"]} left alone, each for a reason. Beside them stand'
    yield f'{states["rule"]} rules and traps, which have no name.'
    yield ''
    for section in sections():
        yield f'- [{section.title}](#{section.title.lower().replace(" ", "-").replace(",", "")})'
    unfinished = [(table, row) for table in tables() for row in table.rows if row.is_unfinished]
    if unfinished:
        yield ''
        yield 'What is still to be done:'
        yield ''
        yield from (f'- {table.title}, `{row.name}`: {row.shown}.' for table, row in unfinished)
    yield ''


def _section(section: Section) -> Iterator[str]:
    yield f'## {section.title}'
    yield ''
    if section.about:
        yield section.about
        yield ''
    for table in section.tables:
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield f'### {table.title}'
    yield ''
    if table.about:
        yield table.about
        yield ''
    if table.places:
        yield f'{_where(table.places)}:'
        yield ''
    yield f'| {"name" if table.places else "case"} | handled by | what people see | tested by |'
    yield '|---|---|---|---|'
    yield from (_row(row, table) for row in table.rows)
    yield ''


def _row(row: Row, table: Table) -> str:
    name = f'`{row.name}`' if table.places else row.name
    if row.places != table.places:
        name += f' ({_where(row.places)})'
    handled = '<br>'.join(_code(reference) for reference in row.handled)
    shown = f'{"*Left alone.* " if row.state == "ignored" else "*Not yet.* " if row.is_unfinished else ""}{row.shown}'
    tested = '<br>'.join(_test(node_id) for node_id in row.tested or _of_ignored(row))
    return f'| {name} | {handled or "–"} | {shown} | {tested or "–"} |'


def _of_ignored(row: Row) -> tuple[str, ...]:
    """What tests that something is left alone: values of enumerations have nothing for all of them."""
    origin = row.places[0]
    return () if origin.startswith(VALUES) else NOT_SENT if origin.startswith('request ') else NOT_READ


def _where(places: tuple[str, ...]) -> str:
    return ', '.join(f'`{place.removeprefix(VALUES)}`' for place in places)


def _code(reference: str) -> str:
    module, _, name = reference.partition(':')
    path = module_file(module)
    link = f'`{module.removeprefix("webapp.")}:{name}`'
    return f'[{link}]({_relative(path)})' if path else link


def _test(node_id: str) -> str:
    name = node_id.partition('::')[2].replace('[', '\\[').replace(']', '\\]')
    return f'[{name}]({_relative(file_of(node_id))})'


def _relative(path: Path) -> str:
    return Path(os.path.relpath(path, PAGE.parent)).as_posix()


if __name__ == '__main__':
    PAGE.write_text(page())
