"""Signing in by a provider, from the button to the session, and everything that may be in the way."""

import re
import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from auth_support import OTHERS, OURS
from issuer import KEYS, by_public_key, unsigned
from starlette.responses import HTMLResponse, JSONResponse, Response
from support.server import Server
from visitor import Visitor, audit, kept, query, rows


def test_whoever_signs_in_is_in_and_goes_on_to_where_they_wanted(front: Server, providers: SimpleNamespace) -> None:
    ann = Visitor(front)
    assert not ann.is_in()
    where = ann.begin(next='/a/default?q=hello')
    asked = query(where)
    assert where.startswith(f'{providers.company.url}/authorize?')
    assert asked['redirect_uri'] == f'{front.url}/auth/company/callback'
    assert (asked['response_type'], asked['client_id'], asked['scope']) == ('code', 'chat', 'openid profile email')
    assert asked['code_challenge_method'] == 'S256'
    assert all(re.fullmatch(r'[\w-]{43}', asked[name]) for name in ('state', 'nonce', 'code_challenge'))
    answer = ann.http.get(ann.agree(where))
    assert (answer.status_code, answer.headers['location']) == (303, '/a/default?q=hello')
    assert answer.headers['cache-control'] == 'no-store'
    assert ann.is_in()
    user = rows(front, 'SELECT u.* FROM users u JOIN identities i ON i.user_id = u.id WHERE i.subject = ?', 'ann-1')[0]
    assert (user['name'], user['email']) == ('Ann', 'ann@corp.com')
    assert audit(front, 'signed_in')[0] == {'provider': 'company'}


def test_what_a_provider_gave_is_kept_but_not_to_be_read(front: Server, providers: SimpleNamespace) -> None:
    providers.company.tokens = {'refresh_token': 'refresh-me', 'expires_in': 60}
    providers.company.person |= {'sub': 'sealed', 'sid': 'sid-1'}
    Visitor(front).sign_in()
    row = rows(front, "SELECT * FROM sessions WHERE provider_session = 'sid-1'")[0]
    assert row['id_token'].startswith('gAAAA')
    assert row['refresh_token'].startswith('gAAAA')
    assert 290 < (row['refresh_at'] - row['created_at']) / 1e6 < 301
    providers.company.be_honest()
    providers.company.person |= {'sub': 'sealed', 'sid': 'sid-2'}
    Visitor(front).sign_in()
    assert rows(front, "SELECT * FROM sessions WHERE provider_session = 'sid-2'")[0]['refresh_at'] is None


def test_a_session_is_always_a_new_one(front: Server, providers: SimpleNamespace) -> None:
    ann = Visitor(front)
    ann.http.cookies.set('chat', 'planted', domain='127.0.0.1', path='/')
    ann.sign_in()
    first = ann.session
    assert first != 'planted'
    providers.company.person |= {'sub': 'bob-1', 'name': 'Bob'}
    ann.sign_in()
    assert ann.session != first
    ann.http.cookies.set('chat', first, domain='127.0.0.1', path='/')
    assert not ann.is_in()


@pytest.mark.parametrize('target', [*OURS, *OTHERS])
def test_nobody_is_sent_elsewhere_afterwards(front: Server, target: str) -> None:
    answer = Visitor(front).sign_in(next=target)
    assert (answer.status_code, answer.headers['location']) == (303, target if target in OURS else '/')


@pytest.mark.parametrize(
    'headers',
    [
        {'Host': 'evil.example'},
        {'X-Forwarded-Host': 'evil.example'},
        {'X-Forwarded-Proto': 'https', 'X-Forwarded-Port': '444', 'X-Forwarded-Prefix': '//evil.example'},
        {'Forwarded': 'host=evil.example'},
    ],
)
def test_the_way_back_is_in_the_settings_and_nowhere_else(front: Server, headers: dict[str, str]) -> None:
    answer = Visitor(front).http.get('/auth/company/login', headers=headers)
    if answer.status_code != 400:
        assert query(answer.headers['location'])['redirect_uri'] == f'{front.url}/auth/company/callback'
    assert 'evil.example' not in str(answer.headers)


