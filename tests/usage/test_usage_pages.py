"""What everybody costs, as the page, the files, a program and the command line tell it: always the same."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from sqlmodel import Session
from support import direct
from support.command import run
from support.people import WITH_LOGIN, SignedIn, in_store, serving, sign_in
from support.server import Server
from support.sheet import sheet

from webapp.chat.message import Reply, Status, StepPart, Usage
from webapp.store import audit, usage
from webapp.store.audit import Action, Filter
from webapp.store.tables import MessageRow

TOKEN = 'a-token-for-programs-of-32-bytes-or-more'
NOW = datetime.now(UTC)
TODAY = NOW.date()
DAYS = {'today': 0, 'yesterday': 1, 'then': 400, 'before': 500}
STARTS = {'=1+1': "'=1+1"}  # a model of that name, and its cell


def spend(session: Session, *, ann: str, bob: str) -> None:
    """Answers of today, and one of long ago."""
    priced = Usage(1000, 200, 1200, Decimal('0.0025'), Decimal('0.002'), Decimal('0.0045'), 'USD')
    yuan = Usage(10, 20, 30, total_price=Decimal('0.1'), currency='CNY')
    replies = [
        (ann, 'support', Reply(Status.COMPLETE, usage=priced), NOW),
        (ann, 'support', Reply(Status.STOPPED), NOW),
        (ann, 'hr', Reply(Status.COMPLETE, (StepPart('s', 'llm', 'LLM', model='=1+1'),), usage=yuan), NOW),
        (bob, 'support', Reply(Status.FAILED, usage=Usage(5, 0, 5)), NOW),
        (bob, 'support', Reply(Status.COMPLETE, usage=priced), NOW - timedelta(days=400)),
    ]
    for number, (user_id, app, reply, at) in enumerate(replies):
        message = MessageRow(id=f'm{number}', user_id=user_id, conversation_id='c', cost_group='sales')
        usage.record(session, message=message, app=app, reply=reply, now=at, latency_ms=2000, first_token_ms=300)


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp('usage')
    (folder / 'webapp.toml').write_text('[limits]\nexports_per_minute = 0')
    with serving(folder, demo, WEBAPP_USAGE_TOKEN=TOKEN) as server:
        yield server


@pytest.fixture(scope='module')
def ann(server: Server) -> SignedIn:
    ann, bob = sign_in(server, 'ann', name='Ann <Wood>'), sign_in(server, 'bob')
    in_store(server, spend, ann=ann.user_id, bob=bob.user_id)
    return ann


@pytest.fixture
def http(server: Server, ann: SignedIn) -> Iterator[httpx.Client]:
    with sign_in(server, 'admin', name='Admin').client() as client:
        yield client


def table(http: httpx.Client, query: str) -> list[dict[str, str]]:
    answer = http.get(f'/admin/usage.csv?{query}')
    assert answer.headers['content-type'].startswith('text/csv')
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_a_sum_for_each_person_and_currency(http: httpx.Client, ann: SignedIn) -> None:
    rows = {(row['subject'], row['currency']): row for row in table(http, 'by=user')}
    assert rows.keys() == {('ann', ''), ('ann', 'CNY'), ('ann', 'USD'), ('bob', '')}
    dollars = rows['ann', 'USD']
    assert (dollars['user'], dollars['name']) == (ann.user_id, 'Ann <Wood>')
    assert (dollars['answers'], dollars['total_tokens'], dollars['total_price']) == ('1', '1200', '0.004500000')
    assert (rows['ann', '']['unknown'], rows['bob', '']['unpriced']) == ('1', '1')


@pytest.mark.parametrize(
    ('query', 'answers'),
    [
        ('', 4),
        ('range=7d', 4),
        ('range=nonsense&from=nonsense', 4),
        ('range=custom&from={before}&to={today}', 5),
        ('from={then}&to={then}', 1),
        ('from={today}&to={yesterday}', 0),
        ('app=hr', 1),
        ('app=nobody', 0),
        ('group=sales&outcome=failed', 1),
        ('group=-', 0),
        ('model=-', 3),
        ('app=', 4),
        ('group=a%00b', 0),
        ('user=%00', 0),
        ('model=--', 0),
        ('from=0001-01-01&to=9999-12-31', 4),
        ('from=1970-01-01&to=9000-12-31', 5),
        ('after=9.f&range=7d', 4),
    ],
)
def test_an_address_says_which_answers(http: httpx.Client, query: str, answers: int) -> None:
    query = query.format(**{name: TODAY - timedelta(days=days) for name, days in DAYS.items()})
    assert sum(int(row['answers']) for row in table(http, f'by=day&{query}')) == answers
    assert len(table(http, f'by=answer&{query}')) == answers
    page = http.get(f'/admin/usage?{query}').text
    assert ('No answers in this time' in page) is (answers == 0)


def test_page_file_program_and_command_line_agree(server: Server, http: httpx.Client) -> None:
    shown = http.get('/admin/usage?by=app&range=month').text
    prices = set(
        re.findall(
            r'data-testid="usage-total-cost"><data data-as="total" value="([\d.]+)" data-currency="(\w+)"',
            sheet(shown),
        )
    )
    as_file = http.get('/admin/usage.json?by=app&range=month').json()
    told = direct.get(f'{server.url}/admin/usage.json?by=app&range=month', headers={'Authorization': f'Bearer {TOKEN}'})
    folder = server.folder
    ended = run(folder, 'usage', '--by', 'app', '--format', 'json', **WITH_LOGIN)
    assert as_file == told.json() == json.loads(ended.answered)
    sums: dict[str, Decimal] = {}
    for row in as_file:
        sums[row['currency']] = sums.get(row['currency'], Decimal(0)) + Decimal(row['total_price'])
    assert {code: Decimal(price) for price, code in prices} == {code: price for code, price in sums.items() if code}
    as_table = run(folder, 'usage', '--by', 'app', **WITH_LOGIN).answered
    assert list(csv.DictReader(io.StringIO(as_table))) == table(http, 'by=app&range=month')


def test_the_command_line_takes_days_and_several_sides(server: Server, ann: SignedIn) -> None:
    day = str(TODAY - timedelta(days=400))
    ended = run(
        server.folder, 'usage', '--from', day, '--to', day, '--by', 'day,user', '--format', 'json', **WITH_LOGIN
    )
    [row] = json.loads(ended.answered)
    assert list(row)[:4] == ['day', 'user', 'subject', 'name']
    assert (row['day'], row['subject'], row['total_price']) == (day, 'bob', '0.004500000')
    wrong = run(server.folder, 'usage', '--by', 'person', **WITH_LOGIN)
    assert (wrong.status, 'person is none of user, group, app' in wrong.said) == (2, True)
    wrong = run(server.folder, 'usage', '--from', 'yesterday', **WITH_LOGIN)
    assert (wrong.status, 'write it like 2026-03-01' in wrong.said) == (2, True)


def test_without_a_database_the_command_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    ended = run(tmp_path_factory.mktemp('new'), 'usage')
    assert (ended.status, 'There is no database yet.' in ended.said) == (1, True)


def test_programs_need_the_token(server: Server, ann: SignedIn) -> None:
    def ask(header: str) -> int:
        return direct.get(f'{server.url}/admin/usage.csv', headers={'Authorization': header}).status_code

    assert ask(f'Bearer {TOKEN}') == 200
    assert {ask('Bearer'), ask('Bearer wrong'), ask(f'Bearer {TOKEN[:-1]}')} == {401}
    assert ask(f'Basic {TOKEN}') == 303
    assert TOKEN not in server.log


def test_no_cell_is_worked_out(http: httpx.Client) -> None:
    [model] = [row['model'] for row in table(http, 'by=model&app=hr')]
    assert model == STARTS['=1+1']


def test_a_file_that_left_is_written_down(server: Server, http: httpx.Client) -> None:
    http.get('/admin/usage.json?by=app&app=hr')
    newest, *_ = in_store(server, audit.page, wanted=Filter(action=Action.USAGE_EXPORTED))
    assert newest.detail == {'format': 'json', 'range': '30d', 'by': 'app', 'app': 'hr'}


def test_an_answer_is_led_to_step_by_step(http: httpx.Client, ann: SignedIn) -> None:
    """From everybody to a person, from their days to one day, and to its answers."""
    address = '/admin/usage?by=user'
    for expected in (f'user={ann.user_id}', 'by=answer'):
        links = re.findall(r'<td role="cell" class="title">\s*<a href="([^"]+)"', sheet(http.get(address).text))
        address = next(link.replace('&amp;', '&') for link in links if expected in link.replace('&amp;', '&'))
    rows = sheet(http.get(address).text)
    assert rows.count('data-testid="usage-row"') == 3
    assert f'/admin/users/{ann.user_id}' in rows


def test_what_each_of_them_sees_of_themselves(server: Server, ann: SignedIn) -> None:
    with ann.client() as client:
        mine = sheet(client.get('/me').text)
    assert set(re.findall(r'value="([\d.]+)" data-currency="(\w+)"', mine)) == {
        ('0.004500000', 'USD'),
        ('0.100000000', 'CNY'),
    }
