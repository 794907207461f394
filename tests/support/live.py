"""An open page without a browser: what it hears, and what it is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from support.raw_page import RawPage
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection


@dataclass
class Live:
    """An open page with its socket."""

    page: RawPage
    socket: ClientConnection
    heard: list[str] = field(default_factory=list)

    @property
    def names(self) -> dict[str, tuple[int, str]]:
        """The events that the page hears, such as 'composer send', each with its element and listener."""
        return {f'{tag.partition("-")[2] or tag} {type_}': (id_, to) for id_, tag, type_, to in self.page.listeners}

    def fire(self, event: str, *values: object) -> None:
        self.socket.send(self.page.event(*self.names[event], list(values)))

    def hears(self, *words: str) -> str:
        """Wait for a frame with one of the words; everything that was said until then."""
        while not any(word in frame for frame in self.heard for word in words):
            self.hears_next()
        return '\n'.join(self.heard)

    def hears_next(self, seconds: float = 20) -> str:
        """Wait for the next frame. :raises TimeoutError: there is none"""
        try:
            frame = str(self.socket.recv(timeout=seconds))
        except ConnectionClosed:
            frame = 'closed'
        if frame == '2':
            self.socket.send('3')
        self.heard.append(frame)
        return frame


@contextmanager
def live(http: httpx.Client, path: str) -> Iterator[Live]:
    """Open a page, and shake hands."""
    answer = http.get(path)
    assert answer.status_code == 200, f'{path}: {answer.status_code}'
    page = RawPage(str(http.base_url).rstrip('/'), http, answer.text)
    with page.shake() as socket:
        yield Live(page, socket)
