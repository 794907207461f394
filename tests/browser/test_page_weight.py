"""What a page weighs, beside a bare page of the framework in the same run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import BrowserContext
from support.chat import CONNECTED
from support.server import Server, free_port, wait_for

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
        return httpx.get(url, trust_env=False).is_success
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
