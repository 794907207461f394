"""Numbers as data, not yet written: `numbers.js` does that in the browser, which knows the reader's manner."""

from decimal import Decimal

from markupsafe import Markup

from webapp.ui import i18n

DATA = Markup('<data data-as="{}" value="{}"></data>')
TOTAL = Markup('<data data-as="total" value="{:f}" data-currency="{}"></data>')
PRICE = Markup('<data data-as="price" value="{:f}" data-currency="{}"></data>')


def count(number: int) -> Markup:
    return DATA.format('number', number)


def seconds(duration: float, places: int) -> Markup:
    return i18n.fill('thread.seconds', seconds=DATA.format('number', f'{duration:.{places}f}'))


def share(part: float) -> Markup:
    """Return such as 83 %.

    :param part: of one
    """
    return DATA.format('share', part)


def size(bytes_: int) -> Markup:
    return DATA.format('size', bytes_)


def duration(milliseconds: int) -> Markup:
    """Return such as 3.2s."""
    return DATA.format('seconds', f'{milliseconds / 1000:.{1 if milliseconds < 10_000 else 0}f}')


def total(amount: Decimal, currency: str) -> Markup:
    """A price as it is read in a sum: in cents where it is more than some; whoever points at it sees all of it."""
    return TOTAL.format(amount, currency)


def price(amount: Decimal, currency: str) -> Markup:
    """Exact, however it will be rounded.

    :param currency: a code such as `USD`; of any form, since it comes from outside
    """
    return PRICE.format(amount, currency)
