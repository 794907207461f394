"""What is held of people, over HTTP and by commands: handed out, let go when it is old enough, forgotten."""

import io
import json
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import httpx
import pytest
from sqlmodel import Session
from support import direct
from support.command import Ended, run
from support.people import WITH_LOGIN, SignedIn, in_store, serving, sign_in
from support.server import Serve, Server, wait_for

from webapp.chat.message import Reply, Status, TextPart, Usage
from webapp.principal import Identity, Role
from webapp.store import answers, audit, forgetting, people, turns, users
from webapp.store.audit import Action, Filter, Party
from webapp.store.users import User

NOW = datetime.now(UTC)
MARK = 'marker-of-ann'
ALIKE = 'together@example.com'


def talk(session: Session, *, user_id: str, upstream_id: str, words: str = MARK, at: datetime = NOW) -> None:
    """A question and its answer, in a conversation of its own."""
    begun = turns.begin(
        session, user_id=user_id, app='default', conversation_id=None, query=words, key=uuid4().hex, now=at
    )
    reply = Reply(
        Status.COMPLETE, (TextPart(words),), usage=Usage(1, 2, 3), conversation_id=upstream_id, message_id='m'
    )
    answers.finish(session, message_id=begun.message.id, reply=reply, now=at, unread=False)


def at_dify(demo: str, who: User, *, ask: bool = False) -> list[str]:
    """Ids of a person's conversations there.

    :param ask: whether to begin one first
    """
    headers = {'Authorization': 'Bearer demo'}
    if ask:
        body = {'query': '/echo hello', 'inputs': {}, 'user': who.dify_user, 'response_mode': 'blocking'}
        assert direct.post(f'{demo}/chat-messages', json=body, headers=headers).status_code == 200
    listed = direct.get(f'{demo}/conversations', params={'user': who.dify_user}, headers=headers)
    return [each['id'] for each in listed.json()['data']]


def person(server: Server, who: SignedIn) -> User:
    return in_store(server, users.get, user_id=who.user_id)


def value(server: Server, query: str, *values: object) -> Any:
    with closing(sqlite3.connect(server.folder / 'data' / 'webapp.db')) as connection:
        row = connection.execute(query, values).fetchone()
        return row[0] if row else None


def opened(content: bytes) -> ZipFile:
    return ZipFile(io.BytesIO(content))


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp('people')
    (folder / 'webapp.toml').write_text('[limits]\nexports_per_minute = 5')
    with serving(folder, demo) as server:
        yield server


@pytest.fixture(scope='module')
def ann(server: Server) -> SignedIn:
    ann = sign_in(server, 'ann', name='Ann', email='ann@example.com', email_verified=True)
    in_store(server, talk, user_id=ann.user_id, upstream_id='')
    return ann


def exported(server: Server, whose: SignedIn) -> list[audit.Entry]:
    return in_store(server, audit.page, wanted=Filter(action=Action.PERSON_EXPORTED, people=[whose.user_id]))


def test_everybody_takes_away_what_is_held_of_them(server: Server, ann: SignedIn) -> None:
    with ann.client() as http:
        assert 'href="/me/export.zip"' in http.get('/me').text.replace('\\"', '"')
        answer = http.get('/me/export.zip')
        assert http.get('/me/export.zip', headers={'Sec-Fetch-Site': 'cross-site'}).status_code == 403
    assert (answer.status_code, answer.headers['content-type']) == (200, 'application/zip')
    assert answer.headers['content-disposition'].startswith(f'attachment; filename="person-{ann.user_id[:8]}-')
    assert answer.headers['cache-control'] == 'no-store'
    archive = opened(answer.content)
    assert json.loads(archive.read('person.json'))['email'] == 'ann@example.com'
    assert json.loads(archive.read('messages.jsonl'))['question'] == MARK
    [told] = exported(server, ann)
    assert told.actor == told.target == Party(ann.user_id, 'Ann')


def test_an_admin_who_may_read_takes_it_out_and_that_is_written_down(server: Server, ann: SignedIn) -> None:
    admin = sign_in(server, 'admin', name='Admin', claims_reader=True)
    with admin.client() as http:
        path = f'/admin/users/{ann.user_id}/export.zip'
        assert path in http.get(f'/admin/users/{ann.user_id}').text
        answer = http.get(path)
        assert http.get('/admin/users/nobody/export.zip').status_code == 404
        assert http.get(path, headers={'Sec-Fetch-Site': 'cross-site'}).status_code == 403
    assert MARK in opened(answer.content).read('conversations.jsonl').decode()
    told = exported(server, ann)[0]
    assert (told.actor.id, told.target.id, told.address) == (admin.user_id, ann.user_id, '127.0.0.1')


