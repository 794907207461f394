"""A person keeps many conversations."""

import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from support.chat import ask, begin_another, conversation, conversation_id, conversations, open_page, say
from support.server import Server, wait_for

MARK = 'window.marker = "still the same page"'
MARKER = 'window.marker'


@pytest.fixture
def two(app: Server, page: Page) -> tuple[str, str]:
    """Ids of two conversations; the second one is open."""
    open_page(page, app.url)
    ask(page, '/echo apples')
    first = conversation_id(page)
    begin_another(page)
    ask(page, '/echo pears')
    return first, conversation_id(page)


def test_switching_is_no_reload(page: Page, two: tuple[str, str]) -> None:
    page.evaluate(MARK)
    for chosen, text in zip(two, ('apples', 'pears'), strict=True):
        conversation(page, chosen).get_by_role('link').click()
        expect(page.get_by_test_id('message-text')).to_have_text(text)
        page.wait_for_url(f'**/c/{chosen}')
    page.go_back()
    expect(page.get_by_test_id('message-text')).to_have_text('apples')
    assert page.evaluate(MARKER) == 'still the same page'


def test_a_new_conversation_stays_new_while_the_last_one_is_still_being_kept(app: Server, page: Page) -> None:
    """The end of an answer and its title make the page look at the store again: it must not go back there with it."""
    open_page(page, app.url)
    seen = set()
    for number in range(8):
        assert ask(page, f'/echo number {number}').strip() == f'number {number}'
        expect(page.get_by_test_id('message-user')).to_have_count(1)
        page.wait_for_function('seen => !seen.some((id) => location.pathname.endsWith(id))', arg=list(seen))
        seen.add(conversation_id(page))
        begin_another(page)
    assert len(seen) == 8


def test_the_open_one_is_marked(page: Page, two: tuple[str, str]) -> None:
    first, second = two
    expect(conversation(page, second).get_by_role('link')).to_have_attribute('aria-current', 'page')
    expect(conversation(page, first).get_by_role('link')).not_to_have_attribute('aria-current', 'page')


def test_a_title_is_made_and_then_kept_by_hand(page: Page, two: tuple[str, str]) -> None:
    item = conversation(page, two[1])
    expect(item).to_have_attribute('data-title-state', 'generated', timeout=15_000)
    item.get_by_test_id('conversation-menu').click()
    page.get_by_test_id('conversation-rename').click()
    item.get_by_role('textbox').fill('Fruit of autumn')
    item.get_by_role('textbox').press('Enter')
    expect(item).to_have_attribute('data-title-state', 'manual')
    page.reload()
    expect(item).to_contain_text('Fruit of autumn')


def test_the_one_on_the_page_is_never_unread(app: Server, page: Page, two: tuple[str, str]) -> None:
    """An answer may fail before its page watches it: nobody has seen it then, but somebody does now."""
    with closing(sqlite3.connect(app.folder / 'data' / 'webapp.db', isolation_level=None)) as database:
        database.execute('update conversations set unread = 1 where id = ?', (two[1],))
        item = conversation(page, two[1])
        item.get_by_test_id('conversation-menu').click()
        page.get_by_test_id('conversation-rename').click()
        item.get_by_role('textbox').fill('Looked at')
        item.get_by_role('textbox').press('Enter')
        unread = 'select unread from conversations where id = ?'
        wait_for(lambda: database.execute(unread, (two[1],)).fetchone() == (0,), 'it to be marked as read')


def test_deleting_asks_first(page: Page, two: tuple[str, str]) -> None:
    first, second = two
    conversation(page, first).get_by_test_id('conversation-menu').click()
    page.get_by_test_id('conversation-delete').click()
    page.keyboard.press('Escape')
    expect(conversation(page, first)).to_be_visible()
    conversation(page, first).get_by_test_id('conversation-menu').click()
    page.get_by_test_id('conversation-delete').click()
    page.get_by_test_id('confirm').click()
    expect(conversation(page, first)).to_have_count(0)
    page.reload()
    expect(conversation(page, second)).to_be_visible()
    expect(conversation(page, first)).to_have_count(0)


def test_deleting_the_open_one_leaves_a_new_one(page: Page, two: tuple[str, str]) -> None:
    gone = page.url
    conversation(page, two[1]).get_by_test_id('conversation-menu').click()
    page.get_by_test_id('conversation-delete').click()
    page.get_by_test_id('confirm').click()
    expect(page).not_to_have_url(gone)
    expect(page.get_by_test_id('message-user')).to_have_count(0)


def test_one_that_is_deleted_elsewhere_leaves_what_was_typed(
    app: Server, page: Page, two: tuple[str, str], context: BrowserContext
) -> None:
    page.get_by_test_id('composer-input').fill('typed meanwhile')
    other = context.new_page()
    open_page(other, app.url)
    conversation(other, two[1]).get_by_test_id('conversation-menu').click()
    other.get_by_test_id('conversation-delete').click()
    other.get_by_test_id('confirm').click()
    expect(page.get_by_test_id('banner').filter(has_text='deleted elsewhere')).to_be_visible()
    expect(page.get_by_test_id('composer-input')).to_have_value('typed meanwhile')
    page.reload()
    expect(page.get_by_test_id('composer-input')).to_have_value('typed meanwhile')


def test_search_finds_by_title(app: Server, page: Page, two: tuple[str, str]) -> None:
    item = conversation(page, two[0])
    item.get_by_test_id('conversation-menu').click()
    page.get_by_test_id('conversation-rename').click()
    item.get_by_role('textbox').fill('Über 100% Äpfel')
    item.get_by_role('textbox').press('Enter')
    page.get_by_test_id('conversation-search').fill('äpfel')
    expect(conversations(page)).to_have_count(1)
    expect(conversations(page)).to_contain_text('Über 100% Äpfel')
    page.get_by_test_id('conversation-search').fill('0% Ä')
    expect(conversations(page)).to_have_count(1)
    page.get_by_test_id('conversation-search').fill('no such title')
    expect(conversations(page)).to_have_count(0)
    page.get_by_test_id('conversation-search').fill('')
    expect(item).to_be_visible()


def test_an_unknown_conversation_is_not_found(app: Server, page: Page, problems: list[str]) -> None:
    answer = page.goto(f'{app.url}/a/default/c/{"0" * 32}')
    assert answer is not None
    assert answer.status == 404
    problems.clear()  # the browser itself reports the 404


def test_a_phone_has_room_for_everything(app: Server, page: Page) -> None:
    page.set_viewport_size({'width': 390, 'height': 844})
    open_page(page, app.url)
    say(page, '/markdown')
    expect(page.get_by_test_id('message-assistant')).to_have_attribute('data-status', 'complete', timeout=60_000)
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    expect(page.get_by_test_id('composer-input')).to_be_in_viewport()
    expect(page.get_by_test_id('conversation-list')).not_to_be_in_viewport()
