"""Signing in from a frame, in a window of its own; see `embedding.pairings` for who says what to whom.

POST /embed/{embed}/pairings         {"origin": "https://..." or null} -> {"pairing": "..."}: the frame begins
GET  /embed/{embed}/sign-in          the window's first page: its script asks the frame for the pairing
POST /embed/{embed}/sign-in          {"pairing": "..."} -> {"next": "/..."}: it has been given it
GET  /embed/{embed}/signed-in        its last page; whoever has not signed in is sent to the login first
POST /embed/{embed}/pairings/poll    {"pairing": "..."} -> {"state": "waiting"}, or "done" and a ticket: the frame asks
"""

import json
from collections.abc import Mapping
from dataclasses import replace

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from webapp.apps import Apps
from webapp.auth.sessions import Sessions
from webapp.branding import Branding
from webapp.edge import assets
from webapp.embedding import Embedding
from webapp.embeds import Embed
from webapp.errors import NotFound, Refused
from webapp.principal import Principal, Role
from webapp.ui import failures, i18n, login, plain

NO_STORE = {'Cache-Control': 'no-store'}
MAX_TEXT = 300  # characters


def routes(embedding: Embedding, sessions: Sessions, apps: Apps, *, brand: Branding) -> APIRouter:
    """:param brand: of the instance; what an embed does not say itself"""
    router = APIRouter(prefix='/embed/{embed}', include_in_schema=False)
    pairings = embedding.pairings

    def named(id_: str) -> Embed:
        """:raises NotFound: there is none, or nobody signs in there"""
        embed = embedding.embeds.get(id_)
        if not embed.sign_in:
            raise NotFound
        return embed

    @router.post('/pairings')
    async def begin(request: Request, embed: str) -> JSONResponse:
        chosen, origin = named(embed), _said(await request.body(), 'origin')
        return JSONResponse({'pairing': await pairings.begin(request.scope, chosen, origin)}, headers=NO_STORE)

    @router.get('/sign-in')
    async def open_window(request: Request, embed: str) -> Response:
        chosen = named(embed)
        config = {'claim': chosen.sign_in_path, 'words': i18n.words('popup')}
        return _page(request, chosen, brand, i18n.t('popup.title'), i18n.t('popup.wait'), config=config)

    @router.post('/sign-in')
    async def claim(request: Request, embed: str) -> JSONResponse:
        chosen = named(embed)
        cookie = await pairings.claim(chosen, _said(await request.body(), 'pairing') or '')
        return JSONResponse({'next': chosen.signed_in_path}, headers={**NO_STORE, 'Set-Cookie': cookie})

    @router.get('/signed-in')
    async def arrive(request: Request, embed: str) -> Response:
        chosen, principal = named(embed), await sessions.principal(request.scope)
        if principal is None or not principal.role.reaches(Role.USER):
            return RedirectResponse(login.address(chosen.signed_in_path), 303, NO_STORE)
        try:
            _require(apps, chosen, principal)
            await pairings.grant(request.scope, chosen, principal)
        except Refused as refusal:
            await pairings.drop(request.scope, chosen)
            title = i18n.t('popup.refused')
            response = _page(request, chosen, brand, title, failures.words(refusal), status=refusal.status)
        else:
            title = i18n.t('popup.done', name=principal.name or i18n.t('frame.unnamed'))
            response = _page(request, chosen, brand, title, i18n.t('popup.close'), config={'close': True})
        response.headers.append('Set-Cookie', pairings.clearing(chosen))
        return response

    @router.post('/pairings/poll')
    async def poll(request: Request, embed: str) -> JSONResponse:
        chosen, pairing = named(embed), _said(await request.body(), 'pairing') or ''
        ticket = await pairings.poll(request.scope, chosen, pairing)
        answer = {'state': 'done', 'ticket': ticket} if ticket else {'state': 'waiting'}
        return JSONResponse(answer, headers=NO_STORE)

    return router


def _require(apps: Apps, embed: Embed, principal: Principal) -> None:
    """:raises Refused: `app_closed`: the app is not for them, as they will be within the embed"""
    if not apps.get(embed.app).admits(replace(principal, role=Role.USER, app=embed.app)):
        raise Refused('app_closed', status=403)


def _said(body: bytes, name: str) -> str | None:
    """:raises Refused: neither a text nor nothing is said"""
    try:
        found = orjson.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict) or name not in found:
        raise Refused(detail=f'no JSON with {name}', status=400)
    value = found[name]
    if value is not None and not (isinstance(value, str) and len(value) <= MAX_TEXT):
        raise Refused(detail=f'{name} must be a text', status=400)
    return value


def _page(
    request: Request,
    embed: Embed,
    brand: Branding,
    heading: str,
    words: str,
    *,
    status: int = 200,
    config: Mapping[str, object] | None = None,
) -> Response:
    """:param config: of the script; None for a page without one"""
    return plain.page(
        request,
        'popup.html',
        title=heading,
        status=status,
        brand=embed.branding.over(brand),
        heading=heading,
        words=words,
        script=assets.url('popup.js') if config else '',
        config=json.dumps(config),
    )
