"""Files that come with a message: found, checked, put on record."""

import mimetypes
import posixpath
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from webapp.upstream.demo.records import File, Records
from webapp.upstream.demo.responses import invalid

IMAGES = ('jpg', 'jpeg', 'png', 'webp', 'gif', 'svg')
DOCUMENTS = ('txt', 'md', 'mdx', 'markdown', 'pdf', 'html', 'xlsx', 'xls', 'docx', 'csv', 'vtt', 'properties')
AUDIO = ('mp3', 'm4a', 'wav', 'amr', 'mpga')
VIDEO = ('mp4', 'mov', 'mpeg', 'webm')
ALLOWED_TYPES = ('image', 'document')
METHODS = ('local_file', 'remote_url')
MOST_FILES = 3
MOST_MEGABYTES = {'image': 10, 'audio': 50, 'video': 100}
MOST_MEGABYTES_OTHER = 15
REMOTE = 'remote:'  # marks a file of which only the address is known


def kind(extension: str) -> str:
    """Dify's type of a file. Decided by extension, not by what the upload claims to be."""
    known = {'image': IMAGES, 'document': DOCUMENTS, 'audio': AUDIO, 'video': VIDEO}
    return next((name for name, extensions in known.items() if extension.lower() in extensions), 'custom')


def resolve(records: Records, given: Sequence[dict[str, Any]], user: str) -> list[File]:
    """The files of a message. Entries without a transfer method, or remote ones without an address, are dropped.

    :raises ApiError: 400, with Dify's texts. Somebody else's file is refused, as since 1.14
    """
    files = []
    for entry in given:
        match entry.get('transfer_method'):
            case 'local_file':
                files.append(_local(records, entry, user))
            case 'remote_url' if entry.get('url'):
                files.append(_remote(str(entry['url']), user))
            case None | 'remote_url':
                continue
            case other:
                raise invalid(f'Invalid file transfer method: {other}')
    if sum(kind(file.extension) == 'image' for file in files) > MOST_FILES:
        raise invalid(f'Number of image files exceeds the maximum limit {MOST_FILES}')
    if len(files) > MOST_FILES:
        raise invalid(f'Number of files exceeds the maximum limit {MOST_FILES}')
    return files


def row(file: File, belongs_to: str = 'user') -> dict[str, Any]:
    """What a message remembers of its file; addresses are signed anew at each reading."""
    remote = file.id.removeprefix(REMOTE) if file.id.startswith(REMOTE) else None
    return {
        'id': str(uuid.uuid4()),
        'filename': file.name,
        'type': kind(file.extension),
        'url': remote,
        'mime_type': file.mime_type,
        'size': file.size,
        'transfer_method': 'tool_file' if belongs_to == 'assistant' else 'remote_url' if remote else 'local_file',
        'belongs_to': belongs_to,
        'upload_file_id': None if remote else file.id,
    }


def value(file: File) -> dict[str, Any]:
    """What a message remembers of a file in its form."""
    remote = file.id.removeprefix(REMOTE) if file.id.startswith(REMOTE) else None
    return {
        'dify_model_identity': '__dify__file__',
        'id': None,
        'type': kind(file.extension),
        'transfer_method': 'remote_url' if remote else 'local_file',
        'remote_url': remote,
        'related_id': None if remote else file.id,
        'filename': file.name,
        'extension': f'.{file.extension}',
        'mime_type': file.mime_type,
        'size': file.size,
    }


def mark_used(records: Records, file: File) -> None:
    if not file.id.startswith(REMOTE):
        file.used = True
        records.files.put(file)


def _local(records: Records, entry: dict[str, Any], user: str) -> File:
    try:
        id = str(uuid.UUID(str(entry.get('upload_file_id'))))
    except ValueError as error:
        raise invalid('Invalid upload file id format') from error
    file = records.files.get(id)
    if file is None or file.user != user:
        raise invalid('Invalid upload file')
    actual = kind(file.extension)
    if entry.get('type') != actual or actual not in ALLOWED_TYPES:
        raise invalid(f'File validation failed for file: {file.name}')
    return file


def _remote(url: str, user: str) -> File:
    """Known by its address alone: the demo fetches nothing."""
    try:
        path = urlsplit(url).path
    except ValueError as error:
        raise invalid('Invalid file url') from error
    if not url.startswith(('http://', 'https://')):
        raise invalid('Invalid file url')
    name = unquote(posixpath.basename(path))[:200] or 'file'
    extension = posixpath.splitext(name)[1].lstrip('.').lower()
    mime = mimetypes.guess_type(name)[0] or 'application/octet-stream'
    return File(REMOTE + url, user, name, -1, extension, mime, 0)
