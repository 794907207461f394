"""Writing: drafts, keys, Enter, and what happens to a text that was not taken."""

import pytest
from gallery_support import Gallery, Open
from playwright.sync_api import Locator, Page, expect


@pytest.fixture
def box(page: Page) -> Locator:
    return page.get_by_test_id('composer-input')


def put(box: Locator, text: str) -> None:
    """What `fill` does, for texts of which it makes no end."""
    box.evaluate("(box, text) => { box.value = text; box.dispatchEvent(new Event('input')) }", text)


def test_enter_sends_shift_enter_and_blank_do_not(visit: Open, gallery: Gallery, box: Locator) -> None:
    visit()
    box.fill('   ')
    box.press('Enter')
    box.fill('one')
    box.press('Shift+Enter')
    box.press_sequentially('two')
    box.press('Enter')
    text, key = gallery.wait_for('send')
    assert (text, len(str(key)) > 20) == ('one\ntwo', True)
    expect(box).to_have_value('')
    assert len(gallery.heard('send')) == 1


def test_enter_that_ends_a_composition_does_not_send(visit: Open, gallery: Gallery, page: Page, box: Locator) -> None:
    visit()
    box.focus()
    session = page.context.new_cdp_session(page)
    session.send('Input.imeSetComposition', {'text': 'にほん', 'selectionStart': 3, 'selectionEnd': 3})
    session.send(
        'Input.dispatchKeyEvent',
        {'type': 'rawKeyDown', 'key': 'Process', 'code': 'Enter', 'windowsVirtualKeyCode': 229},
    )
    box.dispatch_event('keydown', {'key': 'Enter', 'isComposing': True})
    session.send('Input.insertText', {'text': '日本'})
    expect(box).to_have_value('日本')
    box.press('Enter')
    assert gallery.wait_for('send')[0] == '日本'
    assert len(gallery.heard('send')) == 1


def test_the_box_grows_to_two_fifths_of_the_page(visit: Open, page: Page, box: Locator) -> None:
    visit()
    small = box.bounding_box()
    box.fill('\n'.join('line' for _ in range(100)))
    tall = box.bounding_box()
    assert small is not None
    assert tall is not None
    assert small['height'] < 50
    assert tall['height'] == pytest.approx(800 * 0.4, abs=26)
    assert tall['height'] % box.evaluate('box => parseFloat(getComputedStyle(box).lineHeight)') == 0  # no line is cut
    radius = "parseFloat(getComputedStyle(document.querySelector('.composer-box')).borderTopLeftRadius)"
    assert page.evaluate(f'{radius} < 20')


def test_how_to_send_is_told_until_it_is_known(visit: Open, gallery: Gallery, page: Page, box: Locator) -> None:
    visit()
    note = page.locator('#composer-note')
    expect(note).to_contain_text('Enter sends')
    page.set_viewport_size({'width': 900, 'height': 480})
    expect(note).to_be_hidden()
    page.set_viewport_size({'width': 900, 'height': 800})
    box.fill('I know')
    box.press('Enter')
    gallery.wait_for('send')
    expect(note).to_have_text('')
    visit()
    expect(note).to_have_text('')


def test_a_draft_is_kept_per_conversation_and_over_a_reload(visit: Open, page: Page, box: Locator) -> None:
    visit()
    box.fill('half a thought')
    page.locator('[data-conversation-id=c4]').get_by_role('link').click()
    expect(box).to_have_value('')
    box.fill('another')
    page.locator('[data-conversation-id=c0]').get_by_role('link').click()
    expect(box).to_have_value('half a thought')
    page.reload()
    expect(box).to_have_value('half a thought')


def test_an_accepted_text_leaves_no_draft(visit: Open, gallery: Gallery, page: Page, box: Locator) -> None:
    visit()
    box.fill('take this')
    box.press('Enter')
    expect(page.get_by_test_id('message-user').last).to_have_text('take this')
    page.wait_for_function('Object.keys(localStorage).every(name => !name.startsWith("draft:"))')
    page.reload()
    expect(box).to_have_value('')


