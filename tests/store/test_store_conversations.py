"""A person's list of conversations, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select
from store_support import NOW, Ask

from webapp.chat.message import Reply, Status
from webapp.errors import NotFound, Refused
from webapp.store import answers, audit, conversations, messages
from webapp.store.audit import Action, Filter, Party
from webapp.store.database import Store
from webapp.store.tables import MessageRow, UsageRow
from webapp.store.users import User


async def titled(store: Store, user: User, ask: Ask, *titles: str) -> list[str]:
    """Make conversations with these titles, one minute apart, each answered; their ids."""
    ids = []
    for minute, title in enumerate(titles):
        now = NOW + timedelta(minutes=minute)
        begun = await ask(user, title, now=now)
        reply = Reply(Status.COMPLETE)
        await store.write(answers.finish, message_id=begun.message.id, reply=reply, now=now, unread=False)
        ids.append(begun.conversation.id)
    return ids


async def test_the_list_is_read_page_by_page_newest_first(store: Store, ann: User, bob: User, ask: Ask) -> None:
    ids = await titled(store, ann, ask, *(f'number {n}' for n in range(7)))
    await titled(store, bob, ask, 'of another')
    await ask(ann, 'in another app', app='sales')
    seen, cursor = [], None
    while page := await store.read(conversations.page, user_id=ann.id, app='support', before=cursor, limit=3):
        seen.append([c.id for c in page])
        cursor = page[-1].cursor
    assert seen == [ids[6:3:-1], ids[3:0:-1], [ids[0]]]


async def test_pages_have_no_gap_where_moments_are_equal(store: Store, ann: User, ask: Ask) -> None:
    ids = {(await ask(ann, now=NOW)).conversation.id for _ in range(9)}
    seen, cursor = [], None
    while page := await store.read(conversations.page, user_id=ann.id, app='support', before=cursor, limit=2):
        seen += [c.id for c in page]
        cursor = page[-1].cursor
    assert sorted(seen) == sorted(ids)


async def test_what_happens_in_a_conversation_moves_it_up(store: Store, ann: User, ask: Ask) -> None:
    old, new = await titled(store, ann, ask, 'old', 'new')
    await ask(ann, conversation_id=old, now=NOW + timedelta(hours=1))
    page = await store.read(conversations.page, user_id=ann.id, app='support')
    assert [(c.id, c.running) for c in page] == [(old, True), (new, False)]


async def test_search_compares_titles_as_people_do(store: Store, ann: User, ask: Ask) -> None:
    await titled(store, ann, ask, 'Zwei Äpfel', 'Die Strasse', 'όσος', '100% sure', 'snake_case', 'back\\slash')
    for search, found in SEARCHES.items():
        page = await store.read(conversations.page, user_id=ann.id, app='support', search=search)
        assert [c.title for c in page] == found, search


SEARCHES = {
    'ÄPFEL': ['Zwei Äpfel'],
    'straße': ['Die Strasse'],
    'ΌΣΟΣ': ['όσος'],
    '100%': ['100% sure'],
    '_': ['snake_case'],
    '\\': ['back\\slash'],
    '%': ['100% sure'],
    '  sure ': ['100% sure'],
    'nowhere': [],
    '\0': [],
    'sure' * 100_000: [],
}


async def test_the_question_is_the_first_title(store: Store, ann: User, ask: Ask) -> None:
    conversation = (await ask(ann, '\n  How\tis it? \n Well?')).conversation
    assert (conversation.title, conversation.title_state) == ('How is it?', 'provisional')


async def test_a_person_names_a_conversation(store: Store, ann: User, ask: Ask) -> None:
    conversation = (await ask(ann)).conversation
    named = {'user_id': ann.id, 'conversation_id': conversation.id}
    renamed = await store.write(conversations.rename, **named, title='  My\ntítulo \ud800 🐸 ')
    assert renamed == replace(conversation, title='My título � 🐸', title_state='manual')
    assert len((await store.write(conversations.rename, **named, title='x' * 300)).title) == 255
    with pytest.raises(Refused, match='blank_title'):
        await store.write(conversations.rename, **named, title=' \n\u202e')


async def test_deleting_gives_what_was_deleted_and_leaves_only_its_cost(store: Store, ann: User, ask: Ask) -> None:
    [kept] = await titled(store, ann, ask, 'kept')
    begun = await ask(ann, 'gone')
    gone = begun.conversation.id
    reply = Reply(Status.COMPLETE, conversation_id='up-1')
    await store.write(answers.finish, message_id=begun.message.id, reply=reply, now=NOW, unread=False)
    of = {'user_id': ann.id, 'conversation_id': gone, 'now': NOW, 'address': '192.0.2.7'}
    deleted = await store.write(conversations.delete, **of)
    assert (deleted.id, deleted.app) == (gone, 'support')
    with pytest.raises(NotFound):
        await store.write(conversations.delete, **of)

    def remaining(session: Session) -> tuple[set[str], set[str]]:
        of_messages = session.exec(select(MessageRow.conversation_id))
        return set(of_messages), set(session.exec(select(UsageRow.conversation_id)))

    assert await store.read(remaining) == ({kept}, {gone, kept})
    [entry] = await store.read(audit.page, wanted=Filter(action=Action.CONVERSATION_DELETED))
    assert (entry.actor, entry.target, entry.address) == (Party(ann.id), Party(ann.id), '192.0.2.7')
    assert entry.detail == {'conversation': gone, 'app': 'support'}, 'no title, no text'


async def test_unread_until_it_is_read(store: Store, ann: User, ask: Ask) -> None:
    begun = await ask(ann)
    await store.write(answers.finish, message_id=begun.message.id, reply=Reply(Status.COMPLETE), now=NOW, unread=True)
    of = {'user_id': ann.id, 'conversation_id': begun.conversation.id}
    assert (await store.read(conversations.get, **of)).unread
    assert await store.write(conversations.mark_read, **of)
    assert not await store.write(conversations.mark_read, **of)
    assert not (await store.read(conversations.get, **of)).unread


async def test_a_message_keeps_the_first_name_of_its_conversation_upstream(store: Store, ann: User, ask: Ask) -> None:
    begun = await ask(ann)
    of = {'user_id': ann.id, 'message_id': begun.message.id}

    async def hear_from(upstream_id: str) -> str:
        reply = Reply(conversation_id=upstream_id)
        await store.write(answers.flush, message_id=begun.message.id, reply=reply)
        return (await store.read(messages.owned, **of)).upstream_id

    assert await hear_from('up-1') == 'up-1'
    assert await hear_from('up-2') == 'up-1'


async def test_some_are_read_together_and_only_ones_own(store: Store, ann: User, bob: User, ask: Ask) -> None:
    mine, other = (await ask(ann, 'one')).conversation, (await ask(ann, 'two')).conversation
    theirs = (await ask(bob, 'three')).conversation
    found = await store.read(conversations.some, user_id=ann.id, ids=[mine.id, theirs.id, 'nobody'])
    assert [conversation.id for conversation in found] == [mine.id]
    assert found[0].running
    assert other.id not in {conversation.id for conversation in found}
