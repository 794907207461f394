"""Knows which answers wait for a person, and looks now and then whether they still do.

A person may answer elsewhere, or nobody in time. Nothing tells us so: we have to ask, seldom, and for no more than one
answer at a time.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable

from webapp.apps import App
from webapp.background import Tasks
from webapp.chat.message import Reply
from webapp.errors import StoreUnavailable, UpstreamError
from webapp.store import leftovers
from webapp.store.database import Store
from webapp.store.leftovers import Leftover

logger = logging.getLogger(__name__)

SOON = 1.0  # seconds before the first look where something may have happened
ELSEWHERE = 10.0  # seconds before the first look at what only others can answer; each pause is twice the one before
HERE = 120.0  # the same, at what can be answered here
LONGEST = 600.0
AFTER_EXPIRY = 3.0  # the first look after the time is over
GRACE = 180.0  # seconds that upstream may take to notice it
WEEK = 7 * 86_400.0  # seconds for which is waited where nobody says for how long: upstream's own limit
UNREACHABLE = 86_400.0  # seconds for which is waited in vain for an upstream that does not answer


class Waiting:
    """Looks after answers that wait.

    :param go_on: told of one whose run does not wait any more; whether it is written again
    :param give_up: told of one that nobody has answered in time
    """

    def __init__(
        self,
        store: Store,
        *,
        go_on: Callable[[App, Leftover], Awaitable[bool]],
        give_up: Callable[[App, Leftover], Awaitable[None]],
    ) -> None:
        self._store = store
        self._go_on = go_on
        self._give_up = give_up
        self._tasks = Tasks()
        self._looking: dict[str, asyncio.Task[None]] = {}  # by message id
        self._place = asyncio.Semaphore(1)

    def begin(self, app: App, left: Leftover, *, soon: bool = False) -> None:
        """Look after an answer from now on. :param soon: something has happened to it"""
        self.forget(left.message_id)
        task = self._looking[left.message_id] = self._tasks.start(self._watch(app, left, soon=soon))
        task.add_done_callback(lambda done: self._drop(left.message_id, done))

    def forget(self, message_id: str) -> None:
        """It waits no more."""
        task = self._looking.pop(message_id, None)
        if task and task is not asyncio.current_task():
            task.cancel()

    async def close(self) -> None:
        await self._tasks.close()

    def _drop(self, message_id: str, done: asyncio.Task[None]) -> None:
        if self._looking.get(message_id) is done:
            del self._looking[message_id]

    async def _watch(self, app: App, left: Leftover, *, soon: bool) -> None:
        until = expiry(left.reply) or time.time() + WEEK
        pause = SOON if soon else HERE if can_be_answered(left.reply) else ELSEWHERE
        has_expired = False
        while True:
            if time.time() >= until and not has_expired:
                has_expired, pause = True, AFTER_EXPIRY
            await asyncio.sleep(_shared(pause) if has_expired else min(_shared(pause), until - time.time() + 1))
            pause = min(2 * pause, LONGEST)
            try:
                async with self._place:
                    if not await self._store.read(leftovers.is_waiting, message_id=left.message_id):
                        return
                    waits = await _waits(app, left)
            except (UpstreamError, StoreUnavailable) as error:
                logger.info('answer %s: nobody tells whether it still waits: %s', left.message_id, error)
                if time.time() >= until + UNREACHABLE:
                    await self._give_up(app, left)
                    return
                continue
            if not waits and await self._go_on(app, left):
                return
            if waits and time.time() >= until + GRACE:
                await self._give_up(app, left)
                return


def expiry(reply: Reply) -> float | None:
    """Until when the open question can be answered, as epoch seconds; None if nobody says."""
    form = reply.open_form
    return form.expires_at if form and form.expires_at else None


def can_be_answered(reply: Reply) -> bool:
    """Whether it can be answered here."""
    form = reply.open_form
    return form is not None and bool(form.token)


async def _waits(app: App, left: Leftover) -> bool:
    """Whether the run still waits. One that upstream shows to nobody does, as far as we know."""
    if not left.reply.run_id:
        return True
    try:
        return (await app.client.run(left.reply.run_id)).status in {'paused', ''}
    except UpstreamError as error:
        if error.status not in {400, 404}:
            raise
        return True


def _shared(pause: float) -> float:
    """Many may have begun at once."""
    return pause * random.uniform(0.8, 1.2)  # noqa: S311  no secret