def test_a_text_that_nobody_took_comes_back_with_its_key(
    visit: Open, gallery: Gallery, page: Page, box: Locator
) -> None:
    visit()
    box.fill('/silence please')
    box.press('Enter')
    first = gallery.wait_for('send')
    visit()  # the page was closed before an answer came
    expect(box).to_have_value('/silence please')
    box.press('Enter')
    assert gallery.wait_for('send', 2) == first
    visit()
    box.press_sequentially(' now')  # another text is another message
    box.press('Enter')
    text, key = gallery.wait_for('send', 3)
    assert text == '/silence please now'
    assert key != first[1]


def test_a_refused_text_comes_back_before_what_was_written_since(visit: Open, gallery: Gallery, box: Locator) -> None:
    visit()
    box.fill('/refuse this')
    box.press('Enter')
    gallery.wait_for('send')
    expect(box).to_have_value('/refuse this')


def test_while_an_answer_is_written_the_button_stops(visit: Open, gallery: Gallery, page: Page, box: Locator) -> None:
    visit()
    box.fill('/long 2000')
    page.get_by_test_id('composer-send').click()
    expect(page.get_by_test_id('composer-stop')).to_be_visible()
    expect(page.get_by_test_id('composer-send')).to_be_hidden()
    box.fill('the next one')
    box.press('Enter')
    expect(page.locator('#composer-note')).to_contain_text('when the answer is complete')
    expect(box).to_have_value('the next one')
    page.get_by_test_id('composer-stop').click()
    expect(page.get_by_test_id('message-assistant').last).to_have_attribute('data-status', 'stopped')
    expect(page.get_by_test_id('composer-send')).to_be_visible()
    assert len(gallery.heard('send')) == 1


def test_a_text_too_long_for_the_socket_goes_another_way(visit: Open, gallery: Gallery, box: Locator) -> None:
    visit()
    text = 'ä ' * 250_000
    put(box, text)
    box.press('Enter')
    assert gallery.wait_for('send')[0] == text
    expect(box).to_have_value('')


def test_a_long_text_for_which_there_is_no_room_comes_back(
    visit: Open, gallery: Gallery, page: Page, box: Locator, problems: list[str]
) -> None:
    visit()
    text = '/refuse ' + 'long ' * 200_000
    put(box, text)
    box.press('Enter')
    expect(page.locator('#composer-note')).to_contain_text('There is no room for this text.')
    assert box.input_value() == text
    assert gallery.heard('send') == []
    problems.clear()  # the browser's own line about the refusal


def test_a_text_beyond_two_million_characters_stays(visit: Open, gallery: Gallery, page: Page, box: Locator) -> None:
    visit()
    faces = '\N{GRINNING FACE}' * 200_000  # a face is one character, but two units of the browser's
    put(box, 'word ' * 340_000 + faces)
    expect(page.locator('#composer-note')).not_to_contain_text('too long')
    put(box, 'a ' * 1_000_001)
    box.press('Enter')
    expect(page.locator('#composer-note')).to_contain_text('too long')
    box.fill('short')
    expect(page.locator('#composer-note')).not_to_contain_text('too long')
    box.press('Enter')
    assert gallery.wait_for('send')[0] == 'short'


def test_what_the_socket_lost_is_sent_again(visit: Open, gallery: Gallery, page: Page, box: Locator) -> None:
    page.clock.install()
    page.add_init_script("""
        const { send } = WebSocket.prototype;
        window.lost = 0;
        WebSocket.prototype.send = function (data) {
            if (lost < 1 && String(data).includes('into the dark')) lost += 1;
            else send.call(this, data);
        };
    """)
    visit()
    box.fill('into the dark')
    box.press('Enter')
    page.wait_for_function('window.lost === 1')
    expect(box).to_have_value('')
    page.clock.fast_forward(10_000)
    assert gallery.wait_for('send')[0] == 'into the dark'
    expect(page.get_by_test_id('message-user').last).to_have_text('into the dark')
    page.clock.fast_forward(60_000)
    assert len(gallery.heard('send')) == 1


