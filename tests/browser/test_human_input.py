"""The app asks a person in the middle of an answer."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from support.chat import CONNECTED, answer_text, answers, expect_status, last_answer, open_page, say
from support.server import Serve, Server

QUESTION = 'I need a decision before I can answer.'
PNG = bytes.fromhex(
    '89504e470d0a1a0a0000000d4948445200000001000000010806000000'
    '1f15c4890000000d49444154789c6364f8cf500f0003860180165ae3da0000000049454e44ae426082'
)


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    return ('ERR_CONNECTION_', 'WebSocket', '503', '500', '415')


def form(page: Page) -> Locator:
    return last_answer(page).get_by_test_id('form')


def attach(page: Page, name: str, data: bytes) -> None:
    kind = 'image/png' if name.endswith('.png') else 'application/octet-stream'
    form(page).get_by_test_id('inputs-file').set_input_files({'name': name, 'mimeType': kind, 'buffer': data})


def is_asked(page: Page, query: str) -> None:
    say(page, query)
    expect_status(page, 'waiting')
    expect(form(page)).to_have_attribute('data-standing', 'open')


def test_it_is_answered_and_the_answer_goes_on_below_it(page: Page, app: Server) -> None:
    open_page(page, app.url)
    is_asked(page, '/human /echo a red one then')
    expect(form(page).get_by_role('heading')).to_have_text('May I go on?')
    expect(form(page)).to_contain_text('The time to answer ends')
    expect(form(page).get_by_label('Comment')).to_have_value('Looks good.')
    form(page).get_by_label('Comment').fill('But only a red one.')
    form(page).get_by_label('Urgency').select_option('high')
    form(page).get_by_role('button', name='Approve').click()
    expect_status(page, 'complete')
    expect(form(page)).to_have_attribute('data-standing', 'answered')
    expect(form(page).get_by_test_id('form-answer')).to_contain_text('But only a red one.')
    expect(form(page).get_by_test_id('form-answer')).to_contain_text('Approve')
    expect(answer_text(page)).to_have_text('a red one then')
    whole = last_answer(page).inner_text()
    assert whole.index(QUESTION) < whole.index('But only a red one.') < whole.rindex('a red one then')


def test_what_is_written_waits_for_a_reload_and_so_does_the_question(page: Page, app: Server) -> None:
    open_page(page, app.url)
    is_asked(page, '/human /echo done')
    form(page).get_by_label('Comment').fill('half an ans')
    page.wait_for_url('**/c/*')
    open_page(page, page.url)
    expect_status(page, 'waiting')
    expect(form(page).get_by_label('Comment')).to_have_value('half an ans')
    form(page).get_by_role('button', name='Reject').click()
    expect_status(page, 'complete')
    expect(form(page).get_by_test_id('form-answer')).to_contain_text('Reject')


def test_another_tab_sees_what_was_answered(page: Page, app: Server) -> None:
    open_page(page, app.url)
    is_asked(page, '/human /echo done')
    page.wait_for_url('**/c/*')
    other = page.context.new_page()
    open_page(other, page.url)
    expect(form(other)).to_have_attribute('data-standing', 'open')
    form(page).get_by_role('button', name='Approve').click()
    expect_status(other, 'complete')
    expect(form(other)).to_have_attribute('data-standing', 'answered')
    expect(answer_text(other)).to_have_text('done')


def test_the_keyboard_is_enough(page: Page, app: Server) -> None:
    open_page(page, app.url)
    is_asked(page, '/human /echo done')
    expect(page.get_by_test_id('composer-input')).to_be_focused()
    field = form(page).get_by_label('Comment')
    for _ in range(12):
        if field.evaluate('field => field === document.activeElement'):
            break
        page.keyboard.press('Shift+Tab')
    expect(field).to_be_focused()
    page.keyboard.press('Control+a')
    page.keyboard.type('by keys')
    page.keyboard.press('Tab')
    expect(form(page).get_by_label('Urgency')).to_be_focused()
    page.keyboard.press('ArrowDown')
    page.keyboard.press('Tab')
    page.keyboard.press('Enter')
    expect_status(page, 'complete')
    expect(form(page).get_by_test_id('form-answer')).to_contain_text('by keys')
    expect(form(page).get_by_test_id('form-answer')).to_contain_text('high')
    expect(form(page)).to_be_focused()


def test_a_file_is_given(page: Page, app: Server) -> None:
    open_page(page, app.url)
    is_asked(page, '/proof /echo done')
    form(page).get_by_role('button', name='Approve').click()
    expect_status(page, 'waiting')
    expect(form(page).get_by_test_id('form-problem')).to_have_text('Choose a file.')
    expect(form(page).get_by_role('button', name='Proof Choose a file')).to_be_focused()
    attach(page, 'notes.txt', b'Hello')
    tile = form(page).get_by_test_id('attachment')
    expect(tile).to_have_attribute('data-state', 'ready')
    expect(form(page).get_by_test_id('form-problem')).to_be_empty()
    page.wait_for_url('**/c/*')
    open_page(page, page.url)
    expect(tile).to_have_accessible_name('notes.txt, 1 kB')  # it waits for a reload, too
    tile.get_by_test_id('attachment-remove').click()
    expect(tile).to_have_count(0)
    attach(page, 'square.png', PNG)
    expect(tile).to_have_attribute('data-state', 'ready')
    expect(tile.locator('img')).to_have_js_property('naturalWidth', 1)
    form(page).get_by_role('button', name='Approve').click()
    expect_status(page, 'complete')
    expect(answer_text(page)).to_have_text('done')
    for _ in range(2):
        given = form(page).get_by_test_id('form-answer').get_by_role('link', name='Show square.png larger')
        expect(given.locator('img')).to_have_js_property('naturalWidth', 1)
        open_page(page, page.url)


@pytest.mark.parametrize('status', [500, 415])
def test_a_file_that_does_not_arrive_may_be_tried_again_or_taken_away(page: Page, app: Server, status: int) -> None:
    open_page(page, app.url)
    is_asked(page, '/proof /echo done')
    page.route('**/uploads', lambda route: route.fulfill(status=status, json={'message': 'No room for it.'}))
    attach(page, 'notes.txt', b'Hello')
    tile = form(page).get_by_test_id('attachment')
    expect(tile).to_have_attribute('data-state', 'failed')
    expect(tile).to_contain_text('No room for it.')
    form(page).get_by_role('button', name='Approve').click()
    expect(form(page).get_by_test_id('form-problem')).to_contain_text('was not uploaded')
    page.unroute('**/uploads')
    if status == 500:
        tile.get_by_test_id('attachment-retry').click()
    else:
        tile.get_by_test_id('attachment-remove').click()
        attach(page, 'notes.txt', b'Hello')
    expect(tile).to_have_attribute('data-state', 'ready')
    form(page).get_by_role('button', name='Approve').click()
    expect_status(page, 'complete')
    expect(form(page).get_by_test_id('form-answer').get_by_role('link', name='notes.txt')).to_be_visible()


def test_a_kind_of_file_that_is_not_asked_for_is_refused(page: Page, app: Server) -> None:
    open_page(page, app.url)
    is_asked(page, '/proof /echo done')
    attach(page, 'song.mp3', b'ID3')
    tile = form(page).get_by_test_id('attachment')
    expect(tile).to_have_attribute('data-state', 'failed')
    expect(tile).to_contain_text('images and documents')


def test_something_else_is_asked_while_it_waits_and_it_can_be_ended(page: Page, app: Server) -> None:
    open_page(page, app.url)
    is_asked(page, '/human /echo done')
    first = answers(page).first
    expect(first).to_contain_text('Waiting for your answer')
    say(page, '/echo something else')
    expect(answers(page)).to_have_count(2)
    expect_status(page, 'complete')
    expect(first).to_have_attribute('data-status', 'waiting')
    first.get_by_test_id('waiting-stop').click()
    expect(first).to_have_attribute('data-status', 'stopped')
    expect(first.get_by_test_id('form')).to_have_attribute('data-standing', 'closed')
    expect(first.get_by_test_id('form').get_by_role('button')).to_have_count(0)


def test_when_the_time_is_over_the_form_says_so(page: Page, app: Server) -> None:
    open_page(page, app.url)
    is_asked(page, '/human 4 /echo done')
    expect(form(page)).to_contain_text('The time to answer is over.')
    expect_status(page, 'complete')
    expect(form(page)).to_have_attribute('data-standing', 'expired')
    expect(answer_text(page)).to_contain_text('Nobody has answered in time')


def test_what_only_others_can_answer_says_so_and_goes_on(page: Page, app: Server) -> None:
    open_page(page, app.url)
    say(page, '/elsewhere 2 /echo done')
    expect_status(page, 'waiting')
    expect(form(page)).to_have_attribute('data-standing', 'elsewhere')
    expect(last_answer(page)).to_contain_text('Waiting for an approval elsewhere')
    expect_status(page, 'complete')
    expect(form(page).get_by_test_id('form-answer')).to_contain_text('Fine with me.')


def test_a_restart_changes_nothing(page: Page, serve: Serve) -> None:
    server = serve()
    open_page(page, server.url)
    is_asked(page, '/human /echo done')
    page.wait_for_url('**/c/*')
    server.kill()
    server.start()  # the page comes back by itself
    page.wait_for_function(CONNECTED)
    expect_status(page, 'waiting')
    form(page).get_by_role('button', name='Approve').click()
    expect_status(page, 'complete')
    expect(answer_text(page)).to_have_text('done')


def test_a_stream_that_breaks_is_heard_again_and_says_so_at_the_end(page: Page, app: Server) -> None:
    words = ' '.join(f'w{number}' for number in range(60))
    open_page(page, app.url)
    say(page, f'/steps /cut 20 /echo {words}')
    expect_status(page, 'complete')
    expect(answer_text(page)).to_have_text(re.compile(words))
    expect(last_answer(page)).to_contain_text('Completed after an interruption')
