"""What a workflow asks a person, field by field. What can't be read of its definitions is not asked."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from webapp.chat.message import FormPart

MAX_VALUE = 100_000  # characters
MAX_FILES = 10  # of one field, where upstream names no limit
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
    most: int = 1  # files
    types: tuple[str, ...] = ()  # of files, as upstream names them; any if it names none
    extensions: tuple[str, ...] = ()  # lower case with dot, for files of the type 'custom'
    methods: tuple[str, ...] = ()  # 'local_file', 'remote_url'

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
            _most(definition, known),
            _texts(definition, 'allowed_file_types'),
            extensions(_texts(definition, 'allowed_file_extensions')),
            _texts(definition, 'allowed_file_upload_methods'),
        )
    return tuple(found.values())


def extensions(given: Iterable[str]) -> tuple[str, ...]:
    """Extensions as names of files end in them, `.png`, each once. Apps write them in any case, the dot or not."""
    return tuple(dict.fromkeys('.' + each.strip().lower().removeprefix('.') for each in given))


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


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody has filled in, by field: texts, and ids of files."""

    texts: Mapping[str, str]
    files: Mapping[str, Sequence[str]]


def answer(form: FormPart, action: str, values: Mapping[str, object]) -> Answer:
    """A value for each field. What the ids of files are worth is for others to say.

    :raises UnfitError: no such button, or a value is missing, too long, too many or none of the options
    """
    if action not in {known.id for known in actions(form)}:
        raise UnfitError('no such button')
    texts, files = {}, {}
    for field in fields(form):
        value = values.get(field.name)
        if field.is_file:
            files[field.name] = _ids(field, value)
        elif not isinstance(value, str) or len(value) > MAX_VALUE:
            raise UnfitError(f'no value for a field of the kind {field.kind}')
        elif field.kind is Kind.SELECT and value not in field.options:
            raise UnfitError('a value that is none of the options')
        else:
            texts[field.name] = value
    return Answer(texts, files)


def told(form: FormPart, action: str, values: Mapping[str, str]) -> str:
    """What was answered, as Markdown, in the manner of upstream.

    :param values: for files Markdown that shows or names them
    """
    rest = dict(values)
    content = PLACE.sub(lambda place: rest.pop(place[1], ''), form.content).strip()
    title = next((known.title for known in actions(form) if known.id == action), action)
    return '\n\n'.join(part for part in (content, *rest.values(), f'**{title}**') if part.strip())


def _ids(field: Field, value: object) -> list[str]:
    ids = [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
    if len(ids) > field.most or (field.kind is Kind.FILE and not ids):
        raise UnfitError('no file, or too many of them')
    return ids


def _most(definition: Mapping[str, object], kind: Kind) -> int:
    limit = definition.get('number_limits')
    is_limit = isinstance(limit, int) and 0 < limit < MAX_FILES
    return 1 if kind is not Kind.FILES else limit if is_limit and isinstance(limit, int) else MAX_FILES


def _default(definition: Mapping[str, object]) -> str:
    default = definition.get('default')
    return _text(default, 'value') if isinstance(default, Mapping) and default.get('type') == 'constant' else ''


def _objects(text: str) -> Sequence[Mapping[str, object]]:
    try:
        found = json.loads(text or '[]')
    except ValueError:
        return ()
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else ()


def _texts(data: Mapping[str, object], key: str) -> tuple[str, ...]:
    values = data.get(key)
    return tuple(each for each in values if isinstance(each, str)) if isinstance(values, list) else ()


def _text(data: Mapping[str, object], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ''
