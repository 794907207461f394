"""`webapp doctor`: what is wrong, and how to mend it."""

import secrets
import socket
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path

import psycopg
import pytest
from doctor_support import INFO, Start, Upstream, examine
from sqlalchemy import URL
from support.command import run
from support.server import Serve

SECRET = secrets.token_hex(32)
PUBLIC = {'WEBAPP_SECRET': SECRET, 'WEBAPP_GUESTS': 'true'}


def test_all_is_well_and_nothing_was_touched(tmp_path: Path, demo: str) -> None:
    found = examine(tmp_path, DIFY_BASE_URL=demo, DIFY_API_KEY='demo')
    assert (found.status, found.bad) == (0, {})
    assert '"Demo assistant", chat; Dify 1.12.1; ' in found['app default']
    assert 'image up to 10 MB' in found['app default']
    assert found['clock'].startswith('agrees with Dify')
    assert list(tmp_path.iterdir()) == []


def test_the_same_for_people(tmp_path: Path, demo: str) -> None:
    well = run(tmp_path, 'doctor', DIFY_BASE_URL=demo, DIFY_API_KEY='demo')
    assert all(line.startswith('ok  ') for line in well.answered.splitlines()[:-2])
    assert well.answered.endswith('\nAll is well.\n')
    ill = run(tmp_path, 'doctor', DIFY_BASE_URL=demo, DIFY_API_KEY='another-key')
    assert ill.status == 1
    assert 'WRONG    app default  Dify does not accept the key\n' in ill.answered
    assert '  -> In Dify, open the app, then API Access' in ill.answered
    assert ill.answered.endswith('\n1 problem.\n')
    assert 'another-key' not in ill.answered + ill.said
    assert '\033' not in ill.answered


def test_without_a_dify_there_is_the_demo(tmp_path: Path) -> None:
    found = examine(tmp_path)
    assert (found.status, found['apps']) == (0, 'none, so the built-in demo answers')


def test_every_wrong_setting_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / 'webapp.toml').write_text('[branding]\nnames = "x"\n[titles]\nmode = "none"\n')
    found = examine(tmp_path, WEBAPP_COLOUR='red', WEBAPP_PORT='eighty', DIFY_API_KEY='app-key-of-mine')
    told = ' '.join(found.texts('settings'))
    for name in ('WEBAPP_COLOUR', 'WEBAPP_PORT', 'branding.names', 'titles.mode'):
        assert name in told
    assert (found.status, found.states['everything else']) == (1, 'skipped')
    assert 'app-key-of-mine' not in found.output


@pytest.fixture
def empty(postgres: URL) -> URL:
    """A database without tables."""
    name = f'doctor_{secrets.token_hex(4)}'
    with connect(postgres) as admin:
        admin.execute(f'CREATE DATABASE {name}')
    return postgres.set(database=name)


def set_version(folder: Path, version: str) -> None:
    with closing(sqlite3.connect(folder / 'data' / 'webapp.db')) as connection, connection:
        connection.execute('UPDATE alembic_version SET version_num = ?', (version,))


