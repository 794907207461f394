"""What an app says of itself, in both generations of settings."""

import pytest
from stage import Stage, recording, whole

from webapp.upstream.client import DifyClient
from webapp.upstream.parameters import Field, Uploads, parameters, site
from webapp.upstream.records import file_name, file_type


async def test_recorded_parameters_of_a_chat_app(client: DifyClient, theatre: Stage) -> None:
    theatre.play(recording('chat-parameters').act())
    found = await client.parameters()
    assert found.opening_statement == 'Hello {{name}}, I am the *real* Dify test bot. How can I help?'
    assert found.suggested_questions == ('What can you do?', 'Tell me about {{tone}} speech')
    assert (found.suggests_after_answer, found.hears, found.has_citations, found.is_moderated) == (
        True,
        False,
        True,
        False,
    )
    assert [(f.variable, f.control, f.is_required) for f in found.form] == [
        ('name', 'text-input', True),
        ('background', 'paragraph', False),
        ('tone', 'select', True),
        ('age', 'number', False),
        ('verbose', 'checkbox', False),
    ]
    assert found.form[2].options == ('formal', 'casual', 'pirate')
    assert (found.form[0].max_length, found.form[4].default) == (20, False)
    assert found.uploads.is_enabled
    assert found.uploads.types == ('image',)
    assert found.uploads.extensions[:2] == ('.jpg', '.jpeg')
    assert (found.uploads.per_message, found.uploads.megabytes['image']) == (3, 10)


@pytest.mark.parametrize('name', ['chatflow-parameters', 'agent-parameters', 'moderated-parameters'])
async def test_other_recorded_parameters(name: str, client: DifyClient, theatre: Stage) -> None:
    theatre.play(recording(name).act())
    found = await client.parameters()
    assert found.is_moderated is (name == 'moderated-parameters')
    assert found.speech.is_automatic is (name == 'moderated-parameters')
    if name == 'chatflow-parameters':
        controls = {field.variable: field.control for field in found.form}
        assert (controls['doc'], controls['pics']) == ('file', 'file-list')


OLD_IMAGE = {'enabled': True, 'number_limits': 2, 'detail': 'high', 'transfer_methods': ['remote_url']}


@pytest.mark.parametrize(
    ('settings', 'uploads'),
    [
        ({}, ()),
        ({'image': OLD_IMAGE}, (('image',), ('remote_url',), 2)),
        ({'image': OLD_IMAGE | {'enabled': False}}, ()),
        ({'enabled': False, 'image': OLD_IMAGE}, ()),
        ({'enabled': True, 'image': OLD_IMAGE}, (('image',), ('remote_url',), 2)),
        (
            {
                'enabled': True,
                'allowed_file_types': ['document'],
                'allowed_file_upload_methods': ['local_file'],
                'number_limits': 5,
            },
            (('document',), ('local_file',), 5),
        ),
        ('garbage', ()),
        ({'enabled': 'yes'}, ()),
    ],
)
def test_two_generations_of_uploads(settings: object, uploads: tuple) -> None:
    found = parameters({'file_upload': settings}).uploads
    if not uploads:
        assert found == Uploads(megabytes=found.megabytes)
    else:
        assert (found.types, found.methods, found.per_message) == uploads


def test_form_tolerates_what_it_does_not_know() -> None:
    items = [
        {'hologram': {'variable': 'h', 'label': ''}},
        {'external_data_tool': {'variable': 'e', 'config': {}}},
        {'select': {'label': 'no variable'}},
        {'json_object': {'variable': 'j', 'hide': True, 'default': {'a': 1}}},
        {'json_object': {'variable': 'k', 'json_schema': {'type': 'object'}}},
        {'json_object': {'variable': 'l', 'json_schema': '{"type":"object"}'}},
        {'json_object': {'variable': 'm', 'json_schema': 'garbage'}},
        'garbage',
        {'number': None},
    ]
    assert parameters({'user_input_form': items}).form == (
        Field('h', 'h', 'text-input'),
        Field('j', 'j', 'json_object', is_hidden=True, default={'a': 1}),
        Field('k', 'k', 'json_object', json_schema='{"type":"object"}'),
        Field('l', 'l', 'json_object', json_schema='{"type":"object"}'),
        Field('m', 'm', 'json_object'),
    )


def test_colours_of_a_site_are_colours() -> None:
    assert site({'chat_color_theme': '#1C64F2'}).theme_color == '#1C64F2'
    assert site({'chat_color_theme': 'red;} body{display:none'}).theme_color == ''


async def test_app_without_a_site_has_no_look(client: DifyClient, theatre: Stage) -> None:
    theatre.play(whole({'code': 'forbidden', 'message': '', 'status': 403}, 403))
    assert (await client.site()).title == ''


@pytest.mark.parametrize(
    ('name', 'type_'),
    [
        ('a.PNG', 'image'),
        ('b.tar.gz', 'custom'),
        ('c.mp3', 'audio'),
        ('d.pdf', 'document'),
        ('e', 'custom'),
        ('f.mov', 'video'),
    ],
)
def test_type_goes_by_extension(name: str, type_: str) -> None:
    assert file_type(name) == type_


@pytest.mark.parametrize(
    ('given', 'sent'),
    [
        ('../../etc/passwd', 'passwd'),
        ('C:\\Users\\ann\\plan.docx', 'plan.docx'),
        ('a"b?.png', 'a_b_.png'),
        ('x' * 300 + '.pdf', 'x' * 196 + '.pdf'),
        ('a\r\nb\0.txt', 'a__b\ufffd.txt'),
        ('', 'file'),
        ('..', 'file'),
        ('résumé 🦊.md', 'résumé 🦊.md'),
    ],
)
def test_names_of_files(given: str, sent: str) -> None:
    assert file_name(given) == sent
