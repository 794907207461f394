"""`/admin`: how it goes at the moment, a notice for everybody, and what else there is for those who answer for it."""

import asyncio
import logging
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from nicegui import background_tasks

from webapp import clock
from webapp.errors import NotFound, Refused, StoreUnavailable
from webapp.principal import Principal, Role
from webapp.services import Services
from webapp.store import notices, people, pulse
from webapp.store.pulse import Pulse
from webapp.ui import administration, i18n, numbers, open_pages, pulse_view
from webapp.ui.hearing import REFUSAL
from webapp.ui.page import page
from webapp.ui.sheets import SheetPage, written

logger = logging.getLogger(__name__)

LATELY = timedelta(hours=1)
PACE = 5.0  # seconds between two looks
USUAL = timedelta(days=1)  # how long a notice stands unless somebody says otherwise
MAX_FORM = 8000  # characters, as they are sent


def register(services: Services) -> None:
    @page(administration.OVERVIEW.href, role=Role.ADMIN)
    async def admin(principal: Principal) -> None:
        await AdminPage(services, principal, Role.ADMIN).build(i18n.t('admin.title'), i18n.t('admin.title'))


class AdminPage(SheetPage):
    SHEETS = (*SheetPage.SHEETS, 'usage.css', 'admin.css')

    async def build(self, title: str, heading: str) -> None:
        await super().build(title, heading)
        task = background_tasks.create(self._keep_fresh(), name='overview')
        self._client.on_delete(task.cancel)

    async def render(self) -> str:
        read = self._services.store.read
        everybody = await read(people.count, wanted=people.Filter())
        blocked = await read(people.count, wanted=people.Filter(state='blocked'))
        hints = [i18n.fill('admin.people', count=numbers.count(everybody))]
        if blocked:
            hints.append(i18n.fill('admin.blocked', count=numbers.count(blocked)))
        return written(
            'admin.html',
            found=await self._now(),
            areas=[area for area in administration.AREAS if area is not administration.OVERVIEW],
            hints={'people': hints},
            versions=pulse_view.versions(),
            ends_at=(clock.now() + USUAL).replace(second=0, microsecond=0),
            longest=notices.MAX_TEXT,
            levels=[(level, i18n.t('notices.level_' + level)) for level in notices.LEVELS],
        )

    async def act(self, name: str, of: str) -> None:
        services = self._services
        match name:
            case 'announce':
                given = dict(parse_qsl(of[:MAX_FORM]))
                await services.store.write(
                    notices.announce,
                    text=given.get('text', ''),
                    level=given.get('level', ''),
                    ends_at=_moment(given.get('until', '')),
                    **self._doing,
                )
                said = i18n.t('notices.shown')
            case 'end':
                await services.store.write(notices.end, notice_id=of, **self._doing)
                said = i18n.t('notices.ended')
            case _:
                raise NotFound
        await services.notices.look()
        self._frame.hide_banner(REFUSAL)
        await self.refresh(said=said)

    async def _now(self) -> str:
        found: Pulse | None = None
        try:
            found = await self._services.store.read(pulse.read, since=clock.now() - LATELY)
        except StoreUnavailable as error:
            logger.warning('the overview lacks what the database knows: %s', error)
        here = pulse_view.Here(
            apps=self._services.apps,
            loads=self._services.generations.loads,
            pages=open_pages.count(),
            sessions=open_pages.browsers(),
        )
        standing = await self._services.notices.current()
        return written('admin_now.html', **pulse_view.values(here, found, standing))

    async def _keep_fresh(self) -> None:
        """Nobody is asked for: a page that is left open must not keep its session alive, and closes with it."""
        shown = ''
        while True:
            await asyncio.sleep(PACE)
            if self._client.has_socket_connection:
                found = await self._now()
                if found != shown:
                    self._sheet.found(found, '')
                    shown = found


def _moment(text: str) -> datetime:
    """:raises Refused: `notice_end`"""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Refused('notice_end', status=400)
    return found
