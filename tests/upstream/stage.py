"""A small real HTTP server that answers with prepared bytes, cut as told, and remembers what it was asked."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

RECORDINGS = Path(__file__).parent.parent / 'recordings'
KEY = 'app-Secret1234567890'
EVENT_STREAM = {'Content-Type': 'text/event-stream; charset=utf-8'}


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)


Act = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Stage:
    """Plays one act for each request, the last one again and again."""

    url: str = ''
    acts: list[Act] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    hangups: int = 0  # connections that are over
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def play(self, *acts: Act) -> None:
        self.acts = list(acts)

    async def hung_up(self, times: int = 1) -> None:
        async with asyncio.timeout(5):
            while self.hangups < times:
                self.changed.clear()
                await self.changed.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        watching = asyncio.ensure_future(reader.read(1))  # the next request, or the end
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while first := await watching:
                request = await _request(first, reader)
                self.requests.append(request)
                act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
                playing = asyncio.ensure_future(act(request, writer))
                watching = asyncio.ensure_future(reader.read(1))
                await asyncio.wait({playing, watching}, return_when=asyncio.FIRST_COMPLETED)
                if not playing.done():
                    playing.cancel()
                    break
                await playing
                if writer.is_closing():
                    break
        self.hangups += 1
        self.changed.set()
        watching.cancel()
        writer.close()


@contextlib.asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    theatre = Stage()
    server = await asyncio.start_server(theatre._serve, '127.0.0.1', 0)
    theatre.url = f'http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1'
    try:
        yield theatre
    finally:
        server.close()
        for writer in theatre.writers:
            writer.close()
        async with asyncio.timeout(5):
            while theatre.hangups < len(theatre.writers):
                theatre.changed.clear()
                await theatre.changed.wait()


async def _request(first: bytes, reader: asyncio.StreamReader) -> Request:
    head = first + await reader.readuntil(b'\r\n\r\n')
    first, *lines = head.decode().split('\r\n')
    method, target, _ = first.split(' ')
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(':') for line in lines if line)}
    if headers.get('transfer-encoding') == 'chunked':
        body = b''
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get('content-length', 0)))
    return Request(method, target, headers, body)


def whole(body: bytes | str | dict, status: int = 200, headers: dict[str, str] | None = None) -> Act:
    """An answer in one piece; a dict goes as JSON."""
    if isinstance(body, dict):
        body, headers = json.dumps(body), {'Content-Type': 'application/json'} | (headers or {})
    data = body.encode() if isinstance(body, str) else body
    head = f'HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\n' + _lines(headers or {}) + '\r\n'

    async def act(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode() + data)
        await writer.drain()

    return act


def stream(
    pieces: Iterable[bytes],
    *,
    end: str = 'end',
    headers: dict[str, str] = EVENT_STREAM,
    pause: float = 0,
    again: bytes = b'',
) -> Act:
    """Pieces as chunks of their own. `end`: 'end', 'cut' (closed without the last chunk), 'hang' (open for ever,
    sending `again` every `pause` seconds)."""

    async def act(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(f'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{_lines(headers)}\r\n'.encode())
        for piece in pieces:
            writer.write(b'%x\r\n%b\r\n' % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(pause)
        if end == 'end':
            writer.write(b'0\r\n\r\n')
            await writer.drain()
        elif end == 'cut':
            writer.close()
        while end == 'hang':
            await asyncio.sleep(pause or 3600)
            if again:
                writer.write(b'%x\r\n%b\r\n' % (len(again), again))
                await writer.drain()

    return act


def silence() -> Act:
    """Takes the request and says nothing."""

    async def act(_: Request, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    return act


def slam() -> Act:
    """Closes the connection in place of an answer."""

    async def act(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.close()

    return act


def frames(*payloads: dict | bytes | str) -> list[bytes]:
    """Payloads as Dify frames them, one chunk each; bytes and text go as they are."""
    return [_frame(payload) for payload in payloads]


def _frame(payload: dict | bytes | str) -> bytes:
    if isinstance(payload, bytes):
        return payload
    if isinstance(payload, str):
        return payload.encode()
    return b'data: ' + json.dumps(payload, ensure_ascii=False).encode() + b'\n\n'


def _lines(headers: dict[str, str]) -> str:
    return ''.join(f'{name}: {value}\r\n' for name, value in headers.items())


@dataclass(frozen=True)
class Recording:
    """One exchange with a real Dify."""

    name: str
    status: int
    headers: dict[str, str]
    body: bytes
    asked: dict  # method, path, body
    was_cut: bool

    @property
    def payloads(self) -> list[dict]:
        return [json.loads(line[6:]) for line in self.body.split(b'\n') if line.startswith(b'data: ')]

    def act(self, size: int | None = None) -> Act:
        """The same answer; a stream in chunks of `size` bytes, or of one frame."""
        kept = {k: v for k, v in self.headers.items() if k not in {'transfer-encoding', 'content-length', 'connection'}}
        if 'text/event-stream' not in self.headers.get('content-type', ''):
            return whole(self.body, self.status, kept)
        pieces = (
            [self.body[i : i + size] for i in range(0, len(self.body), size)]
            if size
            else [frame + b'\n\n' for frame in self.body.split(b'\n\n')[:-1]]
        )
        return stream(pieces, end='cut' if self.was_cut else 'end', headers=kept)


def recording(name: str) -> Recording:
    path = next(path for suffix in ('.sse', '.http') if (path := RECORDINGS / f'{name}{suffix}').exists())
    head, _, body = path.read_bytes().partition(b'\r\n\r\n')
    status, *lines = head.decode().split('\r\n')
    about = json.loads((RECORDINGS / f'{name}.json').read_text())
    return Recording(
        name=name,
        status=int(status.split()[1]),
        headers={k.lower(): v.strip() for k, _, v in (line.partition(':') for line in lines)},
        body=body,
        asked=about['request'],
        was_cut=bool(about.get('client_closed')) or 'EOF-without-final-chunk' in json.dumps(about),
    )


def recorded(suffix: str) -> list[str]:
    return sorted(path.stem for path in RECORDINGS.glob(f'*.{suffix}'))
