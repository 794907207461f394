"""Notices for everybody, as the open pages of this process watch them, whichever process has written them."""

import asyncio
import logging
import time

from webapp.clock import now
from webapp.errors import StoreUnavailable
from webapp.latest import Latest
from webapp.store import notices
from webapp.store.database import Store
from webapp.store.notices import Notice

logger = logging.getLogger(__name__)

PACE = 2.0  # seconds; a notice is to be seen, or gone, within a few


class Notices:
    """Asks the database now and then, with one question for all pages; not at all while none is open."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.live: Latest[tuple[Notice, ...]] = Latest(())  # what open pages watch
        self._looked_at = float('-inf')

    async def current(self) -> tuple[Notice, ...]:
        """As they stand now, for a page that is being built: older than the pace they are only without a database."""
        if time.monotonic() - self._looked_at > PACE:
            await self.look()
        return self.live.value

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(PACE)
            if self.live.watchers:
                await self.look()

    async def look(self) -> None:
        """Look now. Without a database those go that have ended, and no new one comes."""
        moment = now()
        try:
            found = await self._store.read(notices.live, now=moment)
            self._looked_at = time.monotonic()
        except StoreUnavailable as error:
            logger.debug('notices stay as they are: %s', error)
            found = tuple(notice for notice in self.live.value if notice.ends_at > moment)
        if found != self.live.value:
            self.live.set(found)
