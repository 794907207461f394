"""Going through everybody's ratings: which there are, who has read them, and what has been made of them."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from feedback_support import Rate, again, listed, rating, told
from sqlalchemy import event
from sqlmodel import Session
from store_support import NOW, Ask

from webapp.errors import NotFound, Refused
from webapp.store import audit, conversations, feedback_list, feedback_queue as queue, feedback_thread as threads
from webapp.store.audit import Action, Entry, Party
from webapp.store.database import Store
from webapp.store.feedback import State
from webapp.store.feedback_queue import Filter, Rated, Texts
from webapp.store.users import User

SECOND = timedelta(seconds=1)
EVE, EDNA = Party('eve', 'Eve'), Party('edna', 'Edna')
ALL = Filter()


@pytest.fixture
def rate(store: Store, ask: Ask) -> Rate:
    return rating(store, ask)


async def shown(store: Store, **wanted: Any) -> list[Rated]:
    return (await store.read(queue.page, wanted=Filter(**wanted))).rows


async def entries(store: Store, action: Action) -> list[Entry]:
    return await store.read(audit.page, wanted=audit.Filter(action=action))


async def mark(store: Store, rated: Rated, state: State, actor: Party = EVE) -> None:
    given = {'feedback_id': rated.id, 'state': state, 'seen': (rated.at, rated.state)}
    await store.write(queue.set_state, actor=actor, now=NOW, **given)


async def test_everybodys_newest_come_first_page_by_page(store: Store, ann: User, bob: User, rate: Rate) -> None:
    begun = [await rate(user, at=NOW + n // 3 * SECOND) for n in range(7) for user in (ann, bob)]
    await rate(ann, None)
    ids: list[str] = []
    before, has_more = None, True
    while has_more:
        page = await store.read(queue.page, wanted=ALL, before=before, limit=7)
        ids += [each.id for each in page.rows]
        before, has_more = page.rows[-1].place, page.has_more
    assert sorted(ids) == sorted(each.message.id for each in begun)
    whole = await shown(store)
    assert ids == [each.id for each in whole]
    assert [each.place for each in whole] == sorted((each.place for each in whole), reverse=True)
    assert {each.user_id for each in whole} == {ann.id, bob.id}


async def test_what_anybody_wrote_comes_only_where_it_is_asked_for(store: Store, ann: User, rate: Rate) -> None:
    await rate(ann, 'dislike', 'far too short', query='how long is a day?')
    [without] = await shown(store)
    assert without.texts is None
    for word in ('short', 'day', 'answer'):
        assert word not in repr(without)
    [with_texts] = (await store.write(queue.read, actor=EVE, wanted=ALL, now=NOW)).rows
    assert with_texts.texts == Texts(
        'far too short', 'how long is a day?', with_texts.texts and with_texts.texts.answer
    )
    assert with_texts.texts.answer.startswith('answer ')


async def test_long_texts_are_cut(store: Store, ann: User, rate: Rate) -> None:
    await rate(ann, query='x' * 2000)
    [rated] = (await store.write(queue.read, actor=EVE, wanted=ALL, now=NOW)).rows
    assert rated.texts
    assert rated.texts.question == 'x' * queue.EXCERPT + '…'


async def test_each_reading_is_written_down_once_for_what_is_still_shown(store: Store, ann: User, rate: Rate) -> None:
    first = await rate(ann)
    page = await store.write(queue.read, actor=EVE, wanted=ALL, now=NOW, address='192.0.2.1')
    [entry] = await entries(store, Action.FEEDBACK_READ)
    assert (entry.actor, entry.address, entry.detail) == (EVE, '192.0.2.1', {'feedback': [first.message.id]})
    assert entry.target == Party(ann.id, ann.name)

    known = {each.place for each in page.rows}
    await store.write(queue.read, actor=EVE, wanted=ALL, now=NOW, known=known)
    assert len(await entries(store, Action.FEEDBACK_READ)) == 1
    await again(store)(ann, first, 'dislike', 'other words', at=NOW + SECOND)
    await store.write(queue.read, actor=EVE, wanted=ALL, now=NOW + SECOND, known=known)
    assert len(await entries(store, Action.FEEDBACK_READ)) == 2
    assert (await store.write(queue.read, actor=EVE, wanted=Filter(app='none'), now=NOW)).rows == []
    assert len(await entries(store, Action.FEEDBACK_READ)) == 2, 'nothing was read'


async def test_whose_words_were_read_is_found_in_the_log(store: Store, ann: User, bob: User, rate: Rate) -> None:
    of_ann = [(await rate(ann, at=NOW + n * SECOND)).message.id for n in range(2)]
    of_bob = (await rate(bob, at=NOW + 2 * SECOND)).message.id
    foreign = feedback_list.key('support', 'f1')
    hour = timedelta(hours=1)
    await store.write(
        feedback_list.take_over, app='support', listed=[listed('f1', 'm', 'c')], asked_at=NOW, now=NOW + hour
    )
    await store.write(queue.read, actor=EVE, wanted=ALL, now=NOW)
    read = {each.target.id: each.detail['feedback'] for each in await entries(store, Action.FEEDBACK_READ)}
    assert {owner: sorted(ids) for owner, ids in read.items()} == {
        ann.id: sorted(of_ann),
        bob.id: [of_bob],
        '': [foreign],
    }
    [of_hers] = await store.read(audit.page, wanted=audit.Filter(people=[ann.id]))
    assert (of_hers.actor, of_hers.target.id) == (EVE, ann.id)


@pytest.mark.parametrize(
    ('wanted', 'found'),
    [
        ({'rating': 'dislike'}, 1),
        ({'rating': 'like', 'app': 'hr'}, 1),
        ({'app': 'hr\0'}, 0),
        ({'state': State.NEW}, 3),
        ({'state': State.SEEN}, 0),
        ({'since': NOW + SECOND}, 2),
        ({'until': NOW + SECOND}, 1),
        ({'since': NOW + SECOND, 'until': NOW + SECOND}, 0),
    ],
)
async def test_filters(store: Store, ann: User, bob: User, rate: Rate, wanted: dict[str, Any], found: int) -> None:
    await rate(ann, 'like')
    await rate(ann, 'like', at=NOW + SECOND, app='hr')
    await rate(bob, 'dislike', at=NOW + 2 * SECOND)
    assert len(await shown(store, **wanted)) == found


@pytest.mark.parametrize(
    ('wanted', 'index'),
    [
        ({}, 'ix_feedback_listed'),
        ({'app': 'hr'}, 'ix_feedback_listed_by_app'),
        ({'state': State.NEW}, 'ix_feedback_listed_by_state'),
        ({'rating': 'like'}, 'ix_feedback_listed_by_rating'),
    ],
)
@pytest.mark.parametrize('database', ['sqlite'], indirect=True)  # PostgreSQL takes none for a table without rows
async def test_a_page_is_read_from_an_index_and_sorted_by_it(store: Store, wanted: dict[str, Any], index: str) -> None:
    def plan(session: Session) -> str:
        connection = session.connection()
        asked: list[tuple[str, Any]] = []
        hear = partial(_hear, asked)
        event.listen(connection, 'before_cursor_execute', hear)
        queue.page(session, wanted=Filter(**wanted))
        event.remove(connection, 'before_cursor_execute', hear)
        [(statement, values)] = asked
        return '\n'.join(row[3] for row in connection.exec_driver_sql(f'EXPLAIN QUERY PLAN {statement}', values))

    steps = await store.read(plan)
    assert f'USING INDEX {index}' in steps
    assert 'TEMP B-TREE' not in steps


def _hear(asked: list[tuple[str, Any]], connection: Any, cursor: Any, statement: str, values: Any, *_: Any) -> None:
    asked.append((statement, values))


async def test_who_may_not_read_may_not_search_either(store: Store, ann: User, rate: Rate) -> None:
    """Else the words could be guessed, one letter after the other."""
    await rate(ann, 'like', 'Ganz GROẞARTIG, 100 %')
    await rate(ann, 'like', 'fine')
    assert len(await shown(store, search='grossartig')) == 2
    for search, found in (('grossartig', 1), ('100 % ganz', 1), ('%', 1), ('_', 0), ('bad', 0)):
        page = await store.write(queue.read, actor=EVE, wanted=Filter(search=search), now=NOW)
        assert len(page.rows) == found, search


async def test_a_rating_is_gone_through_and_stands_in_the_log(store: Store, ann: User, rate: Rate) -> None:
    begun = await rate(ann)
    for state in (State.SEEN, State.FIXED, State.NEW):
        [rated] = await shown(store)
        await mark(store, rated, state)
        [rated] = await shown(store, state=state)
        assert (rated.state_by, rated.state_at) == ('eve', NOW)
    newest, *_ = await entries(store, Action.FEEDBACK_STATE_CHANGED)
    assert (newest.actor, newest.target.id) == (EVE, ann.id)
    details = sorted((entry.detail['from'], entry.detail['to']) for entry in [newest, *_])
    assert details == [('fixed', 'new'), ('new', 'seen'), ('seen', 'fixed')]
    assert newest.detail['feedback'] == begun.message.id


async def test_a_new_rating_is_new_again(store: Store, ann: User, rate: Rate) -> None:
    begun = await rate(ann)
    [rated] = await shown(store)
    await mark(store, rated, State.FIXED)
    await again(store)(ann, begun, 'dislike', at=NOW + SECOND)
    [now] = await shown(store)
    assert (now.state, now.state_by, now.state_at, now.rating) == (State.NEW, '', None, 'dislike')
    with pytest.raises(Refused, match='feedback_changed'):  # it was decided about the old one
        await mark(store, rated, State.FIXED)


async def test_of_two_who_decide_at_once_the_second_is_told(store: Store, ann: User, rate: Rate) -> None:
    await rate(ann)
    [rated] = await shown(store)
    ended = await asyncio.gather(
        mark(store, rated, State.SEEN), mark(store, rated, State.FIXED, EDNA), return_exceptions=True
    )
    assert sorted(map(str, ended)) == ['None', 'feedback_changed']
    assert len(await entries(store, Action.FEEDBACK_STATE_CHANGED)) == 1
    [now] = await shown(store)
    await mark(store, now, now.state)  # what it is already
    await mark(store, rated, now.state)
    assert len(await entries(store, Action.FEEDBACK_STATE_CHANGED)) == 1


async def test_what_is_taken_back_is_gone(store: Store, ann: User, rate: Rate) -> None:
    begun = await rate(ann, 'like', 'words')
    [rated] = await shown(store)
    await again(store)(ann, begun, None)
    assert await shown(store) == []
    with pytest.raises(NotFound):
        await mark(store, rated, State.SEEN)
    with pytest.raises(NotFound):
        await store.write(threads.read, actor=EVE, feedback_id=rated.id, now=NOW)


async def test_a_conversation_is_read_around_the_answer_and_written_down(
    store: Store, ann: User, ask: Ask, rate: Rate
) -> None:
    begun = await rate(ann, None, query='the first')
    conversation = begun.conversation.id
    for number in range(2, 31):
        rated = 'dislike' if number == 15 else None
        begun = await rate(ann, rated, query=f'question {number}', conversation_id=conversation)
    [rated_one] = await shown(store)
    thread = await store.write(threads.read, actor=EVE, feedback_id=rated_one.id, now=NOW, address='192.0.2.1')
    assert [each.number for each in thread.messages] == list(range(5, 21))
    assert (thread.has_earlier, thread.has_later) == (True, True)
    assert thread.title == 'the first'
    middle = next(each for each in thread.messages if each.id == thread.rated.message_id)
    assert (middle.query, middle.rating) == ('question 15', 'dislike')
    [entry] = await entries(store, Action.CONVERSATION_READ)
    assert (entry.actor, entry.target.id, entry.address) == (EVE, ann.id, '192.0.2.1')
    assert entry.detail == {'conversation': conversation, 'message': middle.id, 'feedback': rated_one.id}


async def test_a_conversation_that_is_read_on_is_written_down_when_there_is_more_to_read(
    store: Store, ann: User, ask: Ask, rate: Rate
) -> None:
    begun = await rate(ann, 'like', 'words')
    about = {'actor': EVE, 'feedback_id': begun.message.id, 'now': NOW}
    known = await store.write(threads.read, **about)
    [rated] = await shown(store)
    await mark(store, rated, State.SEEN)
    known = await store.write(threads.read, known=known, **about)
    assert (known.rated.state, len(await entries(store, Action.CONVERSATION_READ))) == (State.SEEN, 1)
    await rate(ann, None, query='one more', conversation_id=begun.conversation.id)
    known = await store.write(threads.read, known=known, **about)
    assert (len(known.messages), len(await entries(store, Action.CONVERSATION_READ))) == (2, 2)
    await again(store)(ann, begun, 'like', 'other words')
    await store.write(threads.read, known=known, **about)
    assert len(await entries(store, Action.CONVERSATION_READ)) == 3


async def test_a_conversation_of_one_turn_has_nothing_around_it(store: Store, ann: User, rate: Rate) -> None:
    await rate(ann)
    [rated] = await shown(store)
    thread = await store.read(threads.get, feedback_id=rated.id)
    assert ([each.number for each in thread.messages], thread.has_earlier, thread.has_later) == ([1], False, False)


async def test_what_goes_while_a_page_is_read_is_not_on_it(
    store: Store, ann: User, bob: User, rate: Rate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite nothing does."""
    gone, stays = await rate(ann), await rate(bob)
    loop, find = asyncio.get_running_loop(), queue.worded

    def after_it_went(session: Session, found: Any) -> Any:
        if session.connection().dialect.name == 'postgresql':
            about = {'user_id': ann.id, 'conversation_id': gone.conversation.id, 'now': NOW}
            asyncio.run_coroutine_threadsafe(store.write(conversations.delete, **about), loop).result(30)
        return find(session, found)

    monkeypatch.setattr(queue, 'worded', after_it_went)
    page = await store.write(queue.read, actor=EVE, wanted=ALL, now=NOW)
    assert {each.id for each in page.rows} in ({stays.message.id}, {stays.message.id, gone.message.id})


@pytest.mark.parametrize('unknown', ['', 'x', '0' * 32, 'a\0b', '\ud800'])
async def test_there_is_no_such_rating(store: Store, ann: User, rate: Rate, unknown: str) -> None:
    await rate(ann)
    with pytest.raises(NotFound):
        await store.write(threads.read, actor=EVE, feedback_id=unknown, now=NOW)
    given = {'feedback_id': unknown, 'state': State.SEEN, 'seen': (NOW, State.NEW)}
    with pytest.raises(NotFound):
        await store.write(queue.set_state, actor=EVE, now=NOW, **given)
    assert await entries(store, Action.CONVERSATION_READ) == []


async def test_what_is_deleted_is_not_shown(store: Store, ann: User, rate: Rate) -> None:
    begun = await rate(ann, 'dislike', app='hr')
    await told(store, NOW)
    assert await store.read(queue.apps) == ['hr']
    await store.write(conversations.delete, user_id=ann.id, conversation_id=begun.conversation.id, now=NOW)
    assert (await shown(store), await store.read(queue.apps)) == ([], [])
