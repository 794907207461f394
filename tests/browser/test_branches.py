"""Asking again, asking in other words, and going from version to version, in a real browser."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlmodel import Session, select
from support.chat import (
    CONNECTED,
    answer_text,
    ask,
    conversation_id,
    expect_status,
    last_answer,
    open_page,
    say,
    wait_for_text,
)
from support.people import in_store
from support.server import Server

from webapp.chat.message import Reply, Status, TextPart
from webapp.store import answers, turns as asked
from webapp.store.tables import ConversationRow, MessageRow

NOW = datetime.now(UTC)


def turn(page: Page, number: int) -> Locator:
    """From 0 on."""
    return page.locator('.turn').nth(number)


def switcher(of: Page | Locator) -> Locator:
    return of.get_by_test_id('message-siblings')


def questions(page: Page) -> Locator:
    return page.get_by_test_id('message-user').locator('.question')


def previous(page: Page) -> None:
    switcher(page).get_by_role('button', name='Previous version').click()


def edit(page: Page, number: int, text: str) -> None:
    turn(page, number).hover()
    turn(page, number).get_by_test_id('message-edit').click()
    box = page.get_by_test_id('edit-input')
    expect(box).to_be_focused()
    box.fill(text)
    box.press('Enter')


def drawn(page: Page) -> None:
    """Wait until what the page has heard of is on the screen."""
    page.evaluate('() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')


def test_an_answer_is_given_again_and_both_stay(app: Server, page: Page) -> None:
    open_page(page, app.url)
    ask(page, '/echo first')
    ask(page, '/echo second')
    expect(switcher(page)).to_have_count(0)
    last_answer(page).get_by_test_id('message-regenerate').click()
    expect(switcher(page)).to_have_text(re.compile(r'^\s*2 / 2\s*$'))
    expect(questions(page)).to_have_text(['/echo first', '/echo second'])
    expect_status(page, 'complete')
    expect(answer_text(page)).to_have_text('second')
    page.reload()
    expect(switcher(page)).to_have_attribute('data-number', '2')
    expect(page.get_by_test_id('conversation-usage')).to_contain_text('3 answers')


def test_an_earlier_question_in_other_words_begins_another_version_from_there(app: Server, page: Page) -> None:
    open_page(page, app.url)
    for text in ('/echo one', '/echo two', '/echo three'):
        ask(page, text)
    edit(page, 1, '/echo 2')
    expect(questions(page)).to_have_text(['/echo one', '/echo 2'])
    expect_status(page, 'complete')
    expect(answer_text(page)).to_have_text('2')
    ask(page, '/echo on')
    previous(page)
    expect(questions(page)).to_have_text(['/echo one', '/echo two', '/echo three'])
    page.reload()
    expect(questions(page)).to_have_text(['/echo one', '/echo two', '/echo three'])
    page.wait_for_function(CONNECTED)
    switcher(page).get_by_role('button', name='Next version').click()
    expect(questions(page)).to_have_text(['/echo one', '/echo 2', '/echo on'])
    ask(page, '/echo further')
    expect(questions(page)).to_have_text(['/echo one', '/echo 2', '/echo on', '/echo further'])


def test_another_tab_follows(app: Server, page: Page) -> None:
    open_page(page, app.url)
    ask(page, '/echo one')
    ask(page, '/echo two')
    other = page.context.new_page()
    open_page(other, page.url)
    edit(page, 0, '/echo 1')
    expect(questions(other)).to_have_text(['/echo 1'])
    expect(switcher(other)).to_have_attribute('data-number', '2')
    expect(answer_text(other)).to_have_text('1')
    previous(other)
    expect(questions(page)).to_have_text(['/echo one', '/echo two'])
    other.close()


def test_the_keyboard_alone_goes_through_versions_and_edits(app: Server, page: Page) -> None:
    open_page(page, app.url)
    ask(page, '/echo one')
    turn(page, 0).get_by_test_id('message-edit').focus()
    page.keyboard.press('Enter')
    box = page.get_by_test_id('edit-input')
    expect(box).to_be_focused()
    expect(box).to_have_value('/echo one')
    box.fill('given up')
    page.keyboard.press('Escape')
    expect(box).to_have_count(0)
    expect(questions(page)).to_have_text(['/echo one'])
    expect(turn(page, 0).get_by_test_id('message-edit')).to_be_focused()
    page.keyboard.press('Enter')
    expect(box).to_be_focused()
    page.keyboard.type(' more')
    page.keyboard.press('Shift+Enter')
    page.keyboard.type('lines')
    page.keyboard.press('Enter')
    expect(questions(page)).to_have_text(['/echo one more\nlines'])
    expect_status(page, 'complete')
    before, after = (switcher(page).get_by_role('button', name=name) for name in ('Previous version', 'Next version'))
    expect(after).to_have_attribute('aria-disabled', 'true')
    before.focus()
    page.keyboard.press('ArrowLeft')
    expect(questions(page)).to_have_text(['/echo one'])
    expect(before).to_be_focused()
    expect(before).to_have_attribute('aria-disabled', 'true')
    expect(page.locator('.thread > [aria-live]')).to_have_text('Version 1 of 2')
    page.keyboard.press('ArrowRight')
    expect(questions(page)).to_have_text(['/echo one more\nlines'])
    expect(after).to_be_focused()


def test_nothing_moves_under_the_hands_of_who_goes_through_versions(app: Server, page: Page) -> None:
    """Between a long answer and a short one, at the end of the conversation."""
    open_page(page, app.url)
    ask(page, '/rate 0 /long 300')
    ask(page, '/rate 0 /long 100')
    edit(page, 1, '/echo short')
    expect_status(page, 'complete')
    expect(page.get_by_test_id('conversation-usage')).to_contain_text('3 answers')
    drawn(page)
    place = switcher(page).bounding_box()
    for number in ('1', '2', '1'):
        name = 'Previous version' if number == '1' else 'Next version'
        switcher(page).get_by_role('button', name=name).click()
        expect(switcher(page)).to_have_attribute('data-number', number)
        drawn(page)
        assert switcher(page).bounding_box() == place
    ask(page, '/echo on')
    page.wait_for_function('() => !document.querySelector(".thread-column > :nth-child(2)").style.minHeight')


def test_while_an_answer_is_written_it_is_refused_in_words(app: Server, page: Page) -> None:
    open_page(page, app.url)
    ask(page, '/echo one')
    last_answer(page).get_by_test_id('message-regenerate').click()
    expect(switcher(page)).to_have_attribute('data-number', '2')
    expect_status(page, 'complete')
    say(page, '/rate 20 /long 2000')
    wait_for_text(page, 5)
    refusal = page.get_by_test_id('banner').filter(has_text='still being answered')
    previous(page)
    expect(refusal).to_be_visible()
    refusal.get_by_role('button').click()
    edit(page, 0, '/echo in other words')
    expect(refusal).to_be_visible()
    expect(page.get_by_test_id('edit-input')).to_have_value('/echo in other words')
    page.get_by_test_id('composer-stop').click()
    expect_status(page, 'stopped')
    page.get_by_test_id('edit-send').click()
    expect(questions(page)).to_have_text(['/echo in other words'])
    expect_status(page, 'complete')
    expect(refusal).to_have_count(0)


def test_a_stopped_answer_is_given_again(app: Server, page: Page) -> None:
    open_page(page, app.url)
    say(page, '/rate 50 /long 5000')
    wait_for_text(page, 20)
    page.get_by_test_id('composer-stop').click()
    expect_status(page, 'stopped')
    last_answer(page).get_by_test_id('message-regenerate').click()
    expect(switcher(page)).to_have_attribute('data-number', '2')
    expect_status(page, 'running')
    page.get_by_test_id('composer-stop').click()
    expect_status(page, 'stopped')


def test_a_question_too_long_for_the_page_is_edited_as_a_whole(app: Server, page: Page) -> None:
    open_page(page, app.url)
    words = 'word ' * 2_000
    ask(page, f'What about {words}')
    turn(page, 0).get_by_test_id('message-edit').click()
    box = page.get_by_test_id('edit-input')
    expect(box).to_have_value(f'What about {words}')
    box.fill('   ')
    box.press('Enter')
    expect(page.get_by_test_id('edit-send')).to_have_attribute('aria-disabled', 'true')
    box.fill('w' * 1_000_000)  # more than a socket message holds
    page.get_by_test_id('edit-send').click()
    expect(switcher(page)).to_have_attribute('data-number', '2')
    expect_status(page, 'complete')


def test_a_switch_far_up_keeps_what_stands_above(app: Server, page: Page) -> None:
    open_page(page, app.url)
    for number in range(6):
        ask(page, f'/rate 0 /long {60 + number}')
    edit(page, 1, '/echo other')
    expect(questions(page)).to_have_count(2)
    expect_status(page, 'complete')
    expect(page.get_by_test_id('conversation-usage')).to_contain_text('7 answers')
    drawn(page)
    place = switcher(page).bounding_box()
    previous(page)
    expect(questions(page)).to_have_count(6)
    drawn(page)
    assert switcher(page).bounding_box() == place


def follow_up(session: Session, conversation: str, turns: int) -> None:
    """So many turns more, and then another version of the first one."""
    first = session.exec(select(MessageRow).where(MessageRow.conversation_id == conversation)).one()
    user_id = session.exec(select(ConversationRow.user_id)).first() or ''
    queries = [f'turn {number}' for number in range(turns)]
    for query in [*queries, '']:
        if query:
            begun = asked.begin(
                session,
                user_id=user_id,
                app='default',
                conversation_id=conversation,
                query=query,
                key=f'{conversation} {query}',
                now=NOW,
            )
        else:
            begun = asked.supersede(
                session,
                user_id=user_id,
                message_id=first.id,
                key=f'{conversation} other',
                now=NOW,
                query='another beginning',
            )
        said = Reply(Status.COMPLETE, (TextPart('words ' * 40),))
        answers.finish(session, message_id=begun.message.id, reply=said, now=NOW, unread=False)


@pytest.mark.parametrize('turns', [40, 100])
def test_a_version_with_many_turns_behind_it_is_shown_itself_and_not_the_end(
    app: Server, page: Page, turns: int
) -> None:
    open_page(page, app.url)
    ask(page, '/echo the beginning')
    in_store(app, follow_up, conversation_id(page), turns)
    page.reload()
    page.wait_for_function(CONNECTED)
    expect(questions(page)).to_have_text(['another beginning'])
    drawn(page)
    place = switcher(page).bounding_box()
    previous(page)
    expect(questions(page).first).to_have_text('/echo the beginning')
    expect(questions(page).nth(1)).to_have_text('turn 0')
    drawn(page)
    assert switcher(page).bounding_box() == place
    expect(switcher(page).get_by_role('button', name='Previous version')).to_be_focused()
    page.get_by_test_id('jump-to-latest').click()
    expect(questions(page).last).to_have_text(f'turn {turns - 1}')
    expect(questions(page).last).to_be_in_viewport()
    page.wait_for_function(
        """() => {
          document.querySelector('.thread-scroll').scrollTop = 0;
          return document.querySelector('.question').textContent === '/echo the beginning';
        }"""
    )


@pytest.mark.parametrize('width', [390])
def test_on_a_phone_all_of_it_fits(app: Server, page: Page, width: int) -> None:
    page.set_viewport_size({'width': width, 'height': 800})
    open_page(page, app.url)
    ask(page, '/echo one')
    edit(page, 0, '/echo two')
    expect(switcher(page)).to_be_in_viewport()
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    turn(page, 0).get_by_test_id('message-edit').click()
    expect(page.get_by_test_id('edit-send')).to_be_in_viewport()
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    page.get_by_test_id('edit-cancel').click()
    previous(page)
    expect(questions(page)).to_have_text(['/echo one'])
