"""Budgets that admins have set, beside those of the settings. They are read for each answer: a change holds at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import ColumnElement, select as sa_select
from sqlmodel import Session, col, delete, func, or_, select

from webapp.errors import NotFound, Refused
from webapp.store import audit, locks, users
from webapp.store.audit import Action, Party
from webapp.store.budgets import WARN_SHARE, Budget, Period, Scope, Spender, Standing, standing
from webapp.store.labels import Called, called
from webapp.store.rollups import UNIT
from webapp.store.tables import BudgetRow, UsageDayRow, UsageTotalRow, UserRow, changed
from webapp.store.usage import from_nano

MAX_BUDGETS = 2000  # as many as a page can show


@dataclass(frozen=True, slots=True)
class Posted:
    """A budget, and how it stands.

    :ivar stands: None for one that each person has; of those `near` are at 80 % and more, and `over` at the end
    :ivar is_set: by an admin, and not by the settings
    :ivar is_instead: of one of the settings
    """

    budget: Budget
    stands: Standing | None
    near: int
    over: int
    is_set: bool
    is_instead: bool


@dataclass(frozen=True, slots=True)
class Board:
    posted: list[Posted]  # in the order of their keys
    called: dict[str, Called]  # those who have one of their own
    currencies: list[str]  # that anything has cost
    groups: list[str]


def every(session: Session, *, configured: Sequence[Budget]) -> list[Budget]:
    """All there are. One that an admin has set goes before one of the settings of the same `key`."""
    return _merged(configured, session.exec(select(BudgetRow)))


def paid_by(session: Session, *, configured: Sequence[Budget], spender: Spender) -> list[Budget]:
    """Those that an answer is paid from, in the order of their keys.

    A person's own goes before what each person has, for the same period and currency.
    """
    own = or_(BudgetRow.scope != Scope.USER, col(BudgetRow.target).in_(('', spender.user_id)))
    theirs = [
        budget for budget in _merged(configured, session.exec(select(BudgetRow).where(own))) if spender.pays(budget)
    ]
    special = {(budget.period, budget.currency) for budget in theirs if budget.scope is Scope.USER and budget.target}
    general = [each for each in theirs if each.scope is Scope.USER and not each.target]
    beaten = {each.key for each in general if (each.period, each.currency) in special}
    return sorted((budget for budget in theirs if budget.key not in beaten), key=lambda budget: budget.key)


def save(session: Session, *, budget: Budget, actor: Party, now: datetime, address: str = '') -> None:
    """Set a budget, in the place of one with the same `key`.

    :raises NotFound: it is for a person who is not there
    :raises Refused: `too_many_budgets`
    """
    locks.hold(session, 'budget table')
    row = session.get(BudgetRow, budget.key)
    if row is None:
        if session.exec(select(func.count()).select_from(BudgetRow)).one() >= MAX_BUDGETS:
            raise Refused('too_many_budgets')
        scope, target, period, currency = budget.key
        row = BudgetRow(scope=scope, target=target, period=period, currency=currency, maximum='')
    before, row.maximum = row.maximum, str(budget.limit)
    if before == row.maximum:
        return
    session.add(row)
    detail = _detail(budget) | ({'before': before} if before else {})
    target_party = _party(session, budget)
    audit.record(session, Action.BUDGET_SET, now=now, actor=actor, target=target_party, address=address, detail=detail)


def remove(session: Session, *, key: Sequence[str], actor: Party, now: datetime, address: str = '') -> None:
    """Take back what an admin has set; what the settings say holds again.

    :raises NotFound: there is none
    """
    locks.hold(session, 'budget table')
    row = session.get(BudgetRow, tuple(key))
    if row is None:
        raise NotFound
    budget = _value(row)
    session.delete(row)
    party = _party(session, budget) if session.get(UserRow, budget.target) else Party()
    detail = _detail(budget)
    audit.record(session, Action.BUDGET_REMOVED, now=now, actor=actor, target=party, address=address, detail=detail)


def forget(session: Session, *, user_id: str) -> None:
    """For functions of the store: what is for one person alone goes with them."""
    locks.hold(session, 'budget table')
    changed(session, delete(BudgetRow).where(*of_person(user_id)))


def of_person(user_id: str) -> tuple[ColumnElement[bool], ...]:
    """For functions of the store: which rows are for one person alone."""
    return col(BudgetRow.scope) == Scope.USER, col(BudgetRow.target) == user_id


def board(session: Session, *, configured: Sequence[Budget], now: datetime) -> Board:
    """All budgets and how they stand."""
    shown: list[Posted] = []
    was_set = {_value(row).key for row in session.exec(select(BudgetRow))}
    budgets = sorted(every(session, configured=configured), key=lambda budget: budget.key)
    of_settings = {budget.key for budget in configured}
    for budget in budgets:
        is_each = budget.scope is Scope.USER and not budget.target
        spender = Spender(budget.target, '', '')
        shares = _shares(session, budget, budgets, now) if is_each else []
        shown.append(
            Posted(
                budget,
                stands=None if is_each else standing(session, budget=budget, spender=spender, now=now),
                near=sum(WARN_SHARE <= share < 1 for share in shares),
                over=sum(share >= 1 for share in shares),
                is_set=budget.key in was_set,
                is_instead=budget.key in was_set & of_settings,
            )
        )
    ids = {budget.target for budget in budgets if budget.scope is Scope.USER and budget.target}
    return Board(
        shown,
        called(session, ids=ids),
        _distinct(session, UsageTotalRow.currency),
        _distinct(session, UsageTotalRow.cost_group),
    )


def _shares(session: Session, budget: Budget, budgets: Sequence[Budget], now: datetime) -> list[float]:
    """How much of a budget that each person has is used, by all who have no other."""
    amounts = (func.sum(UsageDayRow.total_units), func.sum(UsageDayRow.total_nano), func.sum(UsageDayRow.total_tokens))
    are_there = col(UsageDayRow.user_id).in_(select(UserRow.id))
    spent = sa_select(col(UsageDayRow.user_id), *amounts).where(col(UsageDayRow.day) >= budget.begins(now), are_there)
    if budget.currency:
        spent = spent.where(budget.is_paid_in(UsageDayRow.currency))
    others = {each.target for each in budgets if each.key == (Scope.USER, each.target, budget.period, budget.currency)}
    return [
        float((from_nano(int(units) * UNIT + int(nano)) if budget.currency else Decimal(int(tokens))) / budget.limit)
        for user_id, units, nano, tokens in session.connection().execute(spent.group_by(col(UsageDayRow.user_id)))
        if user_id not in others
    ]


def _distinct(session: Session, column: Any) -> list[str]:
    return sorted(name for name in session.exec(select(column).distinct()) if name)


def _merged(configured: Sequence[Budget], rows: Iterable[BudgetRow]) -> list[Budget]:
    return list(({each.key: each for each in configured} | {each.key: each for each in map(_value, rows)}).values())


def _value(row: BudgetRow) -> Budget:
    limit = Decimal(row.maximum)
    amount, tokens = (limit, None) if row.currency else (None, int(limit))
    return Budget(Scope(row.scope), row.target, cast(Period, row.period), amount, row.currency, tokens)


def _party(session: Session, budget: Budget) -> Party:
    """:raises NotFound: nobody is called like that"""
    if budget.scope is not Scope.USER or not budget.target:
        return Party()
    if session.get(UserRow, budget.target) is None:
        raise NotFound
    return users.named(session, budget.target)


def _detail(budget: Budget) -> dict[str, object]:
    whose = budget.scope if budget.scope is Scope.USER or not budget.target else f'{budget.scope}:{budget.target}'
    unit = budget.currency or 'tokens'
    return {'budget': whose, 'period': budget.period, 'limit': f'{budget.limit} {unit}'}
