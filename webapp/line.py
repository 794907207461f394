"""A bounded number of places and a fair line in front of them."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable


class Line:
    """Upstream serves only so many answers at once; the others wait here, first come, first served.

    :param width: how many may be in at once; 0 means no limit
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.inside = 0
        self._waiting: deque[tuple[asyncio.Future[None], Callable[[int], None]]] = deque()

    @contextlib.asynccontextmanager
    async def place(self, on_move: Callable[[int], None]) -> AsyncIterator[None]:
        """Wait for a place and hold it. `on_move` hears the place in line, from 1 on, whenever it changes."""
        await self._enter(on_move)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, on_move: Callable[[int], None]) -> None:
        if not self.width or (self.inside < self.width and not self._waiting):
            self.inside += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (turn, on_move)
        self._waiting.append(waiter)
        on_move(len(self._waiting))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()  # the turn came together with the cancellation: pass it on
            else:
                with contextlib.suppress(ValueError):  # whoever left in this very moment has skipped us already
                    self._waiting.remove(waiter)
                self._announce()
            raise

    def _leave(self) -> None:
        """Give the place to the first in line; without one it is free."""
        self.inside -= 1
        while self._waiting and self.inside < self.width:
            turn, _ = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self.inside += 1
        self._announce()

    def _announce(self) -> None:
        for place, (_, on_move) in enumerate(self._waiting, start=1):
            on_move(place)
