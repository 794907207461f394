"""Frames that wait for somebody to sign in, on both databases."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from store_support import NOW, SECRET

from webapp.principal import Identity
from webapp.store import pairings, sessions
from webapp.store.database import Store
from webapp.store.pairings import Granted
from webapp.store.sessions import ProviderTokens

ANN = Identity('https://id.example', 'ann', 'company')
ORIGINS = ('https://www.example.com',)
HERE = {'pairing': 'pairing', 'embed': 'helpdesk'}
ANN_THERE = Granted('session', 'named-there', ORIGINS)

Begin = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture
def begin(store: Store) -> Begin:
    """A frame waits, and ann has a session of our own pages."""

    async def begin() -> None:
        given = {'role': 'user', 'secret': SECRET, 'now': NOW, 'absolute': timedelta(days=1)}
        tokens = ProviderTokens(session='named-there')
        await store.write(sessions.sign_in, identity=ANN, token_hash='session', tokens=tokens, **given)
        await store.write(pairings.begin, **HERE, origins=ORIGINS, expires_at=NOW + timedelta(minutes=10))

    return begin


async def grant(store: Store, minutes: float = 1, **other: str) -> bool:
    now = NOW + timedelta(minutes=minutes)
    return await store.write(pairings.grant, **HERE | {'session_id': 'session'} | other, now=now)


async def take(store: Store, minutes: float = 2, **other: str) -> Granted | None:
    return await store.write(pairings.take, **HERE | other, now=NOW + timedelta(minutes=minutes))


async def is_granted(store: Store, minutes: float = 1, **other: str) -> bool | None:
    return await store.read(pairings.is_granted, **HERE | other, now=NOW + timedelta(minutes=minutes))


async def test_somebody_signs_in_once_however_often_it_is_tried_at_once(store: Store, begin: Begin) -> None:
    await begin()
    assert await is_granted(store) is False
    assert await take(store) is None
    assert sorted(await asyncio.gather(*(grant(store) for _ in range(10)))) == [False] * 9 + [True]
    assert await is_granted(store) is True
    assert [each for each in await asyncio.gather(*(take(store) for _ in range(10))) if each] == [ANN_THERE]
    assert await is_granted(store) is None


async def test_another_embed_neither_sees_it_nor_spoils_it(store: Store, begin: Begin) -> None:
    await begin()
    assert await is_granted(store, embed='other') is None
    assert not await grant(store, embed='other')
    await store.write(pairings.drop, **HERE | {'embed': 'other'})
    assert await grant(store)
    assert await take(store, embed='other') is None
    assert await take(store) == ANN_THERE


async def test_it_waits_for_ten_minutes(store: Store, begin: Begin) -> None:
    await begin()
    assert await is_granted(store, minutes=10) is None
    assert not await grant(store, minutes=10)
    assert await grant(store, minutes=9)
    assert await take(store, minutes=10) is None
    assert await store.write(pairings.purge, now=NOW + timedelta(minutes=9)) == 0
    assert await store.write(pairings.purge, now=NOW + timedelta(minutes=10)) == 1


async def test_it_can_be_given_up(store: Store, begin: Begin) -> None:
    await begin()
    await store.write(pairings.drop, **HERE)
    assert not await grant(store)


async def test_it_is_not_given_up_once_somebody_has_signed_in(store: Store, begin: Begin) -> None:
    await begin()
    await grant(store)
    await store.write(pairings.drop, **HERE)
    assert await take(store) == ANN_THERE


async def test_it_goes_with_the_session(store: Store, begin: Begin) -> None:
    await begin()
    assert await grant(store)
    await store.write(sessions.end, token_hash='session', now=NOW)
    await store.write(sessions.purge, now=NOW, idle=timedelta(hours=1))
    assert await is_granted(store) is None
