"""Looks upstream for the rest of an answer whose stream broke.

After a dropped stream a real Dify's history holds an empty answer (the server saves it only when its stream is read to
the end), while a chatflow's run goes on and its detail holds the outcome. So: the run first, which newer servers let us
hear again for as long as it goes on, then history.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from webapp.apps import App
from webapp.background import Tasks
from webapp.changes import Changes
from webapp.chat.events import Event, Repaired, Reported, made_in
from webapp.chat.message import FilePart, Reply, Usage
from webapp.chat.reducer import replay
from webapp.clock import now
from webapp.errors import StoreUnavailable, UpstreamError
from webapp.files import Files, Written
from webapp.files.written import with_pictures
from webapp.store import answers
from webapp.store.database import Store
from webapp.store.leftovers import Leftover
from webapp.upstream.client import DifyClient
from webapp.upstream.records import Run

logger = logging.getLogger(__name__)

SOON = (0.0, 3.0, 10.0, 30.0)  # seconds before each look
LATER = (60.0, 120.0, 240.0, 240.0, 240.0, 240.0)  # only for a run that still goes on: 20 minutes in all
AT_ONCE = 2  # a server that has just lost its streams is busy enough
HISTORY_PAGE = 5  # the broken answer is among the newest


@dataclass(frozen=True, slots=True)
class Found:
    """What upstream knows of a broken answer by now."""

    events: tuple[Event, ...] = ()
    goes_on: bool = False  # its run has not ended, or waits for a person


class Repairs:
    """Puts the whole answer in the place of a broken one, when upstream has it.

    :param go_on: told of one whose run goes on where it can be heard again; whether it is written again
    """

    def __init__(
        self, store: Store, changes: Changes, files: Files, *, go_on: Callable[[App, Leftover], Awaitable[bool]]
    ) -> None:
        self._store = store
        self._files = files
        self._go_on = go_on
        self._changes = changes
        self._tasks = Tasks()
        self._places = asyncio.Semaphore(AT_ONCE)

    def begin(self, app: App, broken: Leftover) -> None:
        """Look now and then, as long as there is hope."""
        self._tasks.start(self._repair(app, broken))

    async def close(self) -> None:
        await self._tasks.close()

    async def _repair(self, app: App, broken: Leftover) -> None:
        goes_on = False
        for look, pause in enumerate(chain(SOON, LATER)):
            if look >= len(SOON) and not goes_on:
                return
            await asyncio.sleep(pause)
            try:
                async with self._places:
                    found = await recover(app.client, broken.reply, user=broken.dify_user)
                goes_on = found.goes_on
                if goes_on and app.can_resume and await self._go_on(app, broken):
                    return
                repaired = replay(await self._ours(app, broken, found.events), broken.reply)
                if repaired != broken.reply:
                    await self._store.write(
                        answers.repair,
                        message_id=broken.message_id,
                        reply=repaired,
                        now=now(),
                        prices=app.prices,
                    )
                    self._changes.bump(broken.user_id, broken.conversation_id)
                    return
            except (UpstreamError, StoreUnavailable) as error:
                logger.info('answer %s: nothing to repair it with yet: %s', broken.message_id, error)

    async def _ours(self, app: App, broken: Leftover, found: Sequence[Event]) -> list[Event]:
        """What was found, its files ours, and its text with the pictures that we have heard of."""
        written = Written(broken.message_id, app.client.base_url, broken.reply.parts)
        events = []
        for event in (event for each in found for event in written.feed(each)):
            if parts := made_in(event):
                await self._files.adopt(broken.message_id, user_id=broken.user_id, app=broken.app, parts=parts)
            events.append(with_pictures(event, broken.reply))
        return events


async def recover(client: DifyClient, broken: Reply, *, user: str) -> Found:
    """What upstream knows of `broken` by now.

    :raises UpstreamError: it can't be asked, or does not know the conversation
    """
    run = await _run(client, broken.run_id)
    if run and run.answer:
        return Found((Repaired(run.answer), *_cost(run, broken)))
    if run and run.status in {'running', 'paused'}:
        return Found(goes_on=True)
    if not (broken.conversation_id and broken.message_id):
        return Found()
    page = await client.history(broken.conversation_id, user=user, limit=HISTORY_PAGE)
    for message in page.items:
        if message.id == broken.message_id and message.reply.text:
            reply = message.reply
            made = tuple(part for part in reply.parts if isinstance(part, FilePart))
            return Found((Repaired(reply.text), Reported(reply.usage, reply.citations, made)))
    return Found()


async def _run(client: DifyClient, run_id: str) -> Run | None:
    """The answer's run; None if it has none that upstream shows."""
    if not run_id:
        return None
    try:
        return await client.run(run_id)
    except UpstreamError as error:
        if error.status not in {400, 404}:  # not a chatflow key, or a server that forgot: history may know
            raise
        return None


def _cost(run: Run, broken: Reply) -> tuple[Event, ...]:
    """All that a run tells is how many tokens it took. What the stream had reported says more."""
    if broken.usage is not None or run.total_tokens is None:
        return ()
    return (Reported(Usage(total_tokens=run.total_tokens)),)
