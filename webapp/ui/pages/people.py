"""`/admin/users`: people to search and filter, the last seen first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self, get_args
from urllib.parse import parse_qsl, urlencode

from fastapi import Request

from webapp.principal import GUEST, LOCAL, Principal, Role
from webapp.services import Services
from webapp.store import people
from webapp.store.limits import Scope
from webapp.store.people import Filter, Person, Place
from webapp.ui import i18n, numbers, places
from webapp.ui.page import page
from webapp.ui.sheets import SheetPage, written

PATH = '/admin/users'
ROWS = 50
MAX_QUERY = 2000
State = Literal['active', 'blocked']
STATES: tuple[State, ...] = get_args(State)
ROLES: tuple[Role | Literal['none'], ...] = (*reversed(Role), 'none')


def register(services: Services) -> None:
    @page(PATH, role=Role.ADMIN)
    async def users(principal: Principal, request: Request) -> None:
        await PeoplePage(services, principal, Asked.of(request.query_params)).build(
            i18n.t('people.title'), i18n.t('admin.title')
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for; what it can't mean is left out."""

    search: str = ''
    role: Role | Literal['none'] | None = None
    state: State | None = None
    after: Place | None = None

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        after = places.place(given.get('after', ''))
        return cls(
            search=given.get('q', '').strip(),
            role=next((role for role in ROLES if role == given.get('role')), None),
            state=next((state for state in STATES if state == given.get('state')), None),
            after=Place(*after) if after else None,
        )

    @property
    def filter(self) -> Filter:
        return Filter(self.search, self.role, self.state)

    def address(self, last: Person | None = None) -> str:
        """Where this is shown; with `last`, what follows that person."""
        after = places.word(last.place.last_seen_at, last.place.id) if last else ''
        given = {'q': self.search, 'role': self.role or '', 'state': self.state or '', 'after': after}
        query = urlencode({name: text for name, text in given.items() if text})
        return f'{PATH}?{query}' if query else PATH


class PeoplePage(SheetPage):
    def __init__(self, services: Services, principal: Principal, asked: Asked) -> None:
        super().__init__(services, principal, Role.ADMIN)
        self._asked = asked

    async def render(self) -> str:
        return written(
            'people.html', asked=self._asked, roles=[str(role) for role in ROLES], found=await self._found(self._asked)
        )

    async def filter(self, query: str) -> None:
        asked = Asked.of(dict(parse_qsl(query[:MAX_QUERY])))
        if asked.search:
            await self._services.throttle.person(Scope.SEARCHES, self._principal)
        self._sheet.found(await self._found(asked), query)

    async def _found(self, asked: Asked) -> str:
        read = self._services.store.read
        listed = await read(people.page, wanted=asked.filter, before=asked.after, limit=ROWS + 1)
        shown = listed[:ROWS]
        count = await read(people.count, wanted=asked.filter)
        labels = {name: each.label for name, each in self._services.sessions.admission.providers.items()}
        return written(
            'people_found.html',
            count=i18n.fill('people.count', count=numbers.count(count)) if count else '',
            rows=[_row(person, labels) for person in shown],
            more=asked.address(shown[-1]) if len(listed) > ROWS else '',
            first=asked.address() if asked.after else '',
        )


@dataclass(frozen=True, slots=True)
class Row:
    href: str
    name: str
    email: str
    role: str  # '' for none
    is_blocked: bool
    ways: str
    apps: str
    last_seen_at: datetime


def named(person: Person) -> str:
    """What to call somebody: also one whom no provider has given a name. As in the audit log, where that can be."""
    user = person.user
    if any(way.identity.provider == LOCAL for way in person.ways):
        return i18n.t('me.local')
    subjects = (way.identity.subject for way in person.ways if way.identity.issuer != GUEST)
    return user.name or user.email or next(subjects, '') or i18n.t('people.unnamed', id=user.id[:8])


def way_label(provider: str, labels: Mapping[str, str]) -> str:
    known = {'local': 'people.way_local', 'guest': 'people.way_guest'}
    return i18n.t(known[provider]) if provider in known else labels.get(provider, provider)


def _row(person: Person, labels: Mapping[str, str]) -> Row:
    user, name = person.user, named(person)
    return Row(
        href=f'{PATH}/{user.id}',
        name=name,
        email=user.email if user.email != name else '',
        role=person.role or '',
        is_blocked=user.blocked_at is not None,
        ways=', '.join(dict.fromkeys(way_label(way.identity.provider, labels) for way in person.ways)),
        apps=', '.join(person.apps),
        last_seen_at=user.last_seen_at,
    )
