"""Tells upstream of conversations that have been deleted here, until it has heard of each; see `store.deletions`."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from webapp import clock
from webapp.apps import App, Apps
from webapp.background import supervised
from webapp.errors import AppError, StoreUnavailable, UpstreamError
from webapp.latest import Latest
from webapp.store import deletions
from webapp.store.database import Store
from webapp.store.deletions import DeletionJob

logger = logging.getLogger(__name__)

IDLE_SECONDS = 30.0  # looks for what is due again, and for what other processes have deleted
AT_ONCE = 4  # of one app


class Deletions:
    """The workers, one for each app: one that does not answer holds up nobody else's."""

    def __init__(self, store: Store, apps: Apps, *, now: Callable[[], datetime] = clock.now) -> None:
        self._store = store
        self._apps = apps
        self._now = now
        self._woken = Latest(0)

    def wake(self) -> None:
        """Something has been deleted."""
        self._woken.set(self._woken.value + 1)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as workers:
            for app in self._apps:
                workers.create_task(supervised(f'deletions of {app.slug}', partial(self._run, app)))

    async def _run(self, app: App) -> None:
        while True:
            seen = self._woken.value
            try:
                await self.work(app)
            except StoreUnavailable as error:
                logger.warning('what was deleted stays upstream for now: %s', error)
            await self._woken.after(seen, within=IDLE_SECONDS)

    async def work(self, app: App) -> None:
        """Tell an app all that is due now."""
        while jobs := await self._store.write(deletions.claim_due, app=app.slug, now=self._now(), limit=AT_ONCE):
            await asyncio.gather(*(self._tell(app, job) for job in jobs))

    async def _tell(self, app: App, job: DeletionJob) -> None:
        told = False
        try:
            await app.client.delete(job.upstream_id, user=job.dify_user)
            told = True
        except UpstreamError as error:
            logger.warning('a conversation was deleted here, but not upstream yet: %s', error)
        except Exception:  # a bug about one must not keep all others there
            logger.exception('a conversation was deleted here, but not upstream')
        try:
            await self._store.write(deletions.settle, job_id=job.id, told=told, now=self._now())
        except AppError as error:  # it is told once more when the claim has run out
            logger.warning('that upstream has deleted a conversation was not noted: %s', error)
