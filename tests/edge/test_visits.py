"""Coming in and going out, over real HTTP: cookies, the login, signing out, open pages."""

import re
from urllib.parse import unquote

import httpx
from playwright.sync_api import Page, expect
from raw_page import Small, Start, shakes, wait_for

HTTPS = {'Host': 'chat.example.com'}


def who(answer: httpx.Response) -> str:
    found = re.search(r'[0-9a-f]{32} (guest|admin)', answer.text)
    assert found, answer.text
    return found[0]


def test_the_first_page_brings_the_cookie_and_later_ones_do_not(small: Small) -> None:
    browser = small.http()
    first, second = browser.get('/'), browser.get('/')
    assert first.headers['set-cookie'].startswith('chat=')
    assert 'set-cookie' not in second.headers
    assert who(first) == who(second)
    assert first.headers['cache-control'] == 'no-store'


def test_over_https_the_cookie_is_bound_to_the_host(start: Start) -> None:
    small = start('--guests', '--public-url', 'https://chat.example.com')
    answer = small.http().get('/', headers=HTTPS)
    assert answer.headers['set-cookie'].startswith('__Host-chat=')
    assert answer.headers['set-cookie'].endswith('; Path=/; HttpOnly; SameSite=Lax; Secure')
    assert answer.headers['strict-transport-security'] == 'max-age=31536000'
    assert 'wss://chat.example.com' in answer.headers['content-security-policy']


def test_nothing_but_our_cookie_and_no_header_says_who_somebody_is(start: Start) -> None:
    small = start('--guests', '--public-url', 'http://chat.example.com')
    forged = dict.fromkeys(('X-User', 'X-Forwarded-User', 'X-Remote-User', 'Remote-User', 'Authorization'), 'admin')
    answers = [small.http().get('/', headers=forged | {'Host': 'chat.example.com'}) for _ in range(2)]
    assert len({who(answer) for answer in answers}) == 2
    assert all(who(answer).endswith('guest') for answer in answers)


def test_without_a_login_there_is_only_the_login(start: Start) -> None:
    small = start('--closed')
    for path in ('/', '/hostile', '/hostile?q=1'):
        answer = small.http().get(path, headers={'Accept': 'text/html'})
        assert answer.status_code == 303
        assert unquote(answer.headers['location'].partition('next=')[2] or '/') == path
        assert answer.headers['cache-control'] == 'no-store'
        assert answer.text == ''
    assert small.http().get('/login').status_code == 200


def test_a_page_for_admins_is_no_page_to_others(small: Small, start: Start) -> None:
    assert 'all about everybody' in small.http().get('/admin').text  # in local mode
    guest = start('--guests').http(headers={'Accept': 'text/html'})
    guest.get('/')
    pages = [guest.get(path) for path in ('/admin', '/nothing')]
    assert [page.status_code for page in pages] == [404, 404]
    assert len({re.sub(r'nonce="[^"]*"', '', page.text) for page in pages}) == 1


def test_signing_out_ends_the_session_and_its_open_pages(small: Small, page: Page) -> None:
    page.goto(small.url)
    page.get_by_test_id('button').click()
    expect(page.get_by_test_id('count')).to_have_text('1')
    cookies = {cookie['name']: cookie['value'] for cookie in page.context.cookies()}
    other = small.http(cookies=cookies)
    answer = other.post('/logout', headers={'Origin': small.url})
    assert (answer.status_code, answer.headers['location']) == (303, '/')
    assert answer.headers['set-cookie'].startswith('chat=; Max-Age=0;')
    expect(page.get_by_test_id('count')).to_have_text('0')  # it was sent away, and came in again as somebody new
    assert {c['value'] for c in page.context.cookies()} != set(cookies.values())
    answer = small.http(cookies=cookies).get('/')
    assert 'set-cookie' in answer.headers  # the old cookie is worth nothing


def test_signing_out_is_no_link(small: Small) -> None:
    browser = small.http()
    browser.get('/')
    assert browser.get('/logout').status_code in {404, 405}
    assert 'set-cookie' not in browser.get('/').headers


def test_a_page_that_was_opened_before_signing_out_gets_no_new_socket(small: Small) -> None:
    browser = small.http()
    browser.get('/')
    page = small.open_page(browser)
    thief = small.http(cookies=dict(browser.cookies))
    browser.post('/logout')
    assert not browser.cookies
    assert not shakes(page.shake())
    page.http = thief
    assert not shakes(page.shake())


def test_pages_that_no_browser_connects_to_are_bounded(start: Start) -> None:
    small = start('--waiting', '10')
    answers = [small.http().get('/').status_code for _ in range(25)]
    assert answers == [200] * 20 + [503] * 5
    wait_for(lambda: small.http().get('/').status_code == 200, seconds=30)


def test_what_is_not_there_costs_no_page(small: Small) -> None:
    person = small.http().get('/nothing', headers={'Accept': 'text/html'})
    assert (person.status_code, '_nicegui' in person.text, 'page.css' in person.text) == (404, False, True)
    program = small.http().get('/nothing')
    assert (program.status_code, program.json()['code']) == (404, 'not_found')


def test_a_bug_of_ours_says_nothing_but_a_number(start: Start) -> None:
    small = start()
    small.may_fail = True
    answer = small.http().get('/bug', headers={'Accept': 'text/html'})
    assert answer.status_code == 500
    assert answer.headers['x-request-id'] in answer.text
    assert 'very private' not in answer.text
    line = f'ERROR   {answer.headers["x-request-id"]} webapp.access: a bug of ours'
    wait_for(lambda: line in small.log and 'very private' in small.log)
