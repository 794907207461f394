"""A page around the chat fills in the app's form: what it has filled in is not asked again, and the rest is."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import FrameLocator, Page, expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
from support.server import Serve
from support.serving import serving

CONFIG = """
[[embeds]]
id = "desk"
app = "default"
origins = ["HOST"]
anonymous = true
layout = "full"
"""
PAGE = """<!doctype html><title>Host</title><link rel="icon" href="data:,">
<style>iframe { width: 800px; height: 700px }</style>
<iframe src="CHAT/embed/desk?origin=HOST"></iframe>
<script>
  const frame = document.querySelector("iframe");
  const heard = [];
  const say = (type, values = {}) =>
    frame.contentWindow.postMessage({ type: `chat:${type}`, version: 1, ...values }, "CHAT");
  addEventListener("message", ({ data }) => {
    heard.push(data);
    if (data.type === "chat:ready" && data.stage === "entry") say("identify", { token: null });
  });
</script>"""
FORM = [
    {'text-input': {'label': 'Name', 'variable': 'name', 'required': True}},
    {'select': {'label': 'Tone', 'variable': 'tone', 'required': True, 'options': ['dry', 'warm']}},
    {'file': {'label': 'A picture', 'variable': 'picture', 'required': False}},
    {'text-input': {'label': 'Plan', 'variable': 'plan', 'hide': True, 'default': 'free'}},
]
HEARD = 'type => heard.some((each) => each.type === type)'

Visit = Callable[[], FrameLocator]


@pytest.fixture(scope='module')
def upstream() -> Iterator[str]:
    from webapp.upstream.demo import build, serve

    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serve(build(rate=0, form=FORM))) as url,
    ):
        yield url


@pytest.fixture
def visit(serve: Serve, upstream: str, page: Page, tmp_path: Path) -> Iterator[Visit]:
    """Open the host's page, and wait until its chat hears it."""
    html = ''
    site = Starlette(routes=[Route('/', lambda _: HTMLResponse(html))])
    with serving(site) as address:
        host = address.replace('127.0.0.1', 'localhost')
        config = tmp_path / 'webapp.toml'
        config.write_text(CONFIG.replace('HOST', host))
        server = serve(DIFY_BASE_URL=upstream, WEBAPP_CONFIG=str(config))
        html = PAGE.replace('CHAT', server.url).replace('HOST', host)

        def go() -> FrameLocator:
            page.goto(host)
            page.wait_for_function("heard.some(({ type, stage }) => type === 'chat:ready' && stage === 'chat')")
            return page.frame_locator('iframe')

        yield go


def ask(chat: FrameLocator) -> str:
    chat.get_by_test_id('composer-input').fill('/inputs')
    chat.get_by_test_id('composer-send').click()
    expect(chat.get_by_test_id('message-assistant')).to_have_attribute('data-status', 'complete')
    return chat.get_by_test_id('message-text').inner_text()


def test_what_the_host_knows_stands_in_the_form(visit: Visit, page: Page) -> None:
    chat = visit()
    chat.get_by_label('Name').fill('somebody')
    page.evaluate("say('setInputs', { inputs: { name: 'Ada', plan: 'gold' } })")
    expect(chat.get_by_label('Name')).to_have_value('Ada')
    expect(chat.get_by_text('gold')).to_have_count(0)
    chat.get_by_label('Tone').select_option('dry')
    said = ask(chat)
    for value in ('name: "Ada"', 'tone: "dry"', 'plan: "gold"'):
        assert value in said


def test_what_the_host_has_filled_in_is_not_asked_again(visit: Visit, page: Page) -> None:
    chat = visit()
    expect(chat.get_by_test_id('inputs-form')).to_be_visible()
    page.evaluate("say('setInputs', { inputs: { name: 'Ada', tone: 'warm' } })")
    expect(chat.get_by_test_id('inputs-form')).to_have_count(0)
    said = ask(chat)
    for value in ('name: "Ada"', 'tone: "warm"', 'plan: "free"'):
        assert value in said
    expect(chat.get_by_test_id('inputs-line')).to_contain_text('Name: Ada, Tone: warm')


def test_the_host_is_told_what_does_not_fit_and_nothing_is_lost(visit: Visit, page: Page) -> None:
    chat = visit()
    chat.get_by_label('Name').fill('Ada')
    page.evaluate("say('setInputs', { inputs: { tone: 'rude' } })")
    page.wait_for_function(HEARD, arg='chat:error')
    told = page.evaluate("heard.find(({ type }) => type === 'chat:error')")
    assert told['code'] == 'inputs_unfit'
    assert told['message'] == "'tone' takes something else (select): no_option"
    expect(chat.get_by_label('Name')).to_have_value('Ada')


def test_a_question_of_the_host_waits_for_the_form(visit: Visit, page: Page) -> None:
    chat = visit()
    expect(chat.get_by_test_id('inputs-form')).to_be_visible()
    page.evaluate("say('send', { text: '/inputs' })")
    page.wait_for_function(HEARD, arg='chat:error')
    assert page.evaluate("heard.find(({ type }) => type === 'chat:error').code") == 'form_unfit'
    expect(chat.get_by_test_id('inputs-problem')).to_have_text(['Fill this in.', 'Fill this in.'])
    expect(chat.get_by_test_id('message-user')).to_have_count(0)


def test_a_file_comes_along_without_a_cookie(visit: Visit, page: Page) -> None:
    png = (
        (Path(__file__).parents[1] / 'recordings' / 'tool-file-signed-url.http').read_bytes().partition(b'\r\n\r\n')[2]
    )
    chat = visit()
    chat.get_by_label('Name').fill('Ada')
    chat.get_by_label('Tone').select_option('dry')
    chat.get_by_test_id('inputs-file').set_input_files({'name': 'a.png', 'mimeType': 'image/png', 'buffer': png})
    expect(chat.locator('[data-testid=attachment][data-state=ready]')).to_have_count(1)
    assert 'picture: the file a.png' in ask(chat)
    chat.get_by_test_id('inputs-again').click()
    expect(chat.locator('[data-testid=attachment][data-state=ready]')).to_have_count(1)
    expect(chat.get_by_label('Name')).to_have_value('Ada')
