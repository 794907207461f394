"""Addresses with a pass open what they were given for, to whom they were given, for a few minutes."""

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlencode

import httpx
import pytest
from support import direct
from support.embedding import HOST_SECRET, Frame, embedded, key, staff_app, table
from support.live import live
from support.people import SECRET, SignedIn, sign_in
from support.server import Server

from webapp import clock
from webapp.embedding import Passes
from webapp.embedding.passes import HOLDS, Purpose
from webapp.principal import Principal, Role, Within

K1 = key('k1', HOST_SECRET)
CONTENT = b'a note of ann'


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    tables = (table('helpdesk', K1), table('sales', K1))
    with embedded(tmp_path_factory.mktemp('embedded'), demo, staff_app(demo), *tables) as server:
        yield server


@pytest.fixture
def ann(server: Server) -> Iterator['Person']:
    with Frame.at(server) as frame:
        yield Person(frame, 'ann')


class Person:
    """Somebody in a frame whose browser keeps no cookie: all that they have is passes."""

    def __init__(self, frame: Frame, subject: str) -> None:
        frame.come_in(subject)
        self.server_url = frame.url
        with live(frame.http, frame.chat()) as page:
            page.fire('host pass', 1, 'upload', '')
            said = page.hears('&m=')
        self.upload_pass = found(said)
        self.session_id = parse_qs(self.upload_pass)['s'][0]
        self.frame = frame

    def passes(self, *, ago: timedelta = timedelta(0)) -> Passes:
        """As the server makes them, which has the same secret; or made them then."""
        return Passes(None, SECRET, now=lambda: clock.now() - ago)  # type: ignore[arg-type]

    def query(self, purpose: Purpose, object_id: str = '', *, ago: timedelta = timedelta(0)) -> str:
        who = Principal('', self.session_id, Role.USER, '', within=Within('helpdesk', ()))
        return self.passes(ago=ago).query(who, purpose, object_id)

    def upload(self, query: str | None = None, **request: object) -> httpx.Response:
        return direct.post(
            f'{self.server_url}/uploads?{self.upload_pass if query is None else query}',
            data={'app': 'default'},
            files={'file': ('note.txt', CONTENT)},
            headers={'Origin': self.server_url},
            **request,
        )

    def get(self, path: str, **request: object) -> httpx.Response:
        return direct.get(self.server_url + path, **request)


def found(said: str) -> str:
    match = re.search(r's=[0-9a-f]{64}&e=\d+&m=[0-9a-f]{64}', said)
    assert match
    return match[0]


def test_a_pass_stands_for_the_cookie(ann: Person) -> None:
    answer = ann.upload()
    assert answer.status_code == 201
    url = answer.json()['url']
    assert answer.json()['id'] in url
    whole = ann.get(url)
    assert (whole.status_code, whole.content) == (200, CONTENT)
    part = ann.get(url, headers={'Range': 'bytes=2-5'})
    assert (part.status_code, part.content, part.headers['content-range']) == (206, b'note', 'bytes 2-5/13')
    head = httpx.head(ann.server_url + url, trust_env=False)
    assert (head.status_code, head.content, head.headers['content-length']) == (200, b'', '13')
    assert ann.get(url, headers={'If-None-Match': whole.headers['etag']}).status_code == 304
    assert 'attachment' in ann.get(f'{url}&download=1').headers['content-disposition']
    text = direct.post(
        f'{ann.server_url}/uploads/text?{ann.upload_pass}', content=b'long', headers={'Origin': ann.server_url}
    )
    assert text.status_code == 201


def test_a_changed_pass_opens_nothing(ann: Person) -> None:
    file = ann.upload().json()['id']
    good = {name: values[0] for name, values in parse_qs(ann.query(Purpose.FILE, file)).items()}
    path = f'/files/{file}'
    assert ann.get(f'{path}?{urlencode(good)}').status_code == 200
    later, mac = str(int(good['e']) + 300), good['m']
    changes: list[dict[str, str | list[str] | None]] = [
        {'e': later}, {'e': '9' * 12}, {'e': '9' * 5000}, {'e': '-1'}, {'e': ''}, {'e': 'x'}, {'e': None},
        {'e': '\u0661'}, {'m': ''}, {'m': mac[:-1]}, {'m': mac + '0'}, {'m': '0' * 64}, {'m': '0' * 5000},
        {'m': mac[:-1] + '\u00e9'}, {'m': mac + '\0'},
        {'s': ''}, {'s': '0' * 64}, {'s': good['s'].upper() + 'X'}, {'s': good['s'] + '\0'}, {'s': None},
        {'s': "' OR 1=1"}, {'m': ['0' * 64, mac][::-1]},
    ]  # fmt: skip
    for change in changes:
        query = urlencode({name: value for name, value in (good | change).items() if value is not None}, doseq=True)
        answer = ann.get(f'{path}?{query}')
        assert (change, answer.status_code, CONTENT in answer.content) == (change, 404, False)
    assert ann.get(path).status_code == 404


