"""A notice for everybody, from one admin's page to all pages of all processes; over raw sockets."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from support import databases, direct
from support.live import Live, live
from support.people import WITH_LOGIN, in_store, sign_in
from support.server import Serve, Server, wait_for

from webapp.store import audit, notices
from webapp.store.audit import Action, Filter, Party

SECONDS = 5.0  # within which everybody is to be told
ROOT = Party('root', 'Root')


@pytest.fixture(scope='module', params=['sqlite', 'postgresql'])
def replicas(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, demo: str
) -> Iterator[list[Server]]:
    """Two processes that share nothing but the database."""
    folder = tmp_path_factory.mktemp('shared')
    url = f'sqlite:///{folder}/webapp.db'
    if request.param == 'postgresql':
        url = databases.schema(request.getfixturevalue('postgres'))
    settings = WITH_LOGIN | {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo', 'DATABASE_URL': url}
    with ExitStack() as ends:
        servers = [Server(tmp_path_factory.mktemp('replica'), settings) for _ in range(2)]
        for server in servers:
            server.start()
            ends.callback(server.stop)
        yield servers
    for server in servers:
        assert 'Traceback' not in server.log, server.log


@pytest.fixture
def admin(replicas: list[Server]) -> Iterator[Live]:
    with sign_in(replicas[0], 'admin', name='Admin').client() as http, live(http, '/admin') as page:
        yield page
    everything_over(replicas[0])


@pytest.fixture
def chats(replicas: list[Server]) -> Iterator[list[Live]]:
    """Ann's chat page at each of them."""
    ann = sign_in(replicas[0], 'ann')
    with ExitStack() as ends:
        pages = []
        for server in replicas:
            http = ends.enter_context(direct.client(server.url, cookies=ann.cookies))
            pages.append(ends.enter_context(live(http, '/')))
        yield pages


def everything_over(server: Server) -> None:
    for notice in in_store(server, notices.live, now=datetime.now(UTC)):
        in_store(server, notices.end, notice_id=notice.id, actor=ROOT, now=datetime.now(UTC))


def form(text: str, until: datetime | str = '', level: str = 'info') -> str:
    until = until or datetime.now(UTC) + timedelta(hours=1)
    return urlencode({'text': text, 'level': level, 'until': until if isinstance(until, str) else until.isoformat()})


def above(page: Live) -> str:
    """What stands above a page, as it was told last."""
    return next((frame for frame in reversed(page.heard) if 'banners' in frame), '')


def shows(page: Live, words: str) -> str:
    """Wait until the words stand above it; all that stands there."""
    while words not in above(page):
        page.hears_next(SECONDS)
    return above(page)


def hides(page: Live, words: str) -> None:
    while words in above(page):
        page.hears_next(SECONDS)


def test_everybody_is_told_within_seconds_wherever_they_are(admin: Live, chats: list[Live]) -> None:
    admin.fire('sheet act', 'announce', form('Back at noon', level='warning'))
    for page in chats:
        assert 'warning' in shows(page, 'Back at noon')
    admin.hears('Everybody sees it now.')


def test_it_goes_at_its_end_without_a_reload(admin: Live, chats: list[Live]) -> None:
    admin.fire('sheet act', 'announce', form('A moment', datetime.now(UTC) + timedelta(seconds=4)))
    for page in chats:
        shows(page, 'A moment')
    for page in chats:
        hides(page, 'A moment')


def test_it_is_ended_before_by_any_admin(admin: Live, chats: list[Live], replicas: list[Server]) -> None:
    admin.fire('sheet act', 'announce', form('Until further notice'))
    for page in chats:
        shows(page, 'Until further notice')
    [notice] = in_store(replicas[0], notices.live, now=datetime.now(UTC))
    other = sign_in(replicas[1], 'admin', name='Another browser')
    with other.client() as http, live(http, '/admin') as page:
        page.fire('sheet act', 'end', notice.id)
        page.hears('Ended.')
    for page in chats:
        hides(page, 'Until further notice')
    shown, ended = (
        in_store(replicas[0], audit.page, wanted=Filter(action=action))[0]
        for action in (Action.NOTICE_SHOWN, Action.NOTICE_ENDED)
    )
    assert shown.detail == ended.detail
    assert shown.detail['text'] == 'Until further notice'
    assert (shown.actor.name, ended.actor.name) == ('Admin', 'Another browser')


def test_a_page_that_is_opened_later_has_it(admin: Live, replicas: list[Server]) -> None:
    admin.fire('sheet act', 'announce', form('For <b>latecomers</b>'))
    admin.hears('Everybody sees it now.')
    with sign_in(replicas[1], 'bob').client() as http:
        for path in ('/', '/a/default', '/me'):
            wait_for(lambda path=path: 'latecomers' in http.get(path).text, 'the notice', SECONDS)  # type: ignore[misc]
        assert '<b>latecomers' not in http.get('/').text
        everything_over(replicas[0])
        wait_for(lambda: 'latecomers' not in http.get('/').text, 'its end', SECONDS)


@pytest.mark.parametrize(
    ('sent', 'words'),
    [
        (form('   '), 'it needs 1 to 300 characters'),
        (form('x' * 301), 'it needs 1 to 300 characters'),
        (form('a text', level='error'), 'it needs 1 to 300 characters'),
        (form('a text', '2020-01-01T00:00:00Z'), 'choose an end that lies ahead'),
        (form('a text', '9999-12-31T23:59:59Z'), 'choose an end that lies ahead'),
        (form('a text', '2099-01-01T00:00'), 'choose an end that lies ahead'),
        (form('a text', 'tomorrow'), 'choose an end that lies ahead'),
        ('', 'choose an end that lies ahead'),
        ('%ff=%ff&text', 'choose an end that lies ahead'),
    ],
    ids=[
        'blank',
        'long',
        'level',
        'past',
        'far',
        'naive',
        'words',
        'nothing',
        'broken',
    ],  # what is sent holds the time of day
)
def test_what_can_not_be_shown_is_refused_in_words(admin: Live, replicas: list[Server], sent: str, words: str) -> None:
    admin.fire('sheet act', 'announce', sent)
    admin.hears(words)
    assert in_store(replicas[0], notices.live, now=datetime.now(UTC)) == ()


def test_the_button_may_be_pressed_twice(admin: Live, replicas: list[Server]) -> None:
    sent = form('Once')
    for _ in range(2):
        admin.fire('sheet act', 'announce', sent)
    admin.fire('sheet act', 'announce', form('And another'))
    admin.hears('And another')
    shows(admin, 'Once')
    told = [notice.text for notice in in_store(replicas[0], notices.live, now=datetime.now(UTC))]
    assert sorted(told) == ['And another', 'Once']


@pytest.mark.parametrize('path', ['/', '/me'])
def test_the_very_first_page_has_it(serve: Serve, path: str) -> None:
    server, moment = serve(**WITH_LOGIN), datetime.now(UTC)
    until = moment + timedelta(hours=1)
    in_store(server, notices.announce, text='Good morning', level='info', ends_at=until, actor=ROOT, now=moment)
    with sign_in(server, 'ann').client() as http:
        assert 'Good morning' in http.get(path).text
