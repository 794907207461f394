"""Nothing on our pages keeps people with assistive technology out; and everything can be reached with keys."""

import re
from typing import Literal

import pytest
from playwright.sync_api import Page, expect
from support.axe import faults
from support.chat import (
    answer_text,
    ask,
    begin_another,
    conversations,
    expect_status,
    last_answer,
    open_page,
    say,
)
from support.server import Serve, Server, free_port

Scheme = Literal['light', 'dark']
LINES = """(node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return new Set([...range.getClientRects()].map((line) => Math.round(line.top))).size;
}"""


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    return ('404',)  # refusals are looked at, too


@pytest.fixture(params=['light', 'dark'])
def chat(page: Page, app: Server, request: pytest.FixtureRequest) -> Page:
    """An empty page in either choice of colours."""
    page.emulate_media(color_scheme=request.param)
    open_page(page, app.url)
    return page


def test_an_empty_page(chat: Page) -> None:
    assert faults(chat) == []


def test_a_conversation(chat: Page) -> None:
    ask(chat, '/agent What is in the handbook?')
    ask(chat, '/long 100')
    assert faults(chat) == []


def test_menus_and_dialogs(chat: Page) -> None:
    ask(chat, 'Hello')
    chat.get_by_test_id('user-menu').click()
    assert faults(chat) == []
    chat.get_by_test_id('shortcuts').click()
    expect(chat.get_by_test_id('shortcuts-dialog')).to_be_visible()
    assert faults(chat) == []
    chat.keyboard.press('Escape')
    conversations(chat).first.hover()
    conversations(chat).first.get_by_test_id('conversation-menu').click()
    assert faults(chat) == []
    chat.get_by_test_id('conversation-delete').click()
    assert faults(chat) == []
    chat.keyboard.press('Escape')


def test_a_search_without_a_hit(chat: Page) -> None:
    chat.get_by_test_id('conversation-search').fill('nowhere to be found')
    expect(chat.get_by_test_id('conversation-list')).to_contain_text('nowhere to be found')
    assert faults(chat) == []


def test_on_a_phone_with_the_drawer_open(chat: Page) -> None:
    chat.set_viewport_size({'width': 390, 'height': 844})
    assert faults(chat) == []
    chat.get_by_label('Show conversations').click()
    expect(chat.get_by_test_id('conversation-list')).to_be_in_viewport()
    assert faults(chat) == []


def test_a_lost_connection(chat: Page) -> None:
    chat.evaluate('window.socket.io.engine.close()')
    chat.evaluate('window.socket.disconnect()')
    expect(chat.get_by_test_id('banner').filter(has_text='connection is interrupted')).to_be_visible()
    assert faults(chat) == []


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_a_page_that_does_not_exist(page: Page, app: Server, scheme: Scheme) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f'{app.url}/nowhere')
    expect(page.get_by_role('heading')).to_have_text('There is nothing here')
    assert faults(page) == []
    page.get_by_role('link').click()
    expect(page.get_by_test_id('composer-input')).to_be_visible()


def test_a_refusal_has_the_chosen_colours(page: Page, app: Server) -> None:
    open_page(page, app.url)
    page.evaluate("localStorage.setItem('theme', 'dark')")
    page.goto(f'{app.url}/nowhere')
    assert page.evaluate('getComputedStyle(document.body).backgroundColor') == 'rgb(25, 24, 23)'


def test_the_first_key_leads_past_the_list(chat: Page) -> None:
    chat.get_by_test_id('composer-input').blur()
    chat.evaluate('document.activeElement.blur(); getSelection().removeAllRanges()')
    chat.reload()
    expect(chat.get_by_test_id('composer-input')).to_be_focused()
    skip = chat.get_by_text('Skip to the conversation')
    skip.focus()
    expect(skip).to_be_in_viewport()
    skip.press('Enter')
    expect(chat.get_by_role('main')).to_be_focused()


def test_the_demo_says_so_in_few_lines(serve: Serve, page: Page) -> None:
    server = serve(DIFY_BASE_URL='', DIFY_API_KEY='')
    for width, most in ((1280, 1), (390, 2), (360, 2)):
        page.set_viewport_size({'width': width, 'height': 740})
        open_page(page, server.url)
        words = page.get_by_test_id('banner').locator('span')
        expect(words).to_contain_text('DIFY_BASE_URL')
        expect(words).to_contain_text('Local mode')
        assert words.evaluate(LINES) <= most, width


