"""Who pays for an answer, and what is left for it."""

from collections.abc import Sequence

from webapp import clock
from webapp.principal import Principal
from webapp.store import budgets as store_budgets
from webapp.store.budgets import Budget, Scope, Spender, Standing
from webapp.store.database import Store
from webapp.store.text import clip

MAX_GROUP = 400  # bytes: a name in the settings has at most a hundred characters


class Budgets:
    """
    :param budgets: of the settings
    :param groups: those that answers are charged to, the first that somebody is in; empty: the first by the alphabet
    """

    def __init__(self, store: Store, budgets: Sequence[Budget] = (), groups: Sequence[str] = ()) -> None:
        self.all = tuple(budgets)
        self._store = store
        self._groups = groups

    def group(self, principal: Principal) -> str:
        """The group that their answers are charged to, '' for none."""
        return clip(principal.cost_group(self._groups), MAX_GROUP)

    async def personal(self, principal: Principal) -> list[Standing]:
        """How the budgets stand that are somebody's own. :raises StoreUnavailable: it can't be asked"""
        spender = Spender(principal.user_id, self.group(principal), '')
        return [
            await self._store.read(store_budgets.standing, budget=budget, spender=spender, now=clock.now())
            for budget in self.all
            if budget.scope is Scope.USER
        ]
