"""The audit log as an address asks for it, and its entries as they are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from webapp.store import audit, users
from webapp.store.audit import Action, Entry, Party, Place
from webapp.ui import dates, forgotten, i18n, places

PATH = '/admin/audit'


@dataclass(frozen=True, slots=True)
class Asked:
    """Which entries; what the address can't mean is left out. Days are in UTC, the last one included."""

    action: str = ''
    who: str = ''  # words of a name or an address, or an id
    since: date | None = None
    until: date | None = None

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        action = given.get('action', '')
        return cls(
            action=action if action in set(Action) else '',
            who=given.get('who', '').strip()[: audit.MAX_SEARCH],
            since=dates.day(given.get('since', '')),
            until=dates.day(given.get('until', '')),
        )

    @property
    def given(self) -> dict[str, str]:
        """What restricts, by its name in addresses."""
        since, until = (day.isoformat() if day else '' for day in (self.since, self.until))
        named = {'action': self.action, 'who': self.who, 'since': since, 'until': until}
        return {name: text for name, text in named.items() if text}

    def address(self, ending: str = '', last: Entry | None = None) -> str:
        """Where this is shown, or, with the `ending` of a file, downloaded; with `last`, what follows that entry."""
        query = urlencode(self.given | ({'after': places.word(last.at, last.id)} if last else {}))
        return f'{PATH}{ending}?{query}' if query else f'{PATH}{ending}'

    @property
    def filter(self) -> audit.Filter:
        return audit.Filter(
            since=datetime.combine(self.since, time(), UTC) if self.since else None,
            until=datetime.combine(self.until, time(), UTC) + timedelta(days=1) if self.until else None,
            action=self.action,
            who=self.who,
        )


def after(given: str) -> Place | None:
    """The place in the log that an address names."""
    found = places.place(given)
    return Place(*found) if found else None


@dataclass(frozen=True, slots=True)
class EntryView:
    at: datetime
    action: str
    actor: 'PartyView'
    target: 'PartyView | None'  # None: themselves, or nobody
    address: str
    detail: str


@dataclass(frozen=True, slots=True)
class PartyView:
    name: str
    href: str  # '' for nobody whom we know


def view(entry: Entry) -> EntryView:
    is_named = bool(entry.target.id or entry.target.name)
    has_target = is_named and (not entry.target.id or entry.target.id != entry.actor.id)
    return EntryView(
        at=entry.at,
        action=action_words(entry.action),
        actor=_party(entry.actor),
        target=_party(entry.target) if has_target else None,
        address=entry.address,
        detail=', '.join(f'{name}: {_plain(value)}' for name, value in entry.detail.items()),
    )


def action_words(action: str) -> str:
    return i18n.t('audit.action_' + action) if action in set(Action) else action


def _party(party: Party) -> PartyView:
    if not party.id:  # of whom nothing but a name is known, or the program itself
        return PartyView(party.name or i18n.t('audit.service'), '')
    if users.is_pseudonym(party.id):
        return PartyView(forgotten.called(party.id), '')
    return PartyView(party.name or i18n.t('people.unnamed', id=party.id[:8]), f'/admin/users/{party.id}')


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ' '.join(f'{name}={_plain(each)}' for name, each in value.items())
    if isinstance(value, list):
        return ' '.join(map(_plain, value))
    return str(value) or i18n.t('audit.none')
