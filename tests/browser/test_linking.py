"""Links in place of files, with the whole app, where the operator allows them."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.chat import open_page
from support.server import Serve, Server


@pytest.fixture
def lenient(serve: Serve, tmp_path: Path) -> Server:
    config = tmp_path / 'links.toml'
    config.write_text('[files]\nremote_urls = true\n')
    return serve(WEBAPP_CONFIG=str(config))


def test_nobody_attaches_links_unless_the_operator_allows_it(app: Server, page: Page) -> None:
    open_page(page, app.url)
    expect(page.get_by_test_id('composer-attach')).to_be_visible()
    expect(page.get_by_test_id('composer-link')).to_have_count(0)


def test_an_address_of_the_inner_network_is_refused_in_words(lenient: Server, page: Page) -> None:
    open_page(page, lenient.url)
    page.get_by_test_id('composer-link').click()
    dialog = page.get_by_role('dialog', name='Attach a link')
    expect(page.get_by_test_id('link-address')).to_be_focused()
    for url in ('http://169.254.169.254/latest/a.png', 'http://2130706433/a.png', 'http://me@files.example.com/a.png'):
        page.get_by_label('Address of the file').fill(url)
        page.keyboard.press('Enter')
        expect(page.get_by_role('alert')).to_contain_text('not on the open web')
        expect(page.get_by_test_id('attachment')).to_have_count(0)
    page.get_by_label('Address of the file').fill('my file')
    expect(page.get_by_role('alert')).to_be_empty()
    page.get_by_test_id('link-add').click()
    expect(page.get_by_role('alert')).to_contain_text('no address')
    page.keyboard.press('Escape')
    expect(dialog).to_be_hidden()
    expect(page.get_by_test_id('composer-link')).to_be_focused()
