"""The feedback queue as a file: exactly what the page shows, however long it is. Words only for who may read them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from webapp import clock
from webapp.auth.sessions import Sessions
from webapp.exports import tabular
from webapp.exports.answering import addresses, admin, as_file
from webapp.exports.tabular import Format
from webapp.store import audit, feedback_queue as queue, labels
from webapp.store.audit import Action, Party
from webapp.store.database import Store
from webapp.store.feedback_queue import Page, Place, Rated
from webapp.store.labels import Called
from webapp.store.limits import Scope
from webapp.throttle import Throttle
from webapp.ui.feedback_asked import PATH, Asked

FACTS = (
    *('id', 'at', 'rating', 'source', 'app', 'user', 'subject', 'name', 'rater', 'state', 'state_by', 'state_at'),
    *('conversation', 'message', 'upstream_conversation', 'upstream_message'),
)
TEXTS = ('comment', 'question', 'answer')
NOBODY = Called('', '')


def routes(store: Store, sessions: Sessions, throttle: Throttle) -> APIRouter:
    """`GET /admin/feedback.csv` and `GET /admin/feedback.json`, with the same query as the page."""

    async def export(request: Request, kind: Format) -> StreamingResponse:
        principal = await admin(request, sessions)
        await throttle.person(Scope.EXPORTS, principal)
        is_reader = principal.is_reader
        asked, moment = Asked.of(request.query_params, is_reader=is_reader), clock.now()
        doing: dict[str, Any] = {'actor': Party(principal.user_id, principal.name), 'address': principal.address}
        detail = {'format': kind, 'texts': 'yes' if is_reader else 'no', **asked.noted}
        await store.write(audit.record, Action.FEEDBACK_EXPORTED, now=moment, detail=detail, **doing)
        wanted = replace(asked.filter, until=min(asked.filter.until or moment, moment))

        async def read(before: Place | None) -> Page:
            about: dict[str, Any] = {'wanted': wanted, 'before': before, 'limit': queue.MAX_PAGE}
            if is_reader:
                return await store.write(queue.read, now=clock.now(), **doing, **about)
            return await store.read(queue.page, **about)

        pages = _pages(store, read)
        columns = (*FACTS, *TEXTS) if is_reader else FACTS
        return as_file(tabular.written(await tabular.begun(pages), columns, kind), f'feedback-{moment:%Y-%m-%d}', kind)

    return addresses(PATH, export)


async def _pages(store: Store, read: Callable[[Place | None], Awaitable[Page]]) -> AsyncIterator[list[dict[str, Any]]]:
    before, has_more = None, True
    while has_more:
        page = await read(before)
        if not page.rows:
            return
        called = await store.read(labels.called, ids={each.user_id for each in page.rows if each.user_id})
        yield [_record(each, called) for each in page.rows]
        before, has_more = page.rows[-1].place, page.has_more


def _record(rated: Rated, called: dict[str, Called]) -> dict[str, Any]:
    known = called.get(rated.user_id, NOBODY)
    cells = (
        *(rated.id, rated.at, rated.rating, rated.source, rated.app, rated.user_id, known.subject, known.name),
        *(rated.rater, rated.state, rated.state_by, rated.state_at, rated.conversation_id, rated.message_id),
        *(rated.upstream_conversation_id, rated.upstream_message_id),
    )
    record = dict(zip(FACTS, cells, strict=True))
    if rated.texts:
        record |= {name: getattr(rated.texts, name) for name in TEXTS}
    return record
