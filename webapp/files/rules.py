"""What an app takes. Dify checks it only when a message is sent, and names no reason that a person could read."""

from pathlib import PurePath

from webapp.errors import Refused
from webapp.upstream.parameters import Uploads
from webapp.upstream.records import EXTENSIONS, file_type

MEGABYTE = 1024 * 1024
BYTES = ('application/octet-stream', 'binary/octet-stream')
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


def admit_link(uploads: Uploads, name: str) -> str:
    """The kind as which the file behind a link goes upstream: by its name, or the only one that the app takes.

    :raises Refused: `upload_off`, `file_kind`
    """
    if not takes_links(uploads):
        raise Refused('upload_off', status=403)
    by_name = file_type(name)
    if by_name in uploads.types and by_name != 'custom':
        return by_name
    if 'custom' in uploads.types and PurePath(name).suffix.lower() in uploads.extensions:
        return 'custom'
    if by_name == 'custom' and len(uploads.types) == 1:
        return uploads.types[0]
    raise Refused('file_kind', status=415)


def takes_links(uploads: Uploads) -> bool:
    return uploads.is_enabled and 'remote_url' in uploads.methods


def fits(kind: str, media_type: str) -> bool:
    """Whether something of that type may be of that kind. Servers that don't know say that it is bytes."""
    return kind not in {'image', 'audio', 'video'} or not media_type or media_type.startswith((f'{kind}/', *BYTES))


def most_bytes(uploads: Uploads, kind: str) -> int:
    megabytes = uploads.megabytes
    return int(megabytes.get(kind, megabytes.get('document', 15.0)) * MEGABYTE)


def accept(uploads: Uploads) -> str:
    """What a browser's file dialog should offer: the value of an input's `accept`."""
    by_kind = [f'.{extension}' for kind in uploads.types for extension in sorted(EXTENSIONS.get(kind, ()))]
    custom = list(uploads.extensions) if 'custom' in uploads.types else []
    return ','.join(dict.fromkeys([*(CAMERA if 'image' in uploads.types else ()), *by_kind, *custom]))
