"""What upstream lists of an app's ratings, beside what we know ourselves."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from feedback_support import Rate, again, listed, rating, told
from person_support import found
from sqlalchemy import text
from sqlmodel import Session
from store_support import NOW, Ask

from webapp.chat.rating import ListedRating
from webapp.store import (
    conversations,
    deletions,
    feedback,
    feedback_list,
    feedback_queue as queue,
    feedback_thread as threads,
    messages,
)
from webapp.store.audit import Party
from webapp.store.database import Store
from webapp.store.feedback import MAX_COMMENT, Source, State
from webapp.store.feedback_list import INTERVAL, LEASE, PATIENCE, WHOLE_INTERVAL, Turn
from webapp.store.feedback_queue import Filter, Rated
from webapp.store.messages import Begun
from webapp.store.users import User

SECOND = timedelta(seconds=1)
LATER = NOW + timedelta(hours=1)
EVE = Party('eve', 'Eve')


@pytest.fixture
def rate(store: Store, ask: Ask) -> Rate:
    return rating(store, ask)


async def take(
    store: Store, *items: ListedRating, app: str = 'support', asked_at: datetime = LATER, now: datetime = LATER
) -> int:
    return await store.write(feedback_list.take_over, app=app, listed=items, asked_at=asked_at, now=now)


async def shown(store: Store) -> list[Rated]:
    return (await store.read(queue.page, wanted=Filter(), with_texts=True)).rows


async def there(store: Store, user: User, begun: Begun) -> tuple[str, str]:
    """What upstream calls a message and its conversation."""
    [message] = await store.read(messages.history, user_id=user.id, conversation_id=begun.conversation.id)
    return message.reply.message_id, message.reply.conversation_id


async def test_ratings_of_other_clients_appear_with_what_upstream_tells(store: Store) -> None:
    theirs = listed('f1', 'm1', 'c1', 'dislike', comment='so-so', updated_at=NOW)
    by_admin = listed('f2', 'm1', 'c1', is_admin=True, rater='account-1', updated_at=NOW + SECOND)
    assert await take(store, theirs, by_admin) == 2
    admin, user = await shown(store)
    assert (user.source, user.rater, user.rating, user.at) == (Source.USER, 'end-user-1', 'dislike', NOW)
    assert (user.upstream_message_id, user.upstream_conversation_id) == ('m1', 'c1')
    assert (user.user_id, user.conversation_id, user.texts and user.texts.comment) == ('', '', 'so-so')
    assert (admin.source, admin.rater, admin.state) == (Source.ADMIN, 'account-1', State.NEW)
    assert await take(store, theirs, by_admin) == 0, 'known'
    assert await store.write(feedback.claim_due, now=LATER) == [], 'upstream is not told what it has told'


async def test_a_change_upstream_is_new_again(store: Store) -> None:
    await take(store, listed('f1', 'm1', 'c1'))
    [rated] = await shown(store)
    seen = {'feedback_id': rated.id, 'state': State.FIXED, 'seen': (rated.at, rated.state)}
    await store.write(queue.set_state, actor=EVE, now=NOW, **seen)
    assert await take(store, listed('f1', 'm1', 'c1', 'dislike', updated_at=NOW + SECOND), asked_at=LATER + SECOND) == 1
    [rated] = await shown(store)
    assert (rated.rating, rated.state, rated.state_by, rated.at) == ('dislike', State.NEW, '', NOW + SECOND)


async def test_what_our_people_rated_is_one_and_the_same(store: Store, ann: User, rate: Rate) -> None:
    begun = await rate(ann, 'like', 'good')
    await told(store, NOW)
    names = await there(store, ann, begun)
    assert await take(store, listed('f1', *names, comment='good')) == 0
    [rated] = await shown(store)
    assert (rated.id, rated.source, rated.user_id) == (begun.message.id, Source.OWN, ann.id)


async def test_an_admins_rating_of_our_answer_stands_beside_its_owners(store: Store, ann: User, rate: Rate) -> None:
    begun = await rate(ann, 'like')
    await told(store, NOW)
    names = await there(store, ann, begun)
    assert await take(store, listed('f2', *names, 'dislike', is_admin=True, comment='no', rater='a-1')) == 1
    by_source = {each.source: each for each in await shown(store)}
    assert by_source.keys() == {Source.OWN, Source.ADMIN}
    admin = by_source[Source.ADMIN]
    assert (admin.user_id, admin.conversation_id) == (ann.id, begun.conversation.id)
    thread = await store.read(threads.get, feedback_id=admin.id)
    assert (thread.rated.message_id, thread.messages[0].rating) == (begun.message.id, 'like'), (
        "the owner's is not touched"
    )


async def test_a_rating_of_ours_that_was_changed_elsewhere_is_taken_over(store: Store, ann: User, rate: Rate) -> None:
    begun = await rate(ann, 'like', 'good')
    await told(store, NOW)
    assert await take(store, listed('f1', *await there(store, ann, begun), 'dislike', comment='hm')) == 1
    [message] = await store.read(messages.history, user_id=ann.id, conversation_id=begun.conversation.id)
    assert (message.rating, message.comment) == ('dislike', 'hm')


async def test_who_else_rates_our_answer_does_not_speak_for_its_owner(store: Store, ann: User, rate: Rate) -> None:
    begun = await rate(ann, 'like', 'mine')
    await told(store, NOW)
    names = await there(store, ann, begun)
    mine = listed('f1', *names, 'like', comment='mine', rater='end-user-of-ann', updated_at=NOW)
    other = listed('f2', *names, 'dislike', comment='not hers', rater='stranger', updated_at=NOW + SECOND)
    assert await take(store, mine, other) == 1
    seen = await shown(store)
    assert [(each.source, each.rating, each.rater, each.user_id) for each in seen] == [
        (Source.USER, 'dislike', 'stranger', ann.id),
        (Source.OWN, 'like', 'end-user-of-ann', ann.id),
    ]
    assert await take(store, mine, other, asked_at=LATER + SECOND) == 0, 'nothing flips'
    assert await take(store, other, asked_at=LATER + SECOND) == 0, 'nor when she is on another page'
    agreeing = listed('f2', *names, 'like', comment='mine', rater='stranger', updated_at=NOW + 2 * SECOND)
    assert await take(store, agreeing, asked_at=LATER + SECOND) == 1
    assert {each.source: each.rater for each in await shown(store)}[Source.USER] == 'stranger', 'whatever it says'
    assert await take(store, other, asked_at=LATER + 2 * SECOND) == 1
    changed = listed('f1', *names, 'dislike', comment='no longer', rater='end-user-of-ann', updated_at=NOW + 2 * SECOND)
    assert await take(store, changed, other, asked_at=LATER + 2 * SECOND) == 1
    [message] = await store.read(messages.history, user_id=ann.id, conversation_id=begun.conversation.id)
    assert (message.rating, message.comment) == ('dislike', 'no longer')


async def test_a_person_is_known_by_the_rater_that_was_first_seen(store: Store, ann: User, rate: Rate) -> None:
    first, second = await rate(ann, 'like'), await rate(ann, None)
    await told(store, NOW)
    hers = listed('f1', *await there(store, ann, first), 'like', rater='end-user-of-ann')
    await take(store, hers)
    names = await there(store, ann, second)
    assert await take(store, listed('f2', *names, 'dislike', rater='stranger')) == 1
    [message] = await store.read(messages.history, user_id=ann.id, conversation_id=second.conversation.id)
    assert message.rating == ''
    await again(store)(ann, first, 'dislike')
    await told(store, LATER)
    other = listed('f3', *await there(store, ann, first), 'like', rater='stranger')
    assert await take(store, other, asked_at=LATER + SECOND) == 1, 'she is known also when she has rated anew'
    by_source = [each.source for each in await shown(store)]
    assert sorted(by_source) == [Source.OWN, Source.USER, Source.USER]


async def test_of_two_whom_nobody_knows_the_newest_is_the_owner(store: Store, ann: User, rate: Rate) -> None:
    begun = await rate(ann, None)
    names = await there(store, ann, begun)
    old, new = (
        listed(f'f{n}', *names, r, rater=f'r{n}', updated_at=NOW + n * SECOND) for n, r in ((1, 'like'), (2, 'dislike'))
    )
    assert await take(store, new, old) == 2
    assert await take(store, old, new, asked_at=LATER + SECOND) == 0
    assert {each.source: each.rating for each in await shown(store)} == {Source.OWN: 'dislike', Source.USER: 'like'}


async def test_one_that_came_before_its_answer_was_known_is_not_there_twice(
    store: Store, ann: User, rate: Rate
) -> None:
    begun = await rate(ann, None)
    message, conversation = await there(store, ann, begun)
    await take(store, listed('f1', message, 'not known yet'))
    await take(store, listed('f1', message, conversation))
    assert [each.source for each in await shown(store)] == [Source.OWN]


async def test_an_upstream_that_keeps_no_words_takes_none_away(store: Store, ann: User, rate: Rate) -> None:
    begun = await rate(ann, 'like', 'good')
    await told(store, NOW)
    names = await there(store, ann, begun)
    assert await take(store, listed('f1', *names, 'like')) == 0
    [rated] = await shown(store)
    assert rated.texts
    assert rated.texts.comment == 'good'
    assert await take(store, listed('f1', *names, 'dislike')) == 1, 'another rating is another matter'


async def test_one_that_was_given_elsewhere_becomes_theirs(store: Store, ann: User, rate: Rate) -> None:
    begun = await rate(ann, None)
    assert await take(store, listed('f1', *await there(store, ann, begun), 'like', comment='by the API')) == 1
    [message] = await store.read(messages.history, user_id=ann.id, conversation_id=begun.conversation.id)
    assert (message.rating, message.comment) == ('like', 'by the API')
    assert await store.write(feedback.claim_due, now=LATER) == []


async def test_a_rating_that_upstream_has_yet_to_hear_of_stays(store: Store, ann: User, rate: Rate) -> None:
    begun = await rate(ann, 'like', 'mine')
    old = listed('f1', *await there(store, ann, begun), 'dislike', comment='what it was')
    assert await take(store, old) == 0
    [job] = await store.write(feedback.claim_due, now=NOW)
    assert await take(store, old) == 0, 'on its way'
    await store.write(feedback.settle, job=job, told=False, hopeless=True, now=NOW)
    assert await take(store, old) == 0, 'given up'
    await again(store)(ann, begun, None)
    assert await take(store, old) == 0, 'taken back'
    assert await shown(store) == []


async def test_a_list_that_was_asked_for_before_we_told_is_old(store: Store, ann: User, rate: Rate) -> None:
    begun = await rate(ann, 'like')
    await told(store, NOW + SECOND)
    old = listed('f1', *await there(store, ann, begun), 'dislike')
    assert await take(store, old, asked_at=NOW) == 0
    assert await take(store, old, asked_at=NOW + SECOND) == 0
    assert await take(store, old, asked_at=NOW + 2 * SECOND) == 1


async def test_a_deleted_conversation_does_not_come_back(store: Store, ann: User, rate: Rate) -> None:
    begun = await rate(ann, 'like', 'private')
    await told(store, NOW)
    names = await there(store, ann, begun)
    await store.write(conversations.delete, user_id=ann.id, conversation_id=begun.conversation.id, now=NOW)
    assert await take(store, listed('f1', *names), listed('f2', *names, is_admin=True)) == 0
    assert await shown(store) == []
    assert await take(store, listed('f1', *names), app='hr') == 1, 'it was not of that app'


async def test_what_was_said_in_it_of_answers_that_we_never_had_goes_with_it(
    store: Store, ann: User, rate: Rate
) -> None:
    begun = await rate(ann, None)
    _, conversation = await there(store, ann, begun)
    unknown = listed('f1', 'an answer from elsewhere', conversation, comment='a canary')
    assert await take(store, unknown) == await take(store, unknown, app='hr') == 1
    await store.write(conversations.delete, user_id=ann.id, conversation_id=begun.conversation.id, now=NOW)
    assert [each.app for each in await shown(store)] == ['hr'], 'there it is another conversation'
    await store.write(feedback_list.drop, app='hr', ids=[feedback_list.key('hr', 'f1')])
    assert await store.read(found, 'canary') == set()
    assert await take(store, unknown) == 0


async def test_nor_does_one_come_back_that_was_gone_before_it_had_a_name(store: Store, ann: User, ask: Ask) -> None:
    begun = await ask(ann)
    await store.write(conversations.delete, user_id=ann.id, conversation_id=begun.conversation.id, now=NOW)
    said = listed('f1', 'm1', 'up-late', comment='a canary')
    await take(store, said)
    late = {'app': 'support', 'upstream_id': 'up-late', 'dify_user': ann.dify_user, 'now': NOW}
    await store.write(deletions.want_if_gone, conversation_id=begun.conversation.id, **late)
    assert await store.read(found, 'canary') == set()
    assert await take(store, said) == 0


async def test_nor_does_one_that_goes_while_a_list_is_taken_over(
    store: Store, ann: User, rate: Rate, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = await rate(ann, None)
    names = await there(store, ann, begun)
    started, go_on, look_up = threading.Event(), threading.Event(), feedback_list._messages

    def slowly(*about: Any) -> Any:
        started.set()
        assert go_on.wait(20)
        return look_up(*about)

    def is_waiting(session: Session) -> bool:
        if session.connection().dialect.name == 'sqlite':
            return True  # it has one writer
        return bool(session.connection().scalar(text('SELECT count(*) FROM pg_locks WHERE NOT granted')))

    monkeypatch.setattr(feedback_list, '_messages', slowly)
    taking = asyncio.create_task(take(store, listed('f1', *names, comment='a canary')))
    await asyncio.to_thread(started.wait, 20)
    about = {'user_id': ann.id, 'conversation_id': begun.conversation.id}
    going = asyncio.create_task(store.write(conversations.delete, now=NOW, **about))
    async with asyncio.timeout(20):
        while not (going.done() or await store.read(is_waiting)):
            pass
    go_on.set()
    await asyncio.gather(taking, going)
    assert await store.read(found, 'canary') == set()


async def test_what_belongs_to_another_of_our_apps_is_left_to_it(store: Store, ann: User, rate: Rate) -> None:
    begun = await rate(ann, None)
    assert await take(store, listed('f1', *await there(store, ann, begun)), app='hr') == 0
    assert await shown(store) == []


@pytest.mark.parametrize(
    ('said', 'kept'),
    [
        (None, LATER),
        (datetime(9999, 1, 1, tzinfo=UTC), LATER),
        (datetime(1, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)),
        (NOW, NOW),
    ],
)
async def test_nothing_is_from_the_future(store: Store, said: datetime | None, kept: datetime) -> None:
    await take(store, listed('f1', 'm1', 'c1', updated_at=said))
    [rated] = await shown(store)
    assert rated.at == kept
    assert await take(store, listed('f1', 'm1', 'c1', updated_at=said), asked_at=LATER + SECOND) == 0


async def test_words_are_kept_as_far_as_they_go(store: Store) -> None:
    await take(store, listed('f\0', 'm\ud800', 'c\0', comment='x\0' * MAX_COMMENT, rater='\0'))
    [rated] = await shown(store)
    assert rated.texts
    assert (len(rated.texts.comment), rated.rater) == (MAX_COMMENT, '�')


async def test_what_upstream_lists_no_more_goes_but_for_our_peoples_own(store: Store, ann: User, rate: Rate) -> None:
    begun = await rate(ann, 'like')
    await told(store, NOW)
    await take(store, *(listed(f'f{n}', f'm{n}', 'c') for n in range(3)))
    await take(store, listed('f0', 'm0', 'c'), app='hr')
    known = await store.read(feedback_list.others, app='support')
    assert known == {feedback_list.key('support', f'f{n}') for n in range(3)}
    assert await store.write(feedback_list.drop, app='support', ids=[*known, begun.message.id]) == 3
    assert {(each.app, each.source) for each in await shown(store)} == {('support', Source.OWN), ('hr', Source.USER)}


async def test_one_process_looks_at_a_time(store: Store) -> None:
    turns = await asyncio.gather(*(store.write(feedback_list.claim, app='support', now=NOW) for _ in range(6)))
    assert [turn for turn in turns if turn] == [Turn('support', is_whole=True)], 'at first at all of it'
    assert await store.write(feedback_list.claim, app='hr', now=NOW) == Turn('hr', is_whole=True)
    assert not await store.read(feedback_list.is_due, app='support', now=NOW + INTERVAL - SECOND)


async def test_a_look_at_the_whole_is_one_processes_whoever_looks_at_the_newest(store: Store) -> None:
    whole, newest = Turn('support', is_whole=True), Turn('support', is_whole=False)
    assert await store.write(feedback_list.claim, app='support', now=NOW) == whole
    for number in range(1, LEASE // INTERVAL):
        now, is_asked_for = NOW + number * INTERVAL, bool(number % 2)
        claimed = await store.write(feedback_list.claim, app='support', now=now, is_asked_for=is_asked_for)
        assert claimed == newest
        await store.write(feedback_list.settle, turn=newest, now=now, is_read=True)
    assert await store.write(feedback_list.claim, app='support', now=NOW + LEASE) == whole, 'whoever had it is gone'


async def test_then_at_the_newest_and_once_a_day_at_all(store: Store) -> None:
    async def look(now: datetime, *, is_read: bool = True, **more: Any) -> Turn | None:
        turn = await store.write(feedback_list.claim, app='support', now=now, **more)
        if turn:
            await store.write(feedback_list.settle, turn=turn, now=now, is_read=is_read)
        return turn

    whole, newest = Turn('support', is_whole=True), Turn('support', is_whole=False)
    assert await look(NOW, is_read=False) == whole
    assert await store.read(feedback_list.read_at, apps=['support', 'hr']) is None
    now = NOW + INTERVAL
    assert await look(now) == whole, 'the first did not come to its end'
    assert await store.read(feedback_list.read_at, apps=['support', 'hr']) == now
    assert await look(now + INTERVAL - SECOND) is None
    assert await look(now + PATIENCE, is_asked_for=True) == newest
    assert await look(now + PATIENCE + SECOND, is_asked_for=True) is None, 'somebody has just done so'
    assert await look(now + PATIENCE + INTERVAL) == newest
    assert await look(now + WHOLE_INTERVAL, is_asked_for=True) == newest, 'nobody is to wait for the whole'
    assert await look(now + WHOLE_INTERVAL + INTERVAL) == whole