def test_a_failure_is_said_once(serve: Serve, page: Page) -> None:
    server = serve(DIFY_BASE_URL=f'http://127.0.0.1:{free_port()}')
    open_page(page, server.url)
    words = "The assistant can't be reached."
    notice = page.get_by_test_id('banner').filter(has_text=words)
    expect(notice).to_be_visible()
    say(page, 'Is anybody there?')
    expect_status(page, 'failed')
    expect(last_answer(page)).to_contain_text(words)
    expect(notice).to_be_hidden()
    begin_another(page)
    expect(notice).to_be_visible()


# shortcuts


@pytest.fixture
def keys(page: Page, app: Server) -> Page:
    open_page(page, app.url)
    return page


def test_the_list_of_shortcuts_by_a_question_mark_but_not_while_writing(keys: Page) -> None:
    dialog = keys.get_by_test_id('shortcuts-dialog')
    keys.get_by_test_id('composer-input').press_sequentially('?')
    expect(keys.get_by_test_id('composer-input')).to_have_value('?')
    expect(dialog).to_be_hidden()
    keys.get_by_test_id('user-menu').focus()
    keys.keyboard.press('?')
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text(re.compile('New conversation.*Ctrl.*Shift.*O', re.DOTALL))
    for _ in range(6):
        keys.keyboard.press('Tab')
        assert keys.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    keys.keyboard.press('Escape')
    expect(dialog).to_be_hidden()
    expect(keys.get_by_test_id('user-menu')).to_be_focused()


def test_from_one_conversation_to_the_next(keys: Page) -> None:
    keys.keyboard.press('Control+Shift+O')
    expect(keys.get_by_test_id('message-assistant')).to_have_count(0)
    ask(keys, 'The first of two')
    begin_another(keys)
    ask(keys, 'The second of two')
    keys.keyboard.press('Alt+ArrowDown')
    expect(keys.get_by_test_id('message-user')).to_have_text('The first of two')
    keys.keyboard.press('Alt+ArrowUp')
    expect(keys.get_by_test_id('message-user')).to_have_text('The second of two')


def test_search_sidebar_colours_and_back_to_the_text(keys: Page) -> None:
    keys.keyboard.press('Control+Shift+S')
    expect(keys.get_by_test_id('conversation-list')).to_be_hidden()
    keys.keyboard.press('Control+k')
    expect(keys.get_by_test_id('conversation-search')).to_be_focused()
    keys.keyboard.press('Control+Shift+L')
    expect(keys.locator('html')).to_have_attribute('data-theme', 'light')
    keys.keyboard.press('Shift+Escape')
    expect(keys.get_by_test_id('composer-input')).to_be_focused()


def test_escape_stops_the_answer_but_a_menu_comes_first(keys: Page) -> None:
    keys.get_by_test_id('composer-input').fill('/rate 20 /long 2000')
    keys.keyboard.press('Enter')
    answer = keys.get_by_test_id('message-assistant').last
    expect(answer).to_have_attribute('data-phase', 'streaming')
    keys.get_by_test_id('user-menu').click()
    keys.keyboard.press('Escape')
    expect(keys.get_by_test_id('shortcuts')).to_be_hidden()
    expect(answer).to_have_attribute('data-status', 'running')
    keys.keyboard.press('Escape')
    expect(answer).to_have_attribute('data-status', 'stopped')


def test_copying_the_last_answer(keys: Page) -> None:
    keys.context.grant_permissions(['clipboard-read', 'clipboard-write'])
    ask(keys, 'Hello')
    expect(answer_text(keys)).not_to_be_empty()
    keys.evaluate("navigator.clipboard.writeText('')")  # all pages of a browser have one clipboard
    keys.keyboard.press('Control+Shift+Y')
    start = answer_text(keys).inner_text()[:5]
    keys.wait_for_function('start => navigator.clipboard.readText().then((text) => text.startsWith(start))', arg=start)
