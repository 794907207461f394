"""Speech within a page of another site, in a browser that keeps no cookie there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import BrowserContext, Playwright, Request, expect
from support import chromium, direct
from support.embedding import HOST_SECRET, embedded, key, table, token
from support.hosts import Host, hosting
from support.server import Server

from webapp.upstream import demo as upstream
from webapp.upstream.demo.state import Abilities

FAKE = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']
NO_COOKIES = {'content_settings': {'exceptions': {'cookies': {'http://127.0.0.1,*': {'setting': 2}}}}}


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as host:
        yield host


@pytest.fixture
def server(tmp_path: Path, host: Host) -> Iterator[Server]:
    able = upstream.build(rate=0, abilities=Abilities(hears=True))
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(upstream.serve(able)) as url,
        embedded(tmp_path, url, table('helpdesk', key('k1', HOST_SECRET), origins=[host.url])) as server,
    ):
        yield server


@pytest.fixture
def person(playwright: Playwright, tmp_path: Path) -> Iterator[BrowserContext]:
    with chromium.profile(playwright, tmp_path / 'profile', NO_COOKIES, FAKE) as context:
        yield context


def test_answers_are_read_and_words_heard_by_passes(server: Server, host: Host, person: BrowserContext) -> None:
    asked: list[Request] = []
    page = person.new_page()
    page.on('request', lambda request: asked.append(request) if '/speech' in request.url else None)
    src = f'{server.url}/embed/helpdesk?token={token(server.url)}&layout=compact'
    page.goto(host.page(f'<iframe src="{src}" allow="microphone" width="480" height="640"></iframe>'))
    frame = page.frame_locator('iframe')
    frame.get_by_test_id('composer-input').fill('/echo These are ten words, so that there is something to hear.')
    frame.get_by_test_id('composer-send').click()
    speak = frame.get_by_test_id('message-speak')
    speak.click()
    expect(speak).to_have_attribute('data-phase', 'playing')
    frame.get_by_test_id('composer-dictate').click()
    expect(frame.get_by_test_id('dictation-time')).to_have_text('0:01')
    frame.get_by_test_id('dictation-stop').click()
    expect(frame.get_by_test_id('composer-input')).not_to_be_empty()
    assert [request.method for request in asked] == ['GET', 'POST']
    spoken, heard = (request.url for request in asked)
    with direct.client(server.url) as nobody:
        assert nobody.get(spoken).status_code == 200
        assert nobody.get(spoken.replace('/0?', '/1?')).status_code == 404
        assert nobody.get(spoken.partition('?')[0]).status_code == 404
        assert nobody.post(heard, content=b'').status_code == 415
        query = spoken.partition('?')[2]
        assert nobody.post(f'/speech?{query}&app=default', content=b'').status_code == 401  # it is for another purpose
