"""What the log of a whole server tells, and what it keeps to itself."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page
from support.chat import expect_status, open_page, say
from support.command import webapp
from support.server import Serve, wait_for

WORDS = 'the-words-of-a-person'


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    return ('WebSocket', 'ERR_CONNECTION_REFUSED')


def test_an_answer_leads_back_to_the_click_that_began_it(page: Page, serve: Serve) -> None:
    server = serve()
    open_page(page, server.url)
    say(page, f'/html504 {WORDS}')
    expect_status(page, 'failed')
    failed = wait_for(
        lambda: re.search(r'(\S+) webapp.generations.writing: answer \w+ failed', server.log), 'the failure'
    )
    page.close()
    wait_for(lambda: f'{failed[1]} webapp.access: SOCKET /_nicegui_ws/socket.io/ 101' in server.log, 'the socket')
    assert WORDS not in server.log


def test_for_machines_every_line_is_an_object(page: Page, demo: str, tmp_path: Path) -> None:
    settings = {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo'}
    with webapp(tmp_path, 'serve', '--port', '0', '--log-format', 'json', **settings) as process:
        assert process.stderr
        opened = json.loads(process.stderr.readline())
        open_page(page, opened['message'].removeprefix('Open '))
        say(page, f'/html504 {WORDS}')
        expect_status(page, 'failed')
        page.close()
        process.terminate()
        lines = [json.loads(line) for line in process.stderr]
        assert process.wait(20) == 0
    assert all({'time', 'level', 'logger', 'message', 'request_id'} <= line.keys() for line in lines)
    failed = next(line for line in lines if line['logger'] == 'webapp.generations.writing')
    asked = next(line for line in lines if line['message'].startswith('GET / 200'))
    assert failed['user_id'] == asked['user_id'] != ''
    assert WORDS not in json.dumps(lines)
