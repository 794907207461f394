"""What admins see of people, do about them, and leave behind in the audit log; on both databases."""

import asyncio
import hashlib
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text, update
from sqlmodel import Session
from store_support import NOW, SECRET, Ask, visit

from webapp.errors import NotFound, Refused
from webapp.principal import Identity, Role
from webapp.store import audit, people, sessions, users
from webapp.store.audit import Action, Entry, Party
from webapp.store.database import Store
from webapp.store.people import Filter, Person, Place
from webapp.store.tables import IdentityRow, UserRow
from webapp.store.users import User

IDLE = timedelta(hours=12)
ROOT = Party('root', 'Root')


@pytest.fixture
async def known(store: Store) -> dict[str, User]:
    """Four people, seen one after the other."""
    facts: dict[str, dict[str, Any]] = {
        'ann': {'name': 'Ann Lee', 'email': 'ann@example.com', 'role': 'admin'},
        'bob': {'name': 'Bob Ünal', 'email': 'bob@example.com'},
        'unnamed': {},
        'guest': {'issuer': 'guest', 'role': 'guest'},
    }
    return {
        subject: await store.write(visit, subject, now=NOW + timedelta(minutes=minute), **given)
        for minute, (subject, given) in enumerate(facts.items())
    }


async def found(store: Store, **wanted: Any) -> list[str]:
    """Subjects of those whom a filter finds."""
    listed = await store.read(people.page, wanted=Filter(**wanted))
    assert len(listed) == await store.read(people.count, wanted=Filter(**wanted))
    return [person.ways[0].identity.subject for person in listed]


async def test_the_last_seen_come_first(store: Store, known: dict[str, User]) -> None:
    assert await found(store) == ['guest', 'unnamed', 'bob', 'ann']


@pytest.mark.parametrize(
    ('search', 'expected'),
    [
        ('ANN', ['ann']),
        ('lee ann', ['ann']),
        ('example.com', ['bob', 'ann']),
        ('ünal', ['bob']),
        ('ÜNAL BOB', ['bob']),
        ('%', []),
        ('_', []),
        ('nobody', []),
        ('\0', []),
        ('  ', ['guest', 'unnamed', 'bob', 'ann']),
        ('ann' * 1000, []),
    ],
)
async def test_names_and_addresses_are_searched(
    store: Store, known: dict[str, User], search: str, expected: list[str]
) -> None:
    assert await found(store, search=search) == expected


async def test_filters_by_role_and_state(store: Store, known: dict[str, User]) -> None:
    assert await found(store, role=Role.ADMIN) == ['ann']
    assert await found(store, role=Role.USER) == ['unnamed', 'bob']
    assert await found(store, role=Role.GUEST) == ['guest']
    assert await found(store, role='none') == []
    await store.write(visit, 'guest', issuer='guest', role='')
    assert await found(store, role='none') == ['guest']
    await store.write(people.block, actor=ROOT, user_id=known['bob'].id, now=NOW)
    assert await found(store, state='blocked') == ['bob']
    assert await found(store, state='active', role=Role.USER) == ['unnamed']


async def test_somebody_with_two_ways_in_is_what_the_better_one_makes_of_them(store: Store, ann: User) -> None:
    other = Identity('https://other.example', 'ann', 'other')
    await store.write(users.link, user_id=ann.id, identity=other, role='admin', now=NOW)
    person = await store.read(people.get, user_id=ann.id)
    assert (person.role, [way.role for way in person.ways]) == (Role.ADMIN, [Role.USER, Role.ADMIN])
    assert await found(store, role=Role.USER) == []


async def test_which_apps_somebody_has_used(store: Store, ann: User, bob: User, ask: Ask) -> None:
    await ask(ann, app='support')
    await ask(ann, app='support')
    await ask(ann, app='handbook')
    listed = await store.read(people.page, wanted=Filter())
    assert {person.user.id: person.apps for person in listed} == {ann.id: ('handbook', 'support'), bob.id: ()}


async def test_ten_thousand_people_are_paged_and_searched_at_once(store: Store) -> None:
    await store.write(crowd, 10_000)
    middle = Place(NOW + timedelta(seconds=5_000), f'{5_000:032x}')
    asked: dict[str, dict[str, Any]] = {
        '9999': {'wanted': Filter()},
        '4999': {'wanted': Filter(), 'before': middle},
        '7777': {'wanted': Filter(search='PERSON 7777', role=Role.USER, state='active')},
    }
    for first, given in asked.items():
        listed = await store.read(people.page, **given)
        assert listed[0].user.name == f'Person {first}'
        assert await fastest(lambda given=given: store.read(people.page, **given)) < 0.3  # type: ignore[misc]
    assert await store.read(people.count, wanted=Filter(role=Role.USER)) == 10_000


