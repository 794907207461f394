"""People and their sessions, on both databases."""

import asyncio
import hashlib
import hmac
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select
from store_support import NOW, SECRET, visit

from webapp.errors import Refused
from webapp.principal import Identity
from webapp.store import sessions, users
from webapp.store.database import Store
from webapp.store.sessions import Standing
from webapp.store.tables import SessionRow
from webapp.store.users import User

IDLE, ABSOLUTE = timedelta(hours=12), timedelta(days=7)
TOKEN = hashlib.sha256(b'token').hexdigest()


def test_the_name_that_dify_knows_is_stable_and_tells_nothing() -> None:
    expected = hmac.new(b'secret', b'https://id.example\0ann', hashlib.sha256).hexdigest()[:32]
    assert users.dify_user('secret', 'https://id.example', 'ann') == f'u_{expected}'


async def test_signing_in_again_is_the_same_person_even_with_a_new_secret(store: Store, ann: User) -> None:
    later = NOW + timedelta(days=1)
    again = await store.write(visit, 'ann', secret='rotated', name='Ann\nLee', now=later)
    assert (again.id, again.dify_user, again.created_at) == (ann.id, ann.dify_user, NOW)
    assert (again.name, again.last_seen_at) == ('Ann Lee', later)
    unnamed = await store.write(visit, 'ann', secret='rotated', now=later)
    assert unnamed.name == 'Ann Lee'


async def test_one_subject_of_two_issuers_is_two_people(store: Store, ann: User) -> None:
    other = await store.write(visit, 'ann', issuer='https://other.example')
    assert other.id != ann.id
    assert other.dify_user != ann.dify_user


async def test_signing_in_many_times_at_once_makes_one_person(store: Store) -> None:
    people = await asyncio.gather(*(store.write(visit, 'x') for _ in range(20)))
    assert len(set(people)) == 1


async def test_an_identity_that_can_not_be_kept_exactly_is_refused(store: Store) -> None:
    for subject in ('', 'a\0b', '\ud800', 'x' * 3000):
        with pytest.raises(Refused):
            await store.write(visit, subject)


async def opened(store: Store, subject: str = 'ann', token: str = TOKEN, **changes: Any) -> Standing:
    device = 'Mozilla/5.0\r\n' + 'x' * 300
    given = {'role': 'user', 'secret': SECRET, 'now': NOW, 'absolute': ABSOLUTE, 'device': device} | changes
    identity = Identity('https://id.example', subject, 'company')
    return await store.write(sessions.sign_in, identity=identity, token_hash=token, **given)


async def find(store: Store, after: timedelta) -> Standing | None:
    return await store.write(sessions.find, token_hash=TOKEN, now=NOW + after, idle=IDLE)


async def test_a_session_is_found_while_it_lives(store: Store, ann: User) -> None:
    standing = await opened(store)
    browser = standing.session
    assert standing.user == ann
    assert (browser.expires_at, len(browser.device), browser.device[:12]) == (NOW + ABSOLUTE, 200, 'Mozilla/5.0 ')
    assert await find(store, timedelta(0)) == standing
    assert await store.read(sessions.look_up, token_hash=TOKEN, now=NOW, idle=IDLE) == standing
    assert await store.write(sessions.find, token_hash='unknown', now=NOW, idle=IDLE) is None


async def test_use_keeps_a_session_alive_up_to_its_end(store: Store, ann: User) -> None:
    await opened(store)
    for hours in range(11, 24 * 7, 11):
        assert await find(store, timedelta(hours=hours))
    assert await find(store, ABSOLUTE - timedelta(seconds=1))
    assert await find(store, ABSOLUTE) is None


async def test_a_session_that_is_not_used_dies(store: Store, ann: User) -> None:
    await opened(store)
    assert await find(store, IDLE) is None
    assert await find(store, timedelta(0)) is not None  # finding nothing has ended nothing


async def test_use_is_noted_at_most_once_a_minute(store: Store, ann: User) -> None:
    await opened(store)

    async def noted(seconds: int) -> float:
        await find(store, timedelta(seconds=seconds))
        found = await store.read(sessions.look_up, token_hash=TOKEN, now=NOW, idle=IDLE)
        assert found
        assert found.user.last_seen_at == found.session.last_seen_at
        return (found.session.last_seen_at - NOW).total_seconds()

    assert [await noted(s) for s in (1, 59, 60, 61, 119, 120)] == [0, 0, 60, 60, 60, 120]


async def test_an_ended_session_stays_ended(store: Store, ann: User) -> None:
    await opened(store)
    assert await store.write(sessions.end, token_hash=TOKEN, now=NOW)
    assert not await store.write(sessions.end, token_hash=TOKEN, now=NOW)
    assert await find(store, timedelta(0)) is None


async def test_thousands_of_sessions_are_asked_after_at_once(store: Store, ann: User) -> None:
    ids = [f'id-{number}' for number in range(2500)]
    for number in (0, 1200, 2499):
        await opened(store, token=ids[number])
    found = await store.read(sessions.standing, ids=ids, now=NOW, idle=IDLE)
    assert set(found) == {'id-0', 'id-1200', 'id-2499'}
    assert await store.read(sessions.standing, ids=[], now=NOW, idle=IDLE) == {}


async def test_signing_out_everywhere(store: Store, ann: User, bob: User) -> None:
    for number, subject in enumerate(['ann', 'ann', 'bob']):
        await opened(store, subject, f'hash {number}')
    assert await store.write(sessions.end_all, user_id=ann.id, now=NOW) == 2
    found = [await store.read(sessions.look_up, token_hash=f'hash {n}', now=NOW, idle=IDLE) for n in range(3)]
    assert [f and f.user for f in found] == [None, None, bob]


async def test_what_is_dead_is_purged(store: Store, ann: User) -> None:
    await opened(store, token='ended')
    await opened(store, token='idle', now=NOW - IDLE)
    await opened(store, token='alive')
    await store.write(sessions.end, token_hash='ended', now=NOW)
    assert await store.write(sessions.purge, now=NOW, idle=IDLE) == 2

    def remaining(session: Session) -> list[str]:
        return list(session.exec(select(SessionRow.id)))

    assert await store.read(remaining) == ['alive']


async def test_an_address_that_nobody_has_verified_takes_the_place_of_no_other(store: Store) -> None:
    async def told(email: str, *, verified: bool) -> str:
        return (await store.write(visit, 'ann', email=email, email_verified=verified)).email

    assert await told('first@example.com', verified=False) == 'first@example.com'
    assert await told('proven@example.com', verified=True) == 'proven@example.com'
    assert await told('boss@example.com', verified=False) == 'proven@example.com'
    assert await told('', verified=True) == 'proven@example.com'
    assert await told('newer@example.com', verified=True) == 'newer@example.com'
