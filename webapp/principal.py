"""Who asks, and who vouches for them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

LOCAL = 'local'  # issuer, provider and subject of the one person of local mode
GUEST = 'guest'  # issuer and provider of everybody who has no login
EMBED = 'embed:'  # begins the issuer of whom a page of another site vouches for, and the provider of all who come by it
PREVIEW = 'preview:'  # begins the issuer of those as whom admins look at such a page


class Role(StrEnum):
    """Each may do what those before it may."""

    GUEST = 'guest'
    USER = 'user'
    ADMIN = 'admin'

    def reaches(self, least: 'Role') -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(least)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a provider said of somebody last. `issuer` and `subject` are who they are, the rest may change.

    What follows from it (whether they get in, and as what) is a matter of the settings as they are now, see
    `auth.admission`.
    """

    issuer: str
    subject: str
    provider: str  # its name in our settings; `LOCAL` and `GUEST` are their own
    name: str = ''
    email: str = ''
    email_verified: bool = False  # the provider has seen that mails reach them
    groups: frozenset[str] = frozenset()
    claims_admin: bool = False  # the provider's claim says so
    claims_reader: bool = False  # likewise, see `Principal.is_reader`


@dataclass(frozen=True, slots=True)
class Within:
    """Where a session lives that is not of our own pages: in a page of another site, see `embeds`.

    :ivar origins: of that page; several if it is only known to be one of them; none for the preview on a page of ours
    :ivar kid: of the key by which its host has vouched; '' if it has not
    """

    embed: str
    origins: tuple[str, ...]
    kid: str = ''


@dataclass(frozen=True, slots=True)
class Principal:
    """A person with a live session. Every query of the store names one, and gives only what is theirs."""

    user_id: str
    session_id: str
    role: Role
    dify_user: str  # what Dify knows them by, see `store.users`
    name: str = ''
    groups: frozenset[str] = frozenset()
    is_reader: bool = False  # may read what others have asked and were answered; no role has that by itself
    address: str = field(default='', compare=False)  # that they ask from, where somebody asks
    within: Within | None = None
    app: str = ''  # the only one that they may use here; '' for all that are theirs to use
    charged_to: str = ''  # the group that their answers are charged to, whatever groups they are in

    @property
    def embed(self) -> str:
        """Where they are, within a page of another site; '' on our own pages."""
        return self.within.embed if self.within else ''

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN

    def may_read(self, user_id: str) -> bool:
        """Whether the words of this person are theirs to read: their own, or those of everybody."""
        return self.is_reader or self.user_id == user_id

    def cost_group(self, order: Sequence[str]) -> str:
        """The one group that an answer is charged to: the first of `order` that they are in.

        Without an order, the first by the alphabet; '' for none.
        """
        if self.charged_to:
            return self.charged_to
        if order:
            return next((group for group in order if group in self.groups), '')
        return min(self.groups, default='')
