"""A budget as an admin writes it into a form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Self, get_args

from webapp.errors import Refused
from webapp.store.budgets import MAX_TOKENS, Budget, Period, Scope
from webapp.store.usage import from_nano, to_nano

TOKENS = 'tokens'
WORDS = (TOKENS, 'token')
PERSON = 'person'  # a budget of one person; `Scope.USER` is that of each person
SCOPES = (Scope.USER.value, PERSON, Scope.GROUP.value, Scope.APP.value, Scope.ALL.value)
PERIODS: tuple[Period, ...] = get_args(Period)
CURRENCY = re.compile('[A-Z]{2,16}')
MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class Form:
    """What stands in the fields.

    :ivar target: words that a person is known by, name of a group, or slug of an app
    :ivar unit: a currency, or `tokens`
    """

    scope: str = SCOPES[0]
    target: str = ''
    period: Period = 'month'
    limit: str = ''
    unit: str = ''

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        """:raises Refused: `budget_unreadable`: not from our form"""
        scope, period = given.get('scope', ''), next((each for each in PERIODS if each == given.get('period')), None)
        if scope not in SCOPES or period is None:
            raise Refused('budget_unreadable')
        named = scope in (PERSON, Scope.GROUP, Scope.APP)
        target = given.get(scope, '').strip()[:MAX_NAME] if named else ''
        if named and not target:
            raise Refused('budget_for_nobody')
        unit = given.get('unit', '').strip().casefold()
        return cls(scope, target, period, given.get('limit', '').strip(), TOKENS if unit in WORDS else unit.upper())

    @classmethod
    def showing(cls, budget: Budget) -> Self:
        """The form for a budget that is there already."""
        scope = PERSON if budget.scope is Scope.USER and budget.target else budget.scope.value
        return cls(scope, budget.target, budget.period, f'{budget.limit:f}', budget.currency or TOKENS)

    def budget(self, user_id: str = '') -> Budget:
        """
        :param user_id: of the person whom `target` means
        :raises Refused: `budget_unit`, `budget_limit`, `budget_tokens`: no currency, no amount, no number of tokens
        """
        scope = Scope.USER if self.scope == PERSON else Scope(self.scope)
        target = user_id if self.scope == PERSON else self.target
        if self.unit == TOKENS:
            return Budget(scope, target, self.period, tokens=self._tokens())
        if not CURRENCY.fullmatch(self.unit):
            raise Refused('budget_unit')
        return Budget(scope, target, self.period, self._amount(), self.unit)

    def _amount(self) -> Decimal:
        try:
            amount = Decimal(self.limit)
        except InvalidOperation:
            raise Refused('budget_limit') from None
        nano = to_nano(amount)
        if not nano or from_nano(nano) != amount:  # finer than the ledger, or none at all
            raise Refused('budget_limit')
        return amount

    def _tokens(self) -> int:
        if not re.fullmatch('[0-9]{1,16}', self.limit) or not 0 < int(self.limit) <= MAX_TOKENS:
            raise Refused('budget_tokens')
        return int(self.limit)
