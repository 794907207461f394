"""The values of an app's form: what fits a field, and what is kept of it. Whoever fills one in, these are the rules.

A conversation keeps its values, and all of them go to Dify with every turn. What is sent is what Dify's own checks let
pass: an empty optional text is `''`, since it would put the word `None` into the prompt instead of one that is missing;
any other empty field is left out, since an empty choice is refused. A file is kept as `{'file_id': ...}`, by our id.
"""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite

import orjson

from webapp import schemas
from webapp.chat.form import Field as AskedField
from webapp.errors import FormUnfit, Refused
from webapp.schemas import Mismatch
from webapp.store.files import File
from webapp.upstream.parameters import Field, Parameters, Uploads
from webapp.upstream.records import EXTENSIONS, FileRef

__all__ = [
    'FILES', 'FILE_ID', 'WEB', 'Field', 'Uploads', 'complete', 'enclosed', 'file_ids', 'initial', 'mismatches', 'most',
    'of_host', 'of_person', 'references', 'uploads', 'uploads_asked', 'with_files',
]  # fmt: skip

TEXTS = {'text-input', 'paragraph'}
FILES = {'file', 'file-list'}
MAX_TEXT = 50_000  # characters, where the app sets no limit
MAX_FILES = 10  # as above
MAX_NUMBER = 2**53  # a browser's own
MAX_DEPTH = 30  # of a JSON object; the store takes a little more
NUMBER = re.compile(r'[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?', re.ASCII)
FILE_ID = re.compile(r'[0-9a-f]{32}')
WEB = ('http://', 'https://')
TRUE = {'true', '1', 'yes', 'on'}


