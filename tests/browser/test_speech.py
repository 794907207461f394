"""Answers that are read aloud, and questions that are spoken, in a browser with a microphone that beeps."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route, expect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from support import chromium
from support.chat import answers, ask, last_answer, open_page, say
from support.server import Server

from webapp.upstream import demo
from webapp.upstream.demo.state import Abilities

FAKE = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']
LONG = ' '.join(f'This is sentence {number} of many.' for number in range(40))


@pytest.fixture(scope='module')
def browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium.launch(playwright, FAKE) as browser:
        yield browser


@pytest.fixture(scope='module')
def begin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Start an app whose upstream has such abilities."""
    servers = []
    with start_blocking_portal() as portal, ExitStack() as stack:

        def start(behind: type | None = None, **abilities: bool) -> Server:
            upstream = demo.build(rate=0, abilities=Abilities(**abilities))
            if behind:
                upstream.add_middleware(behind)
            url = stack.enter_context(portal.wrap_async_context_manager(demo.serve(upstream)))
            server = Server(tmp_path_factory.mktemp('app'), {'DIFY_BASE_URL': url, 'DIFY_API_KEY': 'demo'})
            server.start()
            servers.append(server)
            return server

        yield start
        for server in servers:
            server.stop()
            assert 'Traceback' not in server.log, server.log


@pytest.fixture(scope='module')
def able(begin: Callable[..., Server]) -> Server:
    return begin(hears=True)


def test_an_answer_is_read_paused_and_stopped(able: Server, context: BrowserContext, page: Page) -> None:
    open_page(page, able.url)
    ask(page, f'/echo {LONG}')
    asked = []
    page.on('request', lambda request: asked.append(request.url) if '/speech/' in request.url else None)
    speak = last_answer(page).get_by_test_id('message-speak')
    hush = last_answer(page).get_by_test_id('message-hush')
    expect(hush).to_be_hidden()
    speak.focus()
    page.keyboard.press('Enter')
    expect(speak).to_have_attribute('data-phase', 'playing')
    expect(speak).to_have_accessible_name('Pause')
    page.keyboard.press('Enter')
    expect(speak).to_have_attribute('data-phase', 'paused')
    page.keyboard.press('Enter')
    expect(speak).to_have_attribute('data-phase', 'playing')
    hush.focus()
    page.keyboard.press('Enter')
    expect(speak).to_have_attribute('data-phase', '')
    expect(speak).to_be_focused()
    expect(hush).to_be_hidden()
    assert [re.sub(r'.*/', '', url) for url in asked] == ['0', '1']  # the second one while the first is heard


def test_it_ends_by_itself_and_another_one_takes_over(able: Server, context: BrowserContext, page: Page) -> None:
    open_page(page, able.url)
    ask(page, f'/echo {LONG}')
    first, second = (answers(page).nth(at).get_by_test_id('message-speak') for at in (0, 1))
    first.click()
    expect(first).to_have_attribute('data-phase', 'playing')
    ask(page, '/echo These few words are heard for about three seconds, and then it is quiet.')
    second.click()
    expect(first).to_have_attribute('data-phase', '')
    expect(second).to_have_attribute('data-phase', 'playing')
    expect(second).to_have_attribute('data-phase', '')
    expect(page.get_by_test_id('message-speak-error')).to_have_count(0)


@pytest.mark.parametrize(
    ('answer', 'words'),
    [('speechless', 'The voice could not be had'), ('```\ncode\n```', 'nothing in this answer')],
    ids=['broken', 'nothing'],
)
def test_what_can_not_be_read_is_told(
    able: Server, context: BrowserContext, page: Page, problems: list[str], answer: str, words: str
) -> None:
    open_page(page, able.url)
    ask(page, f'/echo {answer}')
    last_answer(page).get_by_test_id('message-speak').click()
    expect(page.get_by_test_id('message-speak-error')).to_contain_text(words)
    problems[:] = [problem for problem in problems if '502' not in problem]


def test_it_is_read_unasked_where_the_app_says_so(
    begin: Callable[..., Server], context: BrowserContext, page: Page
) -> None:
    server = begin(speaks_unasked=True)
    asked = []
    page.on('request', lambda request: asked.append(request.url) if '/speech/' in request.url else None)
    open_page(page, server.url)
    expect(page.locator('.thread.can-speak')).to_be_visible()  # the app has said so by now
    ask(page, f'/echo {LONG}')
    expect(last_answer(page).get_by_test_id('message-speak')).to_have_attribute('data-phase', 'playing')
    assert [re.sub(r'.*/', '', url) for url in asked] == ['whole']  # the voice that came along with the answer
    page.reload()
    expect(last_answer(page).get_by_test_id('message-speak')).to_be_visible()
    expect(page.locator('[data-phase=playing]')).to_have_count(0)


