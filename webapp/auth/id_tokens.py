"""Whether a token is from the provider, for us, of now and for this login. Pure: keys, nonce and the time are given."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from webapp.auth import compact
from webapp.auth.keys import Keys
from webapp.auth.wire import Json
from webapp.errors import SignInFailed

# Whatever a provider announces: without a signature, or with a secret that it shares with us, nothing is proven.
ALGORITHMS = (
    'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519',
)  # fmt: skip
LEEWAY = timedelta(minutes=2)  # that clocks may differ by
FRESH = timedelta(minutes=6)  # that a token may be old when we get it; Entra's begin five minutes before they are made
MAX_TOKEN = 100_000  # characters
MAX_TRIED = 8  # keys, for a token that does not say which
MAX_JTI = 500
LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
LOGOUT_TYPE = 'logout+jwt'
OTHER_TYPES = {LOGOUT_TYPE, 'at+jwt'}


class TokenRefused(SignInFailed):
    """:param reason: one word for the audit log"""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        super().__init__(detail=f'{reason}: {detail}')


class UnknownKey(TokenRefused):
    """Signed by a key that we don't know: newer ones are worth a look."""

    def __init__(self) -> None:
        super().__init__('unknown_key', 'none of the keys that the provider publishes has made the signature')


@dataclass(frozen=True, slots=True)
class Audience:
    """Who has to have issued a token, and for whom."""

    issuer: str  # as the provider spells it
    client_id: str


@dataclass(frozen=True, slots=True)
class LogoutToken:
    """What a provider wants ended: one of its sessions, or all of a person."""

    issuer: str
    subject: str  # '' if it names only the session
    session: str  # '' if it means all
    id: str  # its `jti`; each counts once
    expires_at: datetime  # from when on it is refused for its age


def check(
    token: str, keys: Keys, audience: Audience, *, now: datetime, nonce: str | None, access_token: str = ''
) -> Json:
    """The claims of an ID token.

    :param nonce: what was sent along with the login; None for a token that comes with a refresh
    :param access_token: what came along, for tokens that say which one belongs to them
    :raises TokenRefused: also `UnknownKey`
    """
    header, claims = _verified(token, keys)
    if str(header.get('typ', '')).lower() in OTHER_TYPES or _is_logout(claims):
        raise TokenRefused('kind', 'no ID token')
    _check_claims(claims, audience, now, needed=('iss', 'sub', 'aud', 'exp', 'iat'))
    _check_party(claims, audience)
    if nonce is not None and not _equal(claims.get('nonce'), nonce):
        raise TokenRefused('nonce', 'it was not issued for this login')
    if 'at_hash' in claims and access_token and not _equal(claims['at_hash'], _half(access_token, header['alg'])):
        raise TokenRefused('at_hash', 'the access token beside it is another one')
    return claims


def check_logout(token: str, keys: Keys, audience: Audience, *, now: datetime) -> LogoutToken:
    """What a back-channel logout token wants ended. Whether its `id` has been used is not known here.

    :raises TokenRefused: also `UnknownKey`
    """
    header, claims = _verified(token, keys)
    if str(header.get('typ', 'JWT')).lower() not in {LOGOUT_TYPE, 'jwt'} or not _is_logout(claims):
        raise TokenRefused('kind', 'no logout token')
    if 'nonce' in claims:
        raise TokenRefused('nonce', 'a logout token must have none')
    _check_claims(claims, audience, now, needed=('iss', 'aud', 'iat', 'jti'))
    subject, session = claims.get('sub', ''), claims.get('sid', '')
    if not isinstance(session, str) or not (subject or session):
        raise TokenRefused('subject', 'it names neither a person nor a session')
    if not 0 < len(claims['jti']) <= MAX_JTI:
        raise TokenRefused('jti', 'its own name is too long')
    issued_at = datetime.fromtimestamp(claims['iat'], now.tzinfo)
    return LogoutToken(claims['iss'], subject, session, claims['jti'], issued_at + FRESH + LEEWAY)


def authenticated_since(claims: Json, moment: datetime) -> bool:
    """Whether the provider says that somebody has proven who they are since then."""
    at = claims.get('auth_time')
    return compact.is_number(at) and at >= (moment - LEEWAY).timestamp()


