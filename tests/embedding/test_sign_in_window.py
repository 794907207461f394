"""The window in which somebody signs in for a frame: it listens to that frame alone, and so does the frame to it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from support import direct
from support.axe import faults
from support.people import WITH_LOGIN, sign_in
from support.server import Server
from support.serving import serving

TOML = """
[[embeds]]
id = "helpdesk"
app = "default"
origins = ["{host}"]
sign_in = true
"""
FRAME = '<!doctype html><title>Host</title><iframe id="chat" src="{}" width="600" height="600"></iframe>'
LISTEN = "window.heard = []; addEventListener('message', ({ data }) => heard.push(data?.type))"
NOTE_FETCHES = (
    'window.fetched = []; window.fetch = (address) => { fetched.push(address); return new Promise(() => {}) }'
)
ANSWER = """addEventListener('message', ({ data, source }) => {
  if (data.type === 'ping') setTimeout(() => source.postMessage({ type: 'pong' }, '*'));
})"""


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    return (
        'status of 401',
        'identity_needed',
        'frame-ancestors',
        'X-Frame-Options',
        'target origin',
        'status of 410',
        'status of 404',
    )


@pytest.fixture(scope='module')
def host() -> Iterator[str]:
    """Another site, whose pages show what `?show=` names, and keep windows as `?opener=` says."""

    async def page(request: Request) -> Response:
        query = request.query_params
        headers = {'Cross-Origin-Opener-Policy': query.get('opener', 'unsafe-none')}
        return HTMLResponse(FRAME.format(query.get('show', 'about:blank')), headers=headers)

    with serving(Starlette(routes=[Route('/', page)])) as url:
        yield url.replace('127.0.0.1', 'localhost')


@pytest.fixture(scope='module')
def app(tmp_path_factory: pytest.TempPathFactory, demo: str, host: str) -> Iterator[Server]:
    settings = WITH_LOGIN | {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo'}
    server = Server(tmp_path_factory.mktemp('app'), settings)
    (server.folder / 'webapp.toml').write_text(TOML.format(host=host))
    server.start()
    yield server
    server.stop()
    assert 'Traceback' not in server.log, server.log


@pytest.fixture
def pairing(app: Server, host: str) -> str:
    """What somebody else has begun, in a frame of their own."""
    answer = direct.post(f'{app.url}/embed/helpdesk/pairings', json={'origin': host}, headers={'Origin': app.url})
    return str(answer.json()['pairing'])


def test_without_a_frame_it_says_what_to_do(app: Server, page: Page, pairing: str) -> None:
    page.goto(f'{app.url}/embed/helpdesk/sign-in?pairing={pairing}#{pairing}')
    expect(page.get_by_test_id('popup-words')).to_contain_text('go back to the chat')
    assert page.context.cookies() == []
    for width in (480, 320):
        page.set_viewport_size({'width': width, 'height': 640})
        assert faults(page) == []


def test_it_takes_no_pairing_from_another_site_that_has_opened_it(
    app: Server, host: str, context: BrowserContext, pairing: str
) -> None:
    page = context.new_page()
    page.goto(host)
    page.evaluate(LISTEN)
    with context.expect_page() as opened:
        page.evaluate(f"window.opened = open('{app.url}/embed/helpdesk/sign-in')")
    window = opened.value
    window.wait_for_load_state()
    window.evaluate(f'{NOTE_FETCHES}; {LISTEN}')
    said = {'type': 'sign-in:pairing', 'pairing': pairing}
    page.evaluate("([said, to]) => { opened.postMessage(said, '*'); opened.postMessage(said, to) }", [said, app.url])
    window.wait_for_function('heard.length === 2')
    assert window.evaluate('fetched') == []
    assert page.evaluate('heard') == []  # nor has it been asked
    expect(window.get_by_test_id('popup-words')).to_have_text('One moment …')


def test_it_takes_none_from_a_page_of_ours_that_has_not_opened_it(
    app: Server, context: BrowserContext, pairing: str
) -> None:
    page = context.new_page()
    page.goto(f'{app.url}/embed/helpdesk/sign-in')
    with context.expect_page() as opened:
        page.evaluate("window.opened = open('/embed/helpdesk/sign-in')")
    window = opened.value
    window.wait_for_load_state()
    window.evaluate(f'{NOTE_FETCHES}; {LISTEN}')
    window.evaluate("pairing => postMessage({ type: 'sign-in:pairing', pairing }, '*')", pairing)
    window.wait_for_function('heard.length === 1')
    assert window.evaluate('fetched') == []


def test_a_pairing_of_nobody_s_is_told_to_be_over(app: Server, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f'{app.url}/embed/helpdesk/sign-in')
    with context.expect_page() as opened:
        page.evaluate("window.opened = open('/embed/helpdesk/sign-in')")
    opened.value.wait_for_load_state()
    page.evaluate("opened.postMessage({ type: 'sign-in:pairing', pairing: 'x'.repeat(43) }, '*')")
    expect(opened.value.get_by_test_id('popup-words')).to_contain_text('This sign-in is over')


def test_it_is_never_framed(app: Server, host: str, page: Page) -> None:
    for path in ('sign-in', 'signed-in'):
        page.goto(f'{host}/?show={app.url}/embed/helpdesk/{path}')
        assert page.frame_locator('#chat').get_by_test_id('popup-words').count() == 0
        assert page.frames[1].url.startswith('chrome-error:')


def test_the_frame_gives_its_pairing_to_its_own_window_alone(app: Server, host: str, context: BrowserContext) -> None:
    """Not to the page around it, nor to a page of ours that somebody else has opened."""
    page = context.new_page()
    page.goto(f'{host}/?show={app.url}/embed/helpdesk')
    chat, frame = page.frame_locator('#chat'), page.frames[1]
    chat.get_by_test_id('site-sign-in').wait_for()
    frame.evaluate(ANSWER)
    with context.expect_page() as opened:
        chat.get_by_test_id('site-sign-in').click()
    expect(opened.value).to_have_url(f'{app.url}/login?next=/embed/helpdesk/signed-in')
    with context.expect_page() as opened:
        page.evaluate(f"open('{app.url}/embed/helpdesk/sign-in')")
    opened.value.wait_for_load_state()
    for other, to_frame in ((page, 'frames[0]'), (opened.value, 'opener.frames[0]')):
        other.evaluate(LISTEN)
        for said in ('sign-in:hello', 'ping'):
            other.evaluate(f"{to_frame}.postMessage({{ type: '{said}' }}, '*')")
        other.wait_for_function("heard.includes('pong')")
        assert other.evaluate('heard') == ['pong']


def test_a_second_attempt_takes_the_place_of_the_first(app: Server, host: str, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f'{host}/?show={app.url}/embed/helpdesk')
    button = page.frame_locator('#chat').get_by_test_id('site-sign-in')
    polled: list[str] = []
    page.on('request', lambda request: polled.append(request.post_data or '') if 'poll' in request.url else None)
    with context.expect_page() as opened, page.expect_request('**/poll'):
        button.click()
    expect(opened.value).to_have_url(f'{app.url}/login?next=/embed/helpdesk/signed-in')
    first = polled[-1]
    with context.expect_page() as opened, page.expect_request('**/poll'):
        button.click()
    expect(opened.value).to_have_url(f'{app.url}/login?next=/embed/helpdesk/signed-in')
    polled.clear()
    for _ in range(3):
        with page.expect_request('**/poll'):
            pass
    assert first not in polled
    sign_in(app, 'ann', name='Ann Lee').open_in(context)
    button.click()  # a third one: they are signed in by now
    expect(page.frame_locator('#chat').get_by_test_id('user-menu')).to_have_text('AL')


def test_a_window_that_is_closed_at_once_ends_the_attempt(app: Server, host: str, context: BrowserContext) -> None:
    context.route('**/embed/helpdesk/sign-in', lambda route: route.abort())  # it never gets to say hello
    page = context.new_page()
    page.goto(f'{host}/?show={app.url}/embed/helpdesk')
    chat = page.frame_locator('#chat')
    with context.expect_page() as opened:
        chat.get_by_test_id('site-sign-in').click()
    with opened.value.expect_event('close'), context.expect_page() as second:
        chat.get_by_test_id('site-sign-in').click()  # one is enough
    second.value.close()
    expect(chat.get_by_test_id('site-signing')).to_contain_text('Nobody has signed in')
    context.unroute_all()


@pytest.mark.parametrize(('policy', 'is_met'), [('same-origin-allow-popups', True), ('same-origin', False)])
def test_a_page_may_cut_its_windows_off(
    app: Server, host: str, context: BrowserContext, policy: str, is_met: bool
) -> None:
    page = context.new_page()
    page.goto(f'{host}/?opener={policy}&show={app.url}/embed/helpdesk')
    with context.expect_page() as opened:
        page.frame_locator('#chat').get_by_test_id('site-sign-in').click()
    if is_met:
        expect(opened.value).to_have_url(f'{app.url}/login?next=/embed/helpdesk/signed-in')
    else:
        expect(opened.value.get_by_test_id('popup-words')).to_contain_text('has lost it')
        expect(page.frame_locator('#chat').get_by_test_id('site-signing')).to_contain_text('no window')
