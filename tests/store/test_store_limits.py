"""How often something may happen, counted exactly on both databases, whoever counts at once."""

import asyncio
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, func, select
from store_support import NOW, Ask

from webapp.chat.message import Reply, Status
from webapp.errors import LimitReached, Refused
from webapp.store import answers, limits, turns
from webapp.store.allowance import Allowance
from webapp.store.database import Store
from webapp.store.limits import Limit, Ration, Scope
from webapp.store.messages import Begun
from webapp.store.tables import ConversationRow, HitRow
from webapp.store.users import User

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SECOND = timedelta(seconds=1)


def ration(*most: tuple[int, timedelta], key: str = 'ann', scope: Scope = Scope.SEARCHES) -> Ration:
    return Ration(scope, key, tuple(Limit(*limit) for limit in most), 'too_many')


async def spend(store: Store, *rations: Ration, at: timedelta = timedelta(), amount: int = 1) -> timedelta | None:
    """How long there is to wait, or None if it was counted."""
    try:
        await store.write(limits.spend, rations=rations, now=NOW + at, amount=amount)
    except LimitReached as reached:
        return reached.wait
    return None


async def test_a_span_slides(store: Store) -> None:
    two = ration((2, MINUTE))
    assert await spend(store, two) is None
    assert await spend(store, two, at=40 * SECOND) is None
    assert await spend(store, two, at=50 * SECOND) == 10 * SECOND
    assert await spend(store, two, at=60 * SECOND) is None
    assert await spend(store, two, at=61 * SECOND) == 39 * SECOND


async def test_of_several_limits_the_longest_wait_counts_and_what_was_refused_does_not(store: Store) -> None:
    both = ration((2, MINUTE), (3, HOUR))
    for minute in range(3):
        assert await spend(store, both, at=minute * MINUTE) is None
    for _ in range(5):
        assert await spend(store, both, at=3 * MINUTE) == 57 * MINUTE
    assert await spend(store, both, at=HOUR) is None
    with pytest.raises(LimitReached) as refused:
        await store.write(limits.spend, rations=[both], now=NOW + HOUR)
    reached = refused.value
    assert (reached.code, reached.status, reached.most, reached.within) == ('too_many', 429, 3, HOUR)
    assert reached.retry_after == 60


async def test_amounts_wait_until_enough_is_free_and_what_never_fits_says_the_whole_span(store: Store) -> None:
    hundred = ration((100, HOUR))
    for minute, amount in ((0, 30), (10, 30), (20, 40)):
        assert await spend(store, hundred, at=minute * MINUTE, amount=amount) is None
    assert await spend(store, hundred, at=30 * MINUTE, amount=31) == 40 * MINUTE
    assert await spend(store, hundred, at=30 * MINUTE, amount=101) == HOUR


async def test_every_key_and_every_kind_has_its_own_count_and_zero_is_no_limit(store: Store) -> None:
    for own in (ration((1, MINUTE)), ration((1, MINUTE), key='bob'), ration((1, MINUTE), scope=Scope.EXPORTS)):
        assert await spend(store, own) is None
        assert await spend(store, own) == MINUTE
    for _ in range(3):
        assert await spend(store, ration((0, MINUTE), key='free')) is None


async def test_of_two_rations_both_are_counted_or_none(store: Store) -> None:
    own, shared = ration((5, MINUTE)), ration((1, MINUTE), key='guests 192.0.2.1')
    assert await spend(store, own, shared) is None
    for _ in range(9):
        assert await spend(store, own, shared) == MINUTE
    for _ in range(4):
        assert await spend(store, own) is None


async def test_what_is_given_back_makes_room(store: Store) -> None:
    one = ration((1, HOUR))
    hits = await store.write(limits.spend, rations=[one], now=NOW)
    assert await spend(store, one) == HOUR
    await store.write(limits.give_back, hits=hits)
    assert await spend(store, one) is None


async def test_fifty_at_once_get_exactly_what_there_is(store: Store, database: str) -> None:
    other = Store(database)  # as of another process
    five = ration((5, MINUTE), (100, HOUR))
    waits = await asyncio.gather(*(spend(each, five) for _ in range(25) for each in (store, other)))
    await other.close()
    assert waits.count(None) == 5
    assert waits.count(MINUTE) == 45


