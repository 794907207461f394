"""Links in place of files, with the whole app, where the operator allows them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Page, Route, expect
from support.chat import answers, open_page, say
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


@pytest.fixture
def asks_for_address() -> Iterator[str]:
    """The address of a demo whose form takes a picture by its address alone, and must have it."""
    from webapp.upstream.demo import build, serve

    picture = {
        'label': 'A picture',
        'variable': 'picture',
        'required': True,
        'allowed_file_types': ['image'],
        'allowed_file_upload_methods': ['remote_url'],
    }
    demo = build(rate=0, form=[{'file': picture}])
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve(demo)) as url:
        yield url


def test_a_field_that_nobody_can_fill_says_so(serve: Serve, asks_for_address: str, page: Page) -> None:
    open_page(page, serve(DIFY_BASE_URL=asks_for_address).url)
    field = page.locator('[data-variable=picture]')
    expect(field.get_by_test_id('inputs-problem')).to_contain_text("links can't be attached here")
    expect(field.get_by_role('button')).to_have_count(0)
    say(page, '/inputs')
    expect(field.get_by_test_id('inputs-closed')).to_be_focused()
    expect(answers(page)).to_have_count(0)
    expect(page.get_by_test_id('composer-input')).to_have_value('/inputs')


def test_a_field_takes_an_address(
    serve: Serve, asks_for_address: str, page: Page, tmp_path: Path, problems: list[str]
) -> None:
    config = tmp_path / 'links.toml'
    config.write_text('[files]\nremote_urls = true\n')
    open_page(page, serve(DIFY_BASE_URL=asks_for_address, WEBAPP_CONFIG=str(config)).url)
    field = page.locator('[data-variable=picture]')
    way = field.get_by_role('button', name='A picture Attach a link')
    way.click()
    page.get_by_test_id('link-address').fill('http://169.254.169.254/latest/a.png')
    page.keyboard.press('Enter')
    expect(page.get_by_role('alert')).to_contain_text('not on the open web')
    problems.clear()  # the browser's own line about the refusal

    def taken(route: Route) -> None:  # as the server would, if it could get out from here
        link = {
            'id': 'a' * 32,
            'name': 'sun.png',
            'kind': 'image',
            'size': 7,
            'url': '',
            'link': 'https://a.org/sun.png',
        }
        route.fulfill(status=201, json=link)

    page.route('**/uploads/link', taken)
    page.get_by_test_id('link-address').fill('https://a.org/sun.png')
    page.keyboard.press('Enter')
    expect(page.get_by_role('dialog')).to_be_hidden()
    tile = field.get_by_test_id('attachment')
    expect(tile).to_have_attribute('data-state', 'ready')
    expect(tile).to_contain_text('a.org')
    expect(way).to_be_hidden()
    page.reload()
    expect(tile).to_contain_text('sun.png')  # what was attached waits for its question
    tile.get_by_test_id('attachment-remove').click()
    expect(way).to_be_focused()
