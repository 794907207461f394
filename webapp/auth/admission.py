"""Who gets in, and as what: by the settings as they are now, and by what providers said last."""

import re
from collections.abc import Iterable, Mapping

from webapp.auth.providers import Provider
from webapp.principal import GUEST, LOCAL, Identity, Role

ADDRESS = re.compile(r'[^@\s"<>]+@([^@\s"<>]+)')
DOMAIN = re.compile(r'[^@\s"<>*/:]+')


class Admission:
    """:param is_local: everybody who gets this far is the one local person, and the admin
    :param guests: everybody may come in, each as somebody of their own
    :param providers: who may vouch for people
    :param admins: subjects, `provider:subject`, and verified e-mail addresses of the people who are admins
    """

    def __init__(
        self,
        *,
        is_local: bool = False,
        guests: bool = False,
        providers: Iterable[Provider] = (),
        admins: Iterable[str] = (),
    ) -> None:
        self.is_local = is_local
        self.guests = guests
        self.providers: Mapping[str, Provider] = {provider.name: provider for provider in providers}
        self._admins = frozenset(admins)
        self._admin_addresses = frozenset(admin.lower() for admin in admins if '@' in admin)

    def role(self, identity: Identity) -> Role | None:
        """What somebody is here; nothing if they are not let in, or not any more."""
        if self.is_local or identity.provider == LOCAL:
            return Role.ADMIN if self.is_local and identity.provider == LOCAL else None
        if identity.provider == GUEST:
            return Role.GUEST if self.guests else None
        provider = self.providers.get(identity.provider)
        if provider is None or not provider.vouches_for(identity.issuer) or not _is_of_domain(identity, provider):
            return None
        return Role.ADMIN if self._is_admin(identity) else Role.USER

    def _is_admin(self, identity: Identity) -> bool:
        names = {identity.subject, f'{identity.provider}:{identity.subject}'}
        by_address = identity.email_verified and identity.email.lower() in self._admin_addresses
        return identity.claims_admin or by_address or not names.isdisjoint(self._admins)


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
    """As DNS compares it, '' if it is none: letters that only look alike differ."""
    if not name.isprintable() or not DOMAIN.fullmatch(name):
        return ''
    try:
        return name.rstrip('.').encode('idna').decode().lower()
    except UnicodeError:
        return ''
