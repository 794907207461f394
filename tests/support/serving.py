"""An ASGI app over real HTTP, in a thread of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp
from support.server import free_port, wait_for


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve `app` while the context lasts; its address."""
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_config=None, lifespan='off', ws='none', timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started, 'the server')
        yield f'http://127.0.0.1:{port}'
    finally:
        server.should_exit = True
        thread.join()
