"""A provider that speaks plain OAuth, as GitHub's own server for companies does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from support.serving import serving

BOB = {'id': 42, 'login': 'bob', 'name': None, 'email': 'public@evil.example'}
ADDRESSES = [
    {'email': 'old@corp.com', 'primary': False, 'verified': True},
    {'email': 'bob@corp.com', 'primary': True, 'verified': True},
]


class GitHub:
    def __init__(self) -> None:
        self.url = ''
        self.be_honest()

    def be_honest(self) -> None:
        self.person: dict[str, Any] = dict(BOB)
        self.addresses: Any = [dict(each) for each in ADDRESSES]
        self.last: dict[str, str] = {}
        self.form: dict[str, str] = {}

    @contextmanager
    def serve(self) -> Iterator['GitHub']:
        routes = [
            Route('/login/oauth/authorize', self._authorize),
            Route('/login/oauth/access_token', self._token, methods=['POST']),
            Route('/api/v3/user', lambda request: self._api(request, self.person)),
            Route('/api/v3/user/emails', lambda request: self._api(request, self.addresses)),
        ]
        with serving(Starlette(routes=routes)) as self.url:
            yield self

    def _authorize(self, request: Request) -> Response:
        self.last = dict(request.query_params)
        back = urlencode({'code': 'github-code', 'state': self.last['state']})
        return RedirectResponse(f'{self.last["redirect_uri"]}?{back}')

    async def _token(self, request: Request) -> Response:
        self.form = {name: str(value) for name, value in (await request.form()).items()}
        if self.form.get('code') != 'github-code':
            return JSONResponse({'error': 'bad_verification_code'})  # with status 200, as GitHub does
        return JSONResponse({'access_token': 'gho_access', 'token_type': 'bearer', 'scope': 'read:user,user:email'})

    def _api(self, request: Request, said: Any) -> Response:
        is_known = request.headers.get('authorization') == 'Bearer gho_access'
        return JSONResponse(said) if is_known else JSONResponse({'message': 'Bad credentials'}, 401)
