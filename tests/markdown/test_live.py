"""An answer that is being written: what pages get, piece by piece, is in the end what `render` makes of the whole."""

import random
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings, strategies as st
from string_page import StringPage, Watcher, elements, stream
from texts import ANSWER, PIECES, nonsense

from webapp.markdown import LiveDocument, draft, limits, render

ONE_KIND = {
    'paragraphs': 'Some *words* in a paragraph.\n\n',
    'list': '- an *item* of one list\n',
    'loose list': '1. an *item* of one list\n\n',
    'table': '| a | b | c |\n',
    'fence': 'x = f("words")  # of one fence\n',
    'quotes': '> A quote.\n\n',
    'headings': '## A heading\n',
    'one paragraph': 'words *of* one paragraph ',
    'one line of code': 'word()',
    'definitions': '[word]: https://example.com\n\n',
}
BEFORE = {'table': '| a | b | c |\n|---|---|---|\n', 'fence': '```python\n', 'one line of code': '```\n'}


def check(text: str, step: Callable[[], int]) -> Watcher:
    """Stream `text` to a page that sees all, one that misses most, and ones that come late."""
    watchers: list[Watcher] = []
    dice = random.Random(len(text))

    def look(document: LiveDocument) -> None:
        watchers[:] = watchers or [Watcher(document), Watcher(document)]
        before = watchers[0].page.settled
        watchers[0].look()
        assert is_kept(before, watchers[0].page)
        if dice.random() < 0.2:
            watchers[1].look()
            assert watchers[1].page.html == watchers[0].page.html
        late = Watcher(document)
        late.look()
        assert late.page.html == watchers[0].page.html

    document = stream(text, step, look)
    for watcher in [*watchers, Watcher(document)]:
        watcher.look()
        assert ''.join(watcher.page.blocks) == watcher.page.html == render(text, scope='m1-')
    return Watcher(document)


def is_kept(settled: list[str], page: StringPage) -> bool:
    """Whether what was settled still is there, but for a fence, which changes once when it closes."""
    now = page.settled
    if now[: len(settled)] == settled:
        return True
    blocks = [piece for piece in settled if piece in page.blocks]
    rest = ''.join(settled[len(blocks) :])
    return page.blocks[: len(blocks)] == blocks and ('class="lines"' in rest or rest in page.blocks[len(blocks)])


@pytest.mark.parametrize('step', [1, 2, 3, 7, 16, 50, 10_000])
def test_an_ordinary_answer(step: int) -> None:
    check(ANSWER, lambda: step)


@pytest.mark.parametrize('seed', range(300))
def test_nonsense(seed: int) -> None:
    dice = random.Random(seed)
    check(nonsense(seed), lambda: dice.choice([1, 1, 2, 5, 20]))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=25), st.integers(1, 12))
def test_any_text_in_any_pieces(pieces: list[str], step: int) -> None:
    check(''.join(pieces), lambda: step)


@pytest.mark.parametrize('cut', range(0, len(ANSWER), 41))
def test_an_answer_that_breaks_off(cut: int) -> None:
    check(ANSWER[:cut], lambda: 9)


@pytest.mark.parametrize(
    'text', [ANSWER[: ANSWER.index('Text[^1]')], '1. a\n\n2. b\n3. c\n4. d\n\nend', '- a\n - b\n  - c\n- d']
)
def test_nothing_is_replaced_at_the_end_of_an_answer_without_surprises(text: str) -> None:
    watcher = Watcher(LiveDocument(scope='m1-'))
    for end in range(0, len(text) + 5, 5):
        watcher.document.update(text[:end])
        watcher.look()
    watcher.document.finish(text)
    assert [name for name, *_ in watcher.look()['ops'] if name == 'fix'] == []


def test_a_fence_grows_by_lines_and_changes_once_it_closes() -> None:
    watcher = Watcher(LiveDocument(scope='m1-'))
    states = []
    for text in (
        '```py\n',
        '```py\nif',
        '```py\nif x:\n',
        '```py\nif x:\n``',
        '```py\nif x:\n```',
        '```py\nif x:\n```\n',
    ):
        watcher.document.update(text)
        watcher.look()
        states.append(watcher.page.html.partition('<code>')[2].partition('</code>')[0])
    lines = '<span class="lines">{}</span>'.format
    assert states[:-1] == ['', lines('if'), lines('if x:\n'), lines('if x:\n'), lines('if x:\n')]
    assert states[-1] == '<span class="k">if</span> x:\n'


