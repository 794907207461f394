"""What the doctor is shown: real servers with something wrong about them."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from doctor_support import Start, Upstream


@pytest.fixture
def upstream() -> Iterator[Start]:
    """Serve an `Upstream`; gives its address."""
    with ExitStack() as ends:

        def start(what: Upstream) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    body = what.answer(self.path)
                    self.send_response_only(what.status)
                    for name, value in ({'Date': self.date_time_string()} | dict(what.headers)).items():
                        self.send_header(name, value)
                    self.send_header('Content-Length', str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

                def log_message(self, format: str, *args: object) -> None:
                    pass

            server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            ends.callback(thread.join)
            ends.callback(server.server_close)
            ends.callback(server.shutdown)
            return f'http://127.0.0.1:{server.server_port}'

        yield start


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        yield listener.getsockname()[1]
