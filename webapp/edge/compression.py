"""Small answers: what never changes is compressed once and kept, the rest as it goes out."""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp.edge.asgi import RawHeaders, value, values, without
from webapp.edge.encodings import Encoder, Encoding, chosen

COMPRESSIBLE = (
    'text/', 'application/json', 'application/javascript', 'application/manifest+json', 'image/svg+xml', 'font/ttf',
)  # fmt: skip
LIVE = 'text/event-stream'
MIN_BYTES = 500
KEPT_BYTES = 32 * 1024 * 1024
CONDITIONS = (b'range', b'if-range', b'if-none-match', b'if-modified-since', b'accept-encoding')


class Compression:
    """Compresses in the encoding that the client prefers; keeps what is `immutable`, by its path.

    :param kept: paths that begin like this are looked up among what is kept
    """

    def __init__(self, app: ASGIApp, *, kept: tuple[str, ...]) -> None:
        self.app = app
        self._paths = kept
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._size = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http':
            return await self.app(scope, receive, send)
        encoding = chosen(values(scope, b'accept-encoding'))
        if scope['method'] == 'GET' and scope['path'].startswith(self._paths):
            return await self._serve_kept(scope, receive, send, encoding)
        return await self.app(scope, receive, _Compressed(send, encoding).send if encoding else send)

    async def _serve_kept(self, scope: Scope, receive: Receive, send: Send, encoding: Encoding | None) -> None:
        key = scope['path'], encoding.name if encoding else ''
        if key in self._kept:
            self._kept.move_to_end(key)
            return await self._kept[key].respond(scope, send)
        answer = _Answer()
        await self.app({**scope, 'headers': without(scope['headers'], *CONDITIONS)}, receive, answer.send)
        if not answer.is_immutable:
            return await answer.replay(_Compressed(send, encoding).send if encoding else send)
        kept = await asyncio.to_thread(_Kept.of, answer, encoding)
        self._keep(key, kept)
        return await kept.respond(scope, send)

    def _keep(self, key: tuple[str, str], kept: '_Kept') -> None:
        if key in self._kept:  # somebody else asked at the same time
            return
        self._kept[key] = kept
        self._size += len(kept.body)
        while self._size > KEPT_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest.body)


@dataclass(frozen=True, slots=True)
class _Kept:
    headers: RawHeaders
    etag: str
    body: bytes

    @classmethod
    def of(cls, answer: '_Answer', encoding: Encoding | None) -> '_Kept':
        body = bytes(answer.body)
        headers = MutableHeaders(raw=without(answer.start['headers'], b'content-length', b'etag', b'accept-ranges'))
        suffix = ''
        if encoding and _is_compressible(headers, len(body)):
            body = encoding.encode(body, encoding.thorough)
            headers['content-encoding'] = encoding.name
            suffix = f'-{encoding.name}'
        headers.add_vary_header('Accept-Encoding')
        headers['etag'] = f'"{hashlib.sha256(answer.body).hexdigest()[:16]}{suffix}"'
        return cls(headers.raw, headers['etag'], body)

    async def respond(self, scope: Scope, send: Send) -> None:
        if _matches(value(scope, b'if-none-match'), self.etag):
            headers = without(self.headers, b'content-encoding', b'content-type')
            await send({'type': 'http.response.start', 'status': 304, 'headers': headers})
            return await send({'type': 'http.response.body', 'body': b''})
        length = (b'content-length', str(len(self.body)).encode())
        await send({'type': 'http.response.start', 'status': 200, 'headers': [*self.headers, length]})
        return await send({'type': 'http.response.body', 'body': self.body})


class _Answer:
    """An answer of the app, held back until it is whole."""

    def __init__(self) -> None:
        self.start: Message = {}
        self.body = bytearray()

    async def send(self, message: Message) -> None:
        if message['type'] == 'http.response.start':
            self.start = message
        else:
            self.body += message.get('body', b'')

    @property
    def is_immutable(self) -> bool:
        headers = Headers(raw=self.start['headers'])
        return (
            self.start['status'] == 200
            and 'immutable' in headers.get('cache-control', '')
            and not {'set-cookie', 'content-encoding'} & set(headers)
        )

    async def replay(self, send: Send) -> None:
        await send(self.start)
        await send({'type': 'http.response.body', 'body': bytes(self.body)})


class _Compressed:
    """One answer, compressed as it goes out. Each piece leaves as soon as it comes."""

    def __init__(self, send: Send, encoding: Encoding) -> None:
        self._send = send
        self._encoding = encoding
        self._start: Message | None = None
        self._encoder: Encoder | None = None

    async def send(self, message: Message) -> None:
        if message['type'] == 'http.response.start':
            self._start = message
            return
        if self._start is not None:
            message = await self._begin(self._start, message)
            self._start = None
        if self._encoder is not None and message['type'] == 'http.response.body':
            more = message.get('more_body', False)
            body = self._encoder.process(message.get('body', b''))
            message = {**message, 'body': body + (self._encoder.flush() if more else self._encoder.finish())}
        await self._send(message)

    async def _begin(self, start: Message, first: Message) -> Message:
        """Send the head; the first piece of the body, compressed if it was whole."""
        headers = MutableHeaders(raw=list(start['headers']))
        body = first.get('body', b'')
        # NiceGUI's middlewares send a body that is whole as a stream of one piece.
        is_whole = not first.get('more_body', False) or headers.get('content-length') == str(len(body))
        size = len(body) if is_whole else MIN_BYTES
        if start['status'] in {204, 206, 304} or not _is_compressible(headers, size):
            await self._send(start)
            return first
        headers['content-encoding'] = self._encoding.name
        headers.add_vary_header('Accept-Encoding')
        if etag := headers.get('etag'):
            headers['etag'] = etag if etag.startswith('W/') else f'W/{etag}'
        del headers['accept-ranges']
        if is_whole:
            body = self._encoding.encode(body, self._encoding.quick)
            headers['content-length'] = str(len(body))
        else:
            self._encoder = self._encoding.encoder(self._encoding.quick)
            del headers['content-length']
        await self._send({**start, 'headers': headers.raw})
        return {**first, 'body': body}


def _is_compressible(headers: Headers, size: int) -> bool:
    kind = headers.get('content-type', '')
    return (
        size >= MIN_BYTES and 'content-encoding' not in headers and kind.startswith(COMPRESSIBLE) and LIVE not in kind
    )


def _matches(if_none_match: str | None, etag: str) -> bool:
    tags = [tag.strip().removeprefix('W/') for tag in (if_none_match or '').split(',')]
    return etag in tags or tags == ['*']
