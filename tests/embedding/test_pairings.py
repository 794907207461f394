"""Somebody signs in for a frame, in a window of its own: who comes in by that, and who does not. Over real HTTP."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from support import direct
from support.people import WITH_LOGIN, SignedIn, in_store, sign_in
from support.server import Server

from webapp.store import endings, people, revocations, sessions
from webapp.store.audit import Party
from webapp.store.endings import Wish
from webapp.store.revocations import Kind

SITE = 'https://www.example.com'
TOML = """
[limits]
embed_entries_per_minute = {entries}
guests_per_minute = 0

[[apps]]
slug = "open"
base_url = "{demo}"
api_key = "demo"
guests = true

[[apps]]
slug = "staff"
base_url = "{demo}"
api_key = "demo"
groups = ["staff"]

[[embeds]]
id = "helpdesk"
app = "open"
origins = ["https://www.example.com", "https://*.example.org"]
anonymous = true
sign_in = {sign_in}

[[embeds]]
id = "staff"
app = "staff"
origins = ["https://www.example.com"]
sign_in = true

[[embeds]]
id = "without"
app = "open"
origins = ["https://www.example.com"]
anonymous = true
"""
NONSENSE = [b'', b'{', b'null', b'[]', b'"a"', b'{}', b'{"pairing": 7, "origin": 7}', b'\xff', b'[' * 10_000]
NO_KEEPALIVE = httpx.Limits(max_keepalive_connections=0)  # so that nothing stays open
LOGIN = '/login?next=/embed/helpdesk/signed-in'
OVER = (410, 'pairing_over')


def serve(server: Server, demo: str, *, sign_in: bool = True, entries: int = 0) -> None:
    toml = TOML.format(demo=demo, sign_in=str(sign_in).lower(), entries=entries)
    (server.folder / 'webapp.toml').write_text(toml)
    server.start()


@pytest.fixture(scope='module')
def app(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp('app'), WITH_LOGIN)
    serve(server, demo)
    yield server
    server.stop()
    assert 'Traceback' not in server.log, server.log


def browser(url: str, **options: Any) -> httpx.Client:
    return direct.client(url, limits=NO_KEEPALIVE, **options)


class Frame:
    """A frame of another site's page, which keeps no cookies unless it is given some."""

    def __init__(self, app: Server, embed: str = 'helpdesk', cookies: dict[str, str] | None = None) -> None:
        self.app, self.path = app, f'/embed/{embed}'
        self.http = browser(app.url, headers={'Origin': app.url}, cookies=cookies)
        self.pairing = ''

    def begin(self, origin: str | None = SITE) -> 'Frame':
        self.pairing = self.http.post(f'{self.path}/pairings', json={'origin': origin}).json()['pairing']
        return self

    def poll(self, **other: str) -> httpx.Response:
        return self.http.post(f'{self.path}/pairings/poll', json={'pairing': self.pairing} | other)

    def enter(self) -> httpx.Response:
        """Ask once more, and go on to the chat."""
        answer = self.poll().json()
        return browser(self.app.url).get(f'{self.path}/chat', params={'t': answer['ticket']})


class Window:
    """The browser in which somebody signs in."""

    def __init__(self, app: Server, who: SignedIn | None = None, **cookies: str) -> None:
        cookies = cookies | (who.cookies if who else {})
        headers = {'Origin': app.url, 'Accept': 'text/html'}
        self.http = browser(app.url, headers=headers, cookies=cookies)

    def claim(self, frame: Frame, path: str = '') -> httpx.Response:
        """Say on the first page what the frame has said."""
        headers = {'Accept': 'application/json'}
        return self.http.post(f'{path or frame.path}/sign-in', json={'pairing': frame.pairing}, headers=headers)

    def arrive(self, frame: Frame, path: str = '') -> httpx.Response:
        return self.http.get(f'{path or frame.path}/signed-in')

    def sign_in_for(self, frame: Frame) -> httpx.Response:
        assert self.claim(frame).json() == {'next': f'{frame.path}/signed-in'}
        return self.arrive(frame)


