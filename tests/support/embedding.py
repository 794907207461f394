"""A host's side of embedding: keys, tokens made by hand, and the settings of an app that trusts them."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from support import direct
from support.people import WITH_LOGIN
from support.server import Server

HOST_SECRET = 'a-secret-of-a-host-0123456789abcdef'
OTHER_SECRET = 'another-secret-of-a-host-0123456789'
HOST = 'https://www.example.com'
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


def key(kid: str, secret: str) -> str:
    return f'{{kid="{kid}", secret="{secret}"}}'


def table(id_: str = 'helpdesk', *keys: str, **settings: object) -> str:
    """A table `[[embeds]]` of `webapp.toml`; for the app `default` and pages of `HOST`, if nothing else is said."""
    given = {'id': id_, 'app': 'default', 'origins': [HOST]} | settings
    lines = (f'{name} = {json.dumps(value)}' for name, value in given.items())
    return '\n'.join(('[[embeds]]', *lines, f'keys = [{", ".join(keys)}]', ''))


def staff_app(demo: str) -> str:
    """An app for the group `staff`, beside the default one."""
    return f'[[apps]]\nslug = "staff"\nbase_url = "{demo}"\napi_key = "demo"\ngroups = ["staff"]\n'


@contextmanager
def embedded(folder: Path, demo: str, *tables: str, **settings: str) -> Iterator[Server]:
    """The app with a login that nobody uses, and these tables in its `webapp.toml`. It must not raise."""
    server = Server(folder, {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo'} | WITH_LOGIN | settings)
    (folder / 'webapp.toml').write_text('\n'.join(tables))
    server.start()
    yield server
    server.stop()
    assert 'Traceback' not in server.log, server.log


@dataclass
class Frame:
    """A browser's frame without the browser: it enters by HTTP, and keeps the cookie of its embed.

    :param http: whose base URL is that of our server
    """

    http: httpx.Client
    embed: str = 'helpdesk'
    origin: str = HOST

    @classmethod
    @contextmanager
    def at(cls, server: Server, embed: str = 'helpdesk', **changes: str) -> Iterator[Self]:
        with direct.client(server.url) as http:
            yield cls(http, embed, **changes)

    @property
    def url(self) -> str:
        return str(self.http.base_url).rstrip('/')

    @property
    def path(self) -> str:
        return f'/embed/{self.embed}'

    @property
    def cookie(self) -> str:
        return self.http.cookies.get(f'e-{self.embed}', '')

    def token(self, subject: str = 'ann', **changes: object) -> str:
        return token(self.url, subject, embed=self.embed, **changes)  # type: ignore[arg-type]

    def post(self, **request: Any) -> httpx.Response:
        answer = self.http.post(self.path, headers={'Origin': self.url}, **request)
        for each in answer.headers.get_list('set-cookie'):  # which is for browsers that trust loopback without https
            self.http.cookies.clear()
            self.http.cookies.set(each.partition('=')[0], each.partition('=')[2].partition(';')[0])
        return answer

    def enter(self, token: str | None) -> httpx.Response:
        return self.post(json={'token': token, 'origin': self.origin})

    def ticket(self, token: str | None) -> str:
        answer = self.enter(token)
        assert answer.status_code == 200, answer.text
        return cast(str, answer.json()['ticket'])

    def chat(self, ticket: str = '') -> str:
        """The path of the chat page."""
        return f'{self.path}/chat' + (f'?t={ticket}' if ticket else '')

    def come_in(self, subject: str = 'ann', **changes: object) -> None:
        """By cookie from now on."""
        self.ticket(self.token(subject, **changes))


def ticket_of(answer: httpx.Response) -> str:
    """That an answer leads on with."""
    return parse_qs(urlsplit(answer.headers['location']).query)['t'][0]
