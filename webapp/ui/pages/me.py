"""`/me`: what somebody sees of themselves, their ways in, and where they are signed in."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from webapp import clock
from webapp.auth import linking
from webapp.auth.providers import Provider
from webapp.errors import NotFound
from webapp.principal import Identity, Principal, Role
from webapp.services import Services
from webapp.store import ledger, links, people, reports
from webapp.store.people import Way
from webapp.store.sessions import BrowserSession
from webapp.ui import budget_lines, devices, i18n, numbers, open_pages, persons, views
from webapp.ui.page import page
from webapp.ui.sheets import SheetPage, written


def register(services: Services) -> None:
    @page(persons.ME, role=Role.USER)
    async def me(principal: Principal) -> None:
        await MyPage(services, principal, Role.USER).build(i18n.t('me.title'), i18n.t('me.title'))


class MyPage(SheetPage):
    SHEETS = (*SheetPage.SHEETS, 'usage.css')

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
            offer=await self._offer(),
            **await self._spent(),
            live=session_views(await services.sessions.of_person(user_id)),
            own=self._principal.session_id,
            export_href=persons.MY_EXPORT,
        )

    async def _spent(self) -> dict[str, object]:
        """What they cost this month, and what most of that is."""
        today = clock.now().date()
        read, user_id = self._services.store.read, self._principal.user_id
        month = reports.Filter(today.replace(day=1), today, user=user_id)
        lines = await read(reports.summed, wanted=month)
        open_to_them = [app.slug for app in self._services.apps.of(self._principal)]
        dear = await read(ledger.dearest, user_id=user_id, apps=open_to_them, since=month.since, until=month.until)
        totals = [line.total for line in lines]
        stands = await self._services.budgets.personal(self._principal)
        return {
            'budgets': [budget_lines.line(each) for each in stands],
            'costs': [numbers.total(total.price, total.currency) for total in totals if total.currency],
            'answers': numbers.count(sum(total.answers for total in totals)),
            'tokens': numbers.count(sum(total.total_tokens for total in totals)),
            'dear': [
                (views.address(each.app, each.conversation_id), each.title, numbers.total(each.price, each.currency))
                for each in dear
            ],
        }

    async def act(self, name: str, of: str) -> None:
        own, store = self._principal, self._services.store
        about = {**self._doing, 'user_id': own.user_id}
        sessions, ended, said = self._services.sessions, list[str](), i18n.t('me.ended')
        match name:
            case 'link':
                await linking.accept(sessions, store, own, of, now=clock.now())
                said = i18n.t('me.linked')
            case 'unoffer':
                await store.write(links.withdraw, session_id=own.session_id)
                said = i18n.t('me.not_linked')
            case 'unlink':
                ended = await linking.remove(sessions, store, own, of, now=clock.now())
                said = i18n.t('me.unlinked')
            case 'end' if of != own.session_id:
                ended = [of] if await store.write(people.end_session, session_id=of, **about) else []
            case 'end_others':
                ended = await store.write(people.end_sessions, but=own.session_id, **about)
            case _:
                raise NotFound
        for session_id in ended:
            open_pages.close(session_id)
        if own.session_id not in ended:
            await self.refresh(said=said)

    async def _offer(self) -> 'OfferView | None':
        own, services = self._principal, self._services
        found = await services.store.read(links.offered, session_id=own.session_id, now=clock.now())
        provider = services.sessions.admission.providers.get(found.identity.provider) if found else None
        return OfferView(found.id, provider.label, account(found.identity)) if found and provider else None


@dataclass(frozen=True, slots=True)
class WayView:
    id: str
    label: str
    account: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OfferView:
    """A way in that has been proven just now, and is to be taken or not."""

    id: str
    label: str
    account: str


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    label: str
    action: str


def way_view(way: Way, providers: Mapping[str, Provider]) -> WayView:
    provider = providers.get(way.identity.provider)
    label = provider.label if provider else way.identity.provider
    return WayView(way.id, label, account(way.identity), way.created_at)


def account(identity: Identity) -> str:
    """As its provider names it."""
    return identity.email or identity.name or identity.subject


def session_views(sessions: list[BrowserSession]) -> list[BrowserSession]:
    """The same, with `device` in words."""
    return [replace(each, device=devices.described(each.device)) for each in sessions]


def _links(providers: Mapping[str, Provider], known: Collection[str]) -> Iterator[Link]:
    for name, provider in ((name, provider) for name, provider in providers.items() if name not in known):
        yield Link(name, provider.label, f'/auth/{name}/link')
