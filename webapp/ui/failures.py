"""Expected failures in the words of a person who meets one."""

from webapp.errors import AppError, BudgetUsedUp, LimitReached
from webapp.ui import i18n, spans

MB = 1_000_000


def words(error: AppError) -> str:
    """Return what happened, and what to do next; for a limit also when to go on."""
    if isinstance(error, BudgetUsedUp):
        return i18n.error(error.code, period=i18n.t('budget.period_' + error.period), wait=spans.rough(error.resets))
    if not isinstance(error, LimitReached):
        return i18n.error(error.code)
    return i18n.error(
        error.code,
        most=error.most,
        megabytes=f'{error.most / MB:g}',
        within=spans.unit(error.within),
        wait=spans.rough(error.wait),
    )
