"""A page as seen by somebody who writes every byte themselves."""

import html
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect


class NoHandshake(Exception):
    """The server does not want this socket for this page."""


@dataclass
class RawPage:
    """A page as it came over HTTP, and the sockets to open for it.

    :param url: of the server
    """

    url: str
    http: httpx.Client
    text: str
    tab: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def client_id(self) -> str:
        found = re.search(r"'client_id': '([0-9a-f-]+)'", self.text)
        assert found
        return found[1]

    @property
    def listeners(self) -> list[tuple[int, str, str, str]]:
        """All that the page hears: element, its tag, event, listener."""
        found = re.search(r'String\.raw`(.*?)`', self.text, re.S)
        assert found
        elements = json.loads(html.unescape(found[1]))
        return [
            (int(number), element.get('tag', ''), event['type'], event['listener_id'])
            for number, element in elements.items()
            for event in element.get('events', ())
        ]

    @property
    def button(self) -> tuple[int, str]:
        """Element and listener of the button."""
        return next((number, listener) for number, tag, _, listener in self.listeners if tag == 'q-btn')

    def click(self) -> str:
        """The frame that a click on the button sends."""
        element, listener = self.button
        return self.event(element, listener, {})

    def event(self, element: int, listener: str, value: object) -> str:
        """The frame that an event sends, with `value` as its one argument."""
        message = {'id': element, 'client_id': self.client_id, 'listener_id': listener, 'args': [json.dumps(value)]}
        return '42' + json.dumps(['event', message])

    def query(self, **changes: str) -> str:
        return urlencode(
            {
                'EIO': '4',
                'transport': 'websocket',
                'client_id': self.client_id,
                'next_message_id': '0',
                'implicit_handshake': 'true',
                'tab_id': self.tab,
                'document_id': str(uuid.uuid4()),
            }
            | changes
        )

    @contextmanager
    def socket(
        self, *, origin: str | None = '', cookies: bool = True, headers: dict[str, str] | None = None, **query: str
    ) -> Iterator[ClientConnection]:
        """Open a socket as the page's script does; `origin` None leaves the header out."""
        cookie = '; '.join(f'{name}={value}' for name, value in self.http.cookies.items())
        with connect(
            f'{self.url.replace("http", "ws", 1)}/_nicegui_ws/socket.io/?{self.query(**query)}',
            origin=self.url if origin == '' else origin,  # type: ignore[arg-type]
            additional_headers=({'Cookie': cookie} if cookies and cookie else {}) | (headers or {}),
            proxy=None,
            max_size=None,
            open_timeout=20,
        ) as socket:
            yield socket

    @contextmanager
    def shake(self, **options: Any) -> Iterator[ClientConnection]:
        """Open a socket and shake hands; the socket, ready for events."""
        with self.socket(**options) as socket:
            assert str(socket.recv(timeout=20))[0] == '0'
            socket.send('40')
            answer = socket.recv(timeout=20)
            if not str(answer).startswith('40'):
                raise NoHandshake(answer)
            yield socket


def shakes(handshake: AbstractContextManager[ClientConnection]) -> bool:
    """Whether a handshake succeeds."""
    try:
        with handshake:
            return True
    except NoHandshake:
        return False


def status(opening: AbstractContextManager[ClientConnection]) -> int:
    """The status with which the opening of a socket is answered."""
    try:
        with opening:
            return 101
    except InvalidStatus as error:
        return error.response.status_code


def closed(socket: ClientConnection, seconds: float = 20) -> int:
    """Read until the other side closes; the code."""
    try:
        while True:
            socket.recv(timeout=seconds)
    except ConnectionClosed as error:
        return error.rcvd.code if error.rcvd else 1006


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, 'waited in vain'
        time.sleep(0.02)
