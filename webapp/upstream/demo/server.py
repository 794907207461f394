"""Serves the demo on a socket of its own, inside the running event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.applications import Starlette

IDLE_SECONDS = 2  # a stock self-hosted Dify closes idle connections as early


@contextlib.asynccontextmanager
async def serve(app: Starlette, *, host: str = '127.0.0.1', port: int = 0) -> AsyncIterator[str]:
    """Serve `app` while the context lasts; open streams are cut when it ends.

    :param port: 0 takes a free one
    :return: the base URL, such as 'http://127.0.0.1:49152/v1'
    :raises OSError: the port is taken
    """
    with _listen(host, port) as listener:
        bound = listener.getsockname()[1]
        config = uvicorn.Config(app, log_config=None, ws='none', server_header=False, timeout_keep_alive=IDLE_SECONDS)
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]), name='demo upstream')
        await server.ready.wait()
        try:
            yield f'http://{f"[{host}]" if ":" in host else host}:{bound}/v1'
        finally:
            app.state.demo.close()
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    """Tells when it listens, and leaves signals to whoever owns the process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket that says it is TCP: asyncio sends small packets at once only on those."""
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener
