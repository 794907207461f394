"""The only way to declare a page: whoever has no session does not get in.

@page('/a/{app}/c/{conversation}')
async def chat(principal: Principal, app: str, conversation: str) -> None: ...

@page('/admin', role=Role.ADMIN)
async def admin(principal: Principal) -> None: ...
"""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from fastapi import Depends, HTTPException, Request
from nicegui import Client, ui

from webapp.auth.sessions import Sessions
from webapp.auth.targets import safe_next
from webapp.edge import origins
from webapp.errors import NotFound, Refused
from webapp.principal import Principal, Role
from webapp.ui import open_pages

Build = TypeVar('Build', bound=Callable[..., Any])
Gate = Callable[[Request], Awaitable[Principal]]

LOGIN = '/login'
PATIENCE = 30.0  # seconds that a page may take to be built: a busy database is no reason for an error
MAX_WAITING = 500  # pages that no browser has connected to
IMPATIENCE = 10.0  # seconds that such a page is kept when there are so many


def page(
    path: str, *, role: Role = Role.GUEST, is_told: bool = False, gate: Gate | None = None, **options: Any
) -> Callable[[Build], Build]:
    """Declare a page for people with a session; `principal`, if the function takes it, is who asks.

    Others are sent to the login, or, where nobody needs one, let in with a new session. The page closes when the
    session ends or the role is lost.

    :param role: what they must be at the least; for others there is no such page
    :param is_told: the audit log tells who has looked, so nobody is sent there from another site without a click here
    :param gate: another one than that of our own pages
    :param options: those of `ui.page`
    """
    gate = gate or _gate(role, is_told=is_told)

    def declare(build: Build) -> Build:
        options.setdefault('response_timeout', PATIENCE)
        ui.page(path, dependencies=[Depends(gate)], **options)(_with_principal(build, gate, role))
        return build

    return declare


def _gate(role: Role, *, is_told: bool) -> Gate:
    """A dependency of pages, so that nothing of one exists before it has been answered."""

    async def gate(request: Request) -> Principal:
        """Who asks for a page.

        :raises NotFound: it is not for them
        :raises Refused: `no_way_in`: people come by the pages of other sites alone
        :raises Refused: `from_elsewhere`: see `refuse_foreign`
        :raises Refused: too many pages wait for a browser to connect; each costs memory, and anybody may ask for one.
            Or they have too many open
        """
        make_room()
        sessions = Sessions.of(request.scope)
        principal = await sessions.enter(request.scope, role)
        if principal and principal.role.reaches(role):
            if is_told:
                refuse_foreign(request)
            open_pages.turn_away(principal, request.scope['path'])
            return principal
        if principal and (principal.role is not Role.GUEST or not sessions.admission.providers):
            raise NotFound
        if not sessions.admission.providers and not sessions.admission.guests:
            raise Refused('no_way_in', status=403)
        raise HTTPException(303, headers={'Location': login_path(request), 'Cache-Control': 'no-store'})

    return gate


def refuse_foreign(request: Request) -> None:
    """For what writes the audit log when it is looked at: no other site may have it written in an admin's name.

    :raises Refused: `from_elsewhere`; who follows the link that the refusal shows comes from here
    """
    if origins.is_cross_site(request.scope):
        raise Refused('from_elsewhere', status=403)


def _with_principal(build: Callable[..., Any], gate: Gate, role: Role) -> Callable[..., Any]:
    """The same function for FastAPI, to which a parameter is what its annotation says."""
    signature = inspect.signature(build, eval_str=True)
    others = [parameter for parameter in signature.parameters.values() if parameter.name != 'principal']
    wanted = len(others) < len(signature.parameters)
    who = inspect.Parameter('principal', inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[Principal, Depends(gate)])

    @functools.wraps(build)
    async def built(*args: Any, principal: Principal, **kwargs: Any) -> Any:
        client = ui.context.client
        open_pages.claim(principal, lambda now: now.role.reaches(role))
        try:
            built = build(*args, **kwargs, **({'principal': principal} if wanted else {}))
            return await built if inspect.isawaitable(built) else built
        except BaseException:
            if not client.has_socket_connection:
                open_pages.drop(client)  # nobody will ever see it
            raise

    built.__signature__ = signature.replace(parameters=[*others, who])  # type: ignore[attr-defined]
    return built


def make_room() -> None:
    """For gates, before anything else: pages that no browser has connected to don't pile up.

    :raises Refused: `too_busy`
    """
    if _waiting() < MAX_WAITING:
        return
    Client.prune_instances(client_age_threshold=IMPATIENCE)
    if _waiting() >= 2 * MAX_WAITING:
        raise Refused('too_busy', 'too many pages wait for a browser', status=503)


def _waiting() -> int:
    return sum(not client.has_socket_connection for client in Client.instances.values())


def login_path(request: Request) -> str:
    """The login, and where to go on after it."""
    scope = request.scope
    path = scope.get('raw_path', b'').partition(b'?')[0] or quote(scope['path']).encode()
    target = safe_next((path + (b'?' + scope['query_string'] if scope['query_string'] else b'')).decode('latin-1'))
    return LOGIN if target == '/' else f'{LOGIN}?next={quote(target, safe="/")}'
