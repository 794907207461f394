"""The audit log as a file: exactly what the page shows, however long it is."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from webapp import clock
from webapp.auth.sessions import Sessions
from webapp.exports import tabular
from webapp.exports.answering import addresses, admin, as_file
from webapp.exports.tabular import Format
from webapp.store import audit
from webapp.store.audit import Action, Entry, Filter, Party
from webapp.store.database import Store
from webapp.store.limits import Scope
from webapp.throttle import Throttle
from webapp.ui.log_entries import PATH, Asked

COLUMNS = ('at', 'action', 'actor_id', 'actor_name', 'target_id', 'target_name', 'address', 'detail')


def routes(store: Store, sessions: Sessions, throttle: Throttle) -> APIRouter:
    """`GET /admin/audit.csv` and `GET /admin/audit.json`, with the same query as the page."""

    async def export(request: Request, kind: Format) -> StreamingResponse:
        principal = await admin(request, sessions)
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
        return as_file(tabular.written(await tabular.begun(pages), COLUMNS, kind), f'audit-{moment:%Y-%m-%d}', kind)

    return addresses(PATH, export)


async def _pages(store: Store, wanted: Filter) -> AsyncIterator[list[dict[str, Any]]]:
    entries = await store.read(audit.page, wanted=wanted, limit=audit.MAX_PAGE)
    while entries:
        yield [_record(entry) for entry in entries]
        entries = await store.read(audit.page, wanted=wanted, before=entries[-1].place, limit=audit.MAX_PAGE)


def _record(entry: Entry) -> dict[str, Any]:
    actor, target = entry.actor, entry.target
    cells = (entry.at, entry.action, actor.id, actor.name, target.id, target.name, entry.address, entry.detail)
    return dict(zip(COLUMNS, cells, strict=True))
