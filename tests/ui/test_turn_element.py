"""What stands in a turn: files, sources, the reader's opinion, the cost, long questions, the day."""

import re

import pytest
from gallery_support import Gallery, Open
from playwright.sync_api import Browser, Locator, Page, expect
from support import direct

SCROLLER = "document.querySelector('.thread-scroll')"
TO_TOP = f'{SCROLLER}.scrollTop = 0'
FOCUSED = 'document.activeElement.dataset.testid'


def turn(page: Page, message: str) -> Locator:
    return page.locator(f'[data-id={message}]')


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    return ('404',)  # of a picture that is lost


# files


def test_pictures_have_their_room_before_they_come(visit: Open) -> None:
    page = visit('/files')
    page.evaluate(TO_TOP)
    page.wait_for_function("[...document.querySelectorAll('.thumb img')].every(image => image.complete)")
    upright = turn(page, 'm5').locator('img')
    assert upright.evaluate('image => [image.width, image.height]') == [96, 288]
    wide = turn(page, 'm4').locator('img')
    expect(wide).to_have_attribute('loading', 'lazy')
    assert wide.evaluate('image => [image.width, image.height]') == [512, 384]


def test_the_page_does_not_jump_when_pictures_come(visit: Open, page: Page) -> None:
    page.route('**/files/*', lambda _: None)  # none comes
    visit('/files')
    page.evaluate(TO_TOP)
    height = "document.querySelector('.thread-column').getBoundingClientRect().height"
    assert page.evaluate("document.querySelectorAll('.thumb img').length") == 7
    before = page.evaluate(height)
    page.unroute_all(behavior='ignoreErrors')
    page.evaluate("document.querySelectorAll('.thumb img').forEach(image => image.src += '?again')")
    come = "[...document.querySelectorAll('.thumb img')].every(image => image.naturalWidth)"
    page.wait_for_function(f"document.querySelector('.is-broken') && {come}")
    assert page.evaluate(height) == pytest.approx(before, abs=1)


def test_a_picture_that_is_lost_says_so(visit: Open) -> None:
    page = visit('/files')
    page.evaluate(TO_TOP)
    broken = turn(page, 'm1').get_by_test_id('message-image').last
    expect(broken).to_have_text("This image can't be shown.")
    expect(broken).to_be_disabled()


def test_a_picture_named_by_a_machine_gets_a_name_to_say(visit: Open) -> None:
    page = visit('/files')
    lost = turn(page, 'm1').get_by_test_id('message-image').last
    expect(lost).to_be_disabled()  # which is not counted
    image = turn(page, 'm3').get_by_test_id('message-image')
    expect(image).to_have_accessible_name('Show Image 1.png larger')
    image.click()
    expect(page.get_by_test_id('lightbox')).to_contain_text('Image 1.png, 5 of 6')
    expect(page.get_by_test_id('lightbox-download')).to_have_attribute('download', 'Image 1.png')


def test_other_files_are_tiles_to_download(visit: Open) -> None:
    tile = turn(visit('/files'), 'm2').get_by_test_id('message-file').first
    expect(tile).to_contain_text('2.3 MB')  # as the composer has it
    link = tile.get_by_role('link', name=re.compile('^Download A report'))
    expect(link).to_have_attribute('href', '/files/report?download=1')
    expect(link).to_have_attribute('download', re.compile(r'\.pdf$'))


def test_a_picture_opens_large_and_the_keyboard_leads_to_the_others_and_back(visit: Open) -> None:
    page = visit('/files')
    page.evaluate(TO_TOP)
    expect(turn(page, 'm1').locator('.is-broken')).to_be_visible()
    first = turn(page, 'm1').get_by_test_id('message-image').first
    first.focus()
    page.keyboard.press('Enter')
    box = page.get_by_test_id('lightbox')
    expect(box).to_contain_text('photo 0.png, 1 of 6')
    expect(box.get_by_role('img', name='photo 0.png')).to_be_visible()
    expect(box.get_by_role('button', name='Previous image')).to_be_hidden()
    page.keyboard.press('ArrowRight')
    expect(box).to_contain_text('photo 1.png, 2 of 6')
    expect(box.get_by_test_id('lightbox-download')).to_have_attribute('href', '/files/p1?download=1')
    page.keyboard.press('ArrowLeft')
    page.keyboard.press('ArrowLeft')  # there is none before the first
    expect(box).to_contain_text('1 of 6')
    page.keyboard.press('Escape')
    expect(box).to_be_hidden()
    expect(first).to_be_focused()


