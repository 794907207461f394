"""How somebody's budgets stand, in words."""

from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from webapp import clock
from webapp.store.budgets import Budget, Standing
from webapp.ui import i18n, numbers, spans


@dataclass(frozen=True, slots=True)
class Line:
    title: str
    used: Markup
    share: float  # of one, and no more
    resets: str


def line(stands: Standing) -> Line:
    """What was reserved for answers that are being written counts as used."""
    budget = stands.budget
    used = i18n.fill('budget.used', used=amount(budget, stands.used), limit=amount(budget, budget.limit))
    title = i18n.t('budget.of_' + stands.budget.period)
    return Line(title, used, min(1.0, stands.share), i18n.t('budget.resets', wait=wait(budget)))


def warning(stands: Standing) -> str:
    budget, share = stands.budget, f'{min(1.0, stands.share):.0%}'
    period = i18n.t('budget.period_' + budget.period)
    return i18n.t('budget.warning_' + budget.scope, share=share, period=period, wait=wait(budget))


def amount(budget: Budget, number: Decimal) -> Markup:
    if budget.currency:
        return numbers.total(number, budget.currency)
    return i18n.fill('budget.tokens', count=numbers.count(int(number)))


def wait(budget: Budget) -> str:
    """How long until it starts anew."""
    now = clock.now()
    return spans.rough(budget.resets(now) - now)
