"""What admins set goes before the settings, holds from the next question on, and is in the log."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from store_support import NOW, Ask

from webapp.chat.message import Reply, Status, Usage
from webapp.errors import BudgetUsedUp, NotFound, Refused
from webapp.store import answers, audit, budget_table
from webapp.store.allowance import Allowance
from webapp.store.audit import Action, Party
from webapp.store.budget_table import Posted
from webapp.store.budgets import Budget, Scope
from webapp.store.database import Store
from webapp.store.users import User

EACH = Budget(Scope.USER, '', 'month', Decimal(5), 'USD')
EVE = Party('0' * 32, 'Eve')


async def save(store: Store, budget: Budget, **changes: Any) -> None:
    await store.write(budget_table.save, budget=budget, actor=EVE, now=NOW, **changes)


async def spend(store: Store, ask: Ask, who: User, price: str, *configured: Budget, **changes: Any) -> None:
    begun = await ask(who, key=f'{who.id}-{price}', allowance=Allowance(budgets=configured), **changes)
    reply = Reply(Status.COMPLETE, usage=Usage(5, 5, 10, total_price=Decimal(price), currency='USD'))
    await store.write(answers.finish, message_id=begun.message.id, reply=reply, now=NOW, unread=False)


async def board(store: Store, *configured: Budget) -> list[Posted]:
    return (await store.read(budget_table.board, configured=configured, now=NOW)).posted


async def test_a_budget_holds_from_the_next_question_on(store: Store, ann: User, ask: Ask) -> None:
    await spend(store, ask, ann, '1.00')
    await save(store, Budget(Scope.ALL, '', 'month', Decimal('0.99'), 'USD'))
    with pytest.raises(BudgetUsedUp) as refused:
        await ask(ann)
    assert refused.value.code == 'budget_of_all'


async def test_it_goes_before_that_of_the_settings_until_it_is_removed(store: Store, ann: User, ask: Ask) -> None:
    await spend(store, ask, ann, '4.00')
    more = Budget(Scope.USER, '', 'month', Decimal(3), 'USD')
    await save(store, more)
    with pytest.raises(BudgetUsedUp):
        await ask(ann, allowance=Allowance(budgets=(EACH,)))
    [posted] = await board(store, EACH)
    assert (posted.budget, posted.is_set, posted.is_instead, posted.over) == (more, True, True, 1)
    await store.write(budget_table.remove, key=more.key, actor=EVE, now=NOW)
    await ask(ann, allowance=Allowance(budgets=(EACH,)))
    [posted] = await board(store, EACH)
    assert (posted.budget, posted.is_set, posted.is_instead, posted.near) == (EACH, False, False, 1)


async def test_a_persons_own_goes_before_what_each_person_has(store: Store, ann: User, bob: User, ask: Ask) -> None:
    for who in (ann, bob):
        await spend(store, ask, who, '6.00')
    await save(store, Budget(Scope.USER, ann.id, 'month', Decimal(20), 'USD'))
    await ask(ann, allowance=Allowance(budgets=(EACH,)))
    with pytest.raises(BudgetUsedUp):
        await ask(bob, allowance=Allowance(budgets=(EACH,)))
    each, own = await board(store, EACH)
    assert (each.stands, each.over) == (None, 1)  # Bob; Ann has one of her own
    assert own.stands
    assert (own.stands.spent, own.budget.target) == (6, ann.id)


async def test_but_not_before_one_of_another_period_or_currency(store: Store, ann: User, ask: Ask) -> None:
    await spend(store, ask, ann, '6.00')
    await save(store, Budget(Scope.USER, ann.id, 'day', Decimal(20), 'USD'))
    await save(store, Budget(Scope.USER, ann.id, 'month', Decimal(20), 'EUR'))
    with pytest.raises(BudgetUsedUp):
        await ask(ann, allowance=Allowance(budgets=(EACH,)))


async def test_who_set_what_is_in_the_log(store: Store, ann: User) -> None:
    await save(store, Budget(Scope.USER, ann.id, 'month', Decimal('7.50'), 'USD'), address='10.0.0.1')
    await save(store, Budget(Scope.USER, ann.id, 'month', Decimal('7.50'), 'USD'))  # nothing changed
    await save(store, Budget(Scope.USER, ann.id, 'month', Decimal(9), 'USD'))
    await save(store, Budget(Scope.GROUP, 'sales', 'day', tokens=1000))
    await store.write(budget_table.remove, key=(Scope.GROUP, 'sales', 'day', ''), actor=EVE, now=NOW)
    entries: Sequence[audit.Entry] = await store.read(audit.page, wanted=audit.Filter(who=EVE.id))
    told = {(entry.action, entry.target.id, tuple(sorted(map(str, entry.detail.values())))) for entry in entries}
    assert told == {
        (Action.BUDGET_SET, ann.id, ('7.50 USD', 'month', 'user')),
        (Action.BUDGET_SET, ann.id, ('7.50', '9 USD', 'month', 'user')),
        (Action.BUDGET_SET, '', ('1000 tokens', 'day', 'group:sales')),
        (Action.BUDGET_REMOVED, '', ('1000 tokens', 'day', 'group:sales')),
    }


async def test_none_for_somebody_who_is_not_there(store: Store) -> None:
    with pytest.raises(NotFound):
        await save(store, Budget(Scope.USER, 'nobody', 'month', Decimal(1), 'USD'))
    with pytest.raises(NotFound):
        await store.write(budget_table.remove, key=EACH.key, actor=EVE, now=NOW)
    assert await board(store) == []


async def test_two_at_once_set_the_same(store: Store) -> None:
    await asyncio.gather(*(save(store, Budget(Scope.ALL, '', 'day', tokens=number)) for number in range(1, 11)))
    [posted] = await board(store)
    assert posted.budget.tokens in range(1, 11)


async def test_there_are_no_more_than_a_page_can_show(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget_table, 'MAX_BUDGETS', 2)
    for scope in (Scope.ALL, Scope.USER):
        await save(store, Budget(scope, '', 'day', tokens=1))
    with pytest.raises(Refused) as refused:
        await save(store, Budget(Scope.GROUP, 'sales', 'day', tokens=1))
    assert refused.value.code == 'too_many_budgets'
    await save(store, Budget(Scope.ALL, '', 'day', tokens=2))  # one that is there may still be changed
