"""What everybody cost as a file: exactly what the page shows; for programs too, with a token."""

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from webapp import clock
from webapp.auth.sessions import Sessions
from webapp.exports import tabular, usage_records
from webapp.exports.answering import addresses, admin, as_file, holds
from webapp.exports.tabular import Format
from webapp.store import audit
from webapp.store.audit import Action, Party
from webapp.store.database import Store
from webapp.store.limits import Scope
from webapp.throttle import Throttle
from webapp.ui.usage_asked import PATH, Asked


def routes(store: Store, sessions: Sessions, throttle: Throttle, *, token: str) -> APIRouter:
    """`GET /admin/usage.csv` and `GET /admin/usage.json`, with the same query as the page.

    :param token: lets a program read without a session; '' for none
    """

    async def export(request: Request, kind: Format) -> StreamingResponse:
        asked, moment = Asked.of(request.query_params), clock.now()
        if not holds(request, token):
            principal = await admin(request, sessions)
            await throttle.person(Scope.EXPORTS, principal)
            actor = Party(principal.user_id, principal.name)
            told = {'format': kind, **asked.given}
            await store.write(
                audit.record, Action.USAGE_EXPORTED, now=moment, actor=actor, address=principal.address, detail=told
            )
        pages = usage_records.pages(store, asked.filter(moment.date()), asked.sides)
        body = tabular.written(await tabular.begun(pages), usage_records.columns(asked.sides), kind)
        return as_file(body, f'usage-{moment:%Y-%m-%d}', kind)

    return addresses(PATH, export)
