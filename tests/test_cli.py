"""The command line, as a person meets it."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest


@contextmanager
def webapp(folder: Path, *arguments: str, **variables: str) -> Iterator['subprocess.Popen[str]']:
    ours = ('WEBAPP_', 'DIFY_', 'OIDC_', 'DATABASE_URL')
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    command = [sys.executable, '-m', 'webapp', *arguments]
    with subprocess.Popen(command, cwd=folder, env=env | variables, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ends(folder: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """Exit status and what was said."""
    with webapp(folder, *arguments, **variables) as process:
        _, said = process.communicate(timeout=60)
    return process.returncode, said


def test_a_wrong_setting_is_named_in_a_line_and_nothing_starts(tmp_path: Path) -> None:
    status, said = ends(tmp_path, 'serve', WEBAPP_COLOUR='red', DIFY_API_KEY='app-key-of-mine')
    assert status == 2
    assert said.splitlines() == [
        'These settings make no sense:',
        '- WEBAPP_COLOUR is not a setting; take it out.',
        '- DIFY_BASE_URL is missing: DIFY_API_KEY is set, and one is of no use without the other.',
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_said_plainly(tmp_path: Path) -> None:
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in ('serve', 'demo-upstream'):
            status, said = ends(tmp_path, command, '--port', port)
            assert status == 1
            assert f'Port {port} is taken' in said
            assert 'Traceback' not in said


@pytest.mark.parametrize('port', ['70000', '-1', 'eighty'])
def test_an_impossible_port_is_refused(tmp_path: Path, port: str) -> None:
    status, said = ends(tmp_path, 'serve', '--port', port)
    assert (status, 'Traceback' in said) == (2, False)


def test_serve_says_where_it_is_and_ends_when_asked(tmp_path: Path) -> None:
    with webapp(tmp_path, 'serve', '--port', '0', '--log-format', 'json') as process:
        assert process.stderr
        url = process.stderr.readline().removeprefix('Open ').strip()
        assert re.fullmatch(r'http://127\.0\.0\.1:\d+', url)
        answer = httpx.get(url, trust_env=False, timeout=60)
        assert answer.status_code == 200
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        process.wait(60)
    assert 'Traceback' not in rest
    assert '"message": "GET / 200' in rest


def test_the_demo_upstream_runs_alone(tmp_path: Path) -> None:
    with webapp(tmp_path, 'demo-upstream', '--port', '0') as process:
        assert process.stderr
        url = next(filter(None, (re.search(r'http://127\.0\.0\.1:\d+/v1', line) for line in process.stderr)))
        headers = {'Authorization': 'Bearer demo'}
        assert httpx.get(f'{url[0]}/parameters', headers=headers, trust_env=False, timeout=60).status_code == 200
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert process.returncode == 0


def test_migrate_makes_the_database_and_may_be_run_again(tmp_path: Path) -> None:
    for _ in range(2):
        status, said = ends(tmp_path, 'migrate')
        assert (status, 'up to date' in said) == (0, True)
    assert (tmp_path / 'data' / 'webapp.db').exists()
    status, said = ends(tmp_path, 'migrate', DATABASE_URL='sqlite:////proc/nothing/webapp.db')
    assert (status, 'Traceback' in said) == (2, False)


def test_help_and_version(tmp_path: Path) -> None:
    assert ends(tmp_path, '--help')[0] == 0
    assert ends(tmp_path, '--version')[0] == 0
    assert ends(tmp_path)[0] == 2
