"""What a file is, by its first bytes. A name may say anything; Dify believes it, so we make it true or refuse.

Nothing is unpacked or decoded: the size of an image is read from its header.
"""

import codecs
import io
import mimetypes
import re
from dataclasses import dataclass
from pathlib import PurePath

import filetype
import imagesize

from webapp.errors import Refused
from webapp.upstream import records

HEAD = 8 * 1024  # bytes that tell what a file is
IMAGE_HEAD = 1024 * 1024  # bytes that tell how large an image is: the camera's notes may stand before that
MAX_PIXELS = 250_000_000
BYTES = 'application/octet-stream'
SVG = 'image/svg+xml'
PICTURES = frozenset({'image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'})  # without code in them
SOUNDS_AND_FILMS = frozenset({
    'audio/mpeg', 'audio/mp4', 'audio/ogg', 'audio/x-wav', 'audio/x-flac', 'audio/aac', 'audio/amr',
    'video/mp4', 'video/webm', 'video/quicktime', 'video/mpeg', 'video/x-m4v', 'video/3gpp',
})  # fmt: skip
INLINE = PICTURES | SOUNDS_AND_FILMS  # what a browser may show in place; everything else is a download

FAMILIES = (  # extensions that may stand for the same content
    {'jpg', 'jpeg', 'jfif', 'jpe'},
    {'tif', 'tiff'},
    {'heic', 'heif', 'hif'},
    {'mp4', 'm4v', 'm4a', 'mov', '3gp'},
    {'mpg', 'mpeg', 'mpga', 'mp3', 'mp2'},
    {'mkv', 'webm'},
    {'ogg', 'oga', 'ogv', 'opus'},
    {'zip', 'docx', 'xlsx', 'pptx', 'epub', 'odt', 'ods', 'odp', 'jar'},
    {'doc', 'xls', 'ppt', 'msg', 'rtf'},
)
MEDIA = {*records.EXTENSIONS['image'], *records.EXTENSIONS['audio'], *records.EXTENSIONS['video'], 'pdf'}
KNOWN = frozenset().union(*records.EXTENSIONS.values())
CONTROLS = re.compile(r'[\x00-\x08\x0e-\x1a\x1c-\x1f]')


@dataclass(frozen=True, slots=True)
class Content:
    name: str  # with the extension of what it is
    media_type: str


def examine(name: str, head: bytes) -> Content:
    """What a file is, and the name that says so.

    :param name: as it was given, already fit for Dify
    :param head: its first bytes, `HEAD` of them
    :raises Refused: `file_mismatch`: named like an image, a sound, a film or a PDF, and none of it
    """
    extension = _extension(name)
    found = filetype.guess(head)
    if found is not None and extension in _family(found.extension):
        return Content(name, found.mime)
    if (text := _text(head)) is not None:
        return _readable(name, text)
    if found is not None and (extension in KNOWN or found.extension in MEDIA):
        return Content(_renamed(name, found.extension), found.mime)
    if extension in MEDIA:
        raise Refused('file_mismatch', status=415)
    return Content(name, _by_name(name))


def pixels(content: Content, head: bytes) -> tuple[int, int] | None:
    """Width and height of an image as it is shown, turned as its camera says; None for everything else.

    :param head: its first bytes, `IMAGE_HEAD` of them
    :raises Refused: `file_mismatch`: damaged, or larger than a browser should be asked to show
    """
    if content.media_type not in PICTURES:
        return None
    try:
        width, height = imagesize.get(io.BytesIO(head))
    except (ValueError, OSError, ArithmeticError, LookupError):
        width = height = -1
    if min(width, height) <= 0 or width * height > MAX_PIXELS:
        raise Refused('file_mismatch', f'an image of {width} x {height}', status=415)
    return width, height


def _readable(name: str, text: str) -> Content:
    extension = _extension(name)
    if extension == 'svg' and '<svg' in text.lower():
        return Content(name, SVG)
    if extension in MEDIA:
        raise Refused('file_mismatch', status=415)
    return Content(name, _by_name(name))


def _text(head: bytes) -> str | None:
    """The head as text, if that is what it is. The end may cut a character in two."""
    coding = 'utf-16' if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else 'utf-8'
    try:
        text = codecs.getincrementaldecoder(coding)().decode(head)
    except UnicodeDecodeError:
        return None
    return None if CONTROLS.search(text) else text


def _by_name(name: str) -> str:
    """A media type for what its content says nothing about. Never one that a browser would show in place."""
    guessed = mimetypes.guess_type(name)[0] or BYTES
    return BYTES if guessed.startswith(('image/', 'audio/', 'video/')) else guessed


def _renamed(name: str, extension: str) -> str:
    stem = str(PurePath(name).with_suffix('')) if _extension(name) in KNOWN else name
    return records.file_name(f'{stem}.{extension}')


def _extension(name: str) -> str:
    return PurePath(name).suffix.lower().removeprefix('.')


def _family(extension: str) -> set[str]:
    return next((family for family in FAMILIES if extension in family), {extension})
