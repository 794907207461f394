"""`static/answer.js` in a real browser does with elements what the patches say."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from string_page import Watcher
from texts import ANSWER, ATTACKS, nonsense

from webapp.markdown import LiveDocument, Patch

STATIC = Path(__file__).parents[2] / 'static'

# Applies patches one by one. After each, what is shown must equal the HTML that goes with it, and what was settled must
# be the very same elements still; a fence that closes, and the end, may replace blocks.
PLAY = """async ({source, steps}) => {
    const {Answer} = await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})));
    const root = document.getElementById('root');
    const answer = new Answer(root);
    const tops = [];
    for (const [patch, html] of steps) {
        const settled = [...root.children, ...answer.slot.children].filter((node) =>
            node.parentNode !== answer.slot || [...answer.slot.children].indexOf(node) < answer.settled);
        if (!answer.apply(patch)) return ['refused', patch];
        if (root.innerHTML !== html) return ['differs', patch, root.innerHTML, html];
        const expected = document.createElement('div');
        expected.id = 'root';
        expected.innerHTML = html;
        if (!root.isEqualNode(expected)) return ['looks the same, but differs', patch, html];
        const replaces = patch.from === 0 || patch.ops?.some(([name]) => name === 'swap' || name === 'fix');
        if (!replaces && !settled.every((node) => root.contains(node))) return ['replaced', patch, html];
        tops.push(root.offsetHeight);
    }
    return tops;
}"""


def steps(text: str, size: int, *, every: int = 1) -> list[tuple[Patch, str]]:
    """The patches that a page gets while `text` is written, each with the HTML that it shows then."""
    watcher = Watcher(LiveDocument(scope='m1-'))
    found = []
    for number, end in enumerate(range(size, len(text) + size, size)):
        watcher.document.update(text[:end])
        if number % every == 0:
            found.append((watcher.look(), watcher.page.html))
    watcher.document.finish(text)
    found.append((watcher.look(), watcher.page.html))
    return found


def play(page: Page, steps: list[tuple[Patch, str]], styles: str = '') -> list[Any]:
    styles += (STATIC / 'code.css').read_text()
    page.set_content(f'<style>{styles}</style><div class="prose"><div id="root"></div></div>')
    return page.evaluate(PLAY, {'source': (STATIC / 'answer.js').read_text(), 'steps': steps})


@pytest.mark.parametrize(('size', 'every'), [(1, 1), (4, 1), (7, 3), (30, 1), (30, 4), (5000, 1)])
def test_an_answer(page: Page, size: int, every: int) -> None:
    assert all(isinstance(top, int) for top in play(page, steps(ANSWER, size, every=every)))


def test_nonsense(page: Page) -> None:
    for seed in range(150):
        found = play(page, steps(nonsense(seed), seed % 5 + 1, every=seed % 3 + 1))
        assert all(isinstance(top, int) for top in found), (seed, found)


def test_attacks(page: Page) -> None:
    asked: list[str] = []
    page.on('request', lambda request: asked.append(request.url))
    page.on('dialog', lambda dialog: asked.append(dialog.message))
    for attack in ATTACKS:
        found = play(page, steps(f'a\n\n{attack}\n\n- {attack}', 3))
        assert all(isinstance(top, int) for top in found), (attack, found)
    assert [url for url in asked if not url.startswith(('blob:', 'about:', 'file:'))] == []


def test_the_height_never_shrinks_by_more_than_a_line(page: Page) -> None:
    line = 24
    for size in (1, 4, 20):
        heights = play(page, steps(ANSWER[: ANSWER.index('Text[^1]')], size))
        assert max(before - after for before, after in pairwise(heights)) <= line


def test_a_fence_that_closes_and_gets_its_colours_stays_as_high(page: Page) -> None:
    found = steps('```python\ndef f(x):\n\n    return x  # long\n```\n\nand so on', 1)
    heights = play(page, found, ''.join((STATIC / name).read_text() for name in ('tokens.css', 'prose.css')))
    closed = next(number for number, (_, html) in enumerate(found) if 'class="k"' in html)
    assert 'class="lines"' in found[closed - 1][1]
    assert heights[closed] == heights[closed - 1]


def test_a_growing_paragraph_is_the_same_element(page: Page) -> None:
    watcher = Watcher(LiveDocument(scope='m1-'))
    patches = []
    for text in (
        'Some',
        'Some words',
        'Some words & <more>',
        'Some words & <more>, *and*',
        'Some words & <more>, *and* so',
    ):
        watcher.document.update(text)
        patches.append(watcher.look())
    page.set_content('<div id="root"></div>')
    same = page.evaluate(
        """async ({source, patches}) => {
            const {Answer} = await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})));
            const root = document.getElementById('root');
            const answer = new Answer(root);
            const seen = patches.map((patch) => answer.apply(patch) && root.firstChild);
            const texts = root.firstChild.childNodes.length;
            return [seen[0] === seen[2], seen[3] === seen[4], root.textContent, texts];
        }""",
        {'source': (STATIC / 'answer.js').read_text(), 'patches': patches},
    )
    assert same == [True, True, 'Some words & <more>, and so', 3]


def test_a_gap_is_refused_and_a_repeat_ignored(page: Page) -> None:
    document = LiveDocument(scope='m1-')
    document.update('a')
    first, seen = document.patch(None)
    document.update('a b')
    second, seen = document.patch(seen)
    document.update('a b c')
    third, _ = document.patch(seen)
    snapshot, _ = document.patch(None)
    page.set_content('<div id="root"></div>')
    answers = page.evaluate(
        """async ({source, patches}) => {
            const {Answer} = await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})));
            const root = document.getElementById('root');
            const answer = new Answer(root);
            return patches.map((patch) => [answer.apply(patch), root.textContent]);
        }""",
        {
            'source': (STATIC / 'answer.js').read_text(),
            'patches': [first, third, {}, second, second, third, snapshot, snapshot],
        },
    )
    assert answers == [
        [True, 'a'],
        [False, 'a'],
        [True, 'a'],
        [True, 'a b'],
        [True, 'a b'],
        [True, 'a b c'],
        [True, 'a b c'],
        [True, 'a b c'],
    ]
