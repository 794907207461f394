"""A time limit for work that is waited for thousands of times a minute."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar('T')


class Watchdog:
    """Like `asyncio.timeout_at` around each wait, but with one timer that is moved only when it fires.

    Making and cancelling a timer for each token took a third of the time of reading a stream (measured).
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._until = float('inf')
        self._waiting: asyncio.Task[object] | None = None
        self._has_bitten = False

    async def wait(self, work: Awaitable[T], until: float) -> T:
        """The result of `work`. :raises TimeoutError: it was not there at `until`, on the loop's clock"""
        self._until = until
        if self._timer is None or self._timer.when() > until:
            self._arm()
        task = self._waiting = asyncio.current_task()
        assert task
        cancelled = task.cancelling()
        try:
            return await work
        except asyncio.CancelledError:
            if self._has_bitten and task.uncancel() <= cancelled:
                raise TimeoutError from None
            raise
        finally:
            self._waiting = None

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _arm(self) -> None:
        self.close()
        self._timer = self._loop.call_at(self._until, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._is_overdue():
            self._loop.call_soon(self._bite)  # after a stall of ours, what has arrived meanwhile goes first
        elif self._waiting:
            self._arm()

    def _bite(self) -> None:
        if self._waiting and self._is_overdue():
            self._has_bitten = True
            self._waiting.cancel()

    def _is_overdue(self) -> bool:
        return self._waiting is not None and self._loop.time() >= self._until
