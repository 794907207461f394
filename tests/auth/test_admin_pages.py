"""Who sees the pages around people, what they show, and what leaves as a file; over real HTTP, without a browser."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from sqlmodel import Session
from support import direct
from support.people import ISSUER, SignedIn, in_store, serving, sign_in
from support.server import Server

from webapp.principal import Identity
from webapp.store import audit, people, users
from webapp.store.audit import Action, Entry, Filter, Party

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAGES = ('/admin', '/admin/users', '/admin/users/{bob}', '/admin/audit', '/admin/audit.csv', '/admin/audit.json')
FOR_PEOPLE = {'Accept': 'text/html'}


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp('admin'), demo) as server:
        yield server


@pytest.fixture(scope='module')
def bob(server: Server) -> SignedIn:
    return sign_in(server, 'bob', name='Bob <Stone>', email='bob@example.com', groups=frozenset({'support'}))


@pytest.fixture(scope='module')
def admin(server: Server) -> SignedIn:
    return sign_in(server, 'admin', name='Admin')


@pytest.fixture
def http(admin: SignedIn) -> Iterator[httpx.Client]:
    with admin.client() as client:
        yield client


def entries(server: Server, action: Action | None = None, **wanted: Any) -> list[Entry]:
    return in_store(server, audit.page, wanted=Filter(action=action or '', **wanted))


@pytest.mark.parametrize('path', PAGES)
def test_for_everybody_but_admins_there_is_nothing(server: Server, bob: SignedIn, path: str) -> None:
    path = path.format(bob=bob.user_id)
    before = entries(server)
    with bob.client() as client:
        answer, unknown = (client.get(each, headers=FOR_PEOPLE) for each in (path, '/nowhere'))
    assert (answer.status_code, unknown.status_code) == (404, 404)
    assert _without_nonce(answer.text) == _without_nonce(unknown.text)
    stranger = direct.get(server.url + path, headers=FOR_PEOPLE)
    assert (stranger.status_code, stranger.headers['location'], stranger.text) == (303, f'/login?next={path}', '')
    assert entries(server) == before, 'nothing was done'


def _without_nonce(page: str) -> str:
    return page.partition('nonce="')[0] + page.partition('nonce="')[2].partition('"')[2]


def test_whoever_was_an_admin_is_none(server: Server) -> None:
    ann = sign_in(server, 'ann', claims_admin=True)
    with ann.client() as client:
        assert client.get('/admin/users').status_code == 200
        demoted = Identity(ISSUER, 'ann', 'oidc')
        in_store(server, users.sign_in, identity=demoted, role='user', secret='x' * 32, now=NOW)
        assert [client.get(path).status_code for path in ('/admin', '/admin/users', '/admin/audit.csv')] == [404] * 3


def test_admins_see_people_and_their_words_are_text(http: httpx.Client, bob: SignedIn) -> None:
    for path in ('/admin/users', f'/admin/users/{bob.user_id}'):
        page = http.get(path)
        assert page.status_code == 200
        assert page.headers['cache-control'].startswith('no-store')
        assert '<Stone>' not in page.text
        assert 'Stone' in page.text
    assert 'bob@example.com (not verified)' in page.text


@pytest.mark.parametrize(
    ('query', 'found'),
    [('q=STONE', True), ('q=nobody', False), ('role=user', True), ('role=guest', False), ('state=blocked', False)],
)
def test_filters_stand_in_the_address(http: httpx.Client, bob: SignedIn, query: str, found: bool) -> None:
    assert (bob.user_id in http.get(f'/admin/users?{query}').text) is found


@pytest.mark.parametrize(
    'query',
    [
        'role=x', 'state=x', 'after=x', 'after=1.', 'after=99999999999999999.ab', 'q=%00', 'q=%ff', 'q=' + 'x' * 5000,
        'since=x', 'since=0000-00-00', 'until=9999-12-31', 'action=x', 'who=%00', 'after=1.ab&after=2.cd',
        'since=2026-W10',
    ],
)  # fmt: skip
def test_strange_addresses_show_what_they_can(http: httpx.Client, query: str) -> None:
    for path in ('/admin/users', '/admin/audit'):
        assert http.get(f'{path}?{query}').status_code == 200


def test_looking_at_somebody_is_written_down_with_the_address(server: Server, http: httpx.Client) -> None:
    carl = sign_in(server, 'carl')
    assert http.get(f'/admin/users/{carl.user_id}').status_code == 200
    [entry] = entries(server, Action.PERSON_READ, people=[carl.user_id])
    assert (entry.actor.name, entry.target.id, entry.address) == ('Admin', carl.user_id, '127.0.0.1')


def test_no_other_site_writes_the_log_in_an_admins_name(server: Server, http: httpx.Client, bob: SignedIn) -> None:
    before = entries(server)
    for path in (f'/admin/users/{bob.user_id}', '/admin/audit.csv?who=x', '/admin/audit.json'):
        answer = http.get(path, headers=FOR_PEOPLE | {'Sec-Fetch-Site': 'cross-site'})
        assert answer.status_code == 403
        assert f'href="{path}"' in answer.text, 'a click goes on'
    assert entries(server) == before
    for own in ('none', 'same-origin'):
        assert http.get(f'/admin/users/{bob.user_id}', headers={'Sec-Fetch-Site': own}).status_code == 200
    assert http.get('/admin/users', headers={'Sec-Fetch-Site': 'cross-site'}).status_code == 200
    assert len(entries(server)) == len(before) + 2


@pytest.mark.parametrize('unknown', ['0' * 32, 'x', '-', '%F0%9F%90%B8'])
def test_there_is_nobody_of_that_id(server: Server, http: httpx.Client, unknown: str) -> None:
    before = entries(server, Action.PERSON_READ)
    answer = http.get(f'/admin/users/{unknown}', headers=FOR_PEOPLE)
    assert answer.status_code == 404
    assert 'There is nothing here' in answer.text
    assert entries(server, Action.PERSON_READ) == before


def test_whoever_was_refused_is_named_and_found(server: Server, http: httpx.Client) -> None:
    stranger = Identity(ISSUER, 'eve', 'oidc', name='Eve <Wood>')
    given = {'actor': Party(), 'now': NOW, 'address': '192.0.2.9', 'detail': {'reason': 'not_admitted'}}
    in_store(server, people.record_refusal, identity=stranger, **given)
    page = http.get('/admin/audit?who=WOOD').text
    assert 'Wood' in page
    assert '<Wood>' not in page
    assert '192.0.2.9' in page
    [row] = http.get('/admin/audit.json?who=wood').json()
    assert (row['target_id'], row['target_name']) == ('', 'Eve <Wood>')


# files


@pytest.fixture(scope='module')
def long_log(server: Server) -> int:
    """More entries of a day than the database gives at once; how many."""
    size = audit.MAX_PAGE + 7

    def fill(session: Session) -> None:
        actor = Party('f00d', '=HYPERLINK("http://evil.example")')
        for number in range(size):
            detail = {'number': number}
            audit.record(session, Action.LINKED, now=NOW + timedelta(seconds=number), actor=actor, detail=detail)

    in_store(server, fill)
    return size


def test_a_file_holds_exactly_what_the_page_is_asked_for(http: httpx.Client, long_log: int) -> None:
    day = 'action=linked&since=2026-03-01&until=2026-03-01'
    answer = http.get(f'/admin/audit.csv?{day}')
    assert answer.headers['content-type'] == 'text/csv; charset=utf-8'
    assert answer.headers['content-disposition'].startswith('attachment; filename="audit-')
    assert answer.headers['cache-control'] == 'no-store'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    listed = http.get(f'/admin/audit.json?{day}').json()
    assert len(rows) == len(listed) == long_log
    assert [entry['detail']['number'] for entry in listed] == list(reversed(range(long_log)))
    assert {row['actor_name'] for row in rows} == {'\'=HYPERLINK("http://evil.example")'}
    assert {entry['actor_name'] for entry in listed} == {'=HYPERLINK("http://evil.example")'}
    assert http.get('/admin/audit.json?action=linked&until=2026-02-28').json() == []
    assert len(list(csv.reader(io.StringIO(http.get('/admin/audit.csv?who=nobody').text)))) == 1


@pytest.mark.parametrize('start', ['=', '+', '-', '@', '\t', '\r'])
def test_a_spreadsheet_works_nothing_out(start: str) -> None:
    from webapp.exports.tabular import _cell

    assert _cell(f'{start}1') == f"'{start}1"
    assert _cell(f'1{start}') == f'1{start}'


def test_a_file_that_left_is_written_down(server: Server, http: httpx.Client) -> None:
    http.get('/admin/audit.json?who=bob&action=blocked')
    newest, *_ = entries(server, Action.AUDIT_EXPORTED)
    assert newest.actor.name == 'Admin'
    assert newest.detail == {'format': 'json', 'who': 'bob', 'action': 'blocked'}
    assert newest.address == '127.0.0.1'


def test_files_leave_so_many_in_a_minute(server: Server) -> None:
    with sign_in(server, 'lea', claims_admin=True).client() as client:
        answers = [client.get('/admin/audit.csv?who=nobody') for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert int(answers[-1].headers['retry-after']) > 0


def test_the_log_is_read_page_by_page(http: httpx.Client, long_log: int) -> None:
    seen, address = [], '/admin/audit?action=linked&since=2026-03-01&until=2026-03-01'
    while address:
        page = unescape(http.get(address).text.replace('\\u0022', '"').replace('\\"', '"').replace('\\u0026', '&'))
        seen += re.findall(r'number: (\d+)', page)
        more = re.search(r'href="(/admin/audit\?[^"]*)" data-testid="next-page"', page)
        address = unescape(more[1]) if more else ''
    assert [int(number) for number in seen] == list(reversed(range(long_log)))
