"""Names conversations in the background, once their first answer is there.

The states are rows (`store.titles`), so a title that was due when the process ended is made by the next one. What the
person named is never touched.
"""

import asyncio
import logging
from functools import partial

from webapp.apps import App, Apps
from webapp.background import supervised
from webapp.changes import Changes
from webapp.clock import now
from webapp.errors import AppError, NotFound
from webapp.generations import Generations
from webapp.store import titles
from webapp.store.database import Store
from webapp.store.titles import TitleJob
from webapp.upstream.client import DifyClient

logger = logging.getLogger(__name__)

IDLE_SECONDS = 20.0  # looks for titles that are due again after a failure
AT_ONCE = 4  # of one app


class Titles:
    """The workers that ask upstream for titles, one for each app."""

    def __init__(
        self, store: Store, apps: Apps, changes: Changes, generations: Generations, *, read_back: bool = False
    ) -> None:
        self._store = store
        self._apps = apps
        self._changes = changes
        self._generations = generations
        self._read_back = read_back

    async def run(self) -> None:
        """Work until cancelled. Each app for itself: one that does not answer holds up nobody else's titles."""
        async with asyncio.TaskGroup() as workers:
            for app in self._apps:
                workers.create_task(supervised(f'titles of {app.slug}', partial(self._run, app)))

    async def _run(self, app: App) -> None:
        """Look whenever an answer has ended, and now and then."""
        while True:
            ended = self._generations.ended.value
            try:
                await self._work(app)
            except AppError as error:
                logger.warning('titles have to wait: %s', error)
            await self._generations.ended.after(ended, within=IDLE_SECONDS)

    async def _work(self, app: App) -> None:
        while jobs := await self._store.write(titles.claim_due, app=app.slug, now=now(), limit=AT_ONCE):
            for job in jobs:
                self._changes.bump(job.user_id, job.conversation_id, messages=False)
            await asyncio.gather(*(self._settle(app, job) for job in jobs))

    async def _settle(self, app: App, job: TitleJob) -> None:
        try:
            title: str | None = await self._ask(app.client, job)
        except AppError as error:
            logger.info('no title for conversation %s: %s', job.conversation_id, error)
            title = None
        except Exception:  # a bug about one title must not end the titles of everybody
            logger.exception('no title for conversation %s', job.conversation_id)
            title = None
        await self._store.write(titles.settle, conversation_id=job.conversation_id, title=title, now=now())
        self._changes.bump(job.user_id, job.conversation_id, messages=False)

    async def _ask(self, client: DifyClient, job: TitleJob) -> str:
        """:raises AppError: upstream can't make one, or does not know the conversation"""
        if not self._read_back:
            return await client.rename(job.upstream_id, user=job.dify_user, auto_generate=True)
        listed = await client.conversations(user=job.dify_user)
        for conversation in listed.items:
            if conversation.id == job.upstream_id:
                return conversation.name
        raise NotFound