class TestApps:
    def test_the_key_of_something_that_is_no_chat(self, tmp_path: Path, upstream: Start) -> None:
        url = upstream(Upstream(info={'name': 'Sums', 'mode': 'workflow'}))
        assert '"Sums" is a workflow app' in self.wrong(tmp_path, url)

    def test_a_key_of_the_knowledge_api_is_known_by_its_form(self, tmp_path: Path) -> None:
        found = examine(tmp_path, DIFY_BASE_URL='http://127.0.0.1:9', DIFY_API_KEY='dataset-0123456789')
        assert 'knowledge API' in found['settings']
        assert '0123456789' not in found.output

    def test_a_wrong_path(self, tmp_path: Path, demo: str) -> None:
        assert 'there is no Service API' in self.wrong(tmp_path, demo.replace('/v1', '/elsewhere'))

    def test_nobody_there(self, tmp_path: Path) -> None:
        with socket.create_server(('127.0.0.1', 0)) as gone:
            port = gone.getsockname()[1]
        assert 'nobody answers there' in self.wrong(tmp_path, f'http://127.0.0.1:{port}')

    def test_a_page_in_place_of_the_api(self, tmp_path: Path, upstream: Start) -> None:
        url = upstream(Upstream(page='<html><title>Welcome to the proxy</title>'))
        assert 'but not Dify' in self.wrong(tmp_path, url)

    def test_somewhere_else(self, tmp_path: Path, upstream: Start) -> None:
        there = 'https://dify.example.com/v1/?token=abc'
        text = self.wrong(tmp_path, upstream(Upstream(status=301, headers={'Location': there})))
        assert text.endswith('sends everybody on to https://dify.example.com/v1/')

    def test_http_is_spoken_where_https_is_asked_for(self, tmp_path: Path, demo: str) -> None:
        assert 'does not speak TLS' in self.wrong(tmp_path, demo.replace('http:', 'https:'))

    def test_several_apps_each_for_itself(self, tmp_path: Path, demo: str) -> None:
        table = '[[apps]]\nslug = "{}"\nbase_url = "{}"\napi_key = "{}"\n'
        (tmp_path / 'webapp.toml').write_text(table.format('one', demo, 'demo') + table.format('two', demo, 'wrong'))
        (tmp_path / 'webapp.toml').chmod(0o600)
        found = examine(tmp_path)
        assert (found.states['app one'], found.states['app two']) == ('ok', 'wrong')

    def test_what_a_server_says_can_do_nothing_to_a_terminal(self, tmp_path: Path, upstream: Start) -> None:
        name = f'\033[2J\r\n\u202eapp-{SECRET}'
        url = upstream(Upstream(info=INFO | {'name': name}, version='1.\033[31m'))
        told = run(tmp_path, 'doctor', DIFY_BASE_URL=url, DIFY_API_KEY=f'app-{SECRET}')
        assert '"?[2J???***", advanced-chat; Dify of an unknown version' in told.answered
        assert told.status == 0

    def test_an_old_dify_and_a_wrong_clock_are_warnings(self, tmp_path: Path, upstream: Start) -> None:
        then = formatdate(time.time() + 300, usegmt=True)
        url = upstream(Upstream(version='0.15.3', headers={'Date': then}))
        found = examine(tmp_path, DIFY_BASE_URL=url, DIFY_API_KEY='demo')
        assert (found.status, found.states['clock']) == (0, 'warning')
        assert 'behind that of Dify' in found['clock']
        assert 'older than the versions we know' in found.texts('app default')[1]

    @staticmethod
    def wrong(folder: Path, url: str) -> str:
        found = examine(folder, DIFY_BASE_URL=url, DIFY_API_KEY='demo')
        assert (found.status, set(found.bad)) == (1, {'app default'})
        assert found.remedies['app default']
        return found['app default']


class TestDatabase:
    def test_a_new_postgresql(self, tmp_path: Path, empty: URL) -> None:
        found = examine(tmp_path, DATABASE_URL=text(empty))
        assert (found.status, found.states['database']) == (0, 'ok')
        assert found['database'].startswith('PostgreSQL 18')

    def test_one_that_may_only_be_read(self, tmp_path: Path, empty: URL) -> None:
        password = secrets.token_hex(8)
        with connect(empty) as admin:
            admin.execute(f"CREATE ROLE reader LOGIN PASSWORD '{password}'")
            admin.execute('REVOKE CREATE ON SCHEMA public FROM PUBLIC')
        found = examine(tmp_path, DATABASE_URL=text(empty.set(username='reader', password=password)))
        assert (found.status, set(found.bad)) == (1, {'database'})
        assert 'not written' in found['database']
        assert password not in found.output

    def test_one_that_is_not_there(self, tmp_path: Path) -> None:
        found = examine(tmp_path, DATABASE_URL='postgresql+psycopg://ann:hush-hush@127.0.0.1:9/chat')
        assert (found.status, set(found.bad)) == (1, {'database'})
        assert 'hush-hush' not in found.output

    def test_a_file_by_its_version(self, tmp_path: Path) -> None:
        run(tmp_path, 'migrate')
        assert 'the newest' in examine(tmp_path)['database']
        set_version(tmp_path, '9999')
        found = examine(tmp_path)
        assert (found.status, set(found.bad)) == (1, {'database'})
        assert 'newer version of this program' in found['database']

    @pytest.mark.parametrize(('hours', 'state'), [(1, 'ok'), (60, 'warning')])
    def test_what_dify_is_still_to_delete(self, tmp_path: Path, hours: int, state: str) -> None:
        run(tmp_path, 'migrate')
        assert 'deletions' not in examine(tmp_path).states
        since = int((datetime.now(UTC) - timedelta(hours=hours)).timestamp() * 1_000_000)
        with closing(sqlite3.connect(tmp_path / 'data' / 'webapp.db')) as connection, connection:
            row = ('d', 'default', 'up', 'u', since, 4, since)
            connection.execute('INSERT INTO deletions VALUES (?, ?, ?, ?, ?, ?, ?)', row)
        found = examine(tmp_path)
        assert found.states['deletions'] == state
        assert 'are deleted here wait for Dify to delete them: 1, the oldest since' in found['deletions']
        assert ('deletions' in found.remedies) == (state == 'warning')

    def test_what_is_no_database(self, tmp_path: Path) -> None:
        (tmp_path / 'notes.db').write_text('milk, bread, ' * 100)
        found = examine(tmp_path, DATABASE_URL=f'sqlite:///{tmp_path}/notes.db')
        assert (found.status, found.states['database']) == (1, 'wrong')


