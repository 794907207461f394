"""`/admin/usage`: what everybody costs, over any days and from any side, down to the single answer."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import parse_qsl

from fastapi import Request

from webapp import clock
from webapp.errors import NotFound
from webapp.principal import Principal, Role
from webapp.services import Services
from webapp.store import overview, reports
from webapp.store.reports import Side
from webapp.ui import i18n, places
from webapp.ui.page import page
from webapp.ui.sheets import SheetPage, written
from webapp.ui.theme import Banner
from webapp.ui.usage_asked import BYS, PATH, RANGES, Asked, written_as
from webapp.ui.usage_view import ROWS, View, outcome

MAX_QUERY = 20_000


def register(services: Services) -> None:
    @page(PATH, role=Role.ADMIN)
    async def usage(principal: Principal, request: Request) -> None:
        given = request.query_params
        await UsagePage(services, principal, Asked.of(given), given.get('after', '')).build(
            i18n.t('spending.title'), i18n.t('admin.title')
        )


class UsagePage(SheetPage):
    SHEETS = (*SheetPage.SHEETS, 'usage.css')

    def __init__(self, services: Services, principal: Principal, asked: Asked, after: str) -> None:
        super().__init__(services, principal, Role.ADMIN)
        self._asked = asked
        self._after = places.place(after)

    async def render(self) -> str:
        asked, today = self._asked, clock.now().date()
        since, until = asked.days(today)
        values = await self._services.store.read(reports.values, since=since, until=until)
        return written(
            'usage.html',
            asked=asked,
            since=since,
            until=until,
            ranges=[(name, i18n.t('spending.range_' + name.replace('-', '_'))) for name in RANGES],
            bys=[(name, i18n.t('spending.by_' + name)) for name in BYS],
            choices=[
                choice for side in ('app', 'group', 'model', 'outcome') for choice in _choice(side, values, asked)
            ],
            found=await self._found(asked, self._after),
        )

    async def filter(self, query: str) -> None:
        asked = Asked.of(dict(parse_qsl(query[:MAX_QUERY])))
        self._sheet.found(await self._found(asked), query)

    async def act(self, name: str, of: str) -> None:
        if name != 'compare':
            raise NotFound
        wanted = Asked.of(dict(parse_qsl(of[:MAX_QUERY]))).filter(clock.now().date())
        count = await self._services.comparison.ask(wanted)
        self._frame.show_banner(Banner('compared', i18n.t('spending.compared', count=count), 'info', closable=True))

    async def _found(self, asked: Asked, after: tuple[datetime, str] | None = None) -> str:
        today = clock.now().date()
        found = await self._services.store.read(
            overview.read, wanted=asked.filter(today), by=asked.sides, today=today, before=after, limit=ROWS + 1
        )
        names = {app.slug: app.name or app.slug for app in self._services.apps}
        return written('usage_found.html', **View(asked, today, found, names).values())


def _choice(
    side: Side, values: Mapping[Side, Sequence[str]], asked: Asked
) -> Iterator[tuple[Side, str, list[tuple[str, str, bool]]]]:
    """A select, if there is anything to select."""
    chosen = dict(asked.fixed).get(side)
    known = sorted({*values[side], *([chosen] if chosen is not None else [])})
    if len(known) > 1 or chosen is not None:
        words = {'outcome': outcome}.get(side, lambda value: value or i18n.t('spending.no_' + side))
        yield (
            side,
            i18n.t('spending.by_' + side),
            [(written_as(value), words(value), value == chosen) for value in known],
        )
