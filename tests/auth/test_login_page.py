"""The page where people choose how to sign in: whom it is for, what it offers, and what it never repeats."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect
from support import direct
from support.axe import faults
from support.people import WITH_LOGIN, serving, sign_in
from support.server import Serve, Server

CONFIG = """
[branding]
name = "Front <desk>"

[[providers]]
name = "company"
label = "Company & Co"
issuer = "https://company.example"
client_id = "chat"
client_secret = "hush"

[[providers]]
name = "lost"
issuer = "http://127.0.0.1:9"
client_id = "chat"
client_secret = "hush"

[[providers]]
name = "hub"
preset = "github"
client_id = "chat"
client_secret = "hush"

[[apps]]
slug = "help"
base_url = "{url}"
api_key = "demo"
guests = true
"""


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    """Two providers, and guests."""
    folder = tmp_path_factory.mktemp('login')
    (folder / 'webapp.toml').write_text(CONFIG.format(url=demo))
    nothing = dict.fromkeys(('DIFY_BASE_URL', 'DIFY_API_KEY'), '')
    with serving(folder, demo, WEBAPP_GUESTS='true', **nothing) as server:
        yield server


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with direct.client(server.url, headers={'Accept': 'text/html'}) as client:
        yield client


def links(page: str) -> dict[str, str]:
    """Where each way in leads, by its handle."""
    return {name: re.search(rf'data-testid="{name}"[^>]*href="([^"]*)"', page)[1] for name in HANDLES if name in page}  # type: ignore[index]


HANDLES = ('login-oidc', 'login-company', 'login-lost', 'login-hub', 'login-guest')


def test_every_way_in_leads_on_to_where_one_wanted_to_go(http: httpx.Client) -> None:
    answer = http.get('/login', params={'next': '/a/help?q=a b&x=1'.replace(' ', '%20')})
    assert answer.status_code == 200
    assert answer.headers['cache-control'] == 'no-store'
    assert links(answer.text) == {
        'login-oidc': '/auth/oidc/login?next=/a/help%3Fq%3Da%2520b%26x%3D1',
        'login-company': '/auth/company/login?next=/a/help%3Fq%3Da%2520b%26x%3D1',
        'login-lost': '/auth/lost/login?next=/a/help%3Fq%3Da%2520b%26x%3D1',
        'login-hub': '/auth/hub/login?next=/a/help%3Fq%3Da%2520b%26x%3D1',
        'login-guest': '/a/help?q=a%20b&amp;x=1',
    }
    assert '_nicegui' not in answer.text, 'it needs no socket'
    assert 'chat=' not in answer.headers.get('set-cookie', ''), 'looking at it makes nobody a guest'


@pytest.mark.parametrize('target', ['//evil.example', 'https://evil.example', '/\\evil.example', '/logout', '/login'])
def test_it_leads_nowhere_else(http: httpx.Client, target: str) -> None:
    page = http.get('/login', params={'next': target}).text
    assert links(page)['login-company'] == '/auth/company/login'
    assert links(page)['login-guest'] == '/'
    assert 'evil' not in page


def test_names_are_text(http: httpx.Client) -> None:
    page = http.get('/login').text
    assert '<title>Sign in · Front &lt;desk&gt;</title>' in page
    assert 'Continue with Company &amp; Co' in page


@pytest.mark.parametrize(
    ('query', 'words'),
    [
        ('code=signed_out', 'You are signed out.'),
        ('code=provider_unavailable&provider=hub', 'GitHub can&#39;t be reached at the moment.'),
    ],
)
def test_it_says_why_one_is_here(http: httpx.Client, query: str, words: str) -> None:
    assert words in http.get(f'/login?{query}').text


@pytest.mark.parametrize(
    'query',
    [
        'code=Call+0900',
        'code=<b>0900',
        'code=',
        'code=internal',
        'code=blocked',
        'code=internal_error',
        'provider=hub',
        'error=0900',
    ],
)
def test_it_says_nothing_that_is_not_ours(http: httpx.Client, query: str) -> None:
    page = http.get(f'/login?{query}').text
    assert 'login-notice' not in page
    assert '0900' not in page


def test_a_provider_that_is_down_can_be_tried_again_and_the_others_are_there(http: httpx.Client) -> None:
    page = http.get('/login?code=provider_unavailable&provider=hub').text
    assert page.count('Not reachable just now.') == 1
    assert set(links(page)) == set(HANDLES)
    assert 'aria-describedby="down-hub"' in page
    unknown = http.get('/login?code=provider_unavailable&provider=%3Cb%3E').text
    assert 'Not reachable just now.' not in unknown


def test_so_it_is_for_whoever_has_chosen_one_that_does_not_answer(http: httpx.Client) -> None:
    answer = http.get('/auth/lost/login?next=/a/help')
    assert answer.status_code == 503
    assert 'Lost can&#39;t be reached at the moment.' in answer.text
    assert 'aria-describedby="down-lost"' in answer.text
    assert links(answer.text)['login-hub'] == '/auth/hub/login?next=/a/help'
    assert http.get('/auth/lost/login', headers={'Accept': 'application/json'}).json()['code'] == 'provider_unavailable'


def test_who_is_signed_in_goes_on(server: Server) -> None:
    with sign_in(server).client() as ann:
        answer = ann.get('/login?next=/a/help')
        assert (answer.status_code, answer.headers['location']) == (303, '/a/help')
        assert ann.get('/login?next=//evil.example').headers['location'] == '/'


def test_a_guest_may_sign_in(http: httpx.Client) -> None:
    page = http.get('/a/help')
    assert page.status_code == 200
    assert '/login?next=/a/help' in page.text, 'so says the menu'
    assert '/logout' not in page.text
    assert 'chat' in http.cookies
    assert http.get('/login').status_code == 200


def test_an_address_with_a_slash_too_many_leads_nowhere(http: httpx.Client) -> None:
    """A redirect would have to know by which scheme a proxy was asked."""
    answer = http.get('/a/help/')
    assert (answer.status_code, answer.headers.get('location')) == (404, None)


def test_in_local_mode_there_is_nothing_to_sign_in_to(app: Server) -> None:
    answer = direct.get(f'{app.url}/login')
    assert (answer.status_code, answer.headers['location']) == (303, '/')


def test_without_guests_there_is_one_thing_to_do(serve: Serve, page: Page) -> None:
    server = serve(**WITH_LOGIN)
    page.goto(f'{server.url}/a/default')
    expect(page).to_have_url(f'{server.url}/login?next=/a/default')
    expect(page.get_by_test_id('login-guest')).to_have_count(0)
    page.keyboard.press('Tab')
    expect(page.get_by_test_id('login-oidc')).to_be_focused()


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_everybody_can_use_it(server: Server, page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for width in (1280, 360):
        page.set_viewport_size({'width': width, 'height': 740})
        page.goto(f'{server.url}/login?code=provider_unavailable&provider=hub')
        assert faults(page) == []
        assert page.evaluate('document.documentElement.scrollWidth <= innerWidth')
