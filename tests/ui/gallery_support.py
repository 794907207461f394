"""What a test needs to hear what the gallery's components said."""

from collections.abc import Callable

import httpx
from playwright.sync_api import Page
from support import direct
from support.server import wait_for

Open = Callable[..., Page]


class Gallery:
    """Where it is, and what its pages have been told by the browser: lists of a name and values, oldest first."""

    def __init__(self, url: str) -> None:
        self.url = url

    def heard(self, name: str) -> list[list[object]]:
        return [said for said in direct.get(f'{self.url}/heard').json() if said[0] == name]

    def wait_for(self, name: str, count: int = 1) -> list[object]:
        """Wait until `name` was heard so often, and return the last one's values."""
        wait_for(lambda: len(self.heard(name)) >= count, f'{name!r} to be heard')
        return self.heard(name)[-1][1:]

    def forget(self) -> None:
        httpx.delete(f'{self.url}/heard', trust_env=False)

    def release(self) -> None:
        """What waits goes on: uploads whose name says so, and the answer to `/late`."""
        direct.post(f'{self.url}/release')
