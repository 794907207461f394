"""`make login`: a provider and the app that trusts it, with one command."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
from support import direct
from support.server import OURS, free_port, wait_for

COMMAND = Path(__file__).parents[2] / 'tools' / 'try_login.py'


def test_everybody_can_sign_in_until_it_is_interrupted(tmp_path: Path) -> None:
    port = free_port()
    own = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    with (
        subprocess.Popen(
            [sys.executable, str(COMMAND)],
            cwd=tmp_path,
            env=own | {'WEBAPP_PORT': str(port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process,
        direct.client(f'http://127.0.0.1:{port}') as http,
    ):
        try:
            wait_for(lambda: answers(http, '/readyz'), 'the app', 60)
            assert 'data-testid="login-oidc"' in http.get('/login').text
            wait_for(lambda: http.get('/auth/oidc/login').status_code == 303, 'the provider', 30)
            asked = http.get('/auth/oidc/login').headers['location']
            page = direct.post(asked, data={'sub': 'ann'})
            assert http.get(page.headers['location']).status_code == 303
            assert http.get('/admin').status_code == 200
        finally:
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            said, complained = process.communicate(timeout=60)
    assert 'Sign in as ann' in said
    assert 'Traceback' not in complained, complained
    assert not answers(http_of(asked), '/')
    assert (tmp_path / 'data' / 'login' / 'webapp.db').exists()


def http_of(url: str) -> httpx.Client:
    return direct.client(str(httpx.URL(url).copy_with(path='/', query=None)))


def answers(http: httpx.Client, path: str) -> bool:
    try:
        return http.get(path).is_success
    except httpx.TransportError:
        return False