# what is not an honest way back


def is_page(answer: httpx.Response, status: int, words: str) -> None:
    """A page in words that leads back to the sign-in."""
    assert answer.status_code == status
    assert words in answer.text
    assert 'href="/login"' in answer.text
    assert answer.headers['cache-control'] == 'no-store'


def test_a_way_back_is_good_once(front: Server) -> None:
    ann = Visitor(front)
    back = ann.agree(ann.begin())
    assert ann.http.get(back).status_code == 303
    before = kept(front)
    is_page(ann.http.get(back), 400, 'has been used already')
    assert ann.is_in()
    assert kept(front) == before


def test_and_not_for_ever(front: Server) -> None:
    ann = Visitor(front)
    back = ann.agree(ann.begin())
    rows(front, 'UPDATE attempts SET expires_at = 0')
    is_page(ann.http.get(back), 400, 'took too long')
    assert not ann.is_in()


def test_nobody_can_sign_others_in_as_themselves(front: Server) -> None:
    attacker, victim = Visitor(front), Visitor(front)
    back = attacker.agree(attacker.begin())
    is_page(victim.http.get(back), 400, 'in another browser')
    victim.begin()  # has a cookie of its own now
    is_page(victim.http.get(back), 400, 'in another browser')
    assert not victim.session
    assert attacker.http.get(back).status_code == 303


def test_two_tabs_may_sign_in_at_once(front: Server) -> None:
    ann = Visitor(front)
    first, second = ann.begin(next='/a/default?q=1'), ann.begin(next='/a/default?q=2')
    assert query(first)['state'] != query(second)['state']
    for where, number in ((second, 2), (first, 1)):
        assert ann.http.get(ann.agree(where)).headers['location'] == f'/a/default?q={number}'


def test_the_cookie_of_a_login_is_for_our_eyes_only(front: Server) -> None:
    given = Visitor(front).http.get('/auth/company/login').headers['set-cookie']
    assert re.fullmatch(r'login=[\w-]{43}; Max-Age=600; Path=/; HttpOnly; SameSite=Lax', given)


@pytest.mark.parametrize(
    'change', ['', 'code', 'state', 'code=&state={state}', 'code=x&code=y&state={state}', 'state=x&code=x']
)
def test_half_a_way_back(front: Server, change: str) -> None:
    ann, before = Visitor(front), kept(front)
    state = query(ann.begin())['state']
    answer = ann.http.get(f'/auth/company/callback?{change.format(state=state)}')
    assert answer.status_code in {400, 403}
    assert kept(front) == before


def test_a_code_of_one_provider_is_not_shown_to_another(front: Server, providers: SimpleNamespace) -> None:
    ann = Visitor(front)
    back = ann.agree(ann.begin())
    asked = providers.other.asked['/token']
    is_page(ann.http.get(back.replace('/auth/company/', '/auth/other/')), 403, 'did not work')
    assert providers.other.asked['/token'] == asked
    assert audit(front, 'sign_in_refused')[0] == {'provider': 'other', 'reason': 'mix_up'}


def test_who_answers_must_be_who_was_asked(front: Server, providers: SimpleNamespace) -> None:
    providers.company.in_callback = {'iss': providers.other.url}
    is_page(Visitor(front).sign_in(), 403, 'did not work')
    providers.company.in_callback = {}
    ann = Visitor(front)
    back = ann.agree(ann.begin())
    is_page(ann.http.get(f'{back}&iss={providers.company.url}&iss={providers.other.url}'), 403, 'did not work')
    providers.company.in_callback = {'iss': providers.company.url}
    assert Visitor(front).sign_in().status_code == 303


def test_the_provider_says_no_in_its_own_words(front: Server, providers: SimpleNamespace) -> None:
    hostile = '<script>alert(1)</script>'
    providers.company.in_callback = {'code': None, 'error': 'access_denied', 'error_description': hostile}
    answer = Visitor(front).sign_in()
    is_page(answer, 403, 'have not been let in there')
    assert 'alert(1)' not in answer.text
    assert audit(front, 'sign_in_refused')[0] == {'provider': 'company', 'reason': 'denied'}
    providers.company.in_callback = {'code': None, 'error': hostile}
    answer = Visitor(front).sign_in()
    is_page(answer, 403, 'did not work')
    assert 'alert(1)' not in answer.text


