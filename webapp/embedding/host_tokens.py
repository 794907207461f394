"""Whether a host's token says who is there: signed by one of its keys, for this embed, just now. Pure.

Its claims: `aud` (our address of the embed), `sub`, `iat`, `exp`, `jti`, and perhaps `name`, `email`, `email_verified`
and `groups`. That it counts once is the store's to know.
"""

import functools
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key as JoseKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from webapp.auth import compact
from webapp.embeds import Algorithm, Embed, Key
from webapp.errors import AppError
from webapp.principal import Identity
from webapp.store.embeds import HostToken

LIFETIME = timedelta(minutes=5)  # from `iat` to `exp`, at the most
LEEWAY = timedelta(seconds=60)  # that the host's clock may be ahead of ours
MAX_TOKEN = 20_000  # characters
MAX_TEXT = 500  # characters of a claim
MAX_GROUPS = 200
MAX_SECONDS = 2**40  # after that, no date
MIN_RSA = 2048  # bits
KINDS: dict[Algorithm, type[OctKey | RSAKey | ECKey | OKPKey]] = {
    'HS256': OctKey, 'RS256': RSAKey, 'ES256': ECKey, 'EdDSA': OKPKey,
}  # fmt: skip

Json = dict[str, Any]


class HostTokenRefused(AppError):
    """:param reason: a stable word, which has words for whoever writes the host"""

    code = 'embed_refused'
    status = 403

    def __init__(self, reason: str, detail: str = '') -> None:
        self.reason = reason
        super().__init__(detail=f'{reason}: {detail}' if detail else reason)
        self.about = detail


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a good token says."""

    identity: Identity
    kid: str
    token: HostToken


def check(token: str, embed: Embed, *, audience: str, now: datetime) -> Vouched:
    """
    :param audience: our public address of the embed
    :raises HostTokenRefused: `malformed`, `unknown_key`, `algorithm`, `signature`, `audience`, `claim`, `expired`,
        `from_the_future`, `too_long`
    """
    header, claims = _parts(token)
    key = _key(header, embed)
    if not _is_signed(token, key):
        raise HostTokenRefused('signature', f'it was not made with the key {key.kid}, or was changed')
    if claims.get('aud') not in (audience, [audience]):
        raise HostTokenRefused('audience', f'aud must be {audience}')
    expires_at = _check_times(claims, now)
    id_ = hashlib.sha256(f'{embed.issuer}\0{_text(claims, "jti")}'.encode()).hexdigest()
    identity = Identity(
        issuer=embed.issuer,
        subject=_text(claims, 'sub'),
        provider=embed.issuer,
        name=_text(claims, 'name', default=''),
        email=_text(claims, 'email', default=''),
        email_verified=claims.get('email_verified') is True,
        groups=_groups(claims),
    )
    return Vouched(identity, key.kid, HostToken(id_, expires_at))


def sign(
    key: Key, claims: Mapping[str, object], *, audience: str, now: datetime, lifetime: timedelta = LIFETIME
) -> str:
    """A token as a host makes it, to try an embed with.

    :param claims: who is there: `sub`, and perhaps `name`, `email` and `groups`
    :raises ValueError: it is a public key, and only the host can sign
    """
    if key.algorithm != 'HS256':
        raise ValueError(f'{key.kid} is a public key')
    begun = int(now.timestamp())
    times = {'iat': begun, 'exp': begun + int(lifetime.total_seconds()), 'jti': secrets.token_hex(16)}
    payload = orjson.dumps({'aud': audience, **times, **claims})
    return jws.serialize_compact({'alg': key.algorithm, 'kid': key.kid, 'typ': 'JWT'}, payload, _jose(key))


def key_fault(key: Key) -> str:
    """What keeps a key from being used; '' for nothing."""
    try:
        found = _jose(key)
    except (JoseError, ValueError, TypeError) as error:
        return f'can not be read ({type(error).__name__})'
    if found.is_private and key.algorithm != 'HS256':
        return 'is a private key; only its public half belongs here'
    if isinstance(found, RSAKey) and found.raw_value.key_size < MIN_RSA:
        return f'is too short; an RSA key needs {MIN_RSA} bits'
    return ''


def algorithm_of(pem: str) -> Algorithm:
    """The one algorithm by which tokens are checked against a public key.

    :raises ValueError: it is none that we take
    """
    for algorithm, kind in KINDS.items():
        if kind is OctKey:
            continue
        try:
            found = kind.import_key(pem)
        except (JoseError, ValueError, TypeError):
            continue
        curve = getattr(found, 'curve_name', '')
        if (algorithm, curve) in {('RS256', ''), ('ES256', 'P-256'), ('EdDSA', 'Ed25519')}:
            return algorithm
    raise ValueError('is no public key as PEM that we take: RSA, P-256 or Ed25519')


def _parts(token: str) -> tuple[Json, Json]:
    parts = token.split('.') if len(token) <= MAX_TOKEN and token.isascii() else []
    if len(parts) != 3:
        raise HostTokenRefused('malformed', 'not three parts with dots between')
    return _json(parts[0]), _json(parts[1])


def _json(text: str) -> Json:
    try:
        return compact.part(text)
    except ValueError as error:
        raise HostTokenRefused('malformed', 'its parts must be JSON objects in base64url') from error


def _key(header: Json, embed: Embed) -> Key:
    kid = header.get('kid')
    key = embed.key(kid) if isinstance(kid, str) else None
    if key is None:
        raise HostTokenRefused('unknown_key', 'the header must name a key of this embed as kid')
    if header.get('alg') != key.algorithm:
        raise HostTokenRefused('algorithm', f'the key {key.kid} is for {key.algorithm}')
    if 'crit' in header or 'b64' in header:
        raise HostTokenRefused('malformed', 'its header asks for what we do not know')
    return key


def _is_signed(token: str, key: Key) -> bool:
    try:
        jws.deserialize_compact(token, _jose(key), registry=_Registry(algorithms=(key.algorithm,)))
    except (JoseError, ValueError, RecursionError):
        return False
    return True


class _Registry(JWSRegistry):
    max_header_length = max_payload_length = MAX_TOKEN

    def get_alg(self, name: str) -> Any:
        """Without the warning that the base has for `EdDSA`; which names are good has been decided."""
        return self.algorithms[name]


@functools.lru_cache(maxsize=100)
def _jose(key: Key) -> JoseKey:
    return KINDS[key.algorithm].import_key(key.material)


def _check_times(claims: Json, now: datetime) -> datetime:
    """When it expires."""
    issued_at, expires_at, seconds = _moment(claims, 'iat'), _moment(claims, 'exp'), now.timestamp()
    if expires_at <= seconds:
        raise HostTokenRefused('expired', f'exp was {seconds - expires_at:.0f} s ago by our clock')
    starts_at = max(issued_at, _moment(claims, 'nbf') if 'nbf' in claims else issued_at)
    if starts_at > seconds + LEEWAY.total_seconds():
        raise HostTokenRefused('from_the_future', f'it counts only in {starts_at - seconds:.0f} s by our clock')
    if expires_at - issued_at > LIFETIME.total_seconds():
        raise HostTokenRefused('too_long', f'{expires_at - issued_at:.0f} s lie between iat and exp')
    return datetime.fromtimestamp(expires_at, UTC)


def _moment(claims: Json, name: str) -> float:
    found = claims.get(name)
    if not compact.is_number(found) or not 0 < found < MAX_SECONDS:
        raise HostTokenRefused('claim', f'{name} must be a number of seconds since 1970')
    return found


def _text(claims: Json, name: str, *, default: str | None = None) -> str:
    found = claims.get(name, default)
    if found is None and default is not None:
        return default  # what many write for "not known"
    if not isinstance(found, str) or len(found) > MAX_TEXT or (not found and default is None):
        raise HostTokenRefused('claim', f'{name} must be a text of at most {MAX_TEXT} characters')
    return found


def _groups(claims: Json) -> frozenset[str]:
    found = claims.get('groups') or []
    if not isinstance(found, list) or len(found) > MAX_GROUPS or not all(isinstance(each, str) for each in found):
        raise HostTokenRefused('claim', f'groups must be a list of at most {MAX_GROUPS} texts')
    return frozenset(found)