async def test_pages_have_neither_gap_nor_double(store: Store) -> None:
    await store.write(crowd, 50, apart=timedelta(0))
    seen: list[Person] = []
    while more := await store.read(people.page, wanted=Filter(), before=seen[-1].place if seen else None, limit=7):
        seen += more
    assert [person.user.name for person in seen] == [f'Person {number}' for number in reversed(range(50))]


async def fastest(work: Callable[[], Awaitable[object]]) -> float:
    """Seconds that it takes when nothing else is in the way."""

    async def once() -> float:
        started = time.perf_counter()
        await work()
        return time.perf_counter() - started

    return min([await once() for _ in range(5)])


def crowd(session: Session, size: int, apart: timedelta = timedelta(seconds=1)) -> None:
    ids = {number: f'{number:032x}' for number in range(size)}
    everybody = [
        {
            'id': id_,
            'dify_user': f'u_{number}',
            'name': f'Person {number}',
            'email': f'p{number}@example.com',
            'folded': f'person {number} p{number}@example.com',
            'created_at': NOW,
            'last_seen_at': NOW + number * apart,
        }
        for number, id_ in ids.items()
    ]
    ways = [
        {
            **{'id': id_, 'user_id': id_, 'subject': str(number), 'created_at': NOW, 'vouched_at': NOW},
            **{'issuer': 'https://id.example', 'provider': 'company', 'role': 'user', 'groups': []},
            **{'name': '', 'email': '', 'email_verified': False, 'claims_admin': False},
        }
        for number, id_ in ids.items()
    ]
    session.execute(insert(UserRow), everybody)
    session.execute(insert(IdentityRow), ways)


# what is done about somebody, and what is written down


async def opened(store: Store, subject: str, token: str) -> str:
    digest = hashlib.sha256(token.encode()).hexdigest()
    await store.write(
        sessions.sign_in,
        identity=Identity('https://id.example', subject, 'company'),
        role='user',
        secret=SECRET,
        token_hash=digest,
        now=NOW,
        absolute=timedelta(days=7),
    )
    return digest


async def entries(store: Store, action: Action, **wanted: Any) -> Sequence[Entry]:
    return await store.read(audit.page, wanted=audit.Filter(action=action, **wanted))


async def test_blocking_ends_every_session_and_keeps_out_until_it_is_taken_back(store: Store, ann: User) -> None:
    open_ = {await opened(store, 'ann', 'one'), await opened(store, 'ann', 'two')}
    bobs = await opened(store, 'bob', 'three')
    ended = await store.write(people.block, actor=ROOT, user_id=ann.id, now=NOW, address='192.0.2.7')
    assert set(ended) == open_
    assert set(await store.read(sessions.standing, ids=[*open_, bobs], now=NOW, idle=IDLE)) == {bobs}
    with pytest.raises(Refused, match='blocked'):
        await opened(store, 'ann', 'four')
    assert await store.write(people.block, actor=ROOT, user_id=ann.id, now=NOW) == []
    [entry] = await entries(store, Action.BLOCKED)
    assert (entry.actor, entry.target, entry.address) == (ROOT, Party(ann.id), '192.0.2.7')
    assert entry.detail == {'sessions': 2}

    await store.write(people.unblock, actor=ROOT, user_id=ann.id, now=NOW)
    await store.write(people.unblock, actor=ROOT, user_id=ann.id, now=NOW)
    assert len(await entries(store, Action.UNBLOCKED)) == 1
    await opened(store, 'ann', 'four')


async def test_nobody_blocks_themselves(store: Store, ann: User) -> None:
    with pytest.raises(Refused, match='own_account'):
        await store.write(people.block, actor=Party(ann.id, 'Ann'), user_id=ann.id, now=NOW)
    assert (await store.read(people.get, user_id=ann.id)).user.blocked_at is None
    assert await entries(store, Action.BLOCKED) == []


async def test_blocking_twice_at_once_is_one_entry(store: Store, ann: User) -> None:
    await asyncio.gather(*(store.write(people.block, actor=ROOT, user_id=ann.id, now=NOW) for _ in range(8)))
    assert len(await entries(store, Action.BLOCKED)) == 1


