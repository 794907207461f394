"""Who may have a file, and how it is handed over."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import StreamingResponse

from webapp.auth.sessions import Sessions
from webapp.errors import NotFound
from webapp.exports import tabular
from webapp.exports.tabular import Format
from webapp.principal import Principal
from webapp.ui.page import login_path, refuse_foreign


def addresses(path: str, export: Callable[[Request, Format], Awaitable[StreamingResponse]]) -> APIRouter:
    """One with the ending of each kind of file."""
    router = APIRouter(include_in_schema=False)

    @router.get(f'{path}.csv')
    async def as_csv(request: Request) -> StreamingResponse:
        return await export(request, 'csv')

    @router.get(f'{path}.json')
    async def as_json(request: Request) -> StreamingResponse:
        return await export(request, 'json')

    return router


def as_file(body: AsyncIterator[bytes], name: str, kind: Format) -> StreamingResponse:
    headers = {'Content-Disposition': f'attachment; filename="{name}.{kind}"', 'Cache-Control': 'no-store'}
    return StreamingResponse(body, headers=headers, media_type=tabular.TYPES[kind])


async def admin(request: Request, sessions: Sessions) -> Principal:
    """:raises NotFound: it is not for them. :raises Refused: see `refuse_foreign`"""
    principal = await sessions.principal(request.scope)
    if principal is None:
        raise HTTPException(303, headers={'Location': login_path(request), 'Cache-Control': 'no-store'})
    if not principal.is_admin:
        raise NotFound
    refuse_foreign(request)
    return principal


def holds(request: Request, token: str) -> bool:
    """Whether a program asks that knows the token; one that gives a wrong one is told so.

    :param token: '' if there is none, so that none is right
    :raises HTTPException: 401
    """
    scheme, _, given = request.headers.get('authorization', '').partition(' ')
    if scheme.lower() != 'bearer':
        return False
    if not token or not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise HTTPException(401, headers={'WWW-Authenticate': 'Bearer', 'Cache-Control': 'no-store'})
    return True
