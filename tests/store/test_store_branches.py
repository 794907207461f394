"""Versions of turns on both databases: which path is shown, what stays hidden, and where upstream remembers it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlmodel import Session
from store_support import NOW, Ask

from webapp.chat.message import Failure, Reply, Status, TextPart
from webapp.errors import NotFound, Refused
from webapp.store import (
    answers,
    branches,
    conversations,
    deletions,
    engines,
    feedback,
    feedback_queue,
    feedback_thread as threads,
    messages,
    migration,
    personal,
    titles,
    turns,
)
from webapp.store.database import Store
from webapp.store.messages import Message
from webapp.store.users import User

REFUSED = Reply(Status.FAILED, failure=Failure('upstream_unauthorized', status=401))
Say = Callable[..., Awaitable[Message]]


@pytest.fixture
def say(store: Store, ann: User, ask: Ask) -> Say:
    """Ask something of `ann`'s and have it answered: at the end, in a new conversation, or instead of a message.

    Upstream begins a conversation of its own, named after the question, unless it goes on in one.
    """

    async def say(
        query: str, *, after: Message | None = None, instead: Message | None = None, **changes: object
    ) -> Message:
        if instead:
            again = {'user_id': ann.id, 'message_id': instead.id, 'key': f'instead {query}', 'now': NOW}
            begun = await store.write(turns.supersede, **again, query=None if query == instead.query else query)
        else:
            begun = await ask(ann, query, conversation_id=after.conversation_id if after else None)
        upstream_id = begun.message.upstream_id or f'up {query}'
        reply = Reply(Status.COMPLETE, (TextPart(f'{query}!'),), conversation_id=upstream_id, message_id=f'm {query}')
        reply = replace(reply, **changes)
        await store.write(answers.finish, message_id=begun.message.id, reply=reply, now=NOW, unread=False)
        return await store.read(messages.owned, user_id=ann.id, message_id=begun.message.id)

    return say


@pytest.fixture
def path(store: Store, ann: User) -> Callable[[Message], Awaitable[str]]:
    """The questions on the path that is shown, with the versions that stand in their place."""

    async def path(of: Message) -> str:
        shown = await store.read(messages.history, user_id=ann.id, conversation_id=of.conversation_id)
        places = [(m.versions.index(m.id) + 1, len(m.versions)) for m in shown]
        return ' '.join(
            message.query + (f'({number}/{count})' if count > 1 else '')
            for message, (number, count) in zip(shown, places, strict=True)
        )

    return path


Path = Callable[[Message], Awaitable[str]]


async def test_another_version_takes_the_place_of_a_turn_and_of_what_followed(say: Say, path: Path) -> None:
    a = await say('a')
    b = await say('b', after=a)
    await say('c', after=a)
    assert await path(a) == 'a b c'
    other = await say('B', instead=b)
    assert (other.parent, other.number) == (1, 4)
    assert await path(a) == 'a B(2/2)'
    await say('d', after=a)
    assert await path(a) == 'a B(2/2) d'


async def test_going_to_a_version_shows_what_followed_it_when_it_was_left(
    store: Store, ann: User, say: Say, path: Path
) -> None:
    a = await say('a')
    b = await say('b', after=a)
    c = await say('c', after=a)
    await say('d', after=a)
    later = await say('C', instead=c)
    await say('D', after=a)
    other = await say('B', instead=b)
    assert await path(a) == 'a B(2/2)'

    async def choose(message: Message) -> str:
        await store.write(turns.choose, user_id=ann.id, message_id=message.id)
        return await path(a)

    assert await choose(b) == 'a b(1/2) C(2/2) D'
    assert await choose(c) == 'a b(1/2) c(1/2) d'
    assert await choose(c) == 'a b(1/2) c(1/2) d'
    assert await choose(other) == 'a B(2/2)'
    assert await choose(b) == 'a b(1/2) c(1/2) d', 'as it was left'
    assert await choose(other) == 'a B(2/2)'
    assert await choose(later) == 'a b(1/2) C(2/2) D', 'from a page that has not heard of the others'
    first = await say('A', instead=a)
    assert await path(a) == 'A(2/2)'
    assert await choose(a) == 'a(1/2) b(1/2) C(2/2) D'
    assert await choose(first) == 'A(2/2)'


async def test_a_version_of_what_is_hidden_brings_its_path_back(say: Say, path: Path) -> None:
    """A page may not have heard yet that another one went elsewhere."""
    a = await say('a')
    b = await say('b', after=a)
    c = await say('c', after=a)
    await say('B', instead=b)
    await say('C', instead=c)
    assert await path(a) == 'a b(1/2) C(2/2)'


async def test_a_path_is_read_page_by_page_whatever_lies_beside_it(store: Store, ann: User, say: Say) -> None:
    last = first = await say('0')
    for number in range(1, 8):
        last = await say(f'{number}', after=first)
        if number % 2:
            last = await say(f'{number}b', instead=last)
    of = {'user_id': ann.id, 'conversation_id': last.conversation_id}
    newest = await store.read(messages.history, **of, limit=3)
    assert [m.query for m in newest] == ['5b', '6', '7b']
    older = await store.read(messages.history, **of, before=newest[0].number, limit=3)
    assert [m.query for m in older] == ['2', '3b', '4']
    everything = await store.read(messages.following, **of, after=0, limit=50)
    assert [(m.query, m.is_shown) for m in everything[:4]] == [('0', True), ('1', False), ('1b', True), ('2', True)]


async def test_a_page_of_thousands_is_read_without_the_others(store: Store, database: str, ann: User, say: Say) -> None:
    """5,000 messages in 100 branches. SQLite tells that each step of each query finds its rows, and few of them."""
    first = await say('first')

    def grow(session: Session) -> None:
        columns = 'user_id, status, created_at, ended_at, cost_group, query, reply, upstream_id, conversation_id'
        session.connection().execute(
            text(
                f'INSERT INTO messages ({columns}, id, key, number, parent, is_chosen, is_shown)'
                f' WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT {columns},'
                " id || '-' || i, key || '-' || i, i, CASE WHEN i % 50 = 0 THEN i - 2 ELSE i - 1 END,"
                ' i % 50 <> 49, i % 50 <> 49 FROM messages, n WHERE number = 1'
            )
        )

    await store.write(grow)
    of = {'user_id': ann.id, 'conversation_id': first.conversation_id}
    newest = await store.read(messages.history, **of, limit=30)
    assert [m.number for m in newest][-3:] == [4997, 4998, 5000]
    assert [len(m.versions) for m in newest][-3:] == [1, 1, 2]
    older = await store.read(messages.history, **of, before=100, limit=30)
    assert [m.number for m in older][-2:] == [97, 98]
    await store.write(turns.choose, user_id=ann.id, message_id=f'{first.id}-49')
    assert [m.number for m in await store.read(messages.history, **of, limit=3)] == [47, 48, 49]
    await store.write(turns.choose, user_id=ann.id, message_id=f'{first.id}-50')
    assert [m.number for m in await store.read(messages.history, **of, limit=30)] == [m.number for m in newest]
    around, has_earlier, has_later = await store.read(
        messages.around, user_id=ann.id, message_id=f'{first.id}-2500', before=3, after=2
    )
    assert [m.number for m in around] == [2496, 2497, 2498, 2500, 2501, 2502]
    assert (has_earlier, has_later) == (True, True)

    def steps(session: Session) -> list[str]:
        connection = session.connection()
        asked: list[tuple[str, Any]] = []

        def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
            asked.append((statement, parameters))

        event.listen(connection, 'before_cursor_execute', note)
        messages.history(session, **of, before=4000)
        messages.before(session, user_id=ann.id, message_id=f'{first.id}-2500')
        messages.around(session, user_id=ann.id, message_id=f'{first.id}-2500', before=3, after=2)
        branches.end(session, first.conversation_id)
        branches.upstream_of(session, first.conversation_id, 5000)
        event.remove(connection, 'before_cursor_execute', note)
        plans = [connection.exec_driver_sql(f'EXPLAIN QUERY PLAN {asks}', values).all() for asks, values in asked]
        return [row[3] for plan in plans for row in plan if ' messages' in row[3]]

    if database.startswith('sqlite'):
        taken = await store.read(steps)
        assert len(taken) > 10
        few = [step for step in taken if 'ix_messages_shown' in step or not step.endswith('(conversation_id=?)')]
        assert taken == few, 'the one is read from its end'
        assert not [step for step in taken if step.startswith('SCAN')]
    await store.write(conversations.delete, **of, now=NOW)


async def test_nothing_is_chosen_while_an_answer_is_written(
    store: Store, ann: User, bob: User, ask: Ask, say: Say
) -> None:
    a = await say('a')
    other = await say('A', instead=a)
    await ask(ann, conversation_id=a.conversation_id)
    with pytest.raises(Refused, match='already_running'):
        await store.write(turns.choose, user_id=ann.id, message_id=a.id)
    with pytest.raises(Refused, match='already_running'):
        await say('b', instead=other)
    await store.write(turns.choose, user_id=ann.id, message_id=other.id)  # it is
    for who, message in ((bob, a.id), (ann, 'unknown'), (ann, '\0')):
        with pytest.raises(NotFound):
            await store.write(turns.choose, user_id=who.id, message_id=message)


async def test_the_end_of_what_upstream_holds_goes_on_and_anything_else_begins_anew(
    store: Store, ann: User, say: Say
) -> None:
    a = await say('a')
    b = await say('b', after=a)
    assert (a.upstream_id, b.upstream_id) == ('up a', 'up a')
    beside = await say('B', instead=b)
    assert beside.upstream_id == 'up B', 'up a holds b already'
    assert (await say('c', after=a)).upstream_id == 'up B'
    earlier = await say('A', instead=a)
    assert earlier.upstream_id == 'up A'
    await store.write(turns.choose, user_id=ann.id, message_id=b.id)
    assert (await say('d', after=a)).upstream_id == 'up a', 'it ends with b'
    again = await say('b', instead=b)
    assert again.upstream_id == 'up b'
    told = await store.read(messages.before, user_id=ann.id, message_id=again.id)
    assert [message.query for message in told] == ['a']


@pytest.mark.parametrize(
    ('ending', 'goes_on'),
    [
        ({'status': Status.STOPPED}, False),
        ({'status': Status.FAILED, 'failure': Failure('model_failed', status=400)}, False),
        ({'status': Status.INTERRUPTED, 'failure': Failure('stream_cut'), 'message_id': ''}, False),
        ({'status': Status.FAILED, 'failure': Failure('bad_gateway', status=504), 'message_id': ''}, False),
        ({'status': Status.FAILED, 'failure': Failure('conversation_gone', status=404), 'message_id': ''}, False),
        ({'status': Status.FAILED, 'failure': Failure('too_busy', status=429), 'message_id': ''}, True),
        ({'status': Status.FAILED, 'failure': Failure('upstream_unreachable'), 'message_id': ''}, True),
    ],
    ids=['stopped', 'failed', 'cut', 'timed out', 'gone', 'refused', 'away'],
)
async def test_what_upstream_may_hold_is_asked_again_elsewhere(
    say: Say, ending: dict[str, object], goes_on: bool
) -> None:
    """A stopped or failed turn stays in its memory there, with the words so far or none."""
    a = await say('a')
    ended = await say('b', after=a, **({'conversation_id': ''} | ending if 'message_id' in ending else ending))
    assert ended.upstream_id == ('' if goes_on else 'up a')
    again = await say('b', instead=ended)
    assert again.upstream_id == ('up a' if goes_on else 'up b')


async def test_after_a_turn_that_upstream_refused_its_conversation_goes_on(say: Say) -> None:
    a = await say('a')
    refused = await say('b', after=a, **vars_of(REFUSED))
    assert refused.upstream_id == ''
    assert (await say('c', after=a)).upstream_id == 'up a'


def vars_of(reply: Reply) -> dict[str, object]:
    names = ('status', 'parts', 'failure', 'conversation_id', 'message_id')
    return {name: getattr(reply, name) for name in names}


async def test_only_what_nobody_heard_of_gives_way(store: Store, ann: User, say: Say, path: Path) -> None:
    a = await say('a')
    refused = await say('b', after=a, **vars_of(REFUSED))
    await say('b', instead=refused)
    assert await path(a) == 'a b'
    refused = await say('c', after=a, **vars_of(REFUSED))
    await say('C', instead=refused)
    assert await path(a) == 'a b C(2/2)', 'an edited question stays'
    refused = await say('d', after=a, **vars_of(REFUSED))
    await say('e', after=a)
    await say('d', instead=refused)
    assert await path(a) == 'a b C(2/2) d(2/2)', 'so does what something follows'
    await store.write(turns.choose, user_id=ann.id, message_id=refused.id)
    assert await path(a) == 'a b C(2/2) d(1/2) e'


async def test_deleting_a_conversation_deletes_all_that_upstream_has_of_it(store: Store, ann: User, say: Say) -> None:
    a = await say('a')
    await say('A', instead=await say('b', instead=a))
    await store.write(conversations.delete, user_id=ann.id, conversation_id=a.conversation_id, now=NOW)
    jobs = await store.write(deletions.claim_due, app='support', now=NOW, limit=10)
    assert {job.upstream_id for job in jobs} == {'up a', 'up b', 'up A'}


async def test_a_title_is_made_where_the_path_begins_that_is_shown(store: Store, ann: User, say: Say) -> None:
    a = await say('a', status=Status.STOPPED)
    other = await say('A', instead=a)
    await say('b', after=other)
    [job] = await store.write(titles.claim_due, app='support', now=NOW)
    assert job.upstream_id == 'up A'


async def test_a_rating_goes_where_its_answer_was_given(store: Store, ann: User, say: Say) -> None:
    a = await say('a')
    b = await say('b', after=a)
    await say('c', after=a)
    await say('B', instead=b)
    rated = {'user_id': ann.id, 'message_id': b.id, 'rating': 'like', 'comment': '', 'now': NOW}
    await store.write(feedback.rate, **rated)
    [row] = (await store.read(feedback_queue.page, wanted=feedback_queue.Filter())).rows
    assert (row.upstream_conversation_id, row.upstream_message_id) == ('up a', 'm b')
    thread = await store.read(threads.get, feedback_id=row.id)
    assert [message.query for message in thread.messages] == ['a', 'b', 'c'], 'its own path, though it is hidden'


async def test_a_persons_data_has_all_versions(store: Store, ann: User, say: Say) -> None:
    a = await say('a')
    await say('A', instead=a)
    records = await store.read(personal.turns, user_id=ann.id, conversation_id=a.conversation_id, after=0)
    assert [(r['question'], r['parent'], r['shown']) for r in records] == [('a', 0, False), ('A', 0, True)]


async def test_an_old_database_has_one_path(url: str) -> None:
    if url.startswith('sqlite'):
        engines.prepare_file(engines.parse(url))
    migration.migrate(engines.parse(url), '0010')
    engine = engines.writing(engines.parse(url), 1)
    with engine.begin() as connection:
        connection.execute(
            text(
                'INSERT INTO users (id, dify_user, name, email, folded, created_at, last_seen_at)'
                " VALUES ('u1', 'u_1', '', '', '', 0, 0)"
            )
        )
        for conversation, upstream in (('c1', 'up-1'), ('c2', None)):
            connection.execute(
                text(
                    'INSERT INTO conversations (id, user_id, app, upstream_id, title, folded_title, title_state,'
                    ' title_attempts, created_at, updated_at, unread, inputs) VALUES'
                    " (:id, 'u1', 'support', :upstream, '', '', 'manual', 0, 0, 0, false, '{}')"
                ),
                {'id': conversation, 'upstream': upstream},
            )
            for number in (1, 3, 4):  # the second had failed, and given way
                connection.execute(
                    text(
                        'INSERT INTO messages (id, conversation_id, user_id, key, number, status, created_at, query,'
                        " reply) VALUES (:id, :of, 'u1', :id, :number, 'complete', 0, 'q',"
                        ' \'{"status": "complete"}\')'
                    ),
                    {'id': f'{conversation}-{number}', 'of': conversation, 'number': number},
                )
    engine.dispose()
    store = Store(url)
    store.migrate()
    for conversation, upstream in (('c1', 'up-1'), ('c2', '')):
        kept = await store.read(messages.history, user_id='u1', conversation_id=conversation)
        assert [(m.number, m.parent, m.upstream_id) for m in kept] == [
            (1, 0, upstream),
            (3, 1, upstream),
            (4, 3, upstream),
        ]
    again = {'user_id': 'u1', 'message_id': 'c1-3', 'key': 'again', 'now': NOW + timedelta(seconds=1)}
    await store.write(turns.supersede, **again)
    kept = await store.read(messages.history, user_id='u1', conversation_id='c1')
    assert [(m.number, m.parent, m.upstream_id) for m in kept] == [(1, 0, 'up-1'), (5, 1, '')]
    await store.close()
