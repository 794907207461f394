"""Two sites show one embed: what somebody without a token begins on one goes on in the other, and is heard there."""

from collections.abc import Iterator

import httpx
import pytest
from support.server import Server

TOML = """
[[embeds]]
id = "helpdesk"
app = "demo"
origins = ["http://localhost:1", "http://localhost:2"]
anonymous = true
"""
FIRST, SECOND = 'http://localhost:1', 'http://localhost:2'


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp('app'), {})
    (server.folder / 'webapp.toml').write_text(TOML)
    server.start()
    yield server
    server.stop()
    assert 'Traceback' not in server.log


def enter(http: httpx.Client, server: Server, origin: str) -> httpx.Response:
    said = {'token': None, 'origin': origin}
    entered = http.post('/embed/helpdesk', json=said, headers={'Origin': server.url})
    if cookie := entered.headers.get('set-cookie'):
        http.headers['Cookie'] = cookie.partition(';')[0]  # a client that is no browser keeps none that is `Secure`
    return http.get('/embed/helpdesk/chat', params={'t': entered.json()['ticket']})


def test_a_visitor_is_heard_by_the_page_that_they_are_on(server: Server) -> None:
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        assert SECOND not in enter(http, server, FIRST).text
        page = enter(http, server, SECOND)
        assert FIRST in page.text
        assert SECOND in page.text


def test_only_a_frame_takes_a_token_from_an_address(server: Server) -> None:
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        for dest in ('image', 'script', 'empty'):
            answer = http.get('/embed/helpdesk?token=x', headers={'Sec-Fetch-Dest': dest})
            assert (answer.status_code, 'set-cookie' in answer.headers) == (200, False)
        assert http.get('/embed/helpdesk?token=').status_code == 200  # nobody is named: the page asks
        assert http.get('/embed/helpdesk?token=x').status_code == 403
