"""`/me`: what somebody sees of themselves, their ways in, and where they are signed in."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from webapp.auth.providers import Provider
from webapp.errors import NotFound
from webapp.principal import Principal, Role
from webapp.services import Services
from webapp.store import people
from webapp.store.people import Way
from webapp.store.sessions import BrowserSession
from webapp.ui import devices, i18n, open_pages, persons
from webapp.ui.page import page
from webapp.ui.sheets import SheetPage, written


def register(services: Services) -> None:
    @page(persons.ME, role=Role.USER)
    async def me(principal: Principal) -> None:
        await MyPage(services, principal, Role.USER).build(i18n.t('me.title'), i18n.t('me.title'))


class MyPage(SheetPage):
    async def render(self) -> str:
        services, user_id = self._services, self._principal.user_id
        person = await services.store.read(people.get, user_id=user_id)
        name = self._principal.name or i18n.t('me.local' if services.is_local else 'frame.unnamed')
        providers = services.sessions.admission.providers
        return written(
            'me.html',
            initial=name[:1].upper(),
            name=name,
            email=person.user.email if person.user.email != name else '',
            is_admin=self._principal.is_admin,
            ways=[way_view(way, providers) for way in person.ways] if providers else [],
            links=list(_links(providers, {way.identity.provider for way in person.ways})),
            live=session_views(await services.sessions.of_person(user_id)),
            own=self._principal.session_id,
        )

    async def act(self, name: str, of: str) -> None:
        own, store = self._principal, self._services.store
        about = {**self._doing, 'user_id': own.user_id}
        match name:
            case 'end' if of != own.session_id:
                ended = [of] if await store.write(people.end_session, session_id=of, **about) else []
            case 'end_others':
                ended = await store.write(people.end_sessions, but=own.session_id, **about)
            case _:
                raise NotFound
        for session_id in ended:
            open_pages.close(session_id)
        await self.refresh(said=i18n.t('me.ended'))


@dataclass(frozen=True, slots=True)
class WayView:
    label: str
    account: str  # as the provider names it
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    label: str
    href: str


def way_view(way: Way, providers: Mapping[str, Provider]) -> WayView:
    provider = providers.get(way.identity.provider)
    account = way.identity.email or way.identity.name or way.identity.subject
    return WayView(provider.label if provider else way.identity.provider, account, way.created_at)


def session_views(sessions: list[BrowserSession]) -> list[BrowserSession]:
    """The same, with `device` in words."""
    return [replace(each, device=devices.described(each.device)) for each in sessions]


def _links(providers: Mapping[str, Provider], known: Collection[str]) -> Iterator[Link]:
    for name, provider in ((name, provider) for name, provider in providers.items() if name not in known):
        yield Link(name, provider.label, f'/auth/{name}/login?link=1&next={persons.ME}')
