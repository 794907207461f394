"""`/admin/audit`: who did what to whom, the newest first."""

from urllib.parse import parse_qsl

from fastapi import Request

from webapp.principal import Principal, Role
from webapp.services import Services
from webapp.store import audit
from webapp.store.audit import Action, Place
from webapp.store.limits import Scope
from webapp.ui import i18n, log_entries
from webapp.ui.log_entries import PATH, Asked
from webapp.ui.page import page
from webapp.ui.sheets import SheetPage, written

ROWS = 100
MAX_QUERY = 2000


def register(services: Services) -> None:
    @page(PATH, role=Role.ADMIN)
    async def log(principal: Principal, request: Request) -> None:
        given = request.query_params
        log_page = AuditPage(services, principal, Asked.of(given), log_entries.after(given.get('after', '')))
        await log_page.build(i18n.t('audit.title'), i18n.t('admin.title'))


class AuditPage(SheetPage):
    def __init__(self, services: Services, principal: Principal, asked: Asked, after: Place | None) -> None:
        super().__init__(services, principal, Role.ADMIN)
        self._asked = asked
        self._after = after

    async def render(self) -> str:
        actions = [(action, log_entries.action_words(action)) for action in Action]
        found = await self._found(self._asked, self._after)
        return written('audit.html', asked=self._asked, actions=actions, found=found)

    async def filter(self, query: str) -> None:
        asked = Asked.of(dict(parse_qsl(query[:MAX_QUERY])))
        if asked.who:
            await self._services.throttle.person(Scope.SEARCHES, self._principal)
        self._sheet.found(await self._found(asked), query)

    async def _found(self, asked: Asked, after: Place | None = None) -> str:
        store = self._services.store
        entries = await store.read(audit.page, wanted=asked.filter, before=after, limit=ROWS + 1)
        shown = entries[:ROWS]
        return written(
            'audit_found.html',
            rows=[log_entries.view(entry) for entry in shown],
            more=asked.address(last=shown[-1]) if len(entries) > ROWS else '',
            first=asked.address() if after else '',
            exports=[(name, asked.address(f'.{name}')) for name in ('csv', 'json')],
        )
