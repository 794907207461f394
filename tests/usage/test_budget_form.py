"""What an admin writes into the form is a budget, or is refused with what is wrong with it."""

from decimal import Decimal

import pytest

from webapp.errors import Refused
from webapp.store.budgets import Budget, Scope
from webapp.ui.budget_form import Form

GOOD = {'scope': 'user', 'period': 'month', 'limit': '5', 'unit': 'USD'}


@pytest.mark.parametrize(
    ('given', 'budget'),
    [
        ({}, Budget(Scope.USER, '', 'month', Decimal(5), 'USD')),
        ({'limit': ' 7.50 ', 'unit': 'usd'}, Budget(Scope.USER, '', 'month', Decimal('7.50'), 'USD')),
        ({'limit': '1000', 'unit': 'tokens'}, Budget(Scope.USER, '', 'month', tokens=1000)),
        ({'limit': '1000', 'unit': 'Token'}, Budget(Scope.USER, '', 'month', tokens=1000)),  # as phones write it
        ({'scope': 'all', 'period': 'day', 'group': 'sales'}, Budget(Scope.ALL, '', 'day', Decimal(5), 'USD')),
        ({'scope': 'group', 'group': 'sales'}, Budget(Scope.GROUP, 'sales', 'month', Decimal(5), 'USD')),
        ({'scope': 'person', 'person': 'ann@example.com'}, Budget(Scope.USER, 'id of ann', 'month', Decimal(5), 'USD')),
    ],
)
def test_a_budget_and_back(given: dict[str, str], budget: Budget) -> None:
    found = Form.of(GOOD | given).budget('id of ann')
    assert found == budget
    shown = Form.showing(found)
    again = {'scope': shown.scope, 'period': shown.period, 'limit': shown.limit, 'unit': shown.unit}
    assert Form.of(again | {shown.scope: shown.target}).budget(shown.target) == budget


@pytest.mark.parametrize(
    ('given', 'code'),
    [
        *(
            ({'limit': limit}, 'budget_limit')
            for limit in ('', '0', '-1', 'NaN', 'Infinity', '5,00', '1e10', 'five', '1E-9999999', '0.0000000001')
        ),
        *(({'limit': limit, 'unit': 'tokens'}, 'budget_tokens') for limit in ('', '0', '1.5', '-1', '9' * 16, '٣')),
        *(({'unit': unit}, 'budget_unit') for unit in ('', '$', 'U', 'US DOLLARS', 'EURO€')),
        *(({'scope': scope, scope: ' '}, 'budget_for_nobody') for scope in ('person', 'group', 'app')),
        ({'scope': 'everything'}, 'budget_unreadable'),
        ({'period': 'year'}, 'budget_unreadable'),
    ],
)
def test_what_is_no_budget(given: dict[str, str], code: str) -> None:
    with pytest.raises(Refused) as refused:
        Form.of(GOOD | given).budget()
    assert refused.value.code == code
