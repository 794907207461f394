"""The form of an app: its values are checked at every send, not only at the first."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from webapp.upstream.demo.responses import invalid

Control = Mapping[str, Mapping[str, Any]]
Resolve = Callable[[Any], dict[str, Any]]

SAMPLE: list[dict[str, dict[str, Any]]] = [
    {'text-input': {'label': 'Your name', 'variable': 'name', 'required': True, 'max_length': 48, 'default': ''}},
    {
        'select': {
            'label': 'Tone',
            'variable': 'tone',
            'required': True,
            'options': ['formal', 'casual', 'pirate'],
            'default': 'casual',
        }
    },
    {
        'paragraph': {
            'label': 'Background',
            'variable': 'background',
            'required': False,
            'max_length': 2000,
            'description': 'What the assistant should know of you.',
        }
    },
    {'number': {'label': 'Years of experience', 'variable': 'years', 'required': False, 'default': ''}},
    {'checkbox': {'label': 'Explain every step', 'variable': 'verbose', 'required': False, 'default': False}},
    {
        'file': {
            'label': 'A picture',
            'variable': 'picture',
            'required': False,
            'allowed_file_types': ['image'],
            'allowed_file_extensions': [],
            'allowed_file_upload_methods': ['local_file'],
        }
    },
    {
        'file-list': {
            'label': 'Documents',
            'variable': 'documents',
            'required': False,
            'max_length': 2,
            'allowed_file_types': ['document'],
            'allowed_file_extensions': [],
            'allowed_file_upload_methods': ['local_file'],
        }
    },
    {'json_object': {'label': 'Settings', 'variable': 'settings', 'required': False}},
    {'text-input': {'label': 'Plan', 'variable': 'plan', 'required': False, 'default': 'free', 'hide': True}},
]
SAMPLE_OPENING = 'Hello {{name}}! I am the built-in demo, and what you write into this form goes with every question.'
SAMPLE_QUESTION = '/inputs What do you know of {{name}}?'


def checked(form: Sequence[Control], given: Mapping[str, Any], resolve: Resolve) -> dict[str, Any]:
    """The form's variables and no others; those left out are None.

    :param resolve: gives what is remembered of a file that a value names
    :raises ApiError: 400, with Dify's texts
    """
    return {
        field['variable']: _value(control, field, given.get(field['variable']), resolve)
        for item in form
        for control, field in item.items()
    }


def fill(text: str, values: Mapping[str, Any]) -> str:
    """`text` with its `{{variables}}` filled in; unknown ones stay."""
    return re.sub(r'\{\{(\w+)\}\}', lambda found: str(values.get(found[1]) or found[0]), text)


def listed(values: Mapping[str, Any]) -> str:
    """Values for a person to read, as they have arrived."""
    lines = [f'- `{name}`: {_told(value)}' for name, value in values.items()]
    return '\n'.join(['The values of the form, as they came with this question:', '', *lines])


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ', '.join(map(_told, value)) or 'none'
    if isinstance(value, dict) and 'filename' in value:
        return f'the file `{value["filename"]}`'
    return 'not given' if value is None else f'`{json.dumps(value, ensure_ascii=False)}`'


def _value(control: str, field: Mapping[str, Any], value: Any, resolve: Resolve) -> Any:
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
        case 'json_object' | 'file' | 'file-list':
            return _made_of_parts(control, field, value, resolve)
    if not isinstance(value, str):
        raise invalid(f"(type '{control}') {name} in input form must be a string")
    options = list(field.get('options') or ())
    if control == 'select' and value not in options:
        raise invalid(f'{name} in input form must be one of the following: {options}')
    most = field.get('max_length')
    if control != 'select' and most and len(value) > most:
        raise invalid(f'{name} in input form must be less than {most} characters')
    return value


def _made_of_parts(control: str, field: Mapping[str, Any], value: Any, resolve: Resolve) -> Any:
    name, most = field['variable'], field.get('max_length')
    match control:
        case 'file-list':
            if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
                raise invalid(f'{name} in input form must be a list of files')
            if most and len(value) > most:
                raise invalid(f'{name} in input form must be less than {most} files')
            return [resolve(each) for each in value]
        case 'file':
            if not isinstance(value, dict):
                raise invalid(f'{name} in input form must be a file')
            return resolve(value)
    if not isinstance(value, dict):
        raise invalid(f'{name} in input form must be a dict')
    return value


def _number(name: str, value: Any) -> float | int:
    try:
        number = float(value) if isinstance(value, str | int | float) else None
    except ValueError:
        number = None
    if number is None:
        raise invalid(f'{name} in input form must be a valid number')
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
