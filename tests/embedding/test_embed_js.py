"""`static/embed.js` on pages of another origin, with a stand-in for the frame that keeps to the contract."""

import gzip
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from host_pages import HostSite, Tokens, bubble, frame, heard, host_site, panel
from playwright.sync_api import Frame, Page, expect
from support import axe

from webapp.edge import assets

A, B = 'aaa.bbb.ccc', 'ddd.eee.fff'
PHONE = {'width': 390, 'height': 780}
# Notes events of the global as they come.
LISTEN = """() => {
    window.events = [];
    for (const name of ['ready', 'opened', 'closed', 'message', 'unread', 'error', 'resize'])
        WebappChat.on(name, (values) => events.push([name, values]));
}"""


@pytest.fixture(scope='module')
def site() -> Iterator[HostSite]:
    with host_site() as site:
        yield site


@pytest.fixture(autouse=True)
def calm(page: Page) -> None:
    """Nothing is on its way when it is measured."""
    page.emulate_media(reduced_motion='reduce')


@pytest.fixture
def visit(page: Page, site: HostSite) -> Callable[..., Page]:
    """Open a page with the chat on it: `visit(layout='full')`."""

    def go(**attributes: str) -> Page:
        listen = f'<script>({LISTEN})()</script>'
        page.goto(site.add(f'<h1>Our shop</h1><input aria-label="Search">{site.tag(**attributes)}{listen}'))
        return page

    return go


def say(chat: Frame, name: str, **values: Any) -> None:
    chat.evaluate('([name, values]) => say(name, values)', [name, values])


def events(page: Page, *names: str) -> list[Any]:
    return [values for name, values in page.evaluate('events') if name in names]


def call(page: Page, command: str) -> Any:
    return page.evaluate(f'void WebappChat.{command}')


def expect_heard(chat: Frame, *messages: tuple[str, dict[str, Any]], names: tuple[str, ...] = ()) -> None:
    try:
        chat.wait_for_function(
            """([names, wanted]) => JSON.stringify(heard().map(([, ...message]) => message)
                .filter(([name]) => names.length ? names.includes(name) : !['open', 'close'].includes(name)))
                === JSON.stringify(wanted)""",
            arg=[list(names), [list(message) for message in messages]],
            timeout=5000,
            polling=50,  # a hidden frame draws nothing
        )
    except Exception as error:
        raise AssertionError(f'heard {heard(chat, *names)}') from error


HELLO: tuple[str, dict[str, Any]] = ('hello', {})


UNKNOWN: tuple[str, dict[str, Any]] = ('identify', {'token': None, 'unknown': True})


def token(value: str | None) -> tuple[str, dict[str, Any]]:
    return 'identify', {'token': value}


# the script


def test_it_is_small_and_in_no_bundle() -> None:
    assert len(gzip.compress(assets.files()['embed.js'])) <= 6000
    assert b'WebappChat' not in assets.files()[assets.SCRIPT]


def test_there_is_one_global(page: Page, site: HostSite) -> None:
    page.goto(site.add('<script>window.before = new Set(Object.getOwnPropertyNames(window))</script>' + site.tag()))
    assert page.evaluate('Object.getOwnPropertyNames(window).filter((name) => !before.has(name))') == [
        'before',
        'WebappChat',
    ]


