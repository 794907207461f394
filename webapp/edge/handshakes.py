"""NiceGUI's socket events, made to trust nobody.

NiceGUI looks a page up by the `client_id` inside a message and does not ask which socket sent it; a malformed message
raises in a task of its own; a socket may stay open for ever without a handshake. Here a message counts only if its
socket has shaken hands for that very page. Everything else is dropped and counted, and at last the socket is closed.

This reads private attributes of NiceGUI, which is therefore pinned exactly; tests with forged messages hold them there.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl

from nicegui import Client, core
from socketio.exceptions import ConnectionRefusedError as Refused
from starlette.types import Scope

from webapp.edge.sockets import CONNECTION

log = logging.getLogger(__name__)

FRAME_BYTES = 1_000_000
MAX_ID = 100  # characters of an id that a browser makes up
MAX_REPORT = 300  # characters of a line that a page wants in our log
REPORTS = 20  # such lines for each socket
FAULTS = 20  # malformed messages until the socket is closed
HANDSHAKE_SECONDS = 10.0
WAITING_PER_ADDRESS = 200  # sockets that have not shaken hands yet

SameBrowser = Callable[[Scope, Scope], bool]
HasRoom = Callable[[Client], bool]
Handler = Callable[..., Any]


def guard_sockets(
    origins: Collection[str],
    *,
    same_browser: SameBrowser,
    has_room: HasRoom,
    handshake_seconds: float = HANDSHAKE_SECONDS,
) -> None:
    """Put our handlers in front of NiceGUI's. Once per process, before it starts.

    :param origins: of our own pages; sockets of all others are refused
    :param same_browser: given the request of a page and the opening of a socket, whether the same browser may have sent
        both, see `auth.sessions`
    :param has_room: whether a page may connect beside those that are; asked last, right before it does
    :param handshake_seconds: after which a socket is closed that has not shaken hands
    """
    core.sio.eio.cors_allowed_origins = sorted(origins)
    core.sio.eio.max_http_buffer_size = FRAME_BYTES
    core.sio.async_handlers = False  # what a handler raises must reach `_Engine`, not end in an orphaned task
    for name in ('engineio.server', 'socketio.server'):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # they log a traceback for whatever a stranger sends
    engine = _Engine(handshake_seconds)
    engine.install()
    _Events(engine, same_browser, has_room).install()


class Malformed(ValueError):
    """A message that no browser of ours sends."""


class _Engine:
    """The transport's side: who has not shaken hands yet, and who sent what we can't read."""

    def __init__(self, handshake_seconds: float) -> None:
        self._handshake_seconds = handshake_seconds
        self._waiting: dict[str, str] = {}  # socket -> its address
        self._faults: dict[str, int] = {}
        self._inner: Mapping[str, Handler] = {}

    def install(self) -> None:
        self._inner = dict(core.sio.eio.handlers)
        core.sio.eio.on('connect', self.connect)
        core.sio.eio.on('message', self.message)
        core.sio.eio.on('disconnect', self.disconnect)

    async def connect(self, socket: str, environ: dict[str, Any]) -> object:
        address = (environ['asgi.scope'].get('client') or ('', 0))[0]
        if sum(waiting == address for waiting in self._waiting.values()) >= WAITING_PER_ADDRESS:
            return False
        self._waiting[socket] = address
        asyncio.get_running_loop().call_later(self._handshake_seconds, self._expire, socket)
        return await self._inner['connect'](socket, environ)

    async def message(self, socket: str, data: str | bytes) -> None:
        try:
            await self._inner['message'](socket, data)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            log.debug('a message nobody can read', exc_info=True)
            self._faults[socket] = self._faults.get(socket, 0) + 1
            if self._faults[socket] == FAULTS:
                log.warning('closing a socket after %d malformed messages', FAULTS)
                self.close(socket)

    async def disconnect(self, socket: str, reason: str) -> None:
        self._waiting.pop(socket, None)
        self._faults.pop(socket, None)
        await self._inner['disconnect'](socket, reason)

    def shaken(self, socket: str) -> None:
        self._waiting.pop(socket, None)

    def close(self, socket: str) -> None:
        if environ := core.sio.environ.get(socket):
            if connection := environ['asgi.scope'].get(CONNECTION):
                connection.end()
            else:  # long polling
                core.sio.start_background_task(core.sio.eio.disconnect, socket)

    def _expire(self, socket: str) -> None:
        if self._waiting.pop(socket, None) is not None:
            self.close(socket)


class _Events:
    """NiceGUI's side: its handlers, each behind a check of what it is given."""

    def __init__(self, engine: _Engine, same_browser: SameBrowser, has_room: HasRoom) -> None:
        self._engine = engine
        self._same_browser = same_browser
        self._has_room = has_room
        self._inner: Mapping[str, Handler] = {}
        self._reports: dict[str, int] = {}

    def install(self) -> None:
        self._inner = dict(core.sio.handlers['/'])
        for name in ('connect', 'handshake', 'disconnect', 'event', 'javascript_response', 'ack', 'log'):
            core.sio.on(name, getattr(self, name))

    async def connect(self, sid: str, environ: object, *_: object) -> None:
        """A socket opens; NiceGUI's own pages shake hands in its query string."""
        if environ is not core.sio.get_environ(sid):
            raise Malformed('an event called "connect"')
        assert isinstance(environ, dict)
        query = dict(parse_qsl(environ.get('QUERY_STRING', '')))
        if query.get('implicit_handshake') != 'true':
            return
        if not self._may_shake(sid, query):
            raise Refused('Implicit handshake failed')  # on this text NiceGUI's page reloads
        await self._inner['connect'](sid, environ)
        self._engine.shaken(_engine_socket(sid))

    async def handshake(self, sid: str, data: object = None, *_: object) -> bool:
        if not isinstance(data, dict) or not self._may_shake(sid, data):
            return False
        if shaken := await self._inner['handshake'](sid, data):
            self._engine.shaken(_engine_socket(sid))
        return bool(shaken)

    async def disconnect(self, sid: str, *_: object) -> None:
        self._reports.pop(sid, None)
        self._inner['disconnect'](sid)

    def event(self, sid: str, message: object = None, *_: object) -> None:
        if (checked := _own(sid, message)) is None:
            return
        arguments = checked.setdefault('args', [])
        if not _is_number(checked.get('id')) or not isinstance(checked.get('listener_id'), str):
            raise Malformed('an event without element or listener')
        if not isinstance(arguments, list) or not all(a is None or isinstance(a, str) for a in arguments):
            raise Malformed('an event with strange arguments')
        self._inner['event'](sid, checked)

    def javascript_response(self, sid: str, message: object = None, *_: object) -> None:
        if (checked := _own(sid, message)) is None:
            return
        if not isinstance(checked.get('request_id'), str):
            raise Malformed('an answer to no question')
        self._inner['javascript_response'](sid, checked)

    def ack(self, sid: str, message: object = None, *_: object) -> None:
        if (checked := _own(sid, message)) is None:
            return
        if not _is_number(checked.get('next_message_id')):
            raise Malformed('a confirmation of nothing')
        self._inner['ack'](sid, checked)

    def log(self, sid: str, message: object = None, *_: object) -> None:
        """What a page has to report. It is a stranger's text in our log, so there is little of it and on one line."""
        if (checked := _own(sid, message)) is None:
            return
        text = checked.get('message')
        if checked.get('level') not in {'debug', 'info', 'warning', 'error'} or not isinstance(text, str):
            raise Malformed('a report without level or text')
        self._reports[sid] = self._reports.get(sid, 0) + 1
        if self._reports[sid] <= REPORTS:
            self._inner['log'](sid, {**checked, 'message': f'a page reports: {text[:MAX_REPORT]!r}'})

    def _may_shake(self, sid: str, data: Mapping[str, object]) -> bool:
        ids = [data.get('client_id'), data.get('tab_id'), data.get('document_id'), data.get('old_tab_id') or '']
        if not all(isinstance(text, str) and len(text) <= MAX_ID for text in ids):
            return False
        if not all(ids[:3]) or not str(data.get('next_message_id') or 0).isdecimal():
            return False
        page = Client.instances.get(str(ids[0]))
        if page is None or not self._same_browser(page.request.scope, core.sio.get_environ(sid)['asgi.scope']):
            return False
        return self._has_room(page)


def _own(sid: str, message: object) -> dict[str, Any] | None:
    """The message, if it is for a page this socket has shaken hands for; nothing if that page has just gone.

    :raises Malformed: it is for somebody else's page, or for none
    """
    if not isinstance(message, dict) or not isinstance(message.get('client_id'), str):
        raise Malformed('no page is named')
    page = Client.instances.get(message['client_id'])
    if page is None:
        return None
    if sid not in page._socket_to_document_id:
        raise Malformed('the page of another socket')
    return message


def _engine_socket(sid: str) -> str:
    return str(core.sio.manager.eio_sid_from_sid(sid, '/'))


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
