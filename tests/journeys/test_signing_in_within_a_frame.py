"""People sign in from a frame of another site's page, in a window of its own, whatever cookies the browser keeps."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, FrameLocator, Locator, Page, Playwright, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from support import chromium
from support.chat import conversations
from support.providers import Anybody, running
from support.server import Server
from support.serving import serving

HERE: dict[str, Any] = {'locale': 'en-US', 'timezone_id': 'UTC', 'viewport': {'width': 1280, 'height': 800}}
Watched = Callable[[BrowserContext], AbstractContextManager[None]]
SECRET = 'a-secret-of-the-journeys-of-32-bytes'
PEOPLE = {'ann': {'name': 'Ann Lee', 'email': 'ann@example.com', 'email_verified': True}}
TOML = """
[[providers]]
name = "company"
label = "Company"
issuer = "{issuer}"
client_id = "chat"
client_secret = "hush"

[[embeds]]
id = "open"
app = "default"
origins = ["{host}"]
anonymous = true
sign_in = true
layout = "full"

[[embeds]]
id = "closed"
app = "default"
origins = ["{host}"]
sign_in = true
"""
PAGE = '<!doctype html><title>Host</title><iframe id="chat" src="{}" width="900" height="700"></iframe>'


@pytest.fixture(params=[False, True], ids=['cookies-allowed', 'cookies-blocked'])
def is_blocking(request: pytest.FixtureRequest) -> bool:
    """Whether the browser keeps no cookies for frames of other sites, but for those that are apart for each site."""
    blocks: bool = request.param
    return blocks


@pytest.fixture
def context(playwright: Playwright, is_blocking: bool, tmp_path: Path, watched: Watched) -> Iterator[BrowserContext]:
    chosen = {'cookie_controls_mode': int(is_blocking), 'block_third_party_cookies': is_blocking}
    with (
        chromium.profile(playwright, tmp_path / 'profile', chosen, **HERE) as context,
        watched(context),
    ):
        yield context


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    # who has no token is told so; the provider's own page asks for what is not there
    return ('status of 401', 'identity_needed', 'ERR_NAME_NOT_RESOLVED', 'status of 404')


@pytest.fixture(scope='module')
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anybody]:
    with running(Anybody(tmp_path_factory.mktemp('company'), host='localhost', accounts=PEOPLE)) as provider:
        assert isinstance(provider, Anybody)
        yield provider


@pytest.fixture(scope='module')
def host() -> Iterator[str]:
    """Another site, whose pages show what `?show=` names."""

    async def page(request: Request) -> Response:
        return HTMLResponse(PAGE.format(request.query_params['show']))

    with serving(Starlette(routes=[Route('/', page)])) as url:
        yield url.replace('127.0.0.1', 'localhost')


@pytest.fixture
def app(tmp_path: Path, demo: str, provider: Anybody, host: str) -> Iterator[Server]:
    settings = {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo', 'WEBAPP_SECRET': SECRET}
    server = Server(tmp_path / 'app', settings)
    (server.folder / 'webapp.toml').write_text(TOML.format(issuer=provider.issuer, host=host))
    server.start()
    yield server
    server.stop()
    assert 'Traceback' not in server.log, server.log


def test_frames_of_other_sites_keep_cookies_or_not(context: BrowserContext, host: str, is_blocking: bool) -> None:
    """What the other tests of this module take for granted."""

    async def count(request: Request) -> Response:
        response = PlainTextResponse(request.headers.get('cookie', 'none'))
        response.set_cookie('third', 'party', samesite='none', secure=True)
        return response

    page = context.new_page()
    with serving(Starlette(routes=[Route('/', count)])) as other:
        for seen in ('none', 'none' if is_blocking else 'third=party'):
            page.goto(f'{host}/?show={other}')
            expect(page.frame_locator('#chat').locator('body')).to_have_text(seen)


def test_a_visitor_signs_in_and_goes_on_as_themselves(
    app: Server, provider: Anybody, host: str, context: BrowserContext
) -> None:
    page = context.new_page()
    page.goto(f'{host}/?show={app.url}/embed/open%3Ftheme%3Ddark')
    chat = page.frame_locator('#chat')
    say(chat, '/echo before')
    with context.expect_page() as opened:
        chat.get_by_test_id('site-sign-in').click()
    expect(chat.get_by_test_id('site-signing')).to_contain_text('window')
    opened.value.get_by_test_id('login-company').click()
    agree(opened.value, provider)
    expect(chat.get_by_test_id('user-menu')).to_have_text('AL')
    expect(chat.get_by_test_id('message-user')).to_have_count(0)
    assert chat.locator('html').get_attribute('data-theme') == 'dark'
    say(chat, '/echo after')
    page.reload()
    expect(answers(chat)).to_contain_text('after')
    it_is_theirs_on_our_own_pages(app, context)
    another_frame_lets_them_in_at_once(app, host, context)
    they_leave_this_frame_alone(page, context)


def it_is_theirs_on_our_own_pages(app: Server, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(app.url)
    expect(conversations(page)).to_have_count(1)
    page.close()


def another_frame_lets_them_in_at_once(app: Server, host: str, context: BrowserContext) -> None:
    """Nobody comes in there without; and nobody need sign in twice."""
    page = context.new_page()
    page.goto(f'{host}/?show={app.url}/embed/closed')
    chat = page.frame_locator('#chat')
    expect(chat.get_by_role('heading')).to_have_text('Sign in to chat')
    with context.expect_page():
        chat.get_by_test_id('site-sign-in').click()
    expect(chat.get_by_test_id('user-menu')).to_have_text('AL')
    page.close()


def they_leave_this_frame_alone(page: Page, context: BrowserContext) -> None:
    chat = page.frame_locator('#chat')
    chat.get_by_test_id('user-menu').click()
    chat.get_by_test_id('site-sign-out').click()
    expect(chat.get_by_test_id('site-sign-in')).to_be_visible()
    expect(chat.get_by_test_id('user-menu')).to_have_count(0)
    expect(chat.get_by_test_id('message-user')).to_have_count(0)


def test_where_no_window_may_open_there_is_a_link(
    app: Server, provider: Anybody, host: str, context: BrowserContext
) -> None:
    context.add_init_script('window.open = () => null')
    page = context.new_page()
    page.goto(f'{host}/?show={app.url}/embed/closed')
    chat = page.frame_locator('#chat')
    chat.get_by_test_id('site-sign-in').click()
    expect(chat.get_by_test_id('site-signing')).to_contain_text('no window')
    with context.expect_page() as opened:
        chat.get_by_test_id('site-sign-in-open').click()
    opened.value.get_by_test_id('login-company').click()
    provider.be(opened.value, 'ann')
    expect(chat.get_by_test_id('user-menu')).to_have_text('AL')


def say(chat: FrameLocator, text: str) -> None:
    chat.get_by_test_id('composer-input').fill(text)
    chat.get_by_test_id('composer-send').click()
    expect(answers(chat).last).to_have_attribute('data-status', 'complete')
    expect(answers(chat).last).to_contain_text(text.removeprefix('/echo '))


def answers(chat: FrameLocator) -> Locator:
    return chat.get_by_test_id('message-assistant')


def agree(window: Page, provider: Anybody) -> None:
    """The window closes itself when all is done."""
    with window.expect_event('close'):
        provider.be(window, 'ann')
