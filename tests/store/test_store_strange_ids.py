"""A browser may name anything: what no database takes is the id of nothing, and no failure of ours."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from store_support import NOW, Ask

from webapp.errors import NotFound, Refused
from webapp.store import conversations, endings, feedback, files, logins, messages, people, sessions, turns, users
from webapp.store.audit import Party
from webapp.store.database import Store
from webapp.store.endings import Wish
from webapp.store.logins import Attempt
from webapp.store.users import User

STRANGE = ['\0', 'a\0b', '\ud800', 'x' * 10_000, '']
BEGUN = {'query': 'hello', 'key': 'key', 'now': NOW}
COMMANDS: dict[str, Callable[[str], Callable[..., Any]]] = {
    'conversation': lambda id_: partial(conversations.get, conversation_id=id_),
    'rename': lambda id_: partial(conversations.rename, conversation_id=id_, title='title'),
    'delete': lambda id_: partial(conversations.delete, conversation_id=id_, now=NOW),
    'mark read': lambda id_: partial(conversations.mark_read, conversation_id=id_),
    'history': lambda id_: partial(messages.history, conversation_id=id_),
    'message': lambda id_: partial(messages.owned, message_id=id_),
    'retry': lambda id_: partial(turns.supersede, message_id=id_, key='key', now=NOW),
    'choose': lambda id_: partial(turns.choose, message_id=id_),
    'send': lambda id_: partial(turns.begin, app='support', conversation_id=id_, **BEGUN),
    'rate': lambda id_: partial(feedback.rate, message_id=id_, rating='like', comment=id_, now=NOW),
    'file': lambda id_: partial(files.get, file_id=id_),
    'held text': lambda id_: partial(files.text, file_id=id_),
    'attached': lambda id_: partial(turns.begin, app='support', conversation_id=None, attached=[id_], **BEGUN),
}


@pytest.mark.parametrize('strange', STRANGE, ids=ascii)
async def test_a_strange_id_is_of_nothing(store: Store, ann: User, strange: str) -> None:
    for command in COMMANDS.values():
        with pytest.raises((NotFound, Refused)):
            await store.write(command(strange), user_id=ann.id)
    own = Party(ann.id)
    ended = await store.write(people.end_session, actor=own, user_id=ann.id, session_id=strange, now=NOW)
    assert ended is False
    for command in (users.get, people.get):
        with pytest.raises(NotFound):
            await store.read(command, user_id=strange)
    assert await store.write(sessions.end_of_person, user_id=ann.id, session_id=strange, now=NOW) is False


@pytest.mark.parametrize('strange', STRANGE, ids=ascii)
async def test_a_provider_may_name_anything_too(store: Store, ann: User, strange: str) -> None:
    for number, (subject, session) in enumerate(((strange, ''), ('', strange), (strange, strange))):
        wish = Wish('https://id.example', subject, session, f'token {number}', NOW + timedelta(hours=1))
        assert await store.write(endings.grant, wish, now=NOW) == []


async def test_where_a_login_goes_on_to_is_kept_whatever_it_is(store: Store) -> None:
    attempt = Attempt('a', 'b', 'oidc', 'n', 'v', '/a\0\ud800', None, NOW, NOW + timedelta(minutes=10))
    await store.write(logins.begin, attempt)
    assert await store.write(logins.complete, id='a', browser='b', now=NOW) is not None


@pytest.mark.parametrize('before', [10**30, -(10**30), 2**31, 2**63, 0])
async def test_a_number_beyond_all_messages_is_a_number(store: Store, ann: User, ask: Ask, before: int) -> None:
    begun = await ask(ann)
    found = await store.read(messages.history, user_id=ann.id, conversation_id=begun.conversation.id, before=before)
    assert [message.id for message in found] == ([begun.message.id] if before > 1 else [])
