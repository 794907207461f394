"""What an app says of itself, in both generations of settings."""

from dataclasses import replace

import pytest
from stage import Stage, recording, whole

from webapp.upstream.client import DifyClient
from webapp.upstream.parameters import Field, Info, Site, Speech, ToolIcon, Uploads, parameters, site
from webapp.upstream.records import file_name, file_type


async def test_recorded_parameters_of_a_chat_app(client: DifyClient, theatre: Stage) -> None:
    theatre.play(recording('chat-parameters').act())
    found = await client.parameters()
    assert found.opening_statement == 'Hello {{name}}, I am the *real* Dify test bot. How can I help?'
    assert found.suggested_questions == ('What can you do?', 'Tell me about {{tone}} speech')
    assert (found.suggests_after_answer, found.hears) == (True, False)
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


@pytest.mark.parametrize('mode', ['chat', 'agent-chat', 'advanced-chat', 'agent', 'completion', 'workflow', 'of 2030'])
async def test_an_app_introduces_itself(mode: str, client: DifyClient, theatre: Stage) -> None:
    theatre.play(whole({'name': 'Trips', 'description': 'How to get there', 'mode': mode, 'author_name': 'Eve'}))
    told = await client.info()
    assert told == Info('Trips', mode, 'How to get there')
    assert told.is_chat is (mode in {'chat', 'agent-chat', 'advanced-chat', 'agent'})


@pytest.mark.parametrize(
    ('said', 'speech'),
    [
        ({'enabled': True, 'autoPlay': 'enabled', 'voice': 'alloy', 'language': 'en-US'}, Speech(True, True)),
        ({'enabled': True, 'autoPlay': 'disabled'}, Speech(True, False)),
        ({'enabled': False, 'autoPlay': 'enabled'}, Speech(False, True)),
        ({'enabled': 'yes'}, Speech()),
        ({}, Speech()),
        (None, Speech()),
    ],
)
def test_an_app_says_how_it_speaks(said: object, speech: Speech) -> None:
    assert parameters({'text_to_speech': said}).speech == speech


FILES = {
    'allowed_file_types': ['image', 'custom'], 'allowed_file_extensions': ['.PNG', 'md'],
    'allowed_file_upload_methods': ['local_file', 'remote_url'], 'max_length': 3,
}  # fmt: skip


@pytest.mark.parametrize(
    'control', ['text-input', 'paragraph', 'select', 'number', 'checkbox', 'file', 'file-list', 'json_object']
)
def test_a_field_of_a_form_is_all_there(control: str) -> None:
    said = {
        'variable': 'v', 'label': 'Label', 'required': True, 'hide': True, 'default': 'a', 'description': 'What it is',
        'options': ['a', 'b', ' '], 'type': control, 'placeholder': 'Such as a', 'unit': 'km',
    }  # fmt: skip
    (field,) = parameters({'user_input_form': [{control: said | FILES}]}).form
    assert field == Field(
        'v', 'Label', control, is_required=True, is_hidden=True, default='a', description='What it is',
        placeholder='Such as a', unit='km', options=('a', 'b'), max_length=3, file_types=('image', 'custom'),
        file_extensions=('.png', '.md'), upload_methods=('local_file', 'remote_url'),
    )  # fmt: skip


SIZES = {
    'image_file_size_limit': 1, 'audio_file_size_limit': '2', 'video_file_size_limit': 3.5, 'file_size_limit': 4,
    'workflow_file_upload_limit': 5,
}  # fmt: skip


@pytest.mark.parametrize(
    ('said', 'document'),
    [
        ({'system_parameters': SIZES}, 4),
        ({'file_upload': {'enabled': True, 'fileUploadConfig': SIZES}}, 4),
        ({'file_upload': {'enabled': True, 'fileUploadConfig': SIZES}, 'system_parameters': {'file_size_limit': 9}}, 9),
    ],
)
def test_sizes_are_told_by_kind_in_either_place(said: dict, document: int) -> None:
    megabytes = parameters(said).uploads.megabytes
    assert megabytes == {'image': 1, 'audio': 2, 'video': 3.5, 'document': document}


@pytest.mark.parametrize(
    ('number', 'limits', 'most'),
    [
        (5, {}, 5),
        (20, {}, 10),
        (20, {'workflow_file_upload_limit': 15}, 15),
        (3, {'workflow_file_upload_limit': 15}, 3),
        (None, {'workflow_file_upload_limit': 2}, 2),
    ],
)
def test_no_message_has_more_files_than_the_server_takes(number: int | None, limits: dict, most: int) -> None:
    uploads = {'enabled': True, 'number_limits': number}
    assert parameters({'file_upload': uploads, 'system_parameters': limits}).uploads.per_message == most
    assert parameters({'file_upload': uploads | {'fileUploadConfig': limits}}).uploads.per_message == most


async def test_tools_have_pictures_or_emojis(client: DifyClient, theatre: Stage) -> None:
    odd = {'content': '🌦', 'background': 'red;} body{display:none'}
    icons = {'draw': '/console/api/icon', 'weather': odd | {'background': '#D5F5F6'}, 'odd': odd, 'none': None}
    theatre.play(whole({'tool_icons': icons}))
    assert await client.meta() == {
        'draw': ToolIcon(url='/console/api/icon'),
        'weather': ToolIcon(emoji='🌦', background='#D5F5F6'),
        'odd': ToolIcon(emoji='🌦'),
    }


async def test_the_look_of_an_app(client: DifyClient, theatre: Stage) -> None:
    said = {
        'title': 'Trips', 'description': 'How to get there', 'chat_color_theme': '#1C64F2', 'icon_type': 'emoji',
        'icon': '🧭', 'icon_background': '#D5F5F6', 'icon_url': '/files/icon.png?sign=s', 'copyright': 'Trips Ltd',
        'privacy_policy': 'https://trips.example/privacy', 'custom_disclaimer': 'It may err.',
        'input_placeholder': 'Where to?', 'show_workflow_steps': False,
    }  # fmt: skip
    theatre.play(whole(said), whole(said | {'icon_type': 'image', 'show_workflow_steps': None}))
    look = Site(
        description='How to get there', theme_color='#1C64F2', icon='🧭', icon_background='#D5F5F6',
        icon_url='/files/icon.png?sign=s', copyright='Trips Ltd', privacy_policy='https://trips.example/privacy',
        disclaimer='It may err.', placeholder='Where to?', shows_steps=False,
    )  # fmt: skip
    assert await client.site() == look
    assert await client.site() == replace(look, icon='', shows_steps=True)


def test_colours_of_a_site_are_colours() -> None:
    assert site({'chat_color_theme': '#1C64F2'}).theme_color == '#1C64F2'
    for other in ('red;} body{display:none', '#abc', '#11223344', 7, None):
        assert site({'chat_color_theme': other}).theme_color == ''


async def test_app_without_a_site_has_no_look(client: DifyClient, theatre: Stage) -> None:
    theatre.play(whole({'code': 'forbidden', 'message': '', 'status': 403}, 403))
    assert await client.site() == Site()


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
