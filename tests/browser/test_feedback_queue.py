"""Somebody rates an answer; whoever answers for the service reads why, and marks it."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from support.axe import faults
from support.chat import CONNECTED, ask, open_page
from support.server import Server

DRAWN = 'Look\n\n```mermaid\ngraph TD; A-->B\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- [ ] open'


def queue(page: Page, app: Server, words: str) -> Locator:
    """The rating that goes with these words."""
    page.goto(f'{app.url}/admin/feedback')
    page.wait_for_function(CONNECTED)
    return page.get_by_test_id('feedback-row').filter(has_text=words)


@pytest.fixture
def rated(app: Server, page: Page) -> Page:
    """A page on which an answer has been rated."""
    open_page(page, app.url)
    ask(page, f'/echo {DRAWN}')
    page.get_by_test_id('feedback-dislike').last.click()
    expect(page.get_by_test_id('feedback-dislike').last).to_have_attribute('aria-pressed', 'true')
    return page


def test_a_rating_is_marked_with_the_keyboard_and_stays_so(app: Server, rated: Page) -> None:
    row = queue(rated, app, 'mermaid').first
    expect(row.get_by_test_id('feedback-rating')).to_have_text('Bad answer')
    rated.evaluate('window.marker = "still the same page"')
    row.get_by_test_id('feedback-seen').focus()
    rated.keyboard.press('Enter')
    expect(row.get_by_test_id('feedback-by')).to_be_visible()
    expect(row.get_by_test_id('feedback-seen')).to_have_attribute('aria-pressed', 'true')
    expect(row.get_by_test_id('feedback-seen')).to_be_focused()
    rated.get_by_test_id('feedback-by-state').select_option('fixed')
    expect(rated.get_by_text('No feedback fits.')).to_be_visible()
    expect(rated).to_have_url(re.compile(r'\?state=fixed$'))
    rated.get_by_test_id('feedback-by-state').select_option('seen')
    expect(row.get_by_test_id('feedback-seen')).to_have_attribute('aria-pressed', 'true')
    assert rated.evaluate('window.marker') == 'still the same page'
    assert faults(rated) == []


def test_the_conversation_is_read_with_its_diagram_and_its_way_back(app: Server, rated: Page) -> None:
    queue(rated, app, 'mermaid').first.get_by_test_id('feedback-open').click()
    turn = rated.locator('[data-rated]')
    expect(turn.locator('.diagram img')).to_be_visible(timeout=60_000)
    expect(turn.locator('table')).to_contain_text('2')
    expect(turn.get_by_role('checkbox')).to_have_accessible_name(re.compile('.+'))
    assert faults(rated) == []
    rated.get_by_test_id('feedback-fixed').click()
    expect(rated.get_by_test_id('feedback-fixed')).to_have_attribute('aria-pressed', 'true')
    rated.get_by_test_id('feedback-back').click()
    expect(rated.get_by_test_id('feedback-list')).to_be_visible()
