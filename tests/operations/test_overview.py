"""`/admin`: how it goes, over real HTTP and raw sockets."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import uuid4

import httpx
import pytest
from sqlmodel import Session
from support.live import Live, live
from support.people import in_store, serving, sign_in
from support.server import Server, free_port, wait_for

import webapp
from webapp.chat.message import Failure, Reply, Status
from webapp.store import deletions, usage
from webapp.store.tables import MessageRow, SessionRow

DATA = re.compile(r'<data [^>]*value="([^"]*)"[^>]*></data>')


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp('overview')
    (folder / 'webapp.toml').write_text(f"""
        [[apps]]
        slug = "away"
        name = "Away <for> lunch"
        base_url = "http://127.0.0.1:{free_port()}/v1"
        api_key = "demo"
    """)
    with serving(folder, demo) as server:
        yield server


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with sign_in(server, 'admin', name='Admin').client() as client:
        yield client


def seen(http: httpx.Client) -> str:
    """The page as a reader sees it."""
    found = re.search(r'String\.raw`(.*?)`', http.get('/admin').text, re.S)
    assert found
    elements = json.loads(unescape(found[1])).values()
    [sheet] = [element for element in elements if element['tag'] == 'chat-sheet']
    return words(sheet['props']['content'])


def words(markup: str) -> str:
    return ' '.join(unescape(re.sub(r'<[^>]*>', ' ', DATA.sub(r'\1', markup))).split())


def failed(session: Session, app: str, code: str, ago: timedelta) -> None:
    """As another process has written it down."""
    message = MessageRow(id=uuid4().hex, user_id='somebody', conversation_id='c', cost_group='')
    reply = Reply(Status.FAILED, failure=Failure(code, 'a-detail-nobody-needs'))
    usage.record(session, message=message, app=app, reply=reply, now=datetime.now(UTC) - ago)


def test_it_says_what_runs_and_on_what(http: httpx.Client) -> None:
    page = seen(http)
    assert f'Front door {webapp.__version__} Python 3.' in page
    assert re.search(r'Database SQLite 3\.\d+\.\d+ \d+ · tables \d{4}', page)
    for place in ('/admin/usage', '/admin/users', '/admin/audit'):
        assert place in http.get('/admin').text


def test_each_app_tells_how_it_was_last_heard_of(http: httpx.Client) -> None:
    def states() -> bool:
        page = seen(http)
        return 'Dify 1.12.1 Reachable' in page and 'Away <for> lunch upstream_unreachable' in page

    wait_for(states, 'both apps to have been asked')
    assert '<for>' not in http.get('/admin').text


def test_what_failed_in_the_last_hour_is_told_whoever_wrote_it(server: Server, http: httpx.Client) -> None:
    for code, minutes in (('too_busy', 5), ('too_busy', 50), ('model_failed', 10), ('never_heard_of', 1), ('old', 61)):
        in_store(server, failed, 'default', code, timedelta(minutes=minutes))
    in_store(server, failed, 'gone', 'stream_cut', timedelta(minutes=1))
    page = seen(http)
    assert 'Failed in the last hour 5 of 5 answers' in page
    errors = page.partition('Errors of the last hour')[2]
    assert re.search(r'too_busy .*? 2 ', errors)
    assert [code for code in ('too_busy', 'model_failed', 'never_heard_of', 'stream_cut', 'old') if code in errors] == [
        'too_busy', 'model_failed', 'never_heard_of', 'stream_cut',
    ]  # fmt: skip
    assert 'gone Not in the settings' in page
    assert 'a-detail-nobody-needs' not in page


def test_what_dify_is_still_to_delete_is_told_with_since_when(server: Server, http: httpx.Client) -> None:
    assert 'still to be deleted in Dify' not in seen(http)
    three_days_ago = datetime.now(UTC) - timedelta(days=3)
    for name, moment in (('young', datetime.now(UTC)), ('old', three_days_ago)):
        in_store(server, deletions.want, app='away', upstream_id=name, dify_user='u', now=moment)
    assert 'Deleted here, still to be deleted in Dify: 2 · the oldest since' in seen(http)
    assert three_days_ago.isoformat() in http.get('/admin').text


def told(page: Live, pattern: str) -> None:
    """Wait until the page is told so by itself."""
    while not ('found' in (frame := page.hears_next()) and re.search(pattern, frame)):
        pass


RUNNING = r'admin-running[^/]*? value=[^/]*?\b{}\b[^/]*?/data'


def test_it_follows_what_happens(server: Server, http: httpx.Client) -> None:
    with live(http, '/admin') as page, sign_in(server, 'ann').client() as ann, live(ann, '/a/default') as chat:
        chat.fire('composer send', '/rate 20 /long 2000', uuid4().hex, [], '')
        told(page, RUNNING.format(1))
        chat.fire('composer stop')
        told(page, RUNNING.format(0))


def test_a_page_that_is_left_open_keeps_no_session_alive(server: Server) -> None:
    """It is told how things go, and that does not count as use."""
    admin, an_hour_ago = sign_in(server, 'admin', device='left open'), datetime.now(UTC) - timedelta(hours=1)

    def last_used(session: Session, *, at: datetime | None = None) -> datetime:
        row = session.get(SessionRow, admin.session_id)
        assert row
        row.last_seen_at = at or row.last_seen_at
        return row.last_seen_at

    with admin.client() as http, live(http, '/admin') as page:
        in_store(server, last_used, at=an_hour_ago)
        for code in ('quota_exceeded', 'file_rejected'):
            in_store(server, failed, 'default', code, timedelta())
            told(page, code)
    assert in_store(server, last_used) == an_hour_ago
