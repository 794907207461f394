"""Pages of other sites that show the chat: which may, who vouches for the people there, and how it looks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal
from urllib.parse import urlsplit

from webapp.branding import Branding
from webapp.errors import NotFound
from webapp.origins import ANY_LABEL, NAME, fits
from webapp.principal import EMBED, PREVIEW, Within

PREFIX, CHAT = '/embed/', '/chat'
SIGN_IN, SIGNED_IN = '/sign-in', '/signed-in'  # pages of a window of its own

Algorithm = Literal['HS256', 'RS256', 'ES256', 'EdDSA']
Theme = Literal['auto', 'light', 'dark']


class Layout(StrEnum):
    BUBBLE = 'bubble'  # a panel that the host's script opens and closes
    COMPACT = 'compact'  # one conversation at a time
    FULL = 'full'  # with the list of conversations


@dataclass(frozen=True, slots=True)
class Key:
    """By which a host signs. Its algorithm is fixed: whoever has a public key can't sign with it as a secret."""

    kid: str
    algorithm: Algorithm
    material: str = field(repr=False)  # the secret, or the public key as PEM


@dataclass(frozen=True, slots=True)
class Embed:
    """One of the places where the chat is shown.

    :ivar origins: of pages that may show it: `https://www.example.com`, or `https://*.example.com` for any one label
    :ivar anonymous: visitors may come in for whom nobody vouches
    :ivar sign_in: people may sign in with a provider of ours, in a window of its own
    :ivar usage: people here see what answers cost
    :ivar share_text: the host's page is told what is asked and answered
    :ivar budget_group: the group that all answers here are charged to; '' for the groups of each person
    """

    id: str
    app: str
    origins: tuple[str, ...]
    keys: tuple[Key, ...] = ()
    anonymous: bool = False
    sign_in: bool = False
    layout: Layout = Layout.BUBBLE
    theme: Theme = 'auto'
    language: str = ''  # in which numbers and dates are written; '' for the browser's
    header: bool = True
    usage: bool = False
    share_text: bool = False
    budget_group: str = ''
    branding: Branding = Branding()  # noqa: RUF009 -- a value

    @property
    def path(self) -> str:
        """Where a page of somebody else's begins."""
        return PREFIX + self.id

    @property
    def chat_path(self) -> str:
        return self.path + CHAT

    @property
    def sign_in_path(self) -> str:
        """The first page of a window in which somebody signs in for a frame."""
        return self.path + SIGN_IN

    @property
    def signed_in_path(self) -> str:
        """The last one."""
        return self.path + SIGNED_IN

    @property
    def issuer(self) -> str:
        """Of the people whom its hosts vouch for: the same for all keys, so that they may change."""
        return EMBED + self.id

    @property
    def preview_issuer(self) -> str:
        """Of the people as whom admins look at it on a page of ours."""
        return PREVIEW + self.id

    def key(self, kid: str) -> Key | None:
        return next((key for key in self.keys if key.kid == kid), None)

    def is_shown_by(self, origin: str) -> bool:
        """Whether a page of that origin may show it."""
        return any(fits(origin, allowed) for allowed in self.origins)

    def stands_behind(self, within: Within) -> bool:
        """Whether a session that began here may go on: under the settings as they are now."""
        is_vouched_for = not within.kid or self.key(within.kid) is not None
        return is_vouched_for and all(self.is_shown_by(each) or each in self.origins for each in within.origins)


class Embeds:
    """All of them, by id."""

    def __init__(self, embeds: Iterable[Embed] = ()) -> None:
        self._embeds = {embed.id: embed for embed in embeds}

    def __iter__(self) -> Iterator[Embed]:
        return iter(self._embeds.values())

    def get(self, id_: str) -> Embed:
        """:raises NotFound: there is none of that name"""
        try:
            return self._embeds[id_]
        except KeyError:
            raise NotFound from None

    def find(self, id_: str) -> Embed | None:
        return self._embeds.get(id_)


def fault(origin: str) -> str:
    """What keeps a text from being an origin that may be allowed; '' for nothing."""
    try:
        url = urlsplit(origin)
        port = url.port
    except ValueError:
        return 'is not an origin'
    host = url.netloc.lower().removesuffix(f':{port}' if port is not None else '')
    if '*' in host and not (host.startswith(ANY_LABEL) and '*' not in host[1:] and '.' in host.removeprefix(ANY_LABEL)):
        return 'has a star that may stand for too much; write https://*.example.com for any one name before that'
    if url.scheme not in {'http', 'https'} or not NAME.fullmatch(host.removeprefix(ANY_LABEL)):
        return 'is not an origin'
    if url.path not in {'', '/'} or url.query or url.fragment:
        return 'must have no path'
    return ''


def canonical(origin: str) -> str:
    """As browsers write it: lower case, without a slash at the end, without the port that the scheme has anyway."""
    url = urlsplit(origin.lower())
    return f'{url.scheme}://{url.netloc.removesuffix(":443" if url.scheme == "https" else ":80")}'
