"""The process that serves: how it starts and how it ends.

Asked to stop, it takes no new questions but goes on serving pages, so that everybody sees the end of a running answer,
even who has just reloaded; and the port stays ours, so that no successor takes a running answer for an abandoned one.
Then connections are closed, then the database. A second signal cuts the answers off, and a third one kills.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp.errors import AppError
from webapp.stopping import Stopping

logger = logging.getLogger(__name__)

FRAME_BYTES = 1_048_576
SIGNALS = (signal.SIGINT, signal.SIGTERM)
TICK = 0.1  # seconds
LAST_WORDS_SECONDS = 0.5  # for the ends of answers on their way into pages
CLOSE_SECONDS = 4  # for connections to end, once there is nothing more to wait for


def run(app: ASGIApp, listener: socket.socket, stopping: Stopping, *, on_ready: Callable[[], None]) -> None:
    """Serve `app` until a signal says that it is enough.

    :param on_ready: called once, when the first request can be answered
    :raises AppError: the app could not start, for a reason that an operator can mend
    """
    guarded = _Start(app)
    config = uvicorn.Config(
        guarded,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        loop='uvloop',
        http='httptools',
        ws='websockets-sansio',
        ws_max_size=FRAME_BYTES,
        ws_per_message_deflate=True,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    try:
        _Server(config, stopping, on_ready).run(sockets=[listener])
    except SystemExit:
        if guarded.failure is None:
            raise
        raise guarded.failure from None


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, stopping: Stopping, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Unlike its base, remembers no signal to die of: an end that was asked for is a success."""
        if self.should_exit:
            self.force_exit = True
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._let_answers_end()
        await super().shutdown(sockets)
        if self.force_exit:
            await self.lifespan.shutdown()  # the base leaves it out; nothing is waited for in it any more
        logger.info('Stopped.')

    async def _let_answers_end(self) -> None:
        draining = asyncio.create_task(self._stopping.drain())
        await asyncio.wait({draining}, timeout=TICK)
        if not draining.done():
            logger.info('Stopping when the running answers have ended; once more to cut them off.')
            while not draining.done() and not self.force_exit:
                await asyncio.wait({draining}, timeout=TICK)
            if self.force_exit:
                await self._stopping.drain()
                draining.cancel()
            await asyncio.sleep(0 if self.force_exit else LAST_WORDS_SECONDS)
        if draining.done() and not draining.cancelled() and (bug := draining.exception()):
            logger.error('Running answers could not be ended.', exc_info=bug)


class _Start:
    """Keeps an expected failure of the start as a value; Starlette would print a traceback of it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.failure: AppError | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'lifespan':
            return await self.app(scope, receive, send)
        failed: list[Message] = []

        async def send_or_keep(message: Message) -> None:
            if message['type'] == 'lifespan.startup.failed':
                failed.append(message)
            else:
                await send(message)

        try:
            return await self.app(scope, receive, send_or_keep)
        except AppError as error:
            if not failed:
                raise
            self.failure = error
            await send({'type': 'lifespan.startup.failed', 'message': ''})
        except BaseException:
            for message in failed:
                await send(message)
            raise
