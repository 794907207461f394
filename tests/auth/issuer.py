"""A provider that lies as it is told to. Without orders it is an honest one that knows ann."""

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from support.serving import serving

ANN = {'sub': 'ann-1', 'name': 'Ann', 'email': 'ann@corp.com', 'email_verified': True, 'groups': ['staff']}
ACCESS = {'access_token': 'access', 'token_type': 'Bearer', 'expires_in': 3600}
NUMBERS = itertools.count()
CLIENT, SECRET = 'chat', 'hush-hush-hush'


def new_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {'kid': kid, 'use': 'sig'})


KEYS = {name: new_key(name) for name in ('first', 'second', 'foreign')}  # making one takes a while


class Issuer:
    """What it says can be changed: in claims, headers and metadata None leaves the entry out."""

    def __init__(self) -> None:
        self.url = ''
        self.be_honest()

    def be_honest(self) -> None:
        self.key = self.published = KEYS['first']
        self.person: dict[str, Any] = dict(ANN)
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.tokens: dict[str, Any] = {}  # what the token endpoint says besides
        self.userinfo: dict[str, Any] = {}
        self.in_callback: dict[str, str | None] = {}
        self.forge: Callable[[dict[str, Any]], str] | None = None  # makes the ID token of the claims
        self.answers: dict[str, Response | None] = {}  # by path; None: silence
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: Counter[str] = Counter()
        self.refreshable: set[str] = set()  # refresh tokens that it would take, each once
        self.form: dict[str, str] = {}
        self.last: dict[str, str] = {}  # what it was asked last at its authorization endpoint

    @contextmanager
    def serve(self) -> Iterator['Issuer']:
        paths = {
            '/.well-known/openid-configuration': self._configuration,
            '/keys': lambda _: {'keys': [{'kty': 'new'}, 7, self.published.as_dict(private=False)]},
            '/authorize': self._authorize,
            '/token': self._token,
            '/plain-token': lambda _: {'access_token': 'access', 'token_type': 'Bearer'},
            '/end-session': self._end_session,
            '/userinfo': lambda _: _without_none(self.person | self.userinfo),
        }
        with serving(Starlette(routes=[Route(path, self._answer(path, act), methods=['GET', 'POST'])
                                       for path, act in paths.items()])) as self.url:  # fmt: skip
            yield self

    def id_token(self, nonce: str = '', **claims: Any) -> str:
        """As it would issue one now."""
        now = int(time.time())
        honest = {'iss': self.url, 'aud': CLIENT, 'exp': now + 300, 'iat': now, 'nonce': nonce}
        said = _without_none(honest | self.person | self.claims | claims)
        if self.forge:
            return self.forge(said)
        header = _without_none({'alg': 'RS256', 'kid': self.key.kid} | self.header)
        return jwt.encode(header, said, self.key, algorithms=[header['alg']])

    def _answer(self, path: str, act: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            self.asked[path] += 1
            await request.form()
            if path in self.answers:
                if (given := self.answers[path]) is not None:
                    return given
                await asyncio.sleep(60)
            said = act(request)
            return said if isinstance(said, Response) else JSONResponse(said)

        return answer

    def _configuration(self, _: Request) -> dict[str, Any]:
        places = {'authorization': 'authorize', 'token': 'token', 'userinfo': 'userinfo'}
        said = {'issuer': self.url, 'jwks_uri': f'{self.url}/keys'}
        return _without_none(said | {f'{k}_endpoint': f'{self.url}/{v}' for k, v in places.items()} | self.metadata)

    def _authorize(self, request: Request) -> Response:
        """Whoever comes is ann, and has agreed."""
        self.last = dict(request.query_params)
        code = f'code-{len(self.codes)}'
        self.codes[code] = self.last
        back = _without_none({'code': code, 'state': self.last['state']} | self.in_callback)
        return RedirectResponse(f'{self.last["redirect_uri"]}?{urlencode(back)}', 302)

    def _token(self, request: Request) -> Response | dict[str, Any]:
        self.form = form = {name: str(value) for name, value in dict(request._form or {}).items()}
        asked = self.codes.pop(form.get('code', ''), None)
        basic = base64.b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()
        if request.headers.get('authorization') != f'Basic {basic}':
            return JSONResponse({'error': 'invalid_client'}, 401)
        if form.get('grant_type') == 'refresh_token':
            return self._refresh(form['refresh_token'])
        challenge = hashlib.sha256(str(form.get('code_verifier')).encode()).digest()
        if (
            asked is None
            or asked['code_challenge'] != base64.urlsafe_b64encode(challenge).rstrip(b'=').decode()
            or asked['redirect_uri'] != form.get('redirect_uri')
        ):
            return JSONResponse({'error': 'invalid_grant', 'error_description': '<script>secret</script>'}, 400)
        return _without_none(ACCESS | {'id_token': self.id_token(asked.get('nonce', ''))} | self.tokens)

    def _end_session(self, request: Request) -> Response:
        self.last = dict(request.query_params)
        return RedirectResponse(f'{self.last["post_logout_redirect_uri"]}?state={self.last["state"]}', 302)

    def new_refresh_token(self) -> str:
        token = f'refresh-{next(NUMBERS)}'
        self.refreshable.add(token)
        return token

    def _refresh(self, token: str) -> Response | dict[str, Any]:
        if token not in self.refreshable:
            return JSONResponse({'error': 'invalid_grant'}, 400)
        self.refreshable.remove(token)
        said = {'id_token': self.id_token(), 'refresh_token': self.new_refresh_token()}
        return _without_none(ACCESS | said | self.tokens)


def unsigned(claims: dict[str, Any]) -> str:
    return f'{part({"alg": "none"})}.{part(claims)}.'


def by_public_key(claims: dict[str, Any]) -> str:
    """Signed with what everybody knows, in the hope that it is taken for a shared secret."""
    text = f'{part({"alg": "HS256", "kid": "first"})}.{part(claims)}'
    digest = hmac.digest(KEYS['first'].as_pem(private=False), text.encode(), hashlib.sha256)
    return f'{text}.{base64.urlsafe_b64encode(digest).rstrip(b"=").decode()}'


def part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b'=').decode()


def _without_none(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if value is not None}
