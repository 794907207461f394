"""How a conversation gets its title, on both databases."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest
from store_support import NOW, Ask

from webapp.chat.message import Reply, Status
from webapp.store import answers, conversations, titles
from webapp.store.conversations import Conversation
from webapp.store.database import Store
from webapp.store.users import User

QUERY = 'How do I change the colours of my page, please?'
State = Callable[[], Awaitable[tuple[str, str]]]


@pytest.fixture
async def conversation(store: Store, ann: User, ask: Ask) -> Conversation:
    """One whose first answer is complete."""
    begun = await ask(ann, QUERY)
    reply = Reply(Status.COMPLETE, conversation_id='up-1')
    await store.write(answers.finish, message_id=begun.message.id, reply=reply, now=NOW, unread=False)
    return begun.conversation


@pytest.fixture
def state(store: Store, ann: User, conversation: Conversation) -> State:
    async def state() -> tuple[str, str]:
        now = await store.read(conversations.get, user_id=ann.id, conversation_id=conversation.id)
        return now.title_state, now.title

    return state


async def claim(store: Store, now: datetime = NOW, limit: int = 10) -> list[titles.TitleJob]:
    return await store.write(titles.claim_due, app='support', now=now, limit=limit)


async def settle(store: Store, conversation: Conversation, title: str | None, now: datetime = NOW) -> None:
    await store.write(titles.settle, conversation_id=conversation.id, title=title, now=now)


async def test_a_title_is_generated_after_the_first_answer(
    store: Store, ann: User, conversation: Conversation, state: State
) -> None:
    assert await state() == ('provisional', QUERY)
    [job] = await claim(store)
    assert job == titles.TitleJob(conversation.id, ann.id, 'up-1', ann.dify_user, QUERY)
    assert await state() == ('generating', QUERY)
    await settle(store, conversation, 'Colours of\na page \0')
    assert await state() == ('generated', 'Colours of a page �')
    assert await claim(store, NOW + timedelta(days=1)) == []


async def test_a_title_moves_no_conversation(store: Store, ann: User, conversation: Conversation) -> None:
    await claim(store)
    await settle(store, conversation, 'Colours', NOW + timedelta(hours=1))
    now = await store.read(conversations.get, user_id=ann.id, conversation_id=conversation.id)
    assert (now.updated_at, now.unread) == (NOW, False)
    [found] = await store.read(conversations.page, user_id=ann.id, app='support', search='COLOURS')
    assert found == now


async def test_no_title_before_an_answer_is_complete(store: Store, ann: User, ask: Ask) -> None:
    for status in (Status.FAILED, Status.INTERRUPTED, Status.STOPPED, Status.WAITING):
        begun = await ask(ann)
        reply = Reply(status, conversation_id='up')
        await store.write(answers.finish, message_id=begun.message.id, reply=reply, now=NOW, unread=False)
    assert await claim(store) == []
    await store.write(titles.want, conversation_id=begun.conversation.id, now=NOW)
    assert len(await claim(store)) == 1


async def test_a_title_is_generated_once(
    store: Store, ann: User, ask: Ask, conversation: Conversation, state: State
) -> None:
    await claim(store)
    await settle(store, conversation, 'Colours')
    begun = await ask(ann, 'and more', conversation_id=conversation.id)
    reply = Reply(Status.COMPLETE)
    await store.write(answers.finish, message_id=begun.message.id, reply=reply, now=NOW, unread=False)
    assert await claim(store) == []
    assert await state() == ('generated', 'Colours')


async def test_a_repaired_answer_gets_its_title_too(store: Store, ann: User, ask: Ask) -> None:
    begun = await ask(ann)
    broken = Reply(Status.INTERRUPTED, conversation_id='up')
    await store.write(answers.finish, message_id=begun.message.id, reply=broken, now=NOW, unread=False)
    repaired = Reply(Status.COMPLETE, conversation_id='up', repaired=True)
    await store.write(answers.repair, message_id=begun.message.id, reply=repaired, now=NOW)
    assert [job.upstream_id for job in await claim(store)] == ['up']


async def test_what_a_person_named_is_never_overwritten(
    store: Store, ann: User, conversation: Conversation, state: State
) -> None:
    await claim(store)
    await store.write(conversations.rename, user_id=ann.id, conversation_id=conversation.id, title='Mine')
    await settle(store, conversation, 'Generated too late')
    await store.write(titles.want, conversation_id=conversation.id, now=NOW)
    assert await claim(store, NOW + timedelta(days=1)) == []
    assert await state() == ('manual', 'Mine')


async def test_failures_are_tried_again_later_three_times_in_all(
    store: Store, conversation: Conversation, state: State
) -> None:
    now = NOW
    for attempt in range(titles.ATTEMPTS):
        [_] = await claim(store, now)
        await settle(store, conversation, None, now)
        if attempt < len(titles.BACKOFF):
            assert await state() == ('provisional', QUERY)
            assert await claim(store, now) == []
            now += titles.BACKOFF[attempt]
    assert await state() == ('failed', QUERY)
    assert await claim(store, now + timedelta(days=1)) == []


NO_TITLES = ['', ' \n ', 'How do I change the …', 'How do I change the...', '…', 'New conversation']


async def test_an_answer_that_is_no_title_counts_as_a_failure(store: Store, ann: User, ask: Ask) -> None:
    for title in NO_TITLES:
        begun = await ask(ann, QUERY)
        reply = Reply(Status.COMPLETE, conversation_id='up')
        await store.write(answers.finish, message_id=begun.message.id, reply=reply, now=NOW, unread=False)
        await claim(store)
        await settle(store, begun.conversation, title)
    page = await store.read(conversations.page, user_id=ann.id, app='support')
    assert {(c.title_state, c.title) for c in page} == {('provisional', QUERY)}
    assert len(await claim(store, NOW + titles.BACKOFF[0])) == len(NO_TITLES)


@pytest.mark.parametrize('title', ['How do I', 'Waiting…', QUERY])
async def test_a_short_title_or_one_with_dots_is_still_one(
    store: Store, conversation: Conversation, state: State, title: str
) -> None:
    await claim(store)
    await settle(store, conversation, title)
    assert await state() == ('generated', title)


async def test_a_claim_whose_process_died_goes_to_the_next(
    store: Store, conversation: Conversation, state: State
) -> None:
    now = NOW
    for _ in range(titles.ATTEMPTS):
        assert len(await claim(store, now)) == 1
        assert await claim(store, now + titles.LEASE - timedelta(seconds=1)) == []
        now += titles.LEASE
    assert await claim(store, now) == []
    assert await state() == ('failed', QUERY)


async def test_each_title_is_claimed_once_however_many_ask(store: Store, ann: User, ask: Ask) -> None:
    for _ in range(12):
        begun = await ask(ann)
        reply = Reply(Status.COMPLETE, conversation_id='up')
        await store.write(answers.finish, message_id=begun.message.id, reply=reply, now=NOW, unread=False)
    claims = await asyncio.gather(*(claim(store, limit=3) for _ in range(20)))
    ids = [job.conversation_id for jobs in claims for job in jobs]
    assert len(ids) == len(set(ids))
    ids += [job.conversation_id for job in await claim(store, limit=20)]  # those that were locked at that moment
    assert len(set(ids)) == 12
