"""Puts the demo together: its routes, who may call them, and what they share."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp.upstream.demo import about, conversations, feedback, files, resuming, runs, sending, speech
from webapp.upstream.demo.model import Relay
from webapp.upstream.demo.responses import ApiError, answer, crash, refuse, refuse_route
from webapp.upstream.demo.state import NO_MORE, VERSION, Abilities, Demo

HEADERS = [(b'x-version', VERSION.encode()), (b'x-env', b'PRODUCTION')]


def build(
    *,
    key: str = 'demo',
    mode: str = 'chat',
    data: Path | None = None,
    rate: float = 60.0,
    ping: float = 10.0,
    title_seconds: float = 0.5,
    connections: int | None = None,
    active_limit: int | None = None,
    form: Sequence[dict[str, dict[str, Any]]] = (),
    relay: Relay | None = None,
    keeps_costs: bool = False,
    resumes: bool = True,
    abilities: Abilities = NO_MORE,
    site: Mapping[str, Any] | None = None,
) -> Starlette:
    """The demo as an ASGI app.

    :param key: the API key it takes
    :param mode: what kind of app it is, as `/info` names it: `chat`, `agent-chat`, `agent` or `advanced-chat`
    :param data: file in which conversations survive a restart; None keeps them in memory
    :param rate: tokens per second, unless a query says otherwise; 0 is as fast as possible
    :param ping: seconds between two pings of a stream
    :param title_seconds: how long a title takes to make, and how long the first turn waits for it, as in 1.12.1
    :param connections: requests served at once, further ones wait without a byte; None is no limit, a stock Dify has 10
    :param active_limit: answers written at once, further ones are refused; None is no limit
    :param form: `user_input_form` of `/parameters`, checked at each send; `inputs.SAMPLE` comes with its own opening
    :param relay: a model that answers instead of the handbook, unless a scenario word says otherwise
    :param abilities: what it can do with sound
    :param site: what `/site` says differently
    :param keeps_costs: history tells what each answer cost, as that of newer servers does
    :param resumes: a run whose stream has broken can be heard again, as since 1.14
    """
    demo = Demo(
        key,
        data,
        mode=mode,
        rate=rate,
        ping=ping,
        title_seconds=title_seconds,
        active_limit=active_limit,
        form=form,
        relay=relay,
        keeps_costs=keeps_costs,
        resumes=resumes,
        see_to=resuming.see_to,
        abilities=abilities,
        site=site or {},
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await demo.aclose()

    app = Starlette(
        routes=ROUTES,
        lifespan=lifespan,
        middleware=[Middleware(Edge, key=key, connections=connections)],
        exception_handlers={ApiError: refuse, HTTPException: refuse_route, Exception: crash},
    )
    app.router.redirect_slashes = False
    app.state.demo = demo
    return app


ROUTES = [
    Route('/v1/', about.welcome),
    Route('/v1/info', about.info),
    Route('/v1/parameters', about.parameters),
    Route('/v1/meta', about.meta),
    Route('/v1/site', about.site),
    Route('/v1/audio-to-text', speech.audio_to_text, methods=['POST']),
    Route('/v1/text-to-audio', speech.text_to_audio, methods=['POST']),
    Route('/v1/chat-messages', sending.send, methods=['POST']),
    Route('/v1/chat-messages/{task}/stop', sending.stop, methods=['POST']),
    Route('/v1/conversations', conversations.page),
    Route('/v1/conversations/{id:uuid}', conversations.delete, methods=['DELETE']),
    Route('/v1/conversations/{id:uuid}/name', conversations.rename, methods=['POST']),
    Route('/v1/conversations/{id:uuid}/variables', conversations.variables),
    Route('/v1/messages', conversations.history),
    Route('/v1/messages/{id:uuid}/feedbacks', feedback.rate, methods=['POST']),
    Route('/v1/messages/{id:uuid}/suggested', feedback.suggested),
    Route('/v1/app/feedbacks', feedback.page),
    Route('/v1/files/upload', files.upload, methods=['POST']),
    Route('/v1/files/{id:uuid}/preview', files.preview),
    Route('/files/tools/{name}', files.signed),
    Route('/files/{name}/file-preview', files.signed),
    Route('/v1/workflows/run/{id:uuid}', runs.detail),
    Route('/v1/workflow/{id:uuid}/events', runs.events),
    Route('/v1/form/human_input/{token}', runs.form),
    Route('/v1/form/human_input/{token}', runs.submit, methods=['POST']),
]


class Edge:
    """The key, the version's headers, and the number of requests served at once."""

    def __init__(self, app: ASGIApp, *, key: str, connections: int | None) -> None:
        self._app = app
        self._key = key
        self._places = asyncio.Semaphore(connections) if connections else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http':
            return await self._app(scope, receive, send)
        if self._places is None:
            return await self._serve(scope, receive, send)
        async with self._places:
            return await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message['type'] == 'http.response.start':
                message['headers'] = [*message.get('headers', []), *HEADERS]
            await send(message)

        refused = None if _is_open(scope['path']) else self._refusal(Request(scope))
        await (refused or self._app)(scope, receive, send_with_headers)

    def _refusal(self, request: Request) -> ASGIApp | None:
        scheme, blank, token = request.headers.get('authorization', '').partition(' ')
        if not blank:
            text = "Authorization header must be provided and start with 'Bearer'"
        elif scheme.lower() != 'bearer':
            text = "Authorization scheme must be 'Bearer'"
        elif not secrets.compare_digest(token.strip().encode(), self._key.encode()):
            text = 'Access token is invalid'
        else:
            return None
        return answer({'code': 'unauthorized', 'message': text, 'status': 401}, 401)


def _is_open(path: str) -> bool:
    return path == '/v1/' or path.startswith('/files/') or not _known(path)


def _known(path: str) -> bool:
    """An unknown address is answered by the router, key or not."""
    return any(route.path_regex.match(path) for route in ROUTES)
