"""Signing out."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse

from webapp.auth.sessions import Sessions


def routes(sessions: Sessions, *, on_end: Callable[[str], object]) -> APIRouter:
    """`POST /logout`. The edge has refused it already if another site sent it.

    :param on_end: told the id of the session, so that open pages can be closed
    """
    router = APIRouter()

    @router.post('/logout', include_in_schema=False)
    async def logout(request: Request) -> RedirectResponse:
        if principal := await sessions.end(request.scope):
            on_end(principal.session_id)
        return RedirectResponse('/', status_code=303, headers={'Cache-Control': 'no-store'})

    return router
