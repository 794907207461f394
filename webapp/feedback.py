"""Tells upstream what people think of answers, in the background.

What a person says is a row (`store.feedback`) before anybody else hears of it, so it outlives an upstream that is away
and a process that ends.
"""

import asyncio
import contextlib
import logging

from webapp.apps import Apps
from webapp.belongings import Belongings
from webapp.clock import now
from webapp.errors import NotFound, StoreUnavailable, UpstreamError
from webapp.latest import Latest
from webapp.principal import Principal
from webapp.store import feedback
from webapp.store.database import Store
from webapp.store.feedback import FeedbackJob, Rating

logger = logging.getLogger(__name__)

IDLE_SECONDS = 60.0  # looks for what another replica left, or the database did not give
HOPELESS = {400, 403, 404}  # upstream has no such message, or no feedback


class Feedback:
    """Takes ratings; `run` is the one worker that passes them on."""

    def __init__(self, store: Store, apps: Apps) -> None:
        self._store = store
        self._apps = apps
        self._belongings = Belongings(store, apps)
        self._rated = Latest(0)

    async def rate(self, principal: Principal, message_id: str, rating: Rating | None, comment: str = '') -> None:
        """Keep what a person thinks of an answer of theirs; the newest counts. `None` takes it back.

        :raises NotFound: no such message of theirs, or its app is closed to them
        :raises Refused: `not_rateable`: the answer is being written, or upstream never heard of it
        """
        await self._belongings.message(principal, message_id)
        await self._store.write(
            feedback.rate,
            user_id=principal.user_id,
            message_id=message_id,
            rating=rating,
            comment=comment,
            now=now(),
        )
        self._rated.set(self._rated.value + 1)

    async def run(self) -> None:
        """Work until cancelled. What was given up is tried again first."""
        with contextlib.suppress(StoreUnavailable):
            await self._store.write(feedback.revive, now=now())
        while True:
            seen, pause = self._rated.value, IDLE_SECONDS
            try:
                await self._work()
                pause = await self._pause()
            except StoreUnavailable as error:
                logger.warning('feedback has to wait: %s', error)
            await self._rated.after(seen, within=pause)

    async def _work(self) -> None:
        while jobs := await self._store.write(feedback.claim_due, now=now()):
            await asyncio.gather(*(self._tell(job) for job in jobs))

    async def _pause(self) -> float:
        """Seconds until the next one is due."""
        due = await self._store.read(feedback.next_due)
        return min(IDLE_SECONDS, max(0.0, (due - now()).total_seconds())) if due else IDLE_SECONDS

    async def _tell(self, job: FeedbackJob) -> None:
        told = hopeless = False
        try:
            client = self._apps.get(job.app).client
            await client.feedback(job.upstream_id, job.rating, user=job.dify_user, content=job.comment)
            told = True
        except UpstreamError as error:
            logger.info('feedback on message %s was not taken: %s', job.message_id, error)
            hopeless = error.status in HOPELESS
        except NotFound:  # the app is gone from the settings; it may come back with the next start
            hopeless = True
        except Exception:  # a bug about one rating must not hold up the others
            logger.exception('feedback on message %s was not told', job.message_id)
        await self._store.write(feedback.settle, job=job, told=told, hopeless=hopeless, now=now())
