"""What a workflow asks a person, field by field. What can't be read of its definitions is not asked."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from webapp.chat.message import FormPart

MAX_VALUE = 100_000  # characters
PLACE = re.compile(r'\{\{#\$output\.([^#{}]{1,200})#\}\}')  # where a field stands in the content


class Kind(StrEnum):
    PARAGRAPH = 'paragraph'
    SELECT = 'select'
    FILE = 'file'
    FILES = 'file-list'


@dataclass(frozen=True, slots=True)
class Field:
    """Something to fill in."""

    name: str
    kind: Kind
    value: str = ''  # before anybody has written
    options: tuple[str, ...] = ()  # of a `SELECT`

    @property
    def label(self) -> str:
        """Definitions have none, so the name is made readable."""
        words = self.name.replace('_', ' ').strip()
        return words[:1].upper() + words[1:]

    @property
    def is_file(self) -> bool:
        return self.kind in {Kind.FILE, Kind.FILES}


@dataclass(frozen=True, slots=True)
class Action:
    """A button that answers."""

    id: str
    title: str
    is_main: bool = False


class UnfitError(ValueError):
    """An answer that the form does not take."""


def fields(form: FormPart) -> tuple[Field, ...]:
    """Its fields, each name once. One of an unknown kind takes any text."""
    found: dict[str, Field] = {}
    for definition in _objects(form.inputs):
        name = _text(definition, 'output_variable_name')
        if not name:
            continue
        kind = _text(definition, 'type')
        known = Kind(kind) if kind in set(Kind) else Kind.PARAGRAPH
        source = definition.get('option_source')
        options = source.get('value') if isinstance(source, Mapping) else None
        found[name] = Field(
            name,
            known,
            _text(definition, 'resolved') or _default(definition),
            tuple(option for option in options if isinstance(option, str)) if isinstance(options, list) else (),
        )
    return tuple(found.values())


def actions(form: FormPart) -> tuple[Action, ...]:
    return tuple(
        Action(_text(each, 'id'), _text(each, 'title') or _text(each, 'id'), _text(each, 'button_style') == 'primary')
        for each in _objects(form.actions)
        if _text(each, 'id')
    )


def pieces(form: FormPart) -> tuple[str | Field, ...]:
    """The content as Markdown with the fields in their places; those that it does not name follow it."""
    by_name = {field.name: field for field in fields(form)}
    found: list[str | Field] = []
    for index, part in enumerate(PLACE.split(form.content)):
        if index % 2 == 0:
            found += [part] if part.strip() else []
        elif part in by_name:
            found.append(by_name.pop(part))
    return (*found, *by_name.values())


def answer(form: FormPart, action: str, values: Mapping[str, object]) -> dict[str, str]:
    """The values to send: one for each field.

    :raises UnfitError: no such button, a value is missing, too long or none of the options, or a file is asked for
    """
    if action not in {known.id for known in actions(form)}:
        raise UnfitError('no such button')
    given = {}
    for field in fields(form):
        value = values.get(field.name)
        if field.is_file or not isinstance(value, str) or len(value) > MAX_VALUE:
            raise UnfitError(f'no value for a field of the kind {field.kind}')
        if field.kind is Kind.SELECT and value not in field.options:
            raise UnfitError('a value that is none of the options')
        given[field.name] = value
    return given


def told(form: FormPart, action: str, values: Mapping[str, str]) -> str:
    """What was answered, as Markdown, in the manner of upstream."""
    rest = dict(values)
    content = PLACE.sub(lambda place: rest.pop(place[1], ''), form.content).strip()
    title = next((known.title for known in actions(form) if known.id == action), action)
    return '\n\n'.join(part for part in (content, *rest.values(), f'**{title}**') if part.strip())


def _default(definition: Mapping[str, object]) -> str:
    default = definition.get('default')
    return _text(default, 'value') if isinstance(default, Mapping) and default.get('type') == 'constant' else ''


def _objects(text: str) -> Sequence[Mapping[str, object]]:
    try:
        found = json.loads(text or '[]')
    except ValueError:
        return ()
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else ()


def _text(data: Mapping[str, object], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ''
