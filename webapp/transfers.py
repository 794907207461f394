"""Files over HTTP: in by `/uploads`, out by `/files`.

The cookie tells who asks, and the edge has checked from where; or a pass does, see `embedding.passes`.
"""

import re
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect

from webapp.callers import GONE, NO_STORE, Callers, Places, while_connected
from webapp.embedding.passes import Passes, Purpose
from webapp.errors import NotFound, Refused
from webapp.files import Files
from webapp.files.content import BYTES, INLINE
from webapp.files.service import MOST_TEXT_BYTES
from webapp.store.files import File

RANGE = re.compile(r'bytes=(\d{0,19})-(\d{0,19})', re.ASCII)
# The bytes behind an id never change. Another person on the same browser has another cookie, and so asks again.
KEPT = {'Cache-Control': 'private, max-age=31536000, immutable', 'Vary': 'Cookie', 'Accept-Ranges': 'bytes'}


def routes(files: Files, callers: Callers, passes: Passes) -> APIRouter:
    """`POST /uploads`, `POST /uploads/link`, `POST /uploads/text` and `GET /files/{id}`."""
    router = APIRouter(include_in_schema=False)
    places = Places()

    @router.post('/uploads')
    async def upload(request: Request) -> JSONResponse:
        principal = await callers.require(request, Purpose.UPLOAD)
        if not request.headers.get('content-type', '').lower().startswith('multipart/form-data'):
            raise Refused(detail='no multipart/form-data', status=415)
        try:
            async with places.of(principal), request.form(max_files=1, max_fields=4, max_part_size=1000) as form:
                part, texts = form.get('file'), _texts(form)
                if 'app' not in texts or not isinstance(part, UploadFile):
                    raise Refused(detail='a field `app` and a `file` are needed', status=400)
                name = part.filename or ''
                work = files.upload(principal, name=name, stream=part.file, **texts)
                file = await while_connected(request, work)
        except ClientDisconnect:
            raise Refused(detail='the browser has gone', status=GONE) from None
        return JSONResponse(_described(file, passes.file(principal, file.id)), 201, NO_STORE)

    @router.post('/uploads/link')
    async def link(request: Request) -> JSONResponse:
        principal = await callers.require(request, Purpose.UPLOAD)
        async with places.of(principal), request.form(max_files=0, max_fields=5, max_part_size=10_000) as form:
            texts, url = _texts(form), form.get('url')
            if 'app' not in texts or not isinstance(url, str):
                raise Refused(detail='fields `app` and `url` are needed', status=400)
            file = await files.link(principal, url=url, **texts)
        return JSONResponse(_described(file, ''), 201, NO_STORE)

    @router.post('/uploads/text')
    async def hold_text(request: Request) -> JSONResponse:
        principal = await callers.require(request, Purpose.UPLOAD)
        data = bytearray()
        async for block in request.stream():
            data += block
            if len(data) > MOST_TEXT_BYTES:
                raise Refused('too_long', status=413)
        return JSONResponse({'id': await files.hold_text(principal, bytes(data))}, 201, NO_STORE)

    @router.get('/files/{file_id}')
    async def download(request: Request, file_id: str) -> Response:
        principal = await callers.who(request, Purpose.FILE, file_id)
        if principal is None:
            raise NotFound
        file = await files.find(principal, file_id)
        return _answer(request, files, file)

    return router


def _texts(form: FormData) -> dict[str, str]:
    """What the file is for."""
    found = {name: form.get(name) for name in ('app', 'field', 'message', 'form')}
    return {name: text for name, text in found.items() if isinstance(text, str)}


def _described(file: File, url: str) -> dict[str, object]:
    return {
        'id': file.id,
        'name': file.name,
        'kind': file.kind,
        'media_type': file.media_type,
        'size': file.size,
        'url': url,
        'link': file.link,
        'width': file.width,
        'height': file.height,
    }


def _answer(request: Request, files: Files, file: File) -> Response:
    """The whole file or the one range that was asked for."""
    size, etag = file.size or 0, f'"{file.id}"'
    headers = {**KEPT, 'ETag': etag, 'Content-Disposition': _disposition(file, 'download' in request.query_params)}
    if etag in _tags(request.headers.get('if-none-match', '')):
        return Response(status_code=304, headers=headers)
    is_same = request.headers.get('if-range', etag) == etag
    span = _span(request.headers.get('range', ''), size) if is_same else None
    if span is None:
        status, span = 200, range(size)
    elif not span:
        return Response(status_code=416, headers={**NO_STORE, 'Content-Range': f'bytes */{size}'})
    else:
        status, headers['Content-Range'] = 206, f'bytes {span.start}-{span.stop - 1}/{size}'
    headers['Content-Length'] = str(len(span))
    media_type = file.media_type if file.media_type in INLINE else BYTES
    return StreamingResponse(files.read(file, span.start, span.stop), status, headers, media_type)


def _span(asked: str, size: int) -> range | None:
    """The part of a file that a `Range` asks for; None if it asks for nothing that we understand: all of it, then."""
    found = RANGE.fullmatch(asked)
    if found is None:
        return None
    first, last = found.groups()
    if not first:
        return range(max(0, size - int(last)), size) if last else None
    if last and int(last) < int(first):
        return None
    return range(int(first), min(size, int(last) + 1) if last else size)


def _tags(header: str) -> set[str]:
    return {tag.strip().removeprefix('W/') for tag in header[:1000].split(',')}


def _disposition(file: File, is_forced: bool) -> str:
    kind = 'inline' if file.media_type in INLINE and not is_forced else 'attachment'
    return f"{kind}; filename*=UTF-8''{quote(file.name, safe='')}"