def test_a_large_picture_can_be_made_larger_and_moved(visit: Open) -> None:
    page = visit('/files')
    turn(page, 'm5').get_by_test_id('message-image').click()
    box, image = page.get_by_test_id('lightbox'), page.locator('.lightbox-stage img')
    expect(image).to_be_visible()
    page.wait_for_function("document.querySelector('.lightbox-stage img').naturalWidth")
    fitting = image.bounding_box()
    assert fitting
    x, y = fitting['x'] + fitting['width'] / 2, fitting['y'] + fitting['height'] / 2
    page.mouse.move(x, y)
    page.mouse.wheel(0, -300)
    expect(box).to_have_attribute('data-zoomed', '')
    assert image.bounding_box()['height'] == pytest.approx(fitting['height'] * 2.718, rel=0.01)  # type: ignore[index]
    page.mouse.down()
    page.mouse.move(x, y + 100)
    page.mouse.up()
    expect(box).to_be_visible()  # to drag is not to click beside it
    assert image.bounding_box()['y'] > fitting['y'] - fitting['height'] * 0.86 + 90  # type: ignore[index]
    page.keyboard.press('0')
    assert image.bounding_box() == fitting
    page.mouse.dblclick(x, y)
    expect(box).to_have_attribute('data-zoomed', '')
    box.get_by_role('button', name='Smaller').click()
    box.get_by_test_id('lightbox-close').click()
    expect(box).to_be_hidden()


def test_arrow_keys_move_a_picture_that_is_larger_than_the_window(visit: Open) -> None:
    page = visit('/files')
    page.evaluate(TO_TOP)
    turn(page, 'm1').get_by_test_id('message-image').first.click()
    box, image = page.get_by_test_id('lightbox'), page.locator('.lightbox-stage img')
    expect(image).to_be_visible()
    page.wait_for_function("document.querySelector('.lightbox-stage img').naturalWidth")
    for _ in range(3):
        page.keyboard.press('+')
    before = image.bounding_box()
    page.keyboard.press('ArrowRight')
    page.keyboard.press('ArrowDown')
    after = image.bounding_box()
    assert before
    assert after
    assert (after['x'], after['y']) == (before['x'] - 60, before['y'] - 60)
    expect(box).to_contain_text('photo 0.png, 1 of')
    page.keyboard.press('PageDown')
    expect(box).to_contain_text('photo 1.png, 2 of')


def test_a_finger_turns_to_the_next_picture(visit: Open) -> None:
    page = visit('/files')
    page.evaluate(TO_TOP)
    turn(page, 'm1').get_by_test_id('message-image').first.click()
    box = page.get_by_test_id('lightbox')
    expect(box).to_contain_text('photo 0.png, 1 of')
    swipe(page, 800, 400)
    expect(box).to_contain_text('photo 1.png, 2 of')
    swipe(page, 400, 800)
    expect(box).to_contain_text('photo 0.png, 1 of')
    swipe(page, 420, 400)  # too short to be meant
    expect(box).to_contain_text('photo 0.png, 1 of')


def swipe(page: Page, start: float, end: float) -> None:
    touch = page.context.new_cdp_session(page)
    for kind, points in (('Start', [start]), ('Move', [(start + end) / 2]), ('Move', [end]), ('End', [])):
        where = [{'x': x, 'y': 400} for x in points]
        touch.send('Input.dispatchTouchEvent', {'type': f'touch{kind}', 'touchPoints': where})
    touch.detach()


# sources


def test_sources_open_in_one_panel_beside_the_thread(visit: Open) -> None:
    page = visit('/cited')
    marks = page.get_by_test_id('citation')
    expect(marks).to_have_text(
        ['1Handbook, chapter 4.pdf', re.compile('^2https'), '3Handbook, chapter 4.pdf', re.compile('^4')]
    )
    panel = page.get_by_test_id('citation-panel')
    expect(panel).to_be_hidden()
    marks.nth(2).click()
    expect(panel.get_by_role('listitem')).to_have_count(4)  # the fifth is the first once more
    current = panel.locator('[data-current]')
    expect(current).to_contain_text('<b>Certificates</b> last a year.')  # plain text
    expect(current).to_contain_text('41% match')
    expect(current).to_contain_text('IT')
    expect(current).to_be_focused()
    expect(marks.nth(2)).to_have_attribute('aria-expanded', 'true')
    marks.first.click()  # the thread can be used beside it
    expect(panel.locator('[data-current]')).to_contain_text('connects by itself')
    expect(marks.nth(2)).to_have_attribute('aria-expanded', 'false')
    marks.first.click()
    expect(panel).to_be_hidden()


