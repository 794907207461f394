"""Amounts and counts as a person reads them."""

from decimal import ROUND_HALF_UP, Decimal

PLACES = Decimal('0.0000001')  # Dify reports seven
SIGNS = {'USD': '$', 'EUR': '€', 'GBP': '£', 'JPY': '¥', 'CNY': 'CN¥', 'RMB': 'CN¥', 'INR': '₹', 'KRW': '₩'}


def money(amount: Decimal, currency: str) -> str:
    """Return such as `$0.0021`: at least two places, at most seven, and no noise of zeros.

    :param currency: a code such as `USD`; one without a sign that everybody knows is written out
    """
    sign = SIGNS.get(currency.upper(), f'{currency.upper()}\N{NO-BREAK SPACE}')
    if 0 < amount < PLACES:
        return f'<{sign}{PLACES:f}'
    rounded = amount.quantize(PLACES, ROUND_HALF_UP)
    whole, _, places = f'{rounded:,f}'.partition('.')
    return f'{sign}{whole}.{places.rstrip("0").ljust(2, "0")}'


def count(number: int) -> str:
    return f'{number:,}'
