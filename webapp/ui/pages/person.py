"""`/admin/users/{id}`: all about one person, and what an admin may do about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nicegui import ui
from starlette.responses import Response

from webapp.errors import NotFound, Refused
from webapp.principal import Principal, Role
from webapp.services import Services
from webapp.store import audit, forgetting, people
from webapp.store.forgetting import Held
from webapp.store.people import Person, Way
from webapp.ui import i18n, log_entries, numbers, open_pages, persons, refusals
from webapp.ui.page import page
from webapp.ui.pages.me import session_views
from webapp.ui.pages.people import PATH, named, way_label
from webapp.ui.sheets import SheetPage, written

ENTRIES = 20


def register(services: Services) -> None:
    @page(f'{PATH}/{{user}}', role=Role.ADMIN, is_told=True)
    async def person(principal: Principal, user: str) -> Response | None:
        try:
            await PersonPage(services, principal, user).open()
        except NotFound as error:
            client = ui.context.client
            open_pages.drop(client)
            return refusals.refused(client.request, error)
        return None


class PersonPage(SheetPage):
    def __init__(self, services: Services, principal: Principal, user_id: str) -> None:
        super().__init__(services, principal, Role.ADMIN)
        self._user_id = user_id

    async def open(self) -> None:
        """Build the page, which is written down.

        :raises NotFound: no such person
        """
        person = await self._services.store.write(people.read, user_id=self._user_id, **self._doing)
        await self.build(named(person), i18n.t('admin.title'))

    async def render(self) -> str:
        services = self._services
        person = await services.store.read(people.get, user_id=self._user_id)
        wanted = audit.Filter(people=[person.user.id])
        entries = await services.store.read(audit.page, wanted=wanted, limit=ENTRIES)
        return written(
            'person.html',
            user=person.user,
            name=named(person),
            is_own=person.user.id == self._principal.user_id,
            own=self._principal.session_id,
            ways=[_way_view(services, way) for way in person.ways],
            apps=list(_apps(services, person)),
            live=session_views(await services.sessions.of_person(person.user.id)),
            entries=[log_entries.view(entry) for entry in entries],
            held=_held_view(await services.store.read(forgetting.preview, user_id=person.user.id)),
            is_being_forgotten=await services.store.read(forgetting.is_begun, user_id=person.user.id),
            word=_word(person),
            may_export=self._principal.may_read(person.user.id),
            export_href=persons.EXPORT.format(user=person.user.id),
            log_href=f'{log_entries.PATH}?who={person.user.id}',
        )

    async def act(self, name: str, of: str) -> None:
        write, about = self._services.store.write, {**self._doing, 'user_id': self._user_id}
        ended: list[str] = []
        match name:
            case 'block':
                ended = await write(people.block, **about)
            case 'unblock':
                await write(people.unblock, **about)
            case 'end':
                ended = [of] if await write(people.end_session, session_id=of, **about) else []
            case 'end_all':
                ended = await write(people.end_sessions, but=self._principal.session_id, **about)
            case 'forget':
                await self._forget(of)
                return
            case _:
                raise NotFound
        for session_id in ended:
            open_pages.close(session_id)
        if self._principal.session_id not in ended:
            await self.refresh(said=i18n.t('people.done'))

    async def _forget(self, typed: str) -> None:
        """:raises Refused: `not_confirmed`, `own_account`, `last_admin`"""
        person = await self._services.store.read(people.get, user_id=self._user_id)
        if typed.strip() != _word(person):
            raise Refused('not_confirmed')
        await self._services.forgetting.forget(person.user.id, **self._doing)
        self._sheet.leave(PATH)


def _word(person: Person) -> str:
    """What must be written before somebody is forgotten."""
    return (person.user.email or named(person)).strip()


def _held_view(held: Held) -> list[tuple[str, str]]:
    count = numbers.count
    goes = i18n.fill(
        'people.goes_what',
        conversations=count(held.conversations),
        messages=count(held.messages),
        files=count(held.files),
        size=numbers.size(held.bytes),
        ratings=count(held.feedback),
        sessions=count(held.sessions),
    )
    stays = i18n.fill('people.stays_what', answers=count(held.answers), entries=count(held.entries))
    return [(i18n.t('people.goes'), goes), (i18n.t('people.stays'), stays)]


@dataclass(frozen=True, slots=True)
class WayView:
    label: str
    role: str  # as the settings are now; '' if they let nobody in that way
    facts: list[tuple[str, str]]
    vouched_at: datetime


@dataclass(frozen=True, slots=True)
class AppView:
    name: str
    is_open: bool  # they may use it
    is_used: bool


def _way_view(services: Services, way: Way) -> WayView:
    admission, identity = services.sessions.admission, way.identity
    labels = {name: each.label for name, each in admission.providers.items()}
    verified = 'people.verified' if identity.email_verified else 'people.unverified'
    email = i18n.t(verified, email=identity.email) if identity.email else ''
    known: dict[str, Any] = {
        i18n.t('people.issuer'): identity.issuer,
        i18n.t('people.subject'): identity.subject,
        i18n.t('people.name'): identity.name,
        i18n.t('people.email'): email,
        i18n.t('people.groups'): ', '.join(sorted(identity.groups)),
        i18n.t('people.reading'): i18n.t('people.reads') if admission.is_reader(identity) else '',
    }
    facts = [(name, value) for name, value in known.items() if value]
    return WayView(way_label(identity.provider, labels), admission.role(identity) or '', facts, way.vouched_at)


def _apps(services: Services, person: Person) -> Iterator[AppView]:
    """What they may use by one of their ways in, or have used."""
    user = person.user
    roles = ((services.sessions.admission.role(way.identity), way.identity.groups) for way in person.ways)
    selves = [Principal(user.id, '', role, user.dify_user, groups=groups) for role, groups in roles if role]
    known = {app.slug for app in services.apps}
    for app in services.apps:
        is_open, is_used = any(app.admits(each) for each in selves), app.slug in person.apps
        if is_open or is_used:
            yield AppView(app.name or app.slug, is_open, is_used)
    for slug in person.apps:
        if slug not in known:  # the settings have it no more
            yield AppView(slug, is_open=False, is_used=True)
