"""Open pages end with their sessions, on every process that shares the database."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping

from webapp.auth.sessions import Sessions
from webapp.errors import StoreUnavailable
from webapp.principal import Principal

logger = logging.getLogger(__name__)

PACE = 2.0  # seconds; a page is to be closed within five


class Watch:
    """Asks after the sessions of all open pages, with one question for all of them.

    :param opened: ids of the sessions that have pages open
    :param keep: given ids, and those of them that live with their people as they are now: closes the other pages
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        opened: Callable[[], Collection[str]],
        keep: Callable[[Collection[str], Mapping[str, Principal]], None],
    ) -> None:
        self._sessions = sessions
        self._opened = opened
        self._keep = keep

    async def run(self) -> None:
        """Look again and again. As long as the database can't be asked, pages stay."""
        is_blind = False
        while True:
            await asyncio.sleep(PACE)
            try:
                await self.look()
                is_blind = False
            except StoreUnavailable as error:
                if not is_blind:
                    logger.warning('open pages stay as they are for now: %s', error)
                is_blind = True

    async def look(self) -> None:
        """Close what is to be closed now."""
        if asked := frozenset(self._opened()):
            self._keep(asked, await self._sessions.standing(asked))
