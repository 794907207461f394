"""How the owner of an app wants it to look, as Dify tells it: its site, and pictures for the tools that it calls."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from webapp.branding import Logo, logo
from webapp.errors import UpstreamError
from webapp.upstream.client import DifyClient
from webapp.upstream.parameters import Site, ToolIcon

logger = logging.getLogger(__name__)

FRESH_SECONDS = 300.0
MOST_TOOLS = 50
NO_SITE = {403, 404}  # the app has none, or the server is too old to tell


@dataclass(frozen=True, slots=True)
class ToolPicture:
    """An emoji on a colour, or an image that we have fetched: its address is upstream's, and not for browsers."""

    emoji: str = ''
    background: str = ''  # '#rrggbb' or ''
    image: Logo | None = None


@dataclass(frozen=True, slots=True)
class Presentation:
    site: Site
    tools: Mapping[str, ToolPicture]


class Presenter:
    """Asks an app how it wants to look, at most every five minutes, and remembers it.

    :ivar known: what it said last; `None` while it has not said so: what it may want hidden is not shown then
    """

    def __init__(self, client: DifyClient) -> None:
        self.known: Presentation | None = None
        self._client = client
        self._images: dict[str, Logo | None] = {}  # by upstream's address
        self._read_at = float('-inf')
        self._reading = asyncio.Lock()

    async def ask(self) -> Presentation | None:
        """What it says now, or said last."""
        async with self._reading:
            if time.monotonic() - self._read_at > FRESH_SECONDS:
                try:
                    self.known = Presentation(await self._site(), await self._tools())
                except UpstreamError as error:
                    logger.info('an app does not say how it looks: %s', error)
                self._read_at = time.monotonic()
            return self.known

    async def _site(self) -> Site:
        try:
            return await self._client.site()
        except UpstreamError as error:
            if error.status not in NO_SITE:
                raise
            return Site()

    async def _tools(self) -> dict[str, ToolPicture]:
        try:
            icons = await self._client.meta()
        except UpstreamError as error:
            logger.info('an app does not tell the icons of its tools: %s', error)
            return {}
        return {tool: await self._picture(icon) for tool, icon in list(icons.items())[:MOST_TOOLS]}

    async def _picture(self, icon: ToolIcon) -> ToolPicture:
        if icon.url and icon.url not in self._images:
            try:
                self._images[icon.url] = logo(await self._client.tool_icon(icon))
            except (UpstreamError, ValueError) as error:
                logger.info('the icon of a tool can not be shown: %s', error)
                self._images[icon.url] = None
        return ToolPicture(icon.emoji, icon.background, self._images.get(icon.url))
