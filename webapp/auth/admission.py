"""Who gets in, and as what: by the settings as they are now, and by what providers said last."""

import re
from collections.abc import Collection, Iterable, Mapping

from webapp.auth.providers import Provider
from webapp.embeds import Embeds
from webapp.errors import Refused
from webapp.principal import EMBED, GUEST, LOCAL, Identity, Role

ADDRESS = re.compile(r'[^@\s"<>]+@([^@\s"<>]+)')
DOMAIN = re.compile(r'[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*', re.ASCII)

People = frozenset[tuple[str, str]]  # as `named` has them


class Admission:
    """:param is_local: everybody who gets this far is the one local person, and the admin
    :param guests: everybody may come in, each as somebody of their own
    :param providers: who may vouch for people
    :param admins: subjects, `provider:subject`, and verified e-mail addresses of the people who are admins
    :param readers: the same, of the people who may read other people's conversations
    :param embeds: pages of other sites, whose hosts vouch for people there
    """

    def __init__(
        self,
        *,
        is_local: bool = False,
        guests: bool = False,
        providers: Iterable[Provider] = (),
        admins: Iterable[str] = (),
        readers: Iterable[str] = (),
        embeds: Embeds = Embeds(),  # noqa: B008 -- a value
    ) -> None:
        self.is_local = is_local
        self.guests = guests
        self.providers: Mapping[str, Provider] = {provider.name: provider for provider in providers}
        self.embeds = embeds
        self._admins = self._people(admins)
        self._readers = self._people(readers)

    def role(self, identity: Identity) -> Role | None:
        """What somebody is here; nothing if they are not let in, or not any more."""
        if identity.provider.startswith(EMBED):
            return self._role_within(identity)
        if self.is_local or identity.provider == LOCAL:
            return Role.ADMIN if self.is_local and identity.provider == LOCAL else None
        if identity.provider == GUEST:
            return Role.GUEST if self.guests else None
        provider = self.providers.get(identity.provider)
        if provider is None or not provider.vouches_for(identity.issuer) or not _is_of_domain(identity, provider):
            return None
        return Role.ADMIN if identity.claims_admin or _is_among(self._admins, identity) else Role.USER

    def admit(self, identity: Identity) -> Role:
        """Let somebody in, as what `role` says. :raises Refused: `not_admitted`"""
        if (role := self.role(identity)) is None:
            raise Refused('not_admitted', f'{identity.provider} is no way in for them', status=403)
        return role

    def _role_within(self, identity: Identity) -> Role | None:
        """Of somebody who has come by a page of another site. Nobody there is an admin, whatever a host may claim."""
        embed = self.embeds.find(identity.provider.removeprefix(EMBED))
        if embed is None:
            return None
        if identity.issuer == GUEST:
            return Role.GUEST if embed.anonymous else None
        if identity.issuer == embed.preview_issuer:
            return Role.USER
        return Role.USER if embed.keys and identity.issuer == embed.issuer else None

    def is_reader(self, identity: Identity) -> bool:
        """Whether somebody may read other people's conversations, as far as their role leads them there."""
        match self.role(identity):
            case None | Role.GUEST:
                return False
        return self.is_local or identity.claims_reader or _is_among(self._readers, identity)

    def _people(self, those: Iterable[str]) -> People:
        return frozenset(filter(None, (named(each, self.providers) for each in those)))


def named(somebody: str, providers: Collection[str]) -> tuple[str, str] | None:
    """Whom one of the `admins` or `readers` means: a provider's name and a subject there, or '' and an address.

    Nobody, if it is a subject alone and several providers might call somebody that: one of them would choose our admins
    for us.
    """
    name, _, subject = somebody.partition(':')
    if subject and name in providers:
        return name, subject
    if '@' in somebody:
        return '', _folded(somebody)
    return (next(iter(providers)), somebody) if len(providers) == 1 else None


def _is_among(people: People, identity: Identity) -> bool:
    by_address = identity.email_verified and ('', _folded(identity.email)) in people
    return by_address or (identity.provider, identity.subject) in people


def _folded(address: str) -> str:
    """The case of other letters stays as it is: there, two addresses of two people may differ by it alone."""
    return address.lower() if address.isascii() else address


def _is_of_domain(identity: Identity, provider: Provider) -> bool:
    """An address that is not verified is worth nothing here; domains are compared as DNS does."""
    if not provider.allowed_domains:
        return True
    return identity.email_verified and domain(identity.email) in provider.allowed_domains


def domain(address: str) -> str:
    """The domain of an e-mail address, as DNS compares it; '' if it is not plainly one address."""
    found = ADDRESS.fullmatch(address)
    return canonical_domain(found[1]) if found else ''


def canonical_domain(name: str) -> str:
    """As DNS compares it, '' if it is none. Other than ASCII letters are taken in their form for DNS alone (`xn--`):
    what they become there depends on whom one asks, and `straße.de` may be, or not be, `strasse.de`.
    """
    folded = name.lower().removesuffix('.') if name.isascii() else ''
    return folded if DOMAIN.fullmatch(folded) else ''
