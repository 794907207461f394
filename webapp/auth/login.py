"""Signing in: out to a provider, and back.

GET /auth/{provider}/login?next=/a/support      sends the browser there
POST /auth/{provider}/link                      does so too, to add a way in to a live session: a form of ours, for
                                                no other site may begin that
GET /auth/{provider}/callback?code=...&state=   opens the session, and goes on to where they wanted
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.types import Scope

from webapp import clock
from webapp.auth import linking
from webapp.auth.attempts import Attempts
from webapp.auth.clients import Begun, Clients, Grant, GrantRefused
from webapp.auth.id_tokens import TokenRefused
from webapp.auth.sealing import Sealing
from webapp.auth.sessions import Sessions
from webapp.auth.targets import safe_next
from webapp.auth.visits import address
from webapp.errors import AppError, LimitReached, Refused, SignInFailed, StoreUnavailable
from webapp.principal import Identity, Role
from webapp.store import people
from webapp.store.audit import Party
from webapp.store.database import Store
from webapp.store.limits import Scope as Limited
from webapp.store.logins import Attempt
from webapp.throttle import Throttle

logger = logging.getLogger(__name__)

MAX_CODE = 4096  # characters
NO_STORE = {'Cache-Control': 'no-store'}
PARAMETERS = ('state', 'code', 'error', 'iss')
DENIALS = {'access_denied', 'login_required', 'consent_required', 'interaction_required', 'account_selection_required'}

GoOn = Callable[[Request, str], Response]


class Denied(SignInFailed):
    """The provider, or who was asked there, has said no."""

    reason = 'denied'


@dataclass(frozen=True, slots=True)
class Login:
    """:param throttle: how often one address may begin, and how often it may come back"""

    store: Store
    sessions: Sessions
    clients: Clients
    attempts: Attempts
    sealing: Sealing
    throttle: Throttle
    now: Callable[[], datetime] = clock.now

    async def begin(self, scope: Scope, name: str, *, target: str, link: bool = False) -> tuple[str, str]:
        """Where to send the browser, and the cookie to give it.

        :param link: add a way in to the session that it has

        :raises AppError: see `Client.address`, `linking.begin`; `NotFound`; `LimitReached`
        """
        client = self.clients.get(name)
        await self.throttle.address(Limited.LOGIN_STARTS, address(scope))
        try:
            session_id = await linking.begin(self.sessions, scope, now=self.now()) if link else None
            begun, cookie = await self.attempts.begin(scope, name, target=safe_next(target), linking=session_id)
            return await client.address(begun, anew=link), cookie
        except SignInFailed as error:
            logger.warning('signing in by %s can not begin: %s', name, error)
            raise

    async def finish(self, scope: Scope, name: str, answer: 'Answer') -> str:
        """Open a session for whoever comes back, or offer them a way in that they wanted to add; where to go on to.

        :raises AppError: they have not signed in; nothing was kept but a line in the audit log
        """
        self.clients.get(name)
        await self.throttle.address(Limited.LOGIN_ENDS, address(scope))
        identity: Identity | None = None
        try:
            attempt, begun = await self.attempts.complete(scope, answer.state)
            grant = await self._redeem(name, answer, attempt, begun)
            identity = grant.identity
            if attempt.linking:
                await linking.offer(
                    self.sessions, self.store, scope, linking=attempt.linking, identity=identity, now=self.now()
                )
            else:
                await self.sessions.sign_in(scope, identity, self.sealing.tokens(grant, now=self.now()))
            return attempt.target
        except StoreUnavailable:
            raise
        except AppError as error:
            await self._refuse(scope, name, error, identity)
            raise SignInFailed(error.code, error.detail, status=error.status) from error

    async def _redeem(self, name: str, answer: 'Answer', attempt: Attempt, begun: Begun) -> Grant[Identity]:
        client = self.clients.get(name)
        if attempt.provider != name:
            raise TokenRefused('mix_up', f'this login was begun at {attempt.provider}')
        await client.expect(answer.issuer)
        if answer.error:
            is_denial = answer.error in DENIALS
            raise Denied('sign_in_denied' if is_denial else '', f'the provider says {answer.error[:200]!r}')
        if not 0 < len(answer.code) <= MAX_CODE:
            raise TokenRefused('missing', 'the provider sent no code')
        since = attempt.created_at if attempt.linking else None
        return await client.redeem(answer.code, begun, now=self.now(), since=since)

    async def _refuse(self, scope: Scope, name: str, error: AppError, identity: Identity | None) -> None:
        """Write down why somebody has not got in."""
        logger.warning('signing in by %s was refused: %s', name, error)
        if error.code == 'sign_in_over':
            return  # anybody may send us such a thing, as often as they like
        try:
            await self.throttle.address(Limited.REFUSALS, address(scope))
        except LimitReached:
            return  # the log has enough of them
        who = await self.sessions.principal(scope)
        await self.store.write(
            people.record_refusal,
            identity=identity,
            actor=Party(who.user_id, who.name) if who and who.role is not Role.GUEST else Party(),
            now=self.now(),
            address=address(scope),
            detail={'provider': name, 'reason': _reason(error)},
        )


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What the browser brings back; '' for what it does not."""

    state: str
    code: str
    error: str
    issuer: str | None

    @staticmethod
    def of(request: Request) -> 'Answer':
        """A parameter that comes twice counts as empty: who reads the first and who reads the last must not differ."""
        query = request.query_params
        given = (query.getlist(name) for name in PARAMETERS)
        state, code, error, issuer = (values[0] if len(values) == 1 else '' for values in given)
        return Answer(state, code, error, issuer if 'iss' in query else None)


def routes(login: Login, *, go_on: GoOn, account: str) -> APIRouter:
    """The three addresses. Refusals are raised, and become pages as everywhere.

    :param go_on: makes a page that leads on to an address elsewhere, see `logout.routes`
    :param account: where people take the way in that they have proven
    """
    router = APIRouter(prefix='/auth/{provider}', include_in_schema=False)
    by_person = [Depends(_only_by_navigation)]

    @router.get('/login', dependencies=by_person)
    async def begin(request: Request, provider: str) -> RedirectResponse:
        target = request.query_params.get('next', '')
        where, cookie = await login.begin(request.scope, provider, target=target)
        response = RedirectResponse(where, status_code=303, headers=NO_STORE)
        response.headers.append('Set-Cookie', cookie)
        return response

    @router.post('/link', dependencies=by_person)
    async def link(request: Request, provider: str) -> Response:
        where, cookie = await login.begin(request.scope, provider, target=account, link=True)
        response = go_on(request, where)
        response.headers.append('Set-Cookie', cookie)
        return response

    @router.get('/callback', dependencies=by_person)
    async def finish(request: Request, provider: str) -> RedirectResponse:
        target = await login.finish(request.scope, provider, Answer.of(request))
        return RedirectResponse(target, status_code=303, headers=NO_STORE)

    return router


def _only_by_navigation(request: Request) -> None:
    """Pictures and frames in anybody's page must not use up what one address may do.

    :raises Refused: a browser says that nobody goes here
    """
    said, fit = request.headers, {'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document'}
    if any(said.get(name, value) != value for name, value in fit.items()):
        raise Refused(detail='not a navigation', status=400)


def _reason(error: AppError) -> str:
    """One word for the audit log."""
    return error.reason if isinstance(error, TokenRefused | GrantRefused | Denied) else error.code
