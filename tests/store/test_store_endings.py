"""How sessions end, and that the audit log tells of it; whose providers are to be asked again, and by whom."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from store_support import NOW, SECRET

from webapp.principal import GUEST, Identity
from webapp.store import audit, endings, refreshes, sessions
from webapp.store.audit import Action, Filter
from webapp.store.database import Store
from webapp.store.endings import Ending, Wish
from webapp.store.refreshes import Due
from webapp.store.sessions import ProviderTokens, Standing

IDLE, ABSOLUTE, MINUTE = timedelta(hours=12), timedelta(days=7), timedelta(minutes=1)
ISSUER = 'https://id.example'
WISH = Wish(ISSUER, 'ann', '', 'wish 1', NOW + MINUTE)
TOKENS = ProviderTokens('sid-1', 'sealed id', 'sealed refresh', NOW)


async def opened(store: Store, id: str, subject: str = 'ann', **changes: Any) -> Standing:
    given = {'issuer': ISSUER, 'provider': 'company', 'tokens': ProviderTokens(id)} | changes
    identity = Identity(given['issuer'], subject, given['provider'])
    facts = {'role': 'user', 'secret': SECRET, 'now': NOW, 'absolute': ABSOLUTE, 'tokens': given['tokens']}
    return await store.write(sessions.sign_in, identity=identity, token_hash=id, **facts)


async def alive(store: Store, *ids: str) -> set[str]:
    return set(await store.read(sessions.standing, ids=ids, now=NOW, idle=IDLE))


async def told(store: Store, action: Action) -> list[tuple[str, dict[str, Any]]]:
    entries = await store.read(audit.page, wanted=Filter(action=action))
    return [(entry.target.name, entry.detail) for entry in entries]


async def test_signing_out_says_what_the_provider_has_to_know_and_is_told_once(store: Store) -> None:
    await opened(store, 's1', tokens=TOKENS)
    outs = await asyncio.gather(*(store.write(endings.sign_out, token_hash='s1', now=NOW) for _ in range(5)))
    assert [out for out in outs if out] == [Ending('s1', 'company', 'sealed id')]
    assert await told(store, Action.SIGNED_OUT) == [('ann', {'provider': 'company'})]


async def test_of_guests_nothing_is_told(store: Store) -> None:
    await opened(store, 's1', issuer=GUEST, provider=GUEST)
    assert await store.write(endings.sign_out, token_hash='s1', now=NOW) == Ending('s1', GUEST, '')
    assert await told(store, Action.SIGNED_OUT) == []


@pytest.mark.parametrize(
    ('subject', 'session', 'ended'),
    [
        ('ann', '', {'a1', 'a2'}),
        ('', 'a2', {'a2'}),
        ('ann', 'a2', {'a2'}),
        ('bob', 'a2', set()),
        ('nobody', '', set()),
        ('', 'unknown', set()),
        ('', '', set()),
    ],
)
async def test_a_provider_ends_what_is_of_its_making_and_nothing_else(
    store: Store, subject: str, session: str, ended: set[str]
) -> None:
    for id, who in (('a1', 'ann'), ('a2', 'ann'), ('b1', 'bob')):
        await opened(store, id, who)
    await opened(store, 'other', issuer='https://other.example', tokens=ProviderTokens('a2'))
    wish = replace(WISH, subject=subject, session=session)
    assert set(await store.write(endings.grant, wish, now=NOW) or ()) == ended
    assert await alive(store, 'a1', 'a2', 'b1', 'other') == {'a1', 'a2', 'b1', 'other'} - ended
    detail = {'provider': 'company', 'reason': 'by_provider'}
    assert await told(store, Action.SESSION_ENDED) == [('ann', detail)] * len(ended)


async def test_a_wish_is_granted_once_though_it_comes_many_times_at_once(store: Store) -> None:
    await opened(store, 's1')
    granted = await asyncio.gather(*(store.write(endings.grant, WISH, now=NOW) for _ in range(10)))
    assert sorted(granted, key=str) == [None] * 9 + [['s1']]
    await opened(store, 's2')
    assert await store.write(endings.grant, WISH, now=NOW) is None
    assert await alive(store, 's1', 's2') == {'s2'}


async def due(store: Store, after: timedelta = timedelta(0), **changes: Any) -> list[Due]:
    now = NOW + after
    given = {'providers': ['company'], 'now': now, 'used_since': now - timedelta(hours=1), 'limit': 10} | changes
    return await store.read(refreshes.due, **given)


async def claimed(store: Store) -> Due:
    [each] = await due(store)
    until = NOW + MINUTE
    assert await store.write(refreshes.postpone, session_id=each.session_id, at=each.at, until=until)
    return replace(each, at=until)


async def renew(store: Store, claim: Due, identity: Identity | None, role: str = 'user') -> bool:
    tokens = ProviderTokens(refresh_token='next', refresh_at=NOW + 2 * MINUTE)
    return await store.write(refreshes.renew, claim=claim, tokens=tokens, identity=identity, role=role, now=NOW)


async def test_who_is_due(store: Store) -> None:
    await opened(store, 'plain')
    await opened(store, 'later', tokens=replace(TOKENS, refresh_at=NOW + MINUTE))
    await opened(store, 'due', tokens=TOKENS)
    await opened(store, 'ended', tokens=TOKENS)
    await store.write(sessions.end, token_hash='ended', now=NOW)
    assert [each.session_id for each in await due(store)] == ['due']
    assert [each.session_id for each in await due(store, MINUTE)] == ['due', 'later']
    assert [each.session_id for each in await due(store, MINUTE, limit=1)] == ['due']
    assert await due(store, timedelta(hours=1)) == []  # nobody uses them
    assert await due(store, ABSOLUTE, used_since=NOW - MINUTE) == []  # they are over
    assert await due(store, providers=['other']) == []


async def test_one_of_many_claims_a_session(store: Store) -> None:
    await opened(store, 's1', tokens=TOKENS)
    [each] = await due(store)
    claims = [
        store.write(refreshes.postpone, session_id='s1', at=each.at, until=NOW + MINUTE * n) for n in range(1, 21)
    ]
    assert sum(await asyncio.gather(*claims)) == 1
    assert await due(store) == []


async def test_what_a_provider_says_anew_counts(store: Store) -> None:
    before = await opened(store, 's1', tokens=TOKENS)
    claim = await claimed(store)
    anew = replace(before.identity, groups=frozenset({'staff'}), claims_admin=True)
    assert await renew(store, claim, anew, 'admin')
    [now] = (await store.read(sessions.standing, ids=['s1'], now=NOW, idle=IDLE)).values()
    assert now.identity == anew
    assert await told(store, Action.ROLE_CHANGED) == [('ann', {'from': 'user', 'to': 'admin'})]
    [again] = await due(store, 2 * MINUTE)
    assert again.refresh_token == 'next'
    assert not await renew(store, claim, anew)  # a claim counts once
    assert await store.write(endings.sign_out, token_hash='s1', now=NOW) == Ending('s1', 'company', 'sealed id')


async def test_a_session_that_has_ended_meanwhile_stays_so(store: Store) -> None:
    before = await opened(store, 's1', tokens=TOKENS)
    claim = await claimed(store)
    await store.write(endings.sign_out, token_hash='s1', now=NOW)
    assert not await renew(store, claim, before.identity)
    assert await alive(store, 's1') == set()


@pytest.mark.parametrize(('subject', 'role', 'reason'), [('bob', 'user', 'somebody_else'), ('ann', '', 'not_admitted')])
async def test_what_a_provider_says_of_others_or_of_people_without_a_role_ends_the_session(
    store: Store, subject: str, role: str, reason: str
) -> None:
    await opened(store, 's1', tokens=TOKENS)
    claim = await claimed(store)
    assert not await renew(store, claim, Identity(ISSUER, subject, 'company'), role)
    assert await alive(store, 's1') == set()
    assert await told(store, Action.SESSION_ENDED) == [('ann', {'provider': 'company', 'reason': reason})]
