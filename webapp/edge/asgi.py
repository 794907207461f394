"""What the edge's modules share: reading a header, and answering without the app behind."""

from collections.abc import Iterable

from starlette.types import Receive, Scope, Send

RawHeaders = list[tuple[bytes, bytes]]


def values(scope: Scope, name: bytes) -> list[str]:
    """All values of a header, in the order in which they came."""
    return [value.decode('latin-1') for key, value in scope['headers'] if key == name]


def value(scope: Scope, name: bytes) -> str | None:
    """A header's value, or nothing if it is missing or was sent more than once."""
    found = values(scope, name)
    return found[0] if len(found) == 1 else None


def without(headers: Iterable[tuple[bytes, bytes]], *names: bytes) -> RawHeaders:
    return [(key, value) for key, value in headers if key.lower() not in names]


async def refuse(
    scope: Scope, receive: Receive, send: Send, *, status: int, text: str, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Answer a request or a socket's opening with one plain sentence."""
    body = f'{text}\n'.encode()
    kind = 'http.response'
    if scope['type'] == 'websocket':
        await receive()  # the opening itself
        if 'websocket.http.response' not in scope.get('extensions', {}):
            await send({'type': 'websocket.close', 'code': 1008})
            return
        kind = 'websocket.http.response'
    head = [
        (b'content-type', b'text/plain; charset=utf-8'),
        (b'content-length', str(len(body)).encode()),
        (b'cache-control', b'no-store'),
        *headers,
    ]
    await send({'type': f'{kind}.start', 'status': status, 'headers': head})
    await send({'type': f'{kind}.body', 'body': body})
