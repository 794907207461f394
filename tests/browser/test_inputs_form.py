"""An app's form: filled in before the first message, folded above the conversation, sent with every turn."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import BrowserContext, Locator, Page, expect
from support import direct
from support.axe import faults
from support.chat import answer_text, answers, ask, begin_another, conversation_id, expect_status, open_page, say
from support.live import live
from support.server import Serve, Server

RECORDINGS = Path(__file__).parents[1] / 'recordings'
PNG = (RECORDINGS / 'tool-file-signed-url.http').read_bytes().partition(b'\r\n\r\n')[2]


@pytest.fixture(scope='module')
def upstream() -> Iterator[str]:
    """The address of a demo whose app has a form."""
    from webapp.upstream.demo import SAMPLE_FORM, build, serve

    demo = build(rate=0, form=SAMPLE_FORM)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve(demo)) as url:
        yield url


@pytest.fixture
def server(serve: Serve, upstream: str) -> Server:
    return serve(DIFY_BASE_URL=upstream)


def form(page: Page) -> Locator:
    return page.get_by_test_id('inputs-form')


def problem(page: Page, variable: str) -> Locator:
    return page.locator(f'[data-variable={variable}]').get_by_test_id('inputs-problem')


def line(page: Page) -> Locator:
    return page.get_by_test_id('inputs-line')


def composed(page: Page) -> Locator:
    return page.get_by_test_id('composer-input')


def attach(page: Page, variable: str, name: str, data: bytes) -> None:
    field = page.locator(f'[data-variable={variable}]')
    field.get_by_test_id('inputs-file').set_input_files(
        {'name': name, 'mimeType': 'application/octet-stream', 'buffer': data}
    )


def test_what_is_missing_is_said_and_the_message_stays(page: Page, server: Server) -> None:
    open_page(page, server.url)
    expect(form(page)).to_be_visible()
    expect(page.get_by_test_id('inputs-problem')).to_have_count(0)
    page.get_by_label('Years of experience').fill('many')
    page.get_by_label('Settings').fill('{"a": ')
    say(page, '/inputs')
    expect(page.get_by_label('Your name')).to_be_focused()
    expect(problem(page, 'name')).to_have_text('Fill this in.')
    expect(page.get_by_label('Your name')).to_have_accessible_description('Fill this in.')
    expect(problem(page, 'years')).to_have_text('Write a number, such as 42 or 2.5.')
    expect(problem(page, 'settings')).to_contain_text('Write a JSON object')
    expect(composed(page)).to_have_value('/inputs')
    expect(page.locator('#composer-note')).to_contain_text('Something in the form above is missing')
    expect(answers(page)).to_have_count(0)
    page.get_by_test_id('suggested-question').last.click()  # a question like any other
    expect(page.get_by_label('Your name')).to_be_focused()
    page.keyboard.type('Ada')
    expect(problem(page, 'name')).to_have_count(0)
    page.get_by_label('Years of experience').fill('36')
    page.get_by_label('Settings').fill('{"a": 1}')
    expect(page.get_by_test_id('inputs-problem')).to_have_count(0)
    page.get_by_test_id('composer-send').click()
    expect_status(page, 'complete')
    for value in ('name: "Ada"', 'years: 36', 'settings: {"a": 1}', 'background: ""', 'verbose: false', 'plan: "free"'):
        expect(answer_text(page)).to_contain_text(value)


def test_the_form_folds_into_a_line_that_stays(context: BrowserContext, server: Server) -> None:
    page = context.new_page()
    open_page(page, server.url)
    page.get_by_label('Your name').fill('Ada')
    page.get_by_label('Tone').select_option('pirate')
    page.get_by_label('Background').fill('Engines. ' * 20)
    ask(page, '/inputs')
    expect(form(page)).to_have_count(0)
    expect(line(page)).to_contain_text('Your name: Ada, Tone: pirate, Background: Engines. Engines. Engines.')
    assert len(line(page).inner_text()) < 140
    expect(line(page)).not_to_contain_text('free')  # what is hidden
    assert 'tone: "pirate"' in ask(page, '/inputs')
    other = context.browser.new_context()  # another device, of a person who is the same
    elsewhere = other.new_page()
    for each in (page, elsewhere):
        open_page(each, f'{server.url}/a/default/c/{conversation_id(page)}')
        expect(line(each)).to_contain_text('Tone: pirate')
        assert 'tone: "pirate"' in ask(each, '/inputs')
    other.close()
    line(page).click()
    expect(page.locator('#inputs-all')).to_contain_text('Engines. ' * 19)
    line(page).click()
    expect(page.locator('#inputs-all')).to_have_count(0)


def test_another_conversation_begins_with_the_same_values(page: Page, server: Server) -> None:
    open_page(page, server.url)
    page.get_by_label('Your name').fill('Ada')
    page.get_by_label('Tone').select_option('formal')
    page.get_by_label('Years of experience').fill('2.5')
    page.get_by_label('Explain every step').check()
    page.get_by_label('Settings').fill('{"a": [1]}')
    attach(page, 'picture', 'photo.png', PNG)
    attach(page, 'documents', 'notes.txt', b'Hello there')
    expect(page.locator('[data-testid=attachment][data-state=ready]')).to_have_count(2)
    first = ask(page, '/inputs')
    assert 'picture: the file photo.png' in first
    before = conversation_id(page)
    page.get_by_test_id('inputs-again').click()
    expect(page.get_by_label('Your name')).to_be_focused()
    expect(page.locator('[data-testid=attachment][data-state=ready]')).to_have_count(2)
    page.get_by_label('Your name').fill('Grace')
    assert ask(page, '/inputs') == first.replace('Ada', 'Grace')
    assert conversation_id(page) != before
    begin_another(page)
    expect(page.get_by_label('Your name')).to_have_value('')
    expect(page.get_by_test_id('attachment')).to_have_count(0)


def test_files_are_shown_with_the_conversation(page: Page, server: Server) -> None:
    open_page(page, server.url)
    page.get_by_label('Your name').fill('Ada')
    attach(page, 'picture', 'notes.txt', b'no picture')
    field = page.locator('[data-variable=picture]')
    expect(field.get_by_test_id('attachment-error')).to_contain_text('This assistant takes images.')
    say(page, '/inputs')
    expect(problem(page, 'picture')).to_have_text('A file was not uploaded. Remove it or try it again.')
    expect(field.get_by_test_id('attachment')).to_be_focused()
    page.keyboard.press('Delete')
    attach(page, 'picture', 'photo.png', PNG)
    expect(field.locator('[data-state=ready]')).to_have_count(1)
    page.reload()  # what was uploaded is still there
    expect(field.locator('[data-state=ready]')).to_have_count(1)
    expect(composed(page)).to_have_value('/inputs')
    page.get_by_test_id('composer-send').click()
    expect_status(page, 'complete')
    expect(answer_text(page)).to_contain_text('picture: the file photo.png')
    line(page).click()
    link = page.locator('#inputs-all').get_by_role('link', name='photo.png')
    assert page.request.get(f'{server.url}{link.get_attribute("href")}').body() == PNG


def test_a_draft_survives_reload_and_other_conversations(page: Page, server: Server) -> None:
    open_page(page, server.url)
    page.get_by_label('Your name').fill('Grace')
    ask(page, '/inputs')
    begin_another(page)
    page.get_by_label('Your name').fill('Ada')
    page.get_by_label('Explain every step').check()
    page.get_by_test_id('conversation-item').first.click()
    expect(line(page)).to_contain_text('Grace')
    begin_another(page)
    expect(page.get_by_label('Your name')).to_have_value('Ada')
    page.reload()
    expect(page.get_by_label('Your name')).to_have_value('Ada')
    expect(page.get_by_label('Explain every step')).to_be_checked()
    expect(page.get_by_label('Tone')).to_have_value('casual')


def test_the_opening_says_what_is_written(page: Page, server: Server) -> None:
    open_page(page, server.url)
    opening, question = page.get_by_test_id('opening-statement'), page.get_by_test_id('suggested-question').first
    expect(opening).to_contain_text('Hello ! I am')  # with the field's name in its place
    hostile = '**Ada** <img src=x onerror=alert(1)> {{tone}}'
    page.get_by_label('Your name').press_sequentially(hostile)
    expect(opening).to_contain_text(f'Hello {hostile}! I am')
    expect(question).to_have_text(f'/inputs What do you know of {hostile}?')
    assert opening.locator('strong, img').count() == 0
    question.click()
    expect_status(page, 'complete')
    expect(page.get_by_test_id('message-user')).to_contain_text(f'What do you know of {hostile}?')


def test_with_the_keyboard_alone(page: Page, server: Server) -> None:
    open_page(page, server.url)
    expect(composed(page)).to_be_focused()
    page.keyboard.type('/inputs')
    page.keyboard.press('Enter')
    expect(page.get_by_label('Your name')).to_be_focused()
    page.keyboard.type('Ada')
    page.keyboard.press('Tab')
    page.keyboard.press('ArrowUp')
    expect(page.get_by_label('Tone')).to_have_value('formal')
    for _ in range(3):
        page.keyboard.press('Tab')
    expect(page.get_by_label('Explain every step')).to_be_focused()
    page.keyboard.press('Space')
    page.keyboard.press('Shift+Tab')
    page.keyboard.type('7')
    page.keyboard.press('Enter')  # back to the message
    expect(composed(page)).to_be_focused()
    page.keyboard.press('Enter')
    expect_status(page, 'complete')
    for value in ('tone: "formal"', 'verbose: true', 'years: 7'):
        expect(answer_text(page)).to_contain_text(value)


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_nobody_is_kept_out(page: Page, server: Server, scheme: Literal['light', 'dark']) -> None:
    page.emulate_media(color_scheme=scheme)
    open_page(page, server.url)
    expect(form(page)).to_be_visible()
    assert faults(page) == []
    page.get_by_label('Years of experience').fill('many')
    attach(page, 'picture', 'notes.txt', b'no picture')
    say(page, '/inputs')
    expect(problem(page, 'years')).to_be_visible()
    assert faults(page) == []
    page.get_by_label('Your name').fill('Ada')
    page.get_by_label('Years of experience').fill('')
    page.get_by_test_id('attachment-remove').click()
    expect(page.locator('#composer-note')).not_to_contain_text('form above')
    page.get_by_test_id('composer-send').click()
    expect_status(page, 'complete')
    line(page).click()
    assert faults(page) == []


def test_on_a_phone(page: Page, server: Server) -> None:
    page.set_viewport_size({'width': 390, 'height': 700})
    open_page(page, server.url)
    expect(page.get_by_role('heading', name='What would you like to know?')).to_be_in_viewport()
    say(page, '/inputs')
    expect(page.get_by_label('Your name')).to_be_in_viewport()
    page.get_by_label('Settings').fill('no object')
    page.get_by_label('Your name').fill('A name with many words in it, for a narrow line')
    page.get_by_test_id('composer-send').click()
    expect(page.get_by_label('Settings')).to_be_focused()
    expect(page.get_by_label('Settings')).to_be_in_viewport()
    page.get_by_label('Settings').fill('')
    page.get_by_test_id('composer-send').click()
    expect_status(page, 'complete')
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    box = line(page).bounding_box()
    assert box
    assert box['height'] < 48  # one line
    expect(page.get_by_test_id('inputs-again')).to_have_accessible_name('New conversation with other inputs')


def test_a_form_that_has_changed_is_asked_anew(page: Page, serve: Serve) -> None:
    """A server whose app gets another field while a page is open; it reads the app again after its start."""
    from webapp.upstream.demo import build, serve as serve_demo

    before = [{'text-input': {'label': 'Name', 'variable': 'name', 'required': True}}]
    demo = build(rate=0, form=before)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve_demo(demo)) as url:
        server = serve(DIFY_BASE_URL=url)
        open_page(page, server.url)
        page.get_by_label('Name').fill('Ada')
        demo.state.demo.form = [
            *before,
            {'select': {'label': 'Tone', 'variable': 'tone', 'required': True, 'options': ['dry']}},
        ]
        server.stop()
        server.start()
        say(page, '/inputs')
        expect(page.get_by_label('Tone')).to_be_visible()
        expect(page.get_by_label('Name')).to_have_value('Ada')
        expect(composed(page)).to_have_value('/inputs')
        page.get_by_label('Tone').select_option('dry')
        page.get_by_test_id('composer-send').click()
        expect_status(page, 'complete')
        expect(answer_text(page)).to_contain_text('tone: "dry"')


def test_a_field_says_what_it_is_for(page: Page, serve: Serve) -> None:
    from webapp.upstream.demo import build, serve as serve_demo

    fields = [
        {
            'number': {
                'label': 'Distance',
                'variable': 'way',
                'unit': 'km',
                'placeholder': '42',
                'description': 'By road.',
            }
        },
        {'paragraph': {'label': 'Story', 'variable': 'story', 'placeholder': 'Once upon a time'}},
    ]
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serve_demo(build(form=fields))) as url,
    ):
        open_page(page, serve(DIFY_BASE_URL=url).url)
        way = page.get_by_label('Distance (km)')
        expect(way).to_have_attribute('placeholder', '42')
        expect(way).to_have_accessible_description('By road.')
        expect(page.get_by_label('Story')).to_have_attribute('placeholder', 'Once upon a time')


def test_an_app_whose_fields_are_all_hidden_asks_nothing(page: Page, serve: Serve) -> None:
    from webapp.upstream.demo import build, serve as serve_demo

    hidden = {'text-input': {'label': 'Plan', 'variable': 'plan', 'hide': True, 'default': 'free'}}
    demo = build(rate=0, form=[hidden])
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve_demo(demo)) as url:
        open_page(page, serve(DIFY_BASE_URL=url).url)
        assert 'plan: "free"' in ask(page, '/inputs')
        expect(form(page)).to_have_count(0)
        expect(line(page)).to_have_count(0)


HOSTILE: list[tuple[object, str]] = [
    ({}, '"name":"required"'),
    ({'name': ['x']}, '"name":"no_text"'),
    ({'name': 'x' * 49}, '"name":"too_long"'),
    ({'name': 'Ada', 'tone': '<b>'}, '"tone":"no_option"'),
    ({'name': 'Ada', 'verbose': 'yes'}, '"verbose":"no_flag"'),
    ({'name': 'Ada', 'years': True}, '"years":"no_number"'),
    ({'name': 'Ada', 'picture': {'file_id': '../../etc/passwd'}}, '"picture":"no_file"'),
    ({'name': 'Ada', 'picture': {'file_id': 'f' * 32}}, '"picture":"file_gone"'),
    ({'name': 'Ada', 'documents': [{'upload_file_id': 'x'}]}, '"documents":"no_file"'),
    ({'name': 'Ada', 'plan': 'gold'}, '"plan":"unknown"'),  # what is hidden is not theirs to say
    ({'name': 'Ada', 'admin': True}, '"admin":"unknown"'),
    (['name'], '"refuse",[{},{}]'),
]


def test_what_a_browser_forges_is_refused(serve: Serve, upstream: str) -> None:
    server = serve(DIFY_BASE_URL=upstream)
    with direct.client(server.url) as http:
        for number, (values, problem) in enumerate(HOSTILE):
            with live(http, '/a/default') as page:
                page.fire('inputs fill', json.dumps(values), 1)
                page.fire('composer send', '/inputs', f'key-{number}', [], '')
                heard = page.hears('"refuse"', '\\"refuse\\"').replace('\\', '')
                assert problem in heard.replace(': ', ':'), (values, heard)
                assert '"accepted"' not in heard
        with live(http, '/a/default') as page:
            page.fire('inputs fill', json.dumps({'name': 'Ada'}), 1)
            page.fire('composer send', '/inputs', 'key', [], '')
            page.hears('accepted')
            page.fire('inputs fill', json.dumps({'name': 'Grace'}), 2)  # too late for this conversation
            page.fire('inputs fill', 'no JSON', 3)
            page.fire('inputs fill', {'name': 'an object'}, 4)
            page.hears('"complete"', 'complete')


SCHEMA = {
    'type': 'object',
    'properties': {'items': {'type': 'array', 'items': {'properties': {'price': {'type': 'number'}}}}},
    'required': ['items'],
}


@pytest.fixture
def with_schema() -> Iterator[str]:
    """The address of a demo whose form has a JSON object of a certain kind."""
    from webapp.upstream.demo import build, serve

    field = {'label': 'Order', 'variable': 'order', 'required': True, 'json_schema': json.dumps(SCHEMA)}
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serve(build(rate=0, form=[{'json_object': field}]))) as url,
    ):
        yield url


def test_a_json_object_that_does_not_fit_its_schema_is_said_so_before_it_is_sent(
    page: Page, serve: Serve, with_schema: str
) -> None:
    open_page(page, serve(DIFY_BASE_URL=with_schema).url)
    order = page.get_by_label('Order')
    order.fill('{"items": [{"price": 1}, {"price": "two"}]}')
    composed(page).focus()  # whoever leaves the field reads what is wrong
    expect(problem(page, 'order')).to_have_text('items[1].price: this must be of the type number.')
    say(page, '/inputs')
    expect(order).to_be_focused()
    expect(answers(page)).to_have_count(0)
    order.fill('{}')
    say(page, '/inputs')
    expect(problem(page, 'order')).to_have_text('The object: “items” is missing.')
    expect(composed(page)).to_have_value('/inputs')
    order.fill('{"items": [{"price": 2}]}')
    expect(problem(page, 'order')).to_have_count(0)
    assert '"price": 2' in ask(page, '/inputs')
