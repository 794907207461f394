"""The small app as seen by somebody who writes every byte themselves."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from support import direct
from support.raw_page import RawPage, closed, shakes, status, wait_for

__all__ = ['RawPage', 'Small', 'Start', 'closed', 'shakes', 'status', 'wait_for']


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
        return direct.client(self.url, timeout=20, limits=limits, **options)

    def wait_until_ready(self) -> None:
        def is_ready() -> bool:
            try:
                return self.http().get('/healthz', headers={'Host': f'127.0.0.1:{self.port}'}).is_success
            except httpx.TransportError:
                return False

        wait_for(is_ready)

    def open_page(self, http: httpx.Client | None = None, path: str = '/', **headers: str) -> RawPage:
        http = http or self.http()
        response = http.get(path, headers=headers)
        assert response.status_code == 200, response.text
        return RawPage(self.url, http, response.text)


Start = Callable[..., Small]
