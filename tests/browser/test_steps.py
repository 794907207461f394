"""What an assistant does on its way to an answer, with the whole app: nodes of a chatflow, tools of an agent."""

import json
import re
from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Locator, Page, expect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from support.chat import expect_status, open_page, say
from support.server import Serve, Server

from webapp.upstream.demo import build, serve as serve_demo

QUESTION = 'How do I connect a Dify?'
PICTURE = '/console/api/workspaces/current/tool-provider/builtin/handbook/icon'
SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">
<script>top.broken = 1</script><rect width="8" height="8"/></svg>"""


class Restyled:
    """The demo with another site, and with an image for its tool."""

    def __init__(self, app: ASGIApp, *, shows_steps: bool) -> None:
        self._app = app
        self._answers: dict[str, Response] = {
            '/v1/site': JSONResponse({'title': 'Quiet', 'show_workflow_steps': shows_steps}),
            '/v1/meta': JSONResponse({'tool_icons': {'handbook_search': f'http://files.invalid:5001{PICTURE}'}}),
            PICTURE: Response(SVG, media_type='image/svg+xml'),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answers.get(scope.get('path', '')) or self._app
        await answer(scope, receive, send)


@pytest.fixture
def hushed() -> Iterator[str]:
    restyled = build(key='demo')
    restyled.add_middleware(Restyled, shows_steps=False)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve_demo(restyled)) as url:
        yield url


def steps(page: Page) -> Locator:
    return page.get_by_test_id('message-assistant').last.locator('.steps')


def tree(page: Page) -> list[tuple[str, str, int]]:
    """Each step with its state and its depth."""
    found = steps(page).evaluate(
        """element => [...element.querySelectorAll('[data-testid=step]')].map(step => {
            let depth = 0;
            for (let at = step.parentElement.closest('li'); at; at = at.parentElement.closest('li')) depth += 1;
            return [step.querySelector('.step-title').textContent, step.dataset.state, depth];
        })"""
    )
    return [tuple(each) for each in found]


def test_a_chatflow_shows_what_ran_within_what_and_the_same_after_a_reload(app: Server, page: Page) -> None:
    open_page(page, app.url)
    say(page, f'/steps {QUESTION}')
    expect_status(page, 'complete')
    line = steps(page).locator('> summary')
    expect(line).to_have_text(' '.join(['8 steps ·', *line.inner_text().split()[-2:]]))
    expect(line).to_contain_text(' s')
    line.click()
    before = tree(page)
    assert before == [
        ('Start', 'succeeded', 0),
        ('Is there something to read?', 'succeeded', 0),
        ('Read the chapters', 'succeeded', 0),
        *(3 * [('Take out the passage', 'succeeded', 1)]),
        ('Compare them', 'succeeded', 0),
        ('ROUND 1', 'succeeded', 1),
        ('CALL handbook_search', 'succeeded', 2),
        ('LLM', 'succeeded', 0),
        ('Answer', 'succeeded', 0),
    ]
    expect(steps(page).get_by_test_id('step').nth(2).locator('.step-state').first).to_contain_text('3 rounds')
    text = line.inner_text()

    page.reload()

    expect(line).to_have_text(text)
    assert tree(page) == before


def test_while_it_runs_one_line_says_what_is_being_done(app: Server, page: Page) -> None:
    open_page(page, app.url)
    say(page, f'/steps {QUESTION}')
    line = steps(page).locator('> summary')
    expect(line).to_have_text(re.compile(r'.+ …'))
    line.press('Enter')
    expect_status(page, 'complete')
    expect(line).to_be_focused()  # though it was drawn anew with each step
    expect(steps(page)).to_have_attribute('open', '')


def test_the_tools_of_an_agent_tell_what_they_were_asked_when_somebody_wants_to_know(app: Server, page: Page) -> None:
    open_page(page, app.url)
    say(page, f'/agent {QUESTION}')
    expect_status(page, 'complete')
    steps(page).locator('> summary').click()
    step = steps(page).get_by_test_id('step')
    expect(step).to_contain_text('Search the handbook')
    expect(step.locator('pre').first).to_be_hidden()
    step.get_by_text('Details').press('Enter')
    expect(step.locator('pre').first).to_contain_text(QUESTION)
    expect(step.locator('.step-icon')).to_have_text('§')


def test_an_app_may_keep_its_workflow_to_itself(serve: Serve, hushed: str, page: Page) -> None:
    server = serve(DIFY_BASE_URL=hushed)
    open_page(page, server.url)
    say(page, f'/steps {QUESTION}')
    expect_status(page, 'complete')
    expect(page.get_by_test_id('step')).to_have_count(0)
    assert 'Take out the passage' not in page.content()
    page.reload()
    expect(page.get_by_test_id('message-text')).not_to_be_empty()
    assert 'Take out the passage' not in page.content()


def test_the_image_of_a_tool_is_ours_and_not_alive(serve: Serve, hushed: str, page: Page) -> None:
    server = serve(DIFY_BASE_URL=hushed)
    open_page(page, server.url)
    say(page, f'/agent {QUESTION}')
    expect_status(page, 'complete')
    steps(page).locator('> summary').click()
    icon = steps(page).locator('img.step-icon')
    expect(icon).to_have_js_property('naturalWidth', 8)
    assert icon.get_attribute('src').startswith('/static/')
    assert 'files.invalid' not in page.content()
    policy = page.request.get(server.url + icon.get_attribute('src')).headers['content-security-policy']
    assert 'sandbox' in policy
    assert page.evaluate('window.broken') is None


def test_what_was_thought_is_folded_and_never_copied(app: Server, page: Page) -> None:
    page.context.grant_permissions(['clipboard-read', 'clipboard-write'])
    open_page(page, app.url)
    say(page, '/think /echo nine words')
    expect_status(page, 'complete')
    reasoning = page.get_by_test_id('reasoning')
    thought = reasoning.locator('.reasoning')
    expect(thought).to_be_hidden()
    reasoning.locator('summary').press('Enter')
    expect(thought).not_to_be_empty()
    page.get_by_test_id('message-copy').click()
    expect(page.get_by_test_id('message-copy')).to_have_attribute('data-done', 'true')
    assert json.dumps(page.evaluate('navigator.clipboard.readText()')) == '"nine words"'
