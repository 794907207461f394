"""Puts the sessions within reach of whoever answers a request, and sends the cookie of one opened or ended."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp.auth.sessions import SESSIONS, Sessions
from webapp.auth.visits import VISIT, Visit


class Visits:
    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self.app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http':
            return await self.app(scope, receive, send)
        visit = scope[VISIT] = Visit()
        scope[SESSIONS] = self._sessions

        async def send_with_cookie(message: Message) -> None:
            if message['type'] == 'http.response.start' and visit.cookie:
                headers = [*message['headers'], (b'set-cookie', visit.cookie.encode())]
                message = {**message, 'headers': headers}
            await send(message)

        return await self.app(scope, receive, send_with_cookie)