def test_an_admin_who_may_not_read_takes_out_nothing_but_their_own(server: Server, ann: SignedIn) -> None:
    before = exported(server, ann)
    lena = sign_in(server, 'lena', name='Lena', claims_admin=True)
    with lena.client() as http:
        page = http.get(f'/admin/users/{ann.user_id}').text
        assert 'person-forget' in page
        assert 'person-export' not in page
        refused = http.get(f'/admin/users/{ann.user_id}/export.zip')
        assert (refused.status_code, MARK in refused.text) == (404, False)
        own = f'/admin/users/{lena.user_id}/export.zip'
        assert own in http.get(f'/admin/users/{lena.user_id}').text
        assert http.get(own).status_code == 200
    with sign_in(server, 'reader', claims_reader=True).client() as http:
        assert http.get(f'/admin/users/{ann.user_id}/export.zip').status_code == 404, 'a reader who is no admin'
    assert exported(server, ann) == before


def test_nobody_has_it_made_again_and_again(server: Server) -> None:
    with sign_in(server, 'carl').client() as http:
        statuses = [http.get('/me/export.zip').status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]


def test_the_reports_speak_of_a_deleted_person(server: Server) -> None:
    dan = sign_in(server, 'dan', name='Dan')
    in_store(server, talk, user_id=dan.user_id, upstream_id='')
    with sign_in(server, 'admin', name='Admin').client() as http:
        before = http.get('/admin/usage.csv?by=app').text
        ended = command(server, 'person', 'forget', dan.user_id, '--apply')
        assert ended.status == 0, ended.said
        assert http.get('/admin/usage.csv?by=app').text == before
        rows = http.get('/admin/usage.csv?by=user').text
        assert 'deleted person' in rows
        assert dan.user_id not in rows
        page = http.get('/admin/usage?by=user').text
        assert 'Deleted person (' in page
        assert http.get('/admin/usage?by=answer').status_code == 200


def test_whose_forgetting_has_begun_can_only_be_waited_for(server: Server) -> None:
    fay = sign_in(server, 'fay', name='Fay')
    given = {'actor': Party('x', 'Admin'), 'user_id': fay.user_id, 'now': NOW}
    in_store(server, forgetting.begin, is_admin=lambda _: False, **given)
    with sign_in(server, 'admin', name='Admin').client() as http:
        page = http.get(f'/admin/users/{fay.user_id}').text
        assert 'being-forgotten' in page
        for button in ('person-forget', 'person-block', 'person-unblock'):
            assert button not in page


def test_what_a_killed_server_has_begun_comes_to_its_end(serve: Serve, demo: str) -> None:
    server = serve(**WITH_LOGIN)
    eve = sign_in(server, 'eve')
    her = person(server, eve)
    for upstream_id in (*at_dify(demo, her, ask=True), ''):
        in_store(server, talk, user_id=eve.user_id, upstream_id=upstream_id)
    server.kill()
    given = {'actor': Party('x', 'Admin'), 'user_id': eve.user_id, 'now': NOW}
    in_store(server, forgetting.begin, is_admin=lambda _: False, **given)
    assert value(server, 'SELECT count(*) FROM messages') == 2
    server.start()
    wait_for(lambda: value(server, 'SELECT count(*) FROM users') == 0, 'her to be forgotten')
    wait_for(lambda: at_dify(demo, her) == [], 'Dify to hear of it')
    [told] = in_store(server, audit.page, wanted=Filter(action=Action.PERSON_FORGOTTEN))
    assert told.detail == {'conversations': 2, 'messages': 2, 'answers': 2}


