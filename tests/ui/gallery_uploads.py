"""The upload routes of the gallery. A file's name says what becomes of it; what waits goes on at `POST /release`.

`waits-...` stands still, `refused-...` is refused, `breaks-...` fails the first time it comes.
"""

import asyncio
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Form, Request, Response, UploadFile
from fastapi.responses import JSONResponse

from webapp.ui.components.composer import UploadRules

RULES = UploadRules(
    app='helpdesk',
    accept='image/jpeg,image/png,.png,.jpg,.pdf,.txt,.py',
    kinds=('image', 'document', 'custom'),
    extensions=('.py',),
    per_message=3,
    megabytes={'image': 2, 'document': 1},
)

router = APIRouter()
kept: dict[str, tuple[str, bytes]] = {}  # id -> media type, content
texts: dict[str, str] = {}
broken: set[str] = set()
goes_on = asyncio.Event()


@router.post('/uploads', status_code=201)
async def upload(app: Annotated[str, Form()], file: UploadFile) -> object:
    assert app == RULES.app
    name, content, media_type = file.filename or '', await file.read(), file.content_type or ''
    if name.startswith('waits-'):
        await goes_on.wait()
    if name.startswith('refused-'):
        words = 'The content of this file is not what its name says. Attach another one.'
        return JSONResponse({'code': 'file_mismatch', 'message': words}, 415)
    if name.startswith('breaks-') and name not in broken:
        broken.add(name)
        return Response('<html><b>Bad Gateway</b></html>', 502, media_type='text/html')
    file_id = uuid4().hex
    kept[file_id] = media_type, content
    kind = 'image' if media_type.startswith('image/') else 'document'
    return {
        'id': file_id, 'name': name, 'kind': kind, 'media_type': media_type, 'size': len(content),
        'url': f'/uploads/{file_id}', 'width': None, 'height': None,
    }  # fmt: skip


@router.post('/uploads/text', status_code=201)
async def hold(request: Request) -> object:
    text = (await request.body()).decode()
    if text.startswith('/refuse'):
        return JSONResponse({'code': 'too_busy', 'message': 'There is no room for this text. Send it later.'}, 503)
    held = uuid4().hex
    texts[held] = text
    return {'id': held}


@router.api_route('/uploads/{file_id}', methods=['GET', 'HEAD'])
async def file(file_id: str) -> Response:
    if file_id not in kept:
        return Response(status_code=404)
    media_type, content = kept[file_id]
    return Response(content, media_type=media_type)


@router.post('/release')
async def release() -> None:
    goes_on.set()


@router.delete('/uploads')
async def forget() -> None:
    """Begin anew."""
    kept.clear()
    broken.clear()
    goes_on.clear()