STRICT = (
    "default-src 'none'; script-src 'nonce-n'; frame-src {chat}; connect-src 'self'; img-src {chat}; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


@pytest.mark.parametrize('layout', ['bubble', 'full'])
def test_a_strict_policy_of_the_page_is_no_hindrance(page: Page, site: HostSite, layout: str) -> None:
    """Any complaint on the console fails the test."""
    body = site.tag(layout=layout, token_url='/token', greeting='Hello!', color='#aa3355', height='300', z_index='7')
    tokens = Tokens(page)
    page.goto(site.add(body, policy=STRICT.format(chat=site.chat.url)))
    page.evaluate('WebappChat.open()')
    tokens.answer(0, A)
    expect_heard(frame(page), HELLO, token(A))
    assert page.locator('[style]').count() == 0
    if layout == 'bubble':
        expect(panel(page)).to_have_css('width', '400px')
        expect(bubble(page)).to_have_css('background-color', 'rgb(170, 51, 85)')


HOSTILE = """<style>
* { all: unset !important } * { --x: 500px; --y: 500px; --accent: red }
html, div, button, dialog, iframe, i, b { display: none !important; position: static !important; width: 3px !important }
button { background: red !important; transform: scale(9) !important; opacity: 0 !important }
:root { font-size: 3px }
webapp-chat { display: none !important; visibility: hidden; opacity: 0; color: red; font: 90px serif }
webapp-chat { pointer-events: none }
</style>"""


def test_styles_of_the_page_stay_outside_and_ours_inside(page: Page, site: HostSite) -> None:
    def looks() -> Any:
        bubble(page).click()
        frame(page)
        return [(each.bounding_box(), each.evaluate(ALL_STYLES)) for each in (bubble(page), panel(page))], page.locator(
            'p'
        ).evaluate(ALL_STYLES)

    words = '<p>Words</p>'
    page.goto(site.add(words))
    plain = page.locator('p').evaluate(ALL_STYLES)
    page.goto(site.add(words + site.tag()))
    ours, paragraph = looks()
    assert paragraph == plain
    page.evaluate('sessionStorage.clear()')
    page.goto(site.add(words + site.tag(), head=HOSTILE.replace('html, ', '')))
    assert looks()[0] == ours


ALL_STYLES = """(node) => Object.fromEntries([...getComputedStyle(node)]
    .filter((name) => !/^(--|perspective|transform)/.test(name))
    .map((name) => [name, getComputedStyle(node)[name]]))"""


def test_loading_it_twice_is_harmless(page: Page, site: HostSite) -> None:
    page.goto(site.add(site.tag() + '<script>window.first = WebappChat</script>' + site.tag() + site.tag()))
    expect(bubble(page)).to_have_count(1)
    assert page.evaluate('first === WebappChat && first === WebappChat.of("desk")')
    page.evaluate(LISTEN)
    bubble(page).click()
    frame(page)
    page.wait_for_function("events.some(([name]) => name === 'ready')")
    assert len(events(page, 'ready')) == len(events(page, 'opened')) == 1


def test_the_same_embed_in_another_layout_is_told(page: Page, site: HostSite) -> None:
    listen = f'<script>({LISTEN})()</script>'
    page.goto(site.add(site.tag() + listen + site.tag(layout='bubble') + site.tag(layout='full')))
    expect(bubble(page)).to_have_count(1)
    expect(page.locator('iframe')).to_have_count(0)
    assert events(page, 'error') == [{'code': 'embed', 'message': 'desk'}]


def test_a_page_that_replaces_its_body_gets_it_back(page: Page, site: HostSite) -> None:
    page.goto(site.add(site.tag()))
    page.evaluate(
        """(src) => {
        document.body = document.createElement('body');
        const script = Object.assign(document.createElement('script'), { src });
        script.dataset.embed = 'desk';
        document.body.append(script);
    }""",
        site.chat.script,
    )
    expect(bubble(page)).to_be_visible()


@pytest.mark.parametrize('how', ['async', 'defer', ''])
def test_it_may_stand_in_the_head(page: Page, site: HostSite, how: str) -> None:
    page.goto(site.add('<h1>Shop</h1>', head=site.tag(layout='full').replace('<script', f'<script {how}')))
    frame(page)
    expect(page.locator('webapp-chat iframe')).to_be_visible()


def test_two_embeds_on_a_page_have_nothing_to_do_with_each_other(page: Page, site: HostSite) -> None:
    page.goto(site.add(site.tag('desk', token=A) + site.tag('shop', layout='full', token=B)))
    page.evaluate(LISTEN)
    page.evaluate("window.others = []; WebappChat.of('shop').on('message', () => others.push('message'))")
    assert page.evaluate("[WebappChat.of('desk') === WebappChat, WebappChat.of('nothing')]") == [True, None]
    bubble(page).click()
    desk, shop = frame(page, 'desk'), frame(page, 'shop')
    expect_heard(desk, HELLO, token(A))
    expect_heard(shop, HELLO, token(B))
    page.evaluate("WebappChat.of('shop').send('for the shop'); WebappChat.send('for the desk')")
    expect_heard(desk, ('send', {'text': 'for the desk'}), names=('send',))
    expect_heard(shop, ('send', {'text': 'for the shop'}), names=('send',))
    say(desk, 'message', role='user', status='complete', conversation='1')
    page.wait_for_function("events.some(([name]) => name === 'message')")
    assert page.evaluate('others') == []


# the frame


def test_the_frame_is_told_how_to_look_and_has_no_more_rights_than_it_needs(visit: Callable[..., Page]) -> None:
    page = visit(layout='compact', theme='dark', color='#123abc', language='de-AT', header='on', label='Help')
    element = page.locator('webapp-chat iframe')
    expect(element).to_have_attribute('title', 'Help')
    assert {name: element.get_attribute(name) for name in ('allow', 'referrerpolicy', 'sandbox', 'style')} == {
        'allow': 'microphone; clipboard-write',
        'referrerpolicy': 'no-referrer',
        'sandbox': 'allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox '
        'allow-downloads',
        'style': None,
    }
    address = urlsplit(element.get_attribute('src') or '')
    assert address.path == '/embed/desk'
    assert parse_qs(address.query) == {
        'origin': [page.evaluate('origin')],
        'layout': ['compact'],
        'theme': ['dark'],
        'accent': ['#123abc'],
        'language': ['de-AT'],
        'header': ['on'],
    }


@pytest.mark.parametrize(
    ('attributes', 'around', 'size'),
    [
        ({}, '{}', (1280, 600)),
        ({'height': '300'}, '{}', (1280, 300)),
        ({'height': '50vh'}, '{}', (1280, 400)),
        ({}, '<div style="width: 500px">{}</div>', (500, 600)),
        ({'height': '100%'}, '<div style="width: 500px; height: 250px">{}</div>', (500, 250)),
        ({'target': '#here'}, '{}<div id="here" style="width: 320px"></div>', (320, 600)),
        ({'target': '#here', 'height': '100%'}, '{}<div id="here" style="height: 222px"></div>', (1280, 222)),
    ],
)
def test_a_plain_frame_fills_its_place(
    page: Page, site: HostSite, attributes: dict[str, str], around: str, size: tuple[int, int]
) -> None:
    page.goto(site.add(around.format(site.tag(layout='full', **attributes)), head='<style>body { margin: 0 }</style>'))
    frame(page)
    box = page.locator('webapp-chat iframe').bounding_box()
    assert box
    assert (box['width'], box['height']) == size
    expect(page.locator('webapp-chat button')).to_have_count(0)


def test_a_target_that_is_not_there_is_told(page: Page, site: HostSite) -> None:
    body = site.tag(layout='full', target='#nowhere') + f'<script>({LISTEN})()</script>'
    page.goto(site.add(body))
    page.wait_for_function('events.length')
    assert events(page, 'error') == [{'code': 'target', 'message': '#nowhere'}]
    expect(page.locator('iframe')).to_have_count(0)


def test_a_bubble_has_no_frame_until_it_is_opened(visit: Callable[..., Page]) -> None:
    page = visit()
    page.evaluate('new Promise((done) => requestIdleCallback(done))')
    expect(page.locator('iframe')).to_have_count(0)
    bubble(page).click()
    expect_heard(frame(page), HELLO, token(None), ('open', {}), names=('hello', 'identify', 'open', 'close'))


# who is there


def test_a_token_of_the_page_counts_once(visit: Callable[..., Page]) -> None:
    page = visit(token=A, layout='full')
    chat = frame(page)
    expect_heard(chat, HELLO, token(A))
    chat.evaluate('go(base)')
    expect_heard(frame(page), HELLO, token(A), HELLO, token(None))


@pytest.mark.parametrize(
    ('status', 'body', 'sent'),
    [
        (200, A, A),
        (200, f'{A}\n', A),
        (200, f'{{"token": "{A}"}}', A),
        (200, '{"token": null}', None),
        (200, '', None),
        (204, '', None),
        (401, 'Who are you?', None),
    ],
)
def test_tokens_are_fetched(
    visit: Callable[..., Page], page: Page, problems: list[str], status: int, body: str, sent: str | None
) -> None:
    tokens = Tokens(page)
    visit(token_url='/token', layout='full')
    tokens.answer(0, body, status=status)
    expect_heard(frame(page), HELLO, token(sent))
    assert events(page, 'error') == []
    page.reload()
    tokens.answer(1, body, status=status)  # every question has its own
    frame(page)
    problems[:] = [each for each in problems if '401' not in each]  # the browser tells of it


def test_tokens_are_fetched_anew_with_the_cookies_of_the_site(visit: Callable[..., Page], site: HostSite) -> None:
    site.pages['/tokens'] = A, {'cache-control': 'max-age=600'}
    page = visit(token_url='/tokens', layout='full')
    expect_heard(frame(page), HELLO, token(A))
    site.pages['/tokens'] = B, {}
    page.evaluate("document.cookie = 'member=7'")
    with page.expect_request('**/tokens') as asked:
        frame(page).evaluate('go(base)')
    assert asked.value.all_headers()['cookie'] == 'member=7'
    expect_heard(frame(page), HELLO, token(A), HELLO, token(B))


@pytest.mark.parametrize(('status', 'body'), [(500, 'no'), (403, A), (200, '<html>Sign in</html>'), (200, '{"token')])
def test_a_fetch_that_fails_twice_is_told_and_does_not_mean_that_nobody_is_there(
    visit: Callable[..., Page], page: Page, problems: list[str], status: int, body: str
) -> None:
    tokens = Tokens(page)
    visit(token_url='/token', layout='full')
    tokens.answer(0, body, status=status)
    tokens.answer(1, body, status=status)
    expect_heard(frame(page), HELLO, UNKNOWN)
    ((error),) = events(page, 'error')
    assert error['code'] == 'token_url'
    assert error['message']
    problems[:] = [each for each in problems if str(status) not in each]  # the browser tells of it, too


def test_a_fetch_that_fails_once_is_tried_again(visit: Callable[..., Page], page: Page, problems: list[str]) -> None:
    tokens = Tokens(page)
    visit(token_url='/token', layout='full')
    tokens.wait(1)
    tokens.waiting[0].abort()
    tokens.answer(1, A)
    expect_heard(frame(page), HELLO, token(A))
    assert events(page, 'error') == []
    problems[:] = [each for each in problems if 'ERR_FAILED' not in each]  # the browser tells of it


def test_who_is_named_meanwhile_goes_before_another_try(visit: Callable[..., Page]) -> None:
    page = visit(layout='full', header='stay')
    page.frames[1].wait_for_url('**/embed/desk?*')
    page.evaluate(f"""() => {{
        window.tries = 0;
        window.later = [];
        window.setTimeout = (then) => later.push(then);
        WebappChat.identify(() => {{
            tries += 1;
            WebappChat.identify(() => (tries += 1) && '{B}');
            throw new Error('no');
        }});
    }}""")
    expect_heard(page.frames[1], HELLO, token(None))
    refuse(page, 'identity_needed')
    expect_heard(page.frames[1], HELLO, token(None), token(B))
    page.evaluate('later.forEach((then) => then())')
    assert page.evaluate('[later.length, tries]') == [1, 2]
    assert [each['code'] for each in events(page, 'error')] == ['identity_needed']


def test_without_a_handler_a_failure_is_written_to_the_console(page: Page, site: HostSite, problems: list[str]) -> None:
    tokens = Tokens(page)
    page.goto(site.add(site.tag(token_url='/token', layout='full')))
    tokens.answer(0, '<html>')
    tokens.answer(1, '<html>')
    frame(page)
    assert [each for each in problems if each.startswith('token_url')]
    problems.clear()


def test_a_token_that_comes_late_is_not_used(visit: Callable[..., Page], page: Page) -> None:
    tokens = Tokens(page)
    visit(token_url='/token', layout='full')
    tokens.wait(1)
    entry = page.frames[1]
    entry.evaluate('go(base)')  # it asks anew
    tokens.answer(1, B)
    expect_heard(frame(page), HELLO, HELLO, token(B))
    tokens.answer(0, A)
    call(page, "send('done')")
    expect_heard(frame(page), HELLO, HELLO, token(B), ('send', {'text': 'done'}))


def test_a_token_that_was_on_its_way_before_identify_is_not_used(visit: Callable[..., Page], page: Page) -> None:
    tokens = Tokens(page)
    visit(token_url='/token', layout='full')
    tokens.wait(1)
    call(page, f"identify('{B}')")
    chat = frame(page)
    tokens.answer(0, A)
    call(page, "send('done')")
    expect_heard(chat, HELLO, token(B), ('send', {'text': 'done'}))


def test_a_token_that_was_on_its_way_before_logout_is_not_used(visit: Callable[..., Page], page: Page) -> None:
    tokens = Tokens(page)
    visit(token_url='/token', layout='full')
    tokens.wait(1)
    call(page, 'logout()')
    chat = frame(page)
    tokens.answer(0, A)
    call(page, "send('done')")
    expect_heard(chat, HELLO, token(None), ('send', {'text': 'done'}))


def test_an_entry_that_has_gone_on_alone_gets_no_token_any_more(visit: Callable[..., Page], page: Page) -> None:
    tokens = Tokens(page)
    visit(token_url='/token', layout='full')
    tokens.wait(1)
    page.frames[1].evaluate('go(`${base}/chat`)')
    chat = frame(page)
    page.wait_for_function('events.length')
    tokens.answer(0, A)
    call(page, "send('done')")
    expect_heard(chat, HELLO, ('send', {'text': 'done'}))


def test_somebody_else_is_there(visit: Callable[..., Page]) -> None:
    page = visit(token=A, layout='full')
    frame(page)
    page.wait_for_function("events.some(([name]) => name === 'ready')")
    page.evaluate(f"WebappChat.identify(async () => '{B}'); WebappChat.send('by the new one')")
    page.wait_for_function("events.filter(([name]) => name === 'ready').length === 2")
    expect_heard(frame(page), HELLO, token(A), token(None), HELLO, token(B), ('send', {'text': 'by the new one'}))


def test_a_function_is_asked_each_time(visit: Callable[..., Page]) -> None:
    page = visit()
    page.evaluate('window.number = 0; WebappChat.identify(() => `a.b.${++number}`)')
    bubble(page).click()
    frame(page).evaluate('go(base)')
    expect_heard(frame(page), HELLO, token('a.b.1'), HELLO, token('a.b.2'))


@pytest.mark.parametrize(
    'source', ["() => { throw new Error('no') }", "async () => { throw new Error('no') }", '() => 7']
)
def test_a_function_that_fails_is_told_and_does_not_mean_that_nobody_is_there(
    visit: Callable[..., Page], source: str
) -> None:
    page = visit(token=A)
    call(page, f'identify({source})')
    bubble(page).click()
    expect_heard(frame(page), HELLO, UNKNOWN)
    assert [each['code'] for each in events(page, 'error')] == ['token']


def test_after_logout_nobody_is_there_until_somebody_is_named(visit: Callable[..., Page], page: Page) -> None:
    tokens = Tokens(page)
    visit(token_url='/token', layout='full')
    tokens.answer(0, A)
    frame(page)
    page.wait_for_function("events.some(([name]) => name === 'ready')")
    call(page, 'logout()')
    page.wait_for_function("events.filter(([name]) => name === 'ready').length === 2")
    said = [HELLO, token(A), ('logout', {}), HELLO, token(None)]
    expect_heard(frame(page), *said)
    frame(page).evaluate('go(base)')
    page.wait_for_function("events.filter(([name]) => name === 'ready').length === 3")
    said += [HELLO, token(None)]
    expect_heard(frame(page), *said)
    call(page, f"identify('{B}')")
    page.wait_for_function("events.filter(([name]) => name === 'ready').length === 4")
    expect_heard(frame(page), *said, token(None), HELLO, token(B))
    assert len(tokens.waiting) == 1


def test_who_is_named_while_the_chat_loads_is_not_lost(visit: Callable[..., Page], page: Page) -> None:
    """Between the entry and the chat nobody hears in the frame."""
    visit(layout='full')
    chat = frame(page)
    held: list[Any] = []
    page.route('**/embed/desk/chat*', lambda route: route.continue_() if held else held.append(route))
    chat.evaluate('go(base)')
    while not held:
        page.wait_for_timeout(20)
    page.evaluate("WebappChat.logout(); WebappChat.send('later')")
    held[0].continue_()
    page.wait_for_function("events.filter(([name]) => name === 'ready').length === 2")
    expect_heard(frame(page), ('logout', {}), ('send', {'text': 'later'}), names=('logout', 'send'))


def refuse(page: Page, code: str = 'expired') -> None:
    """The entry that stays refuses what it was told."""
    say(page.frames[1], 'error', code=code, message='No.')
    page.wait_for_function("events.at(-1)[0] === 'error'")


def test_after_a_refusal_the_entry_is_told_who_else_is_there(visit: Callable[..., Page]) -> None:
    page = visit(token=A, layout='full', header='stay')
    page.frames[1].wait_for_url('**/embed/desk?*')
    expect_heard(page.frames[1], HELLO, token(A))
    refuse(page)
    call(page, f"identify(async () => '{B}')")
    expect_heard(page.frames[1], HELLO, token(A), token(B))
    refuse(page)
    call(page, 'logout()')
    expect_heard(page.frames[1], HELLO, token(A), token(B), token(None))
    refuse(page, 'identity_needed')
    page.evaluate("WebappChat.logout(); WebappChat.identify(null); WebappChat.identify('c.c.c')")
    expect_heard(page.frames[1], HELLO, token(A), token(B), token(None), token('c.c.c'))


def test_who_is_named_before_the_refusal_of_another_is_not_lost(visit: Callable[..., Page]) -> None:
    page = visit(token=A, layout='full', header='stay')
    page.frames[1].wait_for_url('**/embed/desk?*')
    expect_heard(page.frames[1], HELLO, token(A))
    call(page, f"identify('{B}')")
    refuse(page)
    expect_heard(page.frames[1], HELLO, token(A), token(B))


@pytest.mark.parametrize(
    ('before', 'change', 'arrives'),
    [
        ({}, f"identify('{B}')", True),
        ({}, 'identify(null)', True),
        ({}, 'logout()', False),
        ({'token': A}, f"identify('{B}')", False),
        ({'token': A}, 'identify(null)', False),
        ({'token_url': '/token'}, f"identify('{B}')", False),
    ],
)
def test_what_one_has_asked_does_not_reach_another(
    visit: Callable[..., Page], page: Page, before: dict[str, str], change: str, arrives: bool
) -> None:
    Tokens(page)
    visit(**before)
    page.evaluate(f"""() => {{
        WebappChat.setInputs({{ of: 'ann' }});
        WebappChat.send('of ann');
        WebappChat.{change};
        WebappChat.send('later');
    }}""")
    of_ann = [('setInputs', {'inputs': {'of': 'ann'}}), ('send', {'text': 'of ann'})]
    page.wait_for_function("events.some(([name]) => name === 'ready')")
    expect_heard(frame(page), *(of_ann if arrives else ()), ('send', {'text': 'later'}), names=('setInputs', 'send'))


def test_nor_does_it_once_the_token_was_given(visit: Callable[..., Page]) -> None:
    page = visit(token=A, layout='full', header='stay')
    page.frames[1].wait_for_url('**/embed/desk?*')
    expect_heard(page.frames[1], HELLO, token(A))
    page.evaluate(f"WebappChat.send('of ann'); WebappChat.identify('{B}'); WebappChat.send('later')")
    refuse(page)
    expect_heard(page.frames[1], HELLO, token(A), token(B))
    page.frames[1].evaluate('go(`${base}/chat`)')
    expect_heard(frame(page), ('send', {'text': 'later'}), names=('send',))


# commands and events


def test_commands_wait_for_the_chat_in_their_order(visit: Callable[..., Page]) -> None:
    page = visit()
    page.evaluate("""() => {
        WebappChat.setInputs({ plan: 'gold', more: [1] });
        WebappChat.newConversation();
        WebappChat.setTheme('dark');
        WebappChat.send('First?');
        WebappChat.send('Second?');
    }""")
    chat = frame(page)  # to send there must be a frame, but nothing opens
    assert not panel(page).is_visible()
    expect_heard(
        chat, HELLO, token(None), ('setTheme', {'theme': 'dark'}),
        ('setInputs', {'inputs': {'plan': 'gold', 'more': [1]}}), ('newConversation', {}),
        ('send', {'text': 'First?'}), ('send', {'text': 'Second?'}),
    )  # fmt: skip
    call(page, "setLanguage('fr')")
    expect_heard(
        chat, ('setTheme', {'theme': 'dark'}), ('setLanguage', {'language': 'fr'}), names=('setTheme', 'setLanguage')
    )
    chat.evaluate('go(base)')  # another chat has forgotten
    page.wait_for_function("events.filter(([name]) => name === 'ready').length === 2")
    assert [name for name, _ in heard(frame(page), 'setTheme', 'setLanguage', 'send')][-2:] == [
        'setTheme',
        'setLanguage',
    ]


@pytest.mark.parametrize(
    'command',
    [
        'send()', "send('')", "send('  ')", 'send(7)', 'send({})', 'setInputs()', 'setInputs(null)', "setInputs('a')",
        'setInputs([])', 'setTheme()', "setTheme('blue')", 'setLanguage()', 'setLanguage(3)', 'identify()',
        'identify(7)', 'identify({})', 'on()', "on('opened')", "on('nonsense', () => {})",
        "on('constructor', () => {})",
    ],
)  # fmt: skip
def test_nonsense_is_refused_where_it_is_said(visit: Callable[..., Page], command: str) -> None:
    page = visit()
    assert page.evaluate(
        f'() => {{ try {{ WebappChat.{command} }} catch (error) {{ return error.constructor.name }} }}'
    ) == ('TypeError')


def test_events_reach_handlers_until_they_are_taken_back(visit: Callable[..., Page]) -> None:
    page = visit(layout='full')
    page.evaluate("""() => {
        window.thrown = [];
        window.onerror = (message, source, line, column, error) => { thrown.push(error.message); return true };
        WebappChat.on('message', () => { throw new Error('of the page') });
        window.count = 0;
        window.off = WebappChat.on('message', (values) => { values.role = 'changed'; count += 1 });
    }""")
    chat = frame(page)
    page.wait_for_function('events.length')
    say(chat, 'message', role='assistant', status='complete', conversation='7')
    say(chat, 'resize', height=420)
    say(chat, 'error', code='origin', message='This origin is not on the list.')
    page.wait_for_function('events.length === 4')
    page.evaluate('off()')
    say(chat, 'message', role='user', status='complete', conversation='7', text='Hi')
    page.wait_for_function('events.length === 5')
    assert page.evaluate('events') == [
        ['ready', {'embed': 'desk', 'stage': 'chat'}],
        ['message', {'role': 'assistant', 'status': 'complete', 'conversation': '7'}],
        ['resize', {'height': 420}],
        ['error', {'code': 'origin', 'message': 'This origin is not on the list.'}],
        ['message', {'role': 'user', 'status': 'complete', 'conversation': '7', 'text': 'Hi'}],
    ]
    assert page.evaluate('[thrown, count]') == [['of the page', 'of the page'], 1]


def test_only_the_own_frame_is_heard_and_only_what_is_known(visit: Callable[..., Page], site: HostSite) -> None:
    page = visit()
    bubble(page).click()
    chat = frame(page)
    page.wait_for_function("events.some(([name]) => name === 'ready')")
    before = page.evaluate('events.length')
    # the page itself, the right window with a wrong origin, the right origin with another window
    page.evaluate(
        """async (chat) => {
        const inner = document.querySelector('webapp-chat').shadowRoot.querySelector('iframe').contentWindow;
        const data = { type: 'chat:closed', version: 1 };
        postMessage(data, '*');
        const wrong = [['https://evil.example', inner], [location.origin, inner], [chat, window], [chat, null]];
        for (const [origin, source] of wrong)
            dispatchEvent(new MessageEvent('message', { data, origin, source }));
        const other = document.createElement('iframe');
        other.src = `${chat}/embed/other?origin=${location.origin}`;
        document.body.append(other);
        await new Promise((done) => (other.onload = done));
        await new Promise((done) => setTimeout(done));
    }""",
        site.chat.url,
    )
    chat.evaluate("""() => {
        const version = 1;
        for (const data of [
            null, 'chat:closed', 7, [], {}, { type: 'chat:closed' }, { type: 'chat:closed', version: 2 },
            { type: 'chat:closed', version: '1' }, { type: 'chat:dance', version }, { type: 7, version },
            { type: 'chat:ready', version, stage: 'nowhere' }, { type: 'chat:unread', version, count: 'many' },
            { type: 'chat:unread', version, count: -1 }, { type: 'chat:unread', version },
            { type: 'xchat:messages', version }, { type: 'chat:messages', version },
        ]) parent.postMessage(data, host);
        say('resize', { height: 1 });
    }""")
    page.wait_for_function("events.at(-1)[0] === 'resize'")
    assert page.evaluate('events.length') == before + 1
    expect(panel(page)).to_be_visible()


# the bubble


def test_it_opens_and_closes_and_the_focus_goes_along(visit: Callable[..., Page]) -> None:
    page = visit(label='Help')
    button = page.get_by_role('button', name='Help')
    expect(button).to_have_attribute('aria-expanded', 'false')
    button.click()
    dialog = page.get_by_role('dialog', name='Help')
    expect(dialog).to_be_visible()
    expect(button).to_have_attribute('aria-expanded', 'true')
    assert button.get_attribute('aria-controls') == dialog.get_attribute('id')
    assert dialog.get_attribute('aria-modal') != 'true'
    chat = frame(page)
    chat.wait_for_function('document.hasFocus()')
    page.wait_for_function("events.some(([name]) => name === 'ready')")
    chat.get_by_role('button', name='Close chat').click()
    expect(dialog).not_to_be_visible()
    expect(button).to_be_focused()
    expect_heard(chat, ('open', {}), ('close', {}), names=('open', 'close'))
    button.click()
    chat.wait_for_function('document.hasFocus()')
    button.click()
    expect(dialog).not_to_be_visible()
    assert [name for name, _ in page.evaluate('events')] == ['opened', 'ready', 'closed', 'opened', 'closed']


def test_the_keyboard_is_enough(visit: Callable[..., Page]) -> None:
    page = visit(greeting='May we help?')
    page.get_by_label('Search').focus()
    page.keyboard.press('Tab')
    expect(bubble(page)).to_be_focused()
    page.keyboard.press('Enter')
    frame(page).wait_for_function('document.hasFocus()')
    page.keyboard.press('Escape')  # heard by the frame
    expect(panel(page)).not_to_be_visible()
    expect(bubble(page)).to_be_focused()
    page.keyboard.press('Space')
    frame(page).wait_for_function('document.hasFocus()')
    bubble(page).focus()
    page.keyboard.press('Escape')  # heard by the page
    expect(panel(page)).not_to_be_visible()
    expect(bubble(page)).to_be_focused()


def test_it_takes_no_focus_that_is_elsewhere(visit: Callable[..., Page]) -> None:
    page = visit(open='true')
    chat = frame(page)
    assert not chat.evaluate('document.hasFocus()')
    page.get_by_label('Search').focus()
    call(page, 'close()')
    expect(panel(page)).not_to_be_visible()
    expect(page.get_by_label('Search')).to_be_focused()
    call(page, 'open()')
    chat.wait_for_function('document.hasFocus()')


def test_a_late_echo_of_closing_does_not_close_what_is_open_again(visit: Callable[..., Page]) -> None:
    page = visit(open='true')
    chat = frame(page)
    page.wait_for_function("events.some(([name]) => name === 'ready')")
    page.evaluate('WebappChat.close(); WebappChat.open()')
    expect_heard(chat, ('open', {}), ('close', {}), ('open', {}), names=('open', 'close'))
    say(chat, 'resize', height=1)
    page.wait_for_function("events.at(-1)[0] === 'resize'")
    expect(panel(page)).to_be_visible()
    chat.get_by_role('button', name='Close chat').click()
    expect(panel(page)).not_to_be_visible()


def test_unread_answers_are_counted(visit: Callable[..., Page]) -> None:
    page = visit(label='Help')
    bubble(page).click()
    chat = frame(page)
    page.wait_for_function("events.some(([name]) => name === 'ready')")
    bubble(page).click()
    say(chat, 'unread', count=2)
    button = page.get_by_role('button', name='Help (2)')
    expect(button).to_contain_text('2')
    say(chat, 'unread', count=2)
    say(chat, 'unread', count=100)
    expect(bubble(page)).to_have_text('99+')
    button = page.get_by_role('button', name='Help (100)')
    button.click()
    expect(bubble(page)).to_have_accessible_name('Help')
    expect(page.locator('webapp-chat b')).not_to_be_visible()
    assert [each['count'] for each in events(page, 'unread')] == [2, 100, 0]


def test_it_is_open_again_on_the_next_page_of_the_site(visit: Callable[..., Page], site: HostSite) -> None:
    page = visit()
    bubble(page).click()
    frame(page)
    page.goto(site.add(site.tag(), '/next'))
    expect(panel(page)).to_be_visible()
    frame(page)
    bubble(page).click()
    page.goto(site.add(site.tag(open='true'), '/third'))
    frame(page)  # it was used, so unread answers are counted
    expect(panel(page)).not_to_be_visible()


def test_denied_storage_is_no_hindrance(page: Page, site: HostSite) -> None:
    denied = (
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('no', 'SecurityError') } })"
    )
    page.goto(site.add(f'<script>{denied}</script>{site.tag(greeting="Hello!", draggable="true")}'))
    bubble(page).click()
    frame(page)
    expect(panel(page)).to_be_visible()


