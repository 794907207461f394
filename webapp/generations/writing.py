"""Sees one answer from the line to the row that holds it for good."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from webapp.background import Tasks
from webapp.changes import Changes
from webapp.chat.events import Failed, Interrupted, Stopped
from webapp.chat.message import Failure, Reply, Status
from webapp.errors import Refused, UpstreamError
from webapp.generations import saving
from webapp.generations.generation import DRAIN_SECONDS, Ended, Generation
from webapp.generations.hearing import Hearing, pass_on_stop
from webapp.generations.register import Register
from webapp.store.database import Store
from webapp.upstream import faults

logger = logging.getLogger(__name__)


class Writing:
    """:param on_end: told of each answer that has its end
    :param on_kept: told of each whose row holds it, and what that is
    """

    def __init__(
        self,
        store: Store,
        changes: Changes,
        register: Register,
        tasks: Tasks,
        hearing: Hearing,
        *,
        on_end: Callable[[Ended], None],
        on_kept: Callable[[Generation, Reply], None],
    ) -> None:
        self._store = store
        self._changes = changes
        self._register = register
        self._tasks = tasks
        self._hearing = hearing
        self._on_end = on_end
        self._on_kept = on_kept

    def begin(self, generation: Generation) -> None:
        generation.task = self._tasks.start(self._run(generation))
        self._register.add(generation)

    async def _run(self, generation: Generation) -> None:
        generation.work = asyncio.create_task(self._write(generation))
        flusher = asyncio.create_task(saving.keep_close(self._store, generation, on_gone=generation.stop))
        released = asyncio.create_task(generation.released.wait())
        try:
            await asyncio.wait({generation.work, released}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            generation.feed(Interrupted(Failure('process_ended')))  # an ended reply does not mind
            generation.work.cancel()
            await asyncio.wait({generation.work}, timeout=1)
        finally:
            flusher.cancel()
            released.cancel()
            await self._finish(generation)

    async def _write(self, generation: Generation) -> None:
        """Wait in line, then read the stream to its end. Whatever goes wrong becomes an event."""
        try:
            async with generation.app.line.place(generation.queue):
                if generation.had_to_wait and not await saving.is_wanted(self._store, generation):
                    generation.feed(Stopped())
                elif not generation.stopping.is_set():
                    generation.connect()
                    await self._read(generation)
        except (UpstreamError, Refused) as error:
            generation.feed(Failed(Failure(error.code, error.detail, error.status)))
        except Exception:  # the person must not wait for ever for our bug
            logger.exception('answer %s ended with a bug', generation.message.id)
            generation.feed(Interrupted(Failure('internal_error')))

    async def _read(self, generation: Generation) -> None:
        reader = asyncio.create_task(self._hearing.hear(generation))
        stopper = asyncio.create_task(pass_on_stop(generation))
        try:
            await asyncio.wait({reader, stopper}, return_when=asyncio.FIRST_COMPLETED)
            if stopper.done() and not reader.done():
                await asyncio.wait({reader}, timeout=DRAIN_SECONDS)
        finally:
            stopper.cancel()
            if not reader.done():
                reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader

    async def _finish(self, generation: Generation) -> None:
        """Keep the answer for good, with its usage, and let go of it."""
        reply = generation.reply
        if not reply.status.is_final and reply.status is not Status.WAITING:
            generation.feed(Interrupted(Failure('stream_cut')))
            reply = generation.reply
        if reply.failure:  # without its detail, which may repeat what somebody wrote
            code, status = reply.failure.code, reply.failure.status
            logger.warning('answer %s %s: %s, status %s', generation.message.id, reply.status, code, status)
        _note(generation, reply)
        ended = _ended(generation, reply)
        try:
            await saving.keep_end(self._store, generation, reply)
        finally:
            self._register.remove(generation)
            if reply.status.is_final and not (generation.goes_on and generation.goes_on.was_broken):
                self._on_end(ended)
        if generation.work and not (generation.work.done() and generation.reply == reply):
            self._tasks.start(self._drain(generation, reply))
        self._on_kept(generation, reply)

    async def _drain(self, generation: Generation, kept: Reply) -> None:
        """Let the stream of an answer that has its end come to its own, and keep what it still reports."""
        if generation.work:
            await asyncio.wait({generation.work})
        reply = generation.reply
        if reply != kept:
            await saving.keep_rest(self._store, generation, reply)
            self._changes.bump(generation.user_id, generation.conversation.id)


def _note(generation: Generation, reply: Reply) -> None:
    """What the answer says of its upstream. One that was stopped, or ended for a reason of ours, says nothing."""
    code = reply.failure.code if reply.failure else ''
    if code in faults.CODES or reply.status in {Status.COMPLETE, Status.WAITING}:
        generation.app.health.note(code)


def _ended(generation: Generation, reply: Reply) -> Ended:
    if generation.goes_on:
        return Ended(generation.app.slug, reply.status)
    first = generation.first_token_ms
    return Ended(
        generation.app.slug,
        reply.status,
        seconds=generation.elapsed_ms / 1000,
        first_token_seconds=None if first is None else first / 1000,
    )
