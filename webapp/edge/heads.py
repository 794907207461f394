"""`HEAD` is `GET` without the body; routes need not know it. But where a `GET` does something, it does nothing."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ACTING = '/auth/'  # a way back from a provider counts once, and opens a session
COUNTING = '/embed/'  # a token or a ticket in the query counts once


class Heads:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http' or scope['method'] != 'HEAD' or scope['path'].startswith(ACTING):
            return await self.app(scope, receive, send)

        async def send_head(message: Message) -> None:
            await send({**message, 'body': b''} if message['type'] == 'http.response.body' else message)

        asked = {'query_string': b''} if scope['path'].startswith(COUNTING) else {}
        return await self.app({**scope, 'method': 'GET', **asked}, receive, send_head)
