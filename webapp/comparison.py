"""Compares the ledger with Dify's history, in the background: see `store.comparison` for what comes of it."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence

from webapp.apps import Apps
from webapp.chat.message import Usage
from webapp.clock import now
from webapp.errors import NotFound, StoreUnavailable, UpstreamError
from webapp.latest import Latest
from webapp.prices import Price
from webapp.store import comparison
from webapp.store.comparison import LookUp
from webapp.store.database import Store
from webapp.store.reports import Filter

logger = logging.getLogger(__name__)

IDLE_SECONDS = 60.0  # looks for what another replica left, or the database did not give
PAGE = 100  # messages
MOST_PAGES = 20  # of one conversation
AT_ONCE = 2  # conversations: Dify has better things to do


class Comparison:
    """Takes wishes; `run` is the one worker that asks Dify."""

    def __init__(self, store: Store, apps: Apps) -> None:
        self._store = store
        self._apps = apps
        self._wished = Latest(0)

    async def ask(self, wanted: Filter) -> int:
        """Have the newest answers that fit compared; how many they are. :raises StoreUnavailable: nothing was noted"""
        found = await self._store.write(comparison.ask, wanted=wanted, now=now())
        self._wished.set(self._wished.value + 1)
        return found

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            seen, pause = self._wished.value, IDLE_SECONDS
            try:
                await self._work()
                if due := await self._store.read(comparison.next_due):
                    pause = min(IDLE_SECONDS, max(0.0, (due - now()).total_seconds()))
            except StoreUnavailable as error:
                logger.warning('comparing with history has to wait: %s', error)
            await self._wished.after(seen, within=pause)

    async def _work(self) -> None:
        while jobs := await self._store.write(comparison.claim_due, now=now(), conversations=AT_ONCE):
            conversations: defaultdict[tuple[str, str, str], list[LookUp]] = defaultdict(list)
            for job in jobs:
                conversations[job.app, job.dify_user, job.upstream_conversation].append(job)
            await asyncio.gather(*(self._look_up(each) for each in conversations.values()))

    async def _look_up(self, jobs: list[LookUp]) -> None:
        """Those of one conversation."""
        told: dict[str, Usage | None] = {}
        again = False
        prices: Sequence[Price] = ()
        try:
            prices = self._apps.get(jobs[0].app).prices
            told = await self._told(jobs)
        except UpstreamError as error:
            logger.info('history of an answer can not be asked: %s', error)
            again = error.status not in {400, 403, 404}
        except NotFound:  # the app is gone from the settings
            pass
        for job in jobs:
            await self._store.write(
                comparison.settle, job=job, told=told.get(job.upstream_id), now=now(), prices=prices, again=again
            )

    async def _told(self, jobs: list[LookUp]) -> dict[str, Usage | None]:
        """What each message cost, as far as history tells; by Dify's id."""
        client, first = self._apps.get(jobs[0].app).client, ''
        missing = {job.upstream_id for job in jobs}
        told: dict[str, Usage | None] = {}
        for _ in range(MOST_PAGES):
            page = await client.history(
                jobs[0].upstream_conversation, user=jobs[0].dify_user, first_id=first, limit=PAGE
            )
            told |= {message.id: message.reply.usage for message in page.items}
            missing -= told.keys()
            before, first = first, page.items[0].id if page.items else ''
            if not missing or not page.has_more or first in {'', before}:  # the last one: a server may go in circles
                break
        return told