def outcome(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get('code', '')


def rows(app: Server, statement: str, *values: Any) -> list[Any]:
    with closing(sqlite3.connect(app.folder / 'data' / 'webapp.db')) as database, database:
        return list(database.execute(statement, values))


# the way in


def test_a_frame_gets_the_person_who_has_signed_in_for_it(app: Server) -> None:
    frame, window = Frame(app).begin(), Window(app, sign_in(app, 'ann', name='Ann Lee'))
    assert frame.poll().json() == {'state': 'waiting'}
    claimed = window.claim(frame)
    assert frame.poll().json() == {'state': 'waiting'}
    assert re.fullmatch(
        r'pairing-helpdesk=[\w-]{43}; Max-Age=600; Path=/; HttpOnly; SameSite=Lax', claimed.headers['set-cookie']
    )
    arrived = window.arrive(frame)
    assert (arrived.status_code, 'You are signed in as Ann Lee.' in arrived.text) == (200, True)
    assert 'pairing-helpdesk=; Max-Age=0' in arrived.headers['set-cookie']
    done = frame.poll()
    assert re.fullmatch(r'e-helpdesk=[\w-]{43}; .*; SameSite=None; Secure; Partitioned', done.headers['set-cookie']), (
        done.headers
    )
    for status in (200, 303):  # the ticket counts once
        answer = browser(app.url).get('/embed/helpdesk/chat', params={'t': done.json()['ticket']})
        assert (answer.status_code, 'Ann Lee' in answer.text) == (status, status == 200)
    assert outcome(frame.poll()) == OVER


def test_where_the_frame_keeps_cookies_it_needs_no_ticket(app: Server) -> None:
    frame = Frame(app).begin()
    Window(app, sign_in(app, 'ann', name='Ann Lee')).sign_in_for(frame)
    cookie = frame.poll().cookies['e-helpdesk']
    http = browser(app.url, cookies={'e-helpdesk': cookie})
    assert 'Ann Lee' in http.get('/embed/helpdesk/chat').text
    answer = http.post('/embed/helpdesk', json={'token': None, 'origin': SITE}, headers={'Origin': app.url})
    ticket = answer.json()['ticket']  # the host says that nobody is there, and they go on
    assert 'Ann Lee' in browser(app.url).get('/embed/helpdesk/chat', params={'t': ticket}).text


def test_the_visitor_who_was_there_before_is_gone(app: Server) -> None:
    answer = Frame(app).http.post('/embed/helpdesk', json={'token': None, 'origin': SITE})
    visitor = {'e-helpdesk': answer.cookies['e-helpdesk']}
    frame = Frame(app, cookies=visitor).begin()
    Window(app, sign_in(app)).sign_in_for(frame)
    frame.poll()
    assert browser(app.url, cookies=visitor).get('/embed/helpdesk/chat').status_code == 303


def test_the_new_session_counts_within_that_embed_alone(app: Server) -> None:
    frame = Frame(app).begin()
    Window(app, sign_in(app, 'admin')).sign_in_for(frame)
    token = frame.poll().cookies['e-helpdesk']
    for name, path in [('chat', '/'), ('chat', '/admin'), ('e-helpdesk', '/admin'), ('e-staff', '/embed/staff/chat')]:
        answer = browser(app.url, cookies={name: token}).get(path)
        assert answer.status_code == 303, path


def test_who_has_yet_to_sign_in_is_sent_to_the_login_and_back(app: Server) -> None:
    frame, window = Frame(app).begin(), Window(app)
    assert window.claim(frame).status_code == 200
    answer = window.arrive(frame)
    assert (answer.status_code, answer.headers['location']) == (303, LOGIN)
    page = window.http.get(LOGIN).text
    assert 'href="/auth/oidc/login?next=/embed/helpdesk/signed-in"' in page
    assert frame.poll().json() == {'state': 'waiting'}


# who does not get in


@pytest.mark.parametrize('path', ['/embed/staff', '/embed/helpdesk'])
def test_a_pairing_counts_for_its_own_embed(app: Server, path: str) -> None:
    own = Frame(app, 'staff' if path.endswith('helpdesk') else 'helpdesk').begin()
    ann = sign_in(app, groups=frozenset({'staff'}))
    assert outcome(Window(app, ann).claim(own, path)) == OVER
    assert outcome(own.http.post(f'{path}/pairings/poll', json={'pairing': own.pairing})) == OVER
    there = path.rpartition('/')[2]
    smuggled = Window(app, ann, **{f'pairing-{there}': own.pairing}).arrive(own, path)
    assert (smuggled.status_code, 'is over' in smuggled.text) == (410, True)
    assert own.poll().json() == {'state': 'waiting'}


def test_the_first_to_sign_in_is_who_comes_in(app: Server) -> None:
    frame = Frame(app).begin()
    ann, bob = Window(app, sign_in(app, 'ann', name='Ann')), Window(app, sign_in(app, 'bob', name='Bob'))
    ann.claim(frame)
    bob.claim(frame)
    assert ann.arrive(frame).status_code == 200
    assert (bob.arrive(frame).status_code, outcome(bob.claim(frame))) == (410, OVER)
    entered = frame.enter()
    assert ('Ann' in entered.text, 'Bob' in entered.text) == (True, False)


def test_a_browser_that_no_frame_has_spoken_to_signs_in_for_nobody(app: Server) -> None:
    """A link that is sent to somebody does nothing."""
    frame = Frame(app).begin()
    ann = sign_in(app)
    for cookies in ({}, {'pairing-helpdesk': 'x' * 43}, {'pairing-helpdesk': ''}, {'pairing': frame.pairing}):
        assert Window(app, ann, **cookies).arrive(frame).status_code == 410
    answer = Window(app, ann).http.get(f'/embed/helpdesk/signed-in?pairing={frame.pairing}')
    assert answer.status_code == 410
    assert frame.poll().json() == {'state': 'waiting'}


def test_it_is_over_after_ten_minutes(app: Server) -> None:
    late, granted = Frame(app).begin(), Frame(app).begin()
    window = Window(app, sign_in(app))
    assert window.sign_in_for(granted).status_code == 200
    assert window.claim(late).status_code == 200
    past = int((datetime.now(UTC) - timedelta(seconds=1)).timestamp() * 1_000_000)
    rows(app, 'UPDATE pairings SET expires_at = ?', past)
    assert window.arrive(late).status_code == 410
    assert outcome(window.claim(late)) == OVER
    assert [outcome(frame.poll()) for frame in (late, granted)] == [OVER, OVER]


def test_a_guest_has_not_signed_in(tmp_path: Any, demo: str) -> None:
    server = Server(tmp_path / 'app', WITH_LOGIN | {'WEBAPP_GUESTS': 'true'})
    serve(server, demo)
    frame, window = Frame(server).begin(), Window(server)
    assert window.http.get('/').status_code == 200  # brings a session
    window.claim(frame)
    answer = window.arrive(frame)
    assert (answer.status_code, answer.headers['location']) == (303, LOGIN)
    assert 'login-guest' in window.http.get('/login').text
    assert 'login-guest' not in window.http.get(LOGIN).text
    assert frame.poll().json() == {'state': 'waiting'}
    server.stop()


def test_a_session_within_a_frame_is_none_of_the_window(app: Server) -> None:
    """Or a frame could bring in the next one by itself."""
    first, second = Frame(app).begin(), Frame(app).begin()
    Window(app, sign_in(app)).sign_in_for(first)
    window = Window(app, None, chat=first.poll().cookies['e-helpdesk'])
    window.claim(second)
    assert window.arrive(second).status_code == 303


def test_an_app_for_others_stays_closed_and_the_frame_learns_it(app: Server) -> None:
    frame = Frame(app, 'staff').begin()
    answer = Window(app, sign_in(app, 'bob')).sign_in_for(frame)
    assert (answer.status_code, 'not for this account' in answer.text) == (403, True)
    assert outcome(frame.poll()) == OVER
    frame = Frame(app, 'staff').begin()
    assert Window(app, sign_in(app, 'admin')).sign_in_for(frame).status_code == 403  # nobody is an admin in there
    frame = Frame(app, 'staff').begin()
    Window(app, sign_in(app, 'ann', groups=frozenset({'staff'}))).sign_in_for(frame)
    assert frame.enter().status_code == 200


@pytest.mark.parametrize('end', ['blocked', 'signed out'])
def test_who_is_gone_before_the_frame_asks_does_not_come_in(app: Server, end: str) -> None:
    dora, now = sign_in(app, f'dora {end}'), datetime.now(UTC)
    granted, later = Frame(app).begin(), Frame(app).begin()
    Window(app, dora).sign_in_for(granted)
    if end == 'blocked':
        in_store(app, people.block, user_id=dora.user_id, actor=Party('admin', 'Admin'), now=now)
    else:
        in_store(app, sessions.end, token_hash=dora.session_id, now=now)
    assert outcome(granted.poll()) == OVER
    window = Window(app, dora)
    window.claim(later)
    assert window.arrive(later).headers['location'] == LOGIN


def test_the_frame_is_signed_out_when_the_provider_says_so(app: Server) -> None:
    frame, dora = Frame(app).begin(), sign_in(app, 'dora')
    rows(app, "UPDATE sessions SET provider_session = 'there' WHERE id = ?", dora.session_id)
    Window(app, dora).sign_in_for(frame)
    cookie = frame.poll().cookies['e-helpdesk']
    now = datetime.now(UTC)
    wish = Wish('https://id.example', 'dora', 'there', 'a token', now + timedelta(minutes=1))
    assert len(in_store(app, endings.grant, wish, now=now) or []) == 2
    assert browser(app.url, cookies={'e-helpdesk': cookie}).get('/embed/helpdesk/chat').status_code == 303


def test_when_signing_in_is_switched_off_those_who_have_are_out(tmp_path: Any, demo: str) -> None:
    server = Server(tmp_path / 'app', WITH_LOGIN)
    serve(server, demo)
    frame = Frame(server).begin()
    Window(server, sign_in(server)).sign_in_for(frame)
    cookies = {'e-helpdesk': frame.poll().cookies['e-helpdesk']}
    for may, status in ((True, 200), (False, 303)):
        server.stop()
        serve(server, demo, sign_in=may)
        assert browser(server.url, cookies=cookies).get('/embed/helpdesk/chat').status_code == status
    server.stop()


# requests that make no sense, or come from elsewhere


@pytest.mark.parametrize('origin', ['https://evil.example', 'https://www.example.com.evil.example', '', 'null', '*'])
def test_a_frame_of_a_page_that_may_not_show_it_can_not_begin(app: Server, origin: str) -> None:
    answer = Frame(app).http.post('/embed/helpdesk/pairings', json={'origin': origin})
    assert (answer.status_code, 'pairing' in answer.json()) == (403, False)


def test_the_session_belongs_to_pages_of_that_origin(app: Server) -> None:
    frame = Frame(app).begin('https://shop.example.org')
    Window(app, sign_in(app)).sign_in_for(frame)
    frame.poll()
    assert rows(app, "SELECT origins, kid FROM sessions WHERE embed <> '' ORDER BY created_at DESC")[0] == (
        'https://shop.example.org',
        '',
    )


def test_where_the_browser_does_not_say_it_belongs_to_all_of_them(app: Server) -> None:
    frame = Frame(app).begin(None)
    Window(app, sign_in(app)).sign_in_for(frame)
    assert frame.enter().status_code == 200
    rows_of_frames = rows(app, "SELECT origins FROM sessions WHERE embed <> '' ORDER BY created_at DESC")
    assert rows_of_frames[0] == (f'{SITE} https://*.example.org',)


def test_an_origin_that_was_taken_brings_in_nobody_any_more(tmp_path: Any, demo: str) -> None:
    server = Server(tmp_path / 'app', WITH_LOGIN)
    serve(server, demo)
    frame, now = Frame(server).begin(), datetime.now(UTC)
    Window(server, sign_in(server)).sign_in_for(frame)
    taken = {'embed': 'helpdesk', 'kind': Kind.ORIGIN, 'name': SITE, 'actor': Party('admin', 'Admin'), 'now': now}
    in_store(server, revocations.revoke, **taken)
    assert outcome(frame.poll()) == OVER
    answer = frame.http.post('/embed/helpdesk/pairings', json={'origin': SITE})
    assert outcome(answer) == (403, 'embed_refused')
    server.stop()


@pytest.mark.parametrize('headers', [{'Origin': SITE}, {'Origin': 'null'}, {'Sec-Fetch-Site': 'cross-site'}])
def test_other_sites_post_nothing(app: Server, headers: dict[str, str]) -> None:
    frame, ann = Frame(app).begin(), sign_in(app)
    body = {'pairing': frame.pairing, 'origin': SITE}
    for path in ('pairings', 'pairings/poll', 'sign-in'):
        answer = direct.post(f'{app.url}/embed/helpdesk/{path}', json=body, headers=headers, cookies=ann.cookies)
        assert (answer.status_code, 'set-cookie' in answer.headers) == (403, False)


@pytest.mark.parametrize('body', NONSENSE, ids=range(len(NONSENSE)))
@pytest.mark.parametrize('path', ['pairings', 'pairings/poll', 'sign-in'])
def test_nonsense_is_refused(app: Server, path: str, body: bytes) -> None:
    assert Frame(app).http.post(f'/embed/helpdesk/{path}', content=body).status_code == 400


PAIRINGS = ['', 'x', 'x' * 43, 'x' * 44, '\0' * 43, 'é' * 43, 'ß' * 300]


@pytest.mark.parametrize('pairing', PAIRINGS, ids=range(len(PAIRINGS)))
def test_what_is_no_pairing_leads_nowhere(app: Server, pairing: str) -> None:
    frame = Frame(app)
    frame.pairing = pairing
    assert (outcome(frame.poll()), outcome(Window(app).claim(frame))) == (OVER, OVER)


@pytest.mark.parametrize('embed', ['without', 'none'])
def test_where_nobody_signs_in_there_is_nothing_of_it(app: Server, embed: str) -> None:
    http = Window(app, sign_in(app)).http
    gets = [http.get(f'/embed/{embed}/{page}').status_code for page in ('sign-in', 'signed-in')]
    posts = [http.post(f'/embed/{embed}/{path}', json={}).status_code for path in ('pairings', 'pairings/poll')]
    assert {*gets, *posts} == {404}


def test_one_address_begins_only_so_often(tmp_path: Any, demo: str) -> None:
    server = Server(tmp_path / 'app', WITH_LOGIN)
    serve(server, demo, entries=3)
    http = Frame(server).http
    answers = [http.post('/embed/helpdesk/pairings', json={'origin': SITE}).status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]
    server.stop()


def test_windows_are_never_framed_and_only_the_first_page_keeps_its_opener(app: Server) -> None:
    http = Window(app, sign_in(app)).http
    for path, opener in [('sign-in', 'unsafe-none'), ('signed-in', 'same-origin')]:
        headers = http.get(f'/embed/helpdesk/{path}').headers
        assert headers['cross-origin-opener-policy'] == opener
        assert (headers['x-frame-options'], headers['cache-control']) == ('DENY', 'no-store')
        assert "frame-ancestors 'none'" in headers['content-security-policy']
    for path in ('/embed/helpdesk', '/embed/without/sign-in', '/login'):
        assert http.get(path).headers['cross-origin-opener-policy'] == 'same-origin'


def test_nothing_that_leads_in_is_kept_as_it_is(app: Server) -> None:
    frame = Frame(app).begin()
    Window(app, sign_in(app)).sign_in_for(frame)
    assert frame.pairing not in str(rows(app, 'SELECT * FROM pairings'))
