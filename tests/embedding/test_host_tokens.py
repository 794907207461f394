"""A host's token is checked as if an attacker had written it; nothing in it chooses how it is checked."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from support.embedding import (
    HOST_SECRET,
    OTHER_SECRET,
    Signer,
    b64,
    by_der,
    by_ec,
    by_ed,
    by_rsa,
    by_secret,
    compact,
    private_pem,
    public_pem,
    raw,
)

from webapp.embedding.host_tokens import HostTokenRefused, Vouched, algorithm_of, check, key_fault
from webapp.embeds import Embed, Key

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
AUDIENCE = 'https://chat.example.com/embed/helpdesk'
RSA, RSA_2 = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
EC, EC_2 = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
ED, ED_2 = (ed25519.Ed25519PrivateKey.generate() for _ in range(2))
EMBED = Embed(
    id='helpdesk',
    app='support',
    origins=('https://www.example.com',),
    keys=(
        Key('hs', 'HS256', HOST_SECRET),
        Key('rs', 'RS256', public_pem(RSA)),
        Key('es', 'ES256', public_pem(EC)),
        Key('ed', 'EdDSA', public_pem(ED)),
    ),
)
GOOD = {'aud': AUDIENCE, 'sub': 'ann', 'iat': SECONDS, 'exp': SECONDS + 60, 'jti': 'once'}
HS = {'alg': 'HS256', 'kid': 'hs'}
SIGNERS: dict[str, tuple[str, Signer]] = {
    'hs': ('HS256', by_secret()),
    'rs': ('RS256', by_rsa(RSA)),
    'es': ('ES256', by_ec(EC)),
    'ed': ('EdDSA', by_ed(ED)),
}


def checked(token: str) -> Vouched:
    return check(token, EMBED, audience=AUDIENCE, now=NOW)


def refused(token: str) -> str:
    with pytest.raises(HostTokenRefused) as refusal:
        checked(token)
    return refusal.value.reason


def hs(**changes: object) -> str:
    return compact(HS, GOOD | changes, by_secret())


def without(name: str) -> str:
    return compact(HS, {key: value for key, value in GOOD.items() if key != name}, by_secret())


def written(claims: str) -> str:
    """A token whose claims are this text."""
    return raw(json.dumps(HS).encode(), claims.encode(), by_secret())


def headed(**header: object) -> str:
    return compact({name: value for name, value in (HS | header).items() if value != ...}, GOOD, by_secret())


@pytest.mark.parametrize('kid', SIGNERS)
def test_each_kind_of_key_vouches_for_somebody(kid: str) -> None:
    algorithm, sign = SIGNERS[kid]
    found = checked(compact({'alg': algorithm, 'kid': kid, 'typ': 'JWT'}, GOOD, sign))
    assert (found.kid, found.identity.subject, found.identity.issuer) == (kid, 'ann', 'embed:helpdesk')
    assert found.token.expires_at == NOW + timedelta(seconds=60)


def test_what_else_is_said_is_kept_and_no_more() -> None:
    said = {'name': 'Ann', 'email': 'ann@example.com', 'email_verified': True, 'groups': ['staff', 'chat-admins']}
    identity = checked(hs(**said, admin=True, claims_admin=True, role='admin', provider='company')).identity
    assert (identity.name, identity.email, identity.email_verified) == ('Ann', 'ann@example.com', True)
    assert identity.groups == {'staff', 'chat-admins'}
    assert not identity.claims_admin
    assert not identity.claims_reader
    assert identity.provider == 'embed:helpdesk'


@pytest.mark.parametrize(
    'changes',
    [
        {'aud': [AUDIENCE]},
        {'name': None, 'email': None, 'groups': None},
        {'exp': SECONDS + 0.5},
        {'iat': SECONDS + 60, 'exp': SECONDS + 360},
        {'iat': SECONDS - 299, 'exp': SECONDS + 1},
        {'nbf': SECONDS},
        {'email_verified': 'true'},
        {'sub': 'x' * 500},
        {'sub': 'ünï 🙂'},
    ],
    ids=str,
)
def test_so_does_what_is_just_within_the_bounds(changes: dict[str, object]) -> None:
    found = checked(hs(**changes))
    assert found.identity.email_verified is False
    assert found.identity.groups == frozenset()


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'exp': SECONDS}, 'expired'),
        ({'exp': SECONDS - 1}, 'expired'),
        ({'iat': SECONDS - 3600, 'exp': SECONDS - 3599}, 'expired'),
        ({'iat': SECONDS + 61, 'exp': SECONDS + 100}, 'from_the_future'),
        ({'nbf': SECONDS + 61}, 'from_the_future'),
        ({'exp': SECONDS + 301}, 'too_long'),
        ({'iat': 1, 'exp': SECONDS + 60}, 'too_long'),
        ({'exp': 2**39}, 'too_long'),
        ({'exp': 2**40}, 'claim'),
        ({'iat': -SECONDS}, 'claim'),
        ({'iat': 0}, 'claim'),
        ({'iat': True}, 'claim'),
        ({'exp': True}, 'claim'),
        ({'nbf': None}, 'claim'),
        ({'nbf': 'now'}, 'claim'),
        ({'iat': str(SECONDS)}, 'claim'),
        ({'exp': [SECONDS + 60]}, 'claim'),
        ({'sub': ''}, 'claim'),
        ({'sub': None}, 'claim'),
        ({'sub': 7}, 'claim'),
        ({'sub': ['ann']}, 'claim'),
        ({'sub': {'id': 'ann'}}, 'claim'),
        ({'sub': 'x' * 501}, 'claim'),
        ({'jti': ''}, 'claim'),
        ({'jti': None}, 'claim'),
        ({'jti': 1}, 'claim'),
        ({'jti': 'x' * 501}, 'claim'),
        ({'name': 7}, 'claim'),
        ({'email': ['ann@example.com']}, 'claim'),
        ({'groups': 'staff'}, 'claim'),
        ({'groups': {'staff': True}}, 'claim'),
        ({'groups': ['staff', 7]}, 'claim'),
        ({'groups': [['staff']]}, 'claim'),
        ({'groups': ['g'] * 201}, 'claim'),
        ({'aud': 'https://chat.example.com/embed/other'}, 'audience'),
        ({'aud': AUDIENCE + '/'}, 'audience'),
        ({'aud': AUDIENCE.upper()}, 'audience'),
        ({'aud': [AUDIENCE, 'https://chat.example.com/embed/other']}, 'audience'),
        ({'aud': [AUDIENCE, AUDIENCE]}, 'audience'),
        ({'aud': []}, 'audience'),
        ({'aud': [[AUDIENCE]]}, 'audience'),
        ({'aud': None}, 'audience'),
        ({'aud': True}, 'audience'),
        ({'aud': {AUDIENCE: True}}, 'audience'),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_claim_that_is_not_as_it_must_be_is_refused(changes: dict[str, object], reason: str) -> None:
    assert refused(hs(**changes)) == reason


@pytest.mark.parametrize(
    ('name', 'reason'),
    [('aud', 'audience'), ('sub', 'claim'), ('iat', 'claim'), ('exp', 'claim'), ('jti', 'claim')],
)
def test_every_claim_is_needed(name: str, reason: str) -> None:
    assert refused(without(name)) == reason


@pytest.mark.parametrize('value', ['NaN', 'Infinity', '-Infinity', '1e999', '-1e999', '1' * 5000, '1e400', '1E+5000'])
@pytest.mark.parametrize('name', ['iat', 'exp', 'nbf'])
def test_numbers_that_are_none_are_refused(name: str, value: str) -> None:
    others = json.dumps({key: each for key, each in GOOD.items() if key != name})
    assert refused(written(f'{others[:-1]}, "{name}": {value}}}')) in {'malformed', 'claim'}


@pytest.mark.parametrize(
    'claims',
    [
        '[' * 100_000,
        '{"a":' * 7000,
        '[' * 7000 + ']' * 7000,
        '{"sub":' + '[' * 3000 + ']' * 3000 + '}',
        '[]',
        'null',
        '"ann"',
        '7',
        '',
        '{',
        '\ufeff' + json.dumps(GOOD),
        json.dumps(GOOD) + json.dumps(GOOD),
        json.dumps(GOOD).replace('"ann"', '"\\ud800"'),
        json.dumps(GOOD).replace('"once"', '"\\udfff"'),
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_claims_that_are_no_sound_object_are_malformed(claims: str) -> None:
    assert refused(written(claims)) == 'malformed'


def test_bytes_that_are_no_text_are_malformed() -> None:
    assert refused(raw(json.dumps(HS).encode(), b'{"sub": "\xff"}', by_secret())) == 'malformed'
    assert refused(raw(json.dumps(HS).encode('utf-16'), json.dumps(GOOD).encode(), by_secret())) == 'malformed'


def test_of_a_claim_that_stands_there_twice_the_signed_text_has_one_meaning() -> None:
    doubled = json.dumps(GOOD)[:-1] + ', "sub": "bob"}'
    assert checked(written(doubled)).identity.subject == 'bob'
    expired = json.dumps(GOOD)[:-1] + ', "exp": 1}'
    assert refused(written(expired)) == 'expired'


@pytest.mark.parametrize(
    'kid',
    [
        'none',
        '',
        'HS',
        'hs ',
        ' hs',
        'hs\0',
        'hѕ',
        'ｈｓ',
        '../hs',
        "hs' OR '1'='1",
        7,
        True,
        None,
        ['hs'],
        {'hs': 1},
        ...,
    ],
    ids=ascii,
)
def test_only_a_key_of_the_embed_counts(kid: object) -> None:
    assert refused(headed(kid=kid)) == 'unknown_key'


@pytest.mark.parametrize(
    'alg',
    [
        'none',
        'None',
        'NONE',
        '',
        'hs256',
        'HS384',
        'HS512',
        'RS256',
        'ES256',
        'EdDSA',
        'HMAC',
        None,
        True,
        7,
        ['HS256'],
        ...,
    ],
    ids=str,
)
def test_a_key_has_one_algorithm_and_the_token_does_not_choose(alg: object) -> None:
    assert refused(headed(alg=alg)) == 'algorithm'


@pytest.mark.parametrize('alg', ['none', 'None', 'NONE'])
def test_a_token_that_nobody_has_signed_is_refused(alg: str) -> None:
    header, payload = b64(json.dumps(HS | {'alg': alg}).encode()), b64(json.dumps(GOOD).encode())
    assert refused(f'{header}.{payload}.') == 'algorithm'
    assert refused(f'{b64(json.dumps(HS).encode())}.{payload}.') == 'signature'


@pytest.mark.parametrize('kid', ['rs', 'es', 'ed'])
@pytest.mark.parametrize('form', [str, str.strip, str.encode], ids=['pem', 'stripped', 'bytes'])
def test_a_public_key_is_no_secret(kid: str, form: Callable[[str], str | bytes]) -> None:
    key = EMBED.key(kid)
    assert key
    made = form(key.material)
    secret = made.decode() if isinstance(made, bytes) else made
    assert refused(compact({'alg': 'HS256', 'kid': kid}, GOOD, by_secret(secret))) == 'algorithm'
    assert refused(compact({'alg': key.algorithm, 'kid': kid}, GOOD, by_secret(secret))) == 'signature'


@pytest.mark.parametrize(
    ('kid', 'signer'),
    [
        ('hs', by_secret(OTHER_SECRET)),
        ('hs', by_secret('')),
        ('rs', by_rsa(RSA_2)),
        ('es', by_ec(EC_2)),
        ('ed', by_ed(ED_2)),
        ('rs', by_ec(EC)),
        ('es', by_ed(ED)),
        ('ed', by_ec(EC)),
    ],
)
def test_a_signature_by_another_key_is_refused(kid: str, signer: Signer) -> None:
    assert refused(compact({'alg': SIGNERS[kid][0], 'kid': kid}, GOOD, signer)) == 'signature'


@pytest.mark.parametrize(
    'sign',
    [
        by_der(EC),
        lambda data: b'',
        lambda data: bytes(64),
        lambda data: by_ec(EC)(data) + b'\0',
        lambda data: by_ec(EC)(data)[:-1],
        lambda data: by_ec(EC)(data)[32:] + by_ec(EC)(data)[:32],
        lambda data: bytes(32) + by_ec(EC)(data)[32:],
    ],
    ids=['der', 'empty', 'zeros', 'longer', 'shorter', 'swapped', 'r is 0'],
)
def test_a_signature_of_es256_is_two_numbers_of_32_bytes(sign: Signer) -> None:
    assert refused(compact({'alg': 'ES256', 'kid': 'es'}, GOOD, sign)) == 'signature'


@pytest.mark.parametrize(
    'header', [{'crit': ['exp']}, {'crit': []}, {'b64': False}, {'b64': True}, {'crit': ['b64'], 'b64': False}]
)
def test_a_header_that_asks_for_more_is_refused(header: dict[str, object]) -> None:
    assert refused(headed(**header)) == 'malformed'


@pytest.mark.parametrize(
    'header',
    [
        {'jwk': {'kty': 'oct', 'k': b64(OTHER_SECRET.encode())}},
        {'jku': 'https://evil.example/keys'},
        {'x5u': 'https://evil.example/cert'},
        {'x5c': ['MIIB']},
    ],
    ids=lambda header: next(iter(header)),
)
def test_keys_that_a_token_brings_along_are_worth_nothing(header: dict[str, object]) -> None:
    assert refused(compact(HS | header, GOOD, by_secret(OTHER_SECRET))) == 'signature'


def test_whoever_changes_a_part_breaks_the_signature() -> None:
    header, payload, signature = hs().split('.')
    other = b64(json.dumps(GOOD | {'sub': 'bob'}).encode())
    assert refused(f'{header}.{other}.{signature}') == 'signature'
    longer = b64(json.dumps(HS | {'typ': 'JWT'}).encode())
    assert refused(f'{longer}.{payload}.{signature}') == 'signature'
    spoilt = b64(
        bytes([base64.urlsafe_b64decode(signature + '=')[0] ^ 1]) + base64.urlsafe_b64decode(signature + '=')[1:]
    )
    assert refused(f'{header}.{payload}.{spoilt}') == 'signature'
    assert refused(f'{header}.{payload}.{hs(jti="other").split(".")[2]}') == 'signature'


@pytest.mark.parametrize(
    'change',
    [
        lambda token: '',
        lambda token: '..',
        lambda token: '.',
        lambda token: token + '.',
        lambda token: token + '.x',
        lambda token: '.' + token,
        lambda token: token.replace('.', '..', 1),
        lambda token: token.rpartition('.')[0],
        lambda token: 'Bearer ' + token,
        lambda token: ' ' + token,
        lambda token: token.replace('.', ' .', 1),
        lambda token: token.replace('.', '\n.', 1),
        lambda token: token.replace('e', 'е', 1),
        lambda token: '=' + token,
        lambda token: '$' + token[1:],
        lambda token: json.dumps({'payload': token.split('.')[1], 'protected': '', 'signature': ''}),
        lambda token: token + 'A' * 1_000_000,
        lambda token: 'A' * 1_000_000 + '.A.A',
        lambda token: '.' * 1_000_000,
        lambda token: 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA',
    ],
)
def test_what_has_not_the_form_of_a_token_is_malformed(change: Callable[[str], str]) -> None:
    assert refused(change(hs())) == 'malformed'


@pytest.mark.parametrize('change', [lambda token: token + ' ', lambda token: token + '\n', lambda token: token + '\0'])
def test_nothing_stands_behind_a_signature(change: Callable[[str], str]) -> None:
    assert refused(change(hs())) in {'malformed', 'signature'}


@pytest.mark.parametrize('header', ['{"alg":"HS256","kid":"hs","kid":"rs"}', '{"alg":"none","alg":"HS256","kid":"hs"}'])
def test_a_name_that_stands_in_the_header_twice_makes_no_other_key_check_it(header: str) -> None:
    """Whatever reads it, the key and the algorithm belong together, and that key has signed it."""
    found = raw(header.encode(), json.dumps(GOOD).encode(), by_secret())
    if '"rs"' in header:
        assert refused(found) == 'algorithm'
    else:
        assert checked(found).kid == 'hs'


def test_of_the_words_for_the_integrator_none_is_the_tokens() -> None:
    with pytest.raises(HostTokenRefused) as refusal:
        checked(headed(kid='<script>'))
    assert '<' not in refusal.value.detail
    assert HOST_SECRET not in refusal.value.detail
    assert HOST_SECRET not in repr(EMBED)


def test_jti_of_two_embeds_are_two() -> None:
    other = Embed(id='other', app='support', origins=(), keys=EMBED.keys)
    audience = AUDIENCE.replace('helpdesk', 'other')
    one, two = checked(hs()), check(hs(aud=audience), other, audience=audience, now=NOW)
    assert one.token.id != two.token.id
    assert one.token.id == checked(hs(sub='bob')).token.id


def test_the_algorithm_follows_from_a_public_key() -> None:
    assert [algorithm_of(public_pem(key)) for key in (RSA, EC, ED)] == ['RS256', 'ES256', 'EdDSA']


@pytest.mark.parametrize(
    'pem',
    [
        '',
        'no pem',
        public_pem(ec.generate_private_key(ec.SECP384R1())),
        public_pem(ec.generate_private_key(ec.SECP256K1())),
        HOST_SECRET,
    ],
    ids=['nothing', 'no pem', 'P-384', 'secp256k1', 'a secret'],
)
def test_other_keys_have_none(pem: str) -> None:
    with pytest.raises(ValueError, match='no public key'):
        algorithm_of(pem)


@pytest.mark.parametrize('key', [RSA, EC, ED], ids=['RSA', 'EC', 'Ed25519'])
def test_a_private_key_is_not_for_us(key: rsa.RSAPrivateKey) -> None:
    fault = key_fault(Key('k', algorithm_of(private_pem(key)), private_pem(key)))
    assert 'private key' in fault


@pytest.mark.filterwarnings('ignore:Key size')
def test_nor_is_one_that_is_too_short() -> None:
    pem = public_pem(rsa.generate_private_key(public_exponent=65537, key_size=1024))
    assert 'too short' in key_fault(Key('k', 'RS256', pem))