@pytest.mark.parametrize(
    ('text', 'never'),
    [
        ('Here:\n- a', '<h2'),
        ('Here:\n---', '<h2'),
        ('a\n1', '1'),
        ('- ', '<ul'),
        ('```pyth', 'pyth'),
        ('```\nx\n``', '``'),
        ('| a |\n|--', '--'),
        ('is\n\n$$\nx\n= 1', '$'),
        ('- is\n\n  \\[\n  x', '['),
        ('See ![a b](/files/ab', '!'),
        ('See [a](https://example.com/b', 'https'),
        ('- see\n- [a](/files/ab', '/files'),
    ],
)
def test_a_line_that_says_nothing_yet_is_held_back(text: str, never: str) -> None:
    watcher = Watcher(LiveDocument(scope='m1-'))
    for end in range(1, len(text) + 1):
        watcher.document.update(text[:end])
        watcher.look()
        assert never not in watcher.page.html
    watcher.document.finish(text)
    watcher.look()
    assert watcher.page.html == render(text, scope='m1-')


def test_links_that_were_defined_earlier_lead_somewhere_at_once() -> None:
    watcher = Watcher(LiveDocument(scope='m1-'))
    watcher.document.update('[A b]: https://example.com\n\nfirst\n\nsecond [a  B] and')
    watcher.look()
    assert '<a href="https://example.com"' in watcher.page.html


def test_another_text_begins_anew() -> None:
    document = LiveDocument(scope='m1-')
    watcher = Watcher(document)
    for text in ('- a\n- b\n- c', 'This was withdrawn.', '', 'a\n\nb'):
        document.update(text)
        watcher.look()
        assert watcher.page.html == render(text, scope='m1-')
    document.finish('Something else')
    watcher.look()
    document.update('Something else goes on')
    watcher.look()
    assert watcher.page.html == render('Something else goes on', scope='m1-')


def test_a_gap_is_noticed_and_a_repeat_does_no_harm() -> None:
    document = LiveDocument(scope='m1-')
    page = StringPage()
    document.update('a')
    first, seen = document.patch(None)
    document.update('a b')
    second, seen = document.patch(seen)
    document.update('a b c')
    third, _ = document.patch(seen)
    assert page.apply(first)
    assert not page.apply(third)
    assert page.apply(second)
    assert page.apply(second)
    assert page.apply(third)
    assert page.html == render('a b c', scope='m1-')
    snapshot, _ = document.patch(None)
    assert page.apply(snapshot)
    assert page.html == render('a b c', scope='m1-')


def test_there_is_no_patch_when_nothing_is_new() -> None:
    document = LiveDocument(scope='m1-')
    document.update('a')
    _, seen = document.patch(None)
    document.update('a')
    document.update('a\n')
    assert document.patch(seen) == ({}, seen)


@pytest.mark.parametrize('kind', ONE_KIND)
def test_an_answer_of_one_kind_costs_as_much_as_it_is_long(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in characters: those that the parser reads, and those that pages get."""
    read = 0
    parse = draft.parse_located

    def counting(markdown: str, definitions: draft.Definitions) -> list[draft.Block]:
        nonlocal read
        read += len(markdown)
        return parse(markdown, definitions)

    monkeypatch.setattr(draft, 'parse_located', counting)
    costs = []
    for size in (10_000, 80_000):
        read = sent = 0
        text = BEFORE.get(kind, '') + ONE_KIND[kind] * (size // len(ONE_KIND[kind]))
        watcher = Watcher(LiveDocument(scope='m1-'))
        for end in range(0, len(text), 40):
            watcher.document.update(text[:end])
            sent += len(str(watcher.look()))
        costs.append((read / size, sent / size))
    (short_read, short_sent), (long_read, long_sent) = costs
    leaf = limits.LEAF / 40  # a leaf is parsed anew up to here, then whenever it has grown by an eighth
    assert long_read < max(1.2 * short_read, leaf)
    assert long_sent < 1.5 * short_sent


def test_a_long_answer_is_shown_to_its_end() -> None:
    text = 'Some *words*.\n\n' * (limits.RENDERED // 15) + 'and *more* words\n' * 1000
    check(text, lambda: 9973)


@pytest.mark.parametrize(
    'text', ['> ' * 3000 + 'x' * 9000, 'a *b* ' * 4000, '- ' + 'a *b* ' * 4000, '|a|\n|-|\n|1|\n|' + 'b ' * 9000]
)
def test_a_leaf_that_is_too_long_waits_as_words(text: str) -> None:
    check(text + '\n\nend', lambda: 500)


def test_recursion_is_no_way_to_stop_us() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        check('> - ' * 500 + '*a **b ' * 500, lambda: 700)
    finally:
        sys.setrecursionlimit(limit)


def test_blocks_are_one_element_each() -> None:
    document = stream(ANSWER, lambda: 30, lambda _: None)
    watcher = Watcher(document)
    watcher.look()
    assert watcher.page.blocks == elements(render(ANSWER, scope='m1-'))
