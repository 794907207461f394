"""The feedback queue over HTTP: what is in it, what is made of it, and what leaves as a file."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from queue_support import elsewhere, rated, sheet
from sheet_support import fire, until
from support import direct
from support.people import SignedIn, in_store, sign_in
from support.raw_page import RawPage
from support.server import Server, wait_for

from webapp.chat.rating import ListedRating
from webapp.store import audit, feedback_queue as queue
from webapp.store.audit import Action, Filter
from webapp.store.feedback_queue import Rated
from webapp.ui import places

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
QUESTION = '=HYPERLINK("https://evil.example")'
ANSWER = (
    '**Bold** <img src=x onerror=alert(1)> [a link](javascript:alert(1)) and `code`\n\n| a | b |\n|---|---|\n| 1 | 2 |'
)


@pytest.fixture(scope='module')
def message(server: Server, ann: SignedIn) -> str:
    """A rated answer, among others."""
    message, _ = rated(server, ann, 'dislike', '<b>too</b> short', query=QUESTION, answer=ANSWER)
    rated(server, ann, 'like', 'Great', at=NOW - 40 * DAY)
    rated(server, ann, 'like', '', at=NOW - 41 * DAY)
    return message


@pytest.fixture(scope='module')
def others(server: Server, message: str) -> None:
    """What upstream told of: by another client, and by its own admins."""
    at = NOW - 50 * DAY
    foreign = ListedRating('f1', 'm-elsewhere', 'c-elsewhere', 'dislike', 'by <i>API</i>', False, 'end-user-1', at)
    own = next(row for row in listed(server) if row.id == message)
    names = (own.upstream_message_id, own.upstream_conversation_id)
    elsewhere(server, foreign, ListedRating('f2', *names, 'like', 'fine by me', True, 'account-1', at - DAY))


@pytest.fixture
def http(server: Server, others: None) -> Iterator[httpx.Client]:
    with sign_in(server, 'edna', name='Edna', claims_admin=True, claims_reader=True).client() as client:
        yield client


def listed(server: Server, **wanted: Any) -> list[Rated]:
    return in_store(server, queue.page, wanted=queue.Filter(**wanted)).rows


def ids(page: str) -> list[str]:
    """Of the ratings on a page, in order."""
    return re.findall(r'id="seen-([0-9a-f]+)"', sheet(page))


def test_all_of_it_the_newest_first(http: httpx.Client, message: str) -> None:
    page = http.get('/admin/feedback')
    assert page.headers['cache-control'].startswith('no-store')
    found = ids(page.text)
    assert (len(found), found[0]) == (5, message)
    shown = sheet(page.text)
    for words in ('&lt;b&gt;too&lt;/b&gt; short', 'by &lt;i&gt;API&lt;/i&gt;', 'Somebody by way of Dify (end-user)'):
        assert words in shown
    assert 'Admin in Dify (account-)' in shown
    assert 'on an answer to Ann &lt;Wood&gt;' in shown
    assert 'm-elsewhere' in shown


@pytest.mark.parametrize(
    ('query', 'found'),
    [
        ('', 5),
        ('rating=dislike', 2),
        ('rating=like&state=new', 3),
        ('state=fixed', 0),
        ('app=default', 5),
        ('app=none', 0),
        ('app=%00', 0),
        ('since={today}', 1),
        ('until={before}', 2),
        ('since={then}&until={then}', 1),
        ('q=GREAT', 1),
        ('q=API&rating=dislike', 1),
        ('q=%25', 0),
        ('rating=love&state=x&since=yesterday&until=0000-00-00&after=x&q=', 5),
        ('after=99999999999999999.ab', 5),
        ('after=1.ab', 0),
        ('q=' + 'x' * 5000, 0),
    ],
)
def test_an_address_says_which(http: httpx.Client, query: str, found: int) -> None:
    days = {'today': NOW.date(), 'then': (NOW - 40 * DAY).date(), 'before': (NOW - 45 * DAY).date()}
    query = query.format(**days)
    page = http.get(f'/admin/feedback?{query}')
    assert len(ids(page.text)) == found
    assert ('No feedback fits' in page.text) is (found == 0)
    if 'after' not in query:
        assert len(http.get(f'/admin/feedback.json?{query}').json()) == found


def test_page_by_page(server: Server, http: httpx.Client) -> None:
    bob = sign_in(server, 'bob')
    for number in range(60):
        rated(server, bob, 'like', f'paged {number}', at=NOW - 100 * DAY + timedelta(seconds=number // 2))
    first = http.get('/admin/feedback?q=paged').text
    [more] = re.findall(r'href="([^"]+)" data-testid="next-page"', sheet(first))
    second = http.get(more.replace('&amp;', '&')).text
    assert 'next-page' not in second
    assert len({*ids(first), *ids(second)}) == len(ids(first)) + len(ids(second)) == 60


def test_a_file_has_exactly_what_the_page_shows_and_no_cell_is_worked_out(http: httpx.Client, message: str) -> None:
    answer = http.get('/admin/feedback.csv?rating=dislike')
    assert answer.headers['content-type'].startswith('text/csv')
    rows = {row['id']: row for row in csv.DictReader(io.StringIO(answer.text))}
    assert rows.keys() == set(ids(http.get('/admin/feedback?rating=dislike').text))
    row = rows[message]
    assert (row['comment'], row['question']) == ('<b>too</b> short', f"'{QUESTION}")
    assert (row['subject'], row['name'], row['source'], row['message']) == ('ann', 'Ann <Wood>', 'own', message)
    [foreign] = [each for id_, each in rows.items() if id_ != message]
    assert (foreign['source'], foreign['rater'], foreign['user']) == ('user', 'end-user-1', '')
    assert (foreign['upstream_message'], foreign['conversation'], foreign['answer']) == ('m-elsewhere', '', '')


def test_a_conversation_is_read_as_its_person_saw_it_and_can_do_nothing(http: httpx.Client, message: str) -> None:
    page = http.get(f'/admin/feedback/{message}')
    assert page.headers['cache-control'].startswith('no-store')
    shown = sheet(page.text)
    assert '<strong>Bold</strong>' in shown
    assert '<code>code</code>' in shown
    for word in ('<img', 'href="javascript:', 'onerror=alert(1)>'):
        assert word not in shown
    assert QUESTION.replace('"', '&#34;') in shown
    assert set(re.findall(r'data-act="(\w+)"', shown)) == {'new', 'seen', 'fixed'}
    assert 'data-rated' in shown


def test_what_is_marked_on_a_conversations_page_is_its_own_rating(
    server: Server, http: httpx.Client, message: str
) -> None:
    other = next(each for each in listed(server) if each.id != message)
    page = RawPage(server.url, http, http.get(f'/admin/feedback/{message}').text)
    [of] = set(re.findall(r'data-of="([^"]+)"', sheet(page.text)))
    with page.shake() as socket:
        fire(page, socket, 'act', 'seen', f'{places.word(*other.place)}.new')
        until(socket, 'not yours')
        fire(page, socket, 'act', 'seen', of)
        until(socket, 'Marked: Seen.')
        fire(page, socket, 'act', 'fixed', of)
        until(socket, 'somebody else has marked')
        fire(page, socket, 'act', 'new', of.replace('.new', '.seen'))
        until(socket, 'Marked: New.')
    assert {each.state for each in listed(server)} == {'new'}


def test_of_another_client_there_is_no_conversation(server: Server, http: httpx.Client) -> None:
    [foreign] = [each for each in listed(server) if each.upstream_message_id == 'm-elsewhere']
    assert f'/admin/feedback/{foreign.id}' not in sheet(http.get('/admin/feedback').text)
    assert http.get(f'/admin/feedback/{foreign.id}').status_code == 404


def test_a_rating_of_an_admin_in_dify_leads_to_the_conversation(server: Server, http: httpx.Client) -> None:
    [by_admin] = [each for each in listed(server) if each.source == 'admin']
    shown = sheet(http.get(f'/admin/feedback/{by_admin.id}').text)
    assert 'Admin in Dify (account-)' in shown
    assert '<strong>Bold</strong>' in shown


def test_a_state_is_set_with_a_button_by_whoever_looks_at_it(server: Server, http: httpx.Client) -> None:
    carl = sign_in(server, 'carl', name='Carl')
    message, _ = rated(server, carl, 'dislike', 'wrong')
    page = RawPage(server.url, http, http.get('/admin/feedback').text)
    of = re.findall(rf'id="seen-{message}"[^>]*data-of="([^"]+)"', sheet(page.text))[0]
    with page.shake() as socket:
        fire(page, socket, 'act', 'seen', of)
        heard = until(socket, 'Marked: Seen.')
        assert 'Edna' in heard
        for nonsense in (('fixed', ''), ('fixed', '1.x.new'), ('fixed', of.replace('new', 'old')), ('gone', of)):
            fire(page, socket, 'act', *nonsense)
            until(socket, 'not yours')
        fire(page, socket, 'act', 'fixed', of)  # a page that has not heard of it yet
        until(socket, 'somebody else has marked')
    [row] = listed(server, state='seen')
    assert row.id == message
    entry, *_ = in_store(server, audit.page, wanted=Filter(action=Action.FEEDBACK_STATE_CHANGED))
    assert (entry.actor.name, entry.target.name) == ('Edna', 'Carl')
    assert entry.detail == {'feedback': message, 'from': 'new', 'to': 'seen'}


def test_an_admin_who_may_not_read_may_mark(server: Server, http: httpx.Client) -> None:
    message, _ = rated(server, sign_in(server, 'dora'), 'dislike', 'hidden-words')
    with sign_in(server, 'admin').client() as admin:
        page = RawPage(server.url, admin, admin.get('/admin/feedback').text)
        of = re.findall(rf'id="fixed-{message}"[^>]*data-of="([^"]+)"', sheet(page.text))[0]
        with page.shake() as socket:
            fire(page, socket, 'filter', 'state=new')
            until(socket, 'feedback-list')
            fire(page, socket, 'act', 'fixed', of)
            heard = until(socket, 'Marked: Fixed.')
    assert message not in heard, 'the filter stays'
    assert 'hidden-words' not in heard + page.text
    assert [each.id for each in listed(server, state='fixed')] == [message]


def test_what_was_rated_in_dify_comes_when_somebody_asks_for_it(server: Server, http: httpx.Client) -> None:
    upstream = server.environment['DIFY_BASE_URL']
    with direct.client(upstream, headers={'Authorization': 'Bearer demo'}) as dify:
        body = {'query': '/echo x', 'inputs': {}, 'user': 'somebody', 'response_mode': 'blocking'}
        said = dify.post('chat-messages', json=body).json()
        rating = {'rating': 'like', 'content': 'asked-for', 'user': 'somebody'}
        assert dify.post(f'messages/{said["message_id"]}/feedbacks', json=rating).status_code == 200

    page = RawPage(server.url, http, http.get('/admin/feedback').text)
    with page.shake() as socket:

        def has_come() -> bool:
            """It is not asked again within seconds."""
            fire(page, socket, 'act', 'refresh', '')
            return 'asked-for' in until(socket, 'This is what there is now.')

        wait_for(has_come, 'the rating', 60)


def test_the_way_there(http: httpx.Client) -> None:
    assert 'href="/admin/feedback"' in sheet(http.get('/admin').text)
