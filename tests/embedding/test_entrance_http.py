"""The way into embeds over HTTP, as a host's page, a stranger and a thief try it."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlmodel import Session
from support import databases, direct
from support.embedding import (
    HOST_SECRET,
    OTHER_SECRET,
    Frame,
    embedded,
    key,
    staff_app,
    table,
    ticket_of,
    token,
)
from support.live import Live, live
from support.people import in_store, sign_in
from support.server import Server, wait_for

K1, K2 = key('k1', HOST_SECRET), key('k2', OTHER_SECRET)
TABLES = (
    table('helpdesk', K1, K2, budget_group='helpdesk'),
    table('sales', K1),
    table('open', K1, anonymous=True),
    table('crowd', K1, anonymous=True),
    table('staff', K1, app='staff'),
)
GONE = 'location.replace'
REFUSED = 'or it is not yours'


@pytest.fixture(scope='module', params=['sqlite', 'postgresql'])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    settings = {}
    if request.param == 'postgresql':
        settings['DATABASE_URL'] = databases.schema(request.getfixturevalue('postgres'))
    with embedded(tmp_path_factory.mktemp('embedded'), demo, staff_app(demo), *TABLES, **settings) as server:
        yield server


@pytest.fixture
def frame(server: Server) -> Iterator[Frame]:
    with Frame.at(server) as frame:
        yield frame


def at_once(server: Server, ask: Any) -> list[httpx.Response]:
    """Twenty browsers without cookies."""
    with ExitStack() as ends, ThreadPoolExecutor(20) as pool:
        clients = [ends.enter_context(direct.client(server.url)) for _ in range(20)]
        return list(pool.map(ask, clients))


def test_a_ticket_leads_in_once_and_the_cookie_again_and_again(frame: Frame) -> None:
    ticket = frame.ticket(frame.token())
    cookies = dict(frame.http.cookies)
    frame.http.cookies.clear()
    assert frame.http.get(frame.chat(ticket)).status_code == 200
    again = frame.http.get(frame.chat(ticket) + '&theme=dark&layout=nonsense&token=x')
    assert (again.status_code, again.headers['location']) == (303, '/embed/helpdesk?theme=dark')
    frame.http.cookies.update(cookies)
    assert frame.http.get(frame.chat()).status_code == 200
    assert frame.http.get(frame.chat(ticket)).status_code == 200


def test_of_twenty_at_once_with_one_ticket_one_comes_in(server: Server, frame: Frame) -> None:
    path = frame.chat(frame.ticket(frame.token()))
    found = sorted(answer.status_code for answer in at_once(server, lambda http: http.get(path)))
    assert found == [200, *[303] * 19]


def test_of_twenty_at_once_with_one_token_one_comes_in(server: Server, frame: Frame) -> None:
    said = frame.token()
    found = at_once(server, lambda http: Frame(http, 'sales').enter(token(server.url, embed='sales', jti='the-same')))
    assert sorted(answer.status_code for answer in found) == [200, *[403] * 19]
    assert {answer.json().get('code') for answer in found} == {None, 'replayed'}
    assert frame.enter(said).status_code == 200
    assert frame.enter(said).json()['code'] == 'replayed'


def test_a_host_without_a_script_puts_the_token_into_the_address(frame: Frame) -> None:
    said = frame.token()
    answer = frame.http.get(f'{frame.path}?token={said}&theme=dark')
    assert answer.status_code == 303
    assert answer.headers['cache-control'] == 'no-store'
    assert said not in answer.headers['location']
    assert frame.http.get(frame.chat(ticket_of(answer))).status_code == 200
    again = frame.http.get(f'{frame.path}?token={said}')
    assert (again.status_code, said in again.text, 'replayed' in again.text) == (403, False, True)
    assert frame.http.get(f'{frame.path}?token=').status_code == 200  # nobody is named, so the page asks


def test_a_head_takes_neither_a_token_nor_a_ticket(frame: Frame) -> None:
    said = frame.token()
    assert frame.http.head(f'{frame.path}?token={said}').status_code == 200
    ticket = frame.ticket(said)
    frame.http.cookies.clear()
    assert frame.http.head(frame.chat(ticket)).status_code == 303
    assert frame.http.get(frame.chat(ticket)).status_code == 200


def test_a_ticket_or_cookie_of_one_embed_is_none_at_another(server: Server, frame: Frame) -> None:
    ticket = frame.ticket(frame.token())
    with direct.client(server.url, cookies={f'e-{name}': frame.cookie for name in ('sales', 'open', 'staff')}) as http:
        for name in ('sales', 'open', 'staff'):
            answer = http.get(f'/embed/{name}/chat?t={ticket}')
            assert (answer.status_code, answer.headers['location']) == (303, f'/embed/{name}')
    assert frame.http.get(frame.chat(ticket)).status_code == 200


def test_our_own_cookie_is_none_at_an_embed_and_the_other_way_round(server: Server, frame: Frame) -> None:
    admin = sign_in(server, 'admin')
    frame.come_in()
    for cookies in (admin.cookies, {'e-helpdesk': admin.token}):
        with direct.client(server.url, cookies=cookies) as http:
            assert http.get(frame.chat()).status_code == 303
    for cookies in ({'e-helpdesk': frame.cookie}, {'chat': frame.cookie}):
        with direct.client(server.url, cookies=cookies) as http:
            for path in ('/', '/a/default', '/a/default/c/x', '/a/staff', '/me', '/me/export.zip', '/admin'):
                answer = http.get(path)
                assert (path, answer.status_code, answer.headers['location'][:6]) == (path, 303, '/login')
            assert http.get('/files/x').status_code == 404
            assert http.post('/uploads', headers={'Origin': server.url}).status_code == 401
    with direct.client(server.url, cookies=admin.cookies) as http:
        assert http.get('/admin').status_code == 200


def test_somebody_else_ends_the_session_before_and_its_open_page(server: Server, frame: Frame) -> None:
    frame.come_in('ann')
    with direct.client(server.url, cookies=dict(frame.http.cookies)) as before, live(before, frame.chat()) as page:
        frame.come_in('bob')
        assert '/embed/helpdesk' in page.hears(GONE)
        assert before.get(frame.chat()).status_code == 303
    assert frame.http.get(frame.chat()).status_code == 200


def test_nobody_ends_it_too(server: Server, frame: Frame) -> None:
    frame.come_in()
    with direct.client(server.url, cookies=dict(frame.http.cookies)) as before:
        answer = frame.enter(None)
        assert (answer.status_code, answer.json()['code']) == (401, 'identity_needed')
        assert before.get(frame.chat()).status_code == 303


def test_two_tabs_go_on_side_by_side(frame: Frame) -> None:
    frame.come_in()
    with live(frame.http, frame.chat()) as first:
        cookie = frame.cookie
        frame.come_in()
        assert frame.cookie == cookie
        with live(frame.http, frame.chat()) as second:
            for page in (first, second):
                page.fire('conversations search', 'xyzzy')
                page.hears('xyzzy')


@pytest.mark.parametrize(
    ('body', 'status'),
    [
        (b'', 400),
        (b'{', 400),
        (b'null', 400),
        (b'[]', 400),
        (b'"token"', 400),
        (b'7', 400),
        (b'\xff\xfe', 400),
        (b'{"token": null}', 400),
        (b'{"token": null, "origin": null}', 401),
        (b'{"token": null, "origin": 7}', 400),
        (b'{"token": null, "origin": ["https://www.example.com"]}', 400),
        (b'{"token": 7, "origin": "https://www.example.com"}', 400),
        (b'{"token": true, "origin": "https://www.example.com"}', 400),
        (b'{"token": ["x"], "origin": "https://www.example.com"}', 400),
        (b'{"token": {"a": 1}, "origin": "https://www.example.com"}', 400),
        (b'{"token": "\\ud800", "origin": "https://www.example.com"}', 400),
        (b'{"token": NaN, "origin": "https://www.example.com"}', 400),
        (b'[' * 60_000, 400),
        (b'{"token": null, "origin": "' + b'x' * 301 + b'"}', 400),
        (b'{"token": null, "origin": "null"}', 403),
        (b'{"token": null, "origin": "https://evil.example"}', 403),
        (b'{"token": null, "origin": ""}', 403),
        (b'{"token": "x.y.z", "origin": "https://www.example.com"}', 403),
        (b'{"token": "' + b'x' * 60_000 + b'", "origin": "https://www.example.com"}', 403),
        (b'{"token": "\\u0000", "origin": "https://www.example.com"}', 403),
        (b'{"token": "", "origin": "https://www.example.com"}', 401),
        (b'x' * 10_000_000, 413),
    ],
    ids=lambda value: ascii(value[:70]) if isinstance(value, bytes) else str(value),
)
def test_nonsense_is_refused_with_a_word(frame: Frame, body: bytes, status: int) -> None:
    answer = frame.post(content=body)
    assert answer.status_code == status
    assert 'set-cookie' not in answer.headers
    if status in {401, 403}:
        assert answer.json().keys() == {'code', 'message'}


def test_other_sites_can_not_ask_in_a_visitor_s_name(frame: Frame) -> None:
    body = {'token': frame.token(), 'origin': frame.origin}
    for headers in ({'Origin': frame.origin}, {'Origin': 'null'}, {'Sec-Fetch-Site': 'cross-site'}):
        assert frame.http.post(frame.path, json=body, headers=headers).status_code == 403
    assert frame.post(json=body).status_code == 200


def test_thirty_visitors_a_minute_come_from_one_address(server: Server) -> None:
    with direct.client(server.url) as http:

        def status(said: str | None = None) -> int:
            http.cookies.clear()
            return Frame(http, 'crowd').enter(said).status_code

        with Frame.at(server, 'crowd') as before:
            before.ticket(None)
            assert [status() for _ in range(28)] == [200] * 28
            assert status('x.y.z') == 403
            assert [status(), status('x.y.z')] == [429] * 2
            answer = http.get('/embed/crowd?token=x.y.z')
            assert (answer.status_code, 'too_many_embed_entries' in answer.text) == (429, True)
            assert status(token(server.url, embed='crowd')) == 200
            assert before.enter(None).status_code == 200
            assert Frame(http, 'open').enter(None).status_code == 200


def test_a_person_of_an_embed_finds_nothing_of_other_apps(server: Server, frame: Frame) -> None:
    """Not even what is their own: the embed may have shown another app before."""
    frame.come_in('carl', groups=['staff'])  # who might use the other one elsewhere
    conversation, file = began(server, frame), uploaded(frame)
    in_store(server, moved, conversation, file)
    assert conversation not in frame.http.get(f'{frame.chat()}?c={conversation}').text
    with live(frame.http, frame.chat()) as page:
        query = a_pass(page, 'file', file)
        for event, values in (
            ('conversations open', [conversation]),
            ('conversations rename', [conversation, 'mine']),
            ('conversations delete', [conversation]),
            ('composer send', ['words', 'a-key-of-the-test', [file], '']),
        ):
            page.heard.clear()
            page.fire(event, *values)
            assert 'a question' not in page.hears(REFUSED, 'refused')
        page.heard.clear()
        page.fire('frame travel', f'/a/staff/c/{conversation}')
        page.fire('conversations search', 'question')
        assert conversation not in page.hears('question')
    assert frame.http.get(f'/files/{file}?{query}').status_code == 404
    with live(frame.http, frame.chat()) as page:
        upload = {'data': {'app': 'staff'}, 'files': {'file': ('note.txt', b'a note')}}
        address = f'/uploads?{a_pass(page, "upload")}'
        assert frame.http.post(address, headers={'Origin': server.url}, **upload).status_code == 404


def test_strangers_find_nothing_of_a_person_s(server: Server, frame: Frame) -> None:
    frame.come_in('dora')
    conversation, file = began(server, frame), uploaded(frame)
    for embed, subject in (('helpdesk', 'eve'), ('sales', 'dora'), ('open', None)):
        with Frame.at(server, embed) as stranger:
            stranger.ticket(stranger.token(subject) if subject else None)
            assert 'a question' not in stranger.http.get(f'{stranger.chat()}?c={conversation}').text
            with live(stranger.http, stranger.chat()) as page:
                page.fire('conversations open', conversation)
                assert 'a question' not in page.hears(REFUSED)
                answer = stranger.http.get(f'/files/{file}?{a_pass(page, "file", file)}')
                assert answer.status_code == 404


def test_an_app_for_a_group_is_for_those_in_it(server: Server) -> None:
    with Frame.at(server, 'staff') as frame:
        frame.come_in('ann', groups=['staff'])
        with live(frame.http, frame.chat()) as page:
            frame.come_in('ann', groups=['others'])
            page.hears(GONE)
        answer = frame.http.get(frame.chat())
        assert answer.status_code == 404
        frame.come_in('ann', groups=['staff'])
        assert frame.http.get(frame.chat()).status_code == 200


def test_answers_are_charged_to_the_group_of_the_embed(server: Server, frame: Frame) -> None:
    frame.come_in('finn', groups=['staff'])
    began(server, frame)
    group = "SELECT cost_group FROM usage JOIN identities USING (user_id) WHERE subject = 'finn'"
    assert wait_for(lambda: in_store(server, value, group), 'usage') == 'helpdesk'


def test_a_lost_key_and_a_lost_origin_end_what_they_let_in_and_people_stay_who_they_are(
    tmp_path: Path, demo: str
) -> None:
    shop = 'https://shop.example'
    before = (table('helpdesk', K1, K2, origins=['https://www.example.com', shop]), table('sales', K1))
    after = (table('helpdesk', K2), table('sales', K1))
    with (
        embedded(tmp_path / 'app', demo, *before) as server,
        Frame.at(server) as by_k1,
        Frame.at(server) as by_k2,
        Frame.at(server, origin=shop) as at_shop,
        Frame.at(server, 'sales') as sales,
    ):
        by_k1.come_in('ann')
        conversation = began(server, by_k1)
        for each in (by_k2, at_shop):
            each.come_in('bob', kid='k2', secret=OTHER_SECRET)
        sales.come_in('ann')
        server.stop()
        (server.folder / 'webapp.toml').write_text('\n'.join(after))
        server.start()
        statuses = [each.http.get(each.chat()).status_code for each in (by_k1, by_k2, at_shop, sales)]
        assert statuses == [303, 200, 303, 200]
        assert by_k1.enter(by_k1.token()).json()['code'] == 'unknown_key'
        by_k1.come_in('ann', kid='k2', secret=OTHER_SECRET)
        assert 'a question' in by_k1.http.get(f'{by_k1.chat()}?c={conversation}').text


def test_in_local_mode_nobody_counts_visitors(tmp_path: Path, demo: str) -> None:
    no_login = dict.fromkeys(('OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET', 'WEBAPP_ADMINS'), '')
    with (
        embedded(tmp_path / 'app', demo, table('open', K1, anonymous=True), **no_login) as server,
        Frame.at(server, 'open') as frame,
    ):
        for _ in range(35):
            frame.http.cookies.clear()
            assert frame.enter(None).status_code == 200
        assert frame.http.get('/admin').status_code == 200  # local mode it is
        local = dict(frame.http.cookies)
        with live(frame.http, frame.chat()) as page:
            assert 'conversations ready' in page.names
        assert direct.get(f'{server.url}{frame.chat()}', cookies={'e-open': local['chat']}).status_code == 303


def began(server: Server, frame: Frame) -> str:
    """The id of a new conversation of theirs, whose answer has ended."""
    with live(frame.http, frame.chat()) as page:
        page.fire('composer send', '/echo a question', f'key-{frame.cookie[:8]}', [], '')
        page.hears('accepted')
    find = text("SELECT conversation_id FROM messages WHERE key = :key AND status <> 'running'")
    key = f'key-{frame.cookie[:8]}'
    return str(wait_for(lambda: in_store(server, lambda session: session.scalar(find, {'key': key})), 'an answer'))


def uploaded(frame: Frame) -> str:
    with live(frame.http, frame.chat()) as page:
        query = a_pass(page, 'upload')
    answer = frame.http.post(
        f'/uploads?{query}',
        data={'app': 'default'},
        files={'file': ('note.txt', b'a note')},
        headers={'Origin': frame.url},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()['id'])


def a_pass(page: Live, purpose: str, object_id: str = '') -> str:
    page.heard.clear()
    page.fire('host pass', 1, purpose, object_id)
    found = re.search(r's=[0-9a-f]{64}&e=\d+&m=[0-9a-f]{64}', page.hears('&m='))
    assert found
    return found[0]


def moved(session: Session, conversation: str, file: str) -> None:
    """What was made with another app."""
    session.execute(text("UPDATE conversations SET app = 'staff' WHERE id = :id"), {'id': conversation})
    session.execute(text("UPDATE files SET app = 'staff' WHERE id = :id"), {'id': file})


def value(session: Session, query: str) -> Any:
    return session.scalar(text(query))
