"""Diagrams: drawn where nothing can be reached, shown as images, in the colours of the page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Playwright, expect
from support import chromium, direct
from support.chat import answer_text, ask, begin_another, open_page
from support.server import Server

FLOW = 'flowchart LR\nA[Browser] --> B[Server]\n'
HOSTILE = {
    'links': 'flowchart LR\nA[x]\nclick A href "javascript:alert(1)"\nclick A call alert(1)\n',
    'settings': '%%{init: {"securityLevel": "loose", "htmlLabels": true, "flowchart": {"htmlLabels": true}}}%%\n'
    'flowchart LR\nA["<img src=x onerror=parent.alert(1)>"] --> B["<a href=\'javascript:alert(1)\'>x</a>"]\n',
    'front matter': '---\nconfig:\n  securityLevel: loose\n  maxEdges: 100000\n'
    '  themeCSS: "* { background: url(https://evil.example/a) }"\n---\nflowchart LR\nA-->B\n',
    'pictures': 'flowchart LR\nA@{ img: "https://evil.example/x.png", label: "x", w: 60, h: 60 }\n',
    'markup': 'flowchart LR\nA["</text></svg><script>parent.alert(1)</script>"]\n',
    'edges': 'flowchart LR\n' + ''.join(f'A{number}-->A{number + 1}\n' for number in range(900)),
    'size': 'block-beta\ncolumns 1\na:99999999\n',
    'length': f'flowchart LR\nA[{"x" * 30_000}]\n',
    'days': 'gantt\ndateFormat YYYY-MM-DD\nexcludes weekends\nA :a1, 2020-01-01, 999999999d\n',
}
ENDLESS = 'flowchart LR\n' + '; '.join(f'A{number}' for number in range(3000)) + '\n'  # minutes of work
GROUND = """async (src) => {
    const image = Object.assign(new Image(), { src });
    await image.decode();
    const context = new OffscreenCanvas(1, 1).getContext('2d');
    context.drawImage(image, 0, 0);
    return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}"""
DECIDED = re.compile('drawn|failed')


@pytest.fixture
def expected_problems(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """What the policy keeps hostile diagrams from, the browser reports."""
    is_attack = 'hostile' in request.node.name or 'reach' in request.node.name
    return ('Content Security Policy', 'WebSocket') if is_attack else ()


@pytest.fixture(scope='module')
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A whole Chromium, which gives frames without an origin a process of their own, as people's browsers do."""
    browser = chromium.launch(playwright, whole=True)
    yield browser
    browser.close()


@pytest.fixture
def chat(app: Server, page: Page) -> Page:
    open_page(page, app.url)
    return page


def draw(page: Page, source: str) -> Locator:
    """The block of an answer with a diagram, drawn or not."""
    ask(page, f'/rate 0 /echo ```mermaid\n{source}```\n')
    block = answer_text(page).locator('.code')
    expect(block).to_have_attribute('data-diagram', DECIDED, timeout=30_000)
    return block


def test_a_diagram_is_drawn_and_its_source_stays(chat: Page) -> None:
    block = draw(chat, FLOW)
    expect(block.get_by_test_id('mermaid')).to_be_visible()
    expect(block.locator('pre')).to_be_hidden()
    block.get_by_test_id('show-source').click()
    expect(block.locator('pre')).to_have_text(FLOW)
    expect(block.get_by_test_id('mermaid')).to_be_hidden()


def test_a_diagram_takes_on_the_colours_of_the_page(chat: Page) -> None:
    image = draw(chat, FLOW).get_by_test_id('mermaid').locator('img')
    light = image.get_attribute('src')
    chat.evaluate("document.documentElement.dataset.theme = 'dark'")
    expect(image).not_to_have_attribute('src', str(light))
    dark = image.get_attribute('src')
    chat.evaluate("document.documentElement.dataset.theme = 'light'")
    expect(image).to_have_attribute('src', str(light))  # drawn once
    assert chat.evaluate(GROUND, light) == [255, 255, 255]
    assert max(chat.evaluate(GROUND, dark)) < 60


def test_a_diagram_that_was_drawn_before_has_its_room_at_once(chat: Page) -> None:
    drawn = draw(chat, FLOW).bounding_box()
    assert drawn
    chat.route('**/diagrams.js', lambda _: None)  # what draws it never comes
    chat.reload()
    block = answer_text(chat).locator('.code')
    expect(block).to_have_attribute('data-diagram', 'coming')
    again = block.bounding_box()
    assert again
    assert again['height'] == pytest.approx(drawn['height'], abs=0.5)
    chat.unroute_all(behavior='ignoreErrors')


