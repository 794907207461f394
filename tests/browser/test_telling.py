"""An admin looks how it goes and tells everybody something; people read it, and close it where they are."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from support.axe import faults
from support.chat import CONNECTED, answers, ask, expect_status, open_page, say
from support.people import in_store, serving, sign_in
from support.server import Server

from webapp.store import audit
from webapp.store.audit import Filter

TEXT = 'Tonight from 18:00 we move to a new model.'


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp('overview'), demo) as server:
        yield server


@pytest.fixture
def admin(server: Server, context: BrowserContext, page: Page) -> Page:
    sign_in(server, 'admin', name='Admin').open_in(context)
    page.goto(f'{server.url}/admin')
    page.wait_for_function(CONNECTED)
    return page


@pytest.fixture
def anns(server: Server, browser: Browser) -> Iterator[BrowserContext]:
    """The browser of somebody who chats."""
    with browser.new_context(locale='en-US', timezone_id='UTC') as context:
        sign_in(server, 'ann').open_in(context)
        yield context


def banner(page: Page) -> Locator:
    return page.get_by_test_id('banner').filter(has_text=TEXT)


def test_a_notice_reaches_open_pages_and_each_tab_closes_its_own(
    server: Server, admin: Page, anns: BrowserContext
) -> None:
    first, second = anns.new_page(), anns.new_page()
    for page in (first, second):
        open_page(page, server.url)
        page.evaluate('window.marker = "still the same page"')
    admin.get_by_test_id('notice-text').fill(TEXT)
    admin.get_by_test_id('notice-level').select_option('warning')
    until = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(days=1)
    shown = datetime.fromisoformat(admin.get_by_test_id('notice-until').input_value()).replace(tzinfo=UTC)
    assert abs(shown - until) <= timedelta(minutes=1)
    admin.get_by_test_id('notice-text').press('Tab')
    admin.keyboard.press('Tab')
    admin.get_by_test_id('notice-show').press('Enter')
    expect(admin.get_by_test_id('notice')).to_contain_text('Warning · until')
    expect(admin.get_by_test_id('notice-text')).to_have_value('')
    expect(admin.get_by_role('status').filter(has_text='Everybody sees it now.')).to_have_count(1)
    for page in (first, second, admin):
        expect(banner(page)).to_have_attribute('data-kind', 'warning')
        expect(page.get_by_role('region', name='Notices')).to_have_attribute('aria-live', 'polite')
    assert faults(first) == []

    banner(first).get_by_label('Close this notice').click()
    expect(banner(first)).to_have_count(0)
    first.reload()
    first.wait_for_function(CONNECTED)
    expect(first.get_by_test_id('composer-input')).to_be_editable()
    expect(banner(first)).to_have_count(0)
    expect(banner(second)).to_be_visible()
    open_page(anns.new_page(), server.url)
    expect(banner(anns.pages[-1])).to_be_visible()

    admin.get_by_test_id('notice-end').click()
    admin.get_by_test_id('confirm').click()
    expect(admin.get_by_test_id('notice')).to_have_count(0)
    for page in (second, admin):
        expect(banner(page)).to_have_count(0)
    assert second.evaluate('window.marker') == 'still the same page'
    told = [
        entry.action for entry in in_store(server, audit.page, wanted=Filter()) if entry.action.startswith('notice')
    ]
    assert told == ['notice_ended', 'notice_shown']


def test_what_is_refused_stays_in_the_form(admin: Page) -> None:
    admin.get_by_test_id('notice-text').fill(TEXT)
    admin.get_by_test_id('notice-until').fill('2020-01-01T00:00')
    admin.get_by_test_id('notice-show').click()
    expect(admin.get_by_test_id('banner')).to_contain_text('choose an end that lies ahead')
    expect(admin.get_by_test_id('notice-text')).to_have_value(TEXT)
    admin.get_by_test_id('notice-until').fill(f'{datetime.now(UTC) + timedelta(hours=2):%Y-%m-%dT%H:%M}')
    admin.get_by_test_id('notice-show').click()
    expect(banner(admin)).to_be_visible()
    expect(admin.get_by_test_id('banner').filter(has_text='lies ahead')).to_have_count(0)
    admin.get_by_test_id('notice-end').click()
    admin.get_by_test_id('confirm').click()
    expect(banner(admin)).to_have_count(0)


@pytest.mark.parametrize('width', [1280, 390])
def test_the_overview_follows_what_happens_while_somebody_writes(
    server: Server, admin: Page, anns: BrowserContext, width: int
) -> None:
    admin.set_viewport_size({'width': width, 'height': 844})
    admin.get_by_test_id('notice-text').fill('half a sen')
    before = int(admin.get_by_test_id('admin-failed').inner_text())
    chat = anns.new_page()
    open_page(chat, server.url)
    ask(chat, '/echo hello')
    say(chat, '/error first')
    expect(answers(chat)).to_have_count(2)
    expect_status(chat, 'failed')
    expect(admin.get_by_test_id('admin-failed')).to_have_text(str(before + 1), timeout=15_000)
    expect(admin.get_by_test_id('admin-error').filter(has_text='model_failed')).to_contain_text('Demo assistant')
    expect(admin.get_by_test_id('admin-database')).to_have_text(re.compile(r'^SQLite 3'))
    expect(admin.get_by_test_id('notice-text')).to_have_value('half a sen')
    expect(admin.get_by_test_id('notice-text')).to_be_focused()
    assert admin.evaluate('document.documentElement.scrollWidth <= innerWidth')
    for scheme in ('light', 'dark'):
        admin.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert faults(admin) == []
