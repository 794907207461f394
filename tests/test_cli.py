"""The command line, as a person meets it."""

import re
import secrets
import signal
import socket
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from support import direct
from support.command import run, webapp

PUBLIC = {
    'WEBAPP_SECRET': secrets.token_hex(32),
    'WEBAPP_GUESTS': 'true',
    'WEBAPP_PUBLIC_URL': 'https://chat.example.com',
}


def test_a_wrong_setting_is_named_in_a_line_and_nothing_starts(tmp_path: Path) -> None:
    ended = run(tmp_path, 'serve', WEBAPP_COLOUR='red', DIFY_API_KEY='app-key-of-mine')
    assert ended.status == 2
    assert ended.said.splitlines() == [
        'These settings make no sense:',
        '- WEBAPP_COLOUR is not a setting; take it out.',
        '- DIFY_BASE_URL is missing: DIFY_API_KEY is set, and one is of no use without the other.',
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('settings', 'said'),
    [
        ({'DIFY_BASE_URL': 'http://127.0.0.1:9', 'DIFY_API_KEY': 'two words'}, 'DIFY_API_KEY: The API key is empty or'),
        ({'DIFY_BASE_URL': 'http://127.0.0.1:9', 'DIFY_API_KEY': 'dataset-1234567'}, 'a key of the knowledge API'),
        ({'DIFY_BASE_URL': 'ftp://dify', 'DIFY_API_KEY': 'app-1'}, 'DIFY_BASE_URL: The address of Dify must begin'),
        (PUBLIC | {'WEBAPP_SECRET': 'too short'}, 'WEBAPP_SECRET is shorter than 32 bytes. Make one with'),
        ({'DATABASE_URL': 'mysql://ann:hush-hush@db/chat'}, 'DATABASE_URL must be sqlite:///path or'),
    ],
)
def test_what_can_not_work_is_refused_before_anything_starts(
    tmp_path: Path, settings: Mapping[str, str], said: str
) -> None:
    ended = run(tmp_path, 'serve', **settings)
    assert (ended.status, said in ended.said) == (2, True), ended.said
    assert not any(value in ended.said for value in ('two words', '1234567', 'too short', 'hush-hush'))


def test_an_env_file_of_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / '.env').write_bytes(b'WEBAPP_ADMINS=J\xf6rg')
    ended = run(tmp_path, 'serve')
    assert (ended.status, '.env can not be read' in ended.said) == (2, True)


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / 'data').write_text('a file, where the folder should be')
    ended = run(tmp_path, 'serve', '--port', '0')
    assert ended.status == 2
    assert 'its file in the folder data is of no use' in ended.said
    ended = run(tmp_path, 'serve', '--port', '0', **PUBLIC)
    assert ended.status == 1
    assert 'The database cannot be used: data' in ended.said
    assert '`webapp doctor` tells more' in ended.said


@pytest.mark.parametrize('command', ['serve', 'migrate'])
def test_a_database_that_is_not_there_is_said_plainly(tmp_path: Path, command: str) -> None:
    ended = run(tmp_path, command, WEBAPP_PORT='0', DATABASE_URL='postgresql+psycopg://ann:hush-hush@127.0.0.1:9/chat')
    assert (ended.status, 'Connection refused' in ended.said) == (1, True)
    assert 'hush-hush' not in ended.said


@pytest.mark.parametrize('command', ['serve', 'migrate'])
def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path, command: str) -> None:
    run(tmp_path, 'migrate')
    with closing(sqlite3.connect(tmp_path / 'data' / 'webapp.db')) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    ended = run(tmp_path, command, WEBAPP_PORT='0')
    assert ended.status == 1
    assert 'made by a newer version of this program' in ended.said
    assert 'Install the version that was here before' in ended.said


def test_a_port_that_is_taken_is_said_plainly(tmp_path: Path) -> None:
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in ('serve', 'demo-upstream'):
            ended = run(tmp_path, command, '--port', port)
            assert ended.status == 1
            assert f'Port {port} is taken' in ended.said
            assert 'WEBAPP_PORT or --port' in ended.said


@pytest.mark.parametrize('host', ['192.0.2.1', 'nowhere.invalid', 'ä' * 100])
def test_an_address_of_another_computer_is_refused(tmp_path: Path, host: str) -> None:
    for command, settings in (('serve', PUBLIC), ('demo-upstream', {})):
        ended = run(tmp_path, command, '--host', host, **settings)
        assert (ended.status, 'is no address of this computer' in ended.said) == (1, True)


@pytest.mark.parametrize('port', ['70000', '-1', 'eighty'])
def test_an_impossible_port_is_refused(tmp_path: Path, port: str) -> None:
    ended = run(tmp_path, 'serve', '--port', port)
    assert (ended.status, 'argument --port' in ended.said) == (2, True)


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_it_is_and_ends_when_asked(tmp_path: Path, number: signal.Signals) -> None:
    with webapp(tmp_path, 'serve', '--port', '0') as process:
        assert process.stderr
        url = process.stderr.readline().removeprefix('Open ').strip()
        assert re.fullmatch(r'http://127\.0\.0\.1:\d+', url)
        answer = direct.get(url, timeout=60)
        assert answer.status_code == 200
        process.send_signal(number)
        rest = process.stderr.read()
        assert process.wait(60) == 0
    assert 'Traceback' not in rest
    assert 'webapp.access: GET / 200' in rest
    assert rest.endswith('webapp.server: Stopped.\n')


def test_the_demo_upstream_runs_alone(tmp_path: Path) -> None:
    with webapp(tmp_path, 'demo-upstream', '--port', '0', '--form') as process:
        assert process.stderr
        url = next(filter(None, (re.search(r'http://127\.0\.0\.1:\d+/v1', line) for line in process.stderr)))
        headers = {'Authorization': 'Bearer demo'}
        answer = direct.get(f'{url[0]}/parameters', headers=headers, timeout=60)
        assert [next(iter(item)) for item in answer.json()['user_input_form']][:2] == ['text-input', 'select']
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert process.returncode == 0


def test_migrate_makes_the_database_and_may_be_run_again(tmp_path: Path) -> None:
    first, second = run(tmp_path, 'migrate'), run(tmp_path, 'migrate')
    assert (first.status, second.status) == (0, 0)
    assert re.fullmatch(r'The database is up to date now: version \d{4}, before empty\.\n', first.said)
    assert re.fullmatch(r'The database is up to date: version \d{4}\.\n', second.said)
    assert (tmp_path / 'data' / 'webapp.db').exists()
    assert run(tmp_path, 'migrate', DATABASE_URL='sqlite:////proc/nothing/webapp.db').status == 2


def test_version(tmp_path: Path) -> None:
    assert re.fullmatch(r'webapp \d+\.\d+\.\d+\n', run(tmp_path, '--version').answered)


@pytest.mark.parametrize('command', ['serve', 'doctor', 'demo-upstream', 'migrate'])
def test_help_gives_examples(tmp_path: Path, command: str) -> None:
    assert command in run(tmp_path, '--help').answered
    shown = run(tmp_path, command, '--help')
    assert (shown.status, f'examples:\n  webapp {command}' in shown.answered) == (0, True)


def test_a_command_is_needed(tmp_path: Path) -> None:
    assert run(tmp_path).status == 2
