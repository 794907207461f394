"""What Dify's history tells of an answer fills what is unknown; where it tells something else, both are kept."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from sqlmodel import Session, select

from webapp import comparison as history
from webapp.apps import App, Apps
from webapp.changes import Changes
from webapp.chat.message import Reply, Status, Usage
from webapp.comparison import Comparison
from webapp.files import Files
from webapp.generations import Generations
from webapp.prices import Price
from webapp.principal import Identity, Principal, Role
from webapp.store import answers, comparison, ledger, reports, turns, users
from webapp.store.comparison import LookUp
from webapp.store.database import Store
from webapp.store.ledger import Entry, History
from webapp.store.reports import Filter
from webapp.store.tables import UsageRow
from webapp.upstream import demo
from webapp.upstream.client import DifyClient

NOW = datetime.now(UTC)
ALWAYS = Filter(NOW.date() - timedelta(days=3), NOW.date() + timedelta(days=3))


@pytest.fixture
async def ann(store: Store) -> Principal:
    identity = Identity('test', 'ann', 'company', name='Ann')
    user = (await store.write(users.sign_in, identity=identity, role=Role.USER, secret='s' * 32, now=NOW)).user
    return Principal(user.id, '', Role.USER, user.dify_user, 'Ann')


async def asked(store: Store, ann: Principal, number: int, usage: Usage | None, app: str = 'default') -> str:
    """An answer that upstream has a name for; its id."""
    given = {'app': app, 'conversation_id': None, 'query': 'hello', 'key': f'k{number}', 'now': NOW}
    begun = await store.write(turns.begin, user_id=ann.user_id, **given)
    reply = Reply(Status.STOPPED, conversation_id=f'c{number}', message_id=f'm{number}', usage=usage)
    await store.write(answers.finish, message_id=begun.message.id, reply=reply, now=NOW, unread=False)
    return begun.message.id


async def entry(store: Store, message_id: str) -> Entry:
    [found] = [e for e in await store.read(ledger.entries, wanted=ALWAYS) if e.message_id == message_id]
    return found


async def claimed(store: Store, now: datetime) -> list[LookUp]:
    return await store.write(comparison.claim_due, now=now)


async def compared(store: Store) -> None:
    async with asyncio.timeout(20):
        while await store.read(comparison.next_due):
            await asyncio.sleep(0.02)


DOLLARS = Usage(9, 1, 10, total_price=Decimal('0.5'), currency='USD')


async def test_only_what_is_unknown_is_looked_up_by_itself(store: Store, ann: Principal) -> None:
    unknown = await asked(store, ann, 1, None)
    await asked(store, ann, 2, DOLLARS)
    assert await claimed(store, NOW) == []  # upstream is given a moment
    later = NOW + timedelta(minutes=1)
    assert await claimed(store, later) == [LookUp(unknown, 'm1', 'c1', 'default', ann.dify_user)]
    assert await claimed(store, later) == []  # somebody has it


async def test_what_history_tells_fills_the_ledger_and_its_sums(store: Store, ann: Principal) -> None:
    message_id = await asked(store, ann, 1, None)
    [job] = await claimed(store, NOW + timedelta(minutes=1))
    await store.write(comparison.settle, job=job, told=DOLLARS, now=NOW)
    found = await entry(store, message_id)
    assert (found.pricing, found.total_tokens, found.price, found.history) == ('priced', 10, Decimal('0.5'), None)
    [line] = await store.read(reports.summed, wanted=ALWAYS)
    assert (line.total.price, line.total.total_tokens, line.total.unknown) == (Decimal('0.5'), 10, 0)
    assert await store.read(comparison.next_due) is None


async def test_tokens_without_a_price_get_ours(store: Store, ann: Principal) -> None:
    message_id = await asked(store, ann, 1, None)
    [job] = await claimed(store, NOW + timedelta(minutes=1))
    prices = (Price('*', Decimal(1), Decimal(1), 'EUR'),)
    await store.write(comparison.settle, job=job, told=Usage(9, 1, 10), now=NOW, prices=prices)
    assert (await entry(store, message_id)).pricing == 'estimated'


async def test_a_price_of_theirs_takes_the_place_of_none_and_of_ours(store: Store, ann: Principal) -> None:
    unpriced = await asked(store, ann, 1, Usage(9, 1, 10))
    await store.write(comparison.ask, wanted=ALWAYS, now=NOW)
    [job] = await claimed(store, NOW)
    await store.write(comparison.settle, job=job, told=DOLLARS, now=NOW)
    assert ((await entry(store, unpriced)).pricing, (await entry(store, unpriced)).price) == ('priced', Decimal('0.5'))


@pytest.mark.parametrize(
    ('told', 'history'),
    [
        (DOLLARS, None),
        (Usage(9, 1, 10), None),  # a server that lost its price list
        (replace(DOLLARS, total_tokens=11), History(11, Decimal('0.5'), 'USD')),
        (replace(DOLLARS, total_price=Decimal('0.6')), History(10, Decimal('0.6'), 'USD')),
        (replace(DOLLARS, currency='EUR'), History(10, Decimal('0.5'), 'EUR')),
        (Usage(0, 0, 0), None),  # tells nothing
        (None, None),
    ],
)
async def test_where_it_tells_something_else_both_are_kept(
    store: Store, ann: Principal, told: Usage | None, history: History | None
) -> None:
    message_id = await asked(store, ann, 1, DOLLARS)
    assert await store.write(comparison.ask, wanted=ALWAYS, now=NOW) == 1
    [job] = await claimed(store, NOW)
    await store.write(comparison.settle, job=job, told=told, now=NOW)
    found = await entry(store, message_id)
    assert (found.total_tokens, found.price, found.history) == (10, Decimal('0.5'), history)
    assert await store.read(comparison.differing, wanted=ALWAYS) == (1 if history else 0)
    await store.write(comparison.ask, wanted=ALWAYS, now=NOW)
    [job] = await claimed(store, NOW)
    await store.write(comparison.settle, job=job, told=DOLLARS, now=NOW)  # they agree now
    assert (await entry(store, message_id)).history is None


async def test_a_conversation_is_looked_up_as_a_whole(store: Store, ann: Principal) -> None:
    for number in range(1, 7):
        await asked(store, ann, number, None)

    def gather(session: Session) -> None:
        for row in session.exec(select(UsageRow)):
            row.conversation_id = 'ab'[int(row.id, 16) % 2]
            session.add(row)

    await store.write(gather)
    later = NOW + timedelta(minutes=1)
    first = await store.write(comparison.claim_due, now=later, conversations=1)
    second = await store.write(comparison.claim_due, now=later, conversations=1)
    assert len(first) + len(second) == 6
    assert await claimed(store, later) == []


async def test_a_server_that_is_away_is_asked_again_but_not_for_ever(store: Store, ann: Principal) -> None:
    await asked(store, ann, 1, None)
    now = NOW + timedelta(minutes=1)
    for _ in comparison.BACKOFF:
        [job] = await claimed(store, now)
        await store.write(comparison.settle, job=job, told=None, now=now, again=True)
        assert await claimed(store, now) == []
        now += timedelta(days=1)
    [job] = await claimed(store, now)
    await store.write(comparison.settle, job=job, told=None, now=now, again=True)
    assert await store.read(comparison.next_due) is None


async def test_whose_conversation_is_gone_is_not_looked_up(store: Store, ann: Principal) -> None:
    await asked(store, ann, 1, None)

    def forget(session: Session) -> None:
        row = session.get(UsageRow, job_id)
        assert row
        row.message_id = 'gone'
        session.add(row)

    [found] = await store.read(ledger.entries, wanted=ALWAYS)
    job_id = found.id
    await store.write(forget)
    assert await claimed(store, NOW + timedelta(minutes=1)) == []
    assert await store.read(comparison.next_due) is None


async def test_a_long_conversation_is_read_back_to_the_answer_in_question(
    store: Store, ann: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, 'PAGE', 2)
    message_id = await asked(store, ann, 1, None)
    kept = [{'id': f'm{number}', 'created_at': 1_800_000_000 + number, 'total_tokens': 9} for number in range(7)]
    wanted: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        """As a real server does: the newest page, or the one before a message; the oldest message first."""
        wanted.append(request.url.params.get('first_id', ''))
        older = [row for row in kept if not wanted[-1] or row['id'] < wanted[-1]]
        body = {'data': older[-2:], 'has_more': len(older) > 2}
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps(body).encode()))

    apps = Apps([App('default', DifyClient('http://localhost', 'app-key', transport=httpx.MockTransport(answer)))])
    comparing = Comparison(store, apps)
    working = asyncio.create_task(comparing.run())
    assert await comparing.ask(ALWAYS) == 1
    await compared(store)
    working.cancel()
    assert wanted == ['', 'm5', 'm3']
    assert (await entry(store, message_id)).total_tokens == 9
    await apps.close()


@pytest.mark.parametrize('keeps_costs', [True, False])
async def test_a_server_is_asked_and_what_it_keeps_is_compared(store: Store, ann: Principal, keeps_costs: bool) -> None:
    async with demo.serve(demo.build(rate=0, keeps_costs=keeps_costs)) as upstream:
        apps = Apps([App('default', DifyClient(upstream, 'demo'))])
        files = Files(store, apps, Changes())
        generations = Generations(store, apps, Changes(), files)
        first = await generations.start(ann, app='default', conversation_id=None, query='/echo one two', key='k')
        while generations.of(first.id):
            await generations.ended.after(generations.ended.value)
        before = await entry(store, first.id)

        def lose(session: Session) -> None:
            """As if the stream had told nothing, and the row had never been repaired."""
            row = session.get(UsageRow, before.id)
            assert row
            row.pricing, row.total_tokens, row.total_nano, row.currency = 'unknown', None, None, ''
            session.add(row)

        await store.write(lose)
        comparing = Comparison(store, apps)
        working = asyncio.create_task(comparing.run())
        assert await comparing.ask(ALWAYS) == 1
        await compared(store)
        working.cancel()
        after = await entry(store, first.id)
        assert (after.total_tokens, after.price) == (
            (before.total_tokens, before.price) if keeps_costs else (None, None)
        )
        await generations.shutdown(limit=0)
        await files.close()
        await apps.close()