@pytest.mark.parametrize('kept', ['null', '7', '"x"', 'nonsense', '[]', '{"place": 7, "open": "x"}'])
def test_nonsense_in_the_storage_is_no_hindrance(page: Page, site: HostSite, kept: str) -> None:
    page.goto(site.add(f"<script>sessionStorage.setItem('webapp-chat:desk', '{kept}')</script>{site.tag()}"))
    if not panel(page).is_visible():
        bubble(page).click()
    frame(page)


def test_a_greeting_stays_dismissed_in_the_tab(page: Page, site: HostSite) -> None:
    address = site.add(site.tag(greeting='May <b>we</b> help?', close_label='Weg damit'))
    page.goto(address)
    expect(page.get_by_text('May <b>we</b> help?')).to_be_visible()
    page.get_by_role('button', name='Weg damit').click()
    expect(page.get_by_text('May <b>we</b> help?')).not_to_be_visible()
    expect(bubble(page)).to_be_focused()
    page.goto(address)
    expect(bubble(page)).to_be_visible()
    expect(page.get_by_text('May <b>we</b> help?')).not_to_be_visible()


def test_a_greeting_opens_the_chat(visit: Callable[..., Page]) -> None:
    page = visit(greeting='May we help?')
    page.get_by_role('button', name='May we help?').click()
    frame(page).wait_for_function('document.hasFocus()')
    expect(page.get_by_text('May we help?')).to_have_count(0)


