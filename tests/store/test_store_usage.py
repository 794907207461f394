"""Money, to the last digit, on both databases."""

import random
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st
from sqlmodel import Session
from store_support import NOW

from webapp.chat.message import Reply, Status, Usage
from webapp.store import usage
from webapp.store.database import Store
from webapp.store.tables import MessageRow
from webapp.store.usage import Pricing


@given(st.decimals(0, usage.MAX_AMOUNT, places=9))
def test_nine_places_are_kept_exactly(amount: Decimal) -> None:
    nano = usage.to_nano(amount)
    assert nano is not None
    assert usage.from_nano(nano) == amount


@pytest.mark.parametrize(
    ('amount', 'nano'),
    [
        ('0.0000026', 2600),
        ('0E-7', 0),
        ('1E-7', 100),
        ('0.0000000005', 1),
        ('0.00000000049', 0),
        ('1000000000', 10**18),
    ],
)
def test_a_half_is_rounded_up(amount: str, nano: int) -> None:
    assert usage.to_nano(Decimal(amount)) == nano


@pytest.mark.parametrize('amount', ['NaN', 'sNaN', 'Infinity', '-0.1', '1000000000.1', '1E+999999'])
def test_what_is_no_price_is_not_kept(amount: str) -> None:
    assert usage.to_nano(Decimal(amount)) is None


@pytest.mark.parametrize(
    ('reported', 'pricing'),
    [
        (None, Pricing.UNKNOWN),
        (Usage(), Pricing.UNKNOWN),
        (Usage(total_price=Decimal(0), currency='USD'), Pricing.UNKNOWN),
        (Usage(5, 6, 11), Pricing.UNPRICED),
        (Usage(5, 6, 11, total_price=Decimal('0E-7'), currency='USD'), Pricing.UNPRICED),
        (Usage(5, 6, 11, total_price=Decimal('0.5'), currency='USD'), Pricing.PRICED),
        (Usage(total_price=Decimal('0.5'), currency='USD'), Pricing.PRICED),
        (Usage(5, 6, 11, total_price=Decimal('0.5')), Pricing.UNKNOWN),
        (Usage(5, 6, 11, total_price=Decimal('1e40'), currency='USD'), Pricing.UNKNOWN),
    ],
)
def test_no_price_is_not_a_price_of_zero(reported: Usage | None, pricing: Pricing) -> None:
    assert usage.pricing(reported) == pricing


def record(session: Session, replies: list[Reply]) -> None:
    for number, reply in enumerate(replies):
        message = MessageRow(id=str(number), user_id='ann', conversation_id='c', cost_group='')
        usage.record(session, message=message, app='support', reply=reply, now=NOW)


async def test_sums_of_thousands_agree_to_the_last_digit(store: Store) -> None:
    chance = random.Random(1)
    prices = [Decimal(chance.randrange(1, 10**12)).scaleb(-9) for _ in range(1500)]
    replies = [Reply(Status.COMPLETE, usage=Usage(1, 2, 3, total_price=p, currency='USD')) for p in prices]
    replies += [Reply(Status.COMPLETE, usage=Usage(1, 2, 3)), Reply(Status.FAILED)]
    await store.write(record, replies)
    unpriced, usd = await store.read(usage.of_conversation, user_id='ann', conversation_id='c')
    assert usd == usage.Total('USD', 1500, 1500, 3000, 4500, sum(prices, Decimal(0)), 0, 0)
    assert unpriced == usage.Total('', 2, 1, 2, 3, Decimal(0), 1, 1)


async def test_sums_may_exceed_64_bits(store: Store) -> None:
    reported = Usage(1, 2, usage.MAX_TOKENS, total_price=usage.MAX_AMOUNT, currency='vnd')
    await store.write(record, [Reply(Status.COMPLETE, usage=reported)] * 50)
    [total] = await store.read(usage.of_conversation, user_id='ann', conversation_id='c')
    assert (total.currency, total.price, total.total_tokens) == ('VND', 50 * usage.MAX_AMOUNT, 50 * usage.MAX_TOKENS)
