"""A person asks and reads."""

import re

import pytest
from playwright.sync_api import Page, expect
from support.chat import (
    answers,
    ask,
    begin_another,
    conversation,
    conversation_id,
    conversations,
    expect_status,
    last_answer,
    open_page,
    say,
    text_of,
    wait_for_text,
)
from support.server import Serve, Server


def test_an_answer_appears_while_it_is_written(app: Server, page: Page) -> None:
    open_page(page, app.url)
    say(page, '/rate 60 /long 200')
    expect(page.get_by_test_id('message-user')).to_have_text('/rate 60 /long 200')
    expect(last_answer(page)).to_have_attribute('data-status', 'running')
    early = wait_for_text(page, 50)
    expect(last_answer(page)).to_have_attribute('data-status', 'running')
    expect_status(page, 'complete')
    assert len(text_of(page)) > len(early)


def test_the_address_becomes_the_conversations(app: Server, page: Page) -> None:
    open_page(page, app.url)
    answer = ask(page, '/echo remember me')
    expect(conversation(page, conversation_id(page))).to_be_visible()
    assert answer.strip() == 'remember me'
    page.goto(page.url)
    expect(page.get_by_test_id('message-text')).to_have_text('remember me')


def test_a_fresh_page_greets(app: Server, page: Page) -> None:
    open_page(page, app.url)
    expect(page.get_by_test_id('opening-statement')).to_be_visible()
    ask(page, '/echo hello')
    expect(page.get_by_test_id('opening-statement')).to_be_hidden()


def test_without_a_dify_the_page_says_that_a_demo_answers(serve: Serve, page: Page) -> None:
    open_page(page, serve(DIFY_BASE_URL='', DIFY_API_KEY='').url)
    expect(page.get_by_test_id('banner').filter(has_text='demo')).to_be_visible()
    ask(page, 'What does this product do?')
    expect(page.get_by_test_id('citation').first).to_be_visible()


def test_enter_sends_and_shift_enter_breaks_the_line(app: Server, page: Page) -> None:
    open_page(page, app.url)
    box = page.get_by_test_id('composer-input')
    box.press_sequentially('/echo one')
    box.press('Shift+Enter')
    box.press_sequentially('two')
    expect(answers(page)).to_have_count(0)
    box.press('Enter')
    expect(page.get_by_test_id('message-user')).to_have_text(re.compile(r'/echo one\s+two'))
    expect(box).to_have_value('')
    expect_status(page, 'complete')


def test_blank_text_is_not_sent(app: Server, page: Page) -> None:
    open_page(page, app.url)
    page.get_by_test_id('composer-input').fill('  \n ')
    page.get_by_test_id('composer-input').press('Enter')
    ask(page, '/echo after the blank one')
    expect(answers(page)).to_have_count(1)


def test_what_is_sent_before_the_socket_is_there_arrives(app: Server, page: Page) -> None:
    page.goto(app.url)
    say(page, '/echo in a hurry')  # no waiting for the connection
    expect(page.get_by_test_id('message-text')).to_have_text('in a hurry')


def test_stop_keeps_the_words_and_the_conversation_goes_on(app: Server, page: Page) -> None:
    open_page(page, app.url)
    say(page, '/rate 40 /long 4000')
    early = wait_for_text(page, 60)
    page.get_by_test_id('composer-stop').click()
    expect_status(page, 'stopped')
    assert text_of(page).startswith(early[:50])
    assert ask(page, '/echo and on it goes').strip() == 'and on it goes'
    expect(answers(page)).to_have_count(2)


def test_several_answers_are_written_at_once(app: Server, page: Page) -> None:
    """Going elsewhere does not end an answer; coming back shows it."""
    open_page(page, app.url)
    say(page, '/rate 50 /long 150')
    wait_for_text(page, 20)
    first = conversation_id(page)
    begin_another(page)
    assert ask(page, '/echo the second').strip() == 'the second'
    conversation(page, first).get_by_role('link').click()
    expect(page.get_by_test_id('message-user')).to_have_text('/rate 50 /long 150')
    expect_status(page, 'complete')
    assert len(text_of(page)) > 300


def test_a_link_may_fill_the_composer_but_only_the_person_sends(app: Server, page: Page) -> None:
    open_page(page, f'{app.url}/?q=%2Fecho%20from%20a%20link')
    expect(page.get_by_test_id('composer-input')).to_have_value('/echo from a link')
    expect(answers(page)).to_have_count(0)
    before = conversations(page).count()
    page.get_by_test_id('composer-send').click()
    expect(page.get_by_test_id('message-text')).to_have_text('from a link')
    expect(conversations(page)).to_have_count(before + 1)


def test_an_answer_without_a_word_says_so(app: Server, page: Page) -> None:
    open_page(page, app.url)
    say(page, '/echo')
    expect_status(page, 'complete')
    expect(last_answer(page).get_by_test_id('message-error')).to_contain_text('without an answer')
    last_answer(page).get_by_test_id('message-retry').click()
    expect(page.get_by_test_id('message-siblings')).to_have_attribute('data-number', '2')
    expect(page.get_by_test_id('message-assistant')).to_have_count(1)


@pytest.mark.parametrize(
    ('locale', 'tokens', 'price'),
    [
        ('en-US', r'\d+', r'\$0\.\d{2,7}'),
        ('de-DE', r'\d+', r'0,\d{2,7}\s\$'),
        ('ar-EG', '[٠-٩]+', r'\u200f٠٫[٠-٩]{2,7}\sUS\$'),
    ],
    ids=['en', 'de', 'ar'],
)
def test_what_it_cost_is_written_as_the_reader_writes_numbers(app: Server, page: Page, tokens: str, price: str) -> None:
    open_page(page, app.url)
    for text in ('/echo one', '/echo two'):
        ask(page, text)
        usage = last_answer(page).get_by_test_id('usage')
        expect(usage).to_have_text(re.compile(f'^{tokens} tokens · {price}$'))
    total = page.get_by_test_id('conversation-usage')
    expect(total).to_have_text(re.compile(f'^This conversation: {tokens} tokens · {price}, (2|٢) answers$'))
    shown = usage.inner_text(), total.inner_text()
    page.reload()
    expect(usage).to_have_text(shown[0])
    expect(total).to_have_text(shown[1])