@pytest.mark.parametrize(('position', 'side'), [('right', 1), ('left', -1), ('', 1)])
@pytest.mark.parametrize('direction', ['ltr', 'rtl'])
def test_it_stands_at_its_side_and_within_the_window(
    page: Page, site: HostSite, position: str, side: int, direction: str
) -> None:
    page.set_viewport_size({'width': 700, 'height': 420})
    page.goto(site.add(f'<main dir="{direction}">{site.tag(position=position, greeting="Hello!")}</main>'))
    page.evaluate('(dir) => (document.documentElement.dir = dir)', direction)
    for part in (bubble(page), page.locator('webapp-chat .greeting')):
        box = part.bounding_box()
        assert (box['x'] + box['width'] / 2 - 350) * side > 0
    bubble(page).click()
    assert_within(page, panel(page))


def assert_within(page: Page, part: Any) -> None:
    box = part.bounding_box()
    assert page.viewport_size
    assert box['x'] >= 0
    assert box['y'] >= 0
    assert box['x'] + box['width'] <= page.viewport_size['width']
    assert box['y'] + box['height'] <= page.viewport_size['height']


def drag(page: Page, x: int, y: int) -> None:
    box = bubble(page).bounding_box()
    page.mouse.move(box['x'] + 30, box['y'] + 30)
    page.mouse.down()
    page.mouse.move(x, y, steps=5)
    page.mouse.up()


