"""What everybody cost: the sums by day agree with the ledger to the last digit, whatever comes late."""

import itertools
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlmodel import Session

from webapp.chat.message import Reply, Status, StepPart, Usage
from webapp.prices import Price
from webapp.store import ledger, percentiles, reports, speeds, usage
from webapp.store.database import Store
from webapp.store.reports import SIDES, Filter, Line, Side
from webapp.store.tables import MessageRow
from webapp.store.text import clip

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
MARCH = Filter(date(2026, 3, 1), date(2026, 3, 31))
OURS = (Price('own-*', Decimal('1.5'), Decimal(6), 'EUR'),)
PLAIN_SQL = """
SELECT {keys} currency, count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0),
  coalesce(sum(total_tokens), 0), coalesce(sum(total_nano / 1000000000), 0), coalesce(sum(total_nano % 1000000000), 0),
  sum(CASE WHEN pricing = 'unpriced' THEN 1 ELSE 0 END), sum(CASE WHEN pricing = 'unknown' THEN 1 ELSE 0 END),
  sum(CASE WHEN pricing = 'estimated' THEN 1 ELSE 0 END)
FROM usage WHERE day BETWEEN '2026-03-01' AND '2026-03-31' {where} GROUP BY {keys} currency ORDER BY {keys} currency
"""


def answer(chance: random.Random) -> Reply:
    """As different as they come."""
    model = chance.choice(['', 'gpt-4o', 'own-7b', 'claude'])
    steps = (StepPart('s', 'llm', 'LLM', model=model),) if model else ()
    tokens = chance.randrange(1, 10_000), chance.randrange(1, 10_000)
    price = Decimal(chance.randrange(1, 10**10)).scaleb(-9)
    reported = chance.choice(
        [
            None,
            Usage(*tokens, sum(tokens)),
            Usage(*tokens, sum(tokens), price / 2, price / 2, price, chance.choice(['USD', 'CNY'])),
        ]
    )
    return Reply(
        chance.choice([Status.COMPLETE, Status.STOPPED, Status.FAILED, Status.INTERRUPTED]), steps, usage=reported
    )