@pytest.mark.parametrize('method', ['POST', 'DELETE', 'HEAD'])
@pytest.mark.parametrize('path', ['login', 'callback'])
def test_other_methods_do_nothing(front: Server, method: str, path: str) -> None:
    before = kept(front)
    assert Visitor(front).http.request(method, f'/auth/company/{path}').status_code in {404, 405}
    assert kept(front) == before


def test_who_only_looks_whether_a_way_back_is_there_does_not_use_it_up(front: Server) -> None:
    ann = Visitor(front)
    back = ann.agree(ann.begin())
    before = kept(front)
    assert ann.http.head(back).status_code in {404, 405}
    assert not ann.session
    assert kept(front) == before
    assert ann.http.get(back).status_code == 303


@pytest.mark.parametrize('path', ['/auth/nobody/login', '/auth/nobody/callback?state=x&code=x', '/auth/company/other'])
def test_no_such_provider(front: Server, path: str) -> None:
    assert Visitor(front).http.get(path).status_code == 404


# tokens that say what is not so

NOW = int(time.time())
Tell = dict[str, Any]


@pytest.mark.parametrize(
    ('told', 'reason'),
    [
        ({'forge': unsigned}, 'algorithm'),
        ({'forge': by_public_key}, 'algorithm'),
        ({'header': {'kid': 'unheard-of'}}, 'unknown_key'),
        ({'key': KEYS['foreign'], 'header': {'kid': 'first'}}, 'signature'),
        ({'claims': {'iss': 'https://evil.example'}}, 'iss'),
        ({'claims': {'aud': 'other'}}, 'aud'),
        ({'claims': {'aud': ['chat', 'other'], 'azp': 'other'}}, 'azp'),
        ({'claims': {'nonce': 'other'}}, 'nonce'),
        ({'claims': {'nonce': None}}, 'nonce'),
        ({'claims': {'sub': None}}, 'sub'),
        ({'claims': {'sub': 7}}, 'sub'),
        ({'claims': {'sub': 'x' * 3000}}, 'refused'),
        ({'claims': {'iat': NOW - 3600, 'exp': NOW - 1800}}, 'clock'),
        ({'claims': {'iat': NOW + 900, 'exp': NOW + 1800}}, 'clock'),
        ({'claims': {'at_hash': 'other'}}, 'at_hash'),
        ({'claims': {'groups': ['x' * 100_000]}}, 'malformed'),
        ({'tokens': {'id_token': None}}, 'missing'),
        ({'tokens': {'id_token': 7}}, 'missing'),
        ({'tokens': {'id_token': 'a.b.c'}}, 'malformed'),
        ({'claims': {'name': None}, 'userinfo': {'sub': 'bob-1'}}, 'userinfo'),
        ({'answers': {'/token': HTMLResponse('<h1>Gateway</h1>')}}, 'provider_misconfigured'),
        ({'answers': {'/token': Response('gone', 500)}}, 'provider_unavailable'),
        ({'answers': {'/token': JSONResponse({'error': 'invalid_client'}, 401)}}, 'provider_misconfigured'),
        ({'answers': {'/token': JSONResponse({'error': ['x'], 'error_description': {}}, 400)}}, 'grant'),
        ({'claims': {'name': None}, 'answers': {'/userinfo': Response(status_code=401)}}, 'provider_misconfigured'),
    ],
)  # fmt: skip
def test_nothing_comes_of_a_lie(front: Server, providers: SimpleNamespace, told: Tell, reason: str) -> None:
    before = kept(front)
    for name, value in told.items():
        setattr(providers.company, name, value)
    visitor = Visitor(front)
    answer = visitor.sign_in()
    assert answer.status_code in {400, 403, 502, 503}
    assert 'href="/login"' in answer.text
    assert not visitor.session
    assert kept(front) == before
    assert audit(front, 'sign_in_refused')[0] == {'provider': 'company', 'reason': reason}


