"""A provider, addresses after a login, and a browser that keeps its cookie."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope
from support.visits import visit

from webapp.auth.providers import Preset, Provider
from webapp.auth.sessions import Sessions

COMPANY = Provider(
    name='company',
    preset=Preset.OIDC,
    label='Company',
    issuer='https://id.example',
    client_id='chat',
    client_secret='hush',
    scopes=('openid',),
)

# where somebody may be sent after a login, and where not
OURS = [
    '/', '/a/support', '/a/support/c/123?q=hello%20world', '/me', '/a/x?next=//y', '/loginx', '/[',
    '/a/x%20y', '/a/.x', '/a/x..', '/a/x?q=../auth/x', '/a/x?q=%2e%2e%2f',
]  # fmt: skip
OTHERS = [
    '', 'a', '//evil.example', '///evil.example', '/\\evil.example', '\\\\evil.example', '/\t/evil.example',
    '/\n/evil.example', '/\x00', 'https://evil.example', 'https:evil.example', 'javascript:alert(1)', ' /a', '/a b',
    '/a\\b', '/login', '/login?next=/', '/logout', '/logout/', '/auth/x/callback', '/_nicegui/x', '/_nicegui_ws/x',
    '/static/x.js', '/healthz', '/é', '/' + 'x' * 2001, '//', '/\u2028/evil.example', '//[',
    '/a/../auth/x/login', '/./auth/x/login',
    '/%61uth/x/login', '/%2e%2e/auth/x', '/%2E/auth/x', '/a/.%2e/auth/x', '/a/%2e./logout', '/a/..', '/..?q=1', '/.',
    '/a%2f..%2fauth/x', '/%2fevil.example', '/%2Flogin', '/a/%5Cx', '/%5cevil.example', '/%6cogin', '/auth%2fx',
]  # fmt: skip


@dataclass
class Browser:
    """Keeps one cookie, and asks."""

    sessions: Sessions
    cookie: str = ''
    answered: str = ''  # the last `Set-Cookie`
    address: str = '192.0.2.1'

    async def visit(self, act: Callable[[Scope], Awaitable[Any]]) -> Any:
        """What `act` gives, called within a request of this browser."""
        return await visit(self.sessions, act, cookie=self.cookie, address=self.address, on_cookie=self._keep)

    def _keep(self, answered: str) -> None:
        self.answered = answered
        self.cookie = answered.partition(';')[0]
