"""Pictures that the assistant makes: small, and told by their prompt."""

import hashlib
import struct
import time
import uuid
import zlib

from webapp.upstream.demo.records import File, Records

WIDTH, HEIGHT = 320, 200


def draw(records: Records, prompt: str, user: str) -> File:
    """Make the picture of `prompt` and keep it."""
    return keep(records, 'picture.png', 'image/png', png(prompt), user)


def keep(records: Records, name: str, mime_type: str, content: bytes, user: str) -> File:
    """Keep what the assistant has made."""
    extension = name.rpartition('.')[2]
    file = File(str(uuid.uuid4()), user, name, len(content), extension, mime_type, int(time.time()), used=True)
    records.keep(file, content)
    return file


def png(prompt: str) -> bytes:
    """A gradient between two colours that follow from the prompt."""
    digest = hashlib.sha256(prompt.encode()).digest()
    start, end = digest[:3], digest[3:6]
    rows = b''.join(
        b'\0' + bytes((start[c] * (HEIGHT - y) + end[c] * y) // HEIGHT for c in range(3)) * WIDTH for y in range(HEIGHT)
    )
    header = struct.pack('>IIBBBBB', WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + _chunk(b'IHDR', header) + _chunk(b'IDAT', zlib.compress(rows)) + _chunk(b'IEND', b'')


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))
