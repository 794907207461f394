"""The way into an embed: a page that asks its host who is there, and the answer to what the host says.

GET  /embed/{embed}              the page; with ?token=JWT it leads on at once, for hosts without a script
POST /embed/{embed}              {"token": "..." or null, "origin": "https://..." or null} -> {"ticket": "..."}
"""

import json
import logging
from dataclasses import asdict
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from webapp.branding import Branding
from webapp.edge import assets
from webapp.embedding.entrance import Entrance
from webapp.embedding.host_tokens import HostTokenRefused
from webapp.embeds import Embed, Embeds
from webapp.errors import AppError, Refused
from webapp.ui import failures, i18n, plain
from webapp.ui.look import Look

logger = logging.getLogger(__name__)

NO_STORE = {'Cache-Control': 'no-store'}
SHOWN = {'iframe', 'frame', 'document'}  # pictures and scripts of anybody's page must not sign people in or out
MAX_ORIGIN = 300  # characters


def routes(entrance: Entrance, embeds: Embeds, *, brand: Branding) -> APIRouter:
    """:param brand: of the instance; what an embed does not say itself"""
    router = APIRouter(include_in_schema=False)

    @router.get('/embed/{embed}')
    async def ask(request: Request, embed: str) -> Response:
        chosen = embeds.get(embed)
        look = Look.of(chosen, request.query_params)
        token = request.query_params.get('token', '')
        if not token or request.headers.get('sec-fetch-dest', 'iframe') not in SHOWN:
            return _page(request, chosen, look, brand)
        try:
            ticket = await entrance.enter(request.scope, chosen, token=token, origin=None)
        except (HostTokenRefused, Refused) as refusal:
            return _page(request, chosen, look, brand, refusal)
        return RedirectResponse(look.at(chosen.chat_path, t=ticket), 303, NO_STORE)

    @router.post('/embed/{embed}')
    async def answer(request: Request, embed: str) -> JSONResponse:
        chosen = embeds.get(embed)
        token, origin = _said(await request.body())
        try:
            ticket = await entrance.enter(request.scope, chosen, token=token, origin=origin)
        except (HostTokenRefused, Refused) as refusal:
            return JSONResponse(_refusal(refusal), refusal.status, NO_STORE)
        return JSONResponse({'ticket': ticket}, headers=NO_STORE)

    return router


def _said(body: bytes) -> tuple[str | None, str | None]:
    """Token and origin. :raises Refused: it is something else"""
    try:
        found = orjson.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not {'token', 'origin'} <= found.keys():
        raise Refused(detail='no JSON with a token and an origin', status=400)
    token, origin = found['token'], found['origin']
    if not all(text is None or isinstance(text, str) for text in (token, origin)) or len(origin or '') > MAX_ORIGIN:
        raise Refused(detail='token and origin must be texts', status=400)
    return token or None, origin


def _refusal(error: AppError) -> dict[str, str]:
    """For the host: `code` is stable, `message` is for whoever writes it."""
    if isinstance(error, HostTokenRefused):
        words = i18n.t('entry.refused_' + error.reason)
        return {'code': error.reason, 'message': f'{words} ({error.about})' if error.about else words}
    code = error.code.removeprefix('embed_')
    return {'code': code, 'message': failures.words(error)}


def _page(request: Request, embed: Embed, look: Look, brand: Branding, refusal: AppError | None = None) -> Response:
    shown, way = look.brand(embed, brand), look.way_to_sign_in(embed)
    config: dict[str, Any] = {
        'embed': embed.id,
        'origins': embed.origins,
        'post': embed.path,
        'chat': look.at(embed.chat_path),
        'open': embed.anonymous,
        'sign_in': asdict(way) | {'words': i18n.words('pairing')} if way else None,
        'refusal': _refusal(refusal) if refusal else None,
        'words': {name: text for name, text in i18n.words('entry').items() if not name.startswith('refused_')},
    }
    return plain.page(
        request,
        'entry.html',
        title=i18n.t('entry.page'),
        sheets=['entry.css'],
        status=refusal.status if refusal else 200,
        scheme=look.theme,
        brand=shown,
        imports=json.dumps({'imports': {name: assets.url(f'{name}.js') for name in ('origins', 'sign_in')}}),
        script=assets.url('entry.js'),
        config=json.dumps(config),
    )