def test_a_diagram_with_a_mistake_stays_source(chat: Page) -> None:
    block = draw(chat, 'flowchart LR\n  this is ->> no diagram [\n')
    expect(block).to_have_attribute('data-diagram', 'failed')
    expect(block).to_contain_text("can't be drawn")
    expect(block.locator('pre')).to_be_visible()
    expect(block.get_by_test_id('show-source')).to_be_hidden()


def test_the_full_view_zooms_moves_and_saves(chat: Page, tmp_path: Path) -> None:
    block = draw(chat, FLOW)
    block.get_by_test_id('mermaid').click()
    dialog = chat.get_by_test_id('diagram-view')
    image = dialog.locator('img')
    before = image.bounding_box()
    dialog.get_by_test_id('zoom-in').click()
    larger = image.bounding_box()
    assert before
    assert larger
    assert larger['width'] > before['width']
    chat.keyboard.press('ArrowLeft')
    moved = image.bounding_box()
    assert moved
    assert moved['x'] > larger['x']
    chat.mouse.move(400, 400)
    chat.mouse.wheel(0, 400)
    smaller = image.bounding_box()
    assert smaller
    assert smaller['width'] < larger['width']
    with chat.expect_download() as download:
        dialog.get_by_test_id('download-svg').click()
    assert download.value.suggested_filename == 'diagram.svg'
    download.value.save_as(tmp_path / 'diagram.svg')
    saved = (tmp_path / 'diagram.svg').read_text()
    assert saved.startswith('<svg')
    assert 'Browser' in saved
    chat.keyboard.press('Escape')
    expect(dialog).to_have_count(0)


def test_what_is_still_being_written_is_not_drawn(chat: Page) -> None:
    chat.get_by_test_id('composer-input').fill(f'/rate 20 /echo ```mermaid\n{FLOW}```\n\n{"and so on " * 60}')
    chat.get_by_test_id('composer-send').click()
    expect(answer_text(chat)).to_contain_text('and so')
    expect(answer_text(chat).locator('pre')).to_be_visible()
    chat.get_by_test_id('composer-stop').click()
    expect(answer_text(chat).get_by_test_id('mermaid')).to_be_visible()


@pytest.mark.parametrize('name', HOSTILE)
def test_a_hostile_diagram_does_nothing(chat: Page, name: str) -> None:
    happened: list[str] = []
    chat.on('dialog', lambda dialog: happened.append(dialog.message))
    chat.on('requestfinished', lambda request: happened.append(request.url) if 'evil' in request.url else None)
    draw(chat, HOSTILE[name])
    begin_another(chat)
    expect(draw(chat, FLOW)).to_have_attribute('data-diagram', 'drawn')
    assert not happened
    assert chat.locator('svg a, svg script, .prose svg').count() == 0


def test_the_frame_can_reach_nothing(chat: Page) -> None:
    """Though a hostile diagram got to run a script in there."""
    draw(chat, FLOW)
    frame = next(frame for frame in chat.frames if frame != chat.main_frame)
    assert frame.evaluate('origin') == 'null'
    for attempt in (
        'parent.document.title',
        'document.cookie',
        'localStorage.length',
        "fetch(location.ancestorOrigins?.[0] ?? '/')",
        """new Promise((opened, refused) =>
            Object.assign(new WebSocket('ws://127.0.0.1/'), { onopen: opened, onerror: refused }))""",
    ):
        assert frame.evaluate(f'async () => {{ try {{ await {attempt}; return "done" }} catch {{ return "" }} }}') == ''


def test_a_diagram_that_takes_forever_holds_up_nobody(chat: Page) -> None:
    ask(chat, f'/rate 0 /echo ```mermaid\n{ENDLESS}```\n')
    block = answer_text(chat).locator('.code')
    chat.wait_for_selector('.diagram-frame', state='attached')
    block.get_by_test_id('code-copy').click()
    assert block.get_attribute('data-diagram') != 'failed'  # it is being drawn still
    expect(block).to_have_attribute('data-diagram', 'failed', timeout=30_000)
    begin_another(chat)
    expect(draw(chat, FLOW)).to_have_attribute('data-diagram', 'drawn')


def test_only_libraries_may_be_read_by_others(app: Server, chat: Page) -> None:
    """The frame has no origin, so to the server it is a stranger."""
    library = chat.evaluate('JSON.parse(document.querySelector("script[type=importmap]").textContent).imports')
    addresses = {library['nicegui-mermaid']: '*', '/': None, library['vue']: None, '/static/prose.css': None}
    for address, allowed in addresses.items():
        answer = direct.get(app.url + address, headers={'Origin': 'null'})
        assert answer.headers.get('access-control-allow-origin') == allowed
