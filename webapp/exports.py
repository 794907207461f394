"""Lists as files, for those who answer for the service: exactly what the page shows, however long it is."""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

import orjson
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import StreamingResponse

from webapp import clock
from webapp.auth.sessions import Sessions
from webapp.errors import NotFound
from webapp.principal import Principal
from webapp.store import audit
from webapp.store.audit import Action, Entry, Filter, Party
from webapp.store.database import Store
from webapp.store.limits import Scope
from webapp.throttle import Throttle
from webapp.ui.log_entries import PATH, Asked
from webapp.ui.page import login_path, refuse_foreign

COLUMNS = ('at', 'action', 'actor_id', 'actor_name', 'target_id', 'target_name', 'address', 'detail')
FORMULA = ('=', '+', '-', '@', '\t', '\r')  # a spreadsheet would work out what begins so
Format = Literal['csv', 'json']


def routes(store: Store, sessions: Sessions, throttle: Throttle) -> APIRouter:
    """`GET /admin/audit.csv` and `GET /admin/audit.json`, with the same query as the page."""
    router = APIRouter(include_in_schema=False)

    async def export(request: Request, kind: Format) -> StreamingResponse:
        principal = await _admin(request, sessions)
        await throttle.person(Scope.EXPORTS, principal)
        asked, moment = Asked.of(request.query_params), clock.now()
        actor = Party(principal.user_id, principal.name)
        told: dict[str, Any] = {
            'actor': actor,
            'address': principal.address,
            'detail': {'format': kind, **asked.given},
        }
        wanted = asked.filter
        await store.write(audit.record, Action.AUDIT_EXPORTED, now=moment, **told)
        pages = _pages(store, replace(wanted, until=min(wanted.until or moment, moment)))
        body, media_type = (_csv(pages), 'text/csv') if kind == 'csv' else (_json(pages), 'application/json')
        name = f'attachment; filename="audit-{moment:%Y-%m-%d}.{kind}"'
        return StreamingResponse(
            body, headers={'Content-Disposition': name, 'Cache-Control': 'no-store'}, media_type=media_type
        )

    @router.get(f'{PATH}.csv')
    async def audit_csv(request: Request) -> StreamingResponse:
        return await export(request, 'csv')

    @router.get(f'{PATH}.json')
    async def audit_json(request: Request) -> StreamingResponse:
        return await export(request, 'json')

    return router


async def _admin(request: Request, sessions: Sessions) -> Principal:
    """:raises NotFound: it is not for them. :raises Refused: see `refuse_foreign`"""
    principal = await sessions.principal(request.scope)
    if principal is None:
        raise HTTPException(303, headers={'Location': login_path(request), 'Cache-Control': 'no-store'})
    if not principal.is_admin:
        raise NotFound
    refuse_foreign(request)
    return principal


async def _pages(store: Store, wanted: Filter) -> AsyncIterator[list[dict[str, Any]]]:
    entries = await store.read(audit.page, wanted=wanted, limit=audit.MAX_PAGE)
    while entries:
        yield [_record(entry) for entry in entries]
        entries = await store.read(audit.page, wanted=wanted, before=entries[-1].place, limit=audit.MAX_PAGE)


def _record(entry: Entry) -> dict[str, Any]:
    actor, target = entry.actor, entry.target
    cells = (entry.at, entry.action, actor.id, actor.name, target.id, target.name, entry.address, entry.detail)
    return dict(zip(COLUMNS, cells, strict=True))


async def _csv(pages: AsyncIterator[list[dict[str, Any]]]) -> AsyncIterator[str]:
    yield _lines([COLUMNS])
    async for page in pages:
        yield _lines(map(_cell, record.values()) for record in page)


def _lines(rows: Iterable[Iterable[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def _cell(value: object) -> str:
    match value:
        case datetime():
            return value.isoformat()
        case dict():
            return orjson.dumps(value).decode() if value else ''
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


async def _json(pages: AsyncIterator[list[dict[str, Any]]]) -> AsyncIterator[bytes]:
    """A list of objects, one in a line."""
    before = b'[\n'
    async for page in pages:
        for record in page:
            yield before + orjson.dumps(record)
            before = b',\n'
    yield b'\n]\n' if before == b',\n' else b'[]\n'
