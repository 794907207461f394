"""The list: groups, marks, links, menu, keyboard, search."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from gallery_support import Gallery, Open
from playwright.sync_api import Browser, Locator, Page, expect


def row(page: Page, conversation: str) -> Locator:
    return page.locator(f'[data-testid=conversation-item][data-conversation-id={conversation}]')


def choose(page: Page, conversation: str, action: str) -> None:
    row(page, conversation).get_by_test_id('conversation-menu').click()
    page.get_by_test_id(f'conversation-{action}').click()


def test_groups_marks_and_titles(visit: Open) -> None:
    page = visit()
    headings = page.get_by_test_id('conversation-list').get_by_role('heading').all_inner_texts()
    assert headings[0] == 'Today'
    assert 'Previous 30 days' in headings
    assert re.fullmatch(r'\w+ \d{4}', headings[-1])
    expect(row(page, 'c0').get_by_role('link')).to_have_attribute('aria-current', 'page')
    expect(row(page, 'c1')).to_contain_text('being answered')
    expect(row(page, 'c3')).to_contain_text('new answer')
    expect(row(page, 'c6')).to_contain_text('<b>Not bold</b> & "quoted"')
    expect(row(page, 'c8')).to_contain_text('New conversation')
    expect(row(page, 'c8')).to_have_attribute('data-title-state', 'provisional')


@pytest.mark.parametrize(('hour', 'day'), [(6, 'Today'), (18, 'Yesterday')])
def test_days_are_those_of_the_readers_time_zone(browser: Browser, gallery: Gallery, hour: int, day: str) -> None:
    """Half a day after something was written at 6 it is still today; what was written at 18 is of yesterday."""
    now = datetime.now(UTC)
    ahead = (hour - now.hour + 12) % 24 - 12  # hours; POSIX writes the sign the other way round
    page = browser.new_context(timezone_id=f'Etc/GMT{-ahead:+d}').new_page()
    page.clock.set_fixed_time(now + timedelta(hours=12))
    page.goto(gallery.url)
    expect(page.get_by_test_id('conversation-list').get_by_role('heading').first).to_have_text(day)
    page.context.close()


def test_a_plain_click_opens_without_a_reload(visit: Open, gallery: Gallery) -> None:
    page = visit()
    page.evaluate('window.marker = true')
    row(page, 'c4').get_by_role('link').click()
    expect(page.get_by_test_id('message-user').last).to_have_text('Opened c4')
    expect(row(page, 'c4').get_by_role('link')).to_have_attribute('aria-current', 'page')
    assert page.evaluate('window.marker')
    page.get_by_test_id('new-conversation').click()
    gallery.wait_for('new')
    assert page.evaluate('window.marker')


def test_a_click_with_control_is_the_browsers(visit: Open, gallery: Gallery) -> None:
    page = visit()
    with page.context.expect_page() as opened:
        row(page, 'c4').get_by_role('link').click(modifiers=['ControlOrMeta'])
    assert opened.value.url.endswith('/c/c4') or opened.value.url == 'about:blank'
    assert not gallery.heard('open')
    opened.value.close()


def test_renaming_in_place(visit: Open, gallery: Gallery) -> None:
    page = visit()
    choose(page, 'c2', 'rename')
    field = row(page, 'c2').get_by_role('textbox')
    expect(field).to_be_focused()
    field.fill('  Certificates  ')
    field.press('Enter')
    assert gallery.wait_for('rename') == ['c2', 'Certificates']
    expect(row(page, 'c2')).to_contain_text('Certificates')
    expect(row(page, 'c2')).to_have_attribute('data-title-state', 'manual')
    expect(row(page, 'c2').get_by_role('link')).to_be_focused()


def test_escape_and_blank_leave_the_title(visit: Open, gallery: Gallery) -> None:
    page = visit()
    for text, key in (('Other', 'Escape'), ('   ', 'Enter')):
        choose(page, 'c2', 'rename')
        row(page, 'c2').get_by_role('textbox').fill(text)
        row(page, 'c2').get_by_role('textbox').press(key)
        expect(row(page, 'c2')).to_contain_text('VPN on a new laptop')
    assert not gallery.heard('rename')


def test_deleting_asks_first(visit: Open, gallery: Gallery) -> None:
    page = visit()
    choose(page, 'c2', 'delete')
    expect(page.get_by_role('dialog')).to_contain_text('VPN on a new laptop')
    page.keyboard.press('Escape')
    expect(page.get_by_role('dialog')).to_be_hidden()
    assert not gallery.heard('delete')
    choose(page, 'c2', 'delete')
    page.get_by_test_id('confirm').click()
    expect(row(page, 'c2')).to_have_count(0)
    assert gallery.wait_for('delete') == ['c2']


def test_by_keyboard_alone(visit: Open, gallery: Gallery) -> None:
    page = visit()
    page.get_by_test_id('conversation-search').press('ArrowDown')
    page.keyboard.press('ArrowDown')
    expect(row(page, 'c1').get_by_role('link')).to_be_focused()
    page.keyboard.press('F2')
    expect(row(page, 'c1').get_by_role('textbox')).to_be_focused()
    page.keyboard.press('Escape')
    page.keyboard.press('Delete')
    expect(page.get_by_role('dialog')).to_be_visible()
    page.keyboard.press('Escape')
    row(page, 'c1').get_by_role('link').focus()
    page.keyboard.press('Enter')
    assert gallery.wait_for('open') == ['c1']


def test_search_is_the_servers_and_escape_ends_it(visit: Open, gallery: Gallery) -> None:
    page = visit()
    page.get_by_test_id('conversation-search').press_sequentially('vpn', delay=10)
    expect(page.get_by_test_id('conversation-item')).to_have_count(1)
    assert gallery.heard('search') == [['search', 'vpn']]
    page.get_by_test_id('conversation-search').fill('nowhere')
    expect(page.get_by_test_id('conversation-list')).to_contain_text('No conversation has “nowhere” in its title.')
    page.get_by_test_id('conversation-search').press('Escape')
    expect(row(page, 'c0')).to_be_visible()


def test_a_cross_clears_the_search(visit: Open, gallery: Gallery) -> None:
    page = visit()
    field, cross = page.get_by_test_id('conversation-search'), page.get_by_label('Clear the search')
    expect(cross).to_have_count(0)
    field.fill('vpn')
    assert gallery.wait_for('search') == ['vpn']
    cross.click()
    expect(field).to_have_value('')
    expect(field).to_be_focused()
    expect(cross).to_have_count(0)
    expect(page.get_by_test_id('conversation-item')).to_have_count(10)


def test_older_ones_are_fetched_near_the_end(visit: Open, gallery: Gallery) -> None:
    page = visit()
    assert gallery.wait_for('more') == ['c9', '']
    expect(page.get_by_test_id('conversation-item')).to_have_count(50)
