"""Each of the four kinds of app that Dify has, in one instance: what it says, how it came to that, and all of it again
after a reload."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Page, expect
from support.axe import faults
from support.camera import Camera
from support.chat import answer_text, expect_status, last_answer, open_page, say
from support.server import Server

from webapp.upstream import demo

STILL = "document.getAnimations().every((each) => each.playState === 'finished')"
VIEW = {'width': 960, 'height': 720}


@dataclass(frozen=True)
class Kind:
    slug: str
    mode: str
    name: str
    about: str
    icon: str
    ground: str
    question: str
    steps: tuple[str, ...] = ()  # some of those that are told of
    thought: str = ''


KINDS = (
    Kind(
        'guide', 'chat', 'Guide', 'A chatbot: answers with their sources.', '?', '#D3F8DF',
        'How do I connect my own Dify?',
    ),
    Kind(
        'research', 'agent-chat', 'Research', 'An agent: looks things up with its tools.', '§', '#FFEAD5',
        'Who can see my conversations?', steps=('Search the handbook',),
    ),
    Kind(
        'adviser', 'agent', 'Adviser', 'An agent of the newer kind: thinks aloud.', '♞', '#E0EAFF',
        'What does it cost?', steps=('Search the handbook',), thought='The handbook should know.',
    ),
    Kind(
        'desk', 'advanced-chat', 'Service desk', 'A chatflow: goes through its steps.', '☎', '#FCE7F6',
        'Can I embed this in my website?', steps=('Read the chapters', 'Compare them'),
    ),
)  # fmt: skip


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder, tables = tmp_path / 'app', []
    folder.mkdir()
    with start_blocking_portal() as portal, ExitStack() as stack:
        for kind in KINDS:
            site = {'icon': kind.icon, 'icon_background': kind.ground, 'description': kind.about}
            upstream = demo.serve(demo.build(mode=kind.mode, rate=300, site=site))
            url = stack.enter_context(portal.wrap_async_context_manager(upstream))
            tables.append(
                f'[[apps]]\nslug = "{kind.slug}"\nname = "{kind.name}"\nbase_url = "{url}"\napi_key = "demo"\n'
            )
        (folder / 'webapp.toml').write_text('\n'.join(tables))
        server = Server(folder, {})
        server.start()
        yield server
        server.stop()
        assert 'Traceback' not in server.log, server.log


def test_each_kind_shows_what_it_says_and_how_it_came_to_that(server: Server, page: Page, camera: Camera) -> None:
    page.set_viewport_size(VIEW)
    for kind in KINDS:
        open_page(page, f'{server.url}/a/{kind.slug}')
        say(page, kind.question)
        expect_status(page, 'complete')
        told = answer_text(page).inner_text()
        it_is_all_there(page, kind)
        the_question_is_in_sight(page)
        camera.still(page, f'kind-{kind.mode}-light')
        page.reload()
        expect(answer_text(page)).to_have_text(told, use_inner_text=True)
        it_is_all_there(page, kind)
        assert faults(page) == []
    they_stand_side_by_side(page, camera)


def the_question_is_in_sight(page: Page) -> None:
    page.get_by_test_id('message-user').last.evaluate("node => node.scrollIntoView({block: 'start'})")
    page.wait_for_function(STILL)


def it_is_all_there(page: Page, kind: Kind) -> None:
    """Unfold what is folded, with keys alone, and look."""
    answer = last_answer(page)
    thought, steps = answer.get_by_test_id('reasoning'), answer.locator('.steps')
    for folded in (thought, steps):
        if folded.is_visible():
            folded.locator('> summary').focus()
            page.keyboard.press('Enter')
            expect(folded).to_have_attribute('open', '')
    for step in kind.steps:
        expect(steps.get_by_text(step, exact=True).first).to_be_visible()
    if kind.thought:
        expect(thought.get_by_text(kind.thought)).to_be_visible()
    expect(answer.get_by_test_id('usage')).to_contain_text('tokens')
    page.get_by_test_id('composer-input').focus()


def they_stand_side_by_side(page: Page, camera: Camera) -> None:
    page.get_by_test_id('app-switcher').focus()
    page.keyboard.press('Enter')
    for kind in KINDS:
        expect(page.get_by_role('link', name=kind.name)).to_contain_text(kind.icon)
    page.wait_for_function(STILL)
    camera.still(page, 'kinds-light')
    page.keyboard.press('Escape')
