"""What a host fills in of an app's form: only what the form asks for, and nothing that can't be sent on."""

import json

import pytest

from webapp import inputs
from webapp.errors import Refused
from webapp.upstream.parameters import Field

FORM = (
    Field('name', 'Name', 'text-input', max_length=10),
    Field('about', 'About', 'paragraph'),
    Field('tone', 'Tone', 'select', options=('formal', 'casual')),
    Field('age', 'Age', 'number'),
    Field('ok', 'OK', 'checkbox'),
    Field('more', 'More', 'json_object'),
    Field('photo', 'Photo', 'file'),
)


def test_good_values_come_through_as_they_are() -> None:
    values = {'name': 'Ünï 🙂', 'tone': 'casual', 'age': 7.5, 'ok': True, 'more': {'a': [1, None]}}
    assert inputs.of_host(json.dumps(values), FORM) == values
    assert inputs.of_host('{}', FORM) == {}


@pytest.mark.parametrize(
    'text',
    [
        '', '{', 'null', '[]', '"name"', '7', '\0', '{"name": "\\ud800"}', '{"age": NaN}', '{"age": Infinity}',
        '{"age": 1e999}', '{"age": ' + '9' * 5000 + '}', '{"age": "seven"}', '{"age": true}',
        '{"name": 7}', '{"name": "' + 'x' * 11 + '"}', '{"about": "' + 'x' * 50_001 + '"}',
        '{"tone": "rude"}', '{"tone": ["formal"]}', '{"tone": {}}', '{"ok": 1}', '{"ok": "true"}', '{"more": []}',
        '{"more": "x"}', '{"more": {"a": "' + 'x' * 50_001 + '"}}', '{"photo": "x"}', '{"photo": {"id": "x"}}',
        '{"other": 1}', '{"__proto__": {}}', '[' * 100_000, '{"more": ' + '{"a":' * 900 + '1' + '}' * 900 + '}',
        '{"more": ' + '{"a":' * 100_000,
    ],
    ids=lambda text: ascii(text[:24]),
)  # fmt: skip
def test_all_else_is_refused_with_a_word_to_the_host(text: str) -> None:
    with pytest.raises(Refused) as refusal:
        inputs.of_host(text, FORM)
    assert refusal.value.code == 'inputs_unfit'
    assert refusal.value.detail
