"""How the process comes to its end: answers that are being written first, then whatever they need."""

from collections.abc import Awaitable, Callable

Drain = Callable[[float], Awaitable[None]]  # takes seconds

SECONDS = 25.0  # service managers and container engines wait for 30


class Stopping:
    def __init__(self) -> None:
        self.has_begun = False
        self._drains: list[Drain] = []

    def waits_for(self, drain: Drain) -> None:
        """:param drain: takes no more work, gives what runs so many seconds to end, and cuts off the rest"""
        self._drains.append(drain)

    async def drain(self) -> None:
        """Let what runs come to its end. The first call gives it `SECONDS`, a further one no time at all."""
        seconds = 0.0 if self.has_begun else SECONDS
        self.has_begun = True
        for drain in self._drains:
            await drain(seconds)

    async def check(self) -> str | None:
        return 'The server is being stopped.' if self.has_begun else None
