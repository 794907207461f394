"""The figures of operation for Prometheus: for one on this computer, and for others with a token."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from webapp.edge.hosts import is_from_here
from webapp.errors import NotFound
from webapp.exports.answering import holds
from webapp.metrics import Metrics


def routes(metrics: Metrics, *, token: str) -> APIRouter:
    """`GET /metrics`.

    :param token: lets those elsewhere read; '' for none
    """
    router = APIRouter(include_in_schema=False)

    @router.get('/metrics')
    async def read(request: Request) -> Response:
        if not (is_from_here(request.scope) or holds(request, token)):
            raise NotFound
        body, media_type = metrics.written(request.headers.get('accept', ''))
        return Response(body, media_type=media_type, headers={'Cache-Control': 'no-store'})

    return router
