"""All that is held of a person, as the file that they can take away."""

import io
import json
import tracemalloc
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zipfile import ZipFile

import pytest
from person_support import answered, found, furnish, new_file, uploaded
from store_support import NOW, Ask, visit

from webapp.errors import NotFound
from webapp.exports import person_archive
from webapp.store import audit, budget_table, budgets, conversations, files, people, personal
from webapp.store.audit import Action, Party
from webapp.store.budgets import Budget, Scope, Spender
from webapp.store.database import Store
from webapp.store.files import PIECE
from webapp.store.holdings import HOLDINGS
from webapp.store.users import User

MARK = 'marker-of-ann'
SECRETS = (
    *('session of', 'id token', 'refresh token', 'provider session', 'attempt', 'up.example', 'up-m', 'up-f'),
    *('The Admin', 'the-admin', '192.0.2.9'),
)


async def archive(store: Store, user: User) -> Mapping[str, bytes]:
    """The content of the ZIP by name."""
    whole = b''.join([piece async for piece in person_archive.pieces(store, user.id, moment=NOW)])
    with ZipFile(io.BytesIO(whole)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


async def test_all_that_is_held_of_a_person_is_in_it(store: Store, ask: Ask) -> None:
    ann = await furnish(store, ask, MARK)
    gone = await answered(store, ask, ann, 'gone', now=NOW)
    await store.write(conversations.delete, user_id=ann.id, conversation_id=gone.conversation.id, now=NOW)
    held = await archive(store, ann)

    assert {holding.exported for holding in HOLDINGS if holding.exported} == {
        name if not name.startswith('files/') else 'files/' for name in held
    }
    # in the log they are the ones who are told of; the others hold nothing but hashes, and pieces of what is there
    elsewhere = {'attempts', 'file_pieces', 'audit', 'tickets', 'pairings'}
    for table in {place.partition('.')[0] for place in await store.read(found, MARK)} - elsewhere:
        [name] = [holding.exported for holding in HOLDINGS if holding.table == table]
        assert MARK.encode() in held[name], name
    person = json.loads(held['person.json'])
    assert (person['id'], person['name'], person['email']) == (ann.id, f'{MARK} Name', f'{MARK}@example.com')
    assert lines(held['identities.jsonl'])[0]['groups'] == [MARK]
    assert lines(held['sessions.jsonl'])[0]['device'] == f'{MARK} browser'
    turn = lines(held['messages.jsonl'])[0]
    assert (turn['question'], turn['rating'], turn['comment']) == (f'{MARK} question', 'like', f'{MARK} comment')
    assert turn['answer']['parts'][0] == {'kind': 'text', 'text': f'{MARK} answer'}
    assert turn['answer']['citations'][0]['document'] == f'{MARK} document'
    assert {each['total_price'] for each in lines(held['usage.jsonl'])} == {'0.300000001'}
    assert [each['answers'] for each in lines(held['usage_days.jsonl'])] == [2, 1, 1]
    assert len(lines(held['deletions.jsonl'])) == 1
    assert lines(held['limits.jsonl']) == [{'scope': 'searches', 'at': NOW.isoformat(), 'amount': 1}]


async def test_their_files_are_in_it_with_their_bytes(store: Store, ask: Ask, ann: User) -> None:
    named = await uploaded(store, ann, '../../etc/a:b', pieces=2)
    held_text = new_file(ann, '', source=files.Source.TEXT, name='', kind='', size=15)
    await store.write(files.hold_text, file=held_text, data=b'a long question')
    begun = await answered(store, ask, ann, 'faded', now=NOW)
    faded = begun.message.files[0]
    about = {'ids': [faded.id], 'before': NOW.replace(year=NOW.year + 1)}
    await store.write(files.fade, **about)
    held = await archive(store, ann)
    listed = {each['id']: each for each in lines(held['files.jsonl'])}
    path = listed[named.id]['path']
    assert path == f'files/{named.id}/_.._etc_a_b.png'
    assert held[path] == b'../../etc/a:b'.ljust(PIECE, b'.') * 2
    assert held[listed[held_text.id]['path']] == b'a long question'
    assert listed[faded.id]['path'] is None
    assert listed[faded.id]['name'] == 'faded.png'


async def test_there_is_nothing_secret_in_it_and_nobody_else(store: Store, ask: Ask) -> None:
    ann, bob = await furnish(store, ask, MARK), await furnish(store, ask, 'marker-of-bob')
    held = await archive(store, ann)
    texts = {name: content.decode() for name, content in held.items() if not name.startswith('files/')}
    for word in (*SECRETS, 'marker-of-bob', bob.id, bob.dify_user):
        assert [name for name, text in texts.items() if word in text] == [], word
    entries = {entry['action']: entry for entry in lines(held['audit.jsonl'])}
    assert (entries['signed_in']['by'], entries['signed_in']['address']) == ('you', '192.0.2.8')
    assert (entries['person_read']['by'], entries['person_read']['about']) == ('somebody else', 'you')


async def test_what_an_admin_did_is_told_without_those_it_was_about(store: Store, ann: User) -> None:
    bob = await store.write(visit, 'bob', name='Bob Builder', email='bob@example.com')
    doing = {'actor': Party(ann.id, 'Ann'), 'now': NOW, 'address': '192.0.2.1'}
    await store.write(people.block, user_id=bob.id, **doing)
    details = {
        Action.AUDIT_EXPORTED: {'format': 'csv', 'who': 'Bob Builder bob@example.com', 'action': 'blocked'},
        Action.USAGE_EXPORTED: {'format': 'csv', 'user': bob.id, 'by': 'day'},
        Action.FEEDBACK_READ: {'feedback': ['rating-of-bob']},
        Action.CONVERSATION_READ: {'conversation': 'conversation-of-bob', 'message': 'message-of-bob'},
        Action.NOTICE_SHOWN: {'text': 'a word of hers', 'level': 'info'},
    }
    for action, detail in details.items():
        await store.write(audit.record, action, detail=detail, **doing)
    await store.write(audit.record, Action.PERSON_EXPORTED, target=Party(ann.id), now=NOW, detail={'by': 'command'})
    log = (await archive(store, ann))['audit.jsonl']
    for word in ('bob', 'Bob', bob.id):
        assert word not in log.decode(), word
    told = {entry['action']: entry['detail'] for entry in lines(log)}
    assert told[Action.AUDIT_EXPORTED] == {'format': 'csv', 'action': 'blocked'}
    assert told[Action.USAGE_EXPORTED] == {'format': 'csv', 'by': 'day'}
    assert told[Action.NOTICE_SHOWN] == {'text': 'a word of hers', 'level': 'info'}
    assert (told[Action.FEEDBACK_READ], told[Action.CONVERSATION_READ]) == ({}, {})
    assert (told[Action.BLOCKED], told[Action.PERSON_EXPORTED]) == ({'sessions': 0}, {'by': 'command'})


async def test_of_nobody_there_is_none(store: Store) -> None:
    with pytest.raises(NotFound):
        await anext(person_archive.pieces(store, '\0', moment=NOW))


async def test_more_than_a_page_of_everything_is_whole(
    store: Store, ask: Ask, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personal, 'PAGE', 2)
    monkeypatch.setattr(personal, 'PAGE_OF_MESSAGES', 1)
    for number in range(5):
        begun = await answered(store, ask, ann, f'number {number}', now=NOW)
    more = await ask(ann, 'one more', conversation_id=begun.conversation.id)
    limits = [
        Budget(Scope.USER, ann.id, period, Decimal(9), currency)
        for period in ('day', 'month')
        for currency in ('CHF', 'EUR', 'USD')
    ]
    for limit in limits:
        await store.write(budget_table.save, budget=limit, actor=Party(), now=NOW)
    spender = Spender(ann.id, '', 'support')
    await store.write(budgets.reserve, budgets=limits, message_id='lost', spender=spender, now=NOW)
    held = await archive(store, ann)
    turns = lines(held['messages.jsonl'])
    assert {turn['question'] for turn in turns} == {*(f'number {number} question' for number in range(5)), 'one more'}
    assert [turn['number'] for turn in turns if turn['conversation_id'] == more.conversation.id] == [1, 2]
    for name, number in {'conversations': 5, 'usage': 5, 'files': 10, 'budgets': 6, 'reservations': 3}.items():
        assert len(lines(held[f'{name}.jsonl'])) == number, name


async def test_however_much_it_is_little_of_it_is_held_at_once(store: Store, ann: User) -> None:
    await uploaded(store, ann, 'film', pieces=40)
    tracemalloc.start()
    sizes = [len(piece) async for piece in person_archive.pieces(store, ann.id, moment=NOW)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(sizes) > 40 * PIECE
    assert max(sizes) <= PIECE + 10_000
    assert peak < 10 * PIECE
