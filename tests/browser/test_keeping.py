"""Nothing that a person wrote or read is lost: reloads, second tabs, crashes, an upstream that is away."""

import json
import sqlite3
from contextlib import closing

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import BrowserContext, Page, expect
from support.chat import (
    answer_text,
    answers,
    ask,
    conversation,
    conversation_id,
    expect_status,
    last_answer,
    open_page,
    say,
    text_of,
    wait_for_text,
)
from support.server import Serve, Server, free_port, wait_for

from webapp.upstream.demo import build, serve as serve_demo

LONG = {'kind': 'text', 'text': 'A sentence like any other, of which there are many. ' * 3_000}


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    """A page whose server is killed says so on its console."""
    return ('ERR_CONNECTION', 'ERR_EMPTY_RESPONSE', 'WebSocket connection')


def test_a_reload_in_the_middle_loses_nothing(app: Server, page: Page) -> None:
    open_page(page, app.url)
    say(page, '/rate 60 /long 300')
    early = wait_for_text(page, 100)
    page.reload()
    assert wait_for_text(page, len(early)).startswith(early[:90])
    expect_status(page, 'complete')
    whole = text_of(page)
    page.reload()
    expect_status(page, 'complete')
    assert text_of(page) == whole


def test_a_second_tab_sees_the_same_answer_grow(app: Server, page: Page, context: BrowserContext) -> None:
    open_page(page, app.url)
    say(page, '/rate 50 /long 300')
    wait_for_text(page, 40)
    other = context.new_page()
    open_page(other, page.url)
    seen = wait_for_text(other, 40)
    expect(last_answer(other)).to_have_attribute('data-status', 'running')
    wait_for_text(other, len(seen) + 100)
    for tab in (page, other):
        expect_status(tab, 'complete')
    assert text_of(page) == text_of(other)


def test_closing_the_page_does_not_end_the_answer(app: Server, page: Page, context: BrowserContext) -> None:
    open_page(page, app.url)
    say(page, '/rate 100 /long 200')
    wait_for_text(page, 20)
    address = page.url
    page.close()
    later = context.new_page()
    open_page(later, address)
    expect_status(later, 'complete')
    assert len(text_of(later)) > 400


def a_short_while_to_go(app: Server, page: Page) -> str:
    """Id of a conversation with an answer that has begun, and ends soon."""
    open_page(page, app.url)
    say(page, '/rate 100 /long 60')
    wait_for_text(page, 20)
    return conversation_id(page)


def test_what_ended_with_nobody_there_is_unread_until_somebody_looks(
    app: Server, page: Page, context: BrowserContext
) -> None:
    begun = a_short_while_to_go(app, page)
    page.close()
    later = context.new_page()
    open_page(later, app.url)
    mark = conversation(later, begun).locator('.is-unread')
    expect(mark).to_be_attached(timeout=15_000)
    conversation(later, begun).get_by_role('link').click()
    expect_status(later, 'complete')
    expect(mark).not_to_be_attached()


def test_what_ended_while_the_connection_was_away_is_read_when_it_is_back(
    app: Server, page: Page, context: BrowserContext
) -> None:
    begun = a_short_while_to_go(app, page)
    with closing(sqlite3.connect(app.folder / 'data' / 'webapp.db', isolation_level=None)) as database:

        def unread(value: int) -> bool:
            query = (
                'SELECT unread FROM conversations c WHERE id = ? AND NOT EXISTS '
                "(SELECT 1 FROM messages WHERE conversation_id = c.id AND status = 'running')"
            )
            return database.execute(query, (begun,)).fetchone() == (value,)

        context.set_offline(True)
        wait_for(lambda: unread(1), 'the answer to end')
        context.set_offline(False)
        wait_for(lambda: unread(0), 'it to be read')
    expect_status(page, 'complete')


def test_a_killed_server_loses_at_most_two_seconds_of_text(serve: Serve, page: Page) -> None:
    server = serve()
    open_page(page, server.url)
    rate = 40  # tokens per second
    say(page, f'/rate {rate} /long 4000')
    wait_for_text(page, 600)  # longer than two seconds of text, so that a loss shows
    shown = text_of(page)
    server.kill()
    server.start()
    expect_status(page, 'interrupted')  # the page comes back by itself
    kept = text_of(page)
    expect(page.get_by_test_id('message-user')).to_contain_text('/long 4000')
    assert shown.startswith(kept[:200])
    assert len(shown) - len(kept) <= 2 * rate * 6  # characters a token, generously
    expect(last_answer(page).get_by_test_id('message-error')).to_be_visible()


def test_a_conversation_survives_a_restart(serve: Serve, page: Page, context: BrowserContext) -> None:
    server = serve()
    open_page(page, server.url)
    ask(page, '/echo before the restart')
    server.stop()
    server.start()
    later = context.new_page()
    open_page(later, page.url)
    expect(later.get_by_test_id('message-text')).to_have_text('before the restart')
    assert ask(later, '/echo after it').strip() == 'after it'


