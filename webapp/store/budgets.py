"""How much may be spent: by each person, a group, an app or everybody, in a day or a month.

An answer's cost is known when it has ended. So a question reserves what an answer of its app has cost at most lately,
and that counts as spent until the answer's own row is in the ledger: many questions at once can't go past a budget by
more than they have reserved. Days and months are in UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from webapp.errors import BudgetUsedUp
from webapp.store import locks
from webapp.store.rollups import UNIT
from webapp.store.tables import ReservationRow, UsageDayRow, UsageRow, UsageTotalRow
from webapp.store.usage import from_nano, to_nano

Period = Literal['day', 'month']

MAX_TOKENS = 10**15  # of a budget
RECENT = 50  # answers of an app, by the dearest of which a question reserves
WARN_SHARE = 0.8  # of a budget, from which on people are warned
ONE_CURRENCY = frozenset({'CNY', 'RMB'})  # some model providers write it this way, some that way
FIRST = 20  # an app without any: this part of the budget


class Scope(StrEnum):
    USER = 'user'  # each person by themselves
    GROUP = 'group'
    APP = 'app'
    ALL = 'all'


@dataclass(frozen=True, slots=True)
class Budget:
    """An amount of one currency, or tokens.

    :ivar target: name of the group or app, or id of a person; '' for each person by themselves, and for everybody
    """

    scope: Scope
    target: str
    period: Period
    amount: Decimal | None = None
    currency: str = ''
    tokens: int | None = None

    @property
    def key(self) -> tuple[str, ...]:
        return (self.scope, self.target, self.period, self.currency)

    @property
    def limit(self) -> Decimal:
        """The amount, or the tokens."""
        return self.amount if self.amount is not None else Decimal(self.tokens or 0)

    @property
    def spellings(self) -> frozenset[str]:
        """How its currency may be written in the ledger."""
        return ONE_CURRENCY if self.currency in ONE_CURRENCY else frozenset({self.currency})

    def is_paid_in(self, column: Any) -> ColumnElement[bool]:
        """The condition on a column of currencies."""
        return col(column).in_(sorted(self.spellings))

    def begins(self, now: datetime) -> date:
        """The first day of the period that `now` is in."""
        day = now.astimezone(UTC).date()
        return day if self.period == 'day' else day.replace(day=1)

    def resets(self, now: datetime) -> datetime:
        """When the next period begins."""
        first = self.begins(now)
        after = first + timedelta(days=1) if self.period == 'day' else (first + timedelta(days=32)).replace(day=1)
        return datetime.combine(after, time(), UTC)


@dataclass(frozen=True, slots=True)
class Spender:
    """Whose answers are meant."""

    user_id: str
    group: str
    app: str

    def pays(self, budget: Budget) -> bool:
        match budget.scope:
            case Scope.GROUP:
                return budget.target == self.group
            case Scope.APP:
                return budget.target == self.app
            case Scope.USER:
                return budget.target in ('', self.user_id)
        return True


@dataclass(frozen=True, slots=True)
class Standing:
    """How a budget stands. Amounts are in its currency, or tokens."""

    budget: Budget
    spent: Decimal
    reserved: Decimal  # by answers that are being written

    @property
    def used(self) -> Decimal:
        """What was reserved for answers that are being written included."""
        return self.spent + self.reserved

    @property
    def share(self) -> float:
        """Of the budget, what was reserved included; 1 is all of it."""
        return float(self.used / self.budget.limit)


def standing(session: Session, *, budget: Budget, spender: Spender, now: datetime) -> Standing:
    """What was spent of a budget in the period that `now` is in.

    What is reserved is read first: an answer that ends in between is then counted twice, and never not at all. It
    counts whenever it was reserved, since its cost falls on the day of its end.
    """
    sums = UsageDayRow if budget.scope is Scope.USER else UsageTotalRow
    held, spent = _of(ReservationRow, budget, spender), _of(sums, budget, spender)
    spent.append(sums.day >= budget.begins(now))
    if budget.amount is None:
        [waiting] = session.exec(select(func.sum(ReservationRow.tokens)).where(*held))
        [tokens] = session.exec(select(func.sum(sums.total_tokens)).where(*spent))
        return Standing(budget, Decimal(int(tokens or 0)), Decimal(int(waiting or 0)))
    nano = col(ReservationRow.nano)
    reserved = select(func.sum(nano // UNIT), func.sum(nano % UNIT)).where(budget.is_paid_in(ReservationRow.currency))
    paid = select(func.sum(sums.total_units), func.sum(sums.total_nano)).where(budget.is_paid_in(sums.currency))
    waits = _amount(session.exec(reserved.where(*held)).one())
    return Standing(budget, _amount(session.exec(paid.where(*spent)).one()), waits)


def reserve(session: Session, *, message_id: str, spender: Spender, budgets: Sequence[Budget], now: datetime) -> None:
    """Take what an answer may cost out of the budgets that it is paid from, until it has ended.

    :param budgets: in the order of their keys, so that nobody waits for somebody who waits for them
    :raises BudgetUsedUp: there is nothing left of one of them
    """
    if not budgets:
        return
    for budget in budgets:
        locks.hold(session, 'budget', *budget.key, spender.user_id if budget.scope is Scope.USER else '')
    for budget in budgets:
        stands = standing(session, budget=budget, spender=spender, now=now)
        if stands.used >= budget.limit:
            raise BudgetUsedUp(budget.scope, period=budget.period, resets=budget.resets(now) - now)
    for currency, expected in _expected(session, spender.app, budgets).items():
        session.add(
            ReservationRow(
                message_id=message_id,
                currency=currency,
                user_id=spender.user_id,
                cost_group=spender.group,
                app=spender.app,
                nano=expected if currency else 0,
                tokens=0 if currency else expected,
            )
        )


def _of(table: type[Any], budget: Budget, spender: Spender) -> list[bool]:
    match budget.scope:
        case Scope.USER:
            return [table.user_id == spender.user_id]
        case Scope.GROUP:
            return [table.cost_group == budget.target]
        case Scope.APP:
            return [table.app == budget.target]
    return []


def _amount(parts: tuple[int | None, int | None]) -> Decimal:
    """Of whole units and the rest of them."""
    units, nano = parts
    return from_nano(int(units or 0) * UNIT + int(nano or 0))


def _expected(session: Session, app: str, budgets: Sequence[Budget]) -> dict[str, int]:
    """What an answer of the app may come to, by currency; under '' its tokens.

    In which currency it will be paid nobody knows yet, so it is reserved in each that is limited.
    """
    of_app = select(UsageRow.total_nano, UsageRow.currency, UsageRow.total_tokens).where(UsageRow.app == app)
    lately = session.exec(of_app.order_by(col(UsageRow.created_at).desc()).limit(RECENT)).all()
    expected: dict[str, int] = {}
    for budget in budgets:
        if budget.amount is None:
            known, limit = [tokens for *_, tokens in lately if tokens], budget.tokens or 0
        else:
            known = [nano for nano, currency, _ in lately if nano and currency in budget.spellings]
            limit = to_nano(budget.amount) or 0
        part = max(1, limit // FIRST)
        expected[budget.currency] = max(known) if known else min(part, expected.get(budget.currency, part))
    return expected
