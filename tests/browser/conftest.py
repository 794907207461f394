"""What tests in a real browser share."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from support.people import Other, SignedIn


@pytest.fixture
def other(browser: Browser) -> Iterator[Other]:
    """Somebody else's browser."""
    contexts: list[BrowserContext] = []

    def open_(person: SignedIn) -> Page:
        contexts.append(browser.new_context(locale='en-US', timezone_id='UTC'))
        person.open_in(contexts[-1])
        return contexts[-1].new_page()

    yield open_
    for context in contexts:
        context.close()
