"""Roles as they are written down, when the settings change."""

import asyncio
from typing import Any

from sqlmodel import Session, select
from store_support import NOW, SECRET

from webapp.auth.admission import Admission
from webapp.auth.providers import Preset, Provider
from webapp.auth.reassessment import reassess
from webapp.principal import GUEST, LOCAL, Identity
from webapp.store import audit, users
from webapp.store.audit import Action, Entry, Filter
from webapp.store.database import Store
from webapp.store.tables import IdentityRow

COMPANY = Provider('company', Preset.OIDC, 'Company', 'https://id.example', 'chat', 'hush', ('openid',))


async def known(store: Store, subject: str, provider: str = 'company', role: str = 'user') -> None:
    issuer = COMPANY.issuer if provider == 'company' else provider
    identity = Identity(issuer, subject, provider)
    await store.write(users.sign_in, identity=identity, role=role, secret=SECRET, now=NOW)


async def settle(store: Store, size: int = 500, **settings: Any) -> int:
    return await reassess(store, Admission(**{'providers': [COMPANY]} | settings), now=lambda: NOW, size=size)


async def roles(store: Store) -> dict[str, str]:
    def all_of_them(session: Session) -> dict[str, str]:
        return {row.subject: row.role for row in session.exec(select(IdentityRow))}

    return await store.read(all_of_them)


async def told(store: Store) -> list[Entry]:
    return await store.read(audit.page, wanted=Filter(action=Action.ROLE_CHANGED))


async def test_an_admin_whom_the_settings_name_no_more_is_none_in_the_lists_either(store: Store) -> None:
    await known(store, 'ann', role='admin')
    await known(store, 'bob')
    assert await settle(store, admins=['bob']) == 2
    assert await roles(store) == {'ann': 'user', 'bob': 'admin'}
    entries = await told(store)
    assert {(entry.target.name, entry.actor.id) for entry in entries} == {('ann', ''), ('bob', '')}
    assert {entry.target.name: entry.detail for entry in entries} == {
        'ann': {'from': 'admin', 'to': 'user'},
        'bob': {'from': 'user', 'to': 'admin'},
    }
    assert await settle(store, admins=['bob']) == 0
    assert len(await told(store)) == 2


async def test_people_whom_nobody_vouches_for_any_more_have_no_role(store: Store) -> None:
    await known(store, 'ann', role='admin')
    assert await settle(store, providers=[]) == 1
    assert await roles(store) == {'ann': ''}
    [entry] = await told(store)
    assert entry.detail == {'from': 'admin', 'to': ''}


async def test_of_guests_and_the_local_person_nothing_is_told(store: Store) -> None:
    await known(store, 'one', GUEST, 'guest')
    await known(store, LOCAL, LOCAL, 'admin')
    assert await settle(store, guests=False) == 2
    assert await roles(store) == {'one': '', LOCAL: ''}
    assert await told(store) == []


async def test_many_people_are_compared_in_batches_and_by_two_processes_once(store: Store) -> None:
    for number in range(60):
        await known(store, f'person-{number}')
    everybody = [f'person-{number}' for number in range(0, 60, 2)]
    counts = await asyncio.gather(*(settle(store, size=7, admins=everybody) for _ in range(2)))
    assert sum(counts) == 30
    assert list((await roles(store)).values()).count('admin') == 30
    assert len(await told(store)) == 30
