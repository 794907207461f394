"""Two addresses may be shown within pages of other sites, and only of those that the settings name."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page
from support import direct
from support.embedding import HOST, HOST_SECRET, Frame, embedded, key, staff_app, table, token
from support.hosts import Host, hosting
from support.live import live
from support.people import sign_in
from support.raw_page import RawPage, shakes
from support.server import Server

K1 = key('k1', HOST_SECRET)
SHOPS = 'https://*.shop.example'
AS_BROWSERS = {'Accept': 'text/html'}
BLANK = 'chrome-error://chromewebdata/'


@pytest.fixture(scope='module')
def host() -> Iterator[Host]:
    """On another site than the chat."""
    with hosting() as host:
        yield host


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, demo: str, host: Host) -> Iterator[Server]:
    tables = (
        table('helpdesk', K1, origins=[HOST, SHOPS]),
        table('crowd', K1, origins=[HOST]),
        table('staff', K1, app='staff', origins=[HOST]),
        table('here', K1, origins=[host.url]),
    )
    few = '[limits]\nembed_entries_per_minute = 1\nsockets_per_user = 1\n'
    with embedded(tmp_path_factory.mktemp('embedded'), demo, staff_app(demo), *tables, few) as server:
        yield server


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    return ('frame-ancestors', 'Failed to load')


def is_framed(answer: httpx.Response, *origins: str) -> bool:
    """Whether pages of these origins may show it, and of no others; asserts that its headers agree on that."""
    around = policy(answer)['frame-ancestors']
    if around == "'none'":
        assert answer.headers['x-frame-options'] == 'DENY'
        return False
    assert 'x-frame-options' not in answer.headers
    assert answer.headers['referrer-policy'] == 'no-referrer'
    return around.split() == [*origins, "'self'"]


def policy(answer: httpx.Response) -> dict[str, str]:
    assert len(answer.headers.get_list('content-security-policy')) == 1
    found = [each.split(' ', 1) for each in answer.headers['content-security-policy'].split('; ')]
    assert len({name for name, *_ in found}) == len(found)
    return {name: ' '.join(values) for name, *values in found}


def test_the_entry_and_the_chat_may_be_framed_whatever_they_answer(server: Server) -> None:
    with Frame.at(server) as frame, Frame.at(server, 'staff') as staff, Frame.at(server, 'crowd') as crowd:
        origins = (HOST, SHOPS)
        for method in ('GET', 'HEAD'):
            answer = frame.http.request(method, frame.path)
            assert (answer.status_code, is_framed(answer, *origins)) == (200, True)
        ticket = frame.ticket(said := frame.token())
        for status, path in (
            (200, frame.chat(ticket)),
            (200, frame.chat()),
            (200, f'{frame.path}?layout=nonsense'),
            (403, f'{frame.path}?token={said}'),
        ):
            answer = frame.http.get(path)
            assert (path, answer.status_code, is_framed(answer, *origins)) == (path, status, True)
        assert frame.http.head(frame.chat()).status_code == 200
        assert is_framed(frame.http.head(frame.chat()), *origins)
        with live(frame.http, frame.chat()):  # there is room for no other
            second = RawPage(server.url, frame.http, frame.http.get(frame.chat()).text)
            assert not shakes(second.shake())
            answer = frame.http.get(frame.chat(), headers=AS_BROWSERS)
            assert (answer.status_code, is_framed(answer, *origins)) == (429, True)
        answer = crowd.http.get(f'{crowd.path}?token=')
        assert (answer.status_code, is_framed(answer, HOST)) == (200, True)
        answers = [crowd.http.get(f'{crowd.path}?token=x.y.z') for _ in range(2)]
        assert [(answer.status_code, is_framed(answer, HOST)) for answer in answers] == [(403, True), (429, True)]
        staff.come_in('ann')  # who is not in the group that the app is for
        answer = staff.http.get(staff.chat(), headers=AS_BROWSERS)
        assert (answer.status_code, is_framed(answer, HOST)) == (404, True)


def test_what_is_no_page_of_theirs_has_no_word_against_it_either(server: Server) -> None:
    """Browsers look at what they are led to; `X-Frame-Options` on the way there would count in some of them."""
    with Frame.at(server) as frame:
        redirect = frame.http.get(frame.chat())
        onward = frame.http.get(f'{frame.path}?token={frame.token()}')
        posted = frame.enter(frame.token())
        assert [answer.status_code for answer in (redirect, onward, posted)] == [303, 303, 200]
        assert not [answer for answer in (redirect, onward, posted) if 'x-frame-options' in answer.headers]


NOT_FRAMED = [
    '/embed', '/embed/', '/embed/unknown', '/embed/unknown/chat', '/embed/helpdesk/', '/embed/helpdesk/other',
    '/embed/helpdesk/chat/', '/embed/helpdesk/chat/other', '//embed/helpdesk', '/embed//helpdesk', '/embed/HELPDESK',
    '/embed/%2e/helpdesk', '/embed/x/%2e%2e/helpdesk', '/embed/helpdesk/%2e', '/embed/helpdesk%2e', '/Embed/helpdesk',
    '/embed/helpdesk%00', '/embed/helpdesk%20', '/embed/helpdesk%2F', '/embed%2Fhelpdesk%2Fchat%2F',
    '/embed/helpdesk;x', '/embed/%68elpdesk%0a', '/embed/helpdesk%3Fx', '/embed\\helpdesk', '/x/embed/helpdesk',
    '/', '/a/default', '/a/staff', '/login', '/logout', '/me', '/admin', '/admin/usage', '/admin/usage.csv',
    '/admin/users', '/files/x', '/uploads', '/healthz', '/readyz', '/metrics', '/favicon.ico', '/static/embed.js',
    '/auth/oidc/login', '/auth/oidc/callback?code=x&state=y', '/nothing',
]  # fmt: skip


def test_nothing_else_may_be_framed(server: Server) -> None:
    for cookies in ({}, sign_in(server, 'admin').cookies):
        with direct.client(server.url, cookies=cookies) as http:
            for method in ('GET', 'HEAD', 'POST', 'OPTIONS'):
                framed = [path for path in NOT_FRAMED if is_framed(http.request(method, server.url + path))]
                assert framed == []


def test_what_is_written_otherwise_is_the_same_address(server: Server) -> None:
    """The server sees one path in all of these, and so does the policy."""
    with direct.client(server.url) as http:
        for path in (
            '/embed/%68elpdesk',
            '/%65mbed/helpdesk',
            '/embed%2Fhelpdesk',
            '/embed/helpdesk?',
            '/embed/helpdesk?x=/',
        ):
            assert is_framed(http.get(path), HOST, SHOPS)


def test_a_forged_host_does_not_get_into_the_policy(server: Server) -> None:
    for headers in ({'Host': 'evil.example'}, {'Host': "x 'unsafe-inline'"}, {'X-Forwarded-Host': 'evil.example'}):
        with direct.client(server.url) as http:
            answer = http.get('/embed/helpdesk', headers=headers)
            assert 'evil' not in answer.headers.get('content-security-policy', '')
            assert "x 'unsafe-inline'" not in answer.headers.get('content-security-policy', '')


def test_a_host_that_is_not_listed_shows_a_blank_frame(page: Page, server: Server, host: Host) -> None:
    said = token(server.url, embed='here')
    page.goto(host.page(f'<iframe id="chat" src="{server.url}/embed/here?token={said}"></iframe>'))
    page.frame_locator('#chat').get_by_test_id('composer-input').wait_for()
    for embed in ('helpdesk', 'unknown'):
        said = token(server.url, embed='helpdesk')
        for path in (f'/embed/{embed}', f'/embed/{embed}?token={said}', f'/embed/{embed}/chat', '/', '/login'):
            page.goto(host.page(f'<h1>Host</h1><iframe id="chat" src="{server.url}{path}"></iframe>'))
            page.frames[1].wait_for_url(BLANK)
            assert 'chat' not in page.frames[1].locator('body').inner_text().lower()


def test_nor_does_one_that_stands_within_a_listed_one(page: Page, server: Server, host: Host) -> None:
    """Everybody around must be on the list."""
    with hosting(name='127.0.0.1') as other:
        inner = host.page(f'<iframe id="chat" src="{server.url}/embed/here"></iframe>')
        page.goto(other.page(f'<iframe id="host" src="{inner}"></iframe>'))
        page.wait_for_function('frames.length && frames[0].length')
        page.frames[2].wait_for_url(BLANK)
