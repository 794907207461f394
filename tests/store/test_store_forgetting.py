"""A person is forgotten: what goes, what stays and under what name, and that it may break off anywhere."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from person_support import LATER, answered, content, found, furnish, identity, new_file, sizes, uploaded
from sqlalchemy import text
from sqlmodel import Session, select
from store_support import NOW, SECRET, Ask, visit

from webapp.chat.message import Reply, Status, TextPart, Usage
from webapp.errors import NotFound, Refused
from webapp.principal import Identity
from webapp.store import (
    answers,
    audit,
    conversations,
    deletions,
    files,
    forgetting,
    labels,
    ledger,
    people,
    reports,
    sessions,
    turns,
    users,
)
from webapp.store.audit import Action, Filter, Party
from webapp.store.database import Store
from webapp.store.files import Source
from webapp.store.forgetting import Held
from webapp.store.holdings import HOLDINGS, Fate
from webapp.store.tables import MessageRow
from webapp.store.users import User

ADMIN = Party('the-admin', 'The Admin')
MARK = 'marker-of-ann'
ALL = reports.Filter(NOW.date() - timedelta(days=9), NOW.date() + timedelta(days=99))
DELETED = {holding.table for holding in HOLDINGS if holding.fate is Fate.DELETED}


def nobody(_: Identity) -> bool:
    return False


async def begin(store: Store, user: User, **changes: Any) -> list[str]:
    given = {'actor': ADMIN, 'is_admin': nobody, 'now': LATER, 'address': '192.0.2.9'} | changes
    return await store.write(forgetting.begin, user_id=user.id, **given)


async def finish(store: Store, user: User) -> None:
    while await store.write(forgetting.step, user_id=user.id, now=LATER):
        pass


async def forget(store: Store, user: User, **changes: Any) -> None:
    await begin(store, user, **changes)
    await finish(store, user)


async def pseudonym(store: Store) -> str:
    [entry] = await store.read(audit.page, wanted=Filter(action=Action.PERSON_FORGOTTEN))
    return entry.target.id


async def totals(store: Store) -> list[Any]:
    return [await store.read(reports.summed, wanted=ALL, by=by) for by in ((), ('day', 'app', 'group', 'outcome'))]


async def test_nothing_of_a_person_is_left_in_any_table(store: Store, ask: Ask) -> None:
    ann = await furnish(store, ask, MARK)
    holds = await store.read(sizes)
    missing = {name for name in DELETED - {'forgettings'} if not holds[name]}
    assert not missing, 'the test has planted nothing there'
    assert len({place.partition('.')[0] for place in await store.read(found, MARK)}) >= 10

    await begin(store, ann)
    names = (MARK, ann.id, ann.dify_user)
    await finish(store, ann)
    assert await store.read(found, *names) == {'deletions.dify_user'}
    for job in await store.write(deletions.claim_due, app='support', now=LATER):
        await store.write(deletions.settle, job_id=job.id, told=True, now=LATER)
    assert await store.read(found, *names, '192.0.2.7', '192.0.2.8') == set()
    holds = await store.read(sizes)
    assert {name for name in DELETED if holds[name]} == set()
    with pytest.raises(NotFound):
        await store.read(users.get, user_id=ann.id)


async def test_nobody_else_loses_anything(store: Store, ask: Ask) -> None:
    bob = await furnish(store, ask, 'marker-of-bob')
    before = await store.read(content)
    ann = await furnish(store, ask, MARK)
    await forget(store, ann)
    after = await store.read(content)
    together = {'usage_speeds', 'usage_totals'}  # count everybody's answers
    for table, rows in ((name, rows) for name, rows in before.items() if name not in together):
        assert [row for row in rows if row not in after[table]] == [], table
    assert (await store.read(forgetting.preview, user_id=bob.id)).conversations == 3


async def test_what_they_cost_stays_to_the_last_digit_under_a_name_that_leads_to_nobody(store: Store, ask: Ask) -> None:
    ann, bob = await furnish(store, ask, MARK), await furnish(store, ask, 'marker-of-bob')
    before = await totals(store)
    assert before[0][0].total.price == 6 * Decimal('0.300000001')
    of_ann = await store.read(reports.summed, wanted=ALL, by=('user',))
    await forget(store, ann)
    assert await totals(store) == before
    name = await pseudonym(store)
    assert users.is_pseudonym(name)
    by_user = await store.read(reports.summed, wanted=ALL, by=('user',))
    assert {line.keys: line.total for line in by_user} == {
        (name if line.keys == (ann.id,) else line.keys[0],): line.total for line in of_ann
    }
    entries = await store.read(ledger.entries, wanted=ALL)
    assert {entry.user for entry in entries} == {name, bob.id}
    assert await store.read(labels.called, ids={name}) == {}


async def test_upstream_is_to_delete_the_same_conversations_for_the_same_user(store: Store, ask: Ask) -> None:
    ann = await furnish(store, ask, MARK)
    named = select(MessageRow.upstream_id).where(MessageRow.user_id == ann.id, MessageRow.upstream_id != '')
    listed = await store.read(lambda session: set(session.exec(named)))
    await ask(ann, 'upstream has not named this one yet')
    await forget(store, ann)
    jobs = await store.write(deletions.claim_due, app='support', now=LATER)
    assert {job.upstream_id for job in jobs} == listed
    assert {job.dify_user for job in jobs} == {ann.dify_user}


async def test_the_audit_log_tells_of_it_and_names_them_no_more(store: Store, ask: Ask) -> None:
    ann = await furnish(store, ask, MARK)
    held = await store.read(forgetting.preview, user_id=ann.id)
    assert held == Held(3, 3, 8, held.bytes, 3, 1, 3, 3, 0)
    assert held.bytes > 30_000_000
    await forget(store, ann)
    name = await pseudonym(store)
    entries = {entry.action: entry for entry in await store.read(audit.page, wanted=Filter())}
    told = entries[Action.PERSON_FORGOTTEN]
    assert (told.actor, told.target, told.address) == (ADMIN, Party(name), '192.0.2.9')
    assert told.detail == {'conversations': 3, 'messages': 3, 'files': 8, 'answers': 3}
    assert entries[Action.SIGNED_IN].actor == entries[Action.SIGNED_IN].target == Party(name)
    assert (entries[Action.PERSON_READ].actor, entries[Action.PERSON_READ].address) == (ADMIN, '192.0.2.9')
    assert entries[Action.SIGN_IN_REFUSED].target == Party(name)
    assert entries[Action.AUDIT_EXPORTED].detail == {'format': 'csv', 'who': name, 'user': name}
    assert await store.read(audit.page, wanted=Filter(who='marker')) == []


@pytest.mark.parametrize(
    ('who', 'is_theirs'),
    [
        ('ann wood', True),
        ('wood ann', True),
        ('WOOD', True),
        ('"wood", Mrs. Ann?', True),
        ('bob wood', False),  # has the same name, and is somebody else
        ('woo', True),  # finds her, too
        ('ann.wood@example.com', True),
        ('bob', False),
        ('bob@example.com', False),  # that is where everybody is
        ('a', False),
        ('', False),
    ],
)
@pytest.mark.parametrize('action', [Action.AUDIT_EXPORTED, Action.USAGE_EXPORTED, Action.FEEDBACK_EXPORTED])
@pytest.mark.parametrize('database', ['sqlite'], indirect=True)
async def test_nor_does_it_tell_by_which_words_they_were_looked_for(
    store: Store, action: Action, who: str, is_theirs: bool
) -> None:
    ann = await store.write(visit, 'a-1', name='Ann Wood', email='ann.wood@example.com')
    detail = {'format': 'csv', 'who': who, 'q': who, 'app': 'wood'}
    await store.write(audit.record, action, now=NOW, actor=ADMIN, detail=detail)
    await forget(store, ann)
    [entry] = await store.read(audit.page, wanted=Filter(action=action))
    kept = await pseudonym(store) if is_theirs else who
    assert entry.detail == {'format': 'csv', 'who': kept, 'q': kept, 'app': 'wood'}


async def test_from_the_start_on_they_are_kept_out_and_signed_out(store: Store, ask: Ask) -> None:
    ann = await furnish(store, ask, MARK)
    assert await begin(store, ann) == [f'session of {MARK}']
    assert await store.read(forgetting.begun) == [ann.id]
    with pytest.raises(Refused, match='blocked'):
        await store.write(users.sign_in, identity=identity(MARK), role='user', secret=SECRET, now=LATER)
    with pytest.raises(NotFound):
        await store.write(people.unblock, actor=ADMIN, user_id=ann.id, now=LATER)
    assert await begin(store, ann) == []


async def test_who_comes_back_is_somebody_new_whom_upstream_calls_the_same(store: Store, ask: Ask) -> None:
    """Nothing is left from which one could know that they have been here; and of them upstream has nothing, either."""
    ann = await furnish(store, ask, MARK)
    await forget(store, ann)
    again = (await store.write(users.sign_in, identity=identity(MARK), role='user', secret=SECRET, now=LATER)).user
    assert again.id != ann.id
    assert again.dify_user == ann.dify_user
    assert await store.read(conversations.page, user_id=again.id, app='support') == []
    assert (await store.read(forgetting.preview, user_id=again.id)).answers == 0


async def test_nobody_forgets_themselves_nor_the_last_admin(store: Store) -> None:
    ann = await store.write(visit, 'ann', role='admin')
    bob = await store.write(visit, 'bob', role='admin')
    guards = {'is_admin': lambda identity: identity.subject in {'ann', 'bob'}}
    with pytest.raises(Refused, match='own_account'):
        await begin(store, ann, actor=Party(ann.id), **guards)
    with pytest.raises(NotFound):
        await begin(store, replace(bob, id='\0nobody'))
    outcomes = await asyncio.gather(begin(store, ann, **guards), begin(store, bob, **guards), return_exceptions=True)
    assert sorted(str(each) for each in outcomes) == ['[]', 'last_admin'], 'one of two stays'


async def test_it_may_break_off_anywhere(store: Store, database: str, ask: Ask) -> None:
    class Crash(Exception):
        pass

    def crash(session: Session) -> None:
        forgetting.step(session, user_id=ann.id, now=LATER)
        session.flush()
        raise Crash

    ann = await furnish(store, ask, MARK)
    before, crashes, more = await totals(store), 0, True
    await begin(store, ann)
    while more:
        state = await store.read(content)
        with pytest.raises(Crash):
            await store.write(crash)
        assert await store.read(content) == state
        other = Store(database)  # of a process that has just started
        assert await other.read(forgetting.begun) == [ann.id]
        more = await other.write(forgetting.step, user_id=ann.id, now=LATER)
        await other.close()
        assert await totals(store) == before
        crashes += 1
    assert crashes > 5
    assert await store.read(found, MARK, ann.id) == set()
    [told] = await store.read(audit.page, wanted=Filter(action=Action.PERSON_FORGOTTEN))
    assert told.detail == {'conversations': 3, 'messages': 3, 'files': 8, 'answers': 3}


async def test_several_at_once_do_it_once(store: Store, ask: Ask) -> None:
    ann = await furnish(store, ask, MARK)
    before = await totals(store)
    await begin(store, ann)
    await asyncio.gather(*(finish(store, ann) for _ in range(4)))
    assert await totals(store) == before
    assert await store.read(found, MARK, ann.id) == set()
    assert len(await store.read(audit.page, wanted=Filter(action=Action.PERSON_FORGOTTEN))) == 1


async def test_an_answer_that_ends_meanwhile_costs_what_it_cost_and_says_nothing(store: Store, ask: Ask) -> None:
    ann = await store.write(visit, 'ann')
    begun = await ask(ann, f'{MARK} question')
    await begin(store, ann)
    reply = Reply(
        Status.COMPLETE, (TextPart(MARK),), (), Usage(1, 2, 3, total_price=Decimal('0.5'), currency='USD'),
        conversation_id='up-late', message_id='up-m',
    )  # fmt: skip
    ends = {'message_id': begun.message.id, 'reply': reply, 'now': LATER}
    outcome, _ = await asyncio.gather(store.write(answers.finish, unread=False, **ends), finish(store, ann))
    if not outcome:  # as whoever writes it does then
        about = {'conversation_id': begun.conversation.id, 'app': 'support', 'upstream_id': 'up-late'}
        await store.write(deletions.want_if_gone, dify_user=ann.dify_user, now=LATER, **about)
    assert await store.read(found, MARK, ann.id) == set()
    [line] = await store.read(reports.summed, wanted=ALL, by=('user',))
    assert line.keys == (await pseudonym(store),)
    assert (line.total.answers, line.total.unknown) in {(1, 0), (1, 1)}
    if line.total.unknown == 0:
        assert line.total.price == Decimal('0.5')
    [job] = await store.write(deletions.claim_due, app='support', now=LATER)
    assert job.upstream_id == 'up-late'


async def test_what_is_written_under_their_name_meanwhile_is_found(store: Store, ask: Ask) -> None:
    """By a page, or by another process, that had asked who they are before."""
    ann = await furnish(store, ask, MARK)
    before = await totals(store)
    await begin(store, ann)
    for _ in range(6):
        await store.write(forgetting.step, user_id=ann.id, now=LATER)
    await answered(store, ask, ann, MARK)  # on a day whose sums have their new name already
    await finish(store, ann)
    assert await store.read(found, MARK, ann.id) == set()
    [was], [line] = before[0], (await totals(store))[0]
    assert line.total.price == was.total.price + Decimal('0.300000001')
    assert {line.keys for line in await store.read(reports.summed, wanted=ALL, by=('user',))} == {
        (await pseudonym(store),)
    }


async def test_nothing_is_lost_that_is_begun_in_the_very_last_moment(store: Store, ann: User) -> None:
    """By a process that is at it while the person is about to go."""
    started, go_on = threading.Event(), threading.Event()

    def begin_slowly(session: Session) -> None:
        about = {'user_id': ann.id, 'app': 'support', 'conversation_id': None, 'query': MARK, 'key': 'k'}
        message = turns.begin(session, now=LATER, **about).message
        reply = Reply(Status.COMPLETE, (TextPart(MARK),), conversation_id='up-late')
        answers.finish(session, message_id=message.id, reply=reply, now=LATER, unread=False)
        started.set()
        assert go_on.wait(20)

    def waiting(session: Session) -> bool:
        if session.connection().dialect.name == 'sqlite':
            return True  # it has one writer: the others can't have begun
        return bool(session.connection().scalar(text('SELECT count(*) FROM pg_locks WHERE NOT granted')))

    await begin(store, ann)
    beginning = asyncio.create_task(store.write(begin_slowly))
    await asyncio.to_thread(started.wait, 20)
    finishing = asyncio.create_task(finish(store, ann))
    async with asyncio.timeout(20):
        while not await store.read(waiting):
            pass
    go_on.set()
    await asyncio.gather(beginning, finishing)
    assert await store.read(found, MARK, ann.id) == set()
    [job] = await store.write(deletions.claim_due, app='support', now=LATER)
    assert job.upstream_id == 'up-late'
    [line] = await store.read(reports.summed, wanted=ALL, by=('user',))
    assert line.keys == (await pseudonym(store),)


async def test_they_leave_other_entries_when_they_were_an_admin_themselves(store: Store, ask: Ask) -> None:
    ann, bob = await furnish(store, ask, MARK), await store.write(visit, 'bob')
    await begin(store, bob, actor=Party(ann.id, f'{MARK} Name'))
    await forget(store, ann)
    await finish(store, bob)
    told = await store.read(audit.page, wanted=Filter(action=Action.PERSON_FORGOTTEN))
    assert {users.is_pseudonym(entry.actor.id) for entry in told} == {True, False}
    assert await store.read(found, MARK, ann.id) == set()


async def refused(store: Store, who: Identity, provider: str) -> None:
    about = {'actor': Party(), 'now': NOW, 'address': '192.0.2.7', 'detail': {'provider': provider, 'reason': 'x'}}
    await store.write(people.record_refusal, identity=who, **about)


async def test_a_name_that_nobody_can_see_is_nobodys_name(store: Store) -> None:
    unseen = await store.write(visit, '\u202e', name='\u202e')
    await store.write(audit.record, Action.RETENTION_APPLIED, now=NOW, detail={'by': '', 'messages_days': 30})
    await store.write(audit.record, Action.AUDIT_EXPORTED, now=NOW, actor=ADMIN, address='192.0.2.9')
    before = await store.read(audit.page, wanted=Filter())
    await forget(store, unseen)
    after = await store.read(audit.page, wanted=Filter())
    assert [entry for entry in before if entry not in after] == []


async def test_who_was_refused_elsewhere_under_the_same_name_is_somebody_else(store: Store) -> None:
    ann = await store.write(visit, 'ann', name='Ann Wood', email='ann@example.com')
    await refused(store, Identity('https://id.example', 'old', 'company', 'Ann Wood'), 'company')
    await refused(store, Identity('https://other.example', '7', 'other', 'Ann Wood'), 'other')
    await refused(store, Identity('https://other.example', '8', 'other', '', 'ann@example.com'), 'other')
    await forget(store, ann)
    entries = await store.read(audit.page, wanted=Filter(action=Action.SIGN_IN_REFUSED))
    gone, of_another = Party(await pseudonym(store)), Party('', 'Ann Wood')
    told = {(str(entry.detail['provider']), entry.target, entry.address) for entry in entries}
    assert told == {
        ('company', gone, ''),
        ('other', of_another, '192.0.2.7'),
        ('other', gone, ''),
    }


async def test_their_bytes_go_a_few_at_a_time(store: Store, ask: Ask) -> None:
    ann = await furnish(store, ask, MARK)
    await begin(store, ann)

    def pieces(session: Session) -> int:
        return int(session.connection().scalar(text('SELECT count(*) FROM file_pieces')) or 0)

    left = [await store.read(pieces)]
    assert left == [32]
    while await store.write(forgetting.step, user_id=ann.id, now=LATER):
        left.append(await store.read(pieces))
    assert max(before - after for before, after in pairwise(left)) == files.REMOVED_AT_ONCE
    assert await store.read(sessions.of_person, user_id=ann.id, now=LATER, idle=timedelta(days=1)) == []


async def test_who_is_gone_begins_nothing_more(store: Store, ask: Ask, ann: User) -> None:
    """A page may have asked who they are just before."""
    await forget(store, ann)
    with pytest.raises(NotFound):
        await ask(ann)
    with pytest.raises(NotFound):
        await uploaded(store, ann, MARK)
    held = new_file(ann, MARK, source=Source.TEXT)
    with pytest.raises(NotFound):
        await store.write(files.hold_text, file=held, data=b'held')
