"""The form of an app: its values are checked at every send, not only at the first."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from webapp.upstream.demo.responses import invalid

Control = Mapping[str, Mapping[str, Any]]


def checked(form: Sequence[Control], given: Mapping[str, Any]) -> dict[str, Any]:
    """The form's variables and no others; those left out are None. :raises ApiError: 400, with Dify's texts"""
    return {
        field['variable']: _value(control, field, given.get(field['variable']))
        for item in form
        for control, field in item.items()
    }


def fill(text: str, values: Mapping[str, Any]) -> str:
    """`text` with its `{{variables}}` filled in; unknown ones stay."""
    return re.sub(r'\{\{(\w+)\}\}', lambda found: str(values.get(found[1]) or found[0]), text)


def _value(control: str, field: Mapping[str, Any], value: Any) -> Any:
    name = field['variable']
    if value is None or (value == '' and control == 'number'):
        if field.get('required'):
            raise invalid(f'{name} is required in input form')
        return None
    match control:
        case 'number':
            return _number(name, value)
        case 'checkbox':  # hardly checked by a real server either: 'yes' passes
            return value if isinstance(value, bool | str | int | float) else bool(value)
    if not isinstance(value, str):
        raise invalid(f"(type '{control}') {name} in input form must be a string")
    options = list(field.get('options') or ())
    if control == 'select' and value not in options:
        raise invalid(f'{name} in input form must be one of the following: {options}')
    most = field.get('max_length')
    if control != 'select' and most and len(value) > most:
        raise invalid(f'{name} in input form must be less than {most} characters')
    return value


def _number(name: str, value: Any) -> float | int:
    try:
        number = float(value) if isinstance(value, str | int | float) else None
    except ValueError:
        number = None
    if number is None:
        raise invalid(f'{name} in input form must be a valid number')
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
