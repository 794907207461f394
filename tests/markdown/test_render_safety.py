"""Whatever is written, at whatever moment: nothing acts, nothing is fetched, nobody waits."""

from html.parser import HTMLParser

import pytest
from string_page import Watcher, stream
from texts import ANSWER, ATTACKS, HEAVY, nonsense

from webapp.markdown import LiveDocument, render
from webapp.markdown.allowlist import Allowlist
from webapp.markdown.source import clean

# Written anew, not taken from the code: the list is what is tested.
ELEMENTS = {
    *('p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'blockquote', 'ul', 'ol', 'li', 'hr', 'br', 'em', 'strong', 'del'),
    *('a', 'img', 'input', 'code', 'pre', 'div', 'span', 'section', 'sup', 'table', 'thead', 'tbody', 'tr', 'th', 'td'),
    *('math', 'mi', 'mn', 'mo', 'mrow', 'msup', 'msub', 'mfrac', 'mtext', 'munderover', 'msqrt'),
    *('mtable', 'mtr', 'mtd'),
}
ATTRIBUTES = {
    'a': {'href', 'title', 'rel', 'target', 'id', 'class'},
    'img': {'src', 'alt', 'title', 'loading'},
    'input': {'type', 'disabled', 'checked'},
    'ol': {'start'},
    'li': {'id'},
    'td': {'align'},
    'th': {'align'},
    'div': {'class', 'data-language'},
    'span': {'class'},
    'section': {'class'},
    'code': {'class'},
    'p': {'class'},
    'mtd': {'class'},
    'math': {'alttext'},
}
OF_MATHS = {'display', 'displaystyle', 'scriptlevel', 'stretchy', 'lspace', 'rspace', 'mathvariant', 'form', 'fence'}
CLASSES = {
    'code',
    'table',
    'plain',
    'lines',
    'host',
    'footnotes',
    'language-mermaid',
    'left',
    'right',
    'picture',
    'image',
    'download',
}


def is_own_file(address: str) -> bool:
    return address.startswith('/files/') and not set(address.partition('?')[0][7:]) & set('/.%\\')


class Inspector(HTMLParser):
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ELEMENTS
        for name, value in attrs:
            allowed = OF_MATHS if tag.startswith('m') else {'dir'}
            assert name in ATTRIBUTES.get(tag, set()) | allowed, f'{tag} {name}'
            assert self._is_harmless(tag, name, value or ''), f'{tag} {name}={value}'
        if tag == 'input':
            assert {('type', 'checkbox'), ('disabled', '')} <= set(attrs)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def _is_harmless(self, tag: str, name: str, value: str) -> bool:
        match name:
            case 'href':
                return value.lower().startswith(('https://', 'http://', 'mailto:', '#m1-')) or is_own_file(value)
            case 'src':
                return is_own_file(value)
            case 'id':
                return value.startswith('m1-')
            case 'class':
                return value in {'', *CLASSES} or (tag == 'span' and len(value) <= 2)
        return True


def inspect(html: str) -> None:
    Inspector(convert_charrefs=True).feed(html)


@pytest.mark.parametrize('text', ATTACKS)
def test_an_attack_does_nothing_at_any_moment(text: str) -> None:
    inspect(render(text, scope='m1-'))
    for before in ('', 'a **b', '- a\n- ', '|a|b|\n|-|-|\n|1|2|\n|', '```\na\n', '> ', '1. ```\n   '):
        watcher: Watcher | None = None

        def look(document: LiveDocument) -> None:
            nonlocal watcher
            watcher = watcher or Watcher(document)
            watcher.look()
            inspect(watcher.page.html)

        look(stream(before + text, lambda: 3, look))


@pytest.mark.parametrize(
    'html',
    [
        *ATTACKS,
        '<img src="https://evil.example/x"><img src="//evil.example/x"><img src="/logout"><img src="/files/../logout">',
        '<a href="/logout"></a><a href="#app">a</a><a href="javascript:x">a</a><a href="//evil.example" target=x></a>',
        '<p class="dialog" id="app" style="position:fixed">a</p><span class="icon">a</span><div class="composer">',
        '<input type="password"><input><input type="checkbox" name="a" form="b">',
        '<td style="x">a</td><math href="javascript:x"><mi style="x" id="app" class="code">x</mi></math>',
    ],
)
def test_the_allowlist_alone_would_do(html: str) -> None:
    """The writer makes no such HTML; should it, then still nothing happens."""
    inspect(Allowlist('m1-').clean(clean(html)))


@pytest.mark.parametrize('before', ['', '- ', '> ', '| a |\n|---|\n| '])
def test_attacks_side_by_side_do_nothing(before: str) -> None:
    inspect(render(f'\n\n{before}'.join(ATTACKS), scope='m1-'))
    inspect(render(before + ' '.join(ATTACKS).replace('\n', ' '), scope='m1-'))


@pytest.mark.parametrize('seed', range(200))
def test_nonsense_does_nothing(seed: int) -> None:
    inspect(render(nonsense(seed), scope='m1-'))


def test_an_ordinary_answer_passes_the_same_inspection() -> None:
    inspect(render(ANSWER, scope='m1-'))


@pytest.mark.parametrize('name', HEAVY)
def test_nobody_waits_for_a_heavy_text(name: str) -> None:
    text = HEAVY[name]
    html = render(text, scope='m1-')
    inspect(html)
    assert len(html) < 60 * len(text) + 1000
    document = LiveDocument(scope='m1-')
    watcher = Watcher(document)
    for end in range(0, len(text), len(text) // 50 + 1):
        document.update(text[:end])
        watcher.look()
    document.finish(text)
    watcher.look()
    assert watcher.page.html == html
