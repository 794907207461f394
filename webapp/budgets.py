"""Who pays for an answer, and what is left for it."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from webapp import clock
from webapp.principal import Principal
from webapp.store import budget_table, budgets
from webapp.store.budget_table import Board
from webapp.store.budgets import Budget, Scope, Spender, Standing
from webapp.store.database import Store
from webapp.store.text import clip

MAX_GROUP = 400  # bytes: a name in the settings has at most a hundred characters


class Budgets:
    """
    :param configured: of the settings
    :param groups: those that answers are charged to, the first that somebody is in; empty: the first by the alphabet
    """

    def __init__(self, store: Store, configured: Sequence[Budget] = (), groups: Sequence[str] = ()) -> None:
        self.configured = tuple(configured)
        self._store = store
        self._groups = groups

    def group(self, principal: Principal) -> str:
        """The group that their answers are charged to, '' for none."""
        return clip(principal.cost_group(self._groups), MAX_GROUP)

    async def paying(self, principal: Principal, app: str) -> list[Standing]:
        """How the budgets stand that their answers of an app are paid from. :raises StoreUnavailable: as `personal`"""
        spender = Spender(principal.user_id, self.group(principal), app)
        return await self._store.read(_paying, configured=self.configured, spender=spender, now=clock.now())

    async def personal(self, principal: Principal) -> list[Standing]:
        """How the budgets stand that are somebody's own. :raises StoreUnavailable: it can't be asked"""
        return [each for each in await self.paying(principal, '') if each.budget.scope is Scope.USER]

    async def all(self) -> list[Budget]:
        """All budgets. :raises StoreUnavailable: they can't be asked"""
        return await self._store.read(budget_table.every, configured=self.configured)

    async def board(self) -> Board:
        """All budgets and how they stand. :raises StoreUnavailable: they can't be asked"""
        return await self._store.read(budget_table.board, configured=self.configured, now=clock.now())


def _paying(session: Session, *, configured: Sequence[Budget], spender: Spender, now: datetime) -> list[Standing]:
    paying = budget_table.paid_by(session, configured=configured, spender=spender)
    return [budgets.standing(session, budget=budget, spender=spender, now=now) for budget in paying]
