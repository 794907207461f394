"""`/admin/feedback`: what everybody thinks of answers, the newest first; and, for who may read it, why."""

from urllib.parse import parse_qsl

from fastapi import Request

from webapp.errors import NotFound, Refused
from webapp.principal import Principal, Role
from webapp.services import Services
from webapp.store import feedback_list, feedback_queue as queue, labels
from webapp.store.feedback import State
from webapp.store.feedback_queue import Page, Place
from webapp.store.limits import Scope
from webapp.ui import feedback_view, i18n, open_pages, places
from webapp.ui.feedback_asked import PATH, RATINGS, Asked
from webapp.ui.page import page
from webapp.ui.sheets import SheetPage, written

ROWS = 50
MAX_QUERY = 4000


def register(services: Services) -> None:
    @page(PATH, role=Role.ADMIN, is_told=True)
    async def feedback(principal: Principal, request: Request) -> None:
        given = request.query_params
        asked = Asked.of(given, is_reader=principal.is_reader)
        shown = FeedbackPage(services, principal, asked, places.place(given.get('after', '')))
        open_pages.require(lambda now: now.is_reader or not shown.has_texts)
        await shown.build(i18n.t('queue.title'), i18n.t('admin.title'))


class FeedbackPage(SheetPage):
    SHEETS = (*SheetPage.SHEETS, 'queue.css')

    def __init__(self, services: Services, principal: Principal, asked: Asked, after: Place | None) -> None:
        super().__init__(services, principal, Role.ADMIN)
        self._asked = asked
        self._after = after
        self._read: set[Place] = set()  # what the log tells already that somebody has read here

    @property
    def has_texts(self) -> bool:
        """Whether it shows, or has shown, what people wrote."""
        return bool(self._read)

    async def render(self) -> str:
        store, asked, names = self._services.store, self._asked, self._app_names()
        rated = await store.read(queue.apps)
        apps = sorted({*names, *rated, *([asked.app] if asked.app else [])})
        return written(
            'feedback.html',
            asked=asked,
            is_reader=self._principal.is_reader,
            ratings=[(each, i18n.t('queue.rating_' + each)) for each in RATINGS],
            states=[(str(each), i18n.t('queue.state_' + each)) for each in State],
            apps=[(slug, names.get(slug, slug)) for slug in apps] if len(apps) > 1 or asked.app else [],
            read_at=await store.read(feedback_list.read_at, apps=list(names)),
            found=await self._found(),
        )

    async def filter(self, query: str) -> None:
        asked = Asked.of(dict(parse_qsl(query[:MAX_QUERY])), is_reader=self._principal.is_reader)
        if asked.search:
            await self._services.throttle.person(Scope.SEARCHES, self._principal)
        self._asked, self._after = asked, None
        self._sheet.found(await self._found(), query)

    async def act(self, name: str, of: str) -> None:
        if name == 'refresh':
            await self._services.feedback_list.refresh()
            await self.refresh(said=i18n.t('queue.refreshed'))
            return
        feedback_id, state, seen = feedback_view.decision(name, of)
        try:
            await self._services.store.write(
                queue.set_state, feedback_id=feedback_id, state=state, seen=seen, **self._doing
            )
        except (NotFound, Refused):
            await self.refresh()  # to what has come in between
            raise
        await self.refresh(said=i18n.t('queue.marked', state=i18n.t('queue.state_' + state)))

    async def _found(self) -> str:
        asked = self._asked
        found = await self._page()
        called = await self._services.store.read(labels.called, ids=feedback_view.people(found.rows))
        names = self._app_names()
        return written(
            'feedback_found.html',
            rows=[feedback_view.view(each, called, names) for each in found.rows],
            more=asked.address(last=found.rows[-1].place) if found.has_more and found.rows else '',
            first=asked.address() if self._after else '',
            exports=[(kind, asked.address(f'.{kind}')) for kind in ('csv', 'json')],
        )

    async def _page(self) -> Page:
        """As they are now; with what people wrote for those who may read it, which is written down."""
        wanted, before = self._asked.filter, self._after
        if not self._principal.is_reader:
            return await self._services.store.read(queue.page, wanted=wanted, before=before, limit=ROWS)
        found = await self._services.store.write(
            queue.read, wanted=wanted, before=before, limit=ROWS, known=frozenset(self._read), **self._doing
        )
        self._read |= {each.place for each in found.rows}
        return found

    def _app_names(self) -> dict[str, str]:
        return {app.slug: app.name or app.slug for app in self._services.apps}
