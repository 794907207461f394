"""Rows that are over go now and then."""

import asyncio
import logging
from datetime import timedelta

from webapp import clock
from webapp.auth.sessions import Sessions
from webapp.errors import StoreUnavailable
from webapp.files import Files
from webapp.store import deletions, embeds, limits, logins, notices, pairings, people
from webapp.store.database import Store

logger = logging.getLogger(__name__)

OVER = (logins.purge, embeds.purge, pairings.purge, limits.purge, notices.purge, deletions.purge)
PURGE_SECONDS = 3600
GUESTS_STAY = timedelta(days=1)  # after they were last seen, if they have left nothing


async def purge(store: Store, sessions: Sessions, files: Files) -> None:
    """Again and again: sessions, logins and counts, unsent uploads, and guests who left nothing."""
    while True:
        try:
            await sessions.purge()
            for command in OVER:
                await store.write(command, now=clock.now())
            await files.purge()
            while await store.write(people.purge_guests, before=clock.now() - GUESTS_STAY):
                pass
        except StoreUnavailable as error:
            logger.warning('what is over stays for now: %s', error)
        await asyncio.sleep(PURGE_SECONDS)
