"""Reading: messages, their states, the reader's place, and what is under a message."""

from itertools import pairwise

import pytest
from gallery_support import Gallery, Open
from playwright.sync_api import Locator, Page, expect

SCROLLER = "document.querySelector('.thread-scroll')"
AT_END = f'(({{ scrollHeight, scrollTop, clientHeight }}) => scrollHeight - scrollTop - clientHeight < 2)({SCROLLER})'
TO_TOP = f'{SCROLLER}.scrollTop = 0'
MOVED_OR_FIRST = f"{SCROLLER}.scrollTop > 0 || document.querySelector('[data-id=m1]')"
IN_DOCUMENT = "document.querySelectorAll('.turn').length"


def answer(page: Page, message: str) -> Locator:
    return page.locator(f'[data-id={message}]').get_by_test_id('message-assistant')


def say(page: Page, text: str) -> None:
    """Say something, and wait until it stands in the thread."""
    turns = page.locator('.turn')
    before = turns.count()
    page.get_by_test_id('composer-input').fill(text)
    page.get_by_test_id('composer-send').click()
    expect(turns).to_have_count(before + 1)


def test_a_question_is_plain_text(visit: Open) -> None:
    page = visit('/')
    say(page, '<b>bold?</b>\n  two  spaces')
    question = page.get_by_test_id('message-user').last
    assert question.evaluate('node => node.textContent') == '<b>bold?</b>\n  two  spaces'
    expect(question.locator('.question')).to_have_css('white-space-collapse', 'preserve')
    expect(question.locator('.question')).to_have_attribute('dir', 'auto')


def test_every_state_shows_itself(visit: Open) -> None:
    page = visit('/states')
    expect(answer(page, 'm1')).to_have_attribute('data-status', 'complete')
    expect(answer(page, 'm7')).to_have_attribute('data-phase', 'queued')
    expect(answer(page, 'm7')).to_contain_text('Waiting in line, place 3')
    expect(answer(page, 'm8')).to_contain_text('Thinking')
    expect(answer(page, 'm9')).to_have_attribute('aria-busy', 'true')
    expect(answer(page, 'm4').get_by_test_id('message-error')).to_contain_text('The model could not answer this.')
    expect(answer(page, 'm5').get_by_test_id('message-retry')).to_be_visible()
    expect(answer(page, 'm3').get_by_test_id('message-retry')).to_have_count(0)
    expect(answer(page, 'm1').get_by_test_id('step')).to_have_count(2)


def test_steps_and_reasoning_are_folded(visit: Open) -> None:
    page = visit('/states')
    expect(page.get_by_text('I should be brief.')).to_be_hidden()
    answer(page, 'm1').get_by_test_id('reasoning').locator('summary').click()
    expect(page.get_by_text('I should be brief.')).to_be_visible()


def test_open_steps_stay_open_while_more_come(visit: Open) -> None:
    page = visit('/')
    say(page, '/steps')
    last = page.get_by_test_id('message-assistant').last
    last.locator('.steps > summary').click()
    expect(last).to_have_attribute('data-status', 'complete')
    expect(last.get_by_test_id('step')).to_have_count(20)
    expect(last.get_by_test_id('step').first).to_be_visible()


def test_retry_says_which_message_and_names_what_it_asks_for(visit: Open, gallery: Gallery) -> None:
    answer(visit('/states'), 'm5').get_by_test_id('message-retry').click()
    name, message_id, key = gallery.wait_for('action')
    assert (name, message_id) == ('retry', 'm5')
    assert len(key) >= 32


def test_copy_gives_the_markdown_of_the_answer(visit: Open, page: Page) -> None:
    page.context.grant_permissions(['clipboard-read', 'clipboard-write'])
    visit('/')
    answer(page, 'm5').get_by_test_id('message-copy').click()
    expect(answer(page, 'm5').get_by_test_id('message-copy')).to_have_attribute('title', 'Copied')
    assert page.evaluate('navigator.clipboard.readText()') == '*Markdown* of m5'


def test_copy_of_code_is_the_code_alone(visit: Open, page: Page) -> None:
    page.context.grant_permissions(['clipboard-read', 'clipboard-write'])
    visit('/')
    page.get_by_test_id('code-copy').first.click()
    expect(page.get_by_test_id('code-copy').first).to_have_attribute('title', 'Copied')
    code = page.evaluate('navigator.clipboard.readText()')
    assert code.startswith('async def drain(instance: Instance) -> None:\n    instance.ready')


def test_the_view_follows_the_end_only_while_the_reader_is_there(visit: Open) -> None:
    page = visit('/')
    assert page.evaluate(AT_END)
    say(page, '/long 60')
    page.wait_for_function("document.querySelector('.turn:last-child .prose').children.length > 20")
    page.wait_for_function(AT_END)
    expect(page.get_by_test_id('jump-to-latest')).to_be_hidden()
    page.mouse.move(640, 300)
    page.mouse.wheel(0, -300)
    expect(page.get_by_test_id('jump-to-latest')).to_be_visible()
    place = page.evaluate(f'{SCROLLER}.scrollTop')
    expect(page.get_by_test_id('message-assistant').last).to_have_attribute('data-status', 'complete')
    assert abs(page.evaluate(f'{SCROLLER}.scrollTop') - place) <= 300
    assert not page.evaluate(AT_END)
    page.get_by_test_id('jump-to-latest').click()
    page.wait_for_function(AT_END)
    expect(page.get_by_test_id('jump-to-latest')).to_be_hidden()


