"""Somebody with things of their own, everybody else, and an upstream that counts."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send
from support import direct
from support.live import Live, live
from support.people import SignedIn, sign_in
from support.server import Server, wait_for

__all__ = ['Live', 'World', 'live']

NAMES = ('conversation', 'message', 'file', 'unsent', 'held', 'broken', 'unwanted', 'user')
UNKNOWN = '0' * 32
SECRET_WORD = 'canary'  # in everything that is the owner's
STAFF = frozenset({'staff'})  # the group that the owner is in, and the app for it
OWN = ('conversations', 'messages', 'files', 'message_files', 'feedback', 'usage')
GROWING = ('reply', 'updated_at', 'ended_at', 'look_at', 'looks')  # while an answer is written, and looked up later


class Recorder:
    """Middleware in front of the demo: which requests came in that are not about the app alone."""

    def __init__(self, app: ASGIApp, seen: list[str]) -> None:
        self._app = app
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] == 'http' and not scope['path'].endswith(('/info', '/parameters', '/app/feedbacks')):
            self._seen.append(f'{scope["method"]} {scope["path"]}')
        await self._app(scope, receive, send)


@dataclass
class World:
    """:param server: closed to guests
    :param open: another process on the same database, which lets guests in
    """

    server: Server
    open: Server
    asked: list[str]  # of the upstream
    ann: SignedIn  # the owner
    conversation: str = ''
    message: str = ''
    file: str = ''  # in the message
    unsent: str = ''  # uploaded, not sent yet
    held: str = ''  # a long text that waits to be sent
    broken: str = ''  # a message whose answer has failed, in a conversation of its own
    unwanted: str = ''  # that conversation, or another one
    of_staff: dict[str, str] = field(default_factory=dict)  # the same names, of things in the app for `STAFF`

    @staticmethod
    def new_key() -> str:
        """As a browser makes one for each draft."""
        return uuid4().hex

    @property
    def ids(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in NAMES}

    @contextmanager
    def everybody(self) -> Iterator[dict[str, httpx.Client]]:
        """A browser of each: the owner, another person, a guest, somebody without a session, and an admin.

        The admin is one by a claim, see `demote`.
        """
        with ExitStack() as ends:
            yield {
                'owner': ends.enter_context(sign_in(self.server, 'ann', groups=STAFF).client()),
                'other': ends.enter_context(sign_in(self.server, 'bob').client()),
                'guest': ends.enter_context(direct.client(self.open.url)),
                'ex_admin': ends.enter_context(sign_in(self.server, 'eve', claims_admin=True).client()),
                'nobody': ends.enter_context(direct.client(self.server.url)),
            }

    def demote(self) -> None:
        """Their provider says no more that the admin is one."""
        sign_in(self.server, 'eve', claims_admin=False)

    @property
    def user(self) -> str:
        return self.ann.user_id

    def of_nothing(self) -> 'World':
        """The same, with ids of what is nobody's."""
        ids = dict.fromkeys(NAMES, UNKNOWN)
        return replace(self, ann=replace(self.ann, user_id=ids.pop('user'), session_id=UNKNOWN), **ids)

    def behind_closed_doors(self) -> 'World':
        """The same, with ids of what the owner has in the app for `STAFF`."""
        return replace(self, **self.of_staff)

    def settle(self) -> None:
        """Wait until nothing of the owner's changes by itself any more, nor by being looked at."""
        unsettled = (
            "SELECT 1 FROM messages WHERE status = 'running' UNION ALL "
            'SELECT 1 FROM conversations WHERE title_due_at IS NOT NULL UNION ALL '
            'SELECT 1 FROM feedback WHERE due_at IS NOT NULL'
        )
        wait_for(lambda: not self.value(unsettled), 'everything to settle', 30)
        with self.ann.client() as http:
            http.get(f'/a/default/c/{self.conversation}')  # which reads it, should it be unread

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """All that the owner has, as the database has it."""
        with closing(sqlite3.connect(self.server.folder / 'data' / 'webapp.db')) as connection:
            found = {}
            for table in OWN:
                names = [row[1] for row in connection.execute(f'PRAGMA table_info({table})')]
                columns = ', '.join(f'"{name}"' for name in names if name not in GROWING)
                mine = 'user_id = ?' if 'user_id' in names else 'file_id IN (SELECT id FROM files WHERE user_id = ?)'
                query = f'SELECT {columns} FROM {table} WHERE {mine} ORDER BY 1'
                found[table] = connection.execute(query, (self.ann.user_id,)).fetchall()
            return found

    def value(self, query: str, *values: object) -> Any:
        with closing(sqlite3.connect(self.server.folder / 'data' / 'webapp.db')) as connection:
            row = connection.execute(query, values).fetchone()
            return row[0] if row else None


def furnish(world: World, http: httpx.Client) -> None:
    """Give the owner a conversation, a file in it, one that is not sent yet, and a text that waits."""
    origin = {'Origin': world.server.url}

    def upload(name: str, app: str = 'default') -> str:
        content = (name, f'{SECRET_WORD} in {name}'.encode(), 'text/plain')
        answer = http.post('/uploads', data={'app': app}, files={'file': content}, headers=origin)
        assert answer.status_code == 201, answer.text
        return str(answer.json()['id'])

    world.file, world.unsent = upload('sent.txt'), upload('unsent.txt')
    answer = http.post('/uploads/text', content=f'{SECRET_WORD} held', headers=origin)
    world.held = answer.json()['id']
    world.conversation, world.message = begin(world, http, f'/echo {SECRET_WORD}', 'key-of-the-first', world.file)
    with live(http, f'/a/default/c/{world.conversation}') as page:
        page.fire('thread feedback', world.message, 'dislike', SECRET_WORD)
        wait_for(lambda: world.value('SELECT 1 FROM feedback'), 'a rating')
    _, world.broken = begin(world, http, f'/error first {SECRET_WORD}', world.new_key())
    world.unwanted, _ = begin(world, http, f'/echo {SECRET_WORD} unwanted', world.new_key())
    world.of_staff['file'] = upload('staff.txt', 'staff')
    world.of_staff['unwanted'], world.of_staff['message'] = begin(
        world, http, f'/echo {SECRET_WORD}', world.new_key(), world.of_staff['file'], app='staff'
    )
    world.of_staff |= {'conversation': world.of_staff['unwanted'], 'broken': world.of_staff['message']}
    world.settle()


def begin(world: World, http: httpx.Client, query: str, key: str, *files: str, app: str = 'default') -> tuple[str, str]:
    """Ids of a new conversation and its message, whose answer has ended."""
    with live(http, f'/a/{app}') as page:
        page.fire('composer send', query, key, list(files), '')
        page.hears('accepted')
    find = "SELECT json_array(conversation_id, id) FROM messages WHERE key = ? AND status <> 'running'"
    conversation, message = json.loads(wait_for(lambda: world.value(find, key), 'an answer', 30))
    return conversation, message
