"""A picture from the composer to the assistant and back into the thread, with the whole app."""

import struct
import zlib

from playwright.sync_api import Page, expect
from support.chat import expect_status, open_page, say
from support.server import Server


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    head = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    rows = (b'\0' + b'\x20\x80\x60' * width) * height
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


def test_a_picture_goes_along_with_a_question(app: Server, page: Page) -> None:
    open_page(page, app.url)
    picture = {'name': 'square.png', 'mimeType': 'image/png', 'buffer': png(40, 30)}
    page.get_by_test_id('composer-file').set_input_files([picture])  # type: ignore[list-item]
    tile = page.get_by_test_id('attachment')
    expect(tile).to_have_attribute('data-state', 'ready')
    page.reload()
    expect(tile).to_have_attribute('data-state', 'ready')
    expect(tile.locator('img')).to_have_js_property('naturalWidth', 40)
    say(page, 'What do you see?')
    expect_status(page, 'complete')
    expect(tile).to_have_count(0)
    expect(page.get_by_test_id('message-user').locator('img')).to_be_visible()


def test_a_file_that_another_tab_has_sent_is_not_sent_again(app: Server, page: Page) -> None:
    open_page(page, app.url)
    picture = {'name': 'square.png', 'mimeType': 'image/png', 'buffer': png(40, 30)}
    page.get_by_test_id('composer-file').set_input_files([picture])  # type: ignore[list-item]
    expect(page.get_by_test_id('attachment')).to_have_attribute('data-state', 'ready')
    page.get_by_test_id('composer-input').fill('What do you see?')
    other = page.context.new_page()
    open_page(other, app.url)  # it has the same draft
    tile = other.get_by_test_id('attachment')
    expect(tile).to_have_attribute('data-state', 'ready')
    page.get_by_test_id('composer-send').click()
    expect_status(page, 'complete')

    other.get_by_test_id('composer-send').click()
    expect(tile).to_have_attribute('data-state', 'failed')
    expect(other.get_by_test_id('composer-input')).to_have_value('What do you see?')
    other.get_by_test_id('attachment-remove').click()
    other.get_by_test_id('composer-send').click()
    expect_status(other, 'complete')


def test_a_file_that_is_not_what_it_says_is_refused_in_words(app: Server, page: Page, problems: list[str]) -> None:
    open_page(page, app.url)
    fake = {'name': 'photo.png', 'mimeType': 'image/png', 'buffer': b'MZ\x90\x00 a program' * 100}
    page.get_by_test_id('composer-file').set_input_files([fake])  # type: ignore[list-item]
    error = page.get_by_test_id('attachment-error')
    expect(error).not_to_be_empty()
    expect(page.get_by_test_id('attachment-retry')).to_have_count(0)
    problems.clear()  # the browser's own line about the refusal


def test_a_text_longer_than_the_socket_takes_arrives_whole(app: Server, page: Page) -> None:
    open_page(page, app.url)
    text = '/long 5 ' + 'word ' * 200_000 + 'the end'
    page.get_by_test_id('composer-input').evaluate(
        "(box, text) => { box.value = text; box.dispatchEvent(new Event('input')) }", text
    )
    page.get_by_test_id('composer-send').click()
    expect(page.get_by_test_id('message-assistant')).to_have_count(1)
    expect(page.get_by_test_id('composer-input')).to_have_value('')
