"""What a provider's claims say of somebody. Pure; how far they are believed is a matter of the provider's settings."""

import logging
from collections.abc import Iterator

from webapp.auth.admission import canonical_domain
from webapp.auth.id_tokens import TokenRefused
from webapp.auth.providers import Preset, Provider
from webapp.auth.wire import Json
from webapp.principal import Identity
from webapp.store.text import clean, fold_title

logger = logging.getLogger(__name__)

NAMES = ('name', 'preferred_username', 'nickname', 'login')
MAX_EMAIL = 254
MAX_GROUP = 500  # characters; a longer name is left out, since a cut one might be another's
MAX_GROUPS = 1000


def identity(provider: Provider, issuer: str, claims: Json) -> Identity:
    """Who somebody is, and what is said of them.

    :param issuer: as the provider spells it
    :param claims: of the ID token, `merged` with those of the userinfo endpoint; for plain OAuth these alone
    :raises TokenRefused: they do not say who it is
    """
    address = _address(claims)
    groups = _texts(find(claims, provider.groups_claim))
    _warn_of_overage(provider, claims)
    return Identity(
        issuer=issuer,
        subject=_subject(provider, claims),
        provider=provider.name,
        name=fold_title(next(filter(None, (_text(claims.get(name)).strip() for name in NAMES)), '')),
        email=address,
        email_verified=bool(address) and _is_verified(provider, claims),
        groups=frozenset(sorted(groups)[:MAX_GROUPS]),
        claims_admin=_grants(provider, provider.admin_claim, provider.admin_groups, claims),
        claims_reader=_grants(provider, provider.reader_claim, provider.reader_groups, claims),
    )


def is_lacking(provider: Provider, claims: Json) -> bool:
    """Whether it is worth asking for more than the ID token says."""
    wanted = ('name', 'email', 'email_verified')
    paths = {provider.groups_claim, provider.admin_claim, provider.reader_claim} - {''}
    return any(name not in claims for name in wanted) or any(find(claims, path) is None for path in paths)


def merged(claims: Json, userinfo: Json) -> Json:
    """The claims of an ID token, filled up. What is said of an address is believed of that address alone.

    :raises TokenRefused: `userinfo` speaks of somebody else
    """
    if userinfo.get('sub') != claims.get('sub'):
        raise TokenRefused('userinfo', 'it speaks of somebody else than the ID token')
    both = {**userinfo, **claims}
    if not claims.get('email'):
        source = userinfo
    elif userinfo.get('email') == claims['email']:
        source = {**userinfo, **claims}
    else:
        source = claims
    for name in ('email', 'email_verified'):
        both.pop(name, None)
        if name in source:
            both[name] = source[name]
    return both


def find(claims: Json, path: str) -> object:
    """The value at a path with dots. A claim whose very name has dots in it comes first: `https://example.com/roles`."""
    if path in claims:
        return claims[path]
    for head, tail in _splits(path):
        inner = claims.get(head)
        if isinstance(inner, dict) and (found := find(inner, tail)) is not None:
            return found
    return None


def _splits(path: str) -> Iterator[tuple[str, str]]:
    """`path` in two parts, at each of its dots."""
    for place, letter in enumerate(path):
        if letter == '.':
            yield path[:place], path[place + 1 :]


def _subject(provider: Provider, claims: Json) -> str:
    subject = claims.get('sub') if provider.preset.is_oidc else find(claims, provider.subject_claim)
    if isinstance(subject, int) and not isinstance(subject, bool) and not provider.preset.is_oidc:
        subject = str(subject)
    if not isinstance(subject, str) or not subject.strip() or clean(subject) != subject:
        raise TokenRefused('subject', 'it does not say who somebody is')
    if provider.preset is Preset.GITHUB and not subject.isdecimal():
        raise TokenRefused('subject', 'the id is no number')
    return subject


def _address(claims: Json) -> str:
    address = _text(claims.get('email')).strip()
    return address if len(address) <= MAX_EMAIL and address.isprintable() and '@' in address else ''


def _is_verified(provider: Provider, claims: Json) -> bool:
    """Nothing said means not verified: anybody may write anything into a profile.

    Google's own accounts may have an address of any domain; those of a company say so in `hd`.
    """
    said = claims.get('email_verified')
    is_verified = provider.trusts_email if said is None else _is_true(said)
    if provider.preset is Preset.GOOGLE and provider.allowed_domains:
        return is_verified and canonical_domain(_text(claims.get('hd'))) in provider.allowed_domains
    return is_verified


def _grants(provider: Provider, claim: str, groups: frozenset[str], claims: Json) -> bool:
    """Whether a claim names one of the groups; without groups, whether it is true."""
    if groups:
        return not groups.isdisjoint(_texts(find(claims, claim or provider.groups_claim)))
    return bool(claim) and _is_true(find(claims, claim))


def _warn_of_overage(provider: Provider, claims: Json) -> None:
    """Entra leaves the groups out when there are many, and names a place where they could be asked for."""
    elsewhere = claims.get('_claim_names')
    is_elsewhere = isinstance(elsewhere, dict) and provider.groups_claim in elsewhere
    if is_elsewhere or _is_true(claims.get('hasgroups')):
        logger.warning(
            'provider %s: somebody is in more groups than it tells, and so counts as in none; '
            'let it tell only the groups assigned to this application, or use its roles (groups_claim = "roles")',
            provider.name,
        )


def _texts(value: object) -> frozenset[str]:
    """Names of groups: one, or a list of them."""
    values = value if isinstance(value, list) else [value]
    return frozenset(clean(each) for each in values if isinstance(each, str) and 0 < len(each) <= MAX_GROUP)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ''


def _is_true(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == 'true')