def test_a_failed_answer_can_be_asked_again(serve: Serve, page: Page) -> None:
    """Dify is away when the person asks, and back when they try again."""
    port = free_port()
    server = serve(DIFY_BASE_URL=f'http://127.0.0.1:{port}/v1')
    open_page(page, server.url)
    say(page, '/echo are you there?')
    expect_status(page, 'failed')
    error = last_answer(page).get_by_test_id('message-error')
    expect(error).to_be_visible()
    assert str(port) not in error.locator('p').inner_text()  # a plain sentence, no technical words
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve_demo(build(key='demo'), port=port)):
        page.get_by_test_id('message-retry').click()
        expect_status(page, 'complete')
        expect(answers(page)).to_have_count(1)
        expect(answer_text(page)).to_have_text('are you there?')


def test_an_answer_that_breaks_off_keeps_its_words(app: Server, page: Page) -> None:
    open_page(page, app.url)
    say(page, '/rate 100 /cut 30')
    expect_status(page, 'interrupted')
    assert len(text_of(page)) > 30
    expect(page.get_by_test_id('message-retry')).to_be_visible()


def test_a_draft_stays_with_its_conversation(app: Server, page: Page) -> None:
    open_page(page, app.url)
    ask(page, '/echo first')
    box = page.get_by_test_id('composer-input')
    box.fill('half a thought')
    page.get_by_test_id('new-conversation').click()
    expect(box).to_have_value('')
    page.wait_for_url('**/a/default')
    page.go_back()
    expect(box).to_have_value('half a thought')
    page.reload()
    expect(box).to_have_value('half a thought')


def test_the_same_draft_sent_twice_is_asked_once(app: Server, page: Page) -> None:
    open_page(page, app.url)
    page.get_by_test_id('composer-input').fill('/echo only once')
    page.get_by_test_id('composer-send').evaluate('button => { button.click(); button.click(); }')
    expect_status(page, 'complete')
    expect(answers(page)).to_have_count(1)


def test_what_is_sent_again_after_its_end_shows_its_answer(app: Server, page: Page) -> None:
    """As when a page is reloaded before it has heard that its question was taken."""
    open_page(page, app.url)
    box = page.get_by_test_id('composer-input')
    box.fill('/echo said already')
    send = page.get_by_test_id('composer-send')
    kept = (
        "button => { button.click(); return Object.entries(localStorage).filter(([place]) => place.endsWith(':sent')) }"
    )
    drafts = send.evaluate(kept)
    assert drafts
    expect_status(page, 'complete')
    app.keeps_all()
    page.evaluate('drafts => drafts.forEach(([place, draft]) => localStorage.setItem(place, draft))', drafts)
    open_page(page, app.url)
    expect(box).to_have_value('/echo said already')
    known = page.get_by_test_id('conversation-item').count()
    send.click()
    expect(answers(page)).to_have_count(1)
    expect(answer_text(page)).to_have_text('said already')
    expect(page.get_by_test_id('conversation-item')).to_have_count(known)


def test_of_many_long_answers_a_page_gets_the_newest_and_the_others_when_scrolled_to(
    serve: Serve, page: Page, context: BrowserContext
) -> None:
    server = serve()
    open_page(page, server.url)
    for number in range(4):
        ask(page, f'/echo {number}')
    server.keeps_all()
    with closing(sqlite3.connect(server.folder / 'data' / 'webapp.db', isolation_level=None)) as database:
        rows = database.execute('select id, reply from messages').fetchall()
        long = [(json.dumps(json.loads(reply) | {'parts': [LONG]}), id) for id, reply in rows]
        database.executemany('update messages set reply = ? where id = ?', long)
    page.reload()
    expect(answers(page)).to_have_count(1)
    other = context.new_page()
    open_page(other, page.url)
    ask(other, '/echo and on')  # for this, the first page reads the rows again
    expect(answers(page)).to_have_count(2)
    page.locator('.thread-scroll').evaluate('scroller => scroller.scrollTo(0, 0)')
    questions = page.get_by_test_id('message-user')
    expect(questions.filter(has_text='/echo 2')).to_have_count(1)
    assert questions.all_text_contents()[-3:] == ['/echo 2', '/echo 3', '/echo and on']


def test_every_answer_leaves_one_row_of_usage(serve: Serve, page: Page) -> None:
    server = serve()
    open_page(page, server.url)
    ask(page, '/echo one')
    ask(page, '/echo two')
    server.keeps_all()
    with closing(sqlite3.connect(server.folder / 'data' / 'webapp.db')) as database:
        rows = database.execute('select outcome, total_tokens > 0 from usage').fetchall()
    assert rows == [('complete', 1), ('complete', 1)]
