"""Signing out: here, and at the provider if it wants to know (OpenID Connect RP-Initiated Logout)."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.background import BackgroundTask

from webapp.auth.clients import Clients, OidcClient
from webapp.auth.providers import Provider
from webapp.auth.sealing import Sealing
from webapp.auth.sessions import Sessions
from webapp.errors import NotFound, SignInFailed
from webapp.store.endings import Ending

logger = logging.getLogger(__name__)

SECONDS = 1.0  # that going on waits for a provider; soon after, the page that signed out is closed like all others

GoOn = Callable[[Request, str], Response]


@dataclass(frozen=True, slots=True)
class Farewell:
    """The way out at the provider, for somebody who signs out here.

    :param home: where the provider sends people back to; it has to know the address
    """

    clients: Clients
    sealing: Sealing
    home: str

    async def address(self, ended: Ending) -> str:
        """Where to send the browser; '' if the provider has no such place, or can't be asked for it now."""
        try:
            client = self.clients.get(ended.provider)
            if not isinstance(client, OidcClient):
                return ''
            async with asyncio.timeout(SECONDS):
                place = (await client.discovery.metadata()).end_session_endpoint
        except NotFound:
            return ''
        except (SignInFailed, TimeoutError) as error:
            logger.warning('provider %s: signed out here alone: %s', ended.provider, str(error) or 'no answer')
            return ''
        return self._with_query(place, client.provider, ended) if place else ''

    def _with_query(self, place: str, provider: Provider, ended: Ending) -> str:
        said = {
            'id_token_hint': self.sealing.open(ended.id_token),
            'client_id': provider.client_id,
            'post_logout_redirect_uri': self.home,
            'state': secrets.token_urlsafe(16),
        }
        parts = urlsplit(place)
        query = [*parse_qsl(parts.query), *((name, value) for name, value in said.items() if value)]
        return parts._replace(query=urlencode(query)).geturl()


def routes(
    sessions: Sessions, *, farewell: Farewell, on_end: Callable[[str], object], go_on: GoOn, home: str
) -> APIRouter:
    """`POST /logout`. The edge has refused it already if another site sent it.

    :param on_end: told the id of the session, so that open pages can be closed
    :param go_on: makes a page that leads on to an address elsewhere. A redirect would not do: it is the answer to a
        form, and our own policy lets forms lead to nobody but us
    :param home: where to go on to if the provider needs not know
    """
    router = APIRouter()

    @router.post('/logout', include_in_schema=False)
    async def logout(request: Request) -> Response:
        ended = await sessions.end(request.scope)
        place = await farewell.address(ended) if ended else ''
        is_by_provider = ended is not None and ended.provider in sessions.admission.providers
        answer: Response
        if ended and place:
            answer = go_on(request, place)
        else:
            answer = RedirectResponse(home if is_by_provider else '/', 303, {'Cache-Control': 'no-store'})
        if ended:
            answer.background = BackgroundTask(on_end, ended.session_id)
        return answer

    return router
