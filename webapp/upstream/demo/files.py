"""Uploads, and the two ways to read a file: with the key, or by a signed address."""

import mimetypes
import time
import uuid
from urllib.parse import quote

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response

from webapp.upstream.demo.attachments import MOST_MEGABYTES, MOST_MEGABYTES_OTHER, kind
from webapp.upstream.demo.payloads import DEFAULT_USER
from webapp.upstream.demo.records import File
from webapp.upstream.demo.responses import ApiError, answer, invalid, missing, proxy_page
from webapp.upstream.demo.state import TENANT_ID, base_url, demo_of, end_user_id

MOST_BYTES = 100 * 1024 * 1024  # of a request; more is refused by the proxy in front
MOST_NAME = 200  # characters; longer names are cut


async def upload(request: Request) -> Response:
    """Keep one file. Nearly everything is taken; what an app allows is checked when the file is used."""
    demo = demo_of(request)
    if int(request.headers.get('content-length', 0)) > MOST_BYTES:
        return proxy_page(413, 'Request Entity Too Large')
    try:
        async with request.form(max_files=4, max_fields=20) as form:
            parts = [part for part in form.getlist('file') if isinstance(part, UploadFile)]
            if not parts:
                raise ApiError(400, 'no_file_uploaded', 'Please upload your file.')
            if len(parts) > 1:
                raise ApiError(400, 'too_many_files', 'Only one file is allowed.')
            part, user = parts[0], form.get('user')
            name, content = part.filename or '', await part.read()
    except (HTTPException, MultiPartException) as error:
        raise ApiError(400, 'no_file_uploaded', 'Please upload your file.') from error
    if not name:
        raise ApiError(400, 'filename_not_exists_error', 'The specified filename does not exist.')
    if not part.content_type:
        raise ApiError(415, 'unsupported_file_type', 'File type not allowed.')
    file = _file(name, content, part.content_type, user if isinstance(user, str) and user else DEFAULT_USER)
    demo.records.keep(file, content)
    return answer(
        {
            'id': file.id,
            'name': file.name,
            'size': file.size,
            'extension': file.extension,
            'mime_type': file.mime_type,
            'created_by': end_user_id(file.user),
            'created_at': file.created_at,
            'preview_url': None,
            'source_url': base_url(request) + demo.upload_url(file.id),
            'original_url': None,
            'user_id': None,
            'tenant_id': TENANT_ID,
            'conversation_id': None,
            'file_key': None,
        },
        201,
    )


async def preview(request: Request) -> Response:
    """An uploaded file's bytes, whoever sent it; not before it was used in a message."""
    demo = demo_of(request)
    file = demo.records.files.get(str(request.path_params['id']))
    if file is None or not file.used:
        raise ApiError(404, 'file_not_found', 'File not found in message context')
    attachment = request.query_params.get('as_attachment', '').lower() == 'true'
    response = _bytes(file, demo.records.content(file.id), attachment=attachment)
    response.headers['cache-control'] = 'public, max-age=3600'
    return response


async def signed(request: Request) -> Response:
    """A file by its signed address; no key is needed, and after five minutes it is gone."""
    demo, query = demo_of(request), request.query_params
    file_id = request.path_params['name'].partition('.')[0]
    if not demo.is_signed(file_id, *(query.get(name, '') for name in ('timestamp', 'nonce', 'sign'))):
        raise missing('File not found or signature is invalid')
    file = demo.records.files.get(file_id)
    if file is None:
        raise missing('File not found or signature is invalid')
    return _bytes(file, demo.records.content(file.id))


def _file(name: str, content: bytes, mime_type: str, user: str) -> File:
    if any(character in name for character in '/\\'):
        raise invalid('Filename contains invalid characters')
    stem, dot, extension = name.rpartition('.')
    if not dot:
        stem, extension = name, (mimetypes.guess_extension(mime_type) or '').lstrip('.')
    if len(content) > MOST_MEGABYTES.get(kind(extension), MOST_MEGABYTES_OTHER) * 1024 * 1024:
        raise ApiError(413, 'file_too_large', 'File size exceeded. {message}')
    if len(name) > MOST_NAME:
        name = f'{stem[:MOST_NAME]}.{extension}'
    now = int(time.time())
    return File(str(uuid.uuid4()), user, name, len(content), extension.lower(), mime_type, now)


def _bytes(file: File, content: bytes, *, attachment: bool = False) -> Response:
    """HTML is only ever a download."""
    page = 'html' in file.mime_type or file.extension in {'html', 'htm'}
    response = Response(content, media_type='application/octet-stream' if attachment or page else file.mime_type)
    if attachment or page:
        response.headers['content-disposition'] = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
    if page:
        response.headers['x-content-type-options'] = 'nosniff'
    return response
