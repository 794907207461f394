"""Whether the process lives, and whether it should be given work."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter
from fastapi.responses import JSONResponse

Check = Callable[[], Awaitable[str | None]]  # nothing, or a sentence on what is wrong

NO_STORE = {'Cache-Control': 'no-store'}


def routes(checks: Mapping[str, Check]) -> APIRouter:
    """`/healthz` and `/readyz`.

    :param checks: by name, in the order in which they are shown. They are asked on every call, so they must be cheap;
        nobody's Dify is among them: its troubles are told to people, and no reason to take us out of service
    """
    router = APIRouter()

    @router.get('/healthz', include_in_schema=False)
    async def healthz() -> JSONResponse:
        return JSONResponse({'status': 'ok'}, headers=NO_STORE)

    @router.get('/readyz', include_in_schema=False)
    async def readyz() -> JSONResponse:
        found = {name: await check() or 'ok' for name, check in checks.items()}
        is_ready = all(word == 'ok' for word in found.values())
        body = {'status': 'ok' if is_ready else 'not ready', 'checks': found}
        return JSONResponse(body, status_code=200 if is_ready else 503, headers=NO_STORE)

    return router
