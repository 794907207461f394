"""A question and its answer, from begin to end, on both databases."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session, select
from store_support import NOW, Ask

from webapp.chat.message import Failure, FilePart, ReasoningPart, Reply, Status, StepPart, TextPart, Usage
from webapp.errors import NotFound, Refused
from webapp.store import answers, conversations, leftovers, messages, turns
from webapp.store.database import Store
from webapp.store.tables import UsageRow
from webapp.store.users import User

LATER = NOW + timedelta(seconds=9)
USAGE = Usage(9, 2, 11, Decimal('0.0000014'), Decimal('0.0000012'), Decimal('0.0000026'), 'USD', 0.81)
RUNNING = Reply(parts=(TextPart('It '),), conversation_id='up-1', message_id='up-m', task_id='t')
COMPLETE = replace(RUNNING, status=Status.COMPLETE, parts=(ReasoningPart('hm'), TextPart('It works.')), usage=USAGE)
BROKEN = replace(RUNNING, status=Status.INTERRUPTED, failure=Failure('stream_cut'))


def ledger(session: Session) -> list[dict[str, object]]:
    return [row.model_dump() for row in session.exec(select(UsageRow))]


async def test_an_answer_from_its_question_to_its_end(store: Store, ann: User, ask: Ask) -> None:
    begun = await ask(ann, 'Does it work?', inputs={'tone': 'dry'})
    assert begun.is_new
    assert begun.conversation.running
    assert (begun.message.number, begun.message.reply) == (1, Reply())

    assert await store.write(answers.flush, message_id=begun.message.id, reply=RUNNING)
    assert (await store.read(messages.owned, user_id=ann.id, message_id=begun.message.id)).reply == RUNNING

    assert await store.write(answers.finish, message_id=begun.message.id, reply=COMPLETE, now=LATER, unread=True)
    [kept] = await store.read(messages.history, user_id=ann.id, conversation_id=begun.conversation.id)
    assert kept == replace(begun.message, reply=COMPLETE, ended_at=LATER, upstream_id='up-1')
    conversation = await store.read(conversations.get, user_id=ann.id, conversation_id=begun.conversation.id)
    assert conversation == replace(begun.conversation, running=False, unread=True, updated_at=LATER)
    [row] = await store.read(ledger)
    assert (row['total_nano'], row['currency'], row['pricing'], row['outcome']) == (2600, 'USD', 'priced', 'complete')


async def test_the_same_key_begins_once_however_often_it_is_sent(store: Store, ann: User, ask: Ask) -> None:
    begun = await asyncio.gather(*(ask(ann, 'once', key='draft') for _ in range(20)))
    assert sum(b.is_new for b in begun) == 1
    assert len({b.message.id for b in begun}) == 1
    assert len(await store.read(conversations.page, user_id=ann.id, app='support')) == 1


async def test_the_same_key_begins_once_in_a_conversation_that_exists(store: Store, ann: User, ask: Ask) -> None:
    first = await ask(ann)
    await store.write(answers.finish, message_id=first.message.id, reply=COMPLETE, now=NOW, unread=False)
    again = [ask(ann, 'once', key='draft', conversation_id=first.conversation.id) for _ in range(20)]
    begun = await asyncio.gather(*again)
    assert sum(b.is_new for b in begun) == 1
    assert {(b.message.id, b.message.number) for b in begun} == {(begun[0].message.id, 2)}


async def test_one_answer_at_a_time_in_a_conversation(store: Store, ann: User, ask: Ask) -> None:
    first = await ask(ann)
    await store.write(answers.finish, message_id=first.message.id, reply=COMPLETE, now=NOW, unread=False)
    rivals = [ask(ann, f'rival {n}', conversation_id=first.conversation.id) for n in range(20)]
    outcomes = await asyncio.gather(*rivals, return_exceptions=True)
    refused = [o for o in outcomes if isinstance(o, Refused)]
    assert (len(outcomes) - len(refused), {r.code for r in refused}) == (1, {'already_running'})


async def test_parallel_conversations_do_not_hinder_each_other(store: Store, ann: User, ask: Ask) -> None:
    begun = await asyncio.gather(*(ask(ann, f'question {n}') for n in range(20)))
    assert len({b.conversation.id for b in begun}) == 20


async def test_an_answer_ends_once(store: Store, ann: User, ask: Ask) -> None:
    message = (await ask(ann)).message
    ends = await asyncio.gather(
        *(
            store.write(answers.finish, message_id=message.id, reply=reply, now=LATER, unread=False)
            for reply in [COMPLETE, BROKEN] * 10
        )
    )
    assert ends.count(True) == 1
    assert len(await store.read(ledger)) == 1
    assert not await store.write(answers.flush, message_id=message.id, reply=RUNNING)
    kept = await store.read(messages.owned, user_id=ann.id, message_id=message.id)
    assert kept.reply == [COMPLETE, BROKEN][ends.index(True) % 2]


async def test_a_broken_answer_is_repaired_but_never_with_less(store: Store, ann: User, ask: Ask) -> None:
    message = (await ask(ann)).message
    await store.write(answers.finish, message_id=message.id, reply=BROKEN, now=NOW, unread=False)
    assert (await store.read(ledger))[0]['pricing'] == 'unknown'

    less = replace(COMPLETE, parts=(TextPart('It'),))
    assert not await store.write(answers.repair, message_id=message.id, reply=less, now=LATER)
    fuller = replace(COMPLETE, repaired=True)
    assert await store.write(answers.repair, message_id=message.id, reply=fuller, now=LATER)
    assert not await store.write(answers.repair, message_id=message.id, reply=fuller, now=LATER)

    assert (await store.read(messages.owned, user_id=ann.id, message_id=message.id)).reply == fuller
    [row] = await store.read(ledger)
    assert (row['outcome'], row['pricing'], row['total_nano'], row['total_tokens']) == ('complete', 'priced', 2600, 11)


async def test_repair_without_usage_takes_none_away(store: Store, ann: User, ask: Ask) -> None:
    message = (await ask(ann)).message
    await store.write(answers.finish, message_id=message.id, reply=replace(BROKEN, usage=USAGE), now=NOW, unread=False)
    repaired = replace(COMPLETE, usage=None)
    assert await store.write(answers.repair, message_id=message.id, reply=repaired, now=LATER)
    [row] = await store.read(ledger)
    assert (row['pricing'], row['total_nano'], row['total_tokens']) == ('priced', 2600, 11)


async def test_an_answer_that_waits_for_a_person_does_not_run(store: Store, ann: User, ask: Ask) -> None:
    begun = await ask(ann)
    waiting = replace(RUNNING, status=Status.WAITING)
    assert await store.write(answers.finish, message_id=begun.message.id, reply=waiting, now=NOW, unread=True)
    assert await store.read(leftovers.abandoned) == []
    assert (await ask(ann, 'another', conversation_id=begun.conversation.id)).is_new


async def test_what_ends_after_its_conversation_was_deleted_still_counts(store: Store, ann: User, ask: Ask) -> None:
    begun = await ask(ann)
    await store.write(conversations.delete, user_id=ann.id, conversation_id=begun.conversation.id, now=NOW)
    assert not await store.write(answers.finish, message_id=begun.message.id, reply=COMPLETE, now=LATER, unread=True)
    [row] = await store.read(ledger)
    assert (row['message_id'], row['total_nano'], row['pricing']) == (begun.message.id, 2600, 'priced')


async def test_retry_asks_again_and_clears_away_what_failed_without_a_word(store: Store, ann: User, ask: Ask) -> None:
    old = await ask(ann, 'please')
    failed = Reply(Status.FAILED, failure=Failure('upstream_error'))
    await store.write(answers.finish, message_id=old.message.id, reply=failed, now=NOW, unread=False)
    retry = {'user_id': ann.id, 'message_id': old.message.id, 'key': 'retry', 'now': LATER}
    begun = await asyncio.gather(*(store.write(turns.supersede, **retry) for _ in range(20)))
    assert sum(b.is_new for b in begun) == 1
    history = await store.read(messages.history, user_id=ann.id, conversation_id=old.conversation.id)
    assert [(m.query, m.reply.status) for m in history] == [('please', Status.RUNNING)]
    assert len(await store.read(ledger)) == 1  # the failed one may have cost something


async def test_retry_keeps_words_that_were_written(store: Store, ann: User, ask: Ask) -> None:
    old = await ask(ann, 'please')
    await store.write(answers.finish, message_id=old.message.id, reply=BROKEN, now=NOW, unread=False)
    retry = {'user_id': ann.id, 'message_id': old.message.id, 'now': LATER}
    begun = await store.write(turns.supersede, key='retry', **retry)
    with pytest.raises(Refused, match='already_running'):
        await store.write(turns.supersede, key='another', **retry)
    [shown] = await store.read(messages.history, user_id=ann.id, conversation_id=old.conversation.id)
    assert (shown.id, shown.query, shown.versions) == (begun.message.id, 'please', (old.message.id, begun.message.id))
    assert (await store.read(messages.owned, user_id=ann.id, message_id=old.message.id)).reply == BROKEN


async def test_history_is_read_page_by_page_from_its_end(store: Store, ann: User, ask: Ask) -> None:
    begun = await ask(ann, 'question 1')
    for number in range(2, 8):
        await store.write(answers.finish, message_id=begun.message.id, reply=COMPLETE, now=NOW, unread=False)
        begun = await ask(ann, f'question {number}', conversation_id=begun.conversation.id)
    of = {'user_id': ann.id, 'conversation_id': begun.conversation.id}
    newest = await store.read(messages.history, **of, limit=3)
    assert [m.number for m in newest] == [5, 6, 7]
    older = await store.read(messages.history, **of, before=newest[0].number, limit=3)
    assert [m.query for m in older] == ['question 2', 'question 3', 'question 4']


async def test_leftovers_are_what_a_killed_process_was_writing(store: Store, ann: User, ask: Ask) -> None:
    ended, left = await ask(ann), await ask(ann)
    await store.write(answers.finish, message_id=ended.message.id, reply=COMPLETE, now=NOW, unread=False)
    await store.write(answers.flush, message_id=left.message.id, reply=RUNNING)
    [leftover] = await store.read(leftovers.abandoned)
    assert (leftover.message_id, leftover.user_id, leftover.dify_user) == (left.message.id, ann.id, ann.dify_user)
    assert (leftover.app, leftover.upstream_id, leftover.reply) == ('support', 'up-1', RUNNING)


async def test_nobody_reaches_what_is_not_theirs(store: Store, ann: User, bob: User, ask: Ask) -> None:
    begun = await ask(ann)
    conversation, message = begun.conversation.id, begun.message.id
    attempts = [
        ask(bob, conversation_id=conversation),
        ask(ann, conversation_id=conversation, app='another'),
        ask(bob, conversation_id='unknown'),
        ask(bob, conversation_id=''),
        ask(bob, conversation_id='\0'),
        store.read(messages.owned, user_id=bob.id, message_id=message),
        store.read(messages.history, user_id=bob.id, conversation_id=conversation),
        store.write(turns.supersede, user_id=bob.id, message_id=message, key='k', now=NOW),
        store.read(conversations.get, user_id=bob.id, conversation_id=conversation),
        store.write(conversations.rename, user_id=bob.id, conversation_id=conversation, title='mine'),
        store.write(conversations.mark_read, user_id=bob.id, conversation_id=conversation),
        store.write(conversations.delete, user_id=bob.id, conversation_id=conversation, now=NOW),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            await attempt
    assert (await ask(bob, key=begun.message.key)).is_new  # somebody else's key is no key of theirs
    assert len(await store.read(conversations.page, user_id=ann.id, app='support')) == 1


async def test_a_key_that_can_not_be_kept_is_refused(ann: User, ask: Ask) -> None:
    for key in ('', 'x' * 201, 'a\0b', '\ud800'):
        with pytest.raises(Refused):
            await ask(ann, key=key)


async def test_text_that_no_database_takes_is_made_fit(store: Store, ann: User, ask: Ask) -> None:
    hostile = 'a\0b \ud83d\ude00 \ud800 \u2028 \u202e 🐸'
    begun = await ask(ann, hostile, inputs={'\0': [hostile, 1e999, 2**70]})
    assert begun.message.query == 'a�b 😀 � \u2028 \u202e 🐸'
    assert begun.conversation.inputs == {'�': [begun.message.query, None, None]}
    reply = Reply(
        Status.COMPLETE,
        parts=(
            TextPart(hostile),
            StepPart('s\0', 'tool', hostile, seconds=float('nan')),
            FilePart('f', 'image', size=10**30),
        ),
        usage=Usage(10**30, -1, 10**30, total_price=Decimal('1e40'), currency='\0\ud800'),
        conversation_id='up\0',
    )
    assert await store.write(answers.finish, message_id=begun.message.id, reply=reply, now=NOW, unread=False)
    kept = (await store.read(messages.owned, user_id=ann.id, message_id=begun.message.id)).reply
    assert kept.text == begun.message.query
    assert (kept.steps[0].seconds, kept.status) == (None, Status.COMPLETE)
    [row] = await store.read(ledger)
    assert (row['pricing'], row['prompt_tokens'], row['total_nano']) == ('unknown', None, None)


async def test_a_long_answer_comes_back_whole(store: Store, ann: User, ask: Ask) -> None:
    message = (await ask(ann, 'q' * 1_000_000)).message
    reply = replace(COMPLETE, parts=(TextPart('wörd 🐸 ' * 100_000),))
    await store.write(answers.finish, message_id=message.id, reply=reply, now=NOW, unread=False)
    kept = await store.read(messages.owned, user_id=ann.id, message_id=message.id)
    assert kept.reply == reply
    assert len(kept.query) == 1_000_000


async def test_a_reply_of_another_version_does_not_close_the_conversation(store: Store, ann: User, ask: Ask) -> None:
    begun = await ask(ann)
    future = replace(COMPLETE, parts=(TextPart('readable'),))
    await store.write(answers.finish, message_id=begun.message.id, reply=future, now=NOW, unread=False)

    def write_future(session: Session) -> None:
        row = session.get(messages.MessageRow, begun.message.id)
        assert row
        row.reply = row.reply | {'parts': [{'kind': 'hologram'}]}
        session.add(row)

    await store.write(write_future)
    [message] = await store.read(messages.history, user_id=ann.id, conversation_id=begun.conversation.id)
    assert (message.query, message.reply.status) == ('hello', Status.COMPLETE)
    assert message.reply.failure == Failure('unreadable', f'message {message.id}: 1 unknown values')