def test_the_panel_takes_its_room_from_thread_and_composer(visit: Open) -> None:
    page = visit('/cited')
    page.get_by_test_id('citation').first.click()
    expect(page.get_by_test_id('citation-panel')).to_be_visible()
    panel, box = page.get_by_test_id('citation-panel').bounding_box(), page.locator('.composer-box').bounding_box()
    assert panel
    assert box
    assert box['x'] + box['width'] <= panel['x']
    assert (panel['x'] + panel['width'], panel['y'] + panel['height']) == (1280, 800)
    page.get_by_test_id('citation-close').click()
    expect(page.get_by_test_id('citation-panel')).to_be_hidden()
    after = page.locator('.composer-box').bounding_box()
    assert after
    assert after['width'] > box['width'] + 100


def test_a_number_in_the_text_leads_to_its_source(visit: Open) -> None:
    page = visit('/cited')
    page.evaluate(TO_TOP)
    answer = turn(page, 'm6')
    marks = answer.get_by_test_id('citation-mark')
    expect(marks).to_have_text(['[1]', '[3]'])  # not in code, and only where there is such a source
    expect(marks.first).to_have_accessible_name('Source 1: Handbook, chapter 4.pdf')
    expect(answer.get_by_test_id('message-text').locator('p').first).to_have_text(
        'It connects by itself [1], once [3] is there, not [2], not [9].'
    )
    marks.last.click()
    expect(page.locator('.source[data-current]')).to_contain_text('<b>Certificates</b>')
    expect(marks.last).to_have_attribute('aria-expanded', 'true')
    expect(answer.get_by_test_id('citation').nth(2)).to_have_attribute('aria-expanded', 'true')
    page.keyboard.press('Escape')
    expect(marks.last).to_be_focused()
    expect(answer.get_by_test_id('citation').nth(2)).to_have_attribute('aria-expanded', 'false')


def test_the_original_opens_only_where_it_is_a_web_page(visit: Open) -> None:
    page = visit('/cited')
    page.get_by_test_id('citation').first.click()
    link = page.get_by_test_id('citation-link')
    expect(link).to_have_count(1)  # of five, one of them with a script for an address
    expect(link).to_contain_text('wiki.example.com')
    expect(link).to_have_attribute('href', 'https://wiki.example.com/vpn?x=1')
    expect(link).to_have_attribute('target', '_blank')
    expect(link).to_have_attribute('rel', 'noopener noreferrer nofollow')


def test_the_panel_is_left_by_escape_and_the_keyboard_is_where_it_was(visit: Open, gallery: Gallery) -> None:
    page = visit('/cited')
    mark = page.get_by_test_id('citation').nth(1)
    mark.focus()
    page.keyboard.press('Enter')
    expect(page.get_by_test_id('citation-panel')).to_be_visible()
    page.keyboard.press('Escape')
    expect(page.get_by_test_id('citation-panel')).to_be_hidden()
    expect(mark).to_be_focused()
    assert gallery.heard('stop') == []


def test_on_a_phone_the_panel_is_a_drawer(visit: Open, page: Page) -> None:
    page.set_viewport_size({'width': 390, 'height': 844})
    visit('/cited')
    page.get_by_test_id('citation').first.click()
    panel = page.get_by_test_id('citation-panel')
    expect(panel).to_be_visible()
    assert panel.evaluate('panel => panel.matches(":modal")')
    box = panel.bounding_box()
    assert box
    assert (box['x'], box['width'], box['y'] + box['height']) == (0, 390, 844)
    page.mouse.click(195, 60)  # beside it
    expect(panel).to_be_hidden()


def test_going_elsewhere_closes_the_panel(visit: Open) -> None:
    page = visit('/cited')
    page.get_by_test_id('citation').first.click()
    expect(page.get_by_test_id('citation-panel')).to_be_visible()
    page.get_by_test_id('conversation-item').nth(2).click()
    expect(page.get_by_test_id('message-user').last).to_have_text('Opened c2')
    expect(page.get_by_test_id('citation-panel')).to_be_hidden()


# opinion


def test_a_rating_is_sent_at_once_and_taken_back_by_the_same_button(visit: Open, gallery: Gallery) -> None:
    page = visit('/')
    like, dislike = (turn(page, 'm5').get_by_test_id(f'feedback-{name}') for name in ('like', 'dislike'))
    expect(like).to_have_attribute('aria-pressed', 'false')
    like.click()
    expect(like).to_have_attribute('aria-pressed', 'true')
    assert gallery.wait_for('feedback') == ['m5', 'like', '']
    page.keyboard.press('Escape')
    dislike.click()
    expect(like).to_have_attribute('aria-pressed', 'false')
    assert gallery.wait_for('feedback', 2) == ['m5', 'dislike', '']
    page.keyboard.press('Escape')
    dislike.click()
    expect(dislike).to_have_attribute('aria-pressed', 'false')
    assert gallery.wait_for('feedback', 3) == ['m5', '', '']
    expect(page.get_by_test_id('feedback-text')).to_be_hidden()