def test_a_code_counts_once_at_the_provider_too(front: Server, providers: SimpleNamespace) -> None:
    ann = Visitor(front)
    back = ann.agree(ann.begin())
    providers.company.codes.clear()  # somebody was faster
    answer = ann.http.get(back)
    is_page(answer, 403, 'did not work')
    assert 'secret' not in answer.text
    assert audit(front, 'sign_in_refused')[0] == {'provider': 'company', 'reason': 'grant'}


def test_the_token_of_another_provider_is_not_believed(front: Server, providers: SimpleNamespace) -> None:
    providers.company.forge = lambda claims: providers.other.id_token(claims['nonce'])
    is_page(Visitor(front).sign_in(), 403, 'did not work')


def test_a_new_key_is_looked_for_once(front: Server, providers: SimpleNamespace) -> None:
    assert Visitor(front).sign_in('rotating').status_code == 303
    providers.rotating.key = providers.rotating.published = KEYS['second']
    asked = providers.rotating.asked['/keys']
    for _ in range(3):
        assert Visitor(front).sign_in('rotating').status_code == 303
    assert providers.rotating.asked['/keys'] == asked + 1
    providers.rotating.key = KEYS['foreign']
    assert Visitor(front).sign_in('rotating').status_code == 403


def test_a_provider_that_is_somebody_else(front: Server, providers: SimpleNamespace) -> None:
    providers.liar.metadata = {'issuer': providers.company.url}
    is_page(Visitor(front).http.get('/auth/liar/login'), 502, 'not set up')
    assert f'says that its issuer is {providers.company.url!r}' in front.log.replace('"', "'")


def test_a_clock_that_is_wrong_is_told_to_who_reads_the_log(front: Server, providers: SimpleNamespace) -> None:
    providers.company.claims = {'iat': NOW - 660, 'exp': NOW + 3000}
    answer = Visitor(front).sign_in()
    assert answer.status_code == 403
    assert 'clock' not in answer.text
    assert 'compare the clock here' in front.log


# who somebody is


def person(server: Server, subject: str) -> dict[str, Any]:
    found = rows(
        server, 'SELECT u.*, i.role FROM users u JOIN identities i ON i.user_id = u.id WHERE i.subject = ?', subject
    )
    assert len(found) == 1
    return found[0]


def test_the_same_address_at_another_provider_is_another_person(front: Server, providers: SimpleNamespace) -> None:
    providers.company.person |= {'sub': 'victim', 'email': 'victim@corp.com', 'groups': ['chat-admins']}
    providers.other.person |= {'sub': 'attacker', 'email': 'victim@corp.com', 'groups': ['chat-admins']}
    Visitor(front).sign_in()
    Visitor(front).sign_in('other')
    victim, attacker = person(front, 'victim'), person(front, 'attacker')
    assert victim['id'] != attacker['id']
    assert victim['dify_user'] != attacker['dify_user']
    assert (victim['role'], attacker['role']) == ('admin', 'user')


def test_a_person_stays_who_they_are_when_their_address_changes(front: Server, providers: SimpleNamespace) -> None:
    providers.company.person |= {'sub': 'moving'}
    Visitor(front).sign_in()
    before = person(front, 'moving')
    providers.company.person |= {'email': 'new@corp.com', 'name': 'Ann Other'}
    Visitor(front).sign_in()
    after = person(front, 'moving')
    assert (after['id'], after['dify_user']) == (before['id'], before['dify_user'])
    assert (after['email'], after['name']) == ('new@corp.com', 'Ann Other')


