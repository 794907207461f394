"""Pages of other sites, on this computer: `localhost` is another site than 127.0.0.1 to a browser."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[], str]


@dataclass
class Host:
    """A site that shows what it is told to.

    :ivar answers: what is said at further paths, such as a token made anew each time
    :ivar setting: cookies that are set with every answer; `%COOKIES%` in a page stands for those that have come
    """

    url: str
    pages: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    setting: Sequence[str] = ()

    def page(self, html: str) -> str:
        """Put up a page; its address."""
        path = f'/{len(self.pages)}'
        self.pages[path] = (
            f'<!doctype html><html lang="en"><title>Host</title><link rel="icon" href="data:,">{html}</html>'
        )
        return self.url + path


@contextmanager
def hosting(name: str = 'localhost') -> Iterator[Host]:
    """:param name: of this computer, as it stands in the address"""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition('?')[0]
            answer = host.answers.get(path)
            text = answer() if answer else host.pages.get(path)
            body = (text or '').replace('%COOKIES%', self.headers['Cookie'] or 'none').encode()
            self.send_response(404 if text is None else 200)
            self.send_header('Content-Type', 'text/plain' if answer else 'text/html; charset=utf-8')
            self.send_header('Content-Length', str(len(body)))
            self.send_header('Cache-Control', 'no-store')
            for cookie in host.setting:
                self.send_header('Set-Cookie', cookie)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    host = Host(f'http://{name}:{server.server_address[1]}')
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
