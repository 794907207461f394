"""The tools that an app calls, and the pictures that stand for them."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from webapp.branding import Logo, logo
from webapp.errors import UpstreamError
from webapp.upstream.client import DifyClient
from webapp.upstream.parameters import ToolIcon

logger = logging.getLogger(__name__)

FRESH_SECONDS = 300.0
MOST_TOOLS = 50


@dataclass(frozen=True, slots=True)
class ToolPicture:
    """An emoji on a colour, or an image that we have fetched: its address is upstream's, and not for browsers."""

    emoji: str = ''
    background: str = ''  # '#rrggbb' or ''
    image: Logo | None = None


class Toolbox:
    """Asks an app what stands for the tools that it calls, at most every five minutes, and remembers it.

    :ivar known: pictures by tool, as it said last; empty while it has not said so
    """

    def __init__(self, client: DifyClient) -> None:
        self.known: Mapping[str, ToolPicture] = {}
        self._client = client
        self._images: dict[str, Logo | None] = {}  # by upstream's address
        self._read_at = float('-inf')
        self._reading = asyncio.Lock()

    async def ask(self) -> None:
        """Bring `known` up to what it says now, if it answers."""
        async with self._reading:
            if time.monotonic() - self._read_at > FRESH_SECONDS:
                try:
                    icons = await self._client.meta()
                    some = list(icons.items())[:MOST_TOOLS]
                    self.known = {tool: await self._picture(icon) for tool, icon in some}
                except UpstreamError as error:
                    logger.info('an app does not tell the icons of its tools: %s', error)
                self._read_at = time.monotonic()

    async def _picture(self, icon: ToolIcon) -> ToolPicture:
        if icon.url and icon.url not in self._images:
            try:
                self._images[icon.url] = logo(await self._client.tool_icon(icon))
            except (UpstreamError, ValueError) as error:
                logger.info('the icon of a tool can not be shown: %s', error)
                self._images[icon.url] = None
        return ToolPicture(icon.emoji, icon.background, self._images.get(icon.url))
