"""Removes the bytes of deleted files, beside everything else that is being written."""

import logging

from webapp.errors import StoreUnavailable
from webapp.latest import Latest
from webapp.store import files
from webapp.store.database import Store

logger = logging.getLogger(__name__)

IDLE_SECONDS = 600.0  # looks for what another replica left, or the database did not give


class Sweeper:
    """The one worker. Between two of its writes everybody else has a turn."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._woken = Latest(0)

    def wake(self) -> None:
        self._woken.set(self._woken.value + 1)

    async def run(self) -> None:
        """Work until cancelled. What an earlier process has left is removed first."""
        while True:
            seen = self._woken.value
            try:
                while await self._store.write(files.remove_some):
                    pass
            except StoreUnavailable as error:
                logger.warning('deleted files stay for now: %s', error)
            await self._woken.after(seen, within=IDLE_SECONDS)
