"""Says so in time, on one open page, when a budget that its person's answers are paid from comes to its end."""

from webapp import clock
from webapp.budgets import Budgets
from webapp.principal import Principal
from webapp.store.budgets import WARN_SHARE
from webapp.ui import budget_lines
from webapp.ui.theme import Banner, Frame


class BudgetWarnings:
    def __init__(self, budgets: Budgets, frame: Frame, app: str) -> None:
        self._budgets = budgets
        self._frame = frame
        self._app = app
        self._told: set[tuple[object, ...]] = set()  # of which budget, in which period

    async def look(self, principal: Principal) -> None:
        for stands in await self._budgets.paying(principal, self._app):
            budget = stands.budget
            about = (*budget.key, budget.begins(clock.now()))
            if stands.share >= WARN_SHARE and about not in self._told:
                self._told.add(about)
                name = f'budget-{budget.scope}-{budget.period}'
                self._frame.show_banner(Banner(name, budget_lines.warning(stands), 'warning', closable=True))