@pytest.mark.parametrize(
    ('said', 'role'),
    [
        ({'sub': 'admin-1'}, 'admin'),
        ({'sub': 'admin-2', 'email': 'boss@corp.com'}, 'admin'),
        ({'sub': 'admin-3', 'email': 'Boss@Corp.com', 'email_verified': 'true'}, 'admin'),
        ({'sub': 'admin-4', 'groups': ['chat-admins']}, 'admin'),
        ({'sub': 'user-1', 'email': 'boss@corp.com', 'email_verified': False}, 'user'),
        ({'sub': 'user-2', 'email': 'boss@corp.com', 'email_verified': None}, 'user'),
        ({'sub': 'user-3', 'groups': ['chat-admin', 'administrators']}, 'user'),
        ({'sub': 'user-4', 'name': 'admin-1', 'preferred_username': 'admin-1'}, 'user'),
    ],
)
def test_who_is_an_admin(front: Server, providers: SimpleNamespace, said: Tell, role: str) -> None:
    providers.company.person |= said
    assert Visitor(front).sign_in().status_code == 303
    assert person(front, said['sub'])['role'] == role


def test_who_loses_the_claim_is_none_any_more(front: Server, providers: SimpleNamespace) -> None:
    providers.company.person |= {'sub': 'former', 'groups': ['chat-admins']}
    Visitor(front).sign_in()
    assert audit(front, 'role_changed')[0] == {'from': '', 'to': 'admin'}
    providers.company.person |= {'groups': []}
    Visitor(front).sign_in()
    assert person(front, 'former')['role'] == 'user'
    assert audit(front, 'role_changed')[0] == {'from': 'admin', 'to': 'user'}


@pytest.mark.parametrize(
    ('said', 'is_in'),
    [
        ({}, True),
        ({'email': 'a@CORP.com'}, True),
        ({'email_verified': False}, False),
        ({'email_verified': None}, False),
        ({'email': 'a@evil.com@corp.com'}, False),
        ({'email': 'a@corp.com.evil.com'}, False),
        ({'email': 'a@cоrp.com'}, False),
    ],
)
def test_only_people_of_the_allowed_domain_come_in(
    front: Server, providers: SimpleNamespace, said: Tell, is_in: bool
) -> None:
    before = kept(front)
    providers.strict.person |= {'sub': f'strict-{is_in}'} | said
    visitor = Visitor(front)
    answer = visitor.sign_in('strict')
    assert visitor.is_in() is is_in
    if not is_in:
        is_page(answer, 403, 'no access here')
        assert kept(front) == before
        assert audit(front, 'sign_in_refused')[0] == {'provider': 'strict', 'reason': 'not_admitted'}


def test_whoever_is_blocked_stays_outside(front: Server, providers: SimpleNamespace) -> None:
    providers.company.person |= {'sub': 'blocked'}
    Visitor(front).sign_in()
    rows(front, 'UPDATE users SET blocked_at = 1 WHERE id = ?', person(front, 'blocked')['id'])
    is_page(Visitor(front).sign_in(), 403, 'has been blocked')


def test_what_the_token_does_not_say_is_asked_for(front: Server, providers: SimpleNamespace) -> None:
    asked = providers.company.asked['/userinfo']
    providers.company.person |= {'sub': 'asked'}
    Visitor(front).sign_in()
    assert providers.company.asked['/userinfo'] == asked
    providers.company.claims = {'name': None, 'email': None, 'groups': None}
    providers.company.userinfo = {'groups': ['chat-admins']}
    Visitor(front).sign_in()
    assert providers.company.asked['/userinfo'] == asked + 1
    assert (person(front, 'asked')['email'], person(front, 'asked')['role']) == ('ann@corp.com', 'admin')


# plain OAuth


def test_github_knows_people_by_number_and_tells_their_address(front: Server, providers: SimpleNamespace) -> None:
    bob = Visitor(front)
    assert bob.sign_in('github').status_code == 303
    assert bob.is_in()
    found = person(front, '42')
    assert (found['name'], found['email']) == ('bob', 'bob@corp.com')
    assert providers.github.last['code_challenge_method'] == 'S256'
    assert providers.github.form['client_secret']
    providers.github.person |= {'login': 'bobby'}
    Visitor(front).sign_in('github')
    assert person(front, '42')['id'] == found['id']