def test_the_server_lets_go_what_is_old_enough_and_dify_hears_of_it(tmp_path: Path, demo: str) -> None:
    (tmp_path / 'webapp.toml').write_text('[retention]\nmessages_days = 30\n')
    server = Server(tmp_path, {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo'} | WITH_LOGIN)
    server.start()
    flo = sign_in(server, 'flo')
    her = person(server, flo)
    [old] = at_dify(demo, her, ask=True)
    in_store(server, talk, user_id=flo.user_id, upstream_id=old, at=NOW - timedelta(days=31))
    in_store(server, talk, user_id=flo.user_id, upstream_id='', words='young')
    server.stop()
    with closing(sqlite3.connect(tmp_path / 'data' / 'webapp.db')) as connection, connection:
        connection.execute('DELETE FROM chores')  # it had found nothing to do today
    server.start()
    wait_for(lambda: value(server, 'SELECT count(*) FROM conversations') == 1, 'the old one to go')
    wait_for(lambda: at_dify(demo, her) == [], 'Dify to hear of it')
    wanted = Filter(action=Action.RETENTION_APPLIED)
    told = wait_for(lambda: [e for e in in_store(server, audit.page, wanted=wanted) if len(e.detail) > 1], 'its entry')
    assert told[0].detail == {'messages_days': 30, 'conversations': 1, 'messages': 1}
    server.stop()
    assert 'Traceback' not in server.log


# commands


def command(server: Server, *arguments: str, **settings: str) -> Ended:
    return run(server.folder, *arguments, **server.environment | settings)


def test_a_dry_run_comes_first_and_changes_nothing(server: Server, ann: SignedIn) -> None:
    ended = command(server, 'person', 'forget', 'ANN@example.com')
    assert ended.status == 0, ended.said
    assert ended.answered.splitlines()[0].startswith(f'Ann, ann@example.com, {ann.user_id}, first seen ')
    assert 'goes: 1 conversations with 1 messages, here and in Dify; 0 files of 0 bytes' in ended.answered
    assert 'stays without a name: 1 answers in the ledger' in ended.answered
    assert ended.answered.splitlines()[-1] == 'Nothing has been changed: this is what --apply would do.'
    assert person(server, ann).name == 'Ann'


def test_a_command_writes_what_is_held_of_somebody(server: Server, ann: SignedIn, tmp_path: Path) -> None:
    output = tmp_path / 'ann.zip'
    ended = command(server, 'person', 'export', 'ann@example.com', '--output', str(output))
    assert ended.status == 0, ended.said
    assert f'{output}: {output.stat().st_size} bytes' in ended.answered
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert MARK in opened(output.read_bytes()).read('messages.jsonl').decode()
    assert exported(server, ann)[0].detail == {'by': 'command'}
    again = command(server, 'person', 'export', ann.user_id, '--output', str(output))
    assert (again.status, 'File exists' in again.said) == (1, True)


def test_a_command_forgets_while_the_server_runs(server: Server, demo: str) -> None:
    hal = sign_in(server, 'hal', email='hal@example.com', email_verified=True)
    his = person(server, hal)
    [upstream_id] = at_dify(demo, his, ask=True)
    in_store(server, talk, user_id=hal.user_id, upstream_id=upstream_id)
    ended = command(server, 'person', 'forget', 'hal@example.com', '--apply')
    assert (ended.status, 'Forgotten.' in ended.answered) == (0, True), ended.said
    assert 'In Dify, 1 conversations are still to be deleted: the server does it' in ended.answered
    assert value(server, 'SELECT count(*) FROM users WHERE id = ?', hal.user_id) == 0
    wait_for(lambda: at_dify(demo, his) == [], 'Dify to hear of it', 45)
    with hal.client() as http:
        assert http.get('/me').status_code == 303


def add(session: Session, name: str) -> None:
    identity = Identity('https://id.example', name, 'oidc', name, ALIKE)
    users.sign_in(session, identity=identity, role=Role.USER, secret='s' * 32, now=NOW)


@pytest.mark.parametrize(
    ('who', 'said'),
    [
        ('nobody@example.com', 'There is nobody with the id or the e-mail address nobody@example.com.'),
        (ALIKE, f'{ALIKE} may be several people; say which by id:'),
    ],
)
def test_a_command_is_about_one_person(server: Server, who: str, said: str) -> None:
    if not in_store(server, people.find, who=ALIKE):
        for name in ('ida', 'ivo'):
            in_store(server, add, name)
    ended = command(server, 'person', 'forget', who, '--apply')
    assert (ended.status, ended.said.splitlines()[0]) == (1, said)
    assert len(in_store(server, people.find, who=ALIKE)) == 2


def test_the_last_admin_stays(serve: Serve) -> None:
    server = serve(**WITH_LOGIN)
    admin = sign_in(server, 'admin')
    ended = command(server, 'person', 'forget', admin.user_id, '--apply')
    assert (ended.status, 'This is the last admin' in ended.said) == (1, True)
    assert person(server, admin).blocked_at is None


@pytest.fixture
def alone(tmp_path: Path, demo: str) -> Server:
    """A database without a server."""
    server = Server(tmp_path, {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo'} | WITH_LOGIN)
    assert command(server, 'migrate').status == 0
    return server


def execute(server: Server, statement: str) -> None:
    with closing(sqlite3.connect(server.folder / 'data' / 'webapp.db')) as connection, connection:
        connection.execute(statement)


def test_a_command_that_could_not_forget_all_does_not_say_that_it_has(alone: Server) -> None:
    joe = sign_in(alone, 'joe', name='Joe')
    execute(alone, 'CREATE TRIGGER away BEFORE DELETE ON users BEGIN SELECT * FROM missing; END')
    ended = command(alone, 'person', 'forget', joe.user_id, '--apply')
    assert (ended.status, 'Forgotten.' in ended.answered) == (1, False)
    assert 'Not all of it has gone' in ended.said
    assert 'Run it again' in ended.said
    execute(alone, 'DROP TRIGGER away')
    again = command(alone, 'person', 'forget', joe.user_id, '--apply')
    assert (again.status, 'Forgotten.' in again.answered) == (0, True), again.said
    assert value(alone, 'SELECT count(*) FROM users') == 0


def test_what_could_not_be_written_is_no_export_and_leaves_nothing(alone: Server) -> None:
    kim = sign_in(alone, 'kim')
    missing, cut = alone.folder / 'missing' / 'kim.zip', alone.folder / 'kim.zip'
    ended = command(alone, 'person', 'export', kim.user_id, '--output', str(missing))
    assert (ended.status, 'No such file or directory' in ended.said) == (1, True)
    assert exported(alone, kim) == []
    execute(alone, 'ALTER TABLE usage_days RENAME TO away')
    ended = command(alone, 'person', 'export', kim.user_id, '--output', str(cut))
    assert (ended.status, 'no such table' in ended.said) == (1, True)
    assert not cut.exists()


def test_a_command_whose_work_is_taken_over_says_so(alone: Server) -> None:
    execute(alone, "CREATE TRIGGER taken AFTER INSERT ON chores BEGIN UPDATE chores SET holder = 'another'; END")
    ended = command(alone, 'retention', '--apply')
    assert (ended.status, ended.said) == (1, 'Another process has taken it over, and goes on with it.\n')


RULES: Mapping[str, int] = {'messages_days': 30, 'audit_days': 365}


def test_the_command_of_retention_tells_what_would_go_and_lets_it_go(tmp_path: Path, demo: str) -> None:
    settings = {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo'} | WITH_LOGIN
    server = Server(tmp_path, settings)
    assert command(server, 'retention').said == 'The database is empty: run `webapp migrate`.\n'
    assert command(server, 'migrate').status == 0
    ian = sign_in(server, 'ian')
    in_store(server, talk, user_id=ian.user_id, upstream_id='up-1', at=NOW - timedelta(days=40))
    ended = command(server, 'retention', '--apply')
    assert ended.answered.splitlines() == [
        *(f'{kind}: kept for ever' for kind in ('messages', 'ratings', 'files', 'ledger', 'audit')),
        'Gone: nothing.',
    ]
    rules = ''.join(f'{name} = {days}\n' for name, days in RULES.items())
    (tmp_path / 'webapp.toml').write_text(f'[retention]\n{rules}')
    dry = command(server, 'retention')
    day = f'{NOW - timedelta(days=40):%Y-%m-%d}'
    assert f'1 conversations, 1 messages; the oldest of {day}, the newest of {day}' in dry.answered
    assert dry.answered.splitlines()[-1] == 'Nothing has been changed: this is what --apply would do.'
    assert value(server, 'SELECT count(*) FROM conversations') == 1
    applied = command(server, 'retention', '--apply')
    assert 'Gone: 1 conversations, 1 messages.' in applied.answered, applied.said
    assert 'In Dify, 1 conversations are still to be deleted' in applied.answered
    assert value(server, 'SELECT count(*) FROM conversations') == 0
    assert value(server, 'SELECT upstream_id FROM deletions') == 'up-1'


def test_days_are_numbers_and_names_are_known(tmp_path: Path) -> None:
    (tmp_path / 'webapp.toml').write_text('[retention]\nmessages_days = -1\nmails_days = 3\n')
    ended = run(tmp_path, 'retention')
    assert ended.status == 2
    assert 'retention.messages_days: Input should be greater than or equal to 0' in ended.said
    assert 'retention.mails_days is not a setting' in ended.said


def test_a_guest_has_no_account_to_take_away(serve: Serve) -> None:
    server = serve(**WITH_LOGIN, WEBAPP_GUESTS='true')
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        assert http.get('/').status_code == 200
        assert http.get('/me/export.zip').status_code == 303
