"""What of a JSON object does not fit the schema that an app has for it: told by its path, and never at our cost."""

import json
import socket

import pytest

from webapp import inputs
from webapp.errors import FormUnfit, Refused
from webapp.schemas import Mismatch, mismatches
from webapp.ui import form_views
from webapp.upstream.parameters import Field

ORDER = {
    'type': 'object',
    'properties': {
        'name': {'type': 'string', 'minLength': 2, 'pattern': '^[A-Z]'},
        'size': {'enum': ['s', 'm', 1]},
        'items': {
            'type': 'array',
            'maxItems': 2,
            'items': {'type': 'object', 'properties': {'price': {'type': ['number', 'null'], 'exclusiveMinimum': 0}}},
        },
    },
    'required': ['name'],
    'additionalProperties': False,
}
FIELD = Field('order', 'Order', 'json_object', json_schema=json.dumps(ORDER))


def told(schema: object, value: object) -> str:
    return form_views.mismatched(mismatches(json.dumps(schema), value))


@pytest.mark.parametrize(
    ('value', 'words'),
    [
        ({'name': 'Ann'}, ''),
        ({'name': 'Ann', 'size': 1, 'items': [{'price': None}, {'price': 0.5}]}, ''),
        ({}, 'The object: “name” is missing.'),
        ({'name': 7}, 'name: this must be of the type string.'),
        ({'name': 'A'}, 'name: at least 2 characters are needed.'),
        ({'name': 'ann'}, 'name: this must match the pattern ^[A-Z]'),
        ({'name': 'Ann', 'size': 'xl'}, 'size: this must be one of "s", "m", 1.'),
        ({'name': 'Ann', 'items': [{'price': 1}, {'price': 0}]}, 'items[1].price: this must be more than 0.'),
        ({'name': 'Ann', 'items': [{}, {}, {}]}, 'items: at most 2 entries fit.'),
        ({'name': 'Ann', 'extra': 1}, 'The object: extra is not known here.'),
    ],
)
def test_what_does_not_fit_is_told_by_its_path(value: object, words: str) -> None:
    assert told(ORDER, value) == words


def test_rules_without_words_are_told_by_their_names_and_a_few_are_enough() -> None:
    either = {'oneOf': [{'required': ['a']}, {'required': ['b']}]}
    assert told(either, {}) == "The object: this does not fit the app's schema (oneOf)."
    many = {'properties': {letter: {'type': 'string'} for letter in 'abcdef'}}
    assert told(many, dict.fromkeys('abcdef', 1)).count('string') == 3
    long = {'properties': {'a': {'enum': ['x' * 60, 'y' * 60]}}}
    assert len(told(long, {'a': 1})) < 200


def test_drafts_are_those_that_schemas_name() -> None:
    schema = {'properties': {'a': {'exclusiveMinimum': True, 'minimum': 3}}}
    assert told({'$schema': 'http://json-schema.org/draft-04/schema#', **schema}, {'a': 3}) != ''
    assert told(schema, {'a': 3}) == ''  # of today's it is none, so everything fits


@pytest.mark.parametrize(
    'schema',
    [
        {'type': 'objekt'},
        {'properties': []},
        {'$ref': '#/definitions/nothing'},
        {'properties': {'a': {'pattern': '('}}},
        {'properties': {'a': {'pattern': '(a{1000}){1000}'}}},
        {'$schema': 'https://example.com/own'},
        ['no schema'],
        'no schema',
        7,
    ],
)
def test_a_schema_that_is_none_takes_everything(schema: object) -> None:
    assert mismatches(json.dumps(schema), {'a': 'b'}) == ()
    assert mismatches('{', {'a': 'b'}) == ()
    assert mismatches('{"not":' * 20_000 + '{}' + '}' * 20_000, {'a': 'b'}) == ()


@pytest.mark.parametrize('where', ['http://127.0.0.1:{port}/a.json', 'http://localhost:{port}/a.json#/b'])
def test_nobody_is_asked_for_what_a_schema_refers_to(where: str) -> None:
    with socket.create_server(('127.0.0.1', 0)) as server:
        server.settimeout(0.2)
        address = where.format(port=server.getsockname()[1])
        assert mismatches(json.dumps({'properties': {'a': {'$ref': address}}}), {'a': 1}) == ()
        assert mismatches(json.dumps({'$schema': address}), {'a': 1}) == ()
        with pytest.raises(TimeoutError):
            server.accept()
    assert mismatches('{"$ref": "file:///etc/passwd"}', {}) == ()


@pytest.mark.parametrize(
    ('pattern', 'is_judged'),
    [('^(a+)+$', True), ('^(?=(a+)+$)b', True), (r'^(a|a)*\1$', False)],  # a back-reference takes too many tries
)
def test_a_pattern_made_to_be_slow_is_not(pattern: str, is_judged: bool) -> None:
    words = told({'properties': {'a': {'pattern': pattern}}}, {'a': 'a' * 40_000 + 'b'})
    assert words == (f'a: this must match the pattern {pattern}' if is_judged else '')


