"""Who asks for what goes over plain HTTP beside pages, and how much of it at once.

The cookie tells who asks, and the edge has checked from where; or a pass does, see `embedding.passes`.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from webapp.auth.sessions import Sessions
from webapp.embedding import passes as shown
from webapp.embedding.passes import Passes, Purpose
from webapp.errors import Refused, SignedOut
from webapp.principal import Principal

T = TypeVar('T')

AT_ONCE = 2  # transfers of one person; more of them wait
WAITING = 8
PATIENCE = 60.0  # seconds
GONE = 499  # for the log; nobody reads the answer
NO_STORE = {'Cache-Control': 'no-store'}


class Callers:
    def __init__(self, sessions: Sessions, passes: Passes) -> None:
        self._sessions = sessions
        self._passes = passes

    async def who(self, request: Request, purpose: Purpose, object_id: str = '') -> Principal | None:
        """Whoever asks; a pass that is shown counts alone, good or not."""
        if shown.is_shown(request):
            return await self._passes.principal(request, purpose, object_id)
        return await self._sessions.principal(request.scope)

    async def require(self, request: Request, purpose: Purpose) -> Principal:
        """:raises SignedOut: nobody"""
        principal = await self.who(request, purpose)
        if principal is None:
            raise SignedOut
        return principal


class Places:
    """How many transfers each person has under way."""

    def __init__(self) -> None:
        self._asking: Counter[str] = Counter()
        self._places: dict[str, asyncio.Semaphore] = {}

    @contextlib.asynccontextmanager
    async def of(self, principal: Principal) -> AsyncIterator[None]:
        """:raises Refused: `uploads_busy`: too many wait, or for too long"""
        who = principal.user_id
        if self._asking[who] >= AT_ONCE + WAITING:
            raise Refused('uploads_busy', status=429)
        self._asking[who] += 1
        place = self._places.setdefault(who, asyncio.Semaphore(AT_ONCE))
        try:
            try:
                async with asyncio.timeout(PATIENCE):
                    await place.acquire()
            except TimeoutError:
                raise Refused('uploads_busy', status=429) from None
            try:
                yield
            finally:
                place.release()
        finally:
            self._asking[who] -= 1
            if not self._asking[who]:
                del self._asking[who], self._places[who]


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives; it is cancelled when the browser goes away, and cleans up behind itself."""
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
            raise ClientDisconnect
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())['type'] != 'http.disconnect':
        pass
