"""Who may read what people wrote, asked and were answered; and what stands in the log of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from queue_support import rated, sheet
from sheet_support import fire, until
from support import direct
from support.people import SignedIn, in_store, sign_in
from support.raw_page import RawPage
from support.server import Server

from webapp.store import audit
from webapp.store.audit import Action, Entry, Filter
from webapp.ui import places

WORDS = ('canary-comment', 'canary-question', 'canary-answer', 'canary-before')
FOR_PEOPLE = {'Accept': 'text/html'}
ADMIN, READER, BOTH = {'claims_admin': True}, {'claims_reader': True}, {'claims_admin': True, 'claims_reader': True}


@dataclass
class Case:
    server: Server
    message: str
    conversation: str

    @property
    def pages(self) -> tuple[str, ...]:
        thread = f'/admin/feedback/{self.message}'
        return ('/admin/feedback', '/admin/feedback.csv', '/admin/feedback.json', thread)

    def entries(self, *actions: Action) -> list[Entry]:
        wanted = actions or (Action.FEEDBACK_READ, Action.FEEDBACK_EXPORTED, Action.CONVERSATION_READ)
        return [each for action in wanted for each in in_store(self.server, audit.page, wanted=Filter(action=action))]


@pytest.fixture(scope='module')
def case(server: Server, ann: SignedIn) -> Case:
    _, conversation = rated(server, ann, '', query='canary-before')
    message, _ = rated(
        server, ann, 'dislike', 'canary-comment', query='canary-question', answer='canary-answer',
        conversation=conversation,
    )  # fmt: skip
    return Case(server, message, conversation)


@pytest.fixture
def reader(server: Server) -> Iterator[httpx.Client]:
    with sign_in(server, 'edna', name='Edna', **BOTH).client() as http:
        yield http


def words_in(text: str) -> set[str]:
    return {word for word in WORDS if word in text}


@pytest.mark.parametrize(
    ('subject', 'said', 'pages', 'words'),
    [
        ('ann', {}, (404, 404, 404, 404), False),  # not even her own, here
        ('bob', {}, (404, 404, 404, 404), False),
        ('carol', READER, (404, 404, 404, 404), False),
        ('reader', {}, (404, 404, 404, 404), False),
        ('eve', ADMIN, (200, 200, 200, 404), False),
        ('admin', {}, (200, 200, 200, 404), False),
        ('admin', READER, (200, 200, 200, 200), True),
        ('reader', ADMIN, (200, 200, 200, 200), True),
        ('edna', BOTH, (200, 200, 200, 200), True),
    ],
)
def test_who_sees_what(case: Case, subject: str, said: dict[str, Any], pages: tuple[int, ...], words: bool) -> None:
    before = len(case.entries(Action.FEEDBACK_READ, Action.CONVERSATION_READ))
    with sign_in(case.server, subject, **said).client() as http:
        answers = [http.get(path, headers=FOR_PEOPLE) for path in case.pages]
    assert tuple(answer.status_code for answer in answers) == pages
    expected = [set(WORDS[:3])] * 3 + [set(WORDS)] if words else [set()] * 4
    assert [words_in(answer.text) for answer in answers] == expected
    assert len(case.entries(Action.FEEDBACK_READ, Action.CONVERSATION_READ)) == before + 4 * words
    sign_in(case.server, subject)  # who no more has what was said of them


def test_an_admin_sees_who_may_read(case: Case) -> None:
    carol, bob = sign_in(case.server, 'carol', **READER), sign_in(case.server, 'bob')
    with sign_in(case.server, 'admin').client() as http:
        pages = [sheet(http.get(f'/admin/users/{who.user_id}').text) for who in (carol, bob)]
    assert ['may read other people' in page for page in pages] == [True, False]


def test_nobody_without_a_session(case: Case) -> None:
    for path in case.pages:
        answer = direct.get(case.server.url + path, headers=FOR_PEOPLE)
        assert (answer.status_code, answer.headers['location'], answer.text) == (303, f'/login?next={path}', '')


def test_an_admin_sees_who_rated_what_and_how_to_get_to_the_words(case: Case) -> None:
    with sign_in(case.server, 'eve', **ADMIN).client() as http:
        shown = sheet(http.get('/admin/feedback').text)
        assert 'data-testid="feedback-row"' in shown
        assert 'Ann &lt;Wood&gt;' in shown
        assert 'Bad answer' in shown
        assert 'WEBAPP_READERS' in shown
        assert 'feedback-search' not in shown
        assert f'/admin/feedback/{case.message}' not in shown
        [row] = http.get('/admin/feedback.json').json()
    assert not {'comment', 'question', 'answer'} & row.keys()
    assert (row['id'], row['rating'], row['subject'], row['state']) == (case.message, 'dislike', 'ann', 'new')


@pytest.mark.parametrize('path', ['/admin/feedback', '/admin/feedback.json', '/admin/feedback.csv'])
def test_words_are_not_found_out_by_searching_for_them(case: Case, path: str) -> None:
    with sign_in(case.server, 'eve', **ADMIN).client() as http:
        hit, miss = (http.get(f'{path}?q={word}').text for word in ('canary', 'nothing-of-the-kind'))
        assert (case.message in hit, case.message in miss) == (True, True), 'the search is as if it was not there'
        assert 'nothing-of-the-kind' not in miss
        assert 'canary' not in hit


def test_every_page_that_is_read_is_in_the_log(case: Case, reader: httpx.Client) -> None:
    reader.get('/admin/feedback?rating=dislike')
    newest, *_ = case.entries(Action.FEEDBACK_READ)
    assert (newest.actor.name, newest.address, newest.detail) == ('Edna', '127.0.0.1', {'feedback': [case.message]})
    assert newest.target.name == 'Ann <Wood>'
    before = len(case.entries())
    reader.get('/admin/feedback?rating=like')
    assert len(case.entries()) == before, 'there was nothing to read'
    reader.get(f'/admin/feedback/{case.message}')
    newest, *_ = case.entries(Action.CONVERSATION_READ)
    names = {'conversation': case.conversation, 'message': case.message, 'feedback': case.message}
    assert (newest.actor.name, newest.target.name, newest.detail) == ('Edna', 'Ann <Wood>', names)
    before = len(case.entries(Action.FEEDBACK_READ))
    reader.get('/admin/feedback.csv?q=canary')
    newest, *_ = case.entries(Action.FEEDBACK_EXPORTED)
    assert newest.detail == {'format': 'csv', 'texts': 'yes', 'searched': 'yes'}
    newest, *more = case.entries(Action.FEEDBACK_READ)
    assert (newest.target.name, newest.detail, len(more)) == ('Ann <Wood>', {'feedback': [case.message]}, before)
    with sign_in(case.server, 'eve', **ADMIN).client() as http:
        http.get('/admin/feedback.json')
    newest, *_ = case.entries(Action.FEEDBACK_EXPORTED)
    assert newest.detail == {'format': 'json', 'texts': 'no'}
    log = sheet(reader.get('/admin/audit').text)
    assert 'Conversation read' in log
    assert not words_in(log)


def test_no_other_site_makes_a_reader_read(case: Case, reader: httpx.Client) -> None:
    before = len(case.entries())
    for path in case.pages:
        answer = reader.get(path, headers=FOR_PEOPLE | {'Sec-Fetch-Site': 'cross-site'})
        assert (answer.status_code, words_in(answer.text)) == (403, set())
    assert len(case.entries()) == before


@pytest.mark.parametrize('unknown', ['0' * 32, 'x', '-', '%F0%9F%90%B8'])
def test_there_is_no_such_feedback(case: Case, reader: httpx.Client, unknown: str) -> None:
    before = len(case.entries())
    assert reader.get(f'/admin/feedback/{unknown}').status_code == 404
    assert len(case.entries()) == before


def test_whoever_loses_it_reads_no_more_at_the_next_request(case: Case) -> None:
    with sign_in(case.server, 'edna', **BOTH).client() as http:
        assert words_in(http.get('/admin/feedback').text)
        sign_in(case.server, 'edna', **ADMIN)
        answers = [http.get(path) for path in case.pages]
        assert [(each.status_code, words_in(each.text)) for each in answers] == [
            (200, set()), (200, set()), (200, set()), (404, set()),
        ]  # fmt: skip


def test_nor_on_a_page_that_is_open(case: Case) -> None:
    with sign_in(case.server, 'edna', **BOTH).client() as http:
        queue = RawPage(case.server.url, http, http.get('/admin/feedback').text)
        thread = RawPage(case.server.url, http, http.get(f'/admin/feedback/{case.message}').text)
        assert words_in(queue.text)
        with queue.shake() as first, thread.shake() as second:
            sign_in(case.server, 'edna', **ADMIN)
            fire(queue, first, 'filter', '')
            fire(thread, second, 'act', 'seen', f'1.{case.message}.new')
            heard = until(first, 'feedback-list', 'location.assign') + until(second, 'not yours', 'location.assign')
    assert not words_in(heard)


def test_open_pages_with_words_close_and_those_without_stay(case: Case) -> None:
    with sign_in(case.server, 'edna', **BOTH).client() as http:
        reading = RawPage(case.server.url, http, http.get('/admin/feedback').text)
        with reading.shake() as socket:
            sign_in(case.server, 'edna', **ADMIN)
            assert 'location.assign' in until(socket, 'location.assign')
    with sign_in(case.server, 'edna', **ADMIN).client() as http:
        plain = RawPage(case.server.url, http, http.get('/admin/feedback').text)
        with plain.shake() as socket:
            sign_in(case.server, 'edna', **BOTH)
            fire(plain, socket, 'filter', '')
            heard = until(socket, 'feedback-list', 'location.assign')
            assert words_in(heard) == set(WORDS[:3]), 'and whoever gets it, sees them'
            assert 'location.assign' not in heard


def test_the_page_of_a_reader_logs_once_what_it_goes_on_showing(case: Case) -> None:
    with sign_in(case.server, 'edna', **BOTH).client() as http:
        page = RawPage(case.server.url, http, http.get('/admin/feedback').text)
        before = len(case.entries(Action.FEEDBACK_READ))
        with page.shake() as socket:
            for query in ('rating=dislike', ''):
                fire(page, socket, 'filter', query)
                assert words_in(until(socket, 'feedback-list'))
            assert len(case.entries(Action.FEEDBACK_READ)) == before


def test_what_comes_into_an_open_conversation_is_in_the_log_when_it_is_shown(case: Case, ann: SignedIn) -> None:
    message, conversation = rated(case.server, ann, 'like', query='as it was opened', at=datetime.now(UTC))
    with sign_in(case.server, 'edna', **BOTH).client() as http:
        page = RawPage(case.server.url, http, http.get(f'/admin/feedback/{message}').text)
        [entry, *before] = case.entries(Action.CONVERSATION_READ)
        assert entry.detail['feedback'] == message
        rated(case.server, ann, '', query='came afterwards', conversation=conversation)
        [row] = [each for each in http.get('/admin/feedback.json').json() if each['id'] == message]
        of = f'{places.word(datetime.fromisoformat(row["at"]), message)}.new'
        with page.shake() as socket:
            fire(page, socket, 'act', 'seen', of)
            assert 'came afterwards' in until(socket, 'came afterwards')
            assert len(case.entries(Action.CONVERSATION_READ)) == len(before) + 2
            fire(page, socket, 'act', 'fixed', of.replace('.new', '.seen'))
            until(socket, 'came afterwards')
    assert len(case.entries(Action.CONVERSATION_READ)) == len(before) + 2, 'nothing new was read'
