"""Which ID tokens and logout tokens are believed."""

import base64
import hashlib
import warnings
from datetime import UTC, datetime
from typing import Any

import pytest
from issuer import CLIENT, KEYS, by_public_key, part, unsigned
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey

from webapp.auth import id_tokens
from webapp.auth.id_tokens import LOGOUT_EVENT, Audience, TokenRefused, UnknownKey
from webapp.auth.keys import Keys

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER = 'https://id.example'
US = Audience(ISSUER, CLIENT)
HONEST = {'iss': ISSUER, 'sub': 'ann-1', 'aud': CLIENT, 'iat': SECONDS, 'exp': SECONDS + 300, 'nonce': 'n-1'}
PUBLISHED = Keys.of({'keys': [KEYS['first'].as_dict(private=False)]})
EC, ED = ECKey.generate_key('P-256'), OKPKey.generate_key('Ed25519')


def sign(key: Any = KEYS['first'], alg: str = 'RS256', header: dict[str, Any] | None = None, **claims: Any) -> str:
    said = {name: value for name, value in (HONEST | claims).items() if value is not None}
    return jwt.encode({'alg': alg, 'kid': 'first'} | (header or {}), said, key, algorithms=[alg])


def check(token: str, keys: Keys = PUBLISHED, *, nonce: str | None = 'n-1', access_token: str = '') -> dict[str, Any]:
    return id_tokens.check(token, keys, US, now=NOW, nonce=nonce, access_token=access_token)


@pytest.mark.parametrize(
    'claims',
    [
        {},
        {'aud': [CLIENT]},
        {'aud': [CLIENT, 'other'], 'azp': CLIENT},
        {'azp': CLIENT},
        {'iat': SECONDS - 90, 'exp': SECONDS - 90},
        {'iat': SECONDS + 90, 'nbf': SECONDS + 90},
        {'iat': SECONDS - 300, 'nbf': SECONDS - 300},
        {'iat': float(SECONDS)},
        {'groups': [f'group-{number}' for number in range(2000)]},
    ],
)
def test_an_honest_token_is_believed(claims: dict[str, Any]) -> None:
    assert check(sign(**claims))['sub'] == 'ann-1'