async def test_sessions_end_one_by_one_or_all_but_one(store: Store, ann: User) -> None:
    one, two, three = [await opened(store, 'ann', token) for token in ('one', 'two', 'three')]
    bobs = await opened(store, 'bob', 'four')
    own = Party(ann.id, 'Ann')

    async def end(session_id: str) -> bool:
        return await store.write(people.end_session, actor=own, user_id=ann.id, session_id=session_id, now=NOW)

    assert [await end(one), await end(one), await end(bobs), await end('unknown')] == [True, False, False, False]
    assert await store.write(people.end_sessions, actor=own, user_id=ann.id, now=NOW, but=two) == [three]
    assert await store.write(people.end_sessions, actor=own, user_id=ann.id, now=NOW, but=two) == []
    alive = await store.read(sessions.standing, ids=[one, two, three, bobs], now=NOW, idle=IDLE)
    assert set(alive) == {two, bobs}
    assert [entry.detail for entry in await entries(store, Action.SESSION_ENDED)] == [{'sessions': 1}] * 2


async def test_looking_at_somebody_else_is_written_down(store: Store, ann: User, bob: User) -> None:
    own = Party(ann.id, 'Ann')
    assert (await store.write(people.read, actor=own, user_id=bob.id, now=NOW)).user == bob
    await store.write(people.read, actor=own, user_id=ann.id, now=NOW)
    [entry] = await entries(store, Action.PERSON_READ)
    assert (entry.actor, entry.target) == (own, Party(bob.id))
    assert await entries(store, Action.PERSON_READ, people=[bob.id]) == [entry]
    assert await entries(store, Action.PERSON_READ, people=[]) == []


@pytest.mark.parametrize('user_id', ['', 'nobody', '\0', '\ud800', 'x' * 10_000])
async def test_there_is_nobody_of_that_id(store: Store, ann: User, user_id: str) -> None:
    for command in (people.read, people.block, people.unblock):
        with pytest.raises(NotFound):
            await store.write(command, actor=ROOT, user_id=user_id, now=NOW)
    assert await store.read(audit.page, wanted=audit.Filter()) == []


@pytest.mark.parametrize('who', ['LEE', 'ann lee', 'ann@example', '{id}', 'Old Name'])
async def test_the_log_is_searched_for_people_by_id_and_by_names_of_then_and_now(
    store: Store, known: dict[str, User], who: str
) -> None:
    ann = known['ann'].id
    await store.write(audit.record, Action.LINKED, now=NOW, actor=Party(ann, 'Old Name'))
    await store.write(audit.record, Action.LINKED, now=NOW, actor=Party(known['bob'].id, 'Bob'))
    found = await store.read(audit.page, wanted=audit.Filter(who=who.format(id=ann)))
    assert [entry.actor.id for entry in found] == [ann]


@pytest.mark.parametrize('who', ['nobody', '%', '_', '\0', '\ud800', ' ', 'x' * 10_000])
async def test_nothing_of_the_log_is_about_nobody(store: Store, known: dict[str, User], who: str) -> None:
    await store.write(audit.record, Action.LINKED, now=NOW, actor=Party(known['ann'].id, 'Ann'))
    assert await store.read(audit.page, wanted=audit.Filter(who=who)) == []


async def test_everybody_whom_words_name_is_found_however_many_they_are(store: Store) -> None:
    await store.write(crowd, 1_000)
    first = Party(f'{0:032x}', 'as they were called once')
    await store.write(audit.record, Action.LINKED, now=NOW, actor=first)
    assert [entry.actor for entry in await store.read(audit.page, wanted=audit.Filter(who='person'))] == [first]


@pytest.mark.parametrize('known_to_us', [True, False])
async def test_a_refused_sign_in_names_whoever_it_was(store: Store, ann: User, known_to_us: bool) -> None:
    identity = Identity('https://id.example', 'ann' if known_to_us else 'eve', 'company', name='Eve Ärmel')
    given = {'now': NOW, 'address': '192.0.2.1', 'detail': {'reason': 'blocked'}}
    await store.write(people.record_refusal, identity=identity, actor=ROOT, **given)
    await store.write(people.record_refusal, identity=None, actor=Party(), **given)
    target = Party(ann.id if known_to_us else '', 'Eve Ärmel')
    [entry] = await entries(store, Action.SIGN_IN_REFUSED, who='ÄRMEL')
    assert (entry.actor, entry.target) == (ROOT, target)
    assert (entry in await entries(store, Action.SIGN_IN_REFUSED, people=[ann.id])) is known_to_us


