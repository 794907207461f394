"""What is old enough goes, and nothing else: by class, in small pieces, from wherever it broke off."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from feedback_support import listed
from person_support import answered, content
from sqlalchemy import event, text
from sqlmodel import Session
from store_support import NOW, Ask

from webapp.errors import Refused
from webapp.retention import PERIOD, Retention
from webapp.store import (
    audit,
    chores,
    conversations,
    deletions,
    feedback_list,
    files,
    ledger,
    messages,
    reports,
    retention,
)
from webapp.store.audit import Action, Filter, Party
from webapp.store.database import Store
from webapp.store.retention import CHORE, Kind, Place, Rules
from webapp.store.users import User

DAY = timedelta(days=1)
ALL = reports.Filter(NOW.date() - timedelta(days=999), NOW.date() + timedelta(days=999))
FOR_EVER = Rules()


def at(now: datetime) -> Callable[[], datetime]:
    return lambda: now


def keeper(store: Store, *, days_later: float = 0, **rules: int) -> Retention:
    return Retention(store, Rules(**rules), now=at(NOW + days_later * DAY))


async def count(store: Store, table: str, where: str = '1 = 1') -> int:
    def counted(session: Session) -> int:
        return int(session.connection().scalar(text(f'SELECT count(*) FROM {table} WHERE {where}')) or 0)

    return await store.read(counted)


async def spent(store: Store) -> list[Any]:
    return await store.read(reports.summed, wanted=ALL, by=('day', 'user', 'group', 'app', 'outcome'))


async def test_by_default_everything_is_kept_for_ever(store: Store, ask: Ask, ann: User) -> None:
    await answered(store, ask, ann, 'old', now=NOW - timedelta(days=9999))
    before = await store.read(content)
    assert Rules().before(NOW) == {}
    assert await keeper(store).preview() == []
    await keeper(store).run()  # which has nothing to wait for
    assert await store.read(content) == before


async def test_a_conversation_goes_so_long_after_its_last_turn(store: Store, ask: Ask, ann: User) -> None:
    old = await answered(store, ask, ann, 'old', now=NOW - 30 * DAY, upstream='up-old')
    young = await answered(store, ask, ann, 'young', now=NOW - 29 * DAY)
    revived = await answered(store, ask, ann, 'revived', now=NOW - 90 * DAY)
    await ask(ann, 'and?', conversation_id=revived.conversation.id, now=NOW - DAY)
    gone: list[tuple[str, str]] = []
    work = Retention(store, Rules(messages=30), on_gone=lambda *of: gone.append(of), now=at(NOW + timedelta(seconds=1)))
    due, _ = await work.preview()
    size = due.counts.pop('bytes')
    assert (due.kind, due.counts) == (Kind.MESSAGES, {'conversations': 1, 'messages': 1, 'files': 2})
    assert size == 10 * files.PIECE
    assert due.oldest == due.newest == NOW - 30 * DAY
    assert await store.read(deletions.waiting) == 0
    before = await spent(store)

    assert await work.work() == {'conversations': 1, 'messages': 1, 'files': 2, 'bytes': size}
    assert gone == [(ann.id, old.conversation.id)]
    listed = await store.read(conversations.page, user_id=ann.id, app='support')
    assert {each.id for each in listed} == {young.conversation.id, revived.conversation.id}
    [job] = await store.write(deletions.claim_due, app='support', now=NOW + DAY)
    assert (job.upstream_id, job.dify_user) == ('up-old', ann.dify_user)
    assert await spent(store) == before
    assert (await work.preview())[0].oldest is None


async def test_one_in_which_an_answer_is_written_stays(store: Store, ask: Ask, ann: User) -> None:
    begun = await ask(ann, now=NOW - 99 * DAY)
    due, _ = await keeper(store, messages=30).preview()
    assert due.counts['conversations'] == 0
    assert await keeper(store, messages=30).work() == {}
    assert await store.read(conversations.get, user_id=ann.id, conversation_id=begun.conversation.id)


@pytest.mark.parametrize('_', range(5))
async def test_a_question_that_comes_just_then_is_answered_or_refused(
    store: Store, ask: Ask, ann: User, _: int
) -> None:
    old = await answered(store, ask, ann, 'old', now=NOW - 99 * DAY)
    asked, counts = await asyncio.gather(
        ask(ann, conversation_id=old.conversation.id), keeper(store, messages=30).work(), return_exceptions=True
    )
    assert not isinstance(counts, BaseException)
    if isinstance(asked, BaseException):
        assert str(asked) == 'not_found'
        assert counts['conversations'] == 1
    else:
        assert counts == {}
        about = {'user_id': ann.id, 'conversation_id': old.conversation.id}
        assert len(await store.read(messages.history, **about)) == 2


async def test_the_bytes_of_files_go_and_their_messages_go_on_naming_them(store: Store, ask: Ask, ann: User) -> None:
    old = await answered(store, ask, ann, 'old', now=NOW)
    young = await answered(store, ask, ann, 'young', now=NOW)
    about = f"conversation_id = '{old.conversation.id}'"
    await store.write(lambda s: s.connection().execute(text(f'UPDATE files SET created_at = 0 WHERE {about}')) and None)
    [due] = await keeper(store, files=30).preview()
    assert due.counts == {'files': 1, 'bytes': 10 * files.PIECE}, 'the one that was made has no bytes here'
    assert await keeper(store, files=30).work() == {'files': 1, 'bytes': 10 * files.PIECE}
    assert await count(store, 'file_pieces') == 10
    kept = await store.read(messages.owned, user_id=ann.id, message_id=old.message.id)
    assert [(file.name, file.is_kept, file.is_gone) for file in kept.files] == [('old.png', False, True)]
    assert kept.query == 'old question'
    other = await store.read(messages.owned, user_id=ann.id, message_id=young.message.id)
    assert [(file.is_kept, file.is_gone) for file in other.files] == [(True, False)]
    assert await keeper(store, files=30).work() == {}


async def test_what_an_assistant_has_made_is_not_fetched_again(store: Store, ask: Ask, ann: User) -> None:
    begun = await answered(store, ask, ann, 'old', now=NOW)
    [made] = (await store.read(messages.owned, user_id=ann.id, message_id=begun.message.id)).made
    await store.write(files.complete, file=made)
    assert (await keeper(store, days_later=31, files=30).work() or {})['files'] == 2
    [made] = (await store.read(messages.owned, user_id=ann.id, message_id=begun.message.id)).made
    assert (made.is_kept, made.upstream_id, made.upstream_url, made.is_gone) == (False, '', '', True)


async def test_an_upload_under_way_has_nothing_to_fear(store: Store, ask: Ask, ann: User) -> None:
    begun = await answered(store, ask, ann, 'old', now=NOW)
    [made] = (await store.read(messages.owned, user_id=ann.id, message_id=begun.message.id)).made
    await store.write(files.put_piece, file_id=made.id, number=0, data=b'half of it')
    await keeper(store, days_later=31, files=30).work()
    assert await store.read(files.piece, file_id=made.id, number=0) == b'half of it'


async def test_single_answers_go_from_the_ledger_and_the_sums_stay(store: Store, ask: Ask, ann: User) -> None:
    kept = await answered(store, ask, ann, 'kept', now=NOW)
    gone = await answered(store, ask, ann, 'gone', now=NOW)
    await store.write(conversations.delete, user_id=ann.id, conversation_id=gone.conversation.id, now=NOW)
    before = await spent(store)
    begins_on_a_whole_day = keeper(store, days_later=30.4, ledger=30)
    assert (await begins_on_a_whole_day.preview())[0].counts == {'rows': 0}
    [due] = await keeper(store, days_later=31, ledger=30).preview()
    assert (due.counts, due.oldest) == ({'rows': 1}, NOW)
    assert await keeper(store, days_later=31, ledger=30).work() == {'ledger': 1}
    [entry] = await store.read(ledger.entries, wanted=ALL)
    assert entry.conversation_id == kept.conversation.id, 'what a conversation has cost is read from its rows'
    assert await spent(store) == before
    assert sum(line.total.price for line in before) == 2 * Decimal('0.300000001')


async def test_old_entries_of_the_audit_log_go(store: Store) -> None:
    for days in (0, 10, 31):
        await store.write(audit.record, Action.BLOCKED, now=NOW - days * DAY)
    [due] = await keeper(store, audit=30).preview()
    assert (due.counts, due.oldest, due.newest) == ({'rows': 1}, NOW - 31 * DAY, NOW - 31 * DAY)
    assert await keeper(store, audit=30).work() == {'audit': 1}
    entries = await store.read(audit.page, wanted=Filter(action=Action.BLOCKED))
    assert [entry.at for entry in entries] == [NOW, NOW - 10 * DAY]


async def test_each_run_stands_in_the_audit_log(store: Store, ask: Ask, ann: User) -> None:
    await answered(store, ask, ann, 'old', now=NOW - 99 * DAY)
    await keeper(store, messages=30, audit=365).work(actor=Party('eve', 'Eve'))
    await keeper(store, messages=30, days_later=1).work()
    second, first = await store.read(audit.page, wanted=Filter(action=Action.RETENTION_APPLIED))
    size = 10 * files.PIECE
    assert first.detail == {
        'messages_days': 30, 'audit_days': 365, 'conversations': 1, 'messages': 1, 'files': 2, 'bytes': size
    }  # fmt: skip
    assert first.actor == Party('eve', 'Eve')
    assert (second.detail, second.actor) == ({'messages_days': 30}, Party())


async def test_one_process_does_it_once_a_day(store: Store, ask: Ask, ann: User) -> None:
    await answered(store, ask, ann, 'old', now=NOW - 99 * DAY)
    rivals = [keeper(store, messages=30) for _ in range(4)]
    outcomes = await asyncio.gather(*(rival.work(done_before=NOW - PERIOD) for rival in rivals))
    assert sum(outcome is not None for outcome in outcomes) == 1
    for days_later in (0, 0.9):
        assert await keeper(store, messages=30, days_later=days_later).work(
            done_before=NOW + days_later * DAY - PERIOD
        ) is None  # fmt: skip
    assert await keeper(store, messages=30).work() == {}, 'who asks for it gets it'
    assert await keeper(store, messages=30, days_later=1.1).work(done_before=NOW + 1.1 * DAY - PERIOD) == {}


async def test_what_a_process_that_died_has_begun_is_gone_on_with_and_counted(
    store: Store, database: str, ask: Ask, ann: User
) -> None:
    for number in range(3):
        await answered(store, ask, ann, f'old {number}', now=NOW - 99 * DAY)
    rules = {'messages': 30, 'files': 60}
    before = Rules(**rules).before(NOW)
    await store.write(chores.claim, name=CHORE, holder='dies', now=NOW)
    places = await store.read(retention.due, kind=Kind.MESSAGES, before=before, after=None)
    about = {'kind': Kind.MESSAGES, 'before': before, 'holder': 'dies', 'now': NOW}
    await store.write(retention.let_go, ids=[places[0].id], **about)

    other = Store(database)
    assert await keeper(other, **rules).work() is None, 'it may live'
    counts = await keeper(other, days_later=1, **rules).work()
    assert counts == {'conversations': 3, 'messages': 3, 'files': 6, 'bytes': 30 * files.PIECE}
    with pytest.raises(Refused, match='chore_lost'):
        await other.write(retention.let_go, ids=[places[1].id], **about)
    await other.close()


async def test_bytes_that_a_process_has_left_are_removed_by_the_next(store: Store, ask: Ask, ann: User) -> None:
    await answered(store, ask, ann, 'old', now=NOW)
    before = Rules(files=30).before(NOW + 31 * DAY)
    await store.write(chores.claim, name=CHORE, holder='dies', now=NOW)
    [place] = await store.read(retention.due, kind=Kind.FILES, before=before, after=None)
    about = {'kind': Kind.FILES, 'before': before, 'holder': 'dies', 'now': NOW}
    await store.write(retention.let_go, ids=[place.id], **about)
    assert await count(store, 'file_pieces') == 10
    assert await keeper(store, days_later=31, files=30).work() == {'files': 1, 'bytes': 10 * files.PIECE}
    assert await count(store, 'file_pieces') == 0


async def test_ratings_of_what_is_none_of_ours_go_with_the_messages(store: Store, ask: Ask, ann: User) -> None:
    ours = await answered(store, ask, ann, 'ours', now=NOW)
    old, young = NOW - 31 * DAY, NOW - 29 * DAY
    told = [listed(name, f'up-{name}', 'up-c', comment=name, updated_at=at) for name, at in (('o', old), ('y', young))]
    await store.write(feedback_list.take_over, app='support', listed=told, asked_at=NOW, now=NOW)
    ages = text("UPDATE feedback SET updated_at = 0 WHERE source = 'own'")
    await store.write(lambda s: s.connection().execute(ages) and None)
    due = {each.kind: each for each in await keeper(store, messages=30).preview()}
    assert (due[Kind.RATINGS].counts, due[Kind.RATINGS].oldest) == ({'rows': 1}, old)
    assert await keeper(store, messages=30).work() == {'ratings': 1}
    assert await count(store, 'feedback', "comment = 'o'") == 0
    assert await count(store, 'feedback', "comment = 'y'") == 1
    again = {'app': 'support', 'listed': told, 'asked_at': NOW, 'now': NOW}
    await store.write(feedback_list.take_over, **again, before=Rules(messages=30).before(NOW)[Kind.RATINGS])
    assert await count(store, 'feedback', "comment = 'o'") == 0, 'upstream lists it for ever'
    assert await count(store, 'feedback', f"message_id = '{ours.message.id}'") == 1, 'it goes with its message'
    [entry] = await store.read(audit.page, wanted=Filter(action=Action.RETENTION_APPLIED))
    assert entry.detail == {'messages_days': 30, 'ratings': 1}


async def test_that_a_conversation_was_deleted_is_known_for_a_year(store: Store, ask: Ask, ann: User) -> None:
    for name in ('told', 'waits'):
        begun = await answered(store, ask, ann, name, now=NOW, upstream=f'up-{name}')
        await store.write(conversations.delete, user_id=ann.id, conversation_id=begun.conversation.id, now=NOW)
    for job in await store.write(deletions.claim_due, app='support', now=NOW):
        await store.write(deletions.settle, job_id=job.id, told=job.upstream_id == 'up-told', now=NOW)
    then = text(f'UPDATE forgotten SET at = {micro(NOW)}')
    await store.write(lambda s: s.connection().execute(then) and None)
    assert await store.write(deletions.purge, now=NOW + 364 * DAY) == 0
    assert await store.write(deletions.purge, now=NOW + 366 * DAY) == 1
    assert await count(store, 'forgotten', "upstream_id = 'up-waits'") == 1, 'Dify has it still, and tells of it'


def micro(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ('kind', 'index'),
    [
        (Kind.MESSAGES, 'ix_conversations_updated_at_id'),
        (Kind.FILES, 'ix_files_kept'),
        (Kind.LEDGER, 'ix_usage_created_at_id'),
        (Kind.AUDIT, 'ix_audit_at_id'),
    ],
)
async def test_what_is_due_is_looked_for_in_its_order(store: Store, kind: Kind, index: str) -> None:
    plans: list[str] = []

    def explain(session: Session) -> None:
        connection = session.connection()
        is_sqlite = connection.dialect.name == 'sqlite'
        if not is_sqlite:  # which reads a small table from its start, and sorts it
            connection.execute(text('SET LOCAL enable_seqscan = off'))
            connection.execute(text('SET LOCAL enable_sort = off'))
            connection.execute(text('SET LOCAL enable_bitmapscan = off'))

        def asked(_: Any, cursor: Any, statement: str, values: Any, *more: Any) -> None:
            cursor.execute(f'EXPLAIN {"QUERY PLAN" if is_sqlite else ""} {statement}', values)
            plans.append('\n'.join(str(row) for row in cursor.fetchall()))

        event.listen(connection, 'before_cursor_execute', asked)
        before = Rules(messages=30, files=20, ledger=10, audit=10).before(NOW)
        retention.due(session, kind=kind, before=before, after=Place(NOW - 99 * DAY, 'x'))

    await store.write(explain)
    [plan] = plans
    assert index in plan
    assert 'TEMP B-TREE' not in plan
    assert 'Sort' not in plan


async def test_a_piece_of_the_work_is_small(store: Store, ask: Ask, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, 'MANY_MESSAGES', 2)
    monkeypatch.setattr(retention, 'AT_ONCE', 4)
    for number in range(9):
        await answered(store, ask, ann, f'old {number}', now=NOW - (99 - number) * DAY)
    before, sizes = Rules(messages=30).before(NOW), []
    await store.write(chores.claim, name=CHORE, holder='me', now=NOW)
    places = await store.read(retention.due, kind=Kind.MESSAGES, before=before, after=None)
    assert [place.at for place in places] == [NOW - days * DAY for days in (99, 98, 97, 96)]
    ids = [place.id for place in places]
    while ids:
        about = {'kind': Kind.MESSAGES, 'before': before, 'holder': 'me', 'now': NOW}
        gone = await store.write(retention.let_go, ids=ids, **about)
        ids = ids[gone.handled :]
        sizes.append(gone.counts['conversations'])
    assert sizes == [2, 2]
    counts = await keeper(store, days_later=1, messages=30).work()
    assert counts is not None
    assert counts['conversations'] == 9
