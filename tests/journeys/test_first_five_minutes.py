"""A stranger's first five minutes, from `make run` on: nothing is set up, and nobody explains anything."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.camera import Camera, harbour
from support.chat import answer_text, answers, ask, conversations, expect_status, last_answer, open_page, say
from support.server import Server

ENDED = "document.querySelector('[data-testid=message-assistant]')?.dataset.status === 'complete'"
TITLED = '[data-title-state=generated]'


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    return ('ERR_CONNECTION_REFUSED', 'WebSocket connection to')  # the app is started anew with another upstream


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    """The app as `make run` starts it in a new folder."""
    server = Server(tmp_path / 'fresh', {})
    server.start()
    yield server
    server.stop()


def test_a_stranger_needs_nobody_to_explain(
    fresh: Server, page: Page, demo: str, camera: Camera, tmp_path: Path
) -> None:
    open_page(page, fresh.url)
    expect(page.get_by_test_id('banner')).to_contain_text('DIFY_BASE_URL')
    camera.still(page, 'first-run-light')

    the_first_question_is_offered(page, camera)
    an_answer_names_its_sources(page, camera)
    a_picture_goes_along(page, camera, tmp_path)
    colours_follow_the_reader(page, camera)
    an_old_conversation_is_found(page)
    another_upstream_takes_two_settings(fresh, page, demo)


def the_first_question_is_offered(page: Page, camera: Camera) -> None:
    expect(page.get_by_test_id('opening-statement')).to_contain_text('Hello')
    page.get_by_test_id('suggested-question').filter(has_text='How do I connect my own Dify?').click()
    camera.film(page, 'answering', until=ENDED)
    expect_status(page, 'complete')
    expect(answer_text(page)).to_contain_text('DIFY_API_KEY')
    expect(conversations(page).and_(page.locator(TITLED))).to_have_count(1, timeout=15_000)


def an_answer_names_its_sources(page: Page, camera: Camera) -> None:
    last_answer(page).get_by_test_id('citation').first.click()
    expect(page.get_by_test_id('citation-panel')).to_contain_text('connecting.md')
    camera.still(page, 'sources-light')
    page.keyboard.press('Escape')
    expect(page.get_by_test_id('citation-panel')).to_be_hidden()
    expect(last_answer(page).get_by_test_id('usage')).to_contain_text('tokens')


def a_picture_goes_along(page: Page, camera: Camera, folder: Path) -> None:
    page.get_by_test_id('new-conversation').click()
    page.get_by_test_id('composer-file').set_input_files(harbour(folder / 'harbour.png'))
    expect(page.get_by_test_id('attachment')).to_contain_text('harbour.png')
    say(page, 'What is in this picture?')
    expect(answers(page)).to_have_count(1)
    expect_status(page, 'complete')
    expect(answer_text(page)).to_contain_text('640')
    camera.still(page, 'picture-light')
    page.reload()
    picture = page.get_by_test_id('message-user').locator('img')
    expect(picture).to_be_visible()
    page.wait_for_function('image => image.complete && image.naturalWidth > 0', arg=picture.element_handle())


def colours_follow_the_reader(page: Page, camera: Camera) -> None:
    ground = 'getComputedStyle(document.body).backgroundColor'
    bright = page.evaluate(ground)
    for _ in range(3):  # as the system, light, dark
        page.get_by_test_id('theme-toggle').click()
        if page.evaluate(ground) != bright:
            break
    assert page.evaluate(ground) != bright
    camera.still(page, 'picture-dark')


def an_old_conversation_is_found(page: Page) -> None:
    expect(conversations(page)).to_have_count(2)
    old = conversations(page).last
    words = old.inner_text().split()[0]
    page.get_by_test_id('conversation-search').fill(words)
    expect(conversations(page)).to_have_count(1)
    conversations(page).get_by_role('link').click()
    expect(answer_text(page)).to_contain_text('DIFY_API_KEY')


def another_upstream_takes_two_settings(app: Server, page: Page, upstream: str) -> None:
    page.goto('about:blank')  # an open page would come back by itself, with an address of the demo's
    app.stop()
    app.environment |= {'DIFY_BASE_URL': upstream.removesuffix('/v1'), 'DIFY_API_KEY': 'demo'}
    app.start()
    open_page(page, app.url)
    expect(page.get_by_test_id('banner').filter(has_text='DIFY_BASE_URL')).to_have_count(0)
    assert ask(page, '/echo Hello, other upstream') == 'Hello, other upstream'
