"""How somebody's budgets stand, in words."""

from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from webapp import clock
from webapp.store.budgets import Standing
from webapp.ui import i18n, numbers, spans


@dataclass(frozen=True, slots=True)
class Line:
    title: str
    used: Markup
    share: float  # of one, and no more
    resets: str


def line(stands: Standing) -> Line:
    """What was reserved for answers that are being written counts as used."""
    used = i18n.fill(
        'budget.used', used=_amount(stands, stands.spent + stands.reserved), limit=_amount(stands, stands.limit)
    )
    title = i18n.t('budget.of_' + stands.budget.period)
    return Line(title, used, min(1.0, stands.share), i18n.t('budget.resets', wait=_wait(stands)))


def warning(stands: Standing) -> str:
    return i18n.t(
        'budget.warning',
        share=f'{min(1.0, stands.share):.0%}',
        period=i18n.t('budget.period_' + stands.budget.period),
        wait=_wait(stands),
    )


def _amount(stands: Standing, amount: Decimal) -> Markup:
    return numbers.total(amount, stands.budget.currency) if stands.budget.currency else numbers.count(int(amount))


def _wait(stands: Standing) -> str:
    now = clock.now()
    return spans.rough(stands.budget.resets(now) - now)