async def test_the_log_is_paged_without_gap_or_double(store: Store) -> None:
    moments = [NOW + timedelta(seconds=number // 4) for number in range(30)]
    for now in moments:
        await store.write(audit.record, Action.SIGNED_OUT, now=now, actor=ROOT)
    seen: list[Entry] = []
    while more := await store.read(audit.page, wanted=audit.Filter(), before=seen[-1].place if seen else None, limit=7):
        seen += more
    assert [entry.at for entry in seen] == sorted(moments, reverse=True)
    assert len({entry.id for entry in seen}) == 30
    day = audit.Filter(since=moments[8], until=moments[16])
    assert len(await store.read(audit.page, wanted=day)) == 8
    assert len(await store.read(audit.page, wanted=replace(day, people=['root']))) == 8


async def test_whoever_is_being_blocked_while_they_sign_in_has_no_session_later(store: Store, ann: User) -> None:
    blocked, go_on = threading.Event(), threading.Event()

    def block(session: Session) -> None:
        people.block(session, actor=ROOT, user_id=ann.id, now=NOW)
        blocked.set()
        assert go_on.wait(30)

    blocking = asyncio.create_task(store.write(block))
    assert await asyncio.to_thread(blocked.wait, 30)
    coming = asyncio.create_task(
        store.write(
            sessions.sign_in,
            identity=Identity('https://id.example', 'ann', 'company'),
            role='user',
            secret=SECRET,
            token_hash='late',
            now=NOW,
            absolute=timedelta(days=7),
        )
    )
    await asyncio.wait_for(_until_somebody_waits(store), 30)
    go_on.set()
    await blocking
    with pytest.raises(Refused):
        await coming
    await store.write(people.unblock, actor=ROOT, user_id=ann.id, now=NOW)
    assert await store.read(sessions.look_up, token_hash='late', now=NOW, idle=IDLE) is None


async def _until_somebody_waits(store: Store) -> None:
    """For a lock, on PostgreSQL; on SQLite they stand in a line before they come to it."""

    def waiting(session: Session) -> bool:
        if session.connection().dialect.name == 'sqlite':
            return True
        return bool(session.connection().scalar(text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")))

    while not await store.read(waiting):
        await asyncio.sleep(0.02)


async def test_guests_who_have_left_nothing_go_and_everybody_else_stays(store: Store, ask: Ask) -> None:
    async def guest(subject: str, **facts: Any) -> User:
        identity = Identity('guest', subject, 'guest')
        given = {'role': 'guest', 'secret': SECRET, 'now': NOW} | facts
        return (await store.write(users.sign_in, identity=identity, **given)).user

    gone, asked, blocked, linked = [await guest(name) for name in ('gone', 'asked', 'blocked', 'linked')]
    fresh = await guest('fresh', now=NOW + timedelta(hours=2))
    person = await store.write(visit, 'ann')
    await ask(asked)
    await store.write(people.block, actor=ROOT, user_id=blocked.id, now=NOW)
    other = Identity('https://id.example', 'linked', 'company')
    await store.write(users.link, user_id=linked.id, identity=other, role='user', now=NOW)
    here = await store.write(
        sessions.sign_in, identity=Identity('guest', 'here', 'guest'), role='guest', secret=SECRET, token_hash='t',
        now=NOW, absolute=timedelta(days=7),
    )  # fmt: skip
    assert await store.write(people.purge_guests, before=NOW + timedelta(hours=1)) is False
    left = {each.user.id for each in await store.read(people.page, wanted=Filter())}
    assert left == {each.id for each in (asked, blocked, linked, fresh, person, here.user)}
    with pytest.raises(NotFound):
        await store.read(users.get, user_id=gone.id)


async def test_guests_go_some_at_a_time(store: Store) -> None:
    await store.write(crowd, people.PURGED_AT_ONCE + 1)
    await store.write(
        lambda session: session.execute(update(IdentityRow).values(provider='guest', issuer='guest')) and None
    )
    day = NOW + timedelta(days=1)
    assert await store.write(people.purge_guests, before=day) is True
    assert await store.write(people.purge_guests, before=day) is False
    assert await store.read(people.count, wanted=Filter()) == 0
