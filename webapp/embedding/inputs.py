"""What a host's page fills in of an app's form, in the visitor's stead."""

from collections.abc import Sequence

import orjson

from webapp.errors import Refused
from webapp.upstream.parameters import Field

MAX_INPUT = 10_000  # characters


def read(text: str, form: Sequence[Field]) -> dict[str, object]:
    """
    :param text: a JSON object, values by variable
    :raises Refused: `inputs_unfit`: it is none, or the form does not ask for that; tells for what
    """
    try:
        values = orjson.loads(text)  # which takes neither NaN nor half a character
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise Refused('inputs_unfit', 'no object', status=400)
    fields = {field.variable: field for field in form}
    for name, value in values.items():
        if name not in fields:
            known = ', '.join(fields) or 'none'
            raise Refused('inputs_unfit', f'the form has no {name[:100]!r}; its fields: {known}', status=400)
        if not _fits(value, fields[name]):
            raise Refused('inputs_unfit', f'{name!r} takes something else ({fields[name].control})', status=400)
    return values


def _fits(value: object, field: Field) -> bool:
    match field.control:
        case 'checkbox':
            return isinstance(value, bool)
        case 'number':
            return isinstance(value, int | float) and not isinstance(value, bool)
        case 'select':
            return value in field.options
        case 'json_object':
            return isinstance(value, dict) and _is_small(value)
        case 'file' | 'file-list':
            return False  # for the visitor to choose
    return isinstance(value, str) and len(value) <= (field.max_length or MAX_INPUT)


def _is_small(value: object) -> bool:
    try:
        return len(orjson.dumps(value)) <= MAX_INPUT
    except TypeError:  # too deep
        return False
