"""Logins under way and tokens that count once, on both databases."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select
from store_support import NOW, SECRET

from webapp.errors import NotFound, Refused
from webapp.principal import Identity
from webapp.store import audit, logins, sessions, users
from webapp.store.audit import Action, Filter
from webapp.store.database import Store
from webapp.store.logins import MAX_OPEN, Attempt
from webapp.store.tables import AttemptRow
from webapp.store.users import User

ATTEMPT = Attempt(
    id='state',
    browser='browser',
    provider='company',
    nonce='nonce',
    verifier='verifier',
    target='/a/support',
    linking=None,
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=10),
)


async def complete(store: Store, id: str = 'state', browser: str = 'browser', minutes: float = 1) -> Attempt | None:
    return await store.write(logins.complete, id=id, browser=browser, now=NOW + timedelta(minutes=minutes))


async def test_a_login_ends_once_however_often_it_is_tried_at_once(store: Store) -> None:
    await store.write(logins.begin, ATTEMPT)
    found = await asyncio.gather(*(complete(store) for _ in range(20)))
    assert [each for each in found if each] == [ATTEMPT]


async def test_another_browser_neither_ends_it_nor_spoils_it(store: Store) -> None:
    await store.write(logins.begin, ATTEMPT)
    assert await complete(store, browser='other') is None
    assert await complete(store, id='other') is None
    assert await complete(store) == ATTEMPT


async def test_it_waits_for_ten_minutes(store: Store) -> None:
    await store.write(logins.begin, ATTEMPT)
    assert await complete(store, minutes=10) is None
    await store.write(logins.begin, ATTEMPT)
    assert await store.write(logins.purge, now=NOW + timedelta(minutes=9)) == 0
    assert await store.write(logins.purge, now=NOW + timedelta(minutes=10)) == 1


async def test_one_browser_has_only_so_many_under_way(store: Store) -> None:
    for number in range(MAX_OPEN + 10):
        moment = NOW + timedelta(seconds=number)
        await store.write(logins.begin, replace(ATTEMPT, id=f'{number}', created_at=moment))
    await store.write(logins.begin, replace(ATTEMPT, browser='other', created_at=NOW))

    def left(session: Session) -> set[str]:
        return {row.id for row in session.exec(select(AttemptRow))}

    assert await store.read(left) == {f'{number}' for number in range(10, MAX_OPEN + 10)} | {'state'}


async def test_a_token_is_spent_once_however_often_it_is_tried_at_once(store: Store) -> None:
    spent = await asyncio.gather(*(store.write(logins.spend, token='t', expires_at=NOW) for _ in range(20)))
    assert sorted(spent) == [False] * 19 + [True]
    assert await store.write(logins.spend, token='other', expires_at=NOW)
    assert await store.write(logins.purge, now=NOW) == 2


async def test_a_way_in_that_is_added_stands_in_the_audit_log(store: Store, ann: User, bob: User) -> None:
    more = Identity('https://other.example', 'ann-2', 'other', email='ann@corp.com')
    link = {'identity': more, 'role': 'user', 'now': NOW, 'address': '192.0.2.1'}
    await store.write(sessions.link, user_id=ann.id, **link)
    entries = await store.read(audit.page, wanted=Filter(action=Action.LINKED))
    assert [(each.target.id, each.address, each.detail) for each in entries] == [
        (ann.id, '192.0.2.1', {'provider': 'other'})
    ]
    with pytest.raises(Refused) as refused:
        await store.write(sessions.link, user_id=bob.id, **link)
    assert refused.value.code == 'identity_taken'
    with pytest.raises(NotFound):
        await store.write(sessions.link, user_id='nobody', **link)
    assert len(await store.read(audit.page, wanted=Filter(action=Action.LINKED))) == 1
    assert (await store.write(users.sign_in, identity=more, role='user', secret=SECRET, now=NOW)).user.id == ann.id
