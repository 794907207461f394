"""The Dify apps that this instance is the front door of."""

import asyncio
import logging
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import filetype

from webapp.branding import Branding
from webapp.errors import NotFound, UpstreamError
from webapp.latest import Latest
from webapp.line import Line
from webapp.prices import Price
from webapp.principal import Principal, Role
from webapp.toolbox import Toolbox
from webapp.upstream.client import DifyClient
from webapp.upstream.health import Health
from webapp.upstream.parameters import Info, Parameters, Site

logger = logging.getLogger(__name__)

FRESH_SECONDS = 300.0
FORGET_SECONDS = 3600.0  # servers are updated now and then
IMPATIENT_SECONDS = 15.0  # while it is down: as soon as it is well, that is to be seen
MOST_ICON = 512 * 1024  # bytes
ICONS = frozenset({'image/gif', 'image/jpeg', 'image/png', 'image/webp'})


@dataclass(frozen=True, slots=True)
class Icon:
    """A picture that stands for an app."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class About:
    """What an app says of itself.

    :ivar site: without the address of its icon, which is another one each time, and upstream's
    """

    info: Info
    parameters: Parameters
    site: Site = Site()  # noqa: RUF009 -- a value
    icon: Icon | None = None  # None: `site` may name an emoji

    @property
    def description(self) -> str:
        return self.site.description.strip() or self.info.description.strip()


class App:
    """One published assistant: its key is in `client`, its line in front of the upstream in `line`.

    :param running: how many answers it may write at once; 0 means no limit
    :param answered_by: the model and its host, where the demo relays to one
    :param branding: how its pages present themselves
    :param guests: whether people without a login may use it
    :param groups: who of those with one may; empty: all of them
    :param prices: for answers that Dify tells the tokens of and no price
    """

    def __init__(
        self,
        slug: str,
        client: DifyClient,
        *,
        name: str = '',
        running: int = 8,
        is_demo: bool = False,
        answered_by: tuple[str, str] | None = None,
        branding: Branding = Branding(),  # noqa: B008 -- a value
        guests: bool = False,
        groups: Collection[str] = (),
        prices: Sequence[Price] = (),
    ) -> None:
        self.slug = slug
        self._name = name
        self.client = client
        self.toolbox = Toolbox(client)
        self.line = Line(running)
        self.is_demo = is_demo
        self.answered_by = answered_by
        self.branding = branding
        self._guests = guests
        self._groups = frozenset(groups)
        self.prices = tuple(prices)
        self.known: About | None = None  # what it said last
        self.told = Latest(0)  # counts how often it said something else than before
        self._read_at = float('-inf')
        self._resumes_from = float('-inf')
        self._reading = asyncio.Lock()

    @property
    def name(self) -> str:
        """As the settings say, else as the app says itself; '' while nobody has said."""
        return self._name or (self.known.info.name if self.known else '')

    @property
    def health(self) -> Health:
        return self.client.health

    @property
    def can_resume(self) -> bool:
        """Whether runs can be heard again, as far as is known: older servers have no address for it."""
        return time.monotonic() >= self._resumes_from

    def note_no_resuming(self) -> None:
        """Remember for a while that they can't."""
        self._resumes_from = time.monotonic() + FORGET_SECONDS

    def admits(self, principal: Principal) -> bool:
        """Whether somebody may use it. Admins answer for all apps, so all are open to them.

        Where a page of somebody else's shows one app, visitors whom nobody vouches for may use that very one.
        """
        if principal.app and principal.app != self.slug:
            return False
        match principal.role:
            case Role.ADMIN:
                return True
            case Role.GUEST:
                return self._guests or bool(principal.app)
            case _:
                return not self._groups or not self._groups.isdisjoint(principal.groups)

    async def about(self, *, anew: bool = False) -> About:
        """Name, mode, opening statement, form, limits and look; asked at most every five minutes.

        :param anew: ask now, however lately it was asked
        :raises UpstreamError: it can't be asked and never could be; or not now, though it was to be asked anew
        """
        async with self._reading:
            fresh = IMPATIENT_SECONDS if self.health.is_down else FRESH_SECONDS
            if anew or self.known is None or time.monotonic() - self._read_at > fresh:
                before = self.known
                try:
                    self.known = await self._ask()
                except UpstreamError:
                    if anew or self.known is None:
                        raise
                self._read_at = time.monotonic()
                if self.known != before:
                    self.told.set(self.told.value + 1)
            return self.known

    async def _ask(self) -> About:
        info = await self.client.info()
        site, icon = Site(), None
        try:
            site = await self.client.site()
            icon = await self._icon(site.icon_url) if site.icon_url else None
        except UpstreamError as error:  # it works without a look
            logger.info('app %s: no look, or no icon: %s', self.slug, error)
        return About(info, await self.client.parameters(), replace(site, icon_url=''), icon)

    async def _icon(self, url: str) -> Icon | None:
        async with self.client.file(url, is_courtesy=True) as answer:
            content = await answer.read(MOST_ICON)
        found = filetype.guess(content)
        return Icon(content, found.mime) if found and found.mime in ICONS else None


class Apps:
    """All apps, in the order of the settings; the first one is the default."""

    def __init__(self, apps: Iterable[App]) -> None:
        self._apps = {app.slug: app for app in apps}

    def __iter__(self) -> Iterator[App]:
        return iter(self._apps.values())

    def get(self, slug: str) -> App:
        """:raises NotFound: no app of that name"""
        try:
            return self._apps[slug]
        except KeyError:
            raise NotFound from None

    def of(self, principal: Principal) -> tuple[App, ...]:
        """Those that somebody may use, in their order."""
        return tuple(app for app in self if app.admits(principal))

    def open(self, principal: Principal, slug: str) -> App:
        """:raises NotFound: no app of that name, or not for them: the same answer"""
        app = self.get(slug)
        if not app.admits(principal):
            raise NotFound
        return app

    async def close(self) -> None:
        for app in self:
            await app.client.aclose()
