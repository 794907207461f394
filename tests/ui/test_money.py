"""Prices in a line, where they are compared and not added up."""

from decimal import Decimal

import pytest

from webapp.ui.money import about


@pytest.mark.parametrize(
    ('amount', 'words'),
    [
        ('0.0025225', '$0.0025'),
        ('0.0105', '$0.011'),
        ('0.00001234', '$0.000012'),
        ('0.00000004', '<$0.0000001'),
        ('0.996', '$1.00'),
        ('0.5', '$0.50'),
        ('1234.5678', '$1,234.57'),
        ('0', '$0.00'),
    ],
)
def test_two_digits_are_enough_for_a_line(amount: str, words: str) -> None:
    assert about(Decimal(amount), 'USD') == words
