"""Refuses what is too much, for whoever does not write it down in a transaction of their own.

await throttle.person(Scope.SEARCHES, principal)
await throttle.address(Scope.LOGIN_STARTS, principal.address)
"""

from collections.abc import Callable, Collection
from datetime import datetime

from webapp import clock
from webapp.limits import Limits
from webapp.principal import Principal
from webapp.store import limits
from webapp.store.database import Store
from webapp.store.limits import Ration, Scope


class Throttle:
    def __init__(self, store: Store, limits: Limits, *, now: Callable[[], datetime] = clock.now) -> None:
        self._store = store
        self._limits = limits
        self._now = now

    async def person(self, scope: Scope, principal: Principal, amount: int = 1) -> Collection[str]:
        """Count what a person does.

        :return: what can be given back
        :raises LimitReached: it is too much
        """
        return await self._spend(self._limits.of_person(scope, principal), amount)

    async def address(self, scope: Scope, address: str) -> None:
        """Count what comes from an address. :raises LimitReached: it is too much"""
        await self._spend(self._limits.of_address(scope, address))

    async def entry(self, embed: str, address: str) -> None:
        """Count who comes into an embed with nobody to vouch for them. :raises LimitReached: it is too much"""
        await self._spend(self._limits.of_entry(embed, address))

    async def give_back(self, hits: Collection[str]) -> None:
        """It did not happen after all."""
        if hits:
            await self._store.write(limits.give_back, hits=hits)

    async def _spend(self, rations: tuple[Ration, ...], amount: int = 1) -> Collection[str]:
        if not any(limit.most for ration in rations for limit in ration.limits):
            return ()
        return await self._store.write(limits.spend, rations=rations, now=self._now(), amount=amount)
