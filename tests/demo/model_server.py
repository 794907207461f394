"""A small OpenAI-compatible server over real HTTP, that says what a test wants and remembers what it was asked."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
HEAD = 'HTTP/1.1 {status}\r\nContent-Type: {type}\r\nConnection: close\r\n\r\n'
USAGE = {'prompt_tokens': 31, 'completion_tokens': 7, 'total_tokens': 38}


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: Json

    @property
    def last(self) -> Any:
        return self.body['messages'][-1]['content']


@dataclass
class ModelServer:
    """Answers each request with the pieces that `reply` gives; `None` among them waits for the caller to leave."""

    url: str = ''
    asked: list[Asked] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)  # a caller hung up while we waited
    reply: Callable[[Asked], list[bytes | None]] = lambda _: stream('Hello', ' there', '!')


def head(status: str = '200 OK', type: str = 'text/event-stream') -> bytes:
    return HEAD.format(status=status, type=type).encode()


def page(status: str, body: object, type: str = 'application/json') -> list[bytes | None]:
    return [head(status, type), (body if isinstance(body, str) else json.dumps(body)).encode()]


def event(data: object) -> bytes:
    return b'data: %b\n\n' % (data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)).encode()


def delta(finish: str | None = None, **said: str) -> bytes:
    return event({'choices': [{'index': 0, 'delta': said, 'finish_reason': finish}]})


def stream(*words: str, usage: Json | None = USAGE, thoughts: tuple[bytes, ...] = ()) -> list[bytes | None]:
    """A whole answer, as most servers send it."""
    counted = [event({'choices': [], 'usage': usage})] if usage else []
    spoken = [delta(content=word) for word in words]
    return [head(), delta(role='assistant', content=''), *thoughts, *spoken, delta('stop'), *counted, event('[DONE]')]


@contextlib.asynccontextmanager
async def serve_model() -> AsyncIterator[ModelServer]:
    model = ModelServer()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            asked = await _read(reader)
            model.asked.append(asked)
            for piece in model.reply(asked):
                if piece is None:
                    await reader.read()
                    model.left.set()
                    return
                writer.write(piece)
                await writer.drain()

    server = await asyncio.start_server(answer, '127.0.0.1', 0)
    async with server:
        model.url = f'http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1'
        yield model


async def _read(reader: asyncio.StreamReader) -> Asked:
    lines = (await reader.readuntil(b'\r\n\r\n')).decode().split('\r\n')
    headers = {name.lower(): value for name, _, value in (line.partition(': ') for line in lines[1:] if line)}
    body = await reader.readexactly(int(headers['content-length']))
    return Asked(lines[0].split()[1], headers, json.loads(body))