def test_a_back_reference_is_judged_where_that_is_quick() -> None:
    schema = {'properties': {'a': {'pattern': r'^(a|b)\1$'}}}
    assert told(schema, {'a': 'bb'}) == ''
    assert told(schema, {'a': 'ab'}) != ''


def test_a_schema_that_refers_to_itself_ends() -> None:
    tree = {'type': 'object', 'properties': {'left': {'$ref': '#'}, 'right': {'$ref': '#'}}}
    value: dict[str, object] = {'left': {'right': 1}}
    assert told(tree, value) == 'left.right: this must be of the type object.'
    assert mismatches('{"$ref": "#"}', {}) == ()


HERE = {'$ref': '#'}
CONDITION = {'$ref': '#/$defs/condition'}
CONDITIONS = {
    '$ref': '#/$defs/condition',
    '$defs': {
        'condition': {
            'type': 'object',
            'oneOf': [{'$ref': f'#/$defs/{each}'} for each in ('and', 'or', 'not', 'comparison')],
        },
        **{
            each: {'required': [each], 'properties': {each: {'type': 'array', 'items': CONDITION}}}
            for each in ('and', 'or')
        },
        'not': {'properties': {'not': CONDITION, 'and': {'items': CONDITION}}},
        'comparison': {'properties': {'left': {'type': 'string'}, 'and': {'items': CONDITION}}},
    },
}


def test_choices_within_choices_end() -> None:
    value: dict[str, object] = {'left': 1}
    for _ in range(12):
        value = {'and': [value]}
    assert told(CONDITIONS, value) == "The object: this does not fit the app's schema (oneOf)."
    assert told(CONDITIONS, []) == 'The object: this must be of the type object.'


@pytest.mark.parametrize(
    'schema',
    [
        {'properties': {'a': {'anyOf': [HERE, HERE]}}},
        {'properties': {'a': {'allOf': [HERE, HERE]}}},
        {'properties': {'a': HERE}, 'patternProperties': {'a': HERE, '^a': HERE}},
        {'properties': {'a': HERE}, 'dependentSchemas': {'a': {'properties': {'a': HERE}}}},
        {'properties': {'a': {'$ref': '#', '$dynamicRef': '#', 'properties': {'a': HERE}}}},
        {'properties': {'a': HERE | {'properties': {'a': HERE}}}},
        {'properties': {'a': {'if': HERE, 'then': HERE, 'else': HERE}}},
        {'properties': {'a': {'allOf': [HERE, HERE]}}, 'unevaluatedProperties': HERE},
        {'properties': {'b': HERE}, 'additionalProperties': HERE, 'allOf': [{'additionalProperties': HERE}]},
    ],
)
@pytest.mark.parametrize(('leaf', 'fits'), [({}, True), (1, False)])
def test_a_schema_that_comes_upon_itself_twice_ends(schema: dict[str, object], leaf: object, fits: bool) -> None:
    value = leaf
    for _ in range(inputs.MAX_DEPTH - 2):
        value = {'a': value}
    assert (told({'type': 'object', **schema}, value) == '') == fits


def test_what_is_plain_is_told_beside_a_choice() -> None:
    schema = {
        'properties': {'if': {'type': 'string'}, 'a': {'enum': [{'not': 1}]}},
        'allOf': [{'required': ['b']}],
        'not': {'anyOf': [{'required': ['c']}]},
        'unevaluatedProperties': False,
    }
    assert told(schema, {'if': 1, 'a': 2}) == (
        'if: this must be of the type string. a: this must be one of {"not": 1}. The object: “b” is missing.'
    )
    assert told(schema, {'a': {'not': 1}, 'b': 1}).startswith('The object: this does not fit')
    assert told({'anyOf': [{'type': 'string'}], 'properties': {'a': {'$ref': '#/anyOf/0'}}}, {}).count('anyOf') == 1


def test_a_form_refuses_what_does_not_fit_and_says_what() -> None:
    with pytest.raises(FormUnfit) as unfit:
        inputs.complete([FIELD], {'order': '{"name": 1}'})
    assert unfit.value.problems == {'order': 'schema'}
    assert unfit.value.mismatches == {'order': (Mismatch('name', 'type', 'string'),)}
    assert inputs.complete([FIELD], {'order': {'name': 'Ann'}}) == {'order': {'name': 'Ann'}}
    assert inputs.complete([FIELD], {}) == {}
    default = Field('order', 'Order', 'json_object', default='{"name": 1}', json_schema=FIELD.json_schema)
    assert inputs.complete([default], {}) == {}  # an app's own may not fit
    assert inputs.mismatches([FIELD], {'order': '{"name": 1}'}) == unfit.value.mismatches
    assert inputs.mismatches([FIELD], {'order': '{'}) == {}


def test_a_host_is_told_what_does_not_fit() -> None:
    with pytest.raises(Refused, match='inputs_unfit') as unfit:
        inputs.of_host('{"order": {"name": 1}}', [FIELD])
    assert 'schema: name type string' in unfit.value.detail
