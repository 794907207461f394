"""The one concurrency primitive: a value that many may watch."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Generic, TypeVar

T = TypeVar('T')
Pace = Callable[[], float]  # seconds to let pass, asked anew each time


def at_once() -> float:
    return 0.0


class Latest(Generic[T]):
    """Watchers get the newest value, never a backlog, so a slow page costs nobody anything."""

    def __init__(self, value: T) -> None:
        self.value = value
        self._watchers: set[_Watcher] = set()

    def set(self, value: T, *, urgent: bool = False) -> None:
        """Change the value. `urgent` wakes even those who are pausing to keep their pace."""
        self.value = value
        for watcher in self._watchers:
            watcher.wake(urgent=urgent)

    async def watch(self, *, pace: Pace = at_once) -> AsyncGenerator[T, None]:
        """Yield the value as it is now, then the newest one, at most every `pace()` seconds. Never ends by itself."""
        watcher = _Watcher()
        self._watchers.add(watcher)
        try:
            while True:
                watcher.clear()
                yield self.value
                if seconds := pace():
                    await watcher.pause(seconds)
                await watcher.changed.wait()
        finally:
            self._watchers.discard(watcher)

    async def after(self, seen: T, *, within: float | None = None) -> T:
        """Return the value as soon as it is not `seen`, or as it is when so many seconds have passed.

        Unlike `watch` it may be cancelled and called again.
        """
        watcher = _Watcher()
        self._watchers.add(watcher)
        try:
            async with asyncio.timeout(within):
                while self.value == seen:
                    watcher.clear()
                    await watcher.changed.wait()
        except TimeoutError:
            pass
        finally:
            self._watchers.discard(watcher)
        return self.value

    @property
    def watchers(self) -> int:
        return len(self._watchers)


class _Watcher:
    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.urgent = asyncio.Event()

    def wake(self, *, urgent: bool) -> None:
        self.changed.set()
        if urgent:
            self.urgent.set()

    async def pause(self, seconds: float) -> None:
        """Sleep, but not through an urgent change."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.urgent.wait()

    def clear(self) -> None:
        self.changed.clear()
        self.urgent.clear()