def test_sending_goes_to_the_end(visit: Open) -> None:
    page = visit('/')
    page.evaluate(TO_TOP)
    expect(page.get_by_test_id('jump-to-latest')).to_be_visible()
    say(page, 'here I am')
    expect(page.get_by_test_id('message-user').last).to_be_in_viewport()


def test_the_row_below_an_answer_does_not_jump_when_it_ends(visit: Open) -> None:
    page = visit('/')
    say(page, 'short')
    last = page.get_by_test_id('message-assistant').last
    expect(last.get_by_test_id('message-text')).not_to_be_empty()
    page.evaluate("""() => {
        window.heights = [];
        const observer = new ResizeObserver(([entry]) => heights.push(entry.contentRect.height));
        observer.observe(document.querySelector('.thread-column'));
    }""")
    expect(last).to_have_attribute('data-status', 'complete')
    heights = page.evaluate('heights')
    assert len(heights) > 5
    assert all(after >= before - 1 for before, after in pairwise(heights))


def test_a_finished_answer_is_read_out_once(visit: Open) -> None:
    page = visit('/')
    page.evaluate("""() => {
        window.spoken = [];
        const live = document.querySelector('[aria-live=polite].visually-hidden');
        const observer = new MutationObserver(() => spoken.push(live.textContent));
        observer.observe(live, { childList: true, characterData: true, subtree: true });
    }""")
    say(page, 'read to me')
    expect(page.get_by_test_id('message-assistant').last).to_have_attribute('data-status', 'complete')
    spoken = page.evaluate('spoken')
    assert [words for words in spoken if words] == ['Answering', spoken[-1]]
    assert 'Paragraph 19' in spoken[-1]


def test_a_patch_that_does_not_fit_is_reported(visit: Open, gallery: Gallery) -> None:
    page = visit('/')
    say(page, '/lost')
    expect(page.get_by_test_id('message-assistant').last).to_have_attribute('data-status', 'complete')
    assert gallery.wait_for('lost') == [page.locator('.turn').last.get_attribute('data-id')]
    assert len(gallery.heard('lost')) == 1  # for two patches


def test_a_long_conversation_is_all_reachable_with_few_messages_in_the_document(visit: Open) -> None:
    page = visit('/long')
    expect(page.locator('[data-id=m300]')).to_be_in_viewport()
    seen: set[str] = set()
    for _ in range(200):
        seen |= set(page.evaluate("[...document.querySelectorAll('.turn')].map(node => node.dataset.id)"))
        assert page.evaluate(IN_DOCUMENT) <= 60
        if 'm1' in seen:
            break
        page.evaluate(TO_TOP)
        page.wait_for_function(
            "document.querySelector('.thread-scroll').scrollTop > 0 || document.querySelector('[data-id=m1]')"
        )
    assert seen == {f'm{number}' for number in range(1, 301)}
    page.get_by_test_id('jump-to-latest').click()
    expect(page.locator('[data-id=m300]')).to_be_in_viewport()
    assert page.evaluate(IN_DOCUMENT) <= 60


def test_older_messages_come_without_moving_what_is_read(visit: Open) -> None:
    page = visit('/long')
    page.add_style_tag(content='* { overflow-anchor: none }')  # some browsers do not keep the place by themselves
    place = "document.querySelector('[data-id=m271]').getBoundingClientRect().top"
    before = page.evaluate(f'{TO_TOP}, {place}')
    page.wait_for_function("document.querySelector('.turn').dataset.id !== 'm271'")
    assert page.evaluate(place) == pytest.approx(before, abs=2)


def test_what_unfolds_at_the_end_unfolds_downwards(visit: Open) -> None:
    page = visit('/stepped')
    steps = page.locator('.steps > summary')
    before = steps.bounding_box()
    steps.click()
    expect(page.get_by_test_id('step').last).to_be_visible()
    expect(page.get_by_test_id('jump-to-latest')).to_be_visible()
    assert steps.bounding_box() == before
    steps.click()
    expect(page.get_by_test_id('jump-to-latest')).to_be_hidden()


def test_what_unfolds_above_the_text_leaves_the_reader_there(visit: Open) -> None:
    page = visit('/states')
    steps = page.locator('.steps > summary')
    page.evaluate(f"{TO_TOP}, {SCROLLER}.scrollTop = document.querySelector('.reply').offsetTop")
    before = steps.bounding_box()
    steps.click()
    expect(page.get_by_test_id('step').first).to_be_visible()
    page.evaluate('() => new Promise(requestAnimationFrame)')
    assert steps.bounding_box() == before


def test_scrolling_down_again_brings_the_newer_ones_back(visit: Open) -> None:
    page = visit('/long')
    for _ in range(200):
        if page.locator('[data-id=m200]').count():
            break
        page.evaluate(TO_TOP)
        page.wait_for_function(f'{SCROLLER}.scrollTop > 0')
    expect(page.locator('[data-id=m300]')).to_have_count(0)
    for _ in range(200):
        if page.locator('[data-id=m300]').count():
            break
        page.evaluate(f'{SCROLLER}.scrollTop += 3000')
        page.evaluate('() => new Promise(requestAnimationFrame)')
    expect(page.locator('[data-id=m300]')).to_have_count(1)


def test_suggested_questions_are_asked_at_once(visit: Open, gallery: Gallery) -> None:
    page = visit('/empty')
    expect(page.get_by_test_id('opening-statement')).to_contain_text('handbook')
    page.get_by_test_id('suggested-question').first.click()
    expect(page.get_by_test_id('message-user')).to_have_text('How do I get a VPN certificate?')
    expect(page.get_by_test_id('opening-statement')).to_have_count(0)
