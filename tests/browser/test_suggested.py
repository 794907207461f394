"""What might be asked next, under the last answer."""

from playwright.sync_api import Page, expect
from support.chat import answers, ask, open_page
from support.server import Server


def test_a_click_asks_and_they_give_way_to_the_next_answer(app: Server, page: Page) -> None:
    open_page(page, app.url)
    ask(page, 'What is this product?')
    suggested = page.get_by_role('group', name='Questions you might ask next').get_by_test_id('suggested-question')
    expect(suggested.first).to_be_visible()
    question = suggested.first.inner_text()
    suggested.first.focus()
    page.keyboard.press('Enter')
    expect(answers(page)).to_have_count(2)
    expect(page.get_by_test_id('message-user').last).to_have_text(question)
    expect(page.locator('[data-status=running]').or_(suggested.first)).to_be_visible()
    expect(suggested.first).to_be_visible()


def test_a_reload_shows_those_of_the_last_answer(app: Server, page: Page) -> None:
    open_page(page, app.url)
    ask(page, 'What is this product?')
    suggested = page.get_by_test_id('suggested-question')
    expect(suggested.first).to_be_visible()
    before = suggested.all_inner_texts()
    open_page(page, page.url)
    expect(suggested).to_have_text(before)
    page.get_by_test_id('composer-input').fill('/rate 20 /long 500')
    page.get_by_test_id('composer-send').click()
    expect(answers(page).last).to_have_attribute('data-status', 'running')
    expect(suggested).to_have_count(0)
    page.get_by_test_id('composer-stop').click()
    expect(answers(page).last).to_have_attribute('data-status', 'stopped')
    expect(suggested).to_have_count(0)
