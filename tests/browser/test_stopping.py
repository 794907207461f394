"""The server is asked to stop while somebody reads."""

import signal
import subprocess

import pytest
from playwright.sync_api import Page, expect
from support import direct
from support.chat import CONNECTED, answers, expect_status, open_page, say, text_of, wait_for_text
from support.forking import Forked
from support.server import Serve, Server, wait_for

STOPPED = 0


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    return ('ERR_CONNECTION_REFUSED', 'WebSocket', '503')


def test_a_running_answer_is_read_to_its_end(page: Page, serve: Serve) -> None:
    server = serve()
    open_page(page, server.url)
    say(page, '/long 200 /rate 50')
    wait_for_text(page, 20)
    process = ask_to_stop(server)
    expect_status(page, 'complete')
    whole = text_of(page)
    assert process.wait(20) == STOPPED
    server.start()  # the page comes back by itself
    page.wait_for_function(CONNECTED)
    expect_status(page, 'complete')
    assert text_of(page) == whole


def test_while_answers_end_pages_are_served_but_nothing_new_is_begun(page: Page, serve: Serve) -> None:
    server = serve()
    open_page(page, server.url)
    say(page, '/long 300 /rate 50')
    wait_for_text(page, 20)
    page.wait_for_url('**/c/*')
    process = ask_to_stop(server)
    ready = direct.get(f'{server.url}/readyz')
    assert (ready.status_code, ready.json()['checks']['server']) == (503, 'The server is being stopped.')
    open_page(page, page.url)
    expect(answers(page)).to_have_attribute('data-status', 'running')
    other = page.context.new_page()
    open_page(other, server.url)
    say(other, 'Too late?')
    expect(other.get_by_text('shutting down').or_(other.get_by_text('restart'))).to_be_visible()
    expect_status(page, 'complete')
    assert process.wait(20) == STOPPED


def test_a_second_signal_cuts_the_answer_off_and_keeps_its_words(page: Page, serve: Serve) -> None:
    server = serve()
    open_page(page, server.url)
    say(page, '/long 4000 /rate 20')
    wait_for_text(page, 20)
    process = ask_to_stop(server)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == STOPPED
    shown = text_of(page)
    server.start()  # the page comes back by itself
    expect_status(page, 'interrupted')
    assert text_of(page).startswith(shown[:20])


def ask_to_stop(server: Server) -> 'subprocess.Popen[bytes] | Forked':
    """Send the signal that service managers send, and wait until it has been heard."""
    assert server.process
    server.process.send_signal(signal.SIGTERM)
    wait_for(lambda: 'running answers' in server.log, 'the server to hear the signal')
    return server.process