@pytest.mark.parametrize(
    ('person_', 'addresses'),
    [({'id': 'bob'}, None), ({'id': None}, None), ({'id': True}, None), ({}, {'message': 'none'})],
)
def test_github_must_say_who_it_is(front: Server, providers: SimpleNamespace, person_: Tell, addresses: Any) -> None:
    before = kept(front)
    providers.github.person |= person_
    providers.github.addresses = addresses or providers.github.addresses
    assert Visitor(front).sign_in('github').status_code in {403, 502}
    assert kept(front) == before


def test_a_provider_without_discovery(front: Server, providers: SimpleNamespace) -> None:
    providers.company.person |= {'sub': 'plain-1'}
    visitor = Visitor(front)
    where = visitor.begin('plain')
    assert query(where)['tenant'] == 'main'
    assert visitor.http.get(visitor.agree(where)).status_code == 303
    issuer = rows(front, "SELECT issuer FROM identities WHERE subject = 'plain-1'")[0]['issuer']
    assert issuer == f'{providers.company.url}/authorize?tenant=main'


# one more way in


def identities(front: Server, subject: str) -> int:
    return len(rows(front, 'SELECT 1 FROM identities WHERE subject = ?', subject))


def test_who_is_signed_in_can_prove_one_more_way_in_and_is_asked_whether_to_take_it(
    front: Server, providers: SimpleNamespace
) -> None:
    providers.company.person |= {'sub': 'linker', 'name': 'Linker'}
    providers.other.person |= {'sub': 'linked', 'email': 'elsewhere@corp.com', 'auth_time': int(time.time())}
    ann = Visitor(front)
    ann.sign_in()
    session = ann.session
    where = ann.begin_link('other')
    assert (query(where)['prompt'], query(where)['max_age']) == ('login', '0')
    assert ann.http.get(ann.agree(where)).headers['location'] == '/me'
    assert ann.session == session
    assert 'Add elsewhere@corp.com (Other) to Linker?' in ann.http.get('/me').text
    assert not identities(front, 'linked'), 'nothing is theirs before they have said so'
    assert not rows(front, "SELECT 1 FROM audit WHERE action = 'linked'")
    again = Visitor(front)
    again.sign_in()
    assert 'elsewhere@corp.com' not in again.http.get('/me').text, 'who asks is the browser where it was proven'


def test_plain_oauth_proves_nothing_anew_so_it_is_the_question_that_counts(
    front: Server, providers: SimpleNamespace
) -> None:
    providers.company.person |= {'sub': 'with-github'}
    providers.github.person |= {'id': 4711}
    ann = Visitor(front)
    ann.sign_in()
    assert ann.link('github').headers['location'] == '/me'
    assert 'Add bob@corp.com (GitHub) to Ann?' in ann.http.get('/me').text
    assert not identities(front, '4711')


@pytest.mark.parametrize('headers', [{'Origin': 'https://evil.example'}, {'Origin': 'null'}])
def test_no_other_site_can_begin_that(front: Server, providers: SimpleNamespace, headers: dict[str, str]) -> None:
    providers.company.person |= {'sub': 'victim-1'}
    providers.other.person |= {'sub': 'evil-1', 'auth_time': int(time.time())}
    victim = Visitor(front)
    victim.sign_in()
    assert victim.ask_to_link('other', **headers).status_code == 403
    assert victim.http.get('/auth/other/link').status_code in {404, 405}
    session = victim.session
    assert victim.sign_in('other', link='1').status_code == 303  # just another sign-in
    assert victim.session != session
    evil, theirs = person(front, 'evil-1'), person(front, 'victim-1')
    assert evil['id'] != theirs['id']


