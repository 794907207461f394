"""Files in the database: whose they are, in which message they stand, and what deletes them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlmodel import Session
from store_support import NOW, Ask

from webapp.chat.message import Failure, Reply, Status, TextPart
from webapp.errors import NotFound, Refused
from webapp.store import answers, conversations, feedback, files, messages, turns
from webapp.store.database import Store
from webapp.store.files import PIECE, File, Source
from webapp.store.users import User

LATER = NOW + timedelta(days=2)
BROKEN = Reply(status=Status.INTERRUPTED, failure=Failure('stream_cut'), conversation_id='up-1', message_id='up-m')


def a_file(user: User, name: str = 'photo.png', **changes: object) -> File:
    given = File(uuid4().hex, user.id, 'support', Source.USER, 'image', name, 'image/png', 3, NOW, 2, 1, 'up-f')
    return replace(given, **changes)  # type: ignore[arg-type]


async def uploaded(store: Store, user: User, name: str = 'photo.png', data: bytes = b'abc') -> File:
    file = a_file(user, name, size=len(data))
    await store.write(files.add, file=file)
    for number, start in enumerate(range(0, len(data), PIECE)):
        await store.write(files.put_piece, file_id=file.id, number=number, data=data[start : start + PIECE])
    return await store.write(files.complete, file=file)


async def rows(store: Store, table: str) -> int:
    def count(session: Session) -> int:
        return int(session.connection().scalar(text(f'SELECT count(*) FROM {table}')) or 0)

    return await store.read(count)


async def test_a_file_is_there_for_its_owner_and_for_nobody_else(store: Store, ann: User, bob: User) -> None:
    file = await uploaded(store, ann)
    assert await store.read(files.get, user_id=ann.id, file_id=file.id) == file
    assert (file.is_kept, file.conversation_id) == (True, None)
    for who, which in ((bob.id, file.id), (ann.id, 'unknown'), (ann.id, '\0')):
        with pytest.raises(NotFound):
            await store.read(files.get, user_id=who, file_id=which)


async def test_pieces_are_bytes_and_a_second_attempt_replaces_the_first(store: Store, ann: User) -> None:
    every = bytes(range(256))
    file = await uploaded(store, ann, data=b'cut')
    await store.write(files.put_piece, file_id=file.id, number=0, data=every)
    assert await store.read(files.piece, file_id=file.id, number=0) == every
    with pytest.raises(NotFound):
        await store.read(files.piece, file_id=file.id, number=1)
    with pytest.raises(NotFound):
        await store.write(files.put_piece, file_id='gone', number=0, data=b'')
    with pytest.raises(NotFound):
        await store.write(files.complete, file=a_file(ann))


async def test_files_go_along_with_a_question_in_their_order(store: Store, ann: User, ask: Ask) -> None:
    first, second = await uploaded(store, ann, 'b.png'), await uploaded(store, ann, 'a.png')
    begun = await ask(ann, attached=[first.id, second.id])
    assert [file.name for file in begun.message.files] == ['b.png', 'a.png']
    [kept] = await store.read(messages.history, user_id=ann.id, conversation_id=begun.conversation.id)
    assert kept == begun.message
    assert kept.files[0].conversation_id == begun.conversation.id


async def test_the_same_key_takes_the_same_files_again(store: Store, ann: User, ask: Ask) -> None:
    file = await uploaded(store, ann)
    begun = await asyncio.gather(*(ask(ann, key='draft', attached=[file.id]) for _ in range(10)))
    assert sum(b.is_new for b in begun) == 1
    assert {b.message.files[0].id for b in begun} == {file.id}


async def test_a_file_without_words_gives_the_title(store: Store, ann: User, ask: Ask) -> None:
    file = await uploaded(store, ann, 'Plan of the house.png')
    assert (await ask(ann, '', attached=[file.id])).conversation.title == 'Plan of the house.png'


async def test_what_is_not_an_unsent_upload_of_theirs_is_refused(store: Store, ann: User, bob: User, ask: Ask) -> None:
    mine, foreign, used = await uploaded(store, ann), await uploaded(store, bob), await uploaded(store, ann)
    await ask(ann, attached=[used.id])
    cut = a_file(ann)
    await store.write(files.add, file=cut)
    elsewhere = await uploaded(store, ann)
    wrong = ([foreign.id], ['unknown'], [used.id], [cut.id], [mine.id, mine.id], [mine.id, foreign.id], ['\0'])
    for ids in wrong:
        with pytest.raises(Refused, match='file_gone'):
            await ask(ann, attached=ids)
    with pytest.raises(Refused, match='file_gone'):
        await ask(ann, app='sales', attached=[elsewhere.id])
    assert len(await store.read(conversations.page, user_id=ann.id, app='support')) == 1
    assert (await ask(ann, attached=[mine.id])).message.files


async def test_one_file_can_not_be_sent_twice_at_once(store: Store, ann: User, ask: Ask) -> None:
    file = await uploaded(store, ann)
    both = await asyncio.gather(*(ask(ann, attached=[file.id]) for _ in range(4)), return_exceptions=True)
    assert sum(not isinstance(one, Refused) for one in both) == 1


@pytest.mark.parametrize('answer', [BROKEN, replace(BROKEN, parts=(TextPart('It'),))])
async def test_a_question_asked_again_has_its_files_again(store: Store, ann: User, ask: Ask, answer: Reply) -> None:
    first, second = await uploaded(store, ann, 'b.png'), await uploaded(store, ann, 'a.png')
    begun = await ask(ann, attached=[first.id, second.id])
    await store.write(answers.finish, message_id=begun.message.id, reply=answer, now=NOW, unread=False)
    again = await store.write(turns.supersede, user_id=ann.id, message_id=begun.message.id, key='again', now=NOW)
    assert [file.id for file in again.message.files] == [first.id, second.id]
    history = await store.read(messages.history, user_id=ann.id, conversation_id=begun.conversation.id)
    assert [[file.id for file in message.files] for message in history][-1] == [first.id, second.id]
    assert await rows(store, 'files') == 2


async def test_deleting_a_conversation_deletes_all_its_files(store: Store, ann: User, ask: Ask) -> None:
    file, other = await uploaded(store, ann), await uploaded(store, ann)
    begun = await ask(ann, attached=[file.id])
    made = a_file(ann, source=Source.ASSISTANT, upstream_url='https://dify.example/files/tools/x.png', is_kept=False)
    await store.write(files.adopt, file=made, message_id=begun.message.id)
    assert await rows(store, 'files') == 3
    await store.write(conversations.delete, user_id=ann.id, conversation_id=begun.conversation.id, now=NOW)
    for gone in (file, made):
        with pytest.raises(NotFound):
            await store.read(files.get, user_id=ann.id, file_id=gone.id)
        with pytest.raises(NotFound):  # what is still being fetched for it has no place any more
            await store.write(files.put_piece, file_id=gone.id, number=1, data=b'more')
    assert not await store.write(files.remove_some)
    tables = ('files', 'file_pieces', 'message_files')
    assert [await rows(store, table) for table in tables] == [1, 1, 0]
    assert await store.read(files.get, user_id=ann.id, file_id=other.id) == other


async def test_the_bytes_of_deleted_files_go_a_few_at_a_time(store: Store, ann: User, ask: Ask) -> None:
    sent = await uploaded(store, ann, data=b'x' * (PIECE * 19 + 1))
    small, kept = await uploaded(store, ann), await uploaded(store, ann)
    begun = await ask(ann, attached=[sent.id, small.id])
    await store.write(conversations.delete, user_id=ann.id, conversation_id=begun.conversation.id, now=NOW)
    left = [await rows(store, 'file_pieces')]
    while await store.write(files.remove_some):
        left.append(await rows(store, 'file_pieces'))
    assert left == [22, 14, 6]
    assert (await rows(store, 'files'), await rows(store, 'file_pieces')) == (1, 1)
    assert await store.read(files.piece, file_id=kept.id, number=0) == b'abc'


async def test_deleting_a_person_deletes_all_their_files(store: Store, ann: User, ask: Ask) -> None:
    await ask(ann, attached=[(await uploaded(store, ann)).id])
    await uploaded(store, ann)

    def delete(session: Session) -> None:
        session.connection().execute(text('DELETE FROM users'))

    await store.write(delete)
    tables = ('files', 'file_pieces', 'message_files', 'messages')
    assert [await rows(store, table) for table in tables] == [0, 0, 0, 0]


async def test_what_is_never_sent_goes_after_a_while(store: Store, ann: User, ask: Ask) -> None:
    sent = await uploaded(store, ann)
    await ask(ann, attached=[sent.id])
    await uploaded(store, ann)
    await store.write(files.hold_text, file=a_file(ann, source=Source.TEXT, kind=''), data=b'long')
    assert await store.write(files.purge, before=NOW) == 0
    assert await store.write(files.purge, before=LATER) == 2
    assert await store.write(files.purge, before=LATER) == 0
    assert not await store.write(files.remove_some)
    assert (await rows(store, 'files'), await rows(store, 'file_pieces')) == (1, 1)


async def test_the_last_few_long_texts_of_a_person_are_held(store: Store, ann: User, bob: User) -> None:
    data = 'Ünï'.encode() * 600_000
    held = [a_file(ann, source=Source.TEXT, created_at=NOW + timedelta(seconds=n)) for n in range(6)]
    for one in held:
        await store.write(files.hold_text, file=one, data=data)
    for one in held[-files.MAX_TEXTS :]:
        assert await store.read(files.text, user_id=ann.id, file_id=one.id) == data.decode()
    upload = await uploaded(store, ann)
    for who, gone in ((ann.id, held[0].id), (bob.id, held[-1].id), (ann.id, upload.id)):
        with pytest.raises(NotFound):
            await store.read(files.text, user_id=who, file_id=gone)


async def test_an_assistants_file_is_noted_once_and_stands_beside_the_questions(
    store: Store, ann: User, ask: Ask
) -> None:
    begun = await ask(ann, attached=[(await uploaded(store, ann)).id])
    made = a_file(ann, 'sun.png', source=Source.ASSISTANT, upstream_url='/files/tools/1.png')
    for url in ('/files/tools/1.png', '/files/tools/1.png?sign=2', ''):
        await store.write(files.adopt, file=replace(made, upstream_url=url), message_id=begun.message.id)
    [message] = await store.read(messages.history, user_id=ann.id, conversation_id=begun.conversation.id)
    assert (len(message.files), [file.upstream_url for file in message.made]) == (1, ['/files/tools/1.png?sign=2'])

    with pytest.raises(NotFound):  # upstream has not named the message yet
        await store.read(files.origin, file_id=made.id)
    await store.write(answers.finish, message_id=begun.message.id, reply=BROKEN, now=NOW, unread=False)
    origin = await store.read(files.origin, file_id=made.id)
    assert origin == files.Origin('support', ann.dify_user, 'up-1', 'up-m')
    await store.write(files.adopt, file=replace(made, id=uuid4().hex), message_id='gone')
    assert await rows(store, 'files') == 2


async def test_a_rating_is_kept_until_upstream_has_been_told(store: Store, ann: User, bob: User, ask: Ask) -> None:
    begun = await ask(ann)
    rated = {'user_id': ann.id, 'message_id': begun.message.id, 'comment': 'so\0 good', 'now': NOW}
    with pytest.raises(Refused, match='not_rateable'):
        await store.write(feedback.rate, **rated, rating='like')  # type: ignore[arg-type]
    await store.write(answers.finish, message_id=begun.message.id, reply=BROKEN, now=NOW, unread=False)
    with pytest.raises(NotFound):
        await store.write(feedback.rate, **{**rated, 'user_id': bob.id}, rating='like')  # type: ignore[arg-type]
    await store.write(feedback.rate, **rated, rating='like')  # type: ignore[arg-type]

    [job] = await store.write(feedback.claim_due, now=NOW)
    assert (job.upstream_id, job.rating, job.comment, job.dify_user) == ('up-m', 'like', 'so� good', ann.dify_user)
    assert await store.write(feedback.claim_due, now=NOW) == []

    later = NOW + timedelta(seconds=1)
    await store.write(feedback.rate, **{**rated, 'now': later}, rating=None)  # type: ignore[arg-type]
    await store.write(feedback.settle, job=job, told=True, now=later)  # the older one
    [message] = await store.read(messages.history, user_id=ann.id, conversation_id=begun.conversation.id)
    assert (message.rating, message.comment) == ('', '')
    [job] = await store.write(feedback.claim_due, now=later)
    assert job.rating is None
    await store.write(feedback.settle, job=job, told=True, now=later)
    assert await store.write(feedback.claim_due, now=LATER) == []
    assert await store.write(feedback.revive, now=LATER) == 0


async def test_a_rating_that_nobody_takes_waits_longer_each_time_and_for_the_next_start(
    store: Store, ann: User, ask: Ask
) -> None:
    begun = await ask(ann)
    await store.write(answers.finish, message_id=begun.message.id, reply=BROKEN, now=NOW, unread=False)
    await store.write(feedback.rate, user_id=ann.id, message_id=begun.message.id, rating='dislike', comment='', now=NOW)
    now, waits = NOW, []
    while due := await store.read(feedback.next_due):
        waits.append(due - now)
        now = due
        [job] = await store.write(feedback.claim_due, now=now)
        await store.write(feedback.settle, job=job, told=False, now=now)
    assert waits == [timedelta(0), *feedback.BACKOFF]
    assert await store.write(feedback.revive, now=now) == 1
    [job] = await store.write(feedback.claim_due, now=now)
    await store.write(feedback.settle, job=job, told=False, hopeless=True, now=now)
    assert await store.read(feedback.next_due) is None
