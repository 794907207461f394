"""An instance whose people come by the pages of other sites alone, and have no login here."""

from pathlib import Path

import httpx
import pytest
from support.server import Server

TOML = """
[[apps]]
slug = "support"
base_url = "{}"
api_key = "demo"

[[embeds]]
id = "helpdesk"
app = "support"
origins = ["https://www.example.com"]
anonymous = true
"""
PUBLIC = 'https://chat.example.com'


@pytest.fixture
def server(tmp_path: Path, demo: str) -> Server:
    settings = {'WEBAPP_PUBLIC_URL': PUBLIC, 'WEBAPP_SECRET': '0123456789abcdef' * 3}
    server = Server(tmp_path / 'app', settings)
    (server.folder / 'webapp.toml').write_text(TOML.format(demo))
    return server


def test_visitors_come_in_there_and_nowhere_else(server: Server) -> None:
    server.start()
    try:
        host = {'Host': 'chat.example.com'}
        with httpx.Client(base_url=server.url, headers=host, trust_env=False) as http:
            for path in ('/', '/a/support', '/me', '/admin'):
                assert http.get(path).status_code == 403, path
            assert http.get('/login').headers['location'] == '/'
            said = {'token': None, 'origin': 'https://www.example.com'}
            entered = http.post('/embed/helpdesk', json=said, headers={'Origin': PUBLIC})
            assert entered.headers['set-cookie'].startswith('__Host-e-helpdesk=')
            assert http.get('/embed/helpdesk/chat', params={'t': entered.json()['ticket']}).status_code == 200
    finally:
        server.stop()
    assert 'Traceback' not in server.log


def test_it_needs_a_secret_of_its_own(server: Server) -> None:
    del server.environment['WEBAPP_SECRET']
    with pytest.raises(RuntimeError, match='WEBAPP_SECRET is missing'):
        server.start()
