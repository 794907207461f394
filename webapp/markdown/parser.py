"""pyromark's events, cut into the blocks of a document."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyromark

from webapp.markdown import limits

Event = Any  # str | dict[str, Any], as in `pyromark.event`: {'Text': 'hi'}, {'Start': 'Paragraph'}, 'SoftBreak'
Definitions = dict[str, tuple[str, str]]  # of links: folded label to address and title

_options = (
    pyromark.Options.ENABLE_TABLES
    | pyromark.Options.ENABLE_FOOTNOTES
    | pyromark.Options.ENABLE_STRIKETHROUGH
    | pyromark.Options.ENABLE_TASKLISTS
)


class TooManyEvents(Exception):
    """A text made to be dear: it is shown as plain text."""


class Child(NamedTuple):
    """A list's item or a table's row: UTF-8 offset, events."""

    start: int
    events: list[Event]


@dataclass(slots=True)
class Block:
    """A top-level block as parsed."""

    kind: str  # the parser's name of it: 'Paragraph', 'List', 'Table', 'CodeBlock', 'Rule' ...
    start: int  # UTF-8 offset in what was parsed; 0 if places weren't asked for
    events: list[Event] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)  # of items or rows: offset, first event

    @property
    def shell(self) -> list[Event]:
        """The events of a list without its items, or of a table with its head only."""
        return [*self.events[: self.places[0][1]], self.events[-1]] if self.places else self.events

    @property
    def is_wide(self) -> bool:
        """A table with too many columns."""
        return self.kind == 'Table' and len(self.events[0]['Start']['Table']) > limits.COLUMNS

    @property
    def children(self) -> list[Child]:
        """The items of a list, the rows of a table."""
        ends = [*(first for _, first in self.places[1:]), len(self.events) - 1]
        pairs = zip(self.places, ends, strict=False)
        return [Child(start, self.events[first:end]) for (start, first), end in pairs]


def parse(markdown: str) -> list[Block]:
    """The blocks of `markdown`, without places: six times as fast as with them. :raises TooManyEvents:"""
    return _blocks((event, 0) for event in pyromark.events(markdown, options=_options))


def parse_located(markdown: str, definitions: Definitions) -> list[Block]:
    """The blocks of `markdown` with their places; `definitions` of earlier text hold too. :raises TooManyEvents:"""

    def resolve(link: Any) -> tuple[str, str] | None:
        return definitions.get(_fold(link['reference']))

    events = pyromark.events_with_range(
        markdown, options=_options, merge_text=True, broken_link_callback=resolve if definitions else None
    )
    return _blocks((event, place['start']) for event, place in events)


def code_places(markdown: str) -> Iterator[tuple[int, int]]:
    """Where code stands in `markdown`, ascending, in UTF-8 offsets."""
    for event, place in pyromark.events_with_range(markdown, options=_options):
        if isinstance(event, dict) and ('Code' in event or _kind(event.get('Start')) == 'CodeBlock'):
            yield place['start'], place['end']


def definitions_in(markdown: str) -> Definitions:
    """The link reference definitions of `markdown`."""
    if ']:' not in markdown:
        return {}
    found = pyromark.reference_definitions(markdown, options=_options)
    return {_fold(label): (definition['dest'], definition['title'] or '') for label, definition in found.items()}


def _fold(label: str) -> str:
    return ' '.join(label.casefold().split())


def _blocks(events: Iterable[tuple[Any, int]]) -> list[Block]:
    blocks: list[Block] = []
    depth = 0
    for count, (event, start) in enumerate(events):
        if count > limits.EVENTS:
            raise TooManyEvents
        if not depth:
            blocks.append(Block(_kind(event['Start']) if isinstance(event, dict) else event, start))
        block = blocks[-1]
        if isinstance(event, dict):
            if 'Start' in event:
                if depth == 1 and event['Start'] in ('Item', 'TableRow'):
                    block.places.append((start, len(block.events)))
                depth += 1
            elif 'End' in event:
                depth -= 1
        block.events.append(event)
    return blocks


def _kind(tag: Any) -> str:
    return next(iter(tag)) if isinstance(tag, dict) else str(tag)
