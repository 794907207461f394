"""Keeps our ratings in step with what Dify lists for each app: also those of its own console, and of other clients.

Now and then its newest are read, until there is nothing new among them; once a day, and at first, all of them. Whose
turn it is stands in the database, see `store.feedback_list`.
"""

import asyncio
import logging
from datetime import timedelta
from functools import partial

from webapp.apps import App, Apps
from webapp.background import supervised
from webapp.clock import now
from webapp.errors import StoreUnavailable, UpstreamError
from webapp.store import feedback_list
from webapp.store.database import Store
from webapp.store.feedback_list import INTERVAL, Turn
from webapp.store.retention import Kind, Rules

logger = logging.getLogger(__name__)

LOOK_SECONDS = 60.0  # whether it is time, by us or by another process
UNKNOWN = {400, 403, 404, 405}  # upstream has no such list
LONG = timedelta(days=1)
MAX_PAGES = 5000
EVER = Rules()


class FeedbackList:
    """The workers that read the lists, one for each app.

    :param rules: how long things are kept: what has been let go does not come back
    """

    def __init__(self, store: Store, apps: Apps, rules: Rules = EVER) -> None:
        self._store = store
        self._apps = apps
        self._rules = rules

    async def run(self) -> None:
        """Work until cancelled. Each app for itself: one that does not answer holds up no other."""
        async with asyncio.TaskGroup() as workers:
            for app in self._apps:
                workers.create_task(supervised(f'feedback of {app.slug}', partial(self._run, app)))

    async def refresh(self) -> None:
        """Read what is newest in all lists now, unless somebody has done so within seconds.

        :raises StoreUnavailable: nothing can be kept
        """
        await asyncio.gather(*(self.look(app, is_asked_for=True) for app in self._apps))

    async def look(self, app: App, *, is_asked_for: bool = False) -> None:
        """Read the list of an app, if it is our turn."""
        turn = await self._store.write(feedback_list.claim, app=app.slug, now=now(), is_asked_for=is_asked_for)
        if turn is None:
            return
        is_read, pause = False, INTERVAL
        try:
            is_read = await self._read(app, turn)
        except UpstreamError as error:
            if error.status in UNKNOWN:
                pause = LONG
                logger.debug('%s has no list of feedback: %s', app.slug, error)
            else:
                logger.info('the feedback of %s has to wait: %s', app.slug, error)
        finally:
            await self._store.write(feedback_list.settle, turn=turn, now=now(), is_read=is_read, pause=pause)

    async def _run(self, app: App) -> None:
        while True:
            try:
                if await self._store.read(feedback_list.is_due, app=app.slug, now=now()):
                    await self.look(app)
            except StoreUnavailable as error:
                logger.warning('the feedback of %s has to wait: %s', app.slug, error)
            await asyncio.sleep(LOOK_SECONDS)

    async def _read(self, app: App, turn: Turn) -> bool:
        """Whether the list was read as far as the turn wants it."""
        before = await self._store.read(feedback_list.others, app=app.slug) if turn.is_whole else set()
        seen: set[str] = set()
        for number in range(1, MAX_PAGES + 1):
            asked_at = now()
            page = await app.client.feedbacks(number)
            listed = {each.id: each for each in page.items if each.id not in seen}
            seen |= listed.keys()
            if not listed:
                break
            news = await self._store.write(
                feedback_list.take_over,
                app=app.slug,
                listed=list(listed.values()),
                asked_at=asked_at,
                now=now(),
                before=self._rules.before(now()).get(Kind.RATINGS),
            )
            if not news and not turn.is_whole:
                return True
        else:
            return False
        if page.has_more:  # the same ones again, or nothing that can be read: who knows what follows
            return False
        if turn.is_whole:
            known = {feedback_list.key(app.slug, id_) for id_ in seen}
            await self._store.write(feedback_list.drop, app=app.slug, ids=before - known)
        return True
