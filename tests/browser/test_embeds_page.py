"""`/admin/embeds`: what admins see of other sites that show the chat, and how they take it from them at once."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Literal

import httpx
import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect
from support import direct
from support.axe import faults
from support.people import WITH_LOGIN, Other, sign_in
from support.server import Server, free_port

from webapp.embedding import host_tokens
from webapp.embeds import Key

KEY = Key('k1', 'HS256', 'one-secret-of-the-tests-0123456789')
EMBEDS = """
[[embeds]]
id = "helpdesk"
app = "default"
origins = ["{origin}", "https://*.example.com"]
layout = "compact"
keys = [{{ kid = "k1", secret = "{secret}" }}, {{ kid = "k2", secret = "{secret}-2" }}]
budget_group = "customers"

[[embeds]]
id = "wiki"
app = "default"
origins = ["{origin}", "https://*.example.org"]
layout = "compact"
anonymous = true

[[budgets]]
scope = "group:customers"
period = "month"
tokens = 1000
"""
HOST = """<!doctype html><title>A shop</title>
<iframe id="helpdesk" src="{url}/embed/helpdesk" width="420" height="700"></iframe>
<iframe id="wiki" src="{url}/embed/wiki" width="420" height="700"></iframe>
<script>
addEventListener("message", async ({{ data, source }}) => {{
  if (data.type !== "chat:ready" || data.stage !== "entry") return;
  const token = data.embed === "helpdesk" ? await (await fetch("/token")).text() : null;
  source.postMessage({{ type: "chat:identify", version: 1, token }}, "{url}");
}});
</script>"""


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    """What an integrator reads on the console of a host whose key is revoked; and that browser's own word for it."""
    return ('chat helpdesk: revoked: ', '403 (Forbidden)')


