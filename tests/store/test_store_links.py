"""Ways in that are offered, taken and given up, on both databases."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from store_support import NOW, SECRET, visit

from webapp.errors import NotFound, Refused
from webapp.principal import Identity, Role
from webapp.store import audit, links, people, sessions, users
from webapp.store.audit import Action, Filter
from webapp.store.database import Store
from webapp.store.users import User

OTHER = 'https://other.example'
MORE = Identity(OTHER, 'ann-2', 'other', email='ann@corp.com', groups=frozenset({'b', 'a'}))
FIRST = Identity('https://id.example', 'ann', 'company')
LATER = NOW + timedelta(minutes=10)
IDLE = timedelta(hours=12)


def admits(identity: Identity) -> Role:
    return Role.USER


async def sign_in(store: Store, id: str, identity: Identity = FIRST) -> str:
    """The id of the person."""
    facts = {'role': 'user', 'secret': SECRET, 'now': NOW, 'absolute': timedelta(days=7)}
    return (await store.write(sessions.sign_in, identity=identity, token_hash=id, **facts)).user.id


async def offer(store: Store, user_id: str, id: str = 's1', identity: Identity = MORE) -> str:
    about = {'user_id': user_id, 'identity': identity, 'expires_at': LATER}
    await store.write(links.offer, session_id=id, **about)
    found = await store.read(links.offered, session_id=id, now=NOW)
    assert found is not None
    assert found.identity == identity
    return found.id


async def accept(store: Store, user_id: str, offer_id: str, id: str = 's1', **changes: Any) -> None:
    given = {'admits': admits, 'now': NOW, 'address': '192.0.2.1'} | changes
    await store.write(links.accept, user_id=user_id, session_id=id, offer_id=offer_id, **given)


async def ways(store: Store, user_id: str) -> dict[str, str]:
    """The ids of somebody's ways in, by subject."""
    person = await store.read(people.get, user_id=user_id)
    return {way.identity.subject: way.id for way in person.ways}


async def remove(store: Store, user_id: str, identity_id: str, admits: Callable[..., Any] = admits) -> list[str]:
    return await store.write(links.remove, user_id=user_id, identity_id=identity_id, admits=admits, now=NOW)


async def told(store: Store, action: Action) -> list[tuple[str, dict[str, Any]]]:
    entries = await store.read(audit.page, wanted=Filter(action=action))
    return [(entry.target.id, entry.detail) for entry in entries]


async def test_what_is_offered_becomes_a_way_in_once_and_only_when_it_is_taken(store: Store) -> None:
    ann = await sign_in(store, 's1')
    offer_id = await offer(store, ann)
    assert set(await ways(store, ann)) == {'ann'}
    took = await asyncio.gather(*(accept(store, ann, offer_id) for _ in range(5)), return_exceptions=True)
    assert [each for each in took if each is None] == [None]
    assert {each.code for each in took if isinstance(each, Refused)} == {'sign_in_over'}
    assert set(await ways(store, ann)) == {'ann', 'ann-2'}
    assert await told(store, Action.LINKED) == [(ann, {'provider': 'other'})]
    assert await sign_in(store, 's2', MORE) == ann


async def test_nothing_else_than_what_was_offered_is_taken(store: Store, bob: User) -> None:
    ann = await sign_in(store, 's1')
    first = await offer(store, ann)
    await offer(store, ann, identity=Identity(OTHER, 'ann-3', 'other'))
    await sign_in(store, 's2', Identity('https://id.example', 'bob', 'company'))
    for user_id, id, changes in (
        (ann, 's1', {}),  # another one has taken its place
        (bob.id, 's2', {}),
    ):
        with pytest.raises(Refused, match='sign_in_over'):
            await accept(store, user_id, first, id, **changes)
    newest = await store.read(links.offered, session_id='s1', now=NOW)
    assert newest is not None
    with pytest.raises(Refused, match='sign_in_over'):
        await accept(store, ann, newest.id, now=LATER)
    with pytest.raises(Refused, match='not_admitted'):
        await accept(store, ann, newest.id, admits=lambda identity: None)
    await store.write(links.withdraw, session_id='s1')
    with pytest.raises(Refused, match='sign_in_over'):
        await accept(store, ann, newest.id)
    assert set(await ways(store, ann)) == {'ann'}


async def test_what_is_somebodys_is_not_offered_to_others(store: Store) -> None:
    ann = await sign_in(store, 's1')
    await store.write(visit, 'ann-2', issuer=OTHER)
    with pytest.raises(Refused, match='identity_taken'):
        await offer(store, ann)


async def test_a_way_in_that_is_given_up_leads_to_nobody_and_its_sessions_end(store: Store) -> None:
    ann = await sign_in(store, 's1')
    await accept(store, ann, await offer(store, ann))
    await sign_in(store, 's2', MORE)
    assert await remove(store, ann, (await ways(store, ann))['ann-2']) == ['s2']
    assert set(await store.read(sessions.standing, ids=['s1', 's2'], now=NOW, idle=IDLE)) == {'s1'}
    assert await told(store, Action.UNLINKED) == [(ann, {'provider': 'other'})]
    assert await told(store, Action.SESSION_ENDED) == [(ann, {'provider': 'other', 'reason': 'unlinked'})]
    assert await sign_in(store, 's3', MORE) != ann


async def test_somebody_keeps_the_name_that_dify_knows_when_their_first_way_in_is_another_persons(store: Store) -> None:
    ann = await sign_in(store, 's1')
    await accept(store, ann, await offer(store, ann))
    await remove(store, ann, (await ways(store, ann))['ann'])
    stranger = await sign_in(store, 's4', FIRST)
    assert stranger != ann
    names = [(await store.read(users.get, user_id=each)).dify_user for each in (ann, stranger)]
    assert names[0] == users.dify_user(SECRET, FIRST.issuer, FIRST.subject)
    assert names[1] != names[0]


async def test_the_last_way_in_stays(store: Store, bob: User) -> None:
    ann = await sign_in(store, 's1')
    await accept(store, ann, await offer(store, ann))
    theirs = await ways(store, ann)
    with pytest.raises(NotFound):
        await remove(store, bob.id, theirs['ann'])
    with pytest.raises(Refused, match='last_way'):
        await remove(store, ann, theirs['ann'], lambda identity: Role.USER if identity.subject == 'ann' else None)
    gone = await asyncio.gather(*(remove(store, ann, each) for each in theirs.values()), return_exceptions=True)
    assert [each.code for each in gone if isinstance(each, Refused)] == ['last_way']
    assert len(await ways(store, ann)) == 1
