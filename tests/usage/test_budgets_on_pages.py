"""A person is warned in time, told why nothing goes any more and until when, and loses no word."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.chat import answers, ask, open_page, say
from support.server import Server

BUDGET = """
[[budgets]]
scope = "user"
period = "day"
tokens = {}
"""


@pytest.fixture
def start(tmp_path: Path, demo: str) -> Iterator[object]:
    servers = []

    def begin(tokens: int) -> Server:
        server = Server(tmp_path / 'app', {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo'})
        (server.folder / 'webapp.toml').write_text(BUDGET.format(tokens))
        server.start()
        servers.append(server)
        return server

    yield begin
    for server in servers:
        server.stop()
        assert 'Traceback' not in server.log, server.log


def test_at_the_end_of_a_budget(start, page: Page) -> None:  # type: ignore[no-untyped-def]
    server = start(tokens=5)
    open_page(page, server.url)
    ask(page, '/echo one two three four five six seven')
    expect(page.get_by_test_id('banner').filter(has_text='of your budget for this day')).to_be_visible()
    say(page, 'one question more')
    banner = page.get_by_test_id('banner').filter(has_text='You have used up your budget for this day.')
    expect(banner).to_contain_text('It starts anew in')
    expect(page.get_by_test_id('composer-input')).to_have_value('one question more')
    expect(answers(page)).to_have_count(1)
    page.goto(f'{server.url}/me')
    expect(page.get_by_test_id('my-budget')).to_contain_text('Budget of the day')


def test_with_most_of_it_left_nothing_is_said(start, page: Page) -> None:  # type: ignore[no-untyped-def]
    open_page(page, start(tokens=1_000_000).url)
    ask(page, '/echo one two three')
    expect(page.get_by_test_id('banner').filter(has_text='budget')).to_have_count(0)
