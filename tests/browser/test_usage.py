"""An admin looks at what was spent, changes the view, and passes it on."""

import re

import pytest
from playwright.sync_api import Page, expect
from support.chat import CONNECTED, ask, open_page
from support.server import Server


@pytest.fixture
def usage(app: Server, page: Page) -> Page:
    """The page, when something has been spent."""
    open_page(page, app.url)
    ask(page, '/echo one two three')
    app.keeps_all()
    page.goto(f'{app.url}/admin/usage')
    page.wait_for_function(CONNECTED)
    return page


def test_a_view_is_changed_without_a_reload_and_is_in_the_address(usage: Page) -> None:
    expect(usage.get_by_test_id('usage-total-cost')).to_contain_text('$0.00')
    expect(usage.get_by_test_id('usage-projection')).to_contain_text('if every day is like the last 7')
    usage.evaluate('window.marker = "still the same page"')
    usage.get_by_test_id('usage-group').select_option('answer')
    expect(usage.get_by_test_id('usage-row').first).to_contain_text('Complete')
    expect(usage).to_have_url(re.compile(r'[?&]by=answer'))
    expect(usage.get_by_test_id('usage-from')).to_be_hidden()
    usage.get_by_test_id('usage-range').select_option('custom')
    usage.get_by_test_id('usage-from').fill('2020-01-01')
    usage.get_by_test_id('usage-to').fill('2020-01-31')
    expect(usage.get_by_text('No answers in this time.')).to_be_visible()
    assert usage.evaluate('window.marker') == 'still the same page'
    usage.reload()
    expect(usage.get_by_test_id('usage-from')).to_have_value('2020-01-01')
    expect(usage.get_by_text('No answers in this time.')).to_be_visible()


def test_from_a_column_to_its_answers_with_the_keyboard(usage: Page) -> None:
    chart = usage.get_by_test_id('usage-chart').and_(usage.locator('[data-chart=answers]'))
    expect(chart.locator('a')).to_have_count(30)
    chart.locator('a').last.focus()
    expect(chart.locator('output')).to_have_text(re.compile(r'^\w+ \d+: Failed 0, Answers \d+$'))
    usage.keyboard.press('Enter')
    expect(usage).to_have_url(re.compile(r'by=answer'))
    expect(usage.get_by_test_id('usage-row').first).to_contain_text('Complete')


def test_what_is_shown_leaves_as_a_file(usage: Page) -> None:
    usage.get_by_test_id('usage-group').select_option('app')
    expect(usage.get_by_test_id('usage-export')).to_have_attribute('href', re.compile('by=app'))
    with usage.expect_download() as download:
        usage.get_by_test_id('usage-export').click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith('app,currency,answers')
    assert lines[1].startswith('default,USD,')
