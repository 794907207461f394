"""A server that says what a real Dify said, in the same pieces. Which answer comes next, the test decides."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace

import anyio
from recorded_exchanges import Json, Recording, histories, recording
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

KEY = 'app-of-the-recordings-'  # the name of the app follows
AGENTS = {'agent', 'react', 'speaker', 'drawer', 'knowledge-agent'}
FLOWS = {'chatflow', 'richflow'}
OF_THE_SERVER = {'connection', 'content-length', 'date', 'server', 'transfer-encoding'}  # headers that it makes itself
OFF, ON = {'enabled': False}, {'enabled': True}
# Of most apps nobody has read the parameters: theirs are those of another one, without what they have not.
BARE = {
    'opening_statement': '',
    'suggested_questions': [],
    'suggested_questions_after_answer': OFF,
    'user_input_form': [],
    'file_upload': OFF,
}
SPEECH = {'speech_to_text': ON, 'text_to_speech': {**ON, 'language': 'en-US', 'voice': 'alloy'}}
RECORDED = {'chat', 'chatflow', 'agent', 'moderated'}


def kind(app: str) -> str:
    """The app of its kind whose looks were recorded."""
    return 'agent' if app in AGENTS else 'chatflow' if app in FLOWS else 'chat'


def parameters(app: str) -> Json:
    recorded: Json = json.loads(recording(f'{app if app in RECORDED else kind(app)}-parameters').body)
    if app in RECORDED:
        return recorded
    return recorded | BARE | (SPEECH if app == 'plain' else {})


class RecordedDify:
    """:ivar asked: the body of the question that was asked last
    :ivar over: all has been said to it
    """

    def __init__(self) -> None:
        self.asked: Json = {}
        self._next = ''
        self._waits = False
        self._breaks_at: int | None = None
        self.over = threading.Event()
        self._stop = anyio.Event()
        self._histories = {row['conversation_id']: page for page in histories() for row in page.frames[0]['data']}
        self.app = Starlette(
            routes=[
                Route('/v1/chat-messages', self._answer, methods=['POST']),
                Route('/v1/chat-messages/{task}/stop', self._take_stop, methods=['POST']),
                Route('/v1/info', self._about('info')),
                Route('/v1/site', self._about('site')),
                Route('/v1/meta', self._meta),
                Route('/v1/parameters', lambda request: JSONResponse(parameters(_app(request)))),
                Route('/v1/messages', self._messages),
                Route('/v1/messages/{id}/suggested', self._suggested),
                Route('/v1/conversations/{id}/name', _always('rename-auto'), methods=['POST']),
                Route('/v1/files/upload', self._take_file, methods=['POST']),
                Route('/files/tools/{file}', _always('tool-file-signed-url')),
                Route('/v1/text-to-audio', _always('text-to-audio-ok'), methods=['POST']),
                Route('/v1/workflows/run/{id}', _always('chatflow-run-detail-after-disconnect')),
                Route('/v1/workflow/{id}/events', _always('chatflow-run-events-reconnect')),
            ]
        )

    def play(self, name: str, *, waits: bool = False, breaks_at: int | None = None) -> None:
        """Say this to the next question.

        :param waits: to be stopped, where the recorded one was
        :param breaks_at: after so many pieces the connection breaks
        """
        self.over.clear()
        self._next, self._waits, self._breaks_at = name, waits, breaks_at

    async def _answer(self, request: Request) -> Response:
        self.asked = await request.json()
        played = recording(self._next)
        self._stop = anyio.Event()
        if not self._waits:
            self._stop.set()
        if self._breaks_at:
            played = replace(played, chunks=played.chunks[: self._breaks_at], is_cut=True)
        return Played(played, self._stop, self.over)

    async def _take_stop(self, _: Request) -> Response:
        self._stop.set()
        return whole('stop-unknown-task')  # as Dify answers to every stop

    @staticmethod
    def _about(what: str) -> Callable[[Request], Response]:
        return lambda request: whole(f'{kind(_app(request))}-{what}')

    @staticmethod
    def _meta(request: Request) -> Response:
        app = _app(request)
        return whole('agent-meta-plugin-tool' if app == 'drawer' else f'{kind(app)}-meta')

    def _messages(self, request: Request) -> Response:
        page = self._histories.get(request.query_params['conversation_id'])
        return whole(page.name if page else 'messages-list-unknown-conversation')

    @staticmethod
    def _suggested(request: Request) -> Response:
        app = _app(request)
        return whole({'chat': 'suggested', 'chatflow': 'chatflow-suggested'}.get(app, 'suggested-disabled'))

    @staticmethod
    async def _take_file(request: Request) -> Response:
        return whole('upload-jpg' if b'filename="photo.jpg"' in await request.body() else 'upload-png')


class Played(Response):
    """A recorded answer.

    :param stop: comes when it was stopped, or is there already
    :param over: told when all has been said
    """

    def __init__(self, played: Recording, stop: anyio.Event | None = None, over: threading.Event | None = None) -> None:
        self.status_code, self.background = played.status, None
        self.raw_headers = [
            (name.encode(), value.encode()) for name, value in played.headers.items() if name not in OF_THE_SERVER
        ]
        self._played, self._stop, self._over = played, stop, over

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({'type': 'http.response.start', 'status': self.status_code, 'headers': self.raw_headers})
        for number, chunk in enumerate(self._played.chunks):
            if number == self._played.pieces_before_stop and self._stop:
                await self._stop.wait()
            await send({'type': 'http.response.body', 'body': chunk, 'more_body': True})
        if not self._played.is_cut:  # else the server closes the connection without a last chunk
            await send({'type': 'http.response.body', 'body': b''})
        if self._over:
            self._over.set()


def whole(name: str) -> Response:
    return Played(recording(name))


def _always(name: str) -> Callable[[Request], Response]:
    return lambda _: whole(name)


def _app(request: Request) -> str:
    return request.headers['authorization'].rpartition(KEY)[2]
