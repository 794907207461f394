"""A form and its values, as a person sees them: also when the app has changed since."""

import json

from webapp.apps import About, App
from webapp.ui import form_views
from webapp.ui.components.inputs import FileLink, ValueView
from webapp.upstream.client import DifyClient
from webapp.upstream.parameters import Field, Info, Parameters

FILE = {'file_id': 'a' * 32, 'name': 'photo.png', 'kind': 'image', 'size': 7}
LINK = FileLink('a' * 32, 'photo.png', '/files/' + 'a' * 32)
FORM = (
    Field('name', 'Your name', 'text-input', is_required=True, max_length=48),
    Field('age', 'Age', 'number', default='36'),
    Field('agreed', 'Agreed', 'checkbox'),
    Field('more', 'More', 'json_object'),
    Field('photo', 'Photo', 'file', file_types=('image',)),
    Field('plan', 'Plan', 'text-input', is_hidden=True, default='free'),
)


def app(form: tuple[Field, ...] = FORM, opening: str = '') -> App:
    made = App('demo', DifyClient('http://127.0.0.1:9', 'key'))
    made.known = About(Info('Demo', 'chat'), Parameters(form=form, opening_statement=opening))
    return made


def url(file_id: str) -> str:
    return f'/files/{file_id}'


def test_a_field_begins_with_its_default_or_with_what_the_host_says() -> None:
    by_name = {field.variable: field for field in form_views.fields(app(), {'name': 'Ada', 'more': {'a': 1}})}
    assert by_name.keys() == {'name', 'age', 'agreed', 'more', 'photo'}  # and not what is hidden
    assert (by_name['name'].value, by_name['name'].host, by_name['name'].most) == ('Ada', True, 48)
    assert (by_name['age'].value, by_name['age'].host) == ('36', False)
    assert by_name['agreed'].value is False
    assert by_name['more'].value == '{\n  "a": 1\n}'
    assert by_name['photo'].uploads
    assert (by_name['photo'].uploads.kinds, by_name['photo'].uploads.per_message) == (('image',), 1)


def test_what_was_begun_with_is_told_without_what_is_hidden_or_empty() -> None:
    kept = {'name': 'Ada', 'age': 2.5, 'agreed': True, 'more': {'a': 'ä'}, 'photo': FILE, 'plan': 'gold', 'gone': 'x'}
    assert form_views.told(app(), kept, url) == [
        ValueView('Your name', 'Ada'),
        ValueView('Age', '2.5'),
        ValueView('Agreed', 'Yes'),
        ValueView('More', '{"a": "ä"}'),
        ValueView('Photo', 'photo.png', (LINK,)),
    ]
    assert form_views.told(app(), {'name': ' '}, url) == []
    assert form_views.told(app(FORM[-1:]), kept, url) is None
    assert form_views.told(app(()), kept, url) is None


def test_only_fields_for_files_hold_links_and_those_lead_to_the_web() -> None:
    lure = {'file_id': '0', 'name': 'Open me', 'link': 'javascript:alert(1)'}
    assert form_views.links(app(), {'more': lure, 'gone': lure}, url) == {}
    told = form_views.told(app(), {'more': lure}, url)
    assert told == [ValueView('More', json.dumps(lure))]
    assert form_views.links(app(), {'photo': lure}, url) == {'photo': ()}
    unsafe = FILE | {'link': 'javascript:alert(1)'}
    assert form_views.links(app(), {'photo': unsafe}, url) == {'photo': (LINK,)}
    address = 'https://example.com/photo.png'
    elsewhere = FileLink('a' * 32, 'photo.png', address, is_elsewhere=True)
    assert form_views.links(app(), {'photo': FILE | {'link': address}}, url) == {'photo': (elsewhere,)}


def test_values_of_another_time_do_not_break_a_field() -> None:
    swapped = {'name': True, 'age': {'a': 1}, 'agreed': 'yes', 'more': 'text', 'photo': 'text'}
    assert form_views.written(app(), swapped) == {'name': '', 'age': '', 'agreed': False, 'more': 'text'}
    assert form_views.written(app(), {}) == {'name': '', 'age': '', 'agreed': False, 'more': ''}
    told = form_views.told(app(), swapped, url)
    assert told
    assert [view.label for view in told] == ['Your name', 'Age', 'Agreed', 'More']


def test_a_host_that_has_filled_in_everything_leaves_nothing_to_ask() -> None:
    everything = {'name': 'Ada', 'age': 3, 'agreed': False, 'more': {'a': 1}}
    assert form_views.is_filled(app(), everything)  # it can't choose files
    assert not form_views.is_filled(app(), {'name': 'Ada'})
    assert not form_views.is_filled(app(FORM[-1:]), {})
    needs_file = (*FORM[:1], Field('photo', 'Photo', 'file', is_required=True))
    assert not form_views.is_filled(app(needs_file), {'name': 'Ada'})


def test_only_what_the_opening_says_of_hidden_fields_is_told() -> None:
    assert form_views.texts(app(opening='Hello {{name}}'), {}, all_=False) == {}
    assert form_views.texts(app(opening='On {{plan}}'), {'plan': 'gold'}, all_=False) == {'plan': 'gold'}
    assert form_views.texts(app(opening='Hello {{name}}'), {'name': 'Ada'}, all_=True) == {'name': 'Ada'}