@pytest.mark.parametrize('to', [(300, 500), (40, 60), (1200, 60), (-50, 900), (640, 400)])
def test_it_can_be_dragged_and_stays_within_the_window(visit: Callable[..., Page], to: tuple[int, int]) -> None:
    page = visit(draggable='true')
    drag(page, *to)
    expect(panel(page)).not_to_be_visible()  # that was no click
    bubble(page).dispatch_event('click')  # of assistive technology: comes without a press
    expect(panel(page)).to_be_visible()
    bubble(page).click()
    assert_within(page, bubble(page))
    box = bubble(page).bounding_box()
    if 50 < to[0] < 1200 and 50 < to[1] < 700:
        assert abs(box['x'] + 30 - to[0]) <= 1
        assert abs(box['y'] + 30 - to[1]) <= 1
    bubble(page).click()
    frame(page)
    assert_within(page, panel(page))
    page.reload()
    expect(panel(page)).to_be_visible()
    assert bubble(page).bounding_box() == box
    page.set_viewport_size({'width': 620, 'height': 400})
    assert_within(page, bubble(page))


def test_it_stays_where_it_is_unless_it_may_be_dragged(visit: Callable[..., Page]) -> None:
    page = visit()
    before = bubble(page).bounding_box()
    drag(page, 300, 300)
    assert bubble(page).bounding_box() == before