def test_a_comment_can_be_added_without_moving_the_page(visit: Open, gallery: Gallery) -> None:
    page = visit('/')
    answer = turn(page, 'm5')
    before = page.evaluate(f'[{SCROLLER}.scrollTop, {SCROLLER}.scrollHeight]')
    answer.get_by_test_id('feedback-dislike').click()
    page.get_by_test_id('feedback-text').fill('  Too long.  ')
    assert page.evaluate(f'[{SCROLLER}.scrollTop, {SCROLLER}.scrollHeight]') == before
    page.get_by_test_id('feedback-save').click()
    assert gallery.wait_for('feedback', 2) == ['m5', 'dislike', 'Too long.']
    expect(page.get_by_test_id('feedback-text')).to_be_hidden()
    expect(answer.get_by_test_id('feedback-dislike')).to_be_focused()
    answer.get_by_test_id('feedback-comment').click()
    expect(page.get_by_test_id('feedback-text')).to_have_value('Too long.')
    page.get_by_test_id('feedback-cancel').click()
    assert len(gallery.heard('feedback')) == 2


def test_words_that_were_not_saved_are_still_there(visit: Open) -> None:
    page = visit('/')
    turn(page, 'm5').get_by_test_id('feedback-like').click()
    page.get_by_test_id('feedback-text').fill('I was just')
    page.mouse.click(780, 120)
    expect(page.get_by_test_id('feedback-text')).to_be_hidden()
    turn(page, 'm5').get_by_test_id('feedback-comment').click()
    expect(page.get_by_test_id('feedback-text')).to_have_value('I was just')


def test_what_was_rated_before_is_shown(visit: Open) -> None:
    answer = turn(visit('/states'), 'm3')
    expect(answer.get_by_test_id('feedback-like')).to_have_attribute('aria-pressed', 'true')
    expect(answer.get_by_test_id('feedback-comment')).to_have_text('Edit your comment')
    expect(turn(answer.page, 'm4').get_by_test_id('feedback-like')).to_have_count(0)  # that one failed


def test_the_server_has_the_last_word_on_a_rating_and_leaves_the_text_alone(visit: Open) -> None:
    page = visit('/')
    answer = turn(page, 'm5')
    answer.get_by_test_id('message-text').evaluate('prose => prose.firstElementChild.isTheSame = true')
    answer.get_by_test_id('feedback-like').click()
    page.get_by_test_id('feedback-text').fill('refuse this')
    page.get_by_test_id('feedback-save').click()
    expect(answer.get_by_test_id('feedback-dislike')).to_have_attribute('aria-pressed', 'true')
    expect(answer.get_by_test_id('feedback-like')).to_have_attribute('aria-pressed', 'false')
    assert answer.get_by_test_id('message-text').evaluate('prose => prose.firstElementChild.isTheSame')


# cost


def test_cost_opens_its_facts_and_escape_closes_them(visit: Open, gallery: Gallery) -> None:
    page = visit('/')
    usage = turn(page, 'm5').get_by_test_id('usage')
    expect(usage).to_have_text('812 tokens · $0.0021')
    usage.focus()
    page.keyboard.press('Enter')
    facts = page.get_by_role('dialog', name='What this answer cost')
    expect(facts).to_contain_text('Tokens out')
    expect(facts).to_contain_text('112')
    page.keyboard.press('Escape')
    expect(facts).to_be_hidden()
    expect(usage).to_be_focused()
    assert gallery.heard('stop') == []


def test_a_repaired_answer_says_so_and_unknown_cost_is_a_dash(visit: Open) -> None:
    answer = turn(visit('/states'), 'm10')
    expect(answer.get_by_test_id('message-assistant')).to_contain_text('Completed after an interruption')
    expect(answer.get_by_test_id('usage')).to_have_text('–')


