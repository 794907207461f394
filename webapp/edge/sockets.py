"""Frames on a socket, counted and measured before anybody parses them."""

import asyncio
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

FRAME_CHARS = 1_000_000
FRAMES_PER_SECOND = 100
BURST = 300  # frames at once, as after a reconnect
POLICY_VIOLATION = 1008
CONNECTION = 'webapp.connection'  # in the scope of a socket: its `Connection`

# What a Socket.IO client sends: an answer to a ping, an upgrade, an end, or a message that connects, leaves, tells or
# confirms. No binary ones: their announced parts would be kept in memory until all have come.
PACKET = re.compile(r'2probe$|3|5$|1$|4[0-3]')


class Sockets:
    """Ends a socket that sends too many frames, too long ones, or what is no packet."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'websocket':
            return await self.app(scope, receive, send)
        connection = Connection(receive, send)
        return await self.app({**scope, CONNECTION: connection}, connection.receive, connection.send)


class Connection:
    """One socket: what passes, and its end."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._tokens = float(BURST)
        self._counted_at = self._loop.time()
        self._waiting: asyncio.Timeout | None = None
        self._ending = False
        self._ended = False

    def end(self) -> None:
        """Close it from our side, whatever it is doing."""
        self._ending = True
        if self._waiting is not None:
            self._waiting.reschedule(self._loop.time())

    async def receive(self) -> Message:
        message = await self._next()
        if message is not None and (message['type'] != 'websocket.receive' or self._passes(message)):
            return message
        self._ending = True
        await self.send({'type': 'websocket.close', 'code': POLICY_VIOLATION})
        return {'type': 'websocket.disconnect', 'code': POLICY_VIOLATION}

    async def send(self, message: Message) -> None:
        if not self._ended:
            self._ended = message['type'] == 'websocket.close'
            await self._send(message)

    async def _next(self) -> Message | None:
        """The next message, or nothing if the connection is to end."""
        if self._ending:
            return None
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await self._receive()
        except TimeoutError:
            return None
        finally:
            self._waiting = None

    def _passes(self, message: Message) -> bool:
        now = self._loop.time()
        self._tokens = min(BURST, self._tokens + (now - self._counted_at) * FRAMES_PER_SECOND) - 1
        self._counted_at = now
        text = message.get('text') or ''
        return self._tokens >= 0 and len(text) <= FRAME_CHARS and PACKET.match(text) is not None
