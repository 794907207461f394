"""Who may vouch for people, and what is particular about the well-known ones."""

from dataclasses import dataclass
from enum import StrEnum


class Preset(StrEnum):
    """Kinds of providers. All but the last two speak OpenID Connect and are found by their issuer alone."""

    OIDC = 'oidc'
    GOOGLE = 'google'
    ENTRA = 'entra'
    KEYCLOAK = 'keycloak'
    AUTH0 = 'auth0'
    OKTA = 'okta'
    GITLAB = 'gitlab'
    GITHUB = 'github'
    OAUTH2 = 'oauth2'

    @property
    def is_oidc(self) -> bool:
        return self not in {Preset.GITHUB, Preset.OAUTH2}


@dataclass(frozen=True, slots=True, repr=False)
class Provider:
    """One of them, as the settings describe it. Paths of claims have dots: `realm_access.roles`."""

    name: str  # in our addresses: `/auth/{name}/login`
    preset: Preset
    label: str  # on its button
    issuer: str  # without a slash at the end unless its own configuration has one
    client_id: str
    client_secret: str  # '' for a public client
    scopes: tuple[str, ...]
    groups_claim: str = 'groups'
    admin_claim: str = ''  # where `admin_groups` are looked for; '' for `groups_claim`
    admin_groups: frozenset[str] = frozenset()
    reader_claim: str = ''  # the same two for those who may read other people's conversations
    reader_groups: frozenset[str] = frozenset()
    allowed_domains: frozenset[str] = frozenset()  # as `admission.canonical_domain` has them; none: all
    trusts_email: bool = False  # take an address as verified if nothing is said of it
    subject_claim: str = 'sub'
    authorize_url: str = ''  # these three: OAuth without discovery
    token_url: str = ''
    userinfo_url: str = ''

    def vouches_for(self, issuer: str) -> bool:
        """Whether an identity of that issuer comes from here."""
        return issuer.rstrip('/') == self.issuer.rstrip('/')
