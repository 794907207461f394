"""Files beside the text: chosen, pasted or dropped, checked, uploaded at once, and kept with their draft."""

import base64
import re
from collections.abc import Iterator

import httpx
import pytest
from gallery_support import Gallery, Open
from playwright.sync_api import FilePayload, Locator, Page, expect
from support import direct

PIXEL = base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC')
WITH_FILES = """
    ([event, files, text]) => {
        const data = new DataTransfer();
        for (const [name, type, bytes] of files) {
            data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { type }));
        }
        if (text) data.setData('text/plain', text);
        const target = document.activeElement ?? document.body;
        const options = { bubbles: true, cancelable: true };
        return target.dispatchEvent(event === 'paste'
            ? new ClipboardEvent('paste', { ...options, clipboardData: data })
            : new DragEvent(event, { ...options, dataTransfer: data }));
    }"""


@pytest.fixture
def box(page: Page) -> Locator:
    return page.get_by_test_id('composer-input')


@pytest.fixture
def tiles(page: Page) -> Locator:
    return page.get_by_test_id('attachment')


@pytest.fixture
def note(page: Page) -> Locator:
    return page.locator('#composer-note')


@pytest.fixture
def uploads(gallery: Gallery) -> Iterator[Gallery]:
    """The gallery, which holds no file yet; whatever still waits there goes on at the end."""
    httpx.delete(f'{gallery.url}/uploads', trust_env=False)
    yield gallery
    gallery.release()


def file(name: str, content: bytes = PIXEL, media_type: str = 'image/png') -> FilePayload:
    return {'name': name, 'mimeType': media_type, 'buffer': content}


def attach(page: Page, *files: FilePayload) -> None:
    page.get_by_test_id('composer-file').set_input_files(list(files))


def bring(page: Page, event: str, *files: FilePayload, text: str = '') -> bool:
    """Paste or drag files; `False` if the page took the event for itself."""
    packed = [(each['name'], each['mimeType'], base64.b64encode(each['buffer']).decode()) for each in files]
    taken: bool = page.evaluate(WITH_FILES, [event, packed, text])
    return taken


def expect_ready(tiles: Locator, count: int) -> None:
    expect(tiles).to_have_count(count)
    for index in range(count):
        expect(tiles.nth(index)).to_have_attribute('data-state', 'ready')


def test_chosen_files_go_along_in_their_order(
    visit: Open, uploads: Gallery, page: Page, box: Locator, tiles: Locator
) -> None:
    visit()
    attach(page, file('one.png'), file('two.pdf', b'%PDF-1.7 ...', 'application/pdf'))
    expect_ready(tiles, 2)
    expect(tiles.first).to_contain_text('one.png')
    expect(tiles.first.locator('img')).to_have_js_property('naturalWidth', 1)
    expect(tiles.last).to_contain_text('1 kB')
    expect(page.get_by_role('log')).to_contain_text('two.pdf attached')
    box.fill('What is this?')
    box.press('Enter')
    one, two = uploads.wait_for('files')
    assert 'image/png' in direct.get(f'{uploads.url}/uploads/{one}').headers['content-type']
    assert direct.get(f'{uploads.url}/uploads/{two}').content.startswith(b'%PDF')
    expect(tiles).to_have_count(0)
    page.wait_for_function('Object.keys(localStorage).every(name => !name.startsWith("draft:"))')


def test_the_button_opens_the_choice_of_files(visit: Open, page: Page, tiles: Locator) -> None:
    visit()
    expect(page.get_by_test_id('composer-file')).to_have_attribute('accept', re.compile('image/png'))
    with page.expect_file_chooser() as choosing:
        page.get_by_test_id('composer-attach').click()
    assert choosing.value.is_multiple()
    choosing.value.set_files(file('chosen.png'))
    expect_ready(tiles, 1)


def test_sending_waits_for_the_upload(
    visit: Open, uploads: Gallery, page: Page, box: Locator, tiles: Locator, note: Locator
) -> None:
    visit()
    attach(page, file('waits-a.png'))
    box.fill('And this?')
    expect(tiles.get_by_role('progressbar')).to_be_visible()
    expect(page.get_by_test_id('composer-send')).to_have_attribute('aria-disabled', 'true')
    expect(note).to_contain_text('when the upload is complete')
    box.press('Enter')
    uploads.release()
    expect_ready(tiles, 1)
    expect(page.get_by_test_id('composer-send')).to_have_attribute('aria-disabled', 'false')
    box.press('Enter')
    assert len(uploads.wait_for('files')) == 1
    assert len(uploads.heard('send')) == 1


