"""Small real files, and a browser's way of sending them."""

import struct
import zlib
from dataclasses import dataclass, field
from typing import Self

import httpx
from support import direct
from support.server import Server

SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
EXE = b'MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00' + bytes(200)
PDF = b'%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n'
WAV = b'RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00' + bytes(40)
ZIP = b'PK\x03\x04\x14\x00\x00\x00\x08\x00' + bytes(60)
GIF_AND_SCRIPT = b'GIF89a/*\x0a\x00\x00' + b'<script>*/=1;alert(1)//</script>'


def png(width: int = 4, height: int = 3) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    pixels = zlib.compress((b'\0' + b'\xb0\x20\x50' * width) * height) if width * height < 1_000_000 else b''
    head = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', pixels) + chunk(b'IEND', b'')


@dataclass
class Person:
    """A browser with a session of its own."""

    server: Server
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = direct.client(self.server.url, timeout=60)
        self.http.get('/', headers={'accept': 'text/html'}, follow_redirects=True).raise_for_status()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def upload(self, name: str, content: bytes, app: str = 'default', **headers: str) -> httpx.Response:
        return self.http.post('/uploads', data={'app': app}, files={'file': (name, content)}, headers=headers)

    def get(self, url: str, **headers: str) -> httpx.Response:
        return self.http.get(url, headers=headers)