def test_the_icon_may_be_the_site_s(page: Page, site: HostSite) -> None:
    drawn = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/%3E"
    page.goto(site.add(site.tag(icon=drawn)))
    expect(bubble(page).locator('img')).to_have_attribute('src', drawn)
    expect(bubble(page)).to_have_accessible_name('Chat')


@pytest.mark.parametrize(
    ('color', 'sign'),
    [('#ffffff', 0), ('#ffee00', 0), ('#7fc9b6', 0), ('#000000', 1), ('#1f6658', 1), ('#2255dd', 1), ('#c02020', 1)],
)
def test_the_sign_is_seen_on_any_colour(visit: Callable[..., Page], color: str, sign: int) -> None:
    page = visit(color=color)
    assert re.match(rf'oklch\({sign} 0 0', bubble(page).evaluate('(node) => getComputedStyle(node).color'))


@pytest.mark.parametrize('color', ['teal', '#abc', '#aabbccdd', 'aabbcc', 'url(x)'])
@pytest.mark.parametrize('layout', ['bubble', 'full'])
def test_a_colour_of_another_form_is_told_and_used_nowhere(visit: Callable[..., Page], color: str, layout: str) -> None:
    page = visit(color=color, layout=layout)
    page.wait_for_function("events.some(([name]) => name === 'error')")
    assert events(page, 'error') == [{'code': 'color', 'message': color}]
    if layout == 'bubble':
        expect(bubble(page)).to_have_css('background-color', 'rgb(31, 102, 88)')
        call(page, 'open()')
    assert 'accent' not in (page.locator('webapp-chat iframe').get_attribute('src') or '')


