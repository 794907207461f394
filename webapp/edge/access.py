"""One line in the log for each request and each socket, and an id that finds the other lines about it.

A proxy that we trust may have given the request its id already; then its log and ours speak of the same thing.

A path may be logged, its query string never: socket addresses carry the id of a page, which is as good as its owner's
session, and others carry tickets or what a person typed.
"""

import logging
import re
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp.edge.asgi import value, without
from webapp.edge.proxies import Proxies, is_trusted
from webapp.log import Caller, caller, request_id

log = logging.getLogger('webapp.access')

PAGE_ID = re.compile(r'(?<=/_nicegui/client/)[^/]+')
MAX_PATH = 200
HEADER = b'x-request-id'
ID = re.compile(r'[A-Za-z0-9][\w.:+/=@-]{0,127}', re.ASCII)


class Access:
    """:param trusted_proxies: whose `X-Request-ID` counts"""

    def __init__(self, app: ASGIApp, trusted_proxies: Proxies = ()) -> None:
        self.app = app
        self._trusted = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] == 'lifespan':
            return await self.app(scope, receive, send)
        started = time.perf_counter()
        status, size, is_complete = 0, 0, False

        async def send_counted(message: Message) -> None:
            nonlocal status, size, is_complete
            match message['type']:
                case 'http.response.start' | 'websocket.http.response.start':
                    status = message['status']
                    headers = [*without(message['headers'], HEADER), (HEADER, number.encode())]
                    message = {**message, 'headers': headers}
                case 'websocket.accept':
                    status = 101
                case 'http.response.body':
                    size += len(message.get('body', b''))
                    is_complete = not message.get('more_body', False)
            await send(message)

        number = self._given(scope) or secrets.token_hex(4)
        token, whose = request_id.set(number), caller.set(Caller())
        try:
            return await self.app(scope, receive, send_counted)
        except Exception:
            log.exception('a bug of ours')
            if not is_complete:
                raise  # so that the server breaks the connection off
        finally:
            log.info(
                '%s %s %d %d B %.0f ms %s',
                scope.get('method', 'SOCKET'),
                shown(scope),
                status,
                size,
                (time.perf_counter() - started) * 1000,
                (scope.get('client') or ('-',))[0],
            )
            request_id.reset(token)
            caller.reset(whose)

    def _given(self, scope: Scope) -> str | None:
        peer = (scope.get('client') or ('', 0))[0]
        given = value(scope, HEADER) or ''
        return given if ID.fullmatch(given) and is_trusted(peer, self._trusted) else None


def shown(scope: Scope) -> str:
    """The path as it may stand in a log: as it was sent, so that it is one word, and without a page's id."""
    raw = scope.get('raw_path') or scope['path'].encode()
    path = raw.partition(b'?')[0][:MAX_PATH].decode('ascii', 'replace')
    return PAGE_ID.sub('*', path) if path.isprintable() else ascii(path)
