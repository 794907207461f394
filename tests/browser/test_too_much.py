"""What a person sees who has done too much: nothing is lost, and they know when to go on."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import APIResponse, Page, expect
from support import chat
from support.people import SECRET
from support.server import Server

LIMITS = """
[limits]
messages_per_minute = 2
upload_mb_per_day = 1
searches_per_minute = 2
sockets_per_user = 2
"""


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, demo: str) -> Iterator[Server]:
    settings = {'DIFY_BASE_URL': demo, 'DIFY_API_KEY': 'demo', 'WEBAPP_GUESTS': 'true', 'WEBAPP_SECRET': SECRET}
    server = Server(tmp_path_factory.mktemp('app'), settings)
    (server.folder / 'webapp.toml').write_text(LIMITS)
    server.start()
    yield server
    server.stop()
    assert 'Traceback' not in server.log, server.log


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    return ('status of 429',)


def test_a_refused_question_stays_in_the_composer_and_the_page_says_when_to_go_on(page: Page, server: Server) -> None:
    chat.open_page(page, server.url)
    for text in ('/echo one', '/echo two'):
        chat.ask(page, text)
    chat.say(page, '/echo three, and a long thought')
    notice = page.get_by_test_id('banner').filter(has_text='You have sent 2 messages within a minute. Go on in')
    expect(notice).to_be_visible()
    expect(page.get_by_role('region', name='Notices')).to_have_attribute('aria-live', 'polite')
    expect(page.get_by_test_id('composer-input')).to_have_value('/echo three, and a long thought')
    expect(chat.answers(page)).to_have_count(2)
    page.reload()
    expect(page.get_by_test_id('composer-input')).to_have_value('/echo three, and a long thought')

    page.wait_for_function(chat.CONNECTED)
    search = page.get_by_test_id('conversation-search')
    for words, found in (('nothing', 0), ('', 1), ('nowhere', 0), ('', 1)):
        search.fill(words)
        expect(chat.conversations(page)).to_have_count(found)
    search.fill('once more')
    expect(page.get_by_test_id('banner').filter(has_text='You have searched 2 times within a minute.')).to_be_visible()

    others = [page.context.new_page() for _ in range(2)]
    chat.open_page(others[0], server.url)
    others[1].goto(server.url)
    expect(others[1].get_by_role('main')).to_contain_text('You have as many pages open here as one person may have.')
    page.reload()
    expect(page.get_by_test_id('composer-input')).to_have_value('/echo three, and a long thought')
    others[0].close()
    others[1].reload()
    chat.open_page(others[1], server.url)


def test_an_upload_beyond_the_day_is_refused_with_the_limit_and_the_time(page: Page, server: Server) -> None:
    page.goto(server.url)
    assert upload(page, server, 600_000).status == 201
    answer = upload(page, server, 600_000)
    assert answer.status == 429
    assert 86_000 < int(answer.headers['retry-after']) <= 86_400
    told = answer.json()
    assert told['code'] == 'too_many_uploads'
    assert told['message'].startswith('With this file, yours would come to more than 1 MB within a day.')
    assert upload(page, server, 300_000).status == 201


def upload(page: Page, server: Server, size: int) -> APIResponse:
    file = {'name': 'notes.txt', 'mimeType': 'text/plain', 'buffer': b'a' * size}
    return page.request.post(f'{server.url}/uploads', multipart={'app': 'default', 'file': file})