@pytest.mark.parametrize(
    ('theme', 'system', 'is_dark'),
    [
        ('', 'dark', True),
        ('', 'light', False),
        ('auto', 'dark', True),
        ('dark', 'light', True),
        ('light', 'dark', False),
    ],
)
def test_it_is_dark_as_told_or_as_the_system(
    visit: Callable[..., Page], page: Page, theme: str, system: Any, is_dark: bool
) -> None:
    page.emulate_media(color_scheme=system)
    visit(theme=theme)
    bubble(page).click()
    expect(panel(page)).to_have_css('background-color', 'rgb(25, 24, 23)' if is_dark else 'rgb(255, 255, 255)')
    call(page, f"setTheme('{'light' if is_dark else 'dark'}')")
    expect(panel(page)).to_have_css('background-color', 'rgb(255, 255, 255)' if is_dark else 'rgb(25, 24, 23)')


@pytest.mark.parametrize('motion', ['reduce', 'no-preference'])
def test_nothing_moves_for_who_wants_that(page: Page, site: HostSite, motion: Any) -> None:
    page.emulate_media(reduced_motion=motion)
    page.goto(site.add(site.tag()))
    moves = page.evaluate("""() => {
        WebappChat.open();
        return document.querySelector('webapp-chat').shadowRoot.getAnimations().length > 0;
    }""")
    assert moves == (motion == 'no-preference')


