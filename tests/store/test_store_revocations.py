"""Keys and origins that are taken from an embed: who rests on them is out, and nobody comes in by them."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import pytest
from store_support import NOW, SECRET

from webapp.errors import NotFound
from webapp.principal import GUEST, Identity, Within
from webapp.store import audit, embeds, revocations, sessions
from webapp.store.audit import Action, Party
from webapp.store.database import Store
from webapp.store.embeds import Entry, HostToken
from webapp.store.revocations import Kind, Revocation, Revoked

EVE = Party('0' * 32, 'Eve')
IDLE = timedelta(hours=12)
SHOP, WIKI = 'https://shop.example.com', 'https://wiki.example.org'


def entry(
    id_: str, *, embed: str = 'helpdesk', kid: str = 'k1', origins: Sequence[str] = (SHOP,), held: str = ''
) -> Entry:
    """Ids of session, ticket and token are made of `id_`."""
    issuer = f'embed:{embed}' if kid else GUEST
    return Entry(
        identity=Identity(issuer, f'subject of {id_}', f'embed:{embed}'),
        role='user',
        within=Within(embed, tuple(origins), kid),
        elsewhere=(),
        token=HostToken(f'token {id_}', NOW + timedelta(minutes=1)) if kid else None,
        session=id_,
        held=held,
        ticket=f'ticket {id_}',
        device='',
        address='192.0.2.1',
    )


async def enter(store: Store, one: Entry) -> None:
    given = {'secret': SECRET, 'now': NOW, 'absolute': timedelta(days=7), 'idle': IDLE}
    assert await store.write(embeds.enter, one, **given)


async def revoke(store: Store, kind: Kind, name: str, embed: str = 'helpdesk') -> list[str]:
    return await store.write(revocations.revoke, embed=embed, kind=kind, name=name, actor=EVE, now=NOW)


async def living(store: Store, *ids: str) -> set[str]:
    return set(await store.read(sessions.standing, ids=ids, now=NOW, idle=IDLE))


async def log(store: Store) -> list[tuple[str, dict[str, object]]]:
    """What Eve did, in the order of its names: it was all at once."""
    found = await store.read(audit.page, wanted=audit.Filter(people=[EVE.id]))
    return sorted((each.action, each.detail) for each in found)


async def test_a_key_takes_the_sessions_with_it_that_rest_on_it(store: Store) -> None:
    await enter(store, entry('a'))
    await enter(store, entry('b', kid='k2'))
    await enter(store, entry('c', kid=''))
    await enter(store, entry('d', embed='other'))
    assert await revoke(store, Kind.KEY, 'k1') == ['a']
    assert await living(store, *'abcd') == {'b', 'c', 'd'}
    assert await log(store) == [(Action.EMBED_REVOKED, {'embed': 'helpdesk', 'key': 'k1', 'sessions': 1})]


async def test_nobody_comes_in_by_it_and_their_token_is_not_used_up(store: Store) -> None:
    await revoke(store, Kind.KEY, 'k1')
    with pytest.raises(Revoked, match='key k1'):
        await enter(store, entry('a'))
    await enter(store, entry('b', embed='other'))
    await store.write(revocations.allow, embed='helpdesk', kind=Kind.KEY, name='k1', actor=EVE, now=NOW)
    await enter(store, entry('a'))
    assert [action for action, _ in await log(store)] == [Action.EMBED_ALLOWED, Action.EMBED_REVOKED]


async def test_nor_does_anybody_go_on_by_it(store: Store) -> None:
    await enter(store, entry('a', kid='k2'))
    await revoke(store, Kind.KEY, 'k1')
    with pytest.raises(Revoked):
        await enter(store, entry('b', held='a'))
    assert await living(store, 'a') == {'a'}


async def test_an_origin_with_a_star_is_that_of_all_who_came_from_there(store: Store) -> None:
    await enter(store, entry('a', kid=''))
    await enter(store, entry('b', origins=[WIKI]))
    await enter(store, entry('c', origins=[WIKI, 'https://*.example.com']))  # from one of these, so perhaps from there
    assert await revoke(store, Kind.ORIGIN, 'https://*.example.com') == ['a', 'c']
    for refused in (SHOP, 'https://*.example.com'):
        with pytest.raises(Revoked, match='origin'):
            await enter(store, entry('d', origins=[refused]))
    await enter(store, entry('e', origins=[WIKI]))


@pytest.mark.parametrize(
    ('name', 'origin', 'hits'),
    [
        (SHOP, SHOP, True),
        (SHOP, 'https://shop.example.com:8443', False),
        (SHOP, 'https://*.example.com', False),  # of the settings: there are others
        ('https://*.example.com', SHOP, True),
        ('https://*.example.com', 'https://example.com', False),
        ('k1', 'k1', True),
    ],
)
def test_what_is_hit(name: str, origin: str, hits: bool) -> None:
    assert Revocation('helpdesk', Kind.ORIGIN, name, NOW).hits_origin(origin) is hits
    assert Revocation('helpdesk', Kind.ORIGIN, name, NOW).hits(Within('helpdesk', (WIKI, origin))) is hits
    assert not Revocation('helpdesk', Kind.KEY, name, NOW).hits(Within('helpdesk', (origin,)))
    assert not Revocation('another', Kind.ORIGIN, name, NOW).hits(Within('helpdesk', (origin,)))


async def test_the_ticket_of_a_session_that_has_ended_leads_nowhere(store: Store) -> None:
    await enter(store, entry('a'))
    await revoke(store, Kind.KEY, 'k1')
    found = await store.write(embeds.take_ticket, ticket='ticket a', embed='helpdesk', now=NOW)
    assert await living(store, str(found)) == set()


async def test_all_sessions_end_and_everybody_may_come_again(store: Store) -> None:
    for each in (entry('a'), entry('b', kid=''), entry('c', origins=[])):
        await enter(store, each)
    await enter(store, entry('d', embed='other'))
    assert await store.read(sessions.by_embed, now=NOW, idle=IDLE) == {'helpdesk': 3, 'other': 1}
    ended = await store.write(revocations.end_sessions, embed='helpdesk', actor=EVE, now=NOW)
    assert sorted(ended) == ['a', 'b', 'c']
    assert await store.read(sessions.by_embed, now=NOW, idle=IDLE) == {'other': 1}
    assert await store.read(revocations.all_of) == []
    await enter(store, entry('e'))
    assert await log(store) == [(Action.EMBED_ENDED, {'embed': 'helpdesk', 'sessions': 3})]


async def test_twice_is_once(store: Store) -> None:
    assert [await revoke(store, Kind.KEY, 'k1') for _ in range(2)] == [[], []]
    assert len(await log(store)) == 1
    assert await store.read(revocations.all_of, embed='other') == []
    for kind, name in ((Kind.ORIGIN, 'k1'), (Kind.KEY, 'k2')):
        with pytest.raises(NotFound):
            await store.write(revocations.allow, embed='helpdesk', kind=kind, name=name, actor=EVE, now=NOW)


async def test_nobody_slips_in_while_it_is_being_taken(store: Store) -> None:
    async def try_to(id_: str) -> None:
        with suppress(Revoked):
            await enter(store, entry(id_))

    ids = [f's{number}' for number in range(20)]
    await asyncio.gather(*map(try_to, ids[:10]), revoke(store, Kind.KEY, 'k1'), *map(try_to, ids[10:]))
    assert await living(store, *ids) == set()