def test_the_sum_of_the_conversation_comes_with_its_answers(visit: Open) -> None:
    page = visit('/')
    expect(page.get_by_test_id('conversation-usage')).to_be_hidden()
    page.get_by_test_id('composer-input').fill('short')
    page.get_by_test_id('composer-send').click()
    expect(page.get_by_test_id('conversation-usage')).to_have_text(
        'This conversation: 1,624 tokens · $0.0042, 2 answers'
    )
    height = f'{SCROLLER}.scrollHeight'
    with_it = page.evaluate(height)
    page.evaluate("document.querySelector('.sum').hidden = true")
    assert page.evaluate(height) == with_it  # nothing moved when it came
    page.evaluate("document.querySelector('.sum').hidden = false")
    page.get_by_test_id('composer-input').fill('/long 60')
    page.get_by_test_id('composer-send').click()
    expect(page.get_by_test_id('conversation-usage')).to_be_hidden()
    page.get_by_test_id('composer-stop').click()
    expect(page.get_by_test_id('conversation-usage')).to_be_visible()
    page.get_by_test_id('conversation-item').nth(2).click()
    expect(page.get_by_test_id('conversation-usage')).to_be_hidden()


# colours that the system sets


def test_a_question_keeps_its_shape_in_the_systems_colours(visit: Open, page: Page) -> None:
    page.emulate_media(forced_colors='active')
    question = turn(visit('/'), 'm5').locator('.question')
    expect(question).to_have_css('border-top-width', '1px')


# long questions


def test_a_question_of_two_million_characters_is_there_when_it_is_asked_for(visit: Open) -> None:
    page = visit('/pasted')
    assert len(direct.get(page.url).text) < 200_000
    question = turn(page, 'm1').locator('.question')
    assert question.evaluate('node => node.textContent.length') == 4000
    assert question.evaluate('node => node.offsetHeight < 340 && node.scrollHeight > node.offsetHeight')
    turn(page, 'm1').get_by_test_id('question-unfold').click()
    expect(turn(page, 'm1').get_by_test_id('question-unfold')).to_have_text('Show less')
    assert question.evaluate('node => node.textContent.length') == 36_000 * 57
    assert question.evaluate('node => node.textContent.endsWith("dazu.\\n")')
    turn(page, 'm1').get_by_test_id('question-unfold').click()
    page.wait_for_function('node => node.offsetHeight < 340', arg=question.element_handle())


def test_copy_of_a_question_is_all_of_it(visit: Open, page: Page) -> None:
    page.context.grant_permissions(['clipboard-read', 'clipboard-write'])
    visit('/pasted')
    copy = turn(page, 'm1').get_by_test_id('question-copy')
    turn(page, 'm1').hover()
    copy.click()
    expect(copy).to_have_attribute('title', 'Copied')
    assert page.evaluate('navigator.clipboard.readText().then(text => text.length)') == 36_000 * 57


# the thread


def test_a_message_from_another_tab_does_not_tear_the_reader_away(visit: Open) -> None:
    page = visit('/')
    page.get_by_test_id('composer-input').fill('/elsewhere')
    page.get_by_test_id('composer-send').click()
    page.evaluate(TO_TOP)
    expect(page.locator('[data-id=m2000]')).to_be_attached()
    assert page.evaluate(f'{SCROLLER}.scrollTop') == 0
    page.get_by_test_id('jump-to-latest').click()
    expect(page.locator('[data-id=m2000]')).to_be_in_viewport()


def test_days_stand_between_messages(visit: Open) -> None:
    page = visit('/days')
    days = page.locator('.day')
    expect(days.nth(0)).to_have_text(re.compile(r'\w+day, \w+ \d+, \d{4}'))
    expect(days.nth(1)).to_be_hidden()
    expect(days.nth(2)).to_have_text('Yesterday')
    expect(days.nth(3)).to_have_text('Today')
    expect(days.nth(4)).to_be_hidden()


def test_a_change_sends_what_has_changed_and_nothing_else(visit: Open, page: Page) -> None:
    frames: list[str] = []
    page.on('websocket', lambda socket: socket.on('framereceived', lambda frame: frames.append(str(frame))))
    visit('/')
    page.get_by_test_id('composer-input').fill('/steps')
    page.get_by_test_id('composer-send').click()
    expect(page.get_by_test_id('message-user').last).to_have_text('/steps')
    expect(page.get_by_test_id('message-assistant').last).to_have_attribute('data-status', 'complete')
    changes = [frame for frame in frames if 'change' in frame and 'Step 1' in frame]
    assert len(changes) > 10
    assert not [frame for frame in changes if 'message-user' in frame or 'citations' in frame]


def test_touch_reaches_every_action(gallery: Gallery, browser: Browser) -> None:
    context = browser.new_context(viewport={'width': 390, 'height': 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(gallery.url)
    for name in ('message-copy', 'feedback-like', 'usage'):
        button = turn(page, 'm1').get_by_test_id(name)
        button.scroll_into_view_if_needed()
        expect(button).to_have_css('opacity', '1')
    context.close()