@pytest.fixture(scope='module')
def host_port() -> int:
    return free_port()


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, demo: str, host_port: int) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp('app'), WITH_LOGIN | {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo'})
    origin = f'http://localhost:{host_port}'
    (server.folder / 'webapp.toml').write_text(EMBEDS.format(origin=origin, secret=KEY.material))
    server.start()
    with site(server, host_port):
        yield server
    server.stop()
    assert 'Traceback' not in server.log, server.log


@contextmanager
def site(server: Server, port: int) -> Iterator[None]:
    """Another site, whose page shows both embeds, and which vouches for one person."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_token = self.path == '/token'
            body = (token(server, 'customer-7') if is_token else HOST.format(url=server.url)).encode()
            self.send_response(200)
            self.send_header('Content-Type', 'text/plain' if is_token else 'text/html')
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(('127.0.0.1', port), Handler) as host:
        thread = Thread(target=host.serve_forever)
        thread.start()
        yield
        host.shutdown()
        thread.join()


def token(server: Server, subject: str) -> str:
    audience = f'{server.url}/embed/helpdesk'
    return host_tokens.sign(KEY, {'sub': subject}, audience=audience, now=datetime.now(UTC))


@pytest.fixture
def admin(server: Server, other: Other) -> Page:
    return look(other(sign_in(server, 'admin')), server)


@pytest.fixture
def host(page: Page, host_port: int, server: Server) -> Page:
    """The page of the other site, with both chats open."""
    page.goto(f'http://localhost:{host_port}/')
    for embed in ('helpdesk', 'wiki'):
        expect(chat(page, embed).get_by_test_id('composer-input')).to_be_editable()
    return page


def chat(page: Page, embed: str) -> FrameLocator:
    return page.frame_locator(f'#{embed}')


def look(page: Page, server: Server) -> Page:
    page.goto(f'{server.url}/admin/embeds')
    expect(page.get_by_test_id('embed')).to_have_count(2)
    return page


def part(admin: Page, embed: str = 'helpdesk') -> Locator:
    return admin.locator(f'[data-testid=embed][data-embed={embed}]')


def confirm(admin: Page, said: str) -> None:
    admin.get_by_test_id('confirm').click()
    expect(admin.get_by_role('status').filter(has_text=said)).to_have_count(1)


def enter(server: Server, http: httpx.Client, subject: str, origin: str) -> httpx.Response:
    said = {'token': token(server, subject), 'origin': origin}
    return http.post('/embed/helpdesk', json=said, headers={'Origin': server.url})


def test_a_key_that_is_revoked_closes_what_rests_on_it_and_nothing_else(
    server: Server, admin: Page, host: Page, host_port: int
) -> None:
    origin = f'http://localhost:{host_port}'
    with direct.client(server.url) as http:
        entered = enter(server, http, 'customer-8', origin)
        ticket, cookie = entered.json()['ticket'], entered.headers['set-cookie'].partition(';')[0]
        part(admin).get_by_role('button', name='Revoke k1').click()
        confirm(admin, 'Sessions ended: 2.')
        expect(chat(host, 'helpdesk').get_by_text('revoked', exact=True)).to_be_visible()
        for path, headers in ((f'?t={ticket}', {}), ('', {'Cookie': cookie})):
            answer = http.get(f'/embed/helpdesk/chat{path}', headers=headers)
            assert (answer.status_code, answer.headers['location']) == (303, '/embed/helpdesk')
        refused = enter(server, http, 'customer-8', origin)
        assert (refused.status_code, refused.json()['code']) == (403, 'revoked')
        assert 'has revoked the key' in refused.json()['message']

        chat(host, 'wiki').get_by_test_id('composer-input').fill('/echo still here')
        chat(host, 'wiki').get_by_test_id('composer-send').click()
        expect(chat(host, 'wiki').get_by_test_id('message-assistant')).to_have_attribute('data-status', 'complete')

        expect(part(admin).get_by_test_id('revoked')).to_have_count(1)
        part(admin).get_by_role('button', name='Allow k1 again').click()
        confirm(admin, 'It is allowed again.')
        assert enter(server, http, 'customer-8', origin).status_code == 200
    host.reload()
    expect(chat(host, 'helpdesk').get_by_test_id('composer-input')).to_be_editable()
    log = admin.request.get(f'{server.url}/admin/audit.csv').text()
    assert re.search(r'embed_revoked.*helpdesk.*k1', log)
    assert 'embed_allowed' in log


def test_an_origin_that_is_revoked_shows_it_no_more(server: Server, admin: Page, host_port: int) -> None:
    with direct.client(server.url) as http:
        entered = enter(server, http, 'customer-9', 'https://shop.example.com')
        chat_path = f'/embed/helpdesk/chat?t={entered.json()["ticket"]}'
        part(admin).get_by_role('button', name='Revoke https://*.example.com').click()
        confirm(admin, 'Sessions ended: 1.')
        assert http.get(chat_path).status_code == 303
        refused = enter(server, http, 'customer-9', 'https://shop.example.com')
        assert (refused.status_code, refused.json()['code']) == (403, 'revoked')
        on = http.get('/embed/helpdesk', params={'token': token(server, 'customer-9')})
        shown = http.get(on.headers['location'])  # without a script nobody says where that is
        assert f"frame-ancestors http://localhost:{host_port} 'self';" in shown.headers['content-security-policy']
    part(admin).get_by_role('button', name='Allow https://*.example.com again').click()
    confirm(admin, 'It is allowed again.')


def test_nor_to_visitors_who_came_from_elsewhere_before(server: Server, admin: Page, host_port: int) -> None:
    def visit(origin: str, **headers: str) -> httpx.Response:
        said = {'token': None, 'origin': origin}
        return http.post('/embed/wiki', json=said, headers={'Origin': server.url, **headers})

    with direct.client(server.url) as http:
        cookie = visit(f'http://localhost:{host_port}').headers['set-cookie'].partition(';')[0]
        assert visit('https://a.example.org', Cookie=cookie).status_code == 200
        part(admin, 'wiki').get_by_role('button', name='Revoke https://*.example.org').click()
        confirm(admin, 'Sessions ended: 1.')  # they had gone on there
        assert visit('https://a.example.org', Cookie=cookie).json()['code'] == 'revoked'
        assert visit(f'http://localhost:{host_port}', Cookie=cookie).status_code == 200


def test_all_sessions_end_and_the_host_lets_its_people_in_again(admin: Page, host: Page) -> None:
    with host.expect_event('framenavigated', lambda frame: frame.url.endswith('/embed/helpdesk')):
        part(admin).get_by_test_id('embed-end-all').click()
        confirm(admin, 'Sessions ended: ')
    expect(chat(host, 'helpdesk').get_by_test_id('composer-input')).to_be_editable()
    expect(chat(host, 'wiki').get_by_test_id('composer-input')).to_be_editable()


def test_what_goes_into_a_page_is_there_to_copy(server: Server, admin: Page) -> None:
    admin.context.grant_permissions(['clipboard-read', 'clipboard-write'], origin=server.url)
    expect(part(admin).get_by_test_id('embed-script')).to_have_text(
        f'<script src="{server.url}/static/embed.js" data-embed="helpdesk" data-token-url="/chat-token" '
        'data-layout="compact" async></script>'
    )
    code = part(admin, 'wiki').locator('.code').nth(1)
    code.hover()
    code.get_by_test_id('code-copy').click()
    expect(code.get_by_test_id('code-copy')).to_have_attribute('data-done', 'true')
    copied = admin.evaluate('navigator.clipboard.readText()')
    assert copied.startswith(f'<iframe src="{server.url}/embed/wiki" title="Demo assistant" width=')
    assert 'one-secret' not in admin.content()


def test_how_the_budget_stands_is_there(admin: Page) -> None:
    expect(part(admin).get_by_test_id('embed-budget')).to_contain_text(re.compile(r'of 1,000 tokens'))
    expect(part(admin, 'wiki').get_by_test_id('embed-budget')).to_have_count(0)


def test_the_preview_is_the_embed_itself_as_somebody_of_their_own(server: Server, admin: Page) -> None:
    assert admin.locator('iframe').count() == 0
    part(admin).get_by_test_id('embed-preview-show').click()
    preview = admin.frame_locator('[data-testid=embed-preview]')
    preview.get_by_test_id('composer-input').fill('/echo a preview')
    preview.get_by_test_id('composer-input').press('Enter')
    expect(preview.get_by_test_id('message-assistant')).to_have_attribute('data-status', 'complete')
    expect(preview.get_by_test_id('user-menu')).to_have_count(0)  # there is nothing to sign out of
    assert {cookie['name'] for cookie in admin.context.cookies()} == {'chat'}
    admin.goto(server.url)
    expect(admin.get_by_test_id('conversation-item')).to_have_count(0)  # it is not the admin who has asked


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_nothing_keeps_anybody_out(admin: Page, scheme: Literal['light', 'dark']) -> None:
    admin.emulate_media(color_scheme=scheme)
    part(admin).get_by_test_id('embed-preview-show').click()
    expect(admin.frame_locator('[data-testid=embed-preview]').get_by_test_id('composer-input')).to_be_editable()
    for width in (1280, 390):
        admin.set_viewport_size({'width': width, 'height': 844})
        assert faults(admin) == []
        assert admin.evaluate('document.documentElement.scrollWidth') == width


def test_only_that_page_may_have_frames_and_only_embeds_may_be_in_them(server: Server) -> None:
    with sign_in(server, 'admin').client() as http:
        policies = {
            path: http.get(path).headers['content-security-policy'] for path in ('/admin/embeds', '/admin', '/')
        }
        entry = http.get('/embed/wiki').headers['content-security-policy']
    assert [path for path, policy in policies.items() if "frame-src 'self'" in policy] == ['/admin/embeds']
    assert all("frame-ancestors 'none'" in policy for policy in policies.values())
    assert 'frame-src' not in entry
    assert re.search(r"frame-ancestors http://localhost:\d+ https://\*\.example\.org 'self';", entry)


def test_nobody_else_gets_one_nor_lets_our_own_pages_vouch(server: Server) -> None:
    with sign_in(server, 'ann').client() as http:
        assert http.get('/admin/embeds').status_code == 404
        said = {'token': None, 'origin': server.url}
        answer = http.post('/embed/wiki', json=said, headers={'Origin': server.url})
    assert (answer.status_code, answer.json()['code']) == (403, 'origin')