class _Unfit(Exception):
    """:param problem: its name, as in `FormUnfit`; and what does not fit, if that is `schema`"""

    def __init__(self, problem: str, mismatches: Sequence[Mismatch] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.mismatches = mismatches

    def __str__(self) -> str:
        return f'{self.problem}: {"; ".join(map(str, self.mismatches))}' if self.mismatches else self.problem


def complete(form: Sequence[Field], given: Mapping[str, object]) -> dict[str, object]:
    """All values of a form, as they are kept: what was given, defaults for what was not, and neither for empty fields.

    :param given: by variable; a number or a JSON object may come as its text
    :raises FormUnfit: something is missing, or not what its field takes, or the form has no such field
    """
    problems = dict.fromkeys(given.keys() - {field.variable for field in form}, 'unknown')
    values: dict[str, object] = {}
    mismatches: dict[str, Sequence[Mismatch]] = {}
    for field in form:
        try:
            value = _fit(field, given[field.variable]) if field.variable in given else _default(field)
            if field.is_required and not field.is_hidden and _is_empty(value):
                raise _Unfit('required')
        except _Unfit as unfit:
            problems[field.variable] = unfit.problem
            mismatches |= {field.variable: unfit.mismatches} if unfit.mismatches else {}
        else:
            values |= {} if value is None else {field.variable: value}
    if problems:
        raise FormUnfit(problems, mismatches)
    return values


def mismatches(form: Sequence[Field], given: Mapping[str, object]) -> dict[str, tuple[Mismatch, ...]]:
    """What of the JSON objects in these values does not fit their schemas, by variable; of objects alone."""
    found = {}
    for field in form:
        if field.control == 'json_object' and field.variable in given:
            with contextlib.suppress(_Unfit):
                found[field.variable] = _mismatches(field, _json(given[field.variable]))
    return {variable: each for variable, each in found.items() if each}


def _mismatches(field: Field, value: object) -> tuple[Mismatch, ...]:
    return () if value is None else schemas.mismatches(field.json_schema, value)


def of_person(text: str, form: Sequence[Field], host: Mapping[str, object]) -> dict[str, object]:
    """What somebody has written into a form, over what the page around it has filled in; to be completed.

    :param text: a JSON object, values by variable; '' for nothing
    :param host: as `of_host` gave it
    :raises FormUnfit: it is none, or names what the form does not ask people for
    """
    asked = {field.variable for field in form if not field.is_hidden}
    values = _object(text) if text else {}
    if values is None:
        raise FormUnfit({})
    if values.keys() - asked:
        raise FormUnfit(dict.fromkeys(values.keys() - asked, 'unknown'))
    known = {field.variable for field in form}  # it may have changed since the host spoke
    return {name: value for name, value in host.items() if name in known} | values


def of_host(text: str, form: Sequence[Field]) -> dict[str, object]:
    """What a host's page fills in, in the visitor's stead: some of the fields, hidden ones too.

    :param text: a JSON object, values by variable
    :raises Refused: `inputs_unfit`: it is none, or the form does not ask for that; tells for what
    """
    values = _object(text)
    if values is None:
        raise Refused('inputs_unfit', 'no object', status=400)
    fields = {field.variable: field for field in form}
    filled: dict[str, object] = {}
    for name, value in values.items():
        if name not in fields:
            known = ', '.join(fields) or 'none'
            raise Refused('inputs_unfit', f'the form has no {name[:100]!r}; its fields: {known}', status=400)
        field = fields[name]
        try:
            if field.control in FILES:  # for the visitor to choose
                raise _Unfit('no_file')
            fit = _fit(field, value)
        except _Unfit as unfit:
            detail = f'{name!r} takes something else ({field.control}): {unfit}'
            raise Refused('inputs_unfit', detail, status=400) from None
        filled |= {} if fit is None else {name: fit}
    return filled


def uploads(parameters: Parameters, variable: str) -> Uploads:
    """Which files one field takes; '' stands for a message. A field that is not there takes none."""
    if not variable:
        return parameters.uploads
    for field in parameters.form:
        if field.variable == variable and field.control in FILES:
            return Uploads(
                is_enabled=True,
                types=_types(field),
                extensions=field.file_extensions,
                methods=_methods(field),
                per_message=most(field),
                megabytes=parameters.uploads.megabytes,
            )
    return Uploads()


def uploads_asked(parameters: Parameters | None, field: AskedField) -> Uploads:
    """Which files a field takes that is asked in the middle of an answer.

    :param parameters: None while the app has not said them
    """
    return Uploads(
        is_enabled=True,
        types=field.types or tuple(EXTENSIONS),
        extensions=field.extensions,
        methods=field.methods or ('local_file',),
        per_message=field.most,
        megabytes=parameters.uploads.megabytes if parameters else {},
    )


def initial(field: Field, host: Mapping[str, object]) -> object:
    """What stands in a field before anybody has touched it. :param host: as `of_host` gave it"""
    return host[field.variable] if field.variable in host else _default(field)


def most(field: Field) -> int:
    """How many characters a field takes, or files."""
    if field.control in FILES:
        return 1 if field.control == 'file' else field.max_length or MAX_FILES
    return (field.max_length if field.control in TEXTS else 0) or MAX_TEXT


def enclosed(form: Sequence[Field], values: Mapping[str, object]) -> list[str]:
    """Ids of the files in a form's values, in their order."""
    return [id_ for field in form if field.control in FILES for id_ in _ids(values.get(field.variable))]


def with_files(form: Sequence[Field], values: Mapping[str, object], found: Mapping[str, File]) -> dict[str, object]:
    """Values that also say what their files are, for people to read.

    :param found: files of whoever fills in the form, by id
    :raises FormUnfit: one is not there, or of a kind that its field does not take
    """
    problems = {}
    for field in form:
        for id_ in enclosed([field], values):
            if id_ not in found:
                problems[field.variable] = 'file_gone'
            elif found[id_].kind not in _types(field) or _method(found[id_]) not in _methods(field):
                problems[field.variable] = 'other_kind'
    if problems:
        raise FormUnfit(problems)
    names = {
        id_: {'file_id': id_, 'name': file.name, 'kind': file.kind, 'size': file.size}
        | ({'link': file.link} if file.link else {})
        for id_, file in found.items()
    }
    holding = {field.variable for field in form if field.control in FILES}
    return {name: _replaced(value, names) if name in holding else value for name, value in values.items()}


def references(form: Sequence[Field], values: Mapping[str, object], found: Mapping[str, File]) -> dict[str, object]:
    """Values as Dify takes them: its own references in the place of our files.

    :param form: as for `file_ids`
    :param found: files of whoever has filled in the form, by id
    """
    theirs = {id_: FileRef(file.kind, file.upstream_id, file.link).as_json() for id_, file in found.items()}
    holding = _holding(form, values)
    return {name: _replaced(value, theirs) if name in holding else value for name, value in values.items()}


def file_ids(form: Sequence[Field], values: Mapping[str, object]) -> list[str]:
    """Ids of the files in the values of a conversation.

    :param form: the app's of today, which may have changed since, or not be known
    """
    return [id_ for name in _holding(form, values) for id_ in _ids(values[name])]


def _holding(form: Sequence[Field], values: Mapping[str, object]) -> list[str]:
    """Which of these hold files: those whose fields take some, and where there is no field those kept as our own."""
    takes = {field.variable: field.control in FILES for field in form}
    return [name for name, value in values.items() if (takes[name] if name in takes else _is_kept(value))]


def _is_kept(value: object) -> bool:
    """Whether a value has the shape that `with_files` gives."""
    return all(
        isinstance(each, dict)
        and each.keys() - {'link'} == {'file_id', 'name', 'kind', 'size'}
        and all(isinstance(each[key], str) for key in each.keys() - {'size'})
        and isinstance(each['size'], int)
        and each.get('link', 'https://').lower().startswith(WEB)
        for each in (value if isinstance(value, list) else [value])
    )


def _fit(field: Field, value: object) -> object:
    """The value as it is kept; `None` if there is none. :raises _Unfit: the field takes something else"""
    match field.control:
        case 'checkbox':
            return _flag(value)
        case 'number':
            return _number(value)
        case 'select':
            return _choice(value, field.options)
        case 'json_object':
            found = _json(value)
            if unfit := _mismatches(field, found):
                raise _Unfit('schema', unfit)
            return found
        case 'file' | 'file-list':
            return _files(field, value)
    return _text(value, most(field))


def _text(value: object, longest: int) -> str:
    if value is None:
        return ''
    if not isinstance(value, str):
        raise _Unfit('no_text')
    if len(value) > longest:
        raise _Unfit('too_long')
    return value


def _choice(value: object, options: Sequence[str]) -> str | None:
    if value is None or value == '':
        return None
    if not isinstance(value, str) or value not in options:
        raise _Unfit('no_option')
    return value


def _number(value: object) -> int | float | None:
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if not NUMBER.fullmatch(text):
            raise _Unfit('no_number')
        value = float(text) if re.search(r'[.eE]', text) else int(text)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Unfit('no_number')
    if not abs(value) <= MAX_NUMBER:  # nor is NaN
        raise _Unfit('number_size')
    return value


def _flag(value: object) -> bool:
    if value is not None and not isinstance(value, bool):
        raise _Unfit('no_flag')
    return bool(value)


def _json(value: object) -> dict[str, object] | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    found = _object(value) if isinstance(value, str) else value
    if not isinstance(found, dict) or not _is_storable(found, MAX_DEPTH):
        raise _Unfit('no_object')
    if len(json.dumps(found, ensure_ascii=False)) > MAX_TEXT:
        raise _Unfit('too_long')
    return found


def _file(value: object) -> dict[str, object]:
    id_ = value.get('file_id') if isinstance(value, dict) else None
    if not isinstance(id_, str) or not FILE_ID.fullmatch(id_):
        raise _Unfit('no_file')
    return {'file_id': id_}


def _files(field: Field, value: object) -> object:
    if _is_empty(value):
        return None
    if field.control == 'file':
        return _file(value)
    if not isinstance(value, list):
        raise _Unfit('no_file')
    if len(value) > most(field):
        raise _Unfit('too_many_files')
    found = [_file(each) for each in value]
    if len(set(_ids(found))) < len(found):
        raise _Unfit('no_file')
    return found


def _default(field: Field) -> object:
    """What stands in a field that nobody has touched. An app may have one that its own field does not take."""
    default = field.default
    if field.control == 'checkbox' and not isinstance(default, bool):
        default = str(default).strip().lower() in TRUE
    try:
        return None if field.control in FILES else _fit(field, default)
    except _Unfit:
        return _fit(field, None)


def _is_empty(value: object) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def _types(field: Field) -> tuple[str, ...]:
    return field.file_types or tuple(EXTENSIONS)


def _methods(field: Field) -> tuple[str, ...]:
    return field.upload_methods or ('local_file',)


def _method(file: File) -> str:
    return 'remote_url' if file.link else 'local_file'


def _object(text: str) -> dict[str, object] | None:
    """The JSON object that a text holds, if it does."""
    try:
        found = orjson.loads(text)  # which takes neither NaN nor half a character
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _is_storable(data: object, depth: int) -> bool:
    match data:
        case dict():
            return depth > 0 and all(_is_storable(each, depth - 1) for each in data.values())
        case list():
            return depth > 0 and all(_is_storable(each, depth - 1) for each in data)
        case float():
            return isfinite(data)
        case int():
            return -(2**63) <= data < 2**63
    return True


def _ids(value: object) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        id_ = each.get('file_id') if isinstance(each, dict) else None
        if isinstance(id_, str) and FILE_ID.fullmatch(id_):
            yield id_


def _replaced(value: object, files: Mapping[str, Mapping[str, object]]) -> object:
    """`value` with other words for its files."""
    if isinstance(value, list):
        return [_replaced(each, files) for each in value]
    [*ids] = _ids(value)
    return dict(files[ids[0]]) if ids and ids[0] in files else value