def test_a_file_alone_asks_for_a_question(
    visit: Open, gallery: Gallery, page: Page, box: Locator, tiles: Locator, note: Locator
) -> None:
    visit()
    attach(page, file('photo.png'))
    expect_ready(tiles, 1)
    expect(note).to_have_text(re.compile('Add a question about the image'))
    box.press('Enter')
    attach(page, file('paper.txt', b'words', 'text/plain'))
    expect(note).to_have_text(re.compile('Add a question about the files'))
    box.fill('What do they have in common?')
    box.press('Enter')
    assert gallery.wait_for('send')[0] == 'What do they have in common?'
    assert len(gallery.heard('send')) == 1


def test_a_pasted_picture_is_attached_and_pasted_text_stays_text(visit: Open, page: Page, tiles: Locator) -> None:
    visit()
    assert not bring(page, 'paste', file('image.png'))
    expect_ready(tiles, 1)
    assert bring(page, 'paste', file('table.png'), text='1\t2\n3\t4'), 'a table with a picture of itself is text'
    assert not bring(page, 'paste', file('b.png'), text='/home/ada/b.png'), 'file managers add the name'
    expect_ready(tiles, 2)


def test_text_from_the_clipboard(visit: Open, page: Page, box: Locator, tiles: Locator) -> None:
    page.context.grant_permissions(['clipboard-read', 'clipboard-write'])
    visit()
    page.evaluate("navigator.clipboard.writeText('words from elsewhere')")
    box.press('ControlOrMeta+V')
    expect(box).to_have_value('words from elsewhere')
    expect(tiles).to_have_count(0)


def test_files_may_be_dropped_anywhere(visit: Open, page: Page, tiles: Locator) -> None:
    visit()
    sign = page.locator('.drop-sign')
    page.evaluate('document.activeElement.blur()')
    assert not bring(page, 'dragover', file('a.png')), 'or the browser would leave the page'
    expect(sign).to_have_text('Drop files to attach them')
    assert bring(page, 'dragleave', file('a.png'))
    expect(sign).to_have_count(0)
    bring(page, 'dragover', file('a.png'), file('b.png'))
    assert not bring(page, 'drop', file('a.png'), file('b.png'))
    expect(sign).to_have_count(0)
    expect_ready(tiles, 2)


def test_dragged_text_and_the_pages_own_pictures_are_no_files(visit: Open, page: Page, tiles: Locator) -> None:
    visit()
    assert bring(page, 'dragover', text='words')
    bring(page, 'dragstart')
    assert bring(page, 'dragover', file('own.png'))
    expect(page.locator('.drop-sign')).to_have_count(0)
    bring(page, 'dragend')
    bring(page, 'dragover', file('own.png'))
    expect(page.locator('.drop-sign')).to_have_count(1)


def test_an_assistant_that_takes_no_files_says_so(visit: Open, page: Page, box: Locator, tiles: Locator) -> None:
    visit('/no-files')
    expect(page.get_by_test_id('composer-attach')).to_have_count(0)
    box.fill('my words')
    for event in ('paste', 'drop'):
        assert not bring(page, event, file('a.png'))
        error = page.get_by_test_id('attachment-error')
        expect(error).to_contain_text('This assistant takes no files.')
        error.get_by_role('button').click()
        expect(error).to_have_count(0)
    expect(tiles).to_have_count(0)
    expect(box).to_have_value('my words')


@pytest.mark.parametrize(
    ('unwanted', 'words'),
    [
        (file('setup.exe', b'MZ', 'application/x-msdownload'), 'images, documents, and .py'),
        (file('big.png', b'x' * (2 * 1024 * 1024 + 1)), '2 MB at most'),
        (file('big.txt', b'x' * (1024 * 1024 + 1), 'text/plain'), '1 MB at most'),
        (file('nothing.txt', b'', 'text/plain'), 'empty'),
    ],
    ids=lambda value: value['name'] if isinstance(value, dict) else '',
)
def test_what_is_not_taken_is_not_even_sent(
    visit: Open, gallery: Gallery, page: Page, box: Locator, tiles: Locator, unwanted: FilePayload, words: str
) -> None:
    visit()
    asked: list[str] = []
    page.on('request', lambda request: asked.append(request.url) if request.method == 'POST' else None)
    box.fill('Look at this')
    attach(page, unwanted)
    error = page.get_by_test_id('attachment-error')
    expect(error).to_contain_text(unwanted['name'])
    expect(error).to_contain_text(words)
    attach(page, file('good.py', b'print()', 'text/x-python'))
    expect(error).to_have_count(0)
    expect_ready(tiles, 1)
    assert [url.partition('/uploads')[1:] for url in asked] == [('/uploads', '')]
    box.press('Enter')
    assert gallery.wait_for('send')[0] == 'Look at this'


def test_more_files_than_a_message_takes_are_left_out(visit: Open, page: Page, tiles: Locator) -> None:
    visit()
    attach(page, file('1.png'), file('2.png'))
    attach(page, file('3.png'), file('4.png'), file('5.png'))
    expect_ready(tiles, 3)
    expect(page.get_by_test_id('attachment-error')).to_have_text('4.png, 5.png: At most 3 files go with one message.')


