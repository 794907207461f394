"""What the settings say of those who vouch for people, filled up with what is known of the well-known ones."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from webapp.auth.admission import canonical_domain
from webapp.auth.providers import Preset, Provider
from webapp.principal import GUEST, LOCAL
from webapp.settings.given import Given
from webapp.settings.tables import ProviderTable
from webapp.upstream.address import is_loopback

GUID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', re.IGNORECASE)
RESERVED = {LOCAL, GUEST}  # no provider may be called so
OPENID = ('openid', 'profile', 'email')


@dataclass(frozen=True, slots=True)
class Known:
    """What need not be said of a preset."""

    label: str = ''
    issuer: str = ''
    scopes: tuple[str, ...] = OPENID
    example: str = 'https://id.example.com'


KNOWN = {
    Preset.OIDC: Known(),
    Preset.GOOGLE: Known('Google', 'https://accounts.google.com'),
    Preset.ENTRA: Known('Microsoft', example='https://login.microsoftonline.com/TENANT-ID/v2.0'),
    Preset.KEYCLOAK: Known(example='https://id.example.com/realms/main'),
    Preset.AUTH0: Known(example='https://example.eu.auth0.com/'),
    Preset.OKTA: Known('Okta', example='https://example.okta.com'),
    Preset.GITLAB: Known('GitLab', 'https://gitlab.com'),
    Preset.GITHUB: Known('GitHub', 'https://github.com', ('read:user', 'user:email')),
    Preset.OAUTH2: Known(scopes=()),
}


def read(given: Given) -> tuple[Provider, ...]:
    """That of the environment, then those of `webapp.toml`."""
    tables = (*_quick_provider(given), *given.file.providers)
    names = [table.name for table in tables]
    for name in sorted({name for name in names if names.count(name) > 1 or name in RESERVED}):
        given.complain(
            f'providers: the name "{name}" is '
            + ('our own; choose another one.' if name in RESERVED else 'used twice; each needs its own.')
        )
    found = tuple(_read(table, given.variables, given.complain) for table in tables)
    for problem in _merged(found):
        given.complain(problem)
    return found


def _read(table: ProviderTable, variables: Mapping[str, str], complain: Callable[[str], None]) -> Provider:
    """A provider of the settings.

    :param complain: told each thing that is wrong, in a sentence
    """
    known, is_oauth2 = KNOWN[table.preset], table.preset is Preset.OAUTH2
    issuer = (table.issuer or known.issuer or (table.authorize_url or '' if is_oauth2 else '')).strip()
    for problem in _problems(table, issuer, known):
        complain(f'providers: "{table.name}" {problem}')
    domains = {name: canonical_domain(name.lstrip('@')) for name in table.allowed_domains}
    for name in (name for name, canonical in domains.items() if not canonical):
        complain(f'providers: "{table.name}" has {name!r} in allowed_domains, which {_why_no_domain(name)}.')
    return Provider(
        name=table.name,
        preset=table.preset,
        label=table.label or known.label or table.name.replace('-', ' ').capitalize(),
        issuer=issuer,
        client_id=table.client_id,
        client_secret=_secret(table, variables, complain),
        scopes=table.scopes or known.scopes,
        groups_claim=table.groups_claim,
        admin_claim=table.admin_claim or '',
        admin_groups=frozenset(table.admin_groups),
        reader_claim=table.reader_claim or '',
        reader_groups=frozenset(table.reader_groups),
        allowed_domains=frozenset(filter(None, domains.values())),
        trusts_email=table.trust_email,
        subject_claim=table.subject_claim or ('id' if table.preset is Preset.GITHUB else 'sub'),
        authorize_url=table.authorize_url or '',
        token_url=table.token_url or '',
        userinfo_url=table.userinfo_url or '',
    )


def _quick_provider(given: Given) -> Iterator[ProviderTable]:
    env = given.env
    quick = {
        'OIDC_ISSUER': env.oidc_issuer,
        'OIDC_CLIENT_ID': env.oidc_client_id,
        'OIDC_CLIENT_SECRET': env.oidc_client_secret,
    }
    present = [name for name, value in quick.items() if value]
    missing = [name for name in ('OIDC_ISSUER', 'OIDC_CLIENT_ID') if name not in present]
    if present and missing:
        given.complain(f'{" and ".join(missing)} missing: {present[0]} is of no use alone.')
    elif env.oidc_issuer and env.oidc_client_id:
        yield _quick_start(env.oidc_issuer.strip(), env.oidc_client_id.strip(), env.oidc_client_secret)


def _quick_start(issuer: str, client_id: str, client_secret: SecretStr | None) -> ProviderTable:
    """The one provider that the environment names."""
    label = urlsplit(issuer).hostname or 'OpenID Connect'
    return ProviderTable(name='oidc', label=label, issuer=issuer, client_id=client_id, client_secret=client_secret)


def _merged(providers: Sequence[Provider]) -> Iterator[str]:
    """People are told apart by issuer and subject: by one issuer, two providers would speak of one person."""
    first: dict[str, str] = {}
    for provider in providers:
        issuer = provider.issuer.rstrip('/')
        other = first.setdefault(issuer, provider.name)
        if issuer and other != provider.name:
            yield f'providers: "{other}" and "{provider.name}" have one issuer, {issuer}; each needs its own.'


def _problems(table: ProviderTable, issuer: str, known: Known) -> Iterator[str]:
    if not issuer and table.preset is not Preset.OAUTH2:
        yield f'has no issuer; set it, for example to {known.example}.'
    elif table.issuer and (fault := _fault(issuer)):
        yield f'has an issuer that {fault}; it looks like {known.example}.'
    tenant = urlsplit(issuer).path.strip('/').partition('/')[0]
    if table.preset is Preset.ENTRA and issuer and not GUID.fullmatch(tenant) and not is_loopback(issuer):
        yield f'must name one tenant by its id: {known.example}. Others could call their people what they like.'
    urls = {name: getattr(table, name) for name in ('authorize_url', 'token_url', 'userinfo_url')}
    for name, url in urls.items():
        if table.preset is not Preset.OAUTH2:
            if url:
                yield f'has {name}, which is for the preset oauth2 alone; take it out.'
        elif not url:
            yield f'has no {name}; the preset oauth2 needs it.'
        elif fault := _fault(url):
            yield f'has {"an" if name.startswith("a") else "a"} {name} that {fault}.'
    if table.subject_claim and table.preset is not Preset.OAUTH2:
        yield 'has subject_claim, which is for the preset oauth2 alone; take it out.'
    if table.preset.is_oidc and table.scopes and 'openid' not in table.scopes:
        yield 'must ask for the scope "openid" too.'
    for name, groups in (('admin', table.admin_groups), ('reader', table.reader_groups)):
        if groups and table.preset is Preset.GITHUB:
            yield f'has {name}_groups, but GitHub tells no groups; name {name}s in WEBAPP_{name.upper()}S.'


def _fault(url: str) -> str:
    """What keeps a text from being an address that secrets may be sent to."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return 'is not an address'
    if parts.scheme not in {'http', 'https'} or not parts.hostname or not url.isprintable() or ' ' in url:
        return 'is not an address'
    if parts.username is not None or parts.password is not None or parts.fragment:
        return 'must not hold a user name, a password or a fragment'
    if parts.scheme == 'http' and not is_loopback(url):
        return 'is not https'
    return ''


def _why_no_domain(name: str) -> str:
    return 'is no domain' if name.isascii() else 'DNS does not know; write it as DNS has it, with xn--'


def _secret(table: ProviderTable, variables: Mapping[str, str], complain: Callable[[str], None]) -> str:
    if table.client_secret is not None and table.client_secret_env is not None:
        complain(f'providers: "{table.name}" has client_secret and client_secret_env; take one of them out.')
    if table.client_secret_env is None:
        return (table.client_secret or SecretStr('')).get_secret_value().strip()
    secret = variables.get(table.client_secret_env, '').strip()
    if not secret:
        complain(f'providers: "{table.name}" has no secret; set {table.client_secret_env}.')
    return secret
