"""What a page weighs, beside a bare page of the framework in the same run."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect
from support import direct
from support.chat import CONNECTED, ask, conversations, open_page
from support.server import Serve, Server, free_port, wait_for

BARE = """
import sys
from nicegui import ui
ui.page('/')(lambda: ui.label('hello') and None)
ui.run(port=int(sys.argv[1]), reload=False, show=False)
"""
WARM_BYTES = 8 * 1024


@dataclass(frozen=True)
class Load:
    """What came over the network for one look at a page, answers from the browser's cache aside."""

    sizes: dict[str, int]  # bytes by address, headers and compression included

    @property
    def requests(self) -> int:
        return len(self.sizes)

    @property
    def weight(self) -> int:
        return sum(self.sizes.values())


@pytest.fixture(scope='module')
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp('bare'), free_port()
    (folder / 'bare.py').write_text(BARE)
    # under pytest the framework would wait for its own fixtures
    own = {name: value for name, value in os.environ.items() if not name.startswith('PYTEST')}
    with (folder / 'log').open('wb') as log:
        process = subprocess.Popen([sys.executable, 'bare.py', str(port)], cwd=folder, env=own, stdout=log, stderr=log)
    url = f'http://127.0.0.1:{port}'
    wait_for(lambda: _answers(url), 'the bare page', 60)
    yield url
    process.terminate()
    process.wait(20)


def _answers(url: str) -> bool:
    try:
        return direct.get(url).is_success
    except httpx.TransportError:
        return False


def load(context: BrowserContext, url: str) -> Load:
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send('Network.enable')
    addresses: dict[str, str] = {}
    cached: set[str] = set()
    sizes: dict[str, int] = {}

    def answered(event: dict[str, str | dict[str, str | bool]]) -> None:
        response = event['response']
        assert isinstance(response, dict)
        addresses[str(event['requestId'])] = str(response['url'])
        if response.get('fromDiskCache'):
            cached.add(str(event['requestId']))

    network.on('Network.responseReceived', answered)
    network.on('Network.requestServedFromCache', lambda event: cached.add(event['requestId']))
    network.on('Network.loadingFinished', lambda event: sizes.update({event['requestId']: event['encodedDataLength']}))
    page.goto(url, wait_until='networkidle')
    page.wait_for_function(CONNECTED)
    page.close()
    return Load(
        {
            address: sizes[request]
            for request, address in addresses.items()
            if request not in cached and request in sizes and address.startswith('http')
        }
    )


def test_a_first_visit_weighs_no_more_than_a_bare_page(context: BrowserContext, app: Server, bare: str) -> None:
    ours, floor = load(context, app.url), load(context, bare)
    assert ours.weight <= floor.weight, ours.sizes
    assert ours.requests <= floor.requests, ours.sizes
    assert all(address.startswith(app.url) for address in ours.sizes), 'another host was asked'
    assert not [address for address in ours.sizes if 'quasar' in address and address.endswith('.css')]
    assert floor.weight > 300 * 1024, 'the bare page was not measured as a whole'


def test_a_second_visit_is_one_small_request(context: BrowserContext, app: Server) -> None:
    load(context, app.url)
    again = load(context, app.url)
    assert again.requests == 1, again.sizes
    assert again.weight <= WARM_BYTES


@pytest.fixture
def busy_person(serve: Serve, context: BrowserContext) -> Server:
    """An app in which the person of `context` has 10,000 conversations, so that the list is full."""
    server = serve()
    page = context.new_page()
    open_page(page, server.url)
    ask(page, 'Which scenario words are there?')
    page.close()
    [database] = server.folder.rglob('*.db')
    with sqlite3.connect(database) as connection:
        columns = [name for _, name, *_ in connection.execute('PRAGMA table_info(conversations)')]
        changed = {
            'id': "printf('%032x', n)",
            'title': "'How does this work, and what about case ' || n || '?'",
            'folded_title': "'how does this work, and what about case ' || n || '?'",
            'title_state': "'manual'",
            'title_due_at': 'NULL',
        }
        connection.execute(f"""
            WITH RECURSIVE numbers(n) AS (VALUES(1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 9999)
            INSERT INTO conversations ({', '.join(columns)})
            SELECT {', '.join(changed.get(name, name) for name in columns)}
            FROM numbers, (SELECT * FROM conversations LIMIT 1)
        """)
    connection.close()
    return server


def test_a_full_list_weighs_little_more(context: BrowserContext, busy_person: Server) -> None:
    load(context, busy_person.url)
    again = load(context, busy_person.url)
    assert again.requests == 1, again.sizes
    assert again.weight <= WARM_BYTES


def test_one_of_ten_thousand_is_found(context: BrowserContext, busy_person: Server) -> None:
    page = context.new_page()
    open_page(page, busy_person.url)
    expect(conversations(page)).to_have_count(50)
    page.get_by_test_id('conversation-search').fill('CASE 7777')
    expect(conversations(page)).to_have_count(1)
    page.get_by_label('Clear the search').click()
    expect(conversations(page)).to_have_count(50)
    conversations(page).last.scroll_into_view_if_needed()
    expect(conversations(page)).to_have_count(100)
    page.close()


def test_a_page_has_its_shape_before_any_script(context: BrowserContext, app: Server) -> None:
    """The sidebar's ground is painted, in its place, while the scripts are still on their way."""
    page = context.new_page()
    page.route('**/*.js', lambda route: None)  # they never come
    page.goto(app.url, wait_until='commit')
    page.wait_for_selector('#app', state='attached')
    shape = page.evaluate("""() => {
        const { width, backgroundColor } = getComputedStyle(document.querySelector('#app'));
        return [width, backgroundColor];
    }""")
    assert shape == ['280px', 'rgb(246, 244, 240)']
    page.unroute_all(behavior='ignoreErrors')
    page.close()