class TestPlace:
    def test_a_port_that_another_program_has(self, tmp_path: Path) -> None:
        with socket.create_server(('127.0.0.1', 0)) as taken:
            found = examine(tmp_path, WEBAPP_PORT=str(taken.getsockname()[1]))
        assert (found.status, set(found.bad)) == (1, {'port'})
        assert 'WEBAPP_PORT' in found['port']

    def test_a_port_that_we_have_ourselves(self, serve: Serve) -> None:
        server = serve()
        found = examine(server.folder, WEBAPP_PORT=str(server.port), **server.environment)
        assert (found.status, found.bad) == (0, {})
        assert 'we run there already' in found['port']
        assert found['database'].startswith('SQLite')

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        found = examine(
            tmp_path, **PUBLIC, WEBAPP_PUBLIC_URL='https://c.example', DATABASE_URL='sqlite:////proc/x/a.db'
        )
        assert (found.status, set(found.bad)) == (1, {'data', 'proxies'})

    @pytest.mark.parametrize(
        ('settings', 'said'),
        [
            (PUBLIC | {'WEBAPP_PUBLIC_URL': 'http://chat.example.com'}, 'is not https'),
            ({'WEBAPP_LOCAL': 'true', 'WEBAPP_HOST': '0.0.0.0'}, 'whoever reaches that port is the admin'),
        ],
    )
    def test_an_address_that_invites_strangers(self, tmp_path: Path, settings: dict[str, str], said: str) -> None:
        found = examine(tmp_path, **settings, WEBAPP_PORT=free())
        assert (found.status, set(found.bad)) == (0, {'public url'})
        assert said in found['public url']

    def test_a_proxy_that_nobody_trusts_and_one_too_many(self, tmp_path: Path) -> None:
        public = PUBLIC | {'WEBAPP_PUBLIC_URL': 'https://chat.example.com'}
        assert 'none is trusted' in examine(tmp_path, **public)['proxies']
        (tmp_path / 'webapp.toml').write_text('[network]\ntrusted_proxies = ["0.0.0.0/0"]\n')
        assert 'every address' in examine(tmp_path, **public)['proxies']

    def test_keys_that_others_can_read(self, tmp_path: Path) -> None:
        (tmp_path / '.env').write_text('DIFY_BASE_URL=http://127.0.0.1:9\nDIFY_API_KEY=app-0123456789\n')
        (tmp_path / '.env').chmod(0o644)
        found = examine(tmp_path)
        assert found.remedies['files'] == 'Run: chmod 600 .env'
        assert 'app-0123456789' not in found.output


def test_hosts_that_never_answer_do_not_hold_it_up(tmp_path: Path, silent: int) -> None:
    (tmp_path / 'webapp.toml').write_text(
        ''.join(
            f'[[apps]]\nslug = "app-{n}"\nbase_url = "http://127.0.0.1:{silent}"\napi_key = "demo"\n' for n in range(5)
        )
    )
    dead = {'DATABASE_URL': f'postgresql://ann@127.0.0.1:{silent}/chat', 'WEBAPP_PORT': str(silent)}
    found = examine(tmp_path, patience=15, **dead)
    assert {name for name, state in found.states.items() if state == 'wrong'} == {
        'database', 'port', 'app app-0', 'app app-1', 'app app-2', 'app app-3', 'app app-4',
    }  # fmt: skip


def text(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def connect(url: URL) -> psycopg.Connection:
    return psycopg.connect(text(url.set(drivername='postgresql')), autocommit=True)


def free() -> str:
    with socket.create_server(('127.0.0.1', 0)) as probe:
        return str(probe.getsockname()[1])
