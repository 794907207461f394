"""What stands around: colours, drawer, notices, account, narrow and enlarged pages, paper."""

import re
from typing import Literal

import pytest
from gallery_support import Gallery, Open
from playwright.sync_api import Browser, Page, expect

from webapp.edge import assets

GROUND = 'getComputedStyle(document.body).backgroundColor'
LIGHT, DARK = 'rgb(255, 255, 255)', 'rgb(25, 24, 23)'


def test_colours_follow_the_system_until_chosen(visit: Open, page: Page) -> None:
    page.emulate_media(color_scheme='dark')
    visit()
    assert page.evaluate(GROUND) == DARK
    page.get_by_test_id('theme-toggle').click()
    assert page.evaluate(GROUND) == LIGHT
    page.reload()
    assert page.evaluate(GROUND) == LIGHT
    page.get_by_test_id('theme-toggle').click()
    page.emulate_media(color_scheme='light')
    assert page.evaluate(GROUND) == DARK


def test_the_browsers_bars_have_the_chosen_colour_until_the_system_decides_again(visit: Open) -> None:
    page = visit()
    bars = """() => [...document.querySelectorAll('meta[name=theme-color]')].map((meta) => meta.content)"""
    both = page.evaluate(bars)
    assert both == ['#ffffff', '#191817']
    for shown in ([LIGHT, LIGHT], [DARK, DARK], both):
        page.get_by_test_id('theme-toggle').click()
        assert page.evaluate(bars) == shown


def test_chosen_colours_stand_before_the_first_paint(gallery: Gallery, page: Page, problems: list[str]) -> None:
    page.goto(f'{gallery.url}/heard')
    page.evaluate("localStorage.setItem('theme', 'dark')")
    page.route('**/nicegui.js', lambda route: route.abort())  # nothing is ever mounted
    page.goto(gallery.url, wait_until='domcontentloaded')
    assert page.evaluate(GROUND) == DARK
    problems.clear()  # of course it complains


@pytest.fixture
def phone(page: Page, visit: Open) -> Page:
    page.set_viewport_size({'width': 390, 'height': 844})
    return visit('/states')


def test_on_a_phone_the_sidebar_is_a_drawer_that_keeps_the_focus(phone: Page) -> None:
    expect(phone.get_by_test_id('conversation-list')).not_to_be_in_viewport()
    phone.get_by_label('Show conversations').click()
    expect(phone.get_by_test_id('conversation-list')).to_be_in_viewport()
    expect(phone.get_by_label('Hide conversations')).to_be_focused()
    for _ in range(100):
        phone.keyboard.press('Tab')
        assert phone.evaluate("!document.querySelector('.page').contains(document.activeElement)")
    phone.keyboard.press('Escape')
    expect(phone.get_by_test_id('conversation-list')).not_to_be_in_viewport()
    expect(phone.get_by_label('Show conversations')).to_be_focused()


def test_choosing_a_conversation_closes_the_drawer(phone: Page) -> None:
    phone.get_by_label('Show conversations').click()
    phone.locator('[data-conversation-id=c4]').get_by_role('link').click()
    expect(phone.get_by_test_id('message-user').last).to_have_text('Opened c4')
    expect(phone.get_by_test_id('conversation-list')).not_to_be_in_viewport()


def test_a_folded_sidebar_stays_folded(visit: Open) -> None:
    page = visit()
    page.get_by_label('Hide conversations').click()
    expect(page.get_by_test_id('conversation-list')).to_be_hidden()
    page.reload()
    expect(page.get_by_test_id('composer-input')).to_be_visible()
    expect(page.get_by_test_id('conversation-list')).to_be_hidden()


@pytest.mark.parametrize('width', [360, 390, 640, 768, 1280])
def test_nothing_is_wider_than_the_page(visit: Open, page: Page, width: int) -> None:
    page.set_viewport_size({'width': width, 'height': 700})
    visit('/states')
    wide = page.evaluate("""() => {
        const scroller = document.querySelector('.thread-scroll');
        return [document.documentElement.scrollWidth - innerWidth, scroller.scrollWidth - scroller.clientWidth];
    }""")
    assert wide == [0, 0]
    expect(page.get_by_test_id('composer-send')).to_be_in_viewport()


def test_a_lost_connection_is_said_and_taken_back(visit: Open) -> None:
    page = visit()
    page.evaluate('window.socket.io.engine.close()')
    page.evaluate('window.socket.disconnect()')
    expect(page.get_by_test_id('banner').filter(has_text='connection is interrupted')).to_be_visible()
    expect(page.locator('#popup')).to_be_hidden()
    page.evaluate('window.socket.connect()')
    expect(page.get_by_test_id('banner').filter(has_text='connection is interrupted')).to_have_count(0)


def test_what_was_read_and_closed_stays_closed(visit: Open) -> None:
    page = visit()
    page.get_by_label('Close this notice').click()
    expect(page.get_by_test_id('banner')).to_have_count(0)
    page.reload()
    expect(page.get_by_test_id('composer-input')).to_be_editable()
    expect(page.get_by_test_id('banner')).to_have_count(0)


