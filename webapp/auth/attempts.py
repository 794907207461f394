"""Logins that are under way: each belongs to one browser, counts once, and for ten minutes.

Who brings back a state must be the browser that was sent out with it, or somebody could sign others in as themselves.
A cookie tells; it is the same for all tabs, so that several may be under way at once.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.types import Scope

from webapp import clock
from webapp.auth.clients import Begun
from webapp.auth.cookies import Cookie
from webapp.errors import SignInFailed
from webapp.store import logins
from webapp.store.database import Store
from webapp.store.logins import Attempt
from webapp.tokens import hashed, is_token, new_token

PATIENCE = timedelta(minutes=10)
VERIFIER_BYTES = 48


@dataclass(frozen=True, slots=True)
class Attempts:
    """:param secure: whether people reach us by https"""

    store: Store
    public_url: str
    secure: bool
    now: Callable[[], datetime] = clock.now

    @property
    def cookie(self) -> Cookie:
        return Cookie(secure=self.secure, seconds=int(PATIENCE.total_seconds()), base='login')

    async def begin(self, scope: Scope, provider: str, *, target: str, linking: str | None) -> tuple[Begun, str]:
        """What to send the browser out with, and the cookie to give it."""
        held = self.cookie.read(scope)
        browser = held if held and is_token(held) else new_token()
        begun = Begun(
            state=new_token(),
            nonce=new_token(),
            verifier=secrets.token_urlsafe(VERIFIER_BYTES),
            redirect_uri=self._redirect_uri(provider),
        )
        now = self.now()
        attempt = Attempt(
            id=hashed(begun.state),
            browser=hashed(browser),
            provider=provider,
            nonce=begun.nonce,
            verifier=begun.verifier,
            target=target,
            linking=linking,
            created_at=now,
            expires_at=now + PATIENCE,
        )
        await self.store.write(logins.begin, attempt)
        return begun, self.cookie.setting(browser)

    async def complete(self, scope: Scope, state: str) -> tuple[Attempt, Begun]:
        """What the browser was sent out with.

        :raises SignInFailed: by another browser, twice, too late, or never
        """
        browser = self.cookie.read(scope)
        if state and browser:
            attempt = await self.store.write(logins.complete, id=hashed(state), browser=hashed(browser), now=self.now())
            if attempt:
                return attempt, Begun(state, attempt.nonce, attempt.verifier, self._redirect_uri(attempt.provider))
        raise SignInFailed('sign_in_over', 'no such login is under way in this browser', status=400)

    def _redirect_uri(self, provider: str) -> str:
        return f'{self.public_url}/auth/{provider}/callback'