@pytest.mark.parametrize(
    ('claims', 'reason'),
    [
        ({'iss': 'https://evil.example'}, 'iss'),
        ({'iss': f'{ISSUER}/'}, 'iss'),
        ({'iss': [ISSUER]}, 'iss'),
        ({'iss': None}, 'iss'),
        ({'aud': 'other'}, 'aud'),
        ({'aud': ['other', 'another']}, 'aud'),
        ({'aud': []}, 'aud'),
        ({'aud': {CLIENT: 1}}, 'aud'),
        ({'aud': None}, 'aud'),
        ({'aud': [CLIENT, 'other']}, 'azp'),
        ({'aud': [CLIENT, 'other'], 'azp': 'other'}, 'azp'),
        ({'azp': 'other'}, 'azp'),
        ({'nonce': 'n-2'}, 'nonce'),
        ({'nonce': None}, 'nonce'),
        ({'nonce': ['n-1']}, 'nonce'),
        ({'exp': SECONDS - 600, 'iat': SECONDS - 900}, 'clock'),
        ({'exp': SECONDS - 121}, 'clock'),
        ({'exp': None}, 'exp'),
        ({'exp': '9999999999'}, 'exp'),
        ({'exp': True}, 'exp'),
        ({'iat': SECONDS + 600, 'exp': SECONDS + 900}, 'clock'),
        ({'iat': SECONDS - 600, 'exp': SECONDS + 3000}, 'clock'),
        ({'iat': None}, 'iat'),
        ({'iat': 10**30}, 'clock'),
        ({'nbf': SECONDS + 600}, 'clock'),
        ({'sub': None}, 'sub'),
        ({'sub': ''}, 'sub'),
        ({'sub': 1}, 'sub'),
        ({'sub': ['ann-1']}, 'sub'),
        ({'at_hash': 'other'}, 'at_hash'),
        ({'at_hash': None, 'events': {LOGOUT_EVENT: {}}}, 'kind'),
    ],
)
def test_claims_that_do_not_fit_are_refused(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        check(sign(**claims), access_token='access')
    assert refused.value.reason == reason
    assert ('clock' in refused.value.detail) == (reason == 'clock')


@pytest.mark.parametrize(
    ('token', 'reason'),
    [
        (unsigned(HONEST), 'algorithm'),
        (by_public_key(HONEST), 'algorithm'),
        (jwt.encode({'alg': 'HS256', 'kid': 'first'}, HONEST, OctKey.import_key('0' * 40)), 'algorithm'),
        (sign().replace('.', '..', 1), 'malformed'),
        (f'{part({"alg": "XX999"})}.{part(HONEST)}.c2ln', 'algorithm'),
        (f'{part({"alg": ["RS256"]})}.{part(HONEST)}.c2ln', 'algorithm'),
        (f'{part({"kid": "first"})}.{part(HONEST)}.c2ln', 'algorithm'),
        (f'{part({"alg": "RS256", "kid": "first"})}.{part(HONEST)}.c2ln', 'signature'),
        (sign().rpartition('.')[0] + '.', 'signature'),
        (sign(KEYS['foreign']), 'signature'),
        (sign(KEYS['foreign'], header={'jwk': KEYS['foreign'].as_dict(private=False)}), 'signature'),
        (sign(header={'kid': 'unheard-of'}), 'unknown_key'),
        (sign(header={'typ': 'logout+jwt'}), 'kind'),
        (sign(header={'typ': 'at+jwt'}), 'kind'),
        (sign(groups=['x' * 90_000]), 'malformed'),
        ('', 'malformed'),
        ('a.b', 'malformed'),
        ('a.b.c', 'malformed'),
        ('é.b.c', 'malformed'),
        (f'{part([1])}.{part(HONEST)}.c2ln', 'malformed'),
        (f'{part({"alg": "RS256", "kid": 7})}.{part(HONEST)}.c2ln', 'malformed'),
        (f'{part({"alg": "RS256", "kid": "first"})}.{part([1])}.c2ln', 'malformed'),
    ],
)
def test_what_the_provider_has_not_signed_is_refused(token: str, reason: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        check(token)
    assert refused.value.reason == reason


def test_deep_nesting_is_refused_and_no_bug() -> None:
    for depth in (500, 950, 1020, 5000):
        header = '{"alg":"RS256","kid":"first","x":' + '[' * depth + ']' * depth + '}'
        nested = base64.urlsafe_b64encode(header.encode()).rstrip(b'=').decode()
        with pytest.raises(TokenRefused):
            check(f'{nested}.{part(HONEST)}.c2ln')


@pytest.mark.parametrize(
    ('key', 'algorithm'),
    [(KEYS['first'], 'RS256'), (KEYS['first'], 'PS384'), (EC, 'ES256'), (ED, 'EdDSA'), (ED, 'Ed25519')],
)
def test_every_way_to_sign_with_a_private_key_is_known(key: Any, algorithm: str) -> None:
    keys = Keys.of({'keys': [KEYS['second'].as_dict(private=False), {**key.as_dict(private=False), 'kid': 'first'}]})
    assert check(_sign_quietly(key, algorithm), keys)


def _sign_quietly(key: Any, algorithm: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return sign(key, algorithm)


def test_a_token_need_not_name_its_key() -> None:
    many = Keys.of({'keys': [KEYS[name].as_dict(private=False) for name in ('second', 'first')]})
    token = jwt.encode({'alg': 'RS256'}, HONEST, KEYS['first'])
    assert check(token, many)
    with pytest.raises(UnknownKey):
        check(jwt.encode({'alg': 'RS256'}, HONEST, KEYS['foreign']), many)


@pytest.mark.parametrize(
    'key',
    [
        {'kty': 'oct', 'k': 'c2VjcmV0', 'kid': 'first'},
        {**KEYS['first'].as_dict(private=False), 'use': 'enc'},
        {**KEYS['first'].as_dict(private=False), 'alg': 'RS512'},
        {'kty': 'RSA', 'kid': 'first', 'n': '!', 'e': 'AQAB'},
        {'kty': 'RSA', 'kid': 'first'},
        {'kid': 'first'},
        'first',
    ],
)
def test_keys_for_something_else_are_not_used(key: object) -> None:
    with pytest.raises(TokenRefused):
        check(sign(), Keys.of({'keys': [key]}))


def test_the_hash_of_an_access_token_that_belongs_to_it() -> None:
    half = base64.urlsafe_b64encode(hashlib.sha256(b'access').digest()[:16]).rstrip(b'=').decode()
    assert check(sign(at_hash=half), access_token='access')


def test_a_refreshed_token_has_no_nonce_to_compare() -> None:
    assert check(sign(nonce=None), nonce=None)


@pytest.mark.parametrize(
    ('auth_time', 'is_fresh'),
    [(None, False), (SECONDS, True), (SECONDS - 90, True), (SECONDS - 600, False), ('x', False)],
)
def test_whether_somebody_has_just_proven_who_they_are(auth_time: object, is_fresh: bool) -> None:
    claims = {} if auth_time is None else {'auth_time': auth_time}
    assert id_tokens.authenticated_since(claims, NOW) is is_fresh


LOGOUT = {'nonce': None, 'exp': SECONDS + 120, 'jti': 'j-1', 'events': {LOGOUT_EVENT: {}}, 'sid': 's-1'}


def test_a_logout_token_says_whose_sessions_end() -> None:
    found = id_tokens.check_logout(sign(header={'typ': 'logout+jwt'}, **LOGOUT), PUBLISHED, US, now=NOW)
    assert (found.issuer, found.subject, found.session, found.id) == (ISSUER, 'ann-1', 's-1', 'j-1')
    assert found.expires_at > NOW
    by_session = id_tokens.check_logout(sign(**LOGOUT | {'sub': None, 'exp': None}), PUBLISHED, US, now=NOW)
    assert (by_session.subject, by_session.session) == ('', 's-1')
    several = sign(**LOGOUT | {'aud': [US.client_id, 'other']})
    assert id_tokens.check_logout(several, PUBLISHED, US, now=NOW).subject == 'ann-1'


@pytest.mark.parametrize(
    ('claims', 'reason'),
    [
        ({'nonce': 'n-1'}, 'nonce'),
        ({'events': None}, 'kind'),
        ({'events': {}}, 'kind'),
        ({'events': {LOGOUT_EVENT: True}}, 'kind'),
        ({'events': [LOGOUT_EVENT]}, 'kind'),
        ({'jti': None}, 'jti'),
        ({'jti': 'x' * 501}, 'jti'),
        ({'jti': 7}, 'jti'),
        ({'sub': None, 'sid': None}, 'subject'),
        ({'sid': 7}, 'subject'),
        ({'sub': 7}, 'sub'),
        ({'aud': 'other'}, 'aud'),
        ({'iss': 'https://evil.example'}, 'iss'),
        ({'iat': SECONDS - 600}, 'clock'),
        ({'iat': SECONDS + 600}, 'clock'),
        ({'iat': None}, 'iat'),
        ({'exp': SECONDS - 600}, 'clock'),
    ],
)
def test_other_logout_tokens_end_nothing(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        id_tokens.check_logout(sign(**LOGOUT | claims), PUBLISHED, US, now=NOW)
    assert refused.value.reason == reason


def test_an_id_token_is_no_logout_token_nor_the_other_way_round() -> None:
    with pytest.raises(TokenRefused):
        id_tokens.check_logout(sign(jti='j-1', nonce=None), PUBLISHED, US, now=NOW)
    with pytest.raises(TokenRefused):
        check(sign(**LOGOUT), nonce=None)
    with pytest.raises(TokenRefused):
        id_tokens.check_logout(sign(header={'typ': 'at+jwt'}, **LOGOUT), PUBLISHED, US, now=NOW)