def test_what_nobody_answers_comes_back_after_three_tries(
    visit: Open, gallery: Gallery, page: Page, box: Locator
) -> None:
    page.clock.install()
    visit()
    box.fill('/silence')
    box.press('Enter')
    for tries in range(1, 4):
        gallery.wait_for('send', tries)
        expect(box).to_have_value('')
        page.clock.fast_forward(10_000)
    expect(box).to_have_value('/silence')
    expect(page.locator('#composer-note')).to_contain_text('did not confirm')
    first, *others = gallery.heard('send')
    assert others == [first, first], 'the server knows by the key that they are one'
    box.press('Enter')
    assert gallery.wait_for('send', 4) == first[1:]


def test_a_late_answer_takes_the_text_out_again(visit: Open, gallery: Gallery, page: Page, box: Locator) -> None:
    page.clock.install()
    visit()
    box.fill('/late')
    box.press('Enter')
    for tries in range(1, 4):
        gallery.wait_for('send', tries)
        page.clock.fast_forward(10_000)
    expect(box).to_have_value('/late')
    gallery.release()
    expect(box).to_have_value('')


def test_a_new_draft_stays_where_it_was_written(visit: Open, page: Page, box: Locator) -> None:
    """Only a new conversation takes what is written since along with it."""
    visit()
    box.fill('sent')
    box.press('Enter')
    expect(page.get_by_test_id('message-user').last).to_have_text('sent')
    box.fill('belongs here')
    page.locator('[data-conversation-id=c4]').get_by_role('link').click()
    expect(box).to_have_value('')
    page.locator('[data-conversation-id=c0]').get_by_role('link').click()
    expect(box).to_have_value('belongs here')


def test_a_click_before_the_socket_is_there_is_not_lost(gallery: Gallery, page: Page, box: Locator) -> None:
    page.add_init_script("""
        const { send } = WebSocket.prototype;
        WebSocket.prototype.send = function (data) { (window.held ??= []).push(() => send.call(this, data)) };
        window.release = () => { WebSocket.prototype.send = send; held.forEach((each) => each()) };
    """)
    page.goto(gallery.url)
    box.fill('in a hurry')
    page.get_by_test_id('composer-send').click()
    assert not page.evaluate('window.socket?.connected')
    page.evaluate('release()')
    assert gallery.wait_for('send')[0] == 'in a hurry'


def test_without_storage_writing_still_works(visit: Open, gallery: Gallery, page: Page, box: Locator) -> None:
    page.add_init_script("""
        Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError') } });
    """)
    visit()
    box.fill('no memory')
    box.press('Enter')
    assert gallery.wait_for('send')[0] == 'no memory'


def test_what_is_written_while_a_conversation_gets_its_address_goes_there(visit: Open, box: Locator) -> None:
    """The draft changes its place with the first message; the next words are already in the box."""
    page = visit('/empty')
    box.fill('/move c77')
    box.press('Enter')
    box.press_sequentially('and then')
    page.wait_for_function("localStorage.getItem('draft:c77')?.includes('and then')")
    expect(box).to_have_value('and then')
    assert page.evaluate("localStorage.getItem('draft:c0')") is None


def test_a_text_from_a_link_does_not_replace_a_draft(visit: Open, box: Locator) -> None:
    visit('/filled')
    expect(box).to_have_value('from a link')
    box.fill('my own words')
    visit('/filled')
    expect(box).to_have_value('from a link\n\nmy own words')
    visit('/filled')
    expect(box).to_have_value('from a link\n\nmy own words')
