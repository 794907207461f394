"""What a person is asked, and what counts as an answer."""

import json

import pytest

from webapp.chat.form import Action, Answer, Field, Kind, UnfitError, actions, answer, fields, pieces, told
from webapp.chat.message import FormPart

INPUTS = [
    {'type': 'paragraph', 'output_variable_name': 'first_name', 'resolved': 'Ann'},
    {'type': 'select', 'output_variable_name': 'size', 'option_source': {'type': 'constant', 'value': ['s', 'm', 7]}},
    {'type': 'file-list', 'output_variable_name': 'proofs', 'number_limits': 2},
]
ACTIONS = [{'id': 'yes', 'title': 'Yes', 'button_style': 'primary'}, {'id': 'no'}]


def form(content: str = '', inputs: object = INPUTS, buttons: object = ACTIONS) -> FormPart:
    return FormPart('f', 't', 'Title', content, json.dumps(inputs), json.dumps(buttons))


def test_fields_and_buttons_by_their_definitions() -> None:
    assert fields(form()) == (
        Field('first_name', Kind.PARAGRAPH, 'Ann'),
        Field('size', Kind.SELECT, options=('s', 'm')),
        Field('proofs', Kind.FILES, most=2),
    )
    assert [field.label for field in fields(form())] == ['First name', 'Size', 'Proofs']
    assert actions(form()) == (Action('yes', 'Yes', is_main=True), Action('no', 'no'))


@pytest.mark.parametrize('inputs', [None, 7, 'text', [None, 7, {}], [{'output_variable_name': ''}]])
def test_definitions_that_say_nothing_ask_nothing(inputs: object) -> None:
    assert fields(form(inputs=inputs)) == ()
    assert actions(form(buttons=inputs)) == ()


def test_a_field_of_an_unknown_kind_takes_text_and_a_default_counts_if_it_is_constant() -> None:
    strange = {'type': 'hologram', 'output_variable_name': 'x', 'default': {'type': 'constant', 'value': 'v'}}
    variable = {'type': 'paragraph', 'output_variable_name': 'y', 'default': {'type': 'variable', 'value': 'v'}}
    assert fields(form(inputs=[strange, variable])) == (Field('x', Kind.PARAGRAPH, 'v'), Field('y', Kind.PARAGRAPH))


def test_fields_stand_where_the_content_names_them_once_and_the_others_follow() -> None:
    name, size, proofs = fields(form())
    content = '# Hello\n\n{{#$output.size#}}\n\nand {{#$output.size#}}{{#$output.nobody#}}'
    assert pieces(form(content)) == ('# Hello\n\n', size, '\n\nand ', name, proofs)


@pytest.mark.parametrize(
    ('action', 'values'),
    [
        ('maybe', {}),
        ('yes', {'size': 'm', 'proofs': []}),
        ('yes', {'first_name': 7, 'size': 'm', 'proofs': []}),
        ('yes', {'first_name': 'x' * 100_001, 'size': 'm', 'proofs': []}),
        ('yes', {'first_name': 'x', 'size': 'xl', 'proofs': []}),
        ('yes', {'first_name': 'x', 'size': 'm', 'proofs': ['a', 'b', 'c']}),
    ],
    ids=['button', 'missing', 'number', 'long', 'option', 'files'],
)
def test_what_the_form_does_not_take(action: str, values: dict[str, object]) -> None:
    with pytest.raises(UnfitError):
        answer(form(), action, values)


def test_an_answer_has_a_value_for_each_field_and_nothing_else() -> None:
    values = {'first_name': '', 'size': 'm', 'proofs': ['a'], 'more': 'x'}
    assert answer(form(), 'no', values) == Answer({'first_name': '', 'size': 'm'}, {'proofs': ['a']})


def test_what_was_answered_reads_like_the_question() -> None:
    asked = form('Size: {{#$output.size#}}')
    assert told(asked, 'yes', {'first_name': 'Ann', 'size': 'm', 'proofs': ''}) == 'Size: m\n\nAnn\n\n**Yes**'
