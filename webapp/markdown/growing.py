"""Blocks that are settled, and those that settle part by part: a list, a table, a fence."""

import re
from dataclasses import dataclass, field
from html import escape

from webapp.markdown import limits
from webapp.markdown.allowlist import Allowlist
from webapp.markdown.code import code_html, code_shell
from webapp.markdown.parser import Block, Child

# A last line that says nothing yet: markers alone, or the begin of a fence. More of it may make a heading of the line
# before, or something else of itself.
_UNCERTAIN = re.compile(r'[-+*=_#>|:`~$\\ \t]*|[ \t]*[0-9]{1,9}[.)]?[ \t]*|[-+*>0-9.) \t]*(?:`{3,}|~{3,})[^`]*')
# A link or picture without its end: of a link, the words can be read already; of a picture, nothing.
_LINK = re.compile(r'\]\([^()\s]{0,2000}\Z|(?<!\S)!\Z|!\[[^\[\]\n]{0,300}(?:\](?:\([^()\s]{0,2000})?)?\Z')
_LINK_CHARS = 2_400
_DISPLAY = re.compile(r'\$\$|\\[\[\]]')
FENCE = re.compile(r'( {0,3})(`{3,}+|~{3,}+)[^\n]*+\n')
_LINE = re.compile(r'[^\n]*\n|[^\n]+')
_MARKER = re.compile(r' {0,3}(?:[-+*]|[0-9]{1,9}[.)])')


def certain(source: str) -> str:
    """`source` without an end that may still turn out to be anything: a bare marker, half a formula, half a link."""
    start = source.rfind('\n') + 1
    if len(source) - start < 100 and _UNCERTAIN.fullmatch(source, start):
        source = source[:start]
    source = source[: _open_formula(source)]
    link = _LINK.search(source, max(0, len(source) - _LINK_CHARS))
    return source[: link.start()] if link else source


def _open_formula(source: str) -> int | None:
    """Where a displayed formula of several lines begins that has no end yet."""
    paragraph = max(source.rfind('\n\n'), len(source) - limits.FORMULA, 0)
    opening, closing = None, ''
    for token in _DISPLAY.finditer(source, paragraph):
        if opening is not None:
            opening = None if token[0] == closing else opening
            continue
        line = source.rfind('\n', 0, token.start()) + 1
        after = source[token.end() : token.end() + 1]
        if after in {'', '\n'} and not source[line : token.start()].strip(' \t>'):
            opening, closing = line, '$$' if token[0] == '$$' else '\\]'
    return opening


@dataclass(slots=True)
class Settled:
    """A block as pages get it: `head`, the children, `foot`; or, in the end, `final`."""

    head: str
    children: list[str] = field(default_factory=list)
    foot: str = ''
    final: str | None = None

    @property
    def html(self) -> str:
        return self.final if self.final is not None else f'{self.head}{"".join(self.children)}{self.foot}'


class Rows:
    """A list or a table that is being written: all children but the last are settled.

    :param shell: its clean HTML without children
    :param before: a table's source before its first row
    """

    def __init__(self, kind: str, shell: str, *, before: str = '') -> None:
        self.kind = kind
        foot = '</tbody></table></div>' if kind == 'Table' else shell[-len('</ul>') :]
        self.block = Settled(shell.removesuffix(foot), foot=foot)
        self.prefix = before  # what the parser reads before the last child, to take it for a part of the same
        self._loose = False
        self._wrap = ('<table><tbody>', '</tbody></table>') if kind == 'Table' else ('<ul>', '</ul>')

    def own(self, block: Block) -> list[Child]:
        """The children of `block` but those of the prefix."""
        return [child for child in block.children if child.start >= len(self.prefix.encode())]

    def clean(self, children: list[str], allowlist: Allowlist) -> list[str]:
        """The HTML of children, clean."""
        before, after = self._wrap
        cleaned = allowlist.clean_all([f'{before}{child}{after}' for child in children])
        return [child.removeprefix(before).removesuffix(after) for child in cleaned]

    def plain(self, text: str) -> str:
        """A child of plain text."""
        words = escape(text, quote=False)
        return f'<tr><td>{words}</td></tr>' if self.kind == 'Table' else f'<li>{words}</li>'

    def go_on(self, source: str, *, after: list[Child]) -> None:
        """`source`, what is left, begins with the child behind `after`."""
        if self.kind == 'Table':
            return
        # A list with paragraphs in its items stays one, though its later items may follow without a gap.
        self._loose = self._loose or any(item.events[1:2] == [{'Start': 'Paragraph'}] for item in after)
        marker = _MARKER.match(source)
        gap = '\n\n' if self._loose else '\n'
        self.prefix = f'{marker[0]} x{gap}' if marker else ''


class Fence:
    """Fenced code that is being written: its lines settle as plain text until it closes."""

    def __init__(self, opening: re.Match[str], language: str, allowlist: Allowlist) -> None:
        indent, fence = opening.groups()
        self._language = language
        self._allowlist = allowlist
        self._indent = re.compile(f'^ {{0,{len(indent)}}}')
        self._fence = fence
        self._code: list[str] = []
        self._lines = ''  # the last ones, unsettled
        self._within_line = False  # these end within a line
        head, foot = code_shell(language)
        self.block = Settled(allowlist.clean(head + foot).removesuffix(foot), foot=foot)
        self.tail = ''

    def feed(self, source: str, *, final: bool) -> tuple[str, bool]:
        """Take the lines of `source`. What is left of it, and whether the fence is closed."""
        lines = _LINE.findall(source)
        for number, line in enumerate(lines):
            if not self._within_line and self._closes(line) and (final or line.endswith('\n')):
                return ''.join(lines[number + 1 :]), True
            if not (final or line.endswith('\n') or len(line) > limits.LEAF):
                self._show(line)
                return line, False
            self._take(line)
        self._show('')
        return '', final

    def close(self, *, colours: int) -> None:
        """Put the final HTML in place of the lines."""
        code = ''.join(self._code)
        html = code_html(code, self._language, coloured=len(code) <= colours)
        self.block.final = self._allowlist.clean(html)

    def _take(self, line: str) -> None:
        text = self._without_indent(line)
        self._within_line = not line.endswith('\n')
        self._code.append(text)
        self._lines += text
        if self._lines.count('\n') >= limits.CODE_LINES or len(self._lines) > limits.LEAF:
            self.block.children.append(self._html(self._lines))
            self._lines = ''

    def _show(self, partial: str) -> None:
        unclear = not self._within_line and self._closes(f'{partial.rstrip()}{self._fence}')
        shown = self._lines if unclear else f'{self._lines}{self._without_indent(partial)}'
        self.tail = self._html(shown) if shown else ''

    def _closes(self, line: str) -> bool:
        fence = line.rstrip(' \t\n')
        bare = fence.lstrip(' ')
        return len(fence) - len(bare) <= 3 and len(bare) >= len(self._fence) and not bare.strip(self._fence[0])

    def _without_indent(self, line: str) -> str:
        return line if self._within_line else self._indent.sub('', line, count=1)

    def _html(self, text: str) -> str:
        return self._allowlist.clean(f'<span class="lines">{escape(text, quote=False)}</span>')