def test_nobody_else_gets_one_by_that(front: Server, providers: SimpleNamespace) -> None:
    providers.company.person |= {'sub': 'owner'}
    providers.other.person |= {'sub': 'taken', 'auth_time': int(time.time())}
    Visitor(front).sign_in('other')
    ann = Visitor(front)
    assert ann.ask_to_link('other').status_code == 401
    ann.sign_in()
    is_page(ann.link('other'), 409, 'belongs to another account')
    owner, other = person(front, 'owner')['id'], person(front, 'taken')['id']
    assert owner != other
    refused = "SELECT actor_id, target_id FROM audit WHERE action = 'sign_in_refused' ORDER BY at DESC LIMIT 1"
    assert rows(front, refused) == [{'actor_id': owner, 'target_id': other}], 'who tried, and whose it is'
    assert ann.is_in()

    providers.other.person |= {'sub': 'late'}
    back = ann.agree(ann.begin_link('other'))
    ann.sign_in()  # a session of its own
    is_page(ann.http.get(back), 401, 'signed out')
    assert not rows(front, "SELECT 1 FROM offers WHERE identity LIKE '%late%'")


@pytest.mark.parametrize('auth_time', [int(time.time()) - 3600, None, 'now'], ids=['an hour ago', 'untold', 'nonsense'])
def test_both_ends_must_be_fresh(front: Server, providers: SimpleNamespace, auth_time: object) -> None:
    providers.company.person |= {'sub': 'stale'}
    providers.other.person |= {'sub': 'elsewhere', 'auth_time': auth_time}
    ann = Visitor(front)
    ann.sign_in()
    is_page(ann.link('other'), 403, 'does not say that you have just signed in there')
    assert audit(front, 'sign_in_refused')[0] == {'provider': 'other', 'reason': 'auth_time'}
    rows(
        front, 'UPDATE sessions SET created_at = created_at - 700000000 WHERE user_id = ?', person(front, 'stale')['id']
    )
    is_page(ann.ask_to_link('other'), 403, 'fresh sign-in')


# too much of it


@pytest.mark.parametrize(
    ('path', 'addresses'),
    [
        ('/auth/company/login', ['192.0.2.77'] * 12),
        ('/auth/company/callback?state=x&code=x', ['192.0.2.77'] * 12),
        ('/auth/company/login', [f'2001:db8:0:1::{number:x}' for number in range(1, 13)]),
    ],
)
def test_one_address_may_sign_in_ten_times_a_minute(front: Server, path: str, addresses: list[str]) -> None:
    answers = [Visitor(front, address).http.get(path) for address in addresses]
    assert [answer.status_code for answer in answers].count(429) == 2
    is_page(answers[-1], 429, 'There were 10 attempts to sign in from your network within a minute. Try again in')
    assert 0 < int(answers[-1].headers['retry-after']) <= 60
    assert Visitor(front).http.get(path).status_code != 429


@pytest.mark.parametrize(
    'said',
    [
        {'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image'},
        {'Sec-Fetch-Mode': 'cors'},
        {'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe'},
    ],
)
def test_pages_of_others_can_not_use_up_the_sign_ins_of_an_address(front: Server, said: dict[str, str]) -> None:
    address = f'192.0.2.{80 + len(said["Sec-Fetch-Mode"] + said.get("Sec-Fetch-Dest", ""))}'
    eve, before = Visitor(front, address), rows(front, 'SELECT count(*) AS n FROM attempts')
    for path in ('/auth/company/login', '/auth/company/callback?state=x&code=x'):
        assert {eve.http.get(path, headers=said).status_code for _ in range(11)} == {400}
    assert rows(front, 'SELECT count(*) AS n FROM attempts') == before
    link = {'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document'}
    assert eve.http.get('/auth/company/login', headers=link).status_code == 303


def test_no_secret_has_come_into_the_log_or_the_audit_log(front: Server, providers: SimpleNamespace) -> None:
    providers.company.tokens = {'access_token': 'access-token-1', 'refresh_token': 'refresh-token-1'}
    visitor = Visitor(front)
    where = visitor.begin()
    back = visitor.agree(where)
    visitor.http.get(back)
    visitor.http.get(back)
    asked = query(where)
    secrets = [asked['state'], asked['nonce'], query(back)['code'] + ' ', visitor.session, 'access-token-1']
    secrets += ['refresh-token-1', visitor.http.cookies['login'], 'hush-hush-hush', 'eyJ']
    for row in rows(front, 'SELECT * FROM audit'):
        assert not [secret for secret in secrets if secret in str(row)]
    assert not [secret for secret in secrets if secret in front.log]