def test_a_warning_that_was_closed_is_said_again(visit: Open) -> None:
    page = visit()
    page.get_by_label('Close this notice').click()
    for _ in range(2):
        page.get_by_test_id('composer-input').fill('/notice')
        page.get_by_test_id('composer-send').click()
        expect(page.get_by_test_id('banner')).to_have_count(1)
        page.get_by_label('Close this notice').click()
        expect(page.get_by_test_id('banner')).to_have_count(0)


def test_a_notice_is_closed_with_a_thumb(gallery: Gallery, browser: Browser) -> None:
    context = browser.new_context(viewport={'width': 390, 'height': 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(gallery.url)
    size = page.get_by_label('Close this notice').bounding_box()
    context.close()
    assert size
    assert min(size['width'], size['height']) >= 36


def test_forced_colours_keep_what_only_colour_would_tell(visit: Open, page: Page) -> None:
    page.emulate_media(forced_colors='active')
    visit()
    outline = 'row => getComputedStyle(row).outlineStyle'
    assert page.locator('[data-conversation-id=c0]').evaluate(outline) == 'solid'
    assert page.locator('[data-conversation-id=c2]').evaluate(outline) == 'none'
    assert page.get_by_test_id('banner').evaluate('banner => getComputedStyle(banner).borderTopStyle') == 'solid'


def test_on_paper_stands_the_conversation_with_its_title(visit: Open, page: Page) -> None:
    visit()
    title = page.get_by_role('main').get_by_role('heading', level=2, name='Rolling updates')
    width = 'title => title.getBoundingClientRect().width'
    assert title.evaluate(width) == 1, 'for screen readers'
    page.emulate_media(media='print')
    assert title.evaluate(width) > 100
    for gone in (page.get_by_role('banner'), page.get_by_role('complementary'), page.get_by_test_id('banner')):
        expect(gone).to_be_hidden()


def test_account_and_other_apps(visit: Open) -> None:
    page = visit()
    expect(page).to_have_title('Rolling updates')
    page.get_by_test_id('user-menu').click()
    expect(page.get_by_test_id('logout')).to_be_visible()
    page.keyboard.press('Escape')
    expect(page.get_by_test_id('logout')).to_be_hidden()
    page.get_by_test_id('app-switcher').click()
    expect(page.get_by_role('link', name='Travel', exact=True)).to_have_attribute('href', '/empty')


def test_landmarks_and_names(visit: Open) -> None:
    page = visit()
    expect(page.get_by_role('banner')).to_have_count(1)
    expect(page.get_by_role('complementary')).to_have_count(1)
    expect(page.get_by_role('main')).to_have_count(1)
    unnamed = page.evaluate("""() => [...document.querySelectorAll('button, a, input, textarea')]
        .filter(node => !(node.ariaLabel || node.textContent.trim())).map(node => node.outerHTML)""")
    assert unnamed == []


CONTRAST = """(pairs) => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const probe = document.body.appendChild(document.createElement('div'));
    const light = (name) => {
        probe.style.color = `var(--${name})`;
        canvas.fillStyle = getComputedStyle(probe).color;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => {
            const part = value / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    return pairs.map(([front, back]) => {
        const [bright, dark] = [light(front), light(back)].sort((a, b) => b - a);
        return [front, back, (bright + 0.05) / (dark + 0.05)];
    });
}"""
TEXT = {
    'text': [
        'ground',
        'side',
        'raised',
        'bubble',
        'hover',
        'info-ground',
        'warning-ground',
        'danger-ground',
        'code-removed',
        'code-added',
    ],
    'quiet': ['ground', 'side', 'raised', 'hover', 'danger-ground'],
    'link': ['ground'],
    'accent': ['ground'],
    'on-accent': ['accent'],
    'danger': ['ground', 'raised', 'danger-ground'],
    'on-danger': ['danger-strong'],
} | {f'code-{kind}': ['code-ground'] for kind in ('word', 'name', 'string', 'number', 'variable', 'remark')}


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_text_stands_out_from_what_is_behind_it(visit: Open, page: Page, scheme: Literal['light', 'dark']) -> None:
    """4.5 to 1 for text, and 3 to 1 for the border of what is written in: WCAG AA."""
    page.emulate_media(color_scheme=scheme)
    visit()
    pairs = [[front, back] for front, backs in TEXT.items() for back in backs]
    weak = [each for each in page.evaluate(CONTRAST, pairs) if each[2] < 4.5]
    assert not weak
    assert page.evaluate(CONTRAST, [['field', 'raised']])[0][2] >= 3


@pytest.mark.parametrize('sheet', ['frame.css', 'controls.css', 'conversations.css', 'code.css'])
def test_colours_sizes_of_text_and_corners_have_names(sheet: str) -> None:
    raw = re.compile(r'#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch)\(|(font-size|border-radius|font): *[\d.]', re.IGNORECASE)
    lines = assets.files()[sheet].decode().splitlines()
    assert [line.strip() for line in lines if raw.search(line)] == []