def test_a_refusal_of_the_server_is_shown_and_the_file_left_out_by_hand(
    visit: Open, gallery: Gallery, page: Page, box: Locator, tiles: Locator, note: Locator, problems: list[str]
) -> None:
    visit()
    attach(page, file('refused-a.png'), file('good.png'))
    box.fill('Compare them')
    error = tiles.first.get_by_test_id('attachment-error')
    expect(error).to_have_text('The content of this file is not what its name says. Attach another one.')
    expect(page.get_by_role('log')).to_contain_text('refused-a.png was not attached: The content')
    expect(page.get_by_test_id('attachment-retry')).to_have_count(0)
    box.press('Enter')
    expect(note).to_contain_text('Remove it or try it again')
    tiles.first.get_by_test_id('attachment-remove').click()
    expect_ready(tiles, 1)
    box.press('Enter')
    assert len(gallery.wait_for('files')) == 1
    assert len(gallery.heard('send')) == 1
    problems.clear()  # the browser's own line about the refusal


def test_an_upload_that_broke_off_is_tried_again(
    visit: Open, uploads: Gallery, page: Page, tiles: Locator, problems: list[str]
) -> None:
    visit()
    attach(page, file('breaks-a.png'))
    expect(tiles.get_by_test_id('attachment-error')).to_contain_text('The upload broke off.')
    page.get_by_test_id('attachment-retry').click()
    expect_ready(tiles, 1)
    problems.clear()


def test_removing_a_file_ends_its_upload(
    visit: Open, uploads: Gallery, page: Page, box: Locator, tiles: Locator
) -> None:
    visit()
    attach(page, file('waits-1.png'), file('waits-2.png'), file('quick.png'))
    expect(tiles.last).to_have_attribute('data-state', 'uploading')  # two at a time
    with page.expect_event('requestfailed'):
        tiles.first.get_by_test_id('attachment-remove').click()
    expect(tiles.last).to_have_attribute('data-state', 'ready')
    expect(tiles).to_have_count(2)
    uploads.release()
    expect_ready(tiles, 2)


def test_by_keyboard(visit: Open, page: Page, box: Locator, tiles: Locator) -> None:
    visit()
    attach(page, file('1.png'), file('2.png'), file('3.png'))
    expect_ready(tiles, 3)
    expect(box).to_be_focused()
    page.get_by_test_id('composer-attach').focus()
    box.press('Shift+Tab')  # to the button
    page.keyboard.press('Shift+Tab')
    expect(tiles.last.get_by_role('button', name='Remove 3.png')).to_be_focused()
    page.keyboard.press('Enter')
    expect(tiles.last).to_be_focused()
    expect(page.get_by_role('log')).to_contain_text('3.png removed')
    tiles.first.focus()
    page.keyboard.press('Delete')
    expect(tiles).to_have_count(1)
    expect(tiles).to_be_focused()
    page.keyboard.press('Backspace')
    expect(tiles).to_have_count(0)
    expect(box).to_be_focused()


def test_a_draft_keeps_its_files_per_conversation_and_over_a_reload(
    visit: Open, uploads: Gallery, page: Page, box: Locator, tiles: Locator
) -> None:
    visit()
    box.fill('half a thought')
    attach(page, file('mine.png'))
    expect_ready(tiles, 1)
    attach(page, file('waits-for-it.png'))
    page.locator('[data-conversation-id=c4]').get_by_role('link').click()
    expect(tiles).to_have_count(0)
    uploads.release()
    attach(page, file('other.png'))
    expect_ready(tiles, 1)
    page.wait_for_function("JSON.parse(localStorage['draft:c0']).files.length === 2")
    page.locator('[data-conversation-id=c0]').get_by_role('link').click()
    expect(box).to_have_value('half a thought')
    expect_ready(tiles, 2)
    page.reload()
    expect(box).to_have_value('half a thought')
    expect_ready(tiles, 2)
    expect(tiles.first.locator('img')).to_have_js_property('naturalWidth', 1)


def test_a_file_that_the_server_no_longer_keeps_says_so(
    visit: Open, uploads: Gallery, page: Page, tiles: Locator, problems: list[str]
) -> None:
    visit()
    attach(page, file('old.png'))
    expect_ready(tiles, 1)
    httpx.delete(f'{uploads.url}/uploads', trust_env=False)
    page.reload()
    expect(tiles.get_by_test_id('attachment-error')).to_contain_text('no longer kept')
    page.evaluate('document.fonts.ready')
    problems.clear()


