"""The pictures that stand for apps, for those who may use the app. Upstream's own address of one reaches nobody."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from webapp.apps import Apps
from webapp.auth.sessions import Sessions
from webapp.errors import NotFound

KEPT = {'Cache-Control': 'private, max-age=86400', 'Vary': 'Cookie', 'Content-Disposition': 'inline'}


def routes(apps: Apps, sessions: Sessions) -> APIRouter:
    """`GET /a/{app}/icon`."""
    router = APIRouter(include_in_schema=False)

    @router.get('/a/{app}/icon')
    async def icon(request: Request, app: str) -> Response:
        principal = await sessions.principal(request.scope)
        if principal is None:
            raise NotFound
        known = apps.open(principal, app).known
        if known is None or known.icon is None:
            raise NotFound
        return Response(known.icon.content, headers=KEPT, media_type=known.icon.media_type)

    return router
