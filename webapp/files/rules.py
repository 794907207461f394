"""What an app takes. Dify checks it only when a message is sent, and names no reason that a person could read."""

from pathlib import PurePath

from webapp.errors import Refused
from webapp.upstream.parameters import Uploads
from webapp.upstream.records import EXTENSIONS, file_type

MEGABYTE = 1024 * 1024
CAMERA = ('image/jpeg', 'image/png')  # phones offer it for media types only, and turn their own formats into these


def admit(uploads: Uploads, name: str) -> tuple[str, int]:
    """The kind as which a file goes upstream, and the bytes that it may have.

    :raises Refused: `upload_off`, `file_kind`
    """
    if not uploads.is_enabled or 'local_file' not in uploads.methods:
        raise Refused('upload_off', status=403)
    by_name = file_type(name)
    extension = PurePath(name).suffix.lower()
    if by_name in uploads.types and by_name != 'custom':
        kind = by_name
    elif 'custom' in uploads.types and extension in uploads.extensions:
        kind = 'custom'
    else:
        raise Refused('file_kind', status=415)
    return kind, most_bytes(uploads, by_name)


def most_bytes(uploads: Uploads, kind: str) -> int:
    megabytes = uploads.megabytes
    return int(megabytes.get(kind, megabytes.get('document', 15.0)) * MEGABYTE)


def accept(uploads: Uploads) -> str:
    """What a browser's file dialog should offer: the value of an input's `accept`."""
    by_kind = [f'.{extension}' for kind in uploads.types for extension in sorted(EXTENSIONS.get(kind, ()))]
    custom = list(uploads.extensions) if 'custom' in uploads.types else []
    return ','.join(dict.fromkeys([*(CAMERA if 'image' in uploads.types else ()), *by_kind, *custom]))