COUNT = """
import asyncio, sys
from datetime import datetime, timedelta
from webapp.errors import LimitReached
from webapp.store import limits
from webapp.store.database import Store
from webapp.store.limits import Limit, Ration, Scope

async def main(url, now):
    store = Store(url)
    ration = Ration(Scope.SEARCHES, 'ann', (Limit(30, timedelta(hours=1)),), 'too_many')
    async def one():
        try:
            await store.write(limits.spend, rations=[ration], now=datetime.fromisoformat(now))
        except LimitReached:
            return 0
        return 1
    print(sum(await asyncio.gather(*(one() for _ in range(25)))))
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_processes_share_the_count_and_a_restart_keeps_it(store: Store, database: str) -> None:
    def begin() -> 'subprocess.Popen[str]':
        return subprocess.Popen(
            [sys.executable, '-c', COUNT, database, NOW.isoformat()], stdout=subprocess.PIPE, text=True
        )

    def counted(process: 'subprocess.Popen[str]') -> int:
        out, _ = process.communicate(timeout=60)
        return int(out)

    assert sum([counted(process) for process in (begin(), begin())]) == 30
    assert counted(begin()) == 0
    assert await spend(store, ration((30, HOUR)), at=MINUTE) == 59 * MINUTE


async def test_what_no_limit_looks_back_to_is_deleted(store: Store) -> None:
    def rows(session: Session) -> int:
        return session.exec(select(func.count()).select_from(HitRow)).one()

    await spend(store, ration((2, MINUTE)))
    await spend(store, ration((2, MINUTE), (9, HOUR)))
    assert await store.write(limits.purge, now=NOW + MINUTE) == 1
    assert await store.read(rows) == 1
    assert await store.write(limits.purge, now=NOW + HOUR) == 1


# questions


def allowed(most: int = 0, running: int = 0) -> Allowance:
    return Allowance((ration((most, MINUTE), scope=Scope.MESSAGES),), running)


async def asked(ask: Ask, user: User, **changes: Any) -> Begun | str:
    """What was begun, or why not."""
    try:
        return await ask(user, **changes)
    except Refused as refused:
        return refused.code


async def end(store: Store, begun: Begun, status: Status = Status.COMPLETE) -> None:
    await store.write(answers.finish, message_id=begun.message.id, reply=Reply(status), now=NOW, unread=False)


async def conversations_of(store: Store, user: User) -> int:
    of_user = select(func.count()).select_from(ConversationRow).where(ConversationRow.user_id == user.id)
    return await store.read(lambda session: session.exec(of_user).one())


async def test_fifty_questions_at_once_begin_exactly_as_many_answers_as_are_allowed(
    store: Store, ask: Ask, ann: User
) -> None:
    begun = await asyncio.gather(*(asked(ask, ann, allowance=allowed(most=7)) for _ in range(50)))
    assert len([each for each in begun if isinstance(each, Begun)]) == 7
    assert begun.count('too_many') == 43
    assert await conversations_of(store, ann) == 7


async def test_a_draft_that_comes_many_times_counts_once_and_is_never_refused(
    store: Store, ask: Ask, ann: User
) -> None:
    same = {'key': 'draft', 'allowance': allowed(most=1, running=1)}
    begun = await asyncio.gather(*(asked(ask, ann, **same) for _ in range(20)))
    assert len({each.message.id for each in begun if isinstance(each, Begun)}) == 1
    assert all(isinstance(each, Begun) for each in begun)
    assert await conversations_of(store, ann) == 1
    assert await asked(ask, ann, allowance=allowed(most=1)) == 'too_many'
    assert isinstance(await asked(ask, ann, **same), Begun)


async def test_answers_at_once_are_counted_over_all_conversations_of_a_person(
    store: Store, ask: Ask, ann: User, bob: User
) -> None:
    begun = await asyncio.gather(*(asked(ask, ann, allowance=allowed(running=2)) for _ in range(20)))
    running = [each for each in begun if isinstance(each, Begun)]
    assert len(running) == 2
    assert begun.count('too_many_running') == 18
    assert isinstance(await asked(ask, bob, allowance=allowed(running=2)), Begun)
    await end(store, running[0])
    assert isinstance(await asked(ask, ann, allowance=allowed(running=2)), Begun)
    assert await asked(ask, ann, allowance=allowed(running=2)) == 'too_many_running'


async def test_what_was_refused_for_another_reason_counts_for_nothing(store: Store, ask: Ask, ann: User) -> None:
    first = await ask(ann, allowance=allowed(most=2))
    there = {'conversation_id': first.conversation.id, 'allowance': allowed(most=2)}
    for _ in range(3):
        assert await asked(ask, ann, **there) == 'already_running'
    await end(store, first)
    assert isinstance(await asked(ask, ann, **there), Begun)


async def test_asking_again_counts_like_asking(store: Store, ask: Ask, ann: User) -> None:
    first = await ask(ann, allowance=allowed(most=2))
    await end(store, first, Status.FAILED)

    async def again(key: str) -> str | Begun:
        given = {'user_id': ann.id, 'message_id': first.message.id, 'key': key, 'now': NOW}
        try:
            return await store.write(turns.supersede, **given, allowance=allowed(most=2))
        except Refused as refused:
            return refused.code

    begun = [await again('again'), await again('again')]
    assert all(isinstance(each, Begun) for each in begun)
    assert await asked(ask, ann, allowance=allowed(most=2)) == 'too_many'
