"""A person is warned in time, told why nothing goes any more and until when, and loses no word."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.chat import CONNECTED, answers, ask, open_page, say
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

    def begin(tokens: int | None = None) -> Server:
        server = Server(tmp_path / 'app', {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo'})
        if tokens:
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


def test_an_admin_sets_a_budget_and_takes_it_back(start, page: Page) -> None:  # type: ignore[no-untyped-def]
    server = start()
    open_page(page, server.url)
    ask(page, '/echo one two three four five six seven')
    page.goto(f'{server.url}/admin/budgets')
    page.wait_for_function(CONNECTED)
    expect(page.get_by_test_id('no-budgets')).to_be_visible()
    expect(page.get_by_test_id('budget-person')).to_be_hidden()
    page.get_by_test_id('budget-limit').fill('a lot')
    page.get_by_test_id('budget-unit').fill('tokens')
    page.get_by_test_id('budget-period').select_option('day')
    page.get_by_test_id('budget-unit').press('Enter')
    expect(page.get_by_test_id('banner').filter(has_text='Write a whole number of tokens')).to_be_visible()
    expect(page.get_by_test_id('budget-limit')).to_have_value('a lot')
    page.get_by_test_id('budget-limit').fill('5')
    page.get_by_test_id('budget-save').click()
    row = page.get_by_test_id('budget-row')
    expect(row).to_contain_text('Each person')
    expect(row).to_contain_text('1 at the end')

    open_page(page, server.url)
    say(page, 'one more')
    expect(page.get_by_test_id('banner').filter(has_text='You have used up your budget for this day.')).to_be_visible()

    page.goto(f'{server.url}/admin/budgets')
    page.wait_for_function(CONNECTED)
    row.get_by_test_id('budget-change').click()
    expect(page.get_by_test_id('budget-limit')).to_be_focused()
    page.get_by_test_id('budget-limit').fill('6')
    page.keyboard.press('Enter')
    expect(row).to_contain_text('6 tokens')
    row.get_by_test_id('budget-remove').click()
    page.get_by_test_id('confirm').click()
    expect(page.get_by_test_id('no-budgets')).to_be_visible()
    open_page(page, server.url)
    ask(page, 'and one more')
    expect(answers(page)).to_have_count(1)


def test_one_person_gets_more_than_the_others(start, page: Page) -> None:  # type: ignore[no-untyped-def]
    server = start(tokens=5)
    page.goto(f'{server.url}/admin/users')
    page.get_by_test_id('people-table').get_by_role('link').first.click()
    page.get_by_test_id('person-budget').click()
    page.wait_for_function(CONNECTED)
    expect(page.get_by_test_id('budget-person')).not_to_be_editable()
    page.get_by_test_id('budget-period').select_option('day')
    page.get_by_test_id('budget-limit').fill('100000')
    page.get_by_test_id('budget-unit').fill('tokens')
    page.get_by_test_id('budget-save').click()
    expect(page.get_by_test_id('budget-row')).to_have_count(2)
    open_page(page, server.url)
    ask(page, '/echo one two three four five six seven')
    ask(page, 'and more')
    page.goto(f'{server.url}/admin/audit?action=budget_set')
    expect(page.get_by_test_id('audit-row')).to_contain_text('100000 tokens')
