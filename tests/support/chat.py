"""What a person does on the chat page, in the words of a test. Handles are the page's stable test ids."""

from playwright.sync_api import Locator, Page, expect

CONNECTED = 'window.socket?.connected'


def open_page(page: Page, url: str) -> None:
    """Go there, and wait until the page can be used."""
    page.goto(url)
    expect(page.get_by_test_id('composer-input')).to_be_editable()
    page.wait_for_function(CONNECTED)


def say(page: Page, text: str) -> None:
    page.get_by_test_id('composer-input').fill(text)
    page.get_by_test_id('composer-send').click()


def ask(page: Page, text: str) -> str:
    """Say `text`, wait for the whole answer, and return its text."""
    before = answers(page).count()
    say(page, text)
    expect(answers(page)).to_have_count(before + 1)
    expect_status(page, 'complete')
    return text_of(page)


def answers(page: Page) -> Locator:
    return page.get_by_test_id('message-assistant')


def last_answer(page: Page) -> Locator:
    return answers(page).last


def answer_text(page: Page) -> Locator:
    return last_answer(page).get_by_test_id('message-text')


def text_of(page: Page) -> str:
    """The last answer as a reader sees it."""
    return answer_text(page).inner_text()


def expect_status(page: Page, status: str) -> None:
    expect(last_answer(page)).to_have_attribute('data-status', status, timeout=30_000)


def wait_for_text(page: Page, characters: int) -> str:
    """Wait until so much of the last answer is there, and return what is."""
    page.wait_for_function(
        """n => [...document.querySelectorAll('[data-testid=message-text]')].at(-1)?.innerText.length >= n""",
        arg=characters,
    )
    return text_of(page)


def conversations(page: Page) -> Locator:
    return page.get_by_test_id('conversation-item')


def conversation_id(page: Page) -> str:
    """From the address, once the first message has given it one."""
    page.wait_for_url('**/c/*')
    return page.url.rpartition('/c/')[2]


def conversation(page: Page, conversation_id: str) -> Locator:
    return page.locator(f'[data-testid=conversation-item][data-conversation-id="{conversation_id}"]')


def begin_another(page: Page) -> None:
    page.get_by_test_id('new-conversation').click()
    expect(answers(page)).to_have_count(0)
