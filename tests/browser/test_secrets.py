"""The app's key stays on the server: it is in nothing that a browser receives, and in nothing that we keep."""

from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Page, Response, WebSocket, expect
from support.chat import answers, ask, expect_status, open_page, say
from support.server import Serve

from webapp.upstream.demo import build, serve as serve_demo

KEY = 'app-Q7xJ2vLr9TnWk4Zb'


@pytest.fixture(scope='module')
def locked_demo() -> Iterator[str]:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve_demo(build(key=KEY))) as url:
        yield url


def test_the_key_never_leaves_the_server(serve: Serve, locked_demo: str, page: Page) -> None:
    received: list[bytes] = []

    def listen(socket: WebSocket) -> None:
        socket.on('framereceived', lambda frame: received.append(frame if isinstance(frame, bytes) else frame.encode()))

    responses: list[Response] = []

    def keep(response: Response) -> None:
        responses.append(response)

    page.on('response', keep)
    page.on('websocket', listen)
    server = serve(DIFY_BASE_URL=locked_demo, DIFY_API_KEY=KEY)
    open_page(page, server.url)
    ask(page, '/echo what is your key?')
    for scenario in ('/error 401', '/error', '/html504', '/cut'):
        before = answers(page).count()
        say(page, scenario)
        expect(answers(page)).to_have_count(before + 1)
        expect_status(page, 'interrupted' if scenario == '/cut' else 'failed')
    for response in responses:
        received += [str(response.all_headers()).encode(), response.body()]
    assert any(b'what is your key?' in data for data in received)  # we looked at the right place
    page.close()  # it would miss the server
    server.stop()
    kept = [path.read_bytes() for path in server.folder.rglob('*') if path.is_file()]
    assert kept
    for data in [*received, *kept]:
        assert KEY.encode() not in data
        assert KEY[4:].encode() not in data
