"""Several apps: what each says of itself is shown, one that is down says so, and none waits for another."""

import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from support import direct
from support.chat import ask, open_page
from support.server import Serve, Server, free_port, wait_for

from webapp.upstream import demo as upstream

SIZE = 32  # pixels
LOOK = {
    'icon': '🧭',
    'icon_background': '#D3F8DF',
    'description': 'Finds the way through forms & travel rules.',
    'input_placeholder': 'Where do you want to go?',
    'custom_disclaimer': 'Check <b>what matters</b>: https://rules.example.com/travel.',
    'copyright': 'Example Travel',
    'privacy_policy': 'https://rules.example.com/privacy?a=1&b=2',
}
PAINTED = {
    'icon_type': 'image',
    'icon': 'x',
    'icon_url': 'http://inside:5001/files/tools/6d2f1f0e-0b1a-4c3d-8e9f-001122334455.png?sign=secret',
}


def picture() -> bytes:
    held = io.BytesIO()
    Image.new('RGB', (SIZE, SIZE), 'teal').save(held, 'PNG')
    return held.getvalue()


PICTURE = picture()


class Painter:
    """Middleware in front of a demo: the picture of its icon."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get('path') == '/files/tools/6d2f1f0e-0b1a-4c3d-8e9f-001122334455.png':
            return await Response(PICTURE, media_type='image/png')(scope, receive, send)
        return await self._app(scope, receive, send)


@dataclass
class Several:
    server: Server
    travel: Starlette

    @property
    def url(self) -> str:
        return self.server.url


@contextmanager
def somebody(server: Server) -> Iterator[httpx.Client]:
    with direct.client(server.url) as http:
        http.get('/a/travel').raise_for_status()  # brings a session
        yield http


@pytest.fixture(scope='module')
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Several]:
    """Three apps: one with a look, one with a picture, and one whose server takes connections and never answers."""
    travel, painted = upstream.build(rate=0, site=LOOK), upstream.build(rate=0, site=PAINTED)
    painted.add_middleware(Painter)
    folder = tmp_path_factory.mktemp('app')
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(upstream.serve(travel)) as first,
        portal.wrap_async_context_manager(upstream.serve(painted)) as second,
        socket.create_server(('127.0.0.1', 0)) as dead,
    ):
        urls = {'travel': first, 'painted': second, 'dead': f'http://127.0.0.1:{dead.getsockname()[1]}/v1'}
        tables = [
            f'[[apps]]\nslug = "{slug}"\nname = "The {slug} one"\nbase_url = "{url}"\napi_key_env = "KEY_OF_ALL"\n'
            for slug, url in urls.items()
        ]
        (folder / 'webapp.toml').write_text('\n'.join(tables))
        server = Server(folder, {'KEY_OF_ALL': 'demo'})
        server.start()
        with somebody(server) as http:
            wait_for(lambda: http.get('/a/painted/icon').status_code == 200, 'the apps to be known')
        yield Several(server, travel)
        server.stop()
        assert 'Traceback' not in server.log, server.log


def test_the_switcher_shows_name_icon_and_description(several: Several, context: BrowserContext, page: Page) -> None:
    open_page(page, f'{several.url}/a/travel')
    page.get_by_test_id('app-switcher').click()
    travel = page.get_by_role('link', name='The travel one')
    expect(travel).to_contain_text('🧭')
    expect(travel).to_contain_text(LOOK['description'])
    expect(travel).to_have_attribute('aria-current', 'page')
    picture = page.get_by_role('link', name='The painted one').locator('img')
    assert picture.evaluate('image => image.decode().then(() => image.naturalWidth)') == SIZE
    assert 'secret' not in page.content()
    assert 'inside:5001' not in page.content()


def test_an_icon_is_a_picture_of_ours(several: Several) -> None:
    with somebody(several.server) as http:
        answer = http.get('/a/painted/icon')
        assert (answer.content, answer.headers['content-type']) == (PICTURE, 'image/png')
        assert answer.headers['x-content-type-options'] == 'nosniff'
        assert http.get('/a/travel/icon').status_code == 404
        assert http.get('/a/none/icon').status_code == 404


def test_one_that_never_answers_holds_up_nobody(several: Several, context: BrowserContext, page: Page) -> None:
    open_page(page, f'{several.url}/a/dead')
    page.get_by_test_id('app-switcher').click()
    page.get_by_role('link', name='The travel one').click()
    expect(page.get_by_test_id('opening-statement')).to_be_visible()
    assert ask(page, '/echo hello').strip() == 'hello'
    assert several.server.log.count('upstream_unreachable') == 0  # nobody had to wait for its end


def test_what_the_owner_wants_to_be_read_stands_where_it_belongs(
    several: Several, context: BrowserContext, page: Page
) -> None:
    open_page(page, f'{several.url}/a/travel')
    expect(page.get_by_placeholder('Where do you want to go?')).to_be_visible()
    disclaimer = page.get_by_test_id('disclaimer')
    expect(disclaimer).to_have_text('Check <b>what matters</b>: https://rules.example.com/travel.')
    expect(disclaimer.get_by_role('link')).to_have_attribute('href', 'https://rules.example.com/travel')
    expect(disclaimer.get_by_role('link')).to_have_attribute('rel', 'noopener noreferrer nofollow')
    fine = page.get_by_test_id('fine-print')
    expect(fine).to_contain_text('© Example Travel')
    expect(fine.get_by_role('link', name='Privacy policy')).to_have_attribute('href', LOOK['privacy_policy'])
    ask(page, '/echo hello')
    expect(fine).to_be_hidden()
    expect(disclaimer).to_be_visible()


def test_an_admin_has_the_app_asked_anew_and_all_open_pages_show_it(
    several: Several, context: BrowserContext, page: Page
) -> None:
    open_page(page, f'{several.url}/a/travel')
    other = context.new_page()
    open_page(other, f'{several.url}/a/travel')
    several.travel.state.demo.site['input_placeholder'] = 'Whereto?'
    page.get_by_test_id('user-menu').click()
    page.get_by_test_id('app-reload').click()
    for each in (page, other):
        expect(each.get_by_placeholder('Whereto?')).to_be_visible()
    expect(page.get_by_test_id('banner').filter(has_text='up to date')).to_be_visible()
    several.travel.state.demo.site['input_placeholder'] = LOOK['input_placeholder']
    page.get_by_test_id('user-menu').click()
    page.get_by_test_id('app-reload').click()
    expect(other.get_by_placeholder(LOOK['input_placeholder'])).to_be_visible()


def test_one_that_is_not_made_for_chatting_says_so_before_anybody_asks(page: Page, serve: Serve) -> None:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(upstream.serve(upstream.build(mode='workflow'))) as url,
    ):
        open_page(page, serve(DIFY_BASE_URL=url).url)
        expect(page.get_by_test_id('banner').filter(has_text='not made for chatting')).to_be_visible()


def test_one_that_is_down_says_so(tmp_path: Path, demo: str, context: BrowserContext, page: Page) -> None:
    tables = [
        f'[[apps]]\nslug = "{slug}"\nname = "The {slug} one"\nbase_url = "{url}"\napi_key_env = "KEY_OF_ALL"\n'
        for slug, url in {'lively': demo, 'away': f'http://127.0.0.1:{free_port()}/v1'}.items()
    ]
    (tmp_path / 'webapp.toml').write_text('\n'.join(tables))
    server = Server(tmp_path, {'KEY_OF_ALL': 'demo'})
    server.start()
    open_page(page, f'{server.url}/a/lively')
    page.get_by_test_id('app-switcher').click()
    away = page.get_by_role('link', name='The away one')
    expect(away.get_by_test_id('app-down')).to_be_visible()
    expect(page.get_by_role('link', name='The lively one').get_by_test_id('app-down')).to_have_count(0)
    server.stop()
