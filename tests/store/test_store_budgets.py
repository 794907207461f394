"""Nobody spends more than they may, however many ask at once."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from store_support import NOW, Ask

from webapp.chat.message import Reply, Status, Usage
from webapp.errors import BudgetUsedUp
from webapp.store import answers, budgets, conversations, turns
from webapp.store.allowance import Allowance
from webapp.store.budgets import Budget, Scope, Spender, Standing
from webapp.store.database import Store
from webapp.store.messages import Begun
from webapp.store.users import User

FIVE = Budget(Scope.USER, '', 'month', Decimal(5), 'USD')
keys = count(1)


def costing(price: str, currency: str = 'USD', tokens: int = 10) -> Reply:
    return Reply(Status.COMPLETE, usage=Usage(5, 5, tokens, total_price=Decimal(price), currency=currency))


def within(*which: Budget) -> Allowance:
    return Allowance(budgets=which)


async def end(store: Store, begun: Begun, reply: Reply, now: datetime = NOW) -> None:
    await store.write(answers.finish, message_id=begun.message.id, reply=reply, now=now, unread=False)


async def stands(store: Store, who: User, budget: Budget, now: datetime = NOW, **spender: str) -> Standing:
    given = Spender(who.id, **{'group': '', 'app': 'support'} | spender)
    return await store.read(budgets.standing, budget=budget, spender=given, now=now)


async def many(ask: Ask, who: User, number: int, **changes: Any) -> tuple[list[Begun], list[BudgetUsedUp]]:
    results: Sequence[object] = await asyncio.gather(
        *(ask(who, key=f'many-{next(keys)}', **changes) for _ in range(number)), return_exceptions=True
    )
    begun = [each for each in results if isinstance(each, Begun)]
    refused = [each for each in results if isinstance(each, BudgetUsedUp)]
    assert len(begun) + len(refused) == number, results
    return begun, refused


async def test_fifty_at_once_reserve_no_more_than_there_is(store: Store, ann: User, ask: Ask) -> None:
    await end(store, await ask(ann), costing('1.00'))
    begun, refused = await many(ask, ann, 50, allowance=within(FIVE))
    assert len(begun) == 4
    assert {each.code for each in refused} == {'budget_of_user'}
    assert (await stands(store, ann, FIVE)).reserved == 4
    for each in begun:
        await end(store, each, costing('0.25'))
    assert await stands(store, ann, FIVE) == Standing(FIVE, Decimal('2.00'), Decimal(0))
    more, _ = await many(ask, ann, 50, allowance=within(FIVE))
    assert len(more) == 3


async def test_each_person_has_their_own_and_all_together_one(store: Store, ann: User, bob: User, ask: Ask) -> None:
    everybody = Budget(Scope.ALL, '', 'month', Decimal(3), 'USD')
    await end(store, await ask(ann), costing('1.00'))
    (of_ann, _), (of_bob, refused) = await asyncio.gather(
        many(ask, ann, 10, allowance=within(FIVE, everybody)), many(ask, bob, 10, allowance=within(FIVE, everybody))
    )
    assert len(of_ann) + len(of_bob) == 2
    assert {each.code for each in refused} == {'budget_of_all'}
    assert (await stands(store, bob, FIVE)).spent == 0


@pytest.mark.parametrize(
    ('budget', 'spender', 'is_theirs'),
    [
        (Budget(Scope.GROUP, 'sales', 'day', Decimal(1), 'USD'), {'cost_group': 'sales'}, True),
        (Budget(Scope.GROUP, 'sales', 'day', Decimal(1), 'USD'), {'cost_group': 'hr'}, False),
        (Budget(Scope.APP, 'support', 'day', Decimal(1), 'USD'), {}, True),
        (Budget(Scope.APP, 'support', 'day', Decimal(1), 'USD'), {'app': 'other'}, False),
        (Budget(Scope.USER, '', 'day', Decimal(1), 'USD'), {}, True),
        (Budget(Scope.USER, '', 'day', Decimal(1), 'CNY'), {}, False),
        (Budget(Scope.USER, '', 'day', Decimal(1), 'RMB'), {}, False),
        (Budget(Scope.USER, '', 'day', tokens=10), {}, True),
        (Budget(Scope.USER, '', 'day', tokens=11), {}, False),
    ],
)
async def test_what_is_used_up_stops_whoever_pays_from_it(
    store: Store, ann: User, ask: Ask, budget: Budget, spender: dict[str, str], is_theirs: bool
) -> None:
    await end(store, await ask(ann, cost_group='sales'), costing('1.00'))
    begun, refused = await many(ask, ann, 1, allowance=within(budget), **spender)
    assert (len(begun), len(refused)) == ((0, 1) if is_theirs else (1, 0))


@pytest.mark.parametrize(('written', 'reported'), [('CNY', 'RMB'), ('RMB', 'CNY')])
async def test_one_currency_of_two_names_is_one(store: Store, ann: User, ask: Ask, written: str, reported: str) -> None:
    await end(store, await ask(ann), costing('1.00', reported))
    begun, refused = await many(ask, ann, 1, allowance=within(Budget(Scope.USER, '', 'day', Decimal(1), written)))
    assert (len(begun), len(refused)) == (0, 1)


async def test_the_smallest_budget_holds_too(store: Store, ann: User, ask: Ask) -> None:
    begun, _ = await many(ask, ann, 30, allowance=within(Budget(Scope.USER, '', 'day', tokens=19)))
    assert len(begun) == 19


async def test_nothing_of_a_refused_question_is_kept(store: Store, ann: User, ask: Ask) -> None:
    await end(store, await ask(ann), costing('5.00'))
    with pytest.raises(BudgetUsedUp) as refused:
        await ask(ann, 'one too many', allowance=within(FIVE))
    assert refused.value.resets == datetime(2026, 4, 1, tzinfo=UTC) - NOW
    assert len(await store.read(conversations.page, user_id=ann.id, app='support')) == 1


async def test_a_new_period_begins_with_nothing_spent(store: Store, ann: User, ask: Ask) -> None:
    await end(store, await ask(ann), costing('5.00'))
    april = datetime(2026, 4, 1, tzinfo=UTC)
    assert (await stands(store, ann, FIVE, april - timedelta(seconds=1))).share == 1
    assert (await stands(store, ann, FIVE, april)).share == 0
    begun, _ = await many(ask, ann, 1, allowance=within(FIVE), now=april)
    assert begun


@pytest.mark.parametrize('status', [Status.STOPPED, Status.FAILED, Status.INTERRUPTED])
async def test_what_was_reserved_is_free_however_it_ends(store: Store, ann: User, ask: Ask, status: Status) -> None:
    await end(store, await ask(ann), costing('1.00'))
    begun, _ = await many(ask, ann, 1, allowance=within(FIVE))
    await end(store, begun[0], Reply(status))
    assert await stands(store, ann, FIVE) == Standing(FIVE, Decimal(1), Decimal(0))


async def test_also_when_it_is_deleted_or_abandoned(store: Store, ann: User, ask: Ask) -> None:
    await end(store, await ask(ann), costing('1.00'))
    [deleted, abandoned], _ = await many(ask, ann, 2, allowance=within(FIVE))
    about = {'user_id': ann.id, 'conversation_id': deleted.conversation.id}
    await store.write(conversations.delete, now=NOW, **about)
    await store.write(answers.abandon, message_id=abandoned.message.id, now=NOW)
    assert await stands(store, ann, FIVE) == Standing(FIVE, Decimal(1), Decimal(0))


async def test_the_same_draft_reserves_once(store: Store, ann: User, ask: Ask) -> None:
    await end(store, await ask(ann), costing('1.00'))
    for _ in range(3):
        await ask(ann, key='same', allowance=within(FIVE))
    assert (await stands(store, ann, FIVE)).reserved == 1


async def test_an_app_without_a_past_reserves_a_part_of_the_budget(store: Store, ann: User, ask: Ask) -> None:
    begun, refused = await many(ask, ann, 50, allowance=within(FIVE))
    assert (len(begun), len(refused)) == (budgets.FIRST, 50 - budgets.FIRST)


async def test_asking_again_pays_again(store: Store, ann: User, ask: Ask) -> None:
    begun = await ask(ann)
    await end(store, begun, costing('5.00'))
    again = {'user_id': ann.id, 'message_id': begun.message.id, 'key': 'again', 'now': NOW}
    with pytest.raises(BudgetUsedUp):
        await store.write(turns.supersede, allowance=within(FIVE), **again)


async def test_what_is_being_written_at_midnight_counts_for_the_day_it_ends_on(
    store: Store, ann: User, ask: Ask
) -> None:
    daily = Budget(Scope.USER, '', 'day', Decimal(5), 'USD')
    await end(store, await ask(ann, now=NOW - timedelta(days=2)), costing('1.00'), NOW - timedelta(days=2))
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    before, _ = await many(ask, ann, 9, allowance=within(daily), now=midnight - timedelta(seconds=1))
    after, refused = await many(ask, ann, 9, allowance=within(daily), now=midnight + timedelta(seconds=1))
    assert (len(before), len(after), len(refused)) == (5, 0, 9)


async def test_each_currency_is_reserved_for_itself(store: Store, ann: User, ask: Ask) -> None:
    yen = Budget(Scope.USER, '', 'month', Decimal(500), 'JPY')
    await end(store, await ask(ann), costing('100', 'JPY'))
    await end(store, await ask(ann), costing('0.01'))
    begun, _ = await many(ask, ann, 50, allowance=within(FIVE, yen))
    assert len(begun) == 4
    assert (await stands(store, ann, yen)).reserved == 400


async def test_while_answers_end_others_begin_and_the_budget_holds(store: Store, ann: User, ask: Ask) -> None:
    """Each costs what was reserved for it, so not a cent goes past it."""
    await end(store, await ask(ann), costing('1.00'))
    eight = Budget(Scope.USER, '', 'month', Decimal(8), 'USD')

    async def go_on() -> None:
        for _ in range(4):
            begun, _ = await many(ask, ann, 1, allowance=within(eight))
            for each in begun:
                await end(store, each, costing('1.00'))

    await asyncio.gather(*(go_on() for _ in range(12)))
    assert await stands(store, ann, eight) == Standing(eight, Decimal(8), Decimal(0))
