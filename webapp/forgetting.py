"""Forgets people: what is being written for them is stopped first, then everything of theirs goes, piece by piece."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from webapp import clock
from webapp.background import Tasks
from webapp.errors import StoreUnavailable
from webapp.latest import Latest
from webapp.store import forgetting
from webapp.store.audit import Party
from webapp.store.database import Store
from webapp.store.forgetting import IsAdmin

logger = logging.getLogger(__name__)

IDLE_SECONDS = 20.0  # looks for what another process has begun, and not come to the end of


class Forgetting:
    """:param is_admin: by the settings
    :param stop: stops what is being written for a person
    :param on_end: told the ids of sessions that end, so that open pages can be closed at once
    :param on_work: told when upstream is to hear of something
    """

    def __init__(
        self,
        store: Store,
        *,
        is_admin: IsAdmin,
        stop: Callable[[str], Awaitable[object]],
        on_end: Callable[[str], object],
        on_work: Callable[[], object],
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._store = store
        self._is_admin = is_admin
        self._stop = stop
        self._on_end = on_end
        self._on_work = on_work
        self._now = now
        self._woken = Latest(0)
        self._tasks = Tasks()

    async def forget(self, user_id: str, *, actor: Party, now: datetime, address: str = '') -> None:
        """Forget somebody. Once begun it comes to its end, whether or not anybody waits for it.

        :raises NotFound: no such person
        :raises Refused: `own_account`, `last_admin`
        """
        ended = await self._store.write(
            forgetting.begin, actor=actor, user_id=user_id, is_admin=self._is_admin, now=now, address=address
        )
        for session_id in ended:
            self._on_end(session_id)
        await asyncio.shield(self._tasks.start(self._finish(user_id)))

    async def run(self) -> None:
        """Go on with whoever is being forgotten, until cancelled."""
        while True:
            seen = self._woken.value
            try:
                for user_id in await self._store.read(forgetting.begun):
                    await self.finish(user_id)
            except StoreUnavailable as error:
                logger.warning('who is to be forgotten stays for now: %s', error)
            await self._woken.after(seen, within=IDLE_SECONDS)

    async def finish(self, user_id: str) -> None:
        """Do all that is left to do for one person. :raises StoreUnavailable: some of it has been done"""
        await self._stop(user_id)
        while await self._store.write(forgetting.step, user_id=user_id, now=self._now()):
            pass
        self._on_work()

    async def close(self) -> None:
        await self._tasks.close()

    async def _finish(self, user_id: str) -> None:
        try:
            await self.finish(user_id)
        except StoreUnavailable as error:
            logger.warning('somebody is not forgotten wholly yet: %s', error)
            self._woken.set(self._woken.value + 1)
