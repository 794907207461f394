"""The example of a host: a small site that shows the chat and vouches for its visitors; and what runs it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from playwright.sync_api import Page, expect
from support import direct
from support.server import OURS, free_port, wait_for

from webapp.listening import listen

ROOT = Path(__file__).parents[2]
SERVER = ROOT / 'docs' / 'embedding' / 'host' / 'server.py'
COMMAND = ROOT / 'tools' / 'host_site.py'
SECRET = 'a secret of at least 32 bytes, no less'
CHAT = 'http://127.0.0.1:9'  # nothing listens there
SETTINGS = {'CHAT_URL': CHAT, 'CHAT_EMBED': 'example', 'CHAT_KID': 'k1', 'CHAT_SECRET': SECRET}


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    return ('Failed to load resource: net::ERR_',)  # the chat's script, since there is no chat


@pytest.fixture(scope='module')
def site() -> Iterator[str]:
    """Its address."""
    port = free_port()
    with running(SERVER, str(port), settings=SETTINGS, errors=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f'Open http://localhost:{port}\n'
        yield f'http://127.0.0.1:{port}'


def test_the_token_is_for_who_is_signed_in(site: str) -> None:
    with direct.client(site) as http:
        assert http.get('/chat-token').status_code == 204
        for role, name in (('customer-a', 'Customer A'), ('customer-b', 'Customer B')):
            http.post(f'/sign-in/{role}')
            answer = http.get('/chat-token')
            assert answer.headers['cache-control'] == 'no-store'
            claims = jwt.decode(answer.text, OctKey.import_key(SECRET.encode()), algorithms=['HS256']).claims
            assert (claims['aud'], claims['sub'], claims['name']) == (f'{CHAT}/embed/example', role, name)
        http.post('/sign-out')
        assert http.get('/chat-token').status_code == 204


def test_nobody_can_be_somebody_else_by_a_cookie_of_their_own(site: str) -> None:
    with direct.client(site) as http:
        assert http.post('/sign-in/admin').status_code == 404
        assert http.get('/chat-token', headers={'Cookie': 'role=admin'}).status_code == 204


def test_nothing_else_is_served(site: str) -> None:
    with direct.client(site) as http:
        for path in ('/server.py', '/sign.py', '/%2e%2e/sign.py', '/index.html', '/chat-token/'):
            assert http.get(path).status_code == 404, path


def test_the_page_has_a_strict_policy_and_keeps_to_it(page: Page, site: str, problems: list[str]) -> None:
    policy = direct.get(site).headers['content-security-policy']
    assert policy.startswith(f"default-src 'none'; script-src 'self' {CHAT}; frame-src {CHAT}; connect-src 'self'; ")
    assert 'unsafe' not in policy
    page.goto(site)
    expect(page.get_by_role('heading', level=1)).to_be_visible()
    expect(page.locator('script[data-embed]')).to_have_attribute('src', f'{CHAT}/static/embed.js')
    expect(page.locator('#log li')).to_have_text('error The script of the chat did not load. Is the chat running?')
    assert problems == []


def test_who_is_signed_in_is_said_also_after_a_reload(page: Page, site: str) -> None:
    page.goto(site)
    expect(page.locator('#who')).to_have_text('Not signed in')
    page.get_by_role('button', name='Sign in as Customer B').click()
    expect(page.locator('#who')).to_have_text('Customer B')
    page.reload()
    expect(page.locator('#who')).to_have_text('Customer B')
    page.get_by_role('button', name='Sign out').click()
    expect(page.locator('#who')).to_have_text('Not signed in')


def test_the_site_says_what_keeps_it_from_starting(site: str) -> None:
    taken = str(httpx.URL(site).port)
    for port, settings, why in (
        ('0', SETTINGS | {'CHAT_KID': ''}, 'The site cannot start: CHAT_KID is not set.'),
        (taken, SETTINGS, 'The site gets no port to listen on: Address already in use.'),
    ):
        with running(SERVER, port, settings=settings) as process:
            said, complained = process.communicate(timeout=60)
        assert (process.returncode, said, complained.strip()) == (1, '', why)


def test_one_command_shows_the_chat_in_the_page_of_another_site(tmp_path: Path) -> None:
    port, site_port = free_port(), free_port()
    chat, origin = f'http://127.0.0.1:{port}', f'http://localhost:{site_port}'
    settings = {'WEBAPP_PORT': str(port)}
    with running(COMMAND, '--port', str(site_port), settings=settings, folder=tmp_path) as process:
        try:
            wait_for(lambda: answers(f'{chat}/readyz'), 'the app', 60)
            with direct.client(f'http://127.0.0.1:{site_port}') as http:
                policy = direct.get(f'{chat}/embed/example').headers['content-security-policy']
                assert f'frame-ancestors {origin}' in policy
                http.post('/sign-in/customer-a')
                entry = {'token': http.get('/chat-token').text, 'origin': origin}
            entered = direct.post(f'{chat}/embed/example', json=entry, headers={'Origin': chat})
            assert entered.status_code == 200, entered.text
            page = direct.get(f'{chat}/embed/example/chat', params={'t': entered.json()['ticket']})
            assert page.status_code == 200
        finally:
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            said, complained = process.communicate(timeout=60)
    assert [line.split()[-1] for line in said.splitlines()] == [chat, origin]
    assert f'Open {chat}' in complained
    assert 'Traceback' not in complained, complained
    assert not answers(f'{chat}/readyz')
    assert not answers(f'http://127.0.0.1:{site_port}/')
    assert (tmp_path / 'data' / 'host-site' / 'webapp.toml').exists()


def test_an_embed_of_ones_own_is_taken(tmp_path: Path) -> None:
    port, site_port = free_port(), free_port()
    (tmp_path / 'webapp.toml').write_text(f"""
        [[embeds]]
        id = "elsewhere"
        app = "demo"
        origins = ["http://localhost:1"]
        anonymous = true
        [[embeds]]
        id = "mine"
        app = "demo"
        origins = ["http://localhost:{site_port}"]
        keys = [{{ kid = "own", secret_env = "MINE" }}]
        """)
    settings = {'WEBAPP_PORT': str(port), 'MINE': SECRET}
    with running(COMMAND, '--port', str(site_port), settings=settings, folder=tmp_path) as process:
        try:
            site = f'http://127.0.0.1:{site_port}'
            wait_for(lambda: answers(site), 'the site')
            with direct.client(site) as http:
                http.post('/sign-in/customer-b')
                token = jwt.decode(http.get('/chat-token').text, OctKey.import_key(SECRET.encode()))
            assert token.header['kid'] == 'own'
            assert token.claims['aud'] == f'http://127.0.0.1:{port}/embed/mine'
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=60)


def test_the_command_says_that_a_port_is_taken(tmp_path: Path) -> None:
    with listen('127.0.0.1', 0) as taken:
        port = taken.getsockname()[1]
        refused = refusal(tmp_path, '--port', str(port))
        assert refused == (
            f'Port {port}, for the site beside the app, is taken. Stop what listens there, or take another by --port.\n'
        )


def test_settings_of_ones_own_without_an_embed_are_told_what_to_add(tmp_path: Path) -> None:
    (tmp_path / 'webapp.toml').write_text(
        '[[apps]]\nslug = "support"\nbase_url = "https://dify.example.com/v1"\napi_key = "app-1234567890"\n'
    )
    port = free_port()
    refused = refusal(tmp_path, '--port', str(port))
    assert refused.startswith(f'webapp.toml has no embed for http://localhost:{port} with a secret that is known.')
    assert '[[embeds]]\nid = "example"\napp = "support"\n' in refused
    assert f'origins = ["http://localhost:{port}"]' in refused


def test_wrong_settings_are_told_as_the_app_tells_them(tmp_path: Path) -> None:
    refused = refusal(tmp_path, '--port', str(free_port()), WEBAPP_PROT='8000')
    assert refused.startswith(
        'These settings make no sense:\n- WEBAPP_PROT is not a setting; did you mean WEBAPP_PORT?'
    )


def answers(url: str) -> bool:
    try:
        return direct.get(url).is_success
    except httpx.TransportError:
        return False


def refusal(folder: Path, *arguments: str, **settings: str) -> str:
    with running(COMMAND, *arguments, settings=settings, folder=folder) as process:
        said, complained = process.communicate(timeout=60)
    assert (process.returncode, said) == (1, '')
    assert 'Traceback' not in complained
    return complained


@contextmanager
def running(
    script: Path,
    *arguments: str,
    settings: Mapping[str, str],
    folder: Path | None = None,
    errors: int = subprocess.PIPE,
) -> Iterator['subprocess.Popen[str]']:
    own = {name: value for name, value in os.environ.items() if not name.startswith((*OURS, 'CHAT_'))}
    with subprocess.Popen(
        [sys.executable, str(script), *arguments],
        cwd=folder,
        env=own | {'PYTHONPATH': str(ROOT)} | settings,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
