"""Pictures and files in the text of an answer: shown from here, kept here, and calm when they can't be had."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from support.chat import answer_text, ask, last_answer, open_page, say
from support.server import Server

QUESTION = '/figure internal How do I connect a Dify?'


def picture(page: Page) -> Locator:
    return answer_text(page).get_by_role('link', name='Show chart.png larger')


def test_a_picture_of_difys_stands_in_the_answer_and_a_document_is_a_download(app: Server, page: Page) -> None:
    open_page(page, app.url)
    hosts = {app.url}
    page.on('request', lambda request: hosts.add('/'.join(request.url.split('/')[:3])))
    text = ask(page, QUESTION)
    assert 'api:5001' not in page.content()
    assert 'sign=' not in text
    for _ in range(2):
        expect(picture(page).locator('img')).to_have_js_property('naturalWidth', 320)
        expect(last_answer(page).get_by_test_id('message-image')).to_have_count(0)  # nor once more beside the text
        expect(last_answer(page).get_by_test_id('message-file')).to_have_count(0)
        page.reload()
    with page.expect_download() as download:
        answer_text(page).get_by_role('link', name='numbers.csv').click()
    assert download.value.suggested_filename == 'numbers.csv'
    assert Path(download.value.path()).read_text().startswith('month,amount')
    assert {host for host in hosts if host.startswith('http')} == {app.url}


def test_a_picture_in_a_text_is_enlarged_like_any_other(app: Server, page: Page) -> None:
    open_page(page, app.url)
    ask(page, QUESTION)
    ask(page, '/image a red dot')
    expect(page.get_by_test_id('message-image')).to_be_visible()
    picture_above = page.get_by_role('link', name='Show chart.png larger')
    picture_above.focus()
    page.keyboard.press('Enter')
    box = page.get_by_test_id('lightbox')
    expect(box).to_contain_text('chart.png, 1 of 2')
    expect(box.locator('.lightbox-stage img')).to_have_js_property('naturalWidth', 320)
    expect(page.get_by_test_id('lightbox-download')).to_have_attribute('download', 'chart.png')
    page.keyboard.press('ArrowRight')
    expect(box).to_contain_text('2 of 2')
    page.keyboard.press('Escape')
    expect(picture_above).to_be_focused()


def test_an_answer_is_copied_with_addresses_that_lead_somewhere(app: Server, page: Page) -> None:
    open_page(page, app.url)
    page.context.grant_permissions(['clipboard-read', 'clipboard-write'])
    ask(page, QUESTION)
    last_answer(page).get_by_test_id('message-copy').click()
    expect(last_answer(page).get_by_test_id('message-copy')).to_have_attribute('title', 'Copied')
    copied = page.evaluate('navigator.clipboard.readText()')
    assert f'![chart.png]({app.url}/files/' in copied
    assert f'[numbers.csv]({app.url}/files/' in copied
    assert 'api:5001' not in copied


def test_while_a_link_is_being_written_nothing_flickers(app: Server, page: Page) -> None:
    open_page(page, app.url)
    page.evaluate(
        """() => {
          window.seen = [];
          const look = () => {
            const text = [...document.querySelectorAll('[data-testid=message-text]')].at(-1);
            if (text) window.seen.push([text.innerText, text.querySelectorAll('img').length]);
          };
          new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
        }"""
    )
    ask(page, f'/rate 60 {QUESTION}')
    seen = page.evaluate('window.seen')
    counts = [count for _, count in seen]
    assert counts == sorted(counts)
    assert counts[-1] == 1
    for words, _ in seen:
        assert not [part for part in ('![', '](', '/files', 'chart.png', 'sign=') if part in words]


@pytest.mark.parametrize('status', [404, 502])
def test_a_picture_that_can_not_be_had_says_so_and_may_come_later(
    app: Server, page: Page, problems: list[str], status: int
) -> None:
    open_page(page, app.url)
    is_away = True

    def answer(route: Route) -> None:
        route.fulfill(status=status) if is_away else route.continue_()

    page.route('**/files/*', answer)
    page.clock.install()
    say(page, QUESTION)
    note = answer_text(page).locator('.image')
    expect(note).to_have_text("chart.png This image can't be shown.")
    expect(picture(page)).to_have_count(0)
    is_away = False
    page.clock.run_for(60_000)
    if status == 404:
        expect(note).to_contain_text('chart.png')
    else:
        expect(picture(page).locator('img')).to_have_js_property('naturalWidth', 320)
    problems.clear()  # the browser's own lines about what was not there


def test_a_picture_of_a_kind_that_is_not_shown_is_a_download(app: Server, page: Page, problems: list[str]) -> None:
    open_page(page, app.url)
    page.route('**/files/*', lambda route: route.fulfill(body='<svg/>', content_type='application/octet-stream'))
    say(page, QUESTION)
    link = answer_text(page).get_by_role('link', name='chart.png')
    expect(link).to_have_attribute('href', re.compile('/files/.*download=1'))
    problems.clear()