def month(session: Session, *, answers: int, people: int) -> None:
    """Answers of a month and a day; of some, more becomes known later."""
    chance = random.Random(7)
    known = []
    for number in range(answers):
        person = chance.randrange(people)
        message = MessageRow(
            id=f'{number}', user_id=f'{person:032x}', conversation_id='c', cost_group=['', 'sales', 'büro'][person % 3]
        )
        now = BEGIN + timedelta(days=chance.randrange(32), seconds=chance.randrange(86_400))
        times = {
            'latency_ms': chance.choice([None, chance.randrange(90_000)]),
            'first_token_ms': chance.randrange(9_000),
        }
        app = chance.choice(['support', 'hr'])
        usage.record(session, message=message, app=app, reply=answer(chance), now=now, prices=OURS, **times)
        known.append(message.id)
    for message_id in chance.sample(known, answers // 4):
        late = answer(chance)
        usage.amend(session, message_id=message_id, reply=late, outcome=chance.choice([None, late.status]), prices=OURS)


def plain(session: Session, by: tuple[Side, ...], where: str = '') -> list[Line]:
    """The same from the ledger itself."""
    keys = ''.join(f'{reports.COLUMNS[side]}, ' for side in by)
    found = []
    for row in session.connection().execute(text(PLAIN_SQL.format(keys=keys, where=where))):
        currency, *numbers = row[len(by) :]
        answers, prompt, completion, total, units, nano, unpriced, unknown, estimated = map(int, numbers)
        price = Decimal(units) + Decimal(nano).scaleb(-9)
        total_ = usage.Total(currency, answers, prompt, completion, total, price, unpriced, unknown, estimated)
        found.append(Line(tuple(map(str, row[: len(by)])), total_))
    return found


async def test_every_view_agrees_with_plain_sql_to_the_last_digit(store: Store) -> None:
    await store.write(month, answers=700, people=20)
    for width in range(3):
        for by in itertools.permutations(SIDES, width):
            assert await store.read(reports.summed, wanted=MARCH, by=by) == await store.read(plain, by)
    everything = await store.read(reports.summed, wanted=MARCH, by=SIDES)
    assert everything == await store.read(plain, SIDES)
    assert {line.total.currency for line in everything} == {'', 'USD', 'CNY', 'EUR'}


PARTS = (
    ({'user': f'{3:032x}'}, f"AND user_id = '{3:032x}'"),
    ({'group': ''}, "AND cost_group = ''"),
    ({'group': 'büro', 'app': 'hr'}, "AND cost_group = 'büro' AND app = 'hr'"),
    ({'model': 'gpt-4o', 'outcome': 'failed'}, "AND model = 'gpt-4o' AND outcome = 'failed'"),
)


async def test_a_part_of_it_too_down_to_the_answers(store: Store) -> None:
    await store.write(month, answers=400, people=6)
    for sides, where in PARTS:
        await _agrees(store, sides, where)


async def _agrees(store: Store, sides: dict[str, str], where: str) -> None:
    wanted = Filter(MARCH.since, MARCH.until, **sides)
    sums = await store.read(reports.summed, wanted=wanted)
    assert sums == await store.read(plain, (), where)
    entries = await store.read(ledger.entries, wanted=wanted, limit=1000)
    assert len(entries) == sum(line.total.answers for line in sums)
    spent: Counter[str] = Counter()
    for entry in entries:
        spent[entry.currency] += entry.price or 0  # type: ignore[assignment]  # decimals add up as well
    assert spent == {line.total.currency: line.total.price for line in sums}
    assert entries == sorted(entries, key=lambda entry: entry.place, reverse=True)
    rest = await store.read(ledger.entries, wanted=wanted, before=entries[9].place, limit=1000)
    assert rest == entries[10:]


async def test_percentiles_are_near_the_truth_for_all_and_for_one(store: Store) -> None:
    await store.write(month, answers=700, people=5)
    for wanted in (MARCH, Filter(MARCH.since, MARCH.until, user=f'{1:032x}')):
        entries = await store.read(ledger.entries, wanted=wanted, limit=1000)
        if wanted is MARCH:
            entries += await store.read(ledger.entries, wanted=wanted, before=entries[-1].place, limit=1000)
        found = (await store.read(percentiles.speed, wanted=wanted))['latency'][()]
        times = sorted(entry.latency_ms for entry in entries if entry.latency_ms is not None)
        for told, share in ((found.half, 0.5), (found.most, 0.95)):
            assert told == pytest.approx(times[int(len(times) * share)], rel=0.12)


@pytest.mark.parametrize('milliseconds', [0, 1, 9, 10, 11, 999, 60_000, 10**9])
def test_every_time_has_a_span(milliseconds: int) -> None:
    told = speeds.percentile({speeds.bucket(milliseconds): 3}, 0.95)
    assert told is not None
    if 10 <= milliseconds <= 10**6:
        assert told == pytest.approx(milliseconds, rel=0.1)


def test_a_share_is_counted_in_answers() -> None:
    counts = {speeds.bucket(100): 95, speeds.bucket(5_000): 5}
    assert speeds.percentile(counts, 0.5) == speeds.percentile(counts, 0.95) == pytest.approx(100, rel=0.1)
    assert speeds.percentile(counts, 0.96) == pytest.approx(5_000, rel=0.1)
    assert speeds.percentile({}, 0.5) is None


async def test_nothing_is_counted_twice(store: Store) -> None:
    """The same report may come by the stream, by a repair, and once more."""
    reply = Reply(Status.COMPLETE, usage=Usage(1, 2, 3, total_price=Decimal('0.5'), currency='USD'))

    def twice(session: Session) -> None:
        message = MessageRow(id='m', user_id='ann', conversation_id='c', cost_group='')
        usage.record(session, message=message, app='support', reply=Reply(Status.INTERRUPTED), now=BEGIN)
        for _ in range(3):
            usage.amend(session, message_id='m', reply=reply, outcome=reply.status)

    await store.write(twice)
    [line] = await store.read(reports.summed, wanted=MARCH, by=('outcome',))
    assert (line.keys, line.total) == (('complete',), usage.Total('USD', 1, 1, 2, 3, Decimal('0.5'), 0, 0))


async def test_the_longest_names_find_room(store: Store) -> None:
    """An index of PostgreSQL takes so many bytes; an answer whose row does not fit would never end."""
    chance = random.Random(3)
    names = [''.join(chr(chance.randrange(0x20000, 0x2A000)) for _ in range(100)) for _ in range(5)]
    steps = tuple(StepPart(f'{number}', 'llm', 'LLM', model=name) for number, name in enumerate(names))

    def once(session: Session) -> None:
        message = MessageRow(id='m', user_id='f' * 32, conversation_id='c', cost_group=clip(names[0], 400))
        times = {'latency_ms': 1, 'first_token_ms': 1}
        reply = Reply(
            Status.INTERRUPTED, steps, usage=Usage(1, 2, 3, total_price=Decimal(1), currency='\U00020000' * 99)
        )
        usage.record(session, message=message, app='a' * 64, reply=reply, now=BEGIN, **times)

    await store.write(once)
    [line] = await store.read(reports.summed, wanted=MARCH, by=('model',))
    assert line.keys[0].startswith(names[0][:70])


@pytest.mark.parametrize(
    ('tokens', 'models', 'price'),
    [
        ((1_000_000, 2_000_000, 3_000_000), ('own-7b',), Decimal('13.5')),
        ((10, 0, 10), ('own-7b', 'own-13b'), Decimal('0.000015')),
        ((10, 10, 20), ('own-7b', 'other'), None),
        ((10, 10, 20), (), None),
        ((0, 0, 7), ('own-7b',), None),
        ((None, None, 7), ('own-7b',), None),
        ((usage.MAX_TOKENS + 1, 1, 7), ('own-7b',), None),
        ((usage.MAX_TOKENS, usage.MAX_TOKENS, 7), ('own-7b',), Decimal(7_500_000)),
    ],
)
async def test_a_price_of_ours_needs_tokens_and_a_row_that_fits_all_models(
    store: Store, tokens: tuple[int | None, int | None, int], models: tuple[str, ...], price: Decimal | None
) -> None:
    steps = tuple(StepPart(model, 'llm', 'LLM', model=model) for model in models)

    def once(session: Session) -> None:
        message = MessageRow(id='m', user_id='ann', conversation_id='c', cost_group='')
        reply = Reply(Status.COMPLETE, steps, usage=Usage(*tokens))
        usage.record(session, message=message, app='hr', reply=reply, now=BEGIN, prices=OURS)

    await store.write(once)
    [entry] = await store.read(ledger.entries, wanted=MARCH)
    assert (entry.pricing, entry.price) == (('unpriced', None) if price is None else ('estimated', price))


async def test_how_an_answer_ended_changes_by_a_repair_alone(store: Store) -> None:
    def ends(session: Session) -> None:
        message = MessageRow(id='m', user_id='ann', conversation_id='c', cost_group='')
        usage.record(session, message=message, app='hr', reply=Reply(Status.INTERRUPTED), now=BEGIN)
        usage.amend(session, message_id='m', reply=Reply(Status.COMPLETE), outcome=Status.COMPLETE)
        usage.amend(session, message_id='m', reply=Reply(Status.INTERRUPTED))

    await store.write(ends)
    [line] = await store.read(reports.summed, wanted=MARCH, by=('outcome',))
    assert line.keys == ('complete',)
    assert (await store.read(reports.values, since=MARCH.since, until=MARCH.until))['outcome'] == ['complete']
