"""How the API answers: JSON, refusals, event streams and a proxy's HTML, byte for byte as Dify does."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

# The web framework appends its guesses to most 404 texts; clients must not compare them.
GUESSES = {
    '/v1/chat-messages': '/v1/chat-messages or /api/chat-messages or /v1/chat-messages/<string:task_id>/stop',
    '/v1/messages': '/v1/messages or /v1/chat-messages or /api/messages',
    '/v1/conversations': (
        '/v1/conversations or /v1/conversations/<uuid:c_id>/variables/<uuid:variable_id> or /api/conversations'
    ),
}
NOT_FOUND_PAGE = """<!doctype html>
<html lang=en>
<title>404 Not Found</title>
<h1>Not Found</h1>
<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try \
again.</p>
"""
PROXY_PAGE = """<html>
<head><title>{status} {reason}</title></head>
<body>
<center><h1>{status} {reason}</h1></center>
<hr><center>nginx</center>
</body>
</html>
"""


class ApiError(Exception):
    """A refusal with Dify's `code`, `message` and HTTP `status`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class ConnectionCut(Exception):
    """Raised by a stream's chunks: close the socket here, without an end."""


def invalid(message: str) -> ApiError:
    return ApiError(400, 'invalid_param', message)


def missing(message: str, path: str = '') -> ApiError:
    """A 404; with a `path` the text gets the tail that the web framework appends there."""
    tail = f' You have requested this URI [{path}] but did you mean {GUESSES[path]} ?' if path in GUESSES else ''
    return ApiError(404, 'not_found', message + tail)


def answer(data: object, status: int = 200) -> Response:
    """JSON as Flask writes it: non-ASCII escaped, blanks after separators, a newline at the end."""
    return Response(json.dumps(data) + '\n', status, media_type='application/json')


async def refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return answer({'code': error.code, 'message': error.message, 'status': error.status}, error.status)


async def refuse_route(_: Request, error: Exception) -> Response:
    """Unknown addresses get a page, wrong methods JSON."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        body = {'code': 'method_not_allowed', 'message': 'The method is not allowed for the requested URL.'}
        return answer({**body, 'status': 405}, 405)
    return HTMLResponse(NOT_FOUND_PAGE, error.status_code)


async def crash(_: Request, __: Exception) -> Response:
    return answer({'message': 'Internal Server Error', 'code': 'unknown', 'status': 500}, 500)


def proxy_page(status: int, reason: str) -> Response:
    """What stands before Dify says when Dify does not."""
    return HTMLResponse(PROXY_PAGE.format(status=status, reason=reason), status)


class EventStream(Response):
    """Sends nothing at all, not even a status line, before the first chunk. Closes `chunks` when the client leaves."""

    media_type = 'text/event-stream'

    def __init__(self, chunks: AsyncGenerator[bytes, None]) -> None:
        super().__init__()
        del self.headers['content-length']
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        writing = asyncio.create_task(self._write(send))
        leaving = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (writing, leaving):
                task.cancel()
            done = await asyncio.gather(writing, leaving, return_exceptions=True)
        if isinstance(done[0], Exception):
            raise done[0]

    async def _write(self, send: Send) -> None:
        started = False
        async with contextlib.aclosing(self._chunks) as chunks:
            with contextlib.suppress(ConnectionCut):
                async for chunk in chunks:
                    if not started:
                        await send({'type': 'http.response.start', 'status': 200, 'headers': self.raw_headers})
                        started = True
                    await send({'type': 'http.response.body', 'body': chunk, 'more_body': True})
                await send({'type': 'http.response.body', 'body': b'', 'more_body': False})


class CutResponse(Response):
    """Promises a body and closes the socket instead."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b'content-type', b'application/json'), (b'content-length', b'1000')]
        await send({'type': 'http.response.start', 'status': 200, 'headers': headers})


async def _disconnected(receive: Receive) -> None:
    while (await receive())['type'] != 'http.disconnect':
        pass
