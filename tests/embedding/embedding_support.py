"""A host's side of embedding: keys, tokens made by hand, and the settings of an app that trusts them."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

HOST_SECRET = 'a-secret-of-a-host-0123456789abcdef'
OTHER_SECRET = 'another-secret-of-a-host-0123456789'
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Signer = Callable[[bytes], bytes]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def claims(audience: str, subject: str = 'ann', **changes: object) -> dict[str, object]:
    """Of a good token; a change to None takes a claim out."""
    now = int(time.time())
    good = {'aud': audience, 'sub': subject, 'iat': now, 'exp': now + 60, 'jti': secrets.token_hex(8)}
    return {name: value for name, value in (good | changes).items() if value is not None}


def raw(header: bytes, payload: bytes, sign: Signer) -> str:
    """A token of these very bytes."""
    signed = f'{b64(header)}.{b64(payload)}'
    return f'{signed}.{b64(sign(signed.encode()))}'


def compact(header: dict[str, object], payload: object, sign: Signer) -> str:
    return raw(json.dumps(header).encode(), json.dumps(payload).encode(), sign)


def by_secret(secret: str = HOST_SECRET) -> Signer:
    return lambda data: hmac.digest(secret.encode(), data, hashlib.sha256)


def by_rsa(key: rsa.RSAPrivateKey) -> Signer:
    return lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def by_der(key: ec.EllipticCurvePrivateKey) -> Signer:
    """As most libraries for anything but JWT sign: not what a JWT needs."""
    return lambda data: key.sign(data, ec.ECDSA(hashes.SHA256()))


def by_ec(key: ec.EllipticCurvePrivateKey) -> Signer:
    def sign(data: bytes) -> bytes:
        return b''.join(number.to_bytes(32, 'big') for number in decode_dss_signature(by_der(key)(data)))

    return sign


def by_ed(key: ed25519.Ed25519PrivateKey) -> Signer:
    return key.sign


def public_pem(key: Private) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key: Private) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def token(url: str, subject: str = 'ann', *, embed: str = 'helpdesk', secret: str = HOST_SECRET, kid: str = 'k1',
          **changes: object) -> str:  # fmt: skip
    """Of a host whose key is a secret.

    :param url: of our server
    """
    return compact({'alg': 'HS256', 'kid': kid}, claims(f'{url}/embed/{embed}', subject, **changes), by_secret(secret))


def table(id_: str = 'helpdesk', *, origins: tuple[str, ...], app: str = 'default', keys: str | None = None,
          **settings: object) -> str:  # fmt: skip
    """A table `[[embeds]]` of `webapp.toml`."""
    keys = keys if keys is not None else f'[{{kid="k1",secret="{HOST_SECRET}"}}]'
    given = {'id': id_, 'app': app, 'origins': list(origins)} | settings
    return '\n'.join(('[[embeds]]', *(f'{name}={json.dumps(value)}' for name, value in given.items()), f'keys={keys}'))


@dataclass
class Frame:
    """A browser's frame without the browser: it enters by HTTP, and keeps cookies.

    :param http: whose base URL is that of our server
    """

    http: httpx.Client
    embed: str = 'helpdesk'
    origin: str = 'https://www.example.com'

    @property
    def path(self) -> str:
        return f'/embed/{self.embed}'

    def enter(self, token: str | None, **changes: Any) -> httpx.Response:
        body = {'token': token, 'origin': self.origin} | changes
        return self.http.post(self.path, json=body, headers={'Origin': str(self.http.base_url).rstrip('/')})

    def ticket(self, token: str | None, **changes: Any) -> str:
        answer = self.enter(token, **changes)
        assert answer.status_code == 200, answer.text
        return cast(str, answer.json()['ticket'])

    def come_in(self, token: str | None, **changes: Any) -> str:
        """By ticket; the path of the chat page, which is not opened."""
        return self.at(self.ticket(token, **changes))

    def at(self, ticket: str = '') -> str:
        return f'{self.path}/chat' + (f'?t={ticket}' if ticket else '')

    def cookie(self) -> str:
        return self.http.cookies.get(f'e-{self.embed}', '')


def ticket_of(answer: httpx.Response) -> str:
    """That an answer leads on with."""
    return parse_qs(urlsplit(answer.headers['location']).query)['t'][0]
