"""Speech over HTTP, both ways. The sound is passed on as it comes and is nowhere kept: no file, no row."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from webapp.callers import GONE, NO_STORE, Callers, Places, while_connected
from webapp.embedding.passes import Purpose
from webapp.errors import NotFound, Refused
from webapp.principal import Principal
from webapp.speech import MOST_RECORDED, Speech

# Heard twice, it is paid for once. Another person on the same browser has another cookie, and so asks again.
KEPT = {'Cache-Control': 'private, max-age=3600', 'Vary': 'Cookie', 'Content-Disposition': 'inline'}


def routes(speech: Speech, callers: Callers) -> APIRouter:
    """`GET /speech/{message}/{piece}`, `GET /speech/{message}/whole` and `POST /speech`."""
    router = APIRouter(include_in_schema=False)
    places = Places()

    @router.get('/speech/{message_id}/whole')
    async def say_whole(request: Request, message_id: str) -> Response:
        principal = await callers.who(request, Purpose.SPEAK, message_id)
        if principal is None:
            raise NotFound
        sound = await speech.whole(principal, message_id)
        return StreamingResponse(sound.body, 200, KEPT, sound.media_type)

    @router.get('/speech/{message_id}/{piece}')
    async def say(request: Request, message_id: str, piece: int) -> Response:
        principal = await callers.who(request, Purpose.SPEAK, message_id)
        if principal is None:
            raise NotFound
        return _Spoken(speech, places, principal, message_id, piece)

    @router.post('/speech')
    async def hear(request: Request, app: str = '') -> JSONResponse:
        principal = await callers.require(request, Purpose.HEAR)
        try:
            async with places.of(principal):
                recording = bytearray()  # in memory: a form's file would be written to the disk
                async for block in request.stream():
                    recording += block
                    if len(recording) > MOST_RECORDED:
                        raise Refused('recording_too_long', status=413)
                words = await while_connected(request, speech.hear(principal, app, bytes(recording)))
        except ClientDisconnect:
            raise Refused(detail='the browser has gone', status=GONE) from None
        return JSONResponse({'text': words}, headers=NO_STORE)

    return router


class _Spoken(Response):
    """Holds its place and upstream's connection just as long as it is being sent, whoever goes away when."""

    def __init__(self, speech: Speech, places: Places, principal: Principal, message_id: str, piece: int) -> None:
        super().__init__()
        self._places = places.of(principal)
        self._speech = speech.say(principal, message_id, piece)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._places, self._speech as sound:
            await StreamingResponse(sound.body, 200, KEPT, sound.media_type)(scope, receive, send)
