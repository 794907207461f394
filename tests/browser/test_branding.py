"""An instance, and each of its apps, has a face of its own."""

import struct
import zlib
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Page, expect
from support.chat import open_page
from support.server import Serve, Server

from webapp.upstream.demo import build, serve as serve_demo

CONFIG = """
[branding]
name = "Front desk"
accent = "#ffd400"
logo = "logo.png"
banner = "Closed on <Friday>"

[[apps]]
slug = "help"
name = "Help"
base_url = "{url}"
api_key = "demo"

[[apps]]
slug = "travel"
name = "Travel"
base_url = "{url}"
api_key = "demo"
branding = {{ name = "Journeys", accent = "#0000ff", logo = "logo.svg", banner = "Open" }}
"""
SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" onload="top.hit = 1">
<script>top.hit = 1</script><rect width="9" height="9"/></svg>"""
ACCENT = """() => {
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.color = 'var(--accent)';
    return getComputedStyle(probe).color;
}"""


@pytest.fixture
def expected_problems() -> tuple[str, ...]:
    return ('Blocked script execution',)  # by the sandbox that the hostile logo is shown in


@pytest.fixture
def branded(serve: Serve, tmp_path: Path, demo: str) -> Server:
    (tmp_path / 'logo.svg').write_text(SVG)
    (tmp_path / 'logo.png').write_bytes(png())
    (tmp_path / 'brand.toml').write_text(CONFIG.format(url=demo))
    return serve(WEBAPP_CONFIG=str(tmp_path / 'brand.toml'), DIFY_BASE_URL='', DIFY_API_KEY='')


def png() -> bytes:
    """One red pixel."""
    chunks = (
        (b'IHDR', struct.pack('>IIBBBBB', 1, 1, 8, 2, 0, 0, 0)),
        (b'IDAT', zlib.compress(b'\0\xff\0\0')),
        (b'IEND', b''),
    )
    body = (struct.pack('>I', len(d)) + n + d + struct.pack('>I', zlib.crc32(n + d)) for n, d in chunks)
    return b'\x89PNG\r\n\x1a\n' + b''.join(body)


def test_name_logo_colour_and_notice(branded: Server, page: Page) -> None:
    open_page(page, branded.url)
    expect(page.get_by_role('complementary')).to_contain_text('Front desk')
    expect(page.get_by_test_id('banner').filter(has_text='Closed on <Friday>')).to_be_visible()
    assert page.get_by_test_id('logo').evaluate('image => image.decode().then(() => image.naturalWidth)') == 1
    assert page.locator('link[rel~=icon]').get_attribute('href') == page.get_by_test_id('logo').get_attribute('src')
    page.emulate_media(color_scheme='dark')
    assert page.evaluate(ACCENT) == 'rgb(255, 212, 0)'
    page.emulate_media(color_scheme='light')
    assert page.evaluate(ACCENT) != 'rgb(255, 212, 0)'  # nobody could read it


def test_what_an_app_says_wins(branded: Server, page: Page) -> None:
    open_page(page, f'{branded.url}/a/travel')
    expect(page.get_by_role('complementary')).to_contain_text('Journeys')
    expect(page.get_by_test_id('banner').filter(has_text='Open')).to_be_visible()
    assert page.evaluate(ACCENT) == 'rgb(0, 0, 255)'


def test_without_a_colour_in_the_settings_an_app_has_its_own(serve: Serve, page: Page) -> None:
    demo = build(rate=0, site={'chat_color_theme': '#0000FF'})
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve_demo(demo)) as url:
        server = serve(DIFY_BASE_URL=url)
        open_page(page, server.url)
        expect(page.get_by_test_id('opening-statement')).to_be_visible()  # the app has said so by now
        page.reload()
        assert page.evaluate(ACCENT) == 'rgb(0, 0, 255)'


def test_a_logo_runs_nothing(branded: Server, page: Page) -> None:
    open_page(page, f'{branded.url}/a/travel')
    logo = page.get_by_test_id('logo')
    assert logo.evaluate('image => image.decode().then(() => image.complete)')
    assert page.evaluate('window.hit') is None
    answer = page.goto(str(logo.evaluate('image => image.src')))
    assert answer is not None
    assert 'sandbox' in answer.headers['content-security-policy']
    assert answer.headers['content-type'] == 'image/svg+xml'
    assert 'immutable' in answer.headers['cache-control']
    assert page.evaluate('window.hit') is None