def test_a_refused_message_comes_back_with_its_files(
    visit: Open, gallery: Gallery, page: Page, box: Locator, tiles: Locator
) -> None:
    visit()
    attach(page, file('a.png'), file('b.png'))
    expect_ready(tiles, 2)
    box.fill('/refuse this')
    box.press('Enter')
    first, files = gallery.wait_for('send'), gallery.wait_for('files')
    expect(box).to_have_value('/refuse this')
    expect_ready(tiles, 2)
    box.press('Enter')
    assert gallery.wait_for('send', 2) == first, 'the same message has the same key'
    assert gallery.wait_for('files', 2) == files
    expect_ready(tiles, 2)
    tiles.last.get_by_test_id('attachment-remove').click()
    box.press('Enter')
    assert gallery.wait_for('send', 3)[1] != first[1], 'with other files it is another one'
    assert gallery.wait_for('files', 3) == files[:1]


def test_a_message_that_nobody_took_comes_back_with_its_files(
    visit: Open, gallery: Gallery, page: Page, box: Locator, tiles: Locator
) -> None:
    visit()
    attach(page, file('a.png'))
    expect_ready(tiles, 1)
    box.fill('/silence please')
    box.press('Enter')
    first, files = gallery.wait_for('send'), gallery.wait_for('files')
    visit()
    expect(box).to_have_value('/silence please')
    expect_ready(tiles, 1)
    box.press('Enter')
    assert gallery.wait_for('send', 2) == first
    assert gallery.wait_for('files', 2) == files


def test_files_attached_while_a_conversation_gets_its_address_go_there(
    visit: Open, page: Page, box: Locator, tiles: Locator
) -> None:
    visit('/empty')
    box.fill('/move c77')
    box.press('Enter')
    attach(page, file('next.png'))
    page.wait_for_function("localStorage.getItem('draft:c77')?.includes('next.png')")
    expect_ready(tiles, 1)
    assert page.evaluate("localStorage.getItem('draft:new:helpdesk')") is None


def test_hostile_names_stay_text(visit: Open, page: Page, tiles: Locator) -> None:
    visit()
    name = '<img src=x onerror=alert(1)>$& {name} \u202egnp.png'
    attach(page, file(name), file('x' * 250 + '.png'))
    expect_ready(tiles, 2)
    expect(tiles.first).to_contain_text('<img src=x onerror=alert(1)>$& {name}')
    expect(page.get_by_role('log')).to_contain_text('$& {name}')
    box = tiles.last.bounding_box()
    assert box is not None
    assert box['width'] < 300


def test_on_a_phone_tiles_stand_in_one_row(visit: Open, page: Page, tiles: Locator) -> None:
    page.set_viewport_size({'width': 360, 'height': 640})
    visit()
    attach(page, file('1.png'), file('2.png'), file('3.png'))
    expect_ready(tiles, 3)
    tops = {box['y'] for box in (tile.bounding_box() for tile in tiles.all()) if box}
    assert len(tops) == 1
    assert page.evaluate('document.documentElement.scrollWidth') == 360
    tiles.last.get_by_test_id('attachment-remove').click()
    expect(tiles).to_have_count(2)


def test_a_link_is_a_tile_that_goes_along_and_stays_with_the_draft(
    visit: Open, gallery: Gallery, tiles: Locator
) -> None:
    page = visit('/links')
    page.get_by_test_id('composer-link').press('Enter')
    address, add = page.get_by_test_id('link-address'), page.get_by_test_id('link-add')
    expect(add).to_have_attribute('aria-disabled', 'true')
    address.fill('https://refused.example.com/a.png')
    add.click()
    expect(page.get_by_test_id('link-problem')).not_to_be_empty()
    expect(address).to_be_focused()
    address.fill('https://files.example.com/chart.png')
    address.press('Enter')
    expect(page.get_by_test_id('link-dialog')).to_be_hidden()
    expect(tiles).to_have_accessible_name('chart.png, https://files.example.com/chart.png')
    expect(page.get_by_test_id('composer-input')).to_be_focused()

    page.reload()

    expect(tiles).to_have_attribute('data-state', 'ready')
    expect(tiles).to_contain_text('files.example.com')
    expect(tiles.locator('img')).to_have_count(0)  # nothing is loaded from elsewhere
    page.get_by_test_id('composer-input').fill('What is it?')
    page.get_by_test_id('composer-send').click()
    expect(tiles).to_have_count(0)
    assert gallery.wait_for('files') == ['link-chart.png']


def test_a_link_in_the_thread_opens_elsewhere_and_tells_nobody_where_from(visit: Open) -> None:
    page = visit('/linked')
    link = page.get_by_role('link', name='Open chart.png at files.example.com')
    expect(link).to_have_attribute('href', 'https://files.example.com/2026/chart.png')
    expect(link).to_have_attribute('rel', 'noopener noreferrer nofollow')
    expect(link).to_have_attribute('target', '_blank')