# phones


@pytest.fixture
def phone(page: Page) -> Page:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    return page


def test_on_a_phone_it_fills_the_screen(phone: Page, site: HostSite) -> None:
    tall = '<div style="height: 3000px"><a href="#">A link</a></div>'
    phone.goto(site.add(tall + site.tag()))
    phone.evaluate('scrollTo(0, 500)')
    bubble(phone).click()
    chat = frame(phone)
    dialog = panel(phone)
    expect(dialog).to_have_attribute('aria-modal', 'true')
    expect(dialog).to_have_css('translate', 'none')
    assert dialog.bounding_box() == {'x': 0, 'y': 0, **PHONE}
    expect(bubble(phone)).not_to_be_visible()
    phone.mouse.move(200, 300)
    phone.mouse.wheel(0, 300)
    assert phone.evaluate('[scrollY, getComputedStyle(document.documentElement).overflowY]') == [500, 'hidden']
    chat.wait_for_function('document.hasFocus()')
    chat.get_by_role('button', name='Close chat').click()
    expect(bubble(phone)).to_be_focused()
    assert phone.evaluate('[scrollY, getComputedStyle(document.documentElement).overflowY]') == [500, 'visible']


def test_on_a_phone_it_fills_the_screen_wherever_the_bubble_is(phone: Page, site: HostSite) -> None:
    phone.goto(site.add(site.tag(draggable='true')))
    drag(phone, 40, 60)
    bubble(phone).click()
    assert panel(phone).bounding_box() == {'x': 0, 'y': 0, **PHONE}


def test_on_a_phone_it_does_not_open_again_by_itself(phone: Page, site: HostSite) -> None:
    address = site.add(site.tag())
    phone.goto(address)
    bubble(phone).click()
    frame(phone)
    phone.goto(address)
    frame(phone)  # answers are counted
    expect(bubble(phone)).to_be_visible()
    expect(panel(phone)).not_to_be_visible()


def close_on_a_phone(phone: Page) -> None:
    cross = phone.get_by_role('button', name='Close')
    expect(cross).to_be_in_viewport(ratio=1)
    cross.click()
    expect(panel(phone)).not_to_be_visible()
    expect(bubble(phone)).to_be_focused()


def test_a_chat_that_does_not_come_can_be_closed_on_a_phone(phone: Page, site: HostSite) -> None:
    phone.route('**/embed/desk?*', lambda route: None)
    phone.goto(site.add(site.tag()))
    bubble(phone).click()
    close_on_a_phone(phone)


@pytest.mark.parametrize('was_in', [False, True])
def test_a_chat_that_is_refused_can_be_closed_on_a_phone(phone: Page, site: HostSite, was_in: bool) -> None:
    phone.goto(site.add(site.tag(header='on' if was_in else 'stay') + f'<script>({LISTEN})()</script>'))
    bubble(phone).click()
    if was_in:
        phone.frames[1].wait_for_url('**/embed/desk?*')
        phone.frames[1].evaluate('go(`${base}/chat`)')
        frame(phone)
        phone.wait_for_function("events.some(([name]) => name === 'ready')")
        expect(phone.get_by_role('button', name='Close', exact=True)).not_to_be_visible()
        phone.frames[1].evaluate('go(base)')
        phone.frames[1].wait_for_url('**/embed/desk?*')
    expect(phone.locator('webapp-chat iframe')).to_have_class('loaded')
    say(phone.frames[1], 'error', code='identity_needed', message='Nobody is there.')
    phone.wait_for_function("events.some(([name]) => name === 'error')")
    close_on_a_phone(phone)


def test_a_phone_may_be_turned_while_it_is_open(phone: Page, site: HostSite) -> None:
    phone.goto(site.add(site.tag()))
    bubble(phone).click()
    chat = frame(phone)
    chat.evaluate('window.stays = true')
    phone.set_viewport_size({'width': 780, 'height': 390})
    expect(panel(phone)).to_have_css('width', '400px')
    expect(panel(phone)).to_have_attribute('aria-modal', 'false')
    assert_within(phone, panel(phone))
    phone.set_viewport_size(PHONE)  # type: ignore[arg-type]
    expect(panel(phone)).to_have_css('width', '390px')
    assert chat.evaluate('window.stays')


@pytest.mark.parametrize('theme', ['light', 'dark'])
def test_nobody_is_kept_out(visit: Callable[..., Page], theme: str) -> None:
    page = visit(theme=theme, greeting='May we help?')
    page.evaluate("document.title = 'Shop'")
    faults = axe.faults(page)
    bubble(page).click()
    frame(page)
    assert faults + axe.faults(page) == []
