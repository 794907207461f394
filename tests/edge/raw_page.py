"""The small app as seen by somebody who writes every byte themselves."""

import html
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect


class NoHandshake(Exception):
    """The server does not want this socket for this page."""


@dataclass
class Small:
    port: int
    log_file: Path
    pid: int
    may_fail: bool = False  # on purpose, so its log may hold a traceback

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.port}'

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors='replace')

    def http(self, **options: Any) -> httpx.Client:
        """A browser's worth of HTTP: keeps cookies."""
        limits = httpx.Limits(max_keepalive_connections=0)  # nothing to close
        return httpx.Client(base_url=self.url, trust_env=False, verify=False, timeout=20, limits=limits, **options)

    def wait_until_ready(self) -> None:
        def is_ready() -> bool:
            try:
                return self.http().get('/healthz', headers={'Host': f'127.0.0.1:{self.port}'}).is_success
            except httpx.TransportError:
                return False

        wait_for(is_ready)

    def open_page(self, http: httpx.Client | None = None, path: str = '/', **headers: str) -> 'RawPage':
        http = http or self.http()
        response = http.get(path, headers=headers)
        assert response.status_code == 200, response.text
        return RawPage(self, http, response.text)


@dataclass
class RawPage:
    """A page as it came over HTTP, and the sockets to open for it."""

    small: Small
    http: httpx.Client
    text: str
    tab: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def client_id(self) -> str:
        found = re.search(r"'client_id': '([0-9a-f-]+)'", self.text)
        assert found
        return found[1]

    @property
    def button(self) -> tuple[int, str]:
        """Element and listener of the button."""
        elements = json.loads(html.unescape(re.search(r'String\.raw`(.*?)`', self.text, re.S)[1]))  # type: ignore[index]
        for number, element in elements.items():
            if element.get('tag') == 'q-btn':
                return int(number), element['events'][0]['listener_id']
        raise AssertionError('no button')

    def click(self) -> str:
        """The frame that a click on the button sends."""
        element, listener = self.button
        message = {'id': element, 'client_id': self.client_id, 'listener_id': listener, 'args': ['{}']}
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
            f'ws://127.0.0.1:{self.small.port}/_nicegui_ws/socket.io/?{self.query(**query)}',
            origin=self.small.url if origin == '' else origin,  # type: ignore[arg-type]
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


Start = Callable[..., Small]