def _verified(token: str, keys: Keys) -> tuple[Json, Json]:
    """Header and claims of a token that one of `keys` has signed."""
    if len(token) > MAX_TOKEN or not token.isascii():
        raise TokenRefused('malformed', 'too long, or no token')
    parts = token.split('.')
    if len(parts) != 3:
        raise TokenRefused('malformed', 'not three parts')
    header, claims = _json(parts[0]), _json(parts[1])
    algorithm, kid = header.get('alg'), header.get('kid')
    if algorithm not in ALGORITHMS:
        raise TokenRefused('algorithm', f'{str(algorithm)[:40]!r} is not taken')
    if kid is not None and not isinstance(kid, str):
        raise TokenRefused('malformed', 'its key has a strange name')
    if not any(_is_signed(token, key, algorithm) for key in keys.fitting(algorithm, kid)[:MAX_TRIED]):
        if kid is not None and keys.fitting(algorithm, kid):
            raise TokenRefused('signature', 'it was not made by the provider, or was changed')
        raise UnknownKey
    return header, claims


def _is_signed(token: str, key: Any, algorithm: str) -> bool:
    try:
        jws.deserialize_compact(token, key, registry=_Registry(algorithms=(algorithm,), strict_check_header=False))
    except (JoseError, ValueError, RecursionError):
        return False
    return True


class _Registry(JWSRegistry):
    max_header_length = 16_000  # some bring a chain of certificates
    max_payload_length = MAX_TOKEN

    def get_alg(self, name: str) -> Any:
        """Without the warning that the base has for `EdDSA`, which is another name for what we take."""
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


def _check_claims(claims: Json, audience: Audience, now: datetime, *, needed: Sequence[str]) -> None:
    seconds, leeway = int(now.timestamp()), int(LEEWAY.total_seconds())
    expected: dict[str, ClaimsOption] = {name: {'essential': True} for name in needed}
    expected['iss'] = {'essential': True, 'value': audience.issuer}
    expected['aud'] = {'essential': True, 'value': audience.client_id}
    registry = JWTClaimsRegistry(seconds, leeway, **expected)
    try:
        registry.validate(claims)
    except ExpiredTokenError as error:
        raise _clock(claims, now, f'it has expired ({error})') from error
    except ClaimError as error:
        name = error.claim
        if name in {'iat', 'nbf'} and compact.is_number(claims.get(name)):
            raise _clock(claims, now, f'it is from the future ({name})') from error
        raise TokenRefused(str(name).partition(',')[0], f'the claim is missing or wrong: {error}') from error
    if claims['iat'] < seconds - leeway - int(FRESH.total_seconds()):
        raise _clock(claims, now, 'it was issued too long ago')


def _check_party(claims: Json, audience: Audience) -> None:
    """An ID token for several must say that it was made for us."""
    many = isinstance(claims['aud'], list) and len(set(claims['aud'])) > 1
    if ('azp' in claims or many) and claims.get('azp') != audience.client_id:
        raise TokenRefused('azp', 'it was issued for another client')


def _clock(claims: Json, now: datetime, what: str) -> TokenRefused:
    issued_at = claims.get('iat')
    age = f'{now.timestamp() - issued_at:+.0f} s' if compact.is_number(issued_at) else 'unknown'
    return TokenRefused('clock', f"{what}; its age is {age}: compare the clock here with the provider's")


def _is_logout(claims: Json) -> bool:
    events = claims.get('events')
    return isinstance(events, dict) and isinstance(events.get(LOGOUT_EVENT), dict)


def _equal(given: object, expected: str) -> bool:
    return isinstance(given, str) and secrets.compare_digest(given.encode(), expected.encode())


def _half(text: str, algorithm: str) -> str:
    """The left half of a hash, as `at_hash` has it."""
    size = algorithm[-3:] if algorithm[2:].isdigit() else '512'
    digest = hashlib.new(f'sha{size}', text.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b'=').decode()


def _json(text: str) -> Json:
    try:
        return compact.part(text)
    except ValueError as error:
        raise TokenRefused('malformed', str(error)) from error
