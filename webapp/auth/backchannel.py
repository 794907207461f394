"""A provider ends sessions of its own accord (OpenID Connect Back-Channel Logout)."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from webapp import clock
from webapp.auth import id_tokens
from webapp.auth.clients import Clients, OidcClient
from webapp.auth.id_tokens import Audience, LogoutToken, TokenRefused
from webapp.auth.visits import address
from webapp.errors import NotFound
from webapp.store import endings
from webapp.store.database import Store
from webapp.store.endings import Wish
from webapp.store.limits import Scope
from webapp.throttle import Throttle

logger = logging.getLogger(__name__)

NO_STORE = {'Cache-Control': 'no-store'}


@dataclass(frozen=True, slots=True)
class Backchannel:
    """:param throttle: how often one address may ask, since each time costs work
    :param on_end: told the ids of sessions, so that open pages can be closed at once"""

    store: Store
    clients: Clients
    throttle: Throttle
    on_end: Callable[[str], object]
    now: Callable[[], datetime] = clock.now

    async def end(self, name: str, token: str, sender: str) -> int:
        """Do what a logout token asks for; how many sessions that ended.

        :raises TokenRefused: it is not from this provider, not for us, not of now, or was there before
        :raises AppError: it can't be checked now; `NotFound`: no such provider; `LimitReached`: too many from there
        """
        client = self.clients.get(name)
        await self.throttle.address(Scope.ENDINGS, sender)
        if not isinstance(client, OidcClient):
            raise NotFound
        metadata, now = await client.discovery.metadata(), self.now()
        audience = Audience(metadata.issuer, client.provider.client_id)
        asked = await client.discovery.with_keys(lambda keys: id_tokens.check_logout(token, keys, audience, now=now))
        ended = await self.store.write(endings.grant, _wish(asked), now=now)
        if ended is None:
            raise TokenRefused('replayed', 'it has been used before')
        for session_id in ended:
            self.on_end(session_id)
        return len(ended)


def routes(backchannel: Backchannel) -> APIRouter:
    """`POST /auth/{provider}/backchannel-logout` with a form that has a `logout_token`."""
    router = APIRouter()

    @router.post('/auth/{provider}/backchannel-logout', include_in_schema=False)
    async def end(request: Request, provider: str) -> JSONResponse:
        token, sender = (await request.form()).get('logout_token'), address(request.scope)
        try:
            ended = await backchannel.end(provider, token if isinstance(token, str) else '', sender)
        except TokenRefused as refusal:
            logger.warning('provider %s: a logout token was refused: %s', provider, refusal.detail)
            return JSONResponse({'error': 'invalid_request', 'error_description': refusal.reason}, 400, NO_STORE)
        logger.info('provider %s has ended %d sessions', provider, ended)
        return JSONResponse({}, headers=NO_STORE)

    return router


def _wish(asked: LogoutToken) -> Wish:
    return Wish(
        issuer=asked.issuer,
        subject=asked.subject,
        session=asked.session,
        token=hashlib.sha256(f'logout\0{asked.issuer}\0{asked.id}'.encode()).hexdigest(),
        expires_at=asked.expires_at,
    )
