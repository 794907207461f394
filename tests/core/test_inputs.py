"""Values of an app's form: what fits, what is kept, and what goes to Dify."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from support.form_cases import CASES, FORM

from webapp import inputs
from webapp.errors import FormUnfit, Refused
from webapp.store.files import File, Source
from webapp.upstream.parameters import Field, Parameters, Uploads, parameters

RECORDINGS = Path(__file__).parents[1] / 'recordings'
PHOTO = 'f' * 32
NOTES = 'e' * 32
NAME = Field('name', 'Name', 'text-input', is_required=True)


def file(id_: str, kind: str) -> File:
    now = datetime.now(UTC)
    return File(id_, 'ann', 'demo', Source.USER, kind, f'{kind}.x', 'x/x', 7, now, upstream_id=f'dify-{kind}')


def problems(form: tuple[Field, ...], values: dict[str, object]) -> dict[str, str]:
    with pytest.raises(FormUnfit) as unfit:
        inputs.complete(form, values)
    return unfit.value.problems


@pytest.mark.parametrize(('variable', 'value', 'problem'), CASES)
def test_what_people_may_write_into_a_field(variable: str, value: object, problem: str) -> None:
    (field,) = (field for field in FORM if field.variable == variable)
    if problem:
        assert problems((field,), {variable: value}) == {variable: problem}
    else:
        inputs.complete((field,), {variable: value})


@pytest.mark.parametrize(
    ('control', 'value', 'kept'),
    [
        ('text-input', '', {'x': ''}),  # else a chat app's prompt says None
        ('text-input', None, {'x': ''}),
        ('paragraph', 'a\n b ', {'x': 'a\n b '}),
        ('select', '', {}),  # else Dify refuses it
        ('select', 'a', {'x': 'a'}),
        ('number', '', {}),
        ('number', ' 42 ', {'x': 42}),
        ('number', '-2.50', {'x': -2.5}),
        ('number', 1e3, {'x': 1000.0}),
        ('checkbox', True, {'x': True}),
        ('checkbox', None, {'x': False}),
        ('json_object', ' {"a": [1, null]} ', {'x': {'a': [1, None]}}),
        ('json_object', '', {}),
        ('file', None, {}),
        ('file', {'file_id': PHOTO, 'name': 'x'}, {'x': {'file_id': PHOTO}}),
        ('file-list', [], {}),
        ('file-list', [{'file_id': PHOTO}], {'x': [{'file_id': PHOTO}]}),
    ],
)
def test_what_is_kept(control: str, value: object, kept: dict[str, object]) -> None:
    form = (Field('x', 'X', control, options=('a', 'b')),)
    assert inputs.complete(form, {'x': value}) == kept
    assert inputs.complete(form, kept) == kept or not kept


@pytest.mark.parametrize(
    ('control', 'default', 'kept'),
    [
        ('text-input', 'Ada', {'x': 'Ada'}),
        ('text-input', None, {'x': ''}),
        ('text-input', 5, {'x': ''}),
        ('select', 'a', {'x': 'a'}),
        ('select', 'gone', {}),
        ('number', '36', {'x': 36}),
        ('number', '', {}),
        ('checkbox', 'true', {'x': True}),
        ('checkbox', None, {'x': False}),
        ('json_object', {'a': 1}, {'x': {'a': 1}}),
        ('file', 'whatever', {}),
    ],
)
@pytest.mark.parametrize('is_hidden', [True, False])
def test_what_nobody_touched_has_its_default(
    control: str, default: object, kept: dict[str, object], is_hidden: bool
) -> None:
    form = (Field('x', 'X', control, is_hidden=is_hidden, default=default, options=('a', 'b')),)
    assert inputs.complete(form, {}) == kept


def test_everything_that_is_wrong_is_told_at_once() -> None:
    form = (NAME, Field('age', 'Age', 'number'), Field('plan', 'Plan', 'text-input', is_required=True, is_hidden=True))
    assert problems(form, {'age': 'old', 'role': 'admin'}) == {
        'name': 'required',
        'age': 'no_number',
        'role': 'unknown',
    }
    assert problems(form, {'name': ' \n'}) == {'name': 'required'}


def test_what_is_hidden_is_for_the_host_to_fill_in_and_not_for_a_visitor() -> None:
    form = (NAME, Field('plan', 'Plan', 'text-input', is_hidden=True, default='free'))
    host = inputs.of_host('{"plan": "gold", "name": "from the host"}', form)
    assert inputs.complete(form, inputs.of_person('{"name": "Ada"}', form, host)) == {'name': 'Ada', 'plan': 'gold'}
    assert inputs.complete(form, inputs.of_person('', form, host)) == {'name': 'from the host', 'plan': 'gold'}
    with pytest.raises(FormUnfit) as unfit:
        inputs.of_person('{"name": "Ada", "plan": "gold"}', form, {})
    assert unfit.value.problems == {'plan': 'unknown'}
    assert inputs.of_person('{"name": "Ada"}', (NAME,), host) == {'name': 'Ada'}  # the app has changed since


@pytest.mark.parametrize('text', ['', 'null', '[]', '"x"', '{', '[' * 100_000])
def test_what_is_no_object_says_nothing(text: str) -> None:
    with pytest.raises(Refused, match='no object'):
        inputs.of_host(text, (NAME,))
    if text:
        with pytest.raises(FormUnfit):
            inputs.of_person(text, (NAME,), {})


@pytest.mark.parametrize(
    ('text', 'why'),
    [
        ('{"role": "admin"}', "the form has no 'role'; its fields: name, photo"),
        ('{"name": 5}', "'name' takes something else (text-input): no_text"),
        (f'{{"photo": {{"file_id": "{PHOTO}"}}}}', "'photo' takes something else (file): no_file"),
    ],
)
def test_a_host_is_told_what_does_not_fit(text: str, why: str) -> None:
    with pytest.raises(Refused) as refused:
        inputs.of_host(text, (NAME, Field('photo', 'Photo', 'file')))
    assert (refused.value.code, refused.value.detail) == ('inputs_unfit', why)


PICTURES = (
    Field('photo', 'Photo', 'file', file_types=('image',)),
    Field('all', 'All', 'file-list', file_types=('image', 'document'), max_length=2),
    Field('json', 'JSON', 'json_object'),
)


def test_files_are_kept_by_our_ids_and_sent_by_those_of_dify() -> None:
    found = {PHOTO: file(PHOTO, 'image'), NOTES: file(NOTES, 'document')}
    given = {'photo': {'file_id': PHOTO}, 'all': [{'file_id': NOTES}], 'json': {'file_id': 'of no file'}}
    values = inputs.complete(PICTURES, given)
    assert inputs.enclosed(PICTURES, values) == [PHOTO, NOTES]
    kept = inputs.with_files(PICTURES, values, found)
    assert kept['photo'] == {'file_id': PHOTO, 'name': 'image.x', 'kind': 'image', 'size': 7}
    assert 'dify' not in json.dumps(kept)
    assert inputs.file_ids(PICTURES, kept) == inputs.file_ids((), kept) == [PHOTO, NOTES]
    local = {'transfer_method': 'local_file'}
    assert inputs.references(PICTURES, kept, found) == {
        'photo': {'type': 'image', 'upload_file_id': 'dify-image'} | local,
        'all': [{'type': 'document', 'upload_file_id': 'dify-document'} | local],
        'json': {'file_id': 'of no file'},
    }


def test_an_object_that_looks_like_a_file_stays_what_it_is() -> None:
    found = {PHOTO: file(PHOTO, 'image')}
    kept = inputs.with_files(PICTURES, {'photo': {'file_id': PHOTO}, 'json': {'file_id': PHOTO}}, found)
    assert kept['json'] == {'file_id': PHOTO}
    for json_ in ({'file_id': PHOTO}, kept['photo'], [kept['photo']]):
        values = {'photo': kept['photo'], 'json': json_}
        assert inputs.file_ids(PICTURES, values) == [PHOTO]
        assert inputs.references(PICTURES, values, found)['json'] == json_


@pytest.mark.parametrize(
    ('changed', 'is_one'),
    [
        ({}, True),
        ({'link': 'https://example.com/photo.png'}, True),
        ({'link': 'javascript:alert(1)'}, False),
        ({'link': 7}, False),
        ({'file_id': '0'}, False),
        ({'size': 'large'}, False),
        ({'more': 1}, False),
    ],
)
def test_a_file_whose_field_is_gone_is_told_by_how_it_was_kept(changed: dict[str, object], is_one: bool) -> None:
    found = {PHOTO: file(PHOTO, 'image')}
    kept = inputs.with_files(PICTURES, {'photo': {'file_id': PHOTO}}, found)['photo']
    assert isinstance(kept, dict)
    values: dict[str, object] = {'photo': kept | changed}
    assert inputs.file_ids((), values) == ([PHOTO] if is_one else [])
    assert (inputs.references((), values, found) != values) == is_one


def test_files_that_are_not_there_or_of_another_kind_are_refused() -> None:
    values = inputs.complete(PICTURES, {'photo': {'file_id': NOTES}, 'all': [{'file_id': PHOTO}]})
    with pytest.raises(FormUnfit) as unfit:
        inputs.with_files(PICTURES, values, {NOTES: file(NOTES, 'document')})
    assert unfit.value.problems == {'photo': 'other_kind', 'all': 'file_gone'}


def test_a_field_has_its_own_rules_for_files() -> None:
    of_app = Parameters(form=PICTURES, uploads=Uploads(megabytes={'image': 1.0}))
    assert inputs.uploads(of_app, '') == of_app.uploads
    photo, several = inputs.uploads(of_app, 'photo'), inputs.uploads(of_app, 'all')
    assert (photo.is_enabled, photo.types, photo.per_message, photo.megabytes) == (True, ('image',), 1, {'image': 1.0})
    assert (several.types, several.per_message) == (('image', 'document'), 2)
    assert not inputs.uploads(of_app, 'json').is_enabled
    assert not inputs.uploads(of_app, 'elsewhere').is_enabled


def recorded(name: str) -> Parameters:
    raw = (RECORDINGS / f'{name}-parameters.http').read_bytes().partition(b'\r\n\r\n')[2]
    return parameters(json.loads(raw))


@pytest.mark.parametrize(
    ('name', 'app', 'is_taken'),
    [
        ('chat-stream-new', 'chat', True),
        ('chat-input-number-string-ok', 'chat', True),
        ('chat-input-checkbox-as-text', 'chat', False),  # Dify lets any text pass for a checkbox
        ('error-input-too-long', 'chat', False),
        ('error-input-bad-select', 'chat', False),
        ('error-input-number-as-text', 'chat', False),
        ('error-required-input-missing', 'chat', False),
        ('chat-continue-other-inputs', 'chat', True),
        ('chatflow-continue-other-inputs', 'chatflow', True),
        ('chatflow-continue-empty-inputs', 'chatflow', False),
    ],
)
def test_what_dify_takes_or_refuses_is_taken_or_refused(name: str, app: str, is_taken: bool) -> None:
    sent = json.loads((RECORDINGS / f'{name}.json').read_text())['request']['body']['inputs']
    form = recorded(app).form
    sent.pop('extra', None)  # Dify ignores what no field asks for
    if not is_taken:
        assert problems(form, sent)
        return
    kept = inputs.complete(form, sent)
    assert {name: kept[name] for name in sent} == {
        name: int(value) if name == 'age' else value for name, value in sent.items()
    }


def test_what_is_sent_to_a_recorded_app_has_no_holes() -> None:
    chat = inputs.complete(recorded('chat').form, {'name': 'Ada'})
    assert chat == {'name': 'Ada', 'background': '', 'tone': 'casual', 'verbose': False}
    chatflow = inputs.complete(recorded('chatflow').form, {'name': 'A'})
    assert chatflow == {'name': 'A', 'notes': '', 'verbose': False}


def test_the_recorded_files_have_the_shape_that_we_send() -> None:
    sent = json.loads((RECORDINGS / 'chatflow-stream-file-inputs.json').read_text())['request']['body']['inputs']
    photo = replace(file(PHOTO, 'image'), upstream_id=sent['doc']['upload_file_id'])
    form = recorded('chatflow').form
    given = sent | {'doc': {'file_id': PHOTO}, 'pics': [{'file_id': PHOTO}]}
    values = inputs.references(form, inputs.complete(form, given), {PHOTO: photo})
    assert (values['doc'], values['pics']) == (sent['doc'], sent['pics'][:1])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(PHOTO),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(['file_id', 'a', '']), inner),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # its tables of characters are made with the first example
@given(st.dictionaries(st.sampled_from([field.variable for field in FORM] + ['unknown']), VALUES))
def test_whatever_is_given_is_kept_whole_or_refused(values: dict[str, object]) -> None:
    try:
        kept = inputs.complete(FORM, values)
    except FormUnfit:
        return
    assert kept.keys() <= {field.variable for field in FORM}
    json.dumps(kept, allow_nan=False)
    assert inputs.complete(FORM, kept) == kept
