"""Sounds, a demo that can do everything with them, and people who ask it."""

import io
import math
import sqlite3
import struct
import wave
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
from support import direct
from support.live import live
from support.server import Server, wait_for

from webapp.upstream.demo.state import Abilities

ALL = Abilities(hears=True)
SECRET = 'a7c29b1e-44f0-4d5b-9f7e-0d6b3c51e8aa'


def wav(seconds: float = 1.0, *, loud: int = 3000, rate: int = 16_000) -> bytes:
    """A recording: one tone, or silence with `loud=0`."""
    held = io.BytesIO()
    samples = (round(loud * math.sin(at / 8)) for at in range(round(seconds * rate)))
    with wave.open(held, 'wb') as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(b''.join(struct.pack('<h', sample) for sample in samples))
    return held.getvalue()


def seconds_of(sound: bytes) -> float:
    with wave.open(io.BytesIO(sound)) as opened:
        return opened.getnframes() / opened.getframerate()


@contextmanager
def speaking(folder: Path, upstream: str, toml: str = '') -> Iterator[Server]:
    """The app in front of such a demo, open to guests."""
    (folder / 'webapp.toml').write_text(toml)
    guests = {'WEBAPP_GUESTS': 'true', 'WEBAPP_SECRET': SECRET}
    server = Server(folder, {'DIFY_BASE_URL': upstream, 'DIFY_API_KEY': 'demo'} | guests)
    server.start()
    yield server
    server.stop()
    assert 'Traceback' not in server.log, server.log


@contextmanager
def somebody(server: Server) -> Iterator[httpx.Client]:
    """A guest with a browser of their own."""
    with direct.client(server.url, timeout=60) as http:
        http.get('/', headers={'accept': 'text/html'}).raise_for_status()
        yield http


def answered(server: Server, http: httpx.Client, question: str) -> str:
    """Ask, wait for the end, and return the id of the message."""
    with live(http, '/') as page:
        page.fire('composer send', question, f'key of {question[:100]}', [], '')
        page.hears('accepted')
        wait_for(lambda: not one(server, "SELECT 1 FROM messages WHERE status = 'running'"), 'the end', 30)
    return str(one(server, 'SELECT id FROM messages ORDER BY created_at DESC'))


def one(server: Server, query: str) -> object:
    with closing(sqlite3.connect(server.folder / 'data' / 'webapp.db')) as connection:
        row = connection.execute(query).fetchone()
        return row[0] if row else None