def test_an_app_without_voice_or_ears_has_no_buttons(
    begin: Callable[..., Server], context: BrowserContext, page: Page
) -> None:
    server = begin(speaks=False)
    open_page(page, server.url)
    ask(page, '/echo hello')
    expect(last_answer(page).get_by_test_id('message-speak')).to_be_hidden()
    expect(page.get_by_test_id('composer-dictate')).to_have_count(0)
    headers = page.request.get(server.url, headers={'accept': 'text/html'}).headers
    assert 'microphone=()' in headers['permissions-policy']


def test_what_is_dictated_waits_in_the_composer(able: Server, context: BrowserContext, page: Page) -> None:
    assert 'microphone=(self)' in page.request.get(able.url).headers['permissions-policy']
    open_page(page, able.url)
    box = page.get_by_test_id('composer-input')
    box.fill('Before')
    page.get_by_test_id('composer-dictate').focus()
    page.keyboard.press('Enter')
    expect(page.get_by_test_id('dictation-time')).to_have_text('0:01')
    expect(page.get_by_test_id('dictation-stop')).to_be_focused()
    page.keyboard.press('Enter')
    expect(box).to_have_value(re.compile(r'^Before A recording of \d\.\d seconds\. '))
    expect(box).to_be_focused()
    expect(page.get_by_test_id('message-user')).to_have_count(0)


class Gate:
    """Middleware in front of the demo: nobody learns what the app can do before it opens."""

    is_open = False

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        closed = scope.get('path') == '/v1/parameters' and not Gate.is_open
        await (PlainTextResponse('closed', 503) if closed else self._app)(scope, receive, send)


def test_ears_that_an_app_tells_of_late_can_be_used_without_a_reload(
    begin: Callable[..., Server], context: BrowserContext, page: Page
) -> None:
    server = begin(hears=True, behind=Gate)
    open_page(page, server.url)
    expect(page.get_by_test_id('composer-dictate')).to_have_count(0)
    Gate.is_open = True
    ask(page, '/echo hello')
    page.get_by_test_id('composer-dictate').click()
    expect(page.get_by_test_id('dictation-time')).to_have_text('0:01')
    page.keyboard.press('Escape')


def test_a_recording_is_discarded(able: Server, context: BrowserContext, page: Page) -> None:
    sent = []
    page.on('request', lambda request: sent.append(request.url) if request.url.endswith('/speech') else None)
    open_page(page, able.url)
    page.get_by_test_id('composer-dictate').click()
    expect(page.get_by_test_id('dictation-stop')).to_be_visible()
    page.keyboard.press('Escape')
    expect(page.get_by_test_id('composer-dictate')).to_be_focused()
    say(page, '/echo typed')
    expect(page.get_by_test_id('message-text')).to_have_text('typed')
    assert sent == []


@pytest.mark.parametrize(
    ('name', 'words'),
    [
        ('NotAllowedError', 'does not let this page'),
        ('NotFoundError', 'No microphone'),
        ('NotReadableError', 'another program'),
    ],
)
def test_a_microphone_that_is_not_to_be_had(
    able: Server, context: BrowserContext, page: Page, name: str, words: str
) -> None:
    refuse = f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{name}'))"
    page.add_init_script(refuse)
    open_page(page, able.url)
    page.get_by_test_id('composer-dictate').click()
    expect(page.locator('#composer-note')).to_contain_text(words)
    expect(page.get_by_test_id('composer-dictate')).to_be_focused()
    page.get_by_test_id('composer-input').fill('typed')
    expect(page.locator('#composer-note')).not_to_contain_text(words)


@pytest.mark.parametrize(
    ('status', 'body', 'words'),
    [
        (200, '{"text": ""}', 'No words were heard'),
        (502, '{"message": "in words of the server"}', 'in words of the server'),
        (500, 'nonsense', 'did not reach the server'),
    ],
)
def test_what_could_not_be_heard_is_told(
    able: Server, context: BrowserContext, page: Page, problems: list[str], status: int, body: str, words: str
) -> None:
    def answer(route: Route) -> None:
        route.fulfill(status=status, body=body, content_type='application/json')

    page.route('**/speech?app=*', answer)
    open_page(page, able.url)
    page.get_by_test_id('composer-dictate').click()
    expect(page.get_by_test_id('dictation-time')).to_be_visible()
    page.get_by_test_id('dictation-stop').click()
    expect(page.locator('#composer-note')).to_contain_text(words)
    problems[:] = [problem for problem in problems if str(status) not in problem]
