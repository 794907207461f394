"""How much anybody may send us, counted as it comes: `Content-Length` may lie or be missing."""

import asyncio
import contextlib
from collections.abc import Mapping

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp.edge.asgi import refuse, values

DEFAULT = 64 * 1024  # bytes
SILENCE = 30.0  # seconds between two pieces of a body
LINGER = 1.0  # seconds in which what is still under way is read and thrown away, so that our answer arrives
LINGER_BYTES = 16 * 1024 * 1024


class Bodies:
    """Answers 413 to a body that is too long and 408 to one that doesn't go on, and closes the connection.

    :param limits: bytes by the beginning of the path; the longest beginning that fits counts
    """

    def __init__(
        self, app: ASGIApp, *, limits: Mapping[str, int] | None = None, default: int = DEFAULT, silence: float = SILENCE
    ) -> None:
        self.app = app
        self._limits = sorted((limits or {}).items(), key=lambda item: -len(item[0]))
        self._default = default
        self._silence = silence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http':
            return await self.app(scope, receive, send)
        limit = next((size for start, size in self._limits if scope['path'].startswith(start)), self._default)
        body = _Body(scope, receive, send, limit, self._silence)
        lengths = values(scope, b'content-length')
        if any(not length.isascii() or not length.isdigit() for length in lengths) or len(set(lengths)) > 1:
            return await body.refuse(400, 'The length of this request makes no sense.')
        if lengths and int(lengths[0][:20]) > limit:
            return await body.refuse(413, f'This is too long: {limit} bytes are allowed here.')
        with contextlib.suppress(ClientDisconnect):  # refused, or gone: either way nobody waits for an answer
            return await self.app(scope, body.receive, body.send)
        return None


class _Body:
    """One request: its messages both ways, until it is refused."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int, silence: float) -> None:
        self.refused = False
        self._scope = scope
        self._receive = receive
        self._send = send
        self._limit = limit
        self._silence = silence
        self._size = 0
        self._complete = False
        self._answering = False

    async def receive(self) -> Message:
        if self.refused:
            return {'type': 'http.disconnect'}
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout(self._silence):
                message = await self._receive()
        except TimeoutError:
            await self.refuse(408, 'The rest of this request did not come.')
            return {'type': 'http.disconnect'}
        self._size += len(message.get('body', b''))
        self._complete = not message.get('more_body', False)
        if self._size > self._limit:
            await self.refuse(413, f'This is too long: {self._limit} bytes are allowed here.')
            return {'type': 'http.disconnect'}
        return message

    async def send(self, message: Message) -> None:
        if self.refused:
            return
        self._answering = True
        await self._send(message)

    async def refuse(self, status: int, text: str) -> None:
        self.refused = True
        if self._answering:
            return  # the answer is under way; the server closes the connection when it sees the rest unread
        headers = [(b'connection', b'close')]
        await refuse(self._scope, self._receive, self._lingering, status=status, text=text, headers=headers)

    async def _lingering(self, message: Message) -> None:
        """Closing while data still comes makes the other side drop our answer unread, so take some of it in first."""
        if message['type'] != 'http.response.body' or self._complete:
            return await self._send(message)
        await self._send({**message, 'more_body': True})
        left = LINGER_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                while left > 0 and (piece := await self._receive()).get('more_body', False):
                    left -= len(piece['body'])
        return await self._send({'type': 'http.response.body', 'body': b''})
