"""What can be read from a file's own bytes, whatever its name claims: a picture's size, a document's text."""

import io
from dataclasses import dataclass

import filetype
import imagesize

from webapp.upstream.demo.records import File

PICTURES = {'image/png': 'PNG', 'image/jpeg': 'JPEG', 'image/gif': 'GIF', 'image/webp': 'WebP'}
HEAD = 512 * 1024  # bytes in which a picture must have told its size
NO_PROSE = (b'%PDF-', b'{\\rtf')  # begin files that may be nothing but ASCII, and yet are no text to read


@dataclass(frozen=True, slots=True)
class Picture:
    media_type: str
    width: int  # pixels, here and below; 0 if its head does not say
    height: int

    @property
    def format(self) -> str:
        return PICTURES[self.media_type]


@dataclass(frozen=True, slots=True)
class Document:
    text: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file and what it holds, as far as we can read it."""

    file: File
    holds: Picture | Document | None = None


def look(content: bytes) -> Picture | Document | None:
    """A text in UTF-8, a raster picture, or None: something that we can't read."""
    if document := _document(content):
        return document
    kind = filetype.guess(content)
    if kind is None or kind.mime not in PICTURES:
        return None
    try:
        width, height = imagesize.get(io.BytesIO(content[:HEAD]))
    except ValueError:  # damaged
        width = height = 0
    return Picture(kind.mime, max(width, 0), max(height, 0))


def _document(content: bytes) -> Document | None:
    if content.startswith(NO_PROSE) or b'\0' in content:
        return None
    try:
        text = content.decode('utf-8-sig').strip()
    except UnicodeDecodeError:
        return None
    return Document(text) if text else None
