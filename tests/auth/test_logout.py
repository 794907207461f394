"""Signing out here and at the provider, and providers that end sessions of their own accord, over real HTTP."""

import html
import re
import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from issuer import CLIENT, KEYS, Issuer, by_public_key, unsigned
from joserfc import jwt
from playwright.sync_api import Page, expect
from starlette.responses import HTMLResponse
from support import direct
from support.people import sign_in
from support.server import Server, wait_for
from visitor import Visitor, audit, query, rows

from webapp.auth.id_tokens import LOGOUT_EVENT

END = '/end-session'


@pytest.fixture(scope='module', autouse=True)
def _announced(front: Server, providers: SimpleNamespace) -> None:
    """One provider wants to know of it when somebody signs out, and has said so to the app."""
    providers.company.metadata = {'end_session_endpoint': f'{providers.company.url}{END}?tenant=main'}
    Visitor(front).begin()


@pytest.fixture
def ann(front: Server) -> Visitor:
    ann = Visitor(front)
    ann.sign_in()
    assert ann.is_in()
    return ann


def logout(visitor: Visitor, **headers: str) -> httpx.Response:
    return visitor.http.post('/logout', headers={'Origin': visitor.server.url} | headers)


def test_whoever_signs_out_here_goes_on_to_sign_out_at_the_provider(
    ann: Visitor, front: Server, providers: SimpleNamespace
) -> None:
    copied = ann.session
    answer = logout(ann)
    assert (answer.status_code, answer.headers['cache-control']) == (200, 'no-store')
    ways = re.findall(r'(?:url=|href=")(http[^"]+)"', answer.text)
    assert len(set(ways)) == 1
    assert len(ways) == 2  # by itself, and by a link
    where = html.unescape(ways[0])
    assert where.startswith(f'{providers.company.url}{END}?tenant=main&')
    said = query(where)
    assert jwt.decode(said['id_token_hint'], KEYS['first'], algorithms=['RS256']).claims['sub'] == 'ann-1'
    assert said['client_id'] == CLIENT
    assert said['post_logout_redirect_uri'] == f'{front.url}/login'
    assert len(said['state']) > 20
    assert not ann.is_in()
    ann.http.cookies.set('chat', copied, domain='127.0.0.1', path='/')
    assert not ann.is_in()
    assert audit(front, 'signed_out')[0] == {'provider': 'company'}
    assert said['id_token_hint'] not in front.log


def test_a_browser_goes_that_way_by_itself(front: Server, providers: SimpleNamespace, page: Page) -> None:
    page.goto(f'{front.url}/auth/company/login')
    page.get_by_test_id('user-menu').click()
    page.get_by_test_id('logout').click()
    expect(page).to_have_url(re.compile(rf'{front.url}/login\?state=.'))
    assert providers.company.asked[END] == 1
    assert providers.company.last['id_token_hint']
    page.goto(front.url)
    expect(page).to_have_url(f'{front.url}/login')


def test_a_provider_that_need_not_know_is_not_gone_to(front: Server) -> None:
    visitor = Visitor(front)
    visitor.sign_in('other')
    answer = logout(visitor)
    assert (answer.status_code, answer.headers['location']) == (303, '/login?code=signed_out')
    assert not visitor.is_in()


def test_a_provider_that_is_down_keeps_nobody_in(front: Server, providers: SimpleNamespace) -> None:
    providers.liar.answers = {'/.well-known/openid-configuration': None}
    person = sign_in(front, 'carol', issuer=providers.liar.url, provider='liar')
    with person.client() as browser:
        assert browser.get('/').status_code == 200
        answer = browser.post('/logout', headers={'Origin': front.url}, timeout=20)
        assert (answer.status_code, answer.headers['location']) == (303, '/login?code=signed_out')
    with person.client() as copy:
        assert copy.get('/').status_code == 303


@pytest.mark.parametrize(
    'headers', [{'Origin': 'https://evil.example'}, {'Origin': 'null'}, {'Sec-Fetch-Site': 'cross-site'}]
)
def test_nobody_elses_page_can_sign_people_out(ann: Visitor, headers: dict[str, str]) -> None:
    assert ann.http.post('/logout', headers=headers).status_code == 403
    assert ann.is_in()


@pytest.mark.parametrize('method', ['GET', 'HEAD', 'PUT', 'OPTIONS'])
def test_only_a_post_signs_out(ann: Visitor, method: str) -> None:
    headers = {'Origin': ann.server.url}
    assert ann.http.request(method, '/logout', headers=headers).status_code in {404, 405}
    assert ann.is_in()


def test_who_is_out_already_may_sign_out_again(ann: Visitor, front: Server) -> None:
    logout(ann)
    told = len(audit(front, 'signed_out'))
    assert logout(ann).headers['location'] == '/'
    assert len(audit(front, 'signed_out')) == told


# providers that end sessions


def token(issuer: Issuer, *, key: Any = KEYS['first'], header: dict[str, Any] | None = None, **claims: Any) -> str:
    now = int(time.time())
    honest = {
        'iss': issuer.url, 'aud': CLIENT, 'iat': now, 'exp': now + 120, 'jti': f'jti-{time.time_ns()}',
        'events': {LOGOUT_EVENT: {}}, 'sub': 'ann-1',
    }  # fmt: skip
    said = {name: value for name, value in (honest | claims).items() if value is not None}
    return jwt.encode({'alg': 'RS256', 'kid': 'first', 'typ': 'logout+jwt'} | (header or {}), said, key)


def tell(front: Server, token: str | None, provider: str = 'company') -> httpx.Response:
    """As the provider does: from its own server, without a browser."""
    form = {} if token is None else {'logout_token': token}
    return direct.post(f'{front.url}/auth/{provider}/backchannel-logout', data=form, timeout=20)


