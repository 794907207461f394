"""Work that goes on beside requests: tasks that stay referenced until they are done, loops that no bug ends."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds; each pause is twice as long as the one before
HEALTHY = 300.0  # seconds after which earlier bugs are forgotten


class Tasks:
    """Work of its owner. A bug that ends a task is logged."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._forget)
        return task

    async def close(self, seconds: float = 0.0) -> None:
        """Give what runs, and what it may yet start, so long to end; then cancel the rest and see it off."""
        deadline = time.monotonic() + seconds
        while self._running and (left := deadline - time.monotonic()) > 0:
            await asyncio.wait(set(self._running), timeout=left)
        late = set(self._running)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=5)

    def _forget(self, done: asyncio.Task[None]) -> None:
        self._running.discard(done)
        if not done.cancelled() and (error := done.exception()):
            logger.error('background work ended with a bug', exc_info=error)


async def supervised(name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Run work to its end, or for ever; should a bug end it, log that and begin it again, after ever longer pauses."""
    pause = FIRST_PAUSE
    while True:
        began = time.monotonic()
        try:
            await work()
        except Exception:
            if time.monotonic() - began > HEALTHY:
                pause = FIRST_PAUSE
            logger.exception('%s: ended with a bug, begins again in %.0f s', name, pause)
        else:
            return
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