def test_a_pass_is_for_one_thing(ann: Person) -> None:
    one, two = ann.upload().json()['id'], ann.upload().json()['id']
    query = ann.query(Purpose.FILE, one)
    assert ann.get(f'/files/{one}?{query}').status_code == 200
    assert ann.get(f'/files/{two}?{query}').status_code == 404
    assert ann.upload(query).status_code == 401
    assert ann.get(f'/files/{one}?{ann.upload_pass}').status_code == 404
    assert ann.get(f'/files/{one}?{ann.query(Purpose.UPLOAD, one)}').status_code == 404
    assert ann.get(f'/files/?{ann.query(Purpose.FILE)}').status_code == 404
    for path in ('/', '/a/default', '/me', '/admin', '/embed/helpdesk/chat', '/embed/sales/chat'):
        for each in (query, ann.upload_pass):
            assert ann.get(f'{path}?{each}').status_code == 303


def test_a_pass_holds_for_ten_minutes_at_the_most(ann: Person) -> None:
    file = ann.upload().json()['id']
    assert ann.get(f'/files/{file}?{ann.query(Purpose.FILE, file, ago=timedelta(minutes=4))}').status_code == 200
    old = ann.query(Purpose.FILE, file, ago=HOLDS)
    assert ann.get(f'/files/{file}?{old}').status_code == 404
    assert ann.upload(ann.query(Purpose.UPLOAD, ago=HOLDS)).status_code == 401
    left = int(parse_qs(ann.query(Purpose.FILE, file))['e'][0]) - clock.now().timestamp()
    assert 0 < left <= 600


def test_a_file_is_its_owner_s_whoever_has_a_pass_for_it(server: Server, ann: Person) -> None:
    file = ann.upload().json()['id']
    for embed, subject in (('helpdesk', 'bob'), ('sales', 'ann')):
        with Frame.at(server, embed) as frame:
            other = Person(frame, subject)
            query = other.query(Purpose.FILE, file)
            assert other.get(f'/files/{file}?{query}').status_code == 404
            forged = query.replace(other.session_id, ann.session_id)
            assert other.get(f'/files/{file}?{forged}').status_code == 404


def test_a_pass_dies_with_its_session(ann: Person) -> None:
    url = ann.upload().json()['url']
    assert ann.get(url).status_code == 200
    ann.frame.enter(None)
    assert ann.get(url).status_code == 404
    assert ann.upload().status_code == 401


def test_a_pass_of_a_session_of_our_own_pages_is_none(server: Server) -> None:
    """There the cookie counts; whoever knows the secret of passes alone gets no further."""
    dora = sign_in(server, 'dora')
    with dora.client() as http:
        answer = http.post(
            '/uploads',
            data={'app': 'default'},
            files={'file': ('note.txt', CONTENT)},
            headers={'Origin': server.url},
        )
        file, url = answer.json()['id'], answer.json()['url']
        assert 'm=' not in url
        assert http.get(url).status_code == 200
        who = Principal('', dora.session_id, Role.USER, '', within=Within('helpdesk', ()))
        query = Passes(None, SECRET).query(who, Purpose.FILE, file)  # type: ignore[arg-type]
        assert http.get(f'{url}?{query}').status_code == 404


def test_beside_a_pass_nothing_else_counts(server: Server, ann: Person) -> None:
    file = ann.upload().json()['id']
    admin: SignedIn = sign_in(server, 'admin')
    theirs = direct.post(
        f'{server.url}/uploads',
        data={'app': 'default'},
        files={'file': ('note.txt', b'of the admin')},
        headers={'Origin': server.url},
        cookies=admin.cookies,
    ).json()['id']
    good = ann.query(Purpose.FILE, file)
    assert ann.get(f'/files/{file}?{good}', cookies=admin.cookies).content == CONTENT
    assert ann.get(f'/files/{theirs}?{ann.query(Purpose.FILE, theirs)}', cookies=admin.cookies).status_code == 404
    assert ann.get(f'/files/{theirs}?m=', cookies=admin.cookies).status_code == 404
    assert ann.get(f'/files/{theirs}', cookies=admin.cookies).status_code == 200
    mine = ann.upload(cookies=admin.cookies).json()['id']
    assert ann.get(f'/files/{mine}', cookies=admin.cookies).status_code == 404
    assert ann.upload('m=x', cookies=admin.cookies).status_code == 401


def test_a_pass_is_given_for_what_it_can_be_for(server: Server, ann: Person) -> None:
    for values in (
        [1, 'admin', ''],
        [1, '', 'x'],
        [1, 'FILE', 'x'],
        ['1', 'file', 'x'],
        [1, 'file'],
        [1, 'file', 7],
        [1, 'file', None],
        [2**60, 'file', 'x'],
    ):
        with live(ann.frame.http, ann.frame.chat()) as page:
            page.fire('host pass', *values)
            page.fire('conversations search', 'xyzzy')
            assert '&m=' not in page.hears('xyzzy')
    with live(ann.frame.http, ann.frame.chat()) as page:
        for odd in ('\ud800', '\0', 'x' * 100_000, '../../x'):
            page.fire('host pass', 1, 'file', odd)
        page.fire('conversations search', 'xyzzy')
        page.hears('xyzzy')
