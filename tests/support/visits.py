"""Requests that reach sessions without a server in between."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import Message, Scope

from webapp.auth.middleware import Visits
from webapp.auth.sessions import Sessions


async def visit(
    sessions: Sessions,
    act: Callable[[Scope], Awaitable[Any]],
    *,
    cookie: str,
    address: str,
    on_cookie: Callable[[str], None],
) -> Any:
    """What `act` gives or raises, called within a request.

    :param on_cookie: given a `Set-Cookie` of the answer
    """
    results = []

    async def app(scope: Scope, receive: object, send: Callable[[Message], Awaitable[None]]) -> None:
        try:
            results.append(await act(scope))
        finally:
            await send({'type': 'http.response.start', 'status': 200, 'headers': []})

    async def send(message: Message) -> None:
        for name, value in message['headers']:
            if name == b'set-cookie':
                on_cookie(value.decode())

    headers = [(b'cookie', cookie.encode()), (b'user-agent', b'Test/1.0')]
    scope = {'type': 'http', 'headers': headers, 'client': (address, 1)}
    await Visits(app, sessions)(scope, None, send)  # type: ignore[arg-type]
    return results[0]
