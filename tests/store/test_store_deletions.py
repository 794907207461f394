"""What upstream is to delete: wished in the transaction of the deletion here, told by one, until it has been heard."""

import asyncio
from datetime import timedelta

import pytest
from store_support import NOW, Ask

from webapp.chat.message import Reply, Status
from webapp.store import answers, conversations, deletions
from webapp.store.database import Store
from webapp.store.deletions import BACKOFF, LEASE, RARELY
from webapp.store.users import User


async def deleted(store: Store, ask: Ask, user: User, upstream_id: str) -> str:
    """The id of a conversation that has been there."""
    begun = await ask(user)
    reply = Reply(Status.COMPLETE, conversation_id=upstream_id)
    await store.write(answers.finish, message_id=begun.message.id, reply=reply, now=NOW, unread=False)
    about = {'user_id': user.id, 'conversation_id': begun.conversation.id}
    await store.write(conversations.delete, now=NOW, **about)
    return begun.conversation.id


async def test_a_conversation_that_goes_is_to_go_upstream(store: Store, ask: Ask, ann: User) -> None:
    await deleted(store, ask, ann, 'up-1')
    assert await store.write(deletions.claim_due, app='other', now=NOW) == []
    [job] = await store.write(deletions.claim_due, app='support', now=NOW)
    assert (job.app, job.upstream_id, job.dify_user) == ('support', 'up-1', ann.dify_user)
    await store.write(deletions.settle, job_id=job.id, told=True, now=NOW)
    assert await store.read(deletions.waiting) == 0


async def test_one_that_upstream_never_heard_of_is_nothing_to_it(store: Store, ask: Ask, ann: User) -> None:
    await deleted(store, ask, ann, '')
    assert await store.read(deletions.waiting) == 0


async def test_if_the_deletion_fails_nothing_is_wished(store: Store, ask: Ask, ann: User) -> None:
    begun = await ask(ann)
    reply = Reply(Status.RUNNING, conversation_id='up-1')
    await store.write(answers.flush, message_id=begun.message.id, reply=reply)

    def half(session: object) -> None:
        about = {'user_id': ann.id, 'conversation_id': begun.conversation.id}
        conversations.delete(session, now=NOW, **about)  # type: ignore[arg-type]
        raise KeyError

    with pytest.raises(KeyError):
        await store.write(half)
    assert await store.read(deletions.waiting) == 0


async def test_each_is_told_by_one_and_by_another_if_that_one_dies(store: Store, ask: Ask, ann: User) -> None:
    for number in range(12):
        await deleted(store, ask, ann, f'up-{number}')
    claims = await asyncio.gather(
        *(store.write(deletions.claim_due, app='support', now=NOW, limit=4) for _ in range(4))
    )
    told = [job.upstream_id for jobs in claims for job in jobs]
    assert len(told) == len(set(told)) <= 12
    assert await store.write(deletions.claim_due, app='support', now=NOW, limit=99) or len(told) == 12
    assert await store.write(deletions.claim_due, app='support', now=NOW + LEASE - timedelta(seconds=1)) == []
    again = await store.write(deletions.claim_due, app='support', now=NOW + LEASE, limit=99)
    assert len(again) == 12


async def test_it_is_told_again_ever_more_rarely_for_as_long_as_it_takes(store: Store, ask: Ask, ann: User) -> None:
    await deleted(store, ask, ann, 'up-1')
    now = NOW
    for pause in (*BACKOFF, RARELY, RARELY, RARELY):
        [job] = await store.write(deletions.claim_due, app='support', now=now)
        await store.write(deletions.settle, job_id=job.id, told=False, now=now)
        assert await store.write(deletions.claim_due, app='support', now=now + pause - timedelta(seconds=1)) == []
        now += pause
    assert await store.read(deletions.waiting) == 1


async def test_only_one_that_is_gone_is_wished_for_late(store: Store, ask: Ask, ann: User) -> None:
    begun, gone = await ask(ann), await deleted(store, ask, ann, '')
    about = {'app': 'support', 'upstream_id': 'up-1', 'dify_user': ann.dify_user, 'now': NOW}
    await store.write(deletions.want_if_gone, conversation_id=begun.conversation.id, **about)
    assert await store.read(deletions.waiting) == 0
    await store.write(deletions.want_if_gone, conversation_id=gone, **about)
    assert await store.read(deletions.waiting) == 1
