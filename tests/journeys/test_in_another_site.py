"""A visitor of another site asks in the corner of its page, goes on to be a customer there, and finds it again."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import FrameLocator, Page, expect
from support import direct
from support.camera import Camera
from support.server import OURS, free_port, wait_for

COMMAND = Path(__file__).parents[2] / 'tools' / 'host_site.py'


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Its address; the chat runs beside it."""
    port, chat = free_port(), free_port()
    own = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    process = subprocess.Popen(
        [sys.executable, str(COMMAND), '--port', str(port)],
        cwd=tmp_path,
        env=own | {'WEBAPP_PORT': str(chat)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: all(map(answers, (f'http://localhost:{port}', f'http://127.0.0.1:{chat}/readyz'))), 'both', 60)
        yield f'http://localhost:{port}'
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def answers(url: str) -> bool:
    try:
        return direct.get(url).is_success
    except httpx.TransportError:
        return False


def chat_of(page: Page) -> FrameLocator:
    return page.frame_locator('webapp-chat iframe')


def test_from_a_visitor_to_a_customer(site: str, page: Page, camera: Camera) -> None:
    page.goto(site)
    page.get_by_role('button', name='Ask the workshop').first.click()
    chat = chat_of(page)
    expect(chat.get_by_test_id('composer-input')).to_be_focused()
    page.keyboard.type('What does this product do?')
    page.keyboard.press('Enter')
    expect(chat.get_by_test_id('message-assistant')).to_have_attribute('data-status', 'complete')
    camera.still(page, 'embedding-light')

    page.get_by_role('button', name='Sign in as Customer A').click()  # nothing of the visitor's is there any more
    expect(chat.get_by_test_id('opening-statement')).to_be_visible()
    expect(chat.get_by_test_id('message-user')).to_have_count(0)
    page.evaluate("WebappChat.send('My first question as a customer')")
    expect(chat.get_by_test_id('message-user')).to_have_text('My first question as a customer')
    expect(chat.get_by_test_id('message-assistant')).to_have_attribute('data-status', 'complete')

    chat.get_by_test_id('site-close').click()
    expect(page.get_by_role('dialog')).to_be_hidden()
    page.evaluate("WebappChat.send('What do answers cost?')")
    expect(page.get_by_role('button', name='Ask the workshop (1)')).to_be_visible()

    page.reload()
    page.get_by_role('button', name='Ask the workshop').last.click()
    expect(chat.get_by_test_id('message-user')).to_have_count(2)
    page.keyboard.press('Escape')
    expect(page.get_by_role('dialog')).to_be_hidden()