def arrive(front: Server, providers: SimpleNamespace, **person: str) -> Visitor:
    providers.company.person |= person
    visitor = Visitor(front)
    visitor.sign_in()
    assert visitor.is_in()
    return visitor


def test_a_provider_ends_all_sessions_of_a_person(front: Server, providers: SimpleNamespace) -> None:
    one, two = arrive(front, providers), arrive(front, providers)
    bob = arrive(front, providers, sub='bob-1')
    answer = tell(front, token(providers.company))
    assert (answer.status_code, answer.headers['cache-control']) == (200, 'no-store')
    assert [visitor.is_in() for visitor in (one, two, bob)] == [False, False, True]
    assert audit(front, 'session_ended')[:2] == [{'provider': 'company', 'reason': 'by_provider'}] * 2


def test_or_one_of_its_own(front: Server, providers: SimpleNamespace) -> None:
    one, two = arrive(front, providers, sid='sid-1'), arrive(front, providers, sid='sid-2')
    assert tell(front, token(providers.company, sub=None, sid='sid-1')).status_code == 200
    assert [one.is_in(), two.is_in()] == [False, True]


@pytest.mark.parametrize(
    ('claims', 'reason'),
    [
        ({'iss': 'https://evil.example'}, 'iss'),
        ({'aud': 'other'}, 'aud'),
        ({'iat': int(time.time()) - 900, 'exp': int(time.time()) + 900}, 'clock'),
        ({'iat': int(time.time()) + 600}, 'clock'),
        ({'exp': int(time.time()) - 600}, 'clock'),
        ({'jti': None}, 'jti'),
        ({'events': None}, 'kind'),
        ({'events': {'https://evil.example': {}}}, 'kind'),
        ({'nonce': 'n-1'}, 'nonce'),
        ({'sub': None}, 'subject'),
        ({'header': {'typ': 'at+jwt'}}, 'kind'),
        ({'key': KEYS['foreign']}, 'signature'),
        ({'key': KEYS['foreign'], 'header': {'kid': 'foreign'}}, 'unknown_key'),
    ],
)
def test_others_wishes_are_not_granted(
    ann: Visitor, front: Server, providers: SimpleNamespace, claims: dict[str, Any], reason: str
) -> None:
    answer = tell(front, token(providers.company, **claims))
    assert (answer.status_code, answer.headers['cache-control']) == (400, 'no-store')
    assert answer.json() == {'error': 'invalid_request', 'error_description': reason}
    assert ann.is_in()


@pytest.mark.parametrize('forge', [unsigned, by_public_key])
def test_nor_those_that_nobody_has_signed(front: Server, ann: Visitor, providers: SimpleNamespace, forge: Any) -> None:
    honest = jwt.decode(token(providers.company), KEYS['first']).claims
    assert tell(front, forge(honest)).json()['error_description'] == 'algorithm'
    assert tell(front, forge(honest) + 'x' * 200_000).status_code in {400, 413}
    assert tell(front, None).status_code == 400
    assert tell(front, '').status_code == 400
    assert ann.is_in()


def test_an_id_token_is_no_wish(ann: Visitor, front: Server, providers: SimpleNamespace) -> None:
    assert tell(front, providers.company.id_token()).json()['error_description'] == 'kind'
    assert ann.is_in()


def test_a_wish_counts_once(front: Server, providers: SimpleNamespace) -> None:
    arrive(front, providers)
    wish = token(providers.company)
    assert tell(front, wish).status_code == 200
    again = arrive(front, providers)
    answer = tell(front, wish)
    assert (answer.status_code, answer.json()['error_description']) == (400, 'replayed')
    assert again.is_in()


def test_one_provider_cannot_end_what_another_has_begun(
    ann: Visitor, front: Server, providers: SimpleNamespace
) -> None:
    assert tell(front, token(providers.other), 'other').status_code == 200  # of its own ann, who is somebody else
    assert tell(front, token(providers.other)).status_code == 400
    assert tell(front, token(providers.company), 'other').status_code == 400
    assert ann.is_in()


def test_only_providers_that_sign_what_they_say_have_such_an_address(front: Server) -> None:
    assert tell(front, 'x.y.z', 'github').status_code == 404
    assert tell(front, 'x.y.z', 'nobody').status_code == 404


def test_one_address_can_not_ask_for_ever(front: Server) -> None:
    from_there = {'X-Forwarded-For': '203.0.113.99'}
    with direct.client(front.url, headers=from_there, timeout=20) as http:
        path = '/auth/company/backchannel-logout'
        answers = [http.post(path, data={'logout_token': 'x'}) for _ in range(61)]
    assert [answer.status_code for answer in answers] == [400] * 60 + [429]
    assert int(answers[-1].headers['retry-after']) > 0


def test_while_the_provider_can_not_be_asked_for_its_keys_nothing_is_granted(
    front: Server, providers: SimpleNamespace
) -> None:
    providers.liar.answers = {'/.well-known/openid-configuration': HTMLResponse('<p>Bad gateway', 502)}
    assert tell(front, token(providers.liar), 'liar').status_code == 503


def test_a_session_is_asked_after_in_the_background(front: Server, providers: SimpleNamespace) -> None:
    providers.company.tokens = {'refresh_token': 'one that it will not take'}
    visitor = arrive(front, providers, sub='dora-1')
    rows(front, 'UPDATE sessions SET refresh_at = 1 WHERE refresh_at IS NOT NULL')
    wait_for(lambda: not visitor.is_in(), 'the session to end', 30, front)
    assert audit(front, 'session_ended')[0] == {'provider': 'company', 'reason': 'not_renewed'}
