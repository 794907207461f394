r"""Formulas in Markdown: `\( \)`, `\[ \]`, `$$ $$` and, with care, `$ $`.

One dollar is mostly money. By Pandoc's rule the opening one has no space after it, the closing one no space before and
no digit after it. Besides, no letter or digit of ASCII stands right before the opening one (`US$5`), and what looks
like an amount and words (`$6 and 7$`) or like a shell's variable (`$HOME/$USER`) is no formula.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from math_core import LatexError, LatexToMathML

from webapp.markdown import limits
from webapp.markdown.parser import code_places

_TOKEN = re.compile(r'\\.|\$\$?|\n(?:[ \t]*\n)*', re.DOTALL)
_ADDRESS = re.compile(r'https?://[^\s<>]*')
_AMOUNT_AND_WORDS = re.compile(r'[0-9][^\\]*?(?<![A-Za-z])[A-Za-z]{2}')
_VARIABLE = re.compile(r'[A-Z_]{2}')
_CLOSING = {'\\(': '\\)', '\\[': '\\]', '$$': '$$', '$': '$'}
_CELL = re.compile(r' style="text-align: (left|right);[^"]*"')
_TAGS = re.compile(r'<(/?)[a-z][^>]*?(/?)>')

_converter = LatexToMathML(fancy_error=False)


@dataclass(frozen=True, slots=True)
class Formula:
    """One formula; `start` and `end` are its place in the text, delimiters included."""

    start: int
    end: int
    source: str
    latex: str
    display: bool


def find_formulas(text: str, markdown: str) -> Iterator[Formula]:
    """The formulas of `text` in order, none of them in code or in an address. `markdown`: as the parser reads it."""
    if '$' not in text and '\\(' not in text and '\\[' not in text:
        return
    taken = iter(_taken(text, markdown))
    span = next(taken, None)
    end = 0
    for formula in _candidates(text):
        while span and span[1] <= formula.start:
            span = next(taken, None)
        if formula.start >= end and not (span and span[0] < formula.end):
            end = formula.end
            yield formula


@lru_cache(maxsize=512)
def _mathml(latex: str, *, display: bool) -> str | None:
    """The formula as MathML, or None: not understood, or too deep."""
    if not latex:
        return None
    try:
        html = _converter.convert_with_local_state(latex, displaystyle=display)
    except LatexError:
        return None
    if _depth(html) > limits.NESTING:
        return None
    # Cells of aligned equations come with inline styles, which no message may have.
    return _CELL.sub(r' class="\1"', html)


def formula_html(formula: Formula) -> str:
    """The formula as MathML, with its LaTeX for those who copy it; or as its source."""
    mathml = _mathml(formula.latex, display=formula.display)
    if mathml is None:
        return f'<code>{escape(formula.source)}</code>'
    return mathml.replace('<math', f'<math alttext="{escape(formula.latex)}"', 1)


def _candidates(text: str) -> Iterator[Formula]:
    opening: re.Match[str] | None = None
    for token in _TOKEN.finditer(text):
        kind = token[0]
        if opening and token.start() - opening.end() > limits.FORMULA:
            opening = None
        if kind[0] == '\n':
            if opening and (opening[0] == '$' or len(kind) > 1):
                opening = None
        elif opening and kind == _CLOSING[opening[0]] and _closes(text, opening, token):
            latex = text[opening.end() : token.start()]
            source = text[opening.start() : token.end()]
            yield Formula(opening.start(), token.end(), source, latex.strip(), opening[0] in {'\\[', '$$'})
            opening = None
        elif kind in _CLOSING and not (opening and opening[0] != '$' and kind == '$') and _opens(text, token):
            opening = token


def _opens(text: str, token: re.Match[str]) -> bool:
    if token[0] != '$':
        return True
    before, after = text[token.start() - 1 : token.start()], text[token.end() : token.end() + 1]
    return not (before.isascii() and before.isalnum()) and not after.isspace() and after != ''


def _closes(text: str, opening: re.Match[str], token: re.Match[str]) -> bool:
    latex = text[opening.end() : token.start()]
    if token[0] != '$':
        return latex.strip() != ''
    after = text[token.end() : token.end() + 1]
    if not latex or latex[-1].isspace() or (after.isascii() and after.isdigit()):
        return False
    if _VARIABLE.match(latex) and (after.isalnum() or after == '_'):
        return False
    return not _AMOUNT_AND_WORDS.match(latex)


def _taken(text: str, markdown: str) -> list[tuple[int, int]]:
    """Where no formula may be, ascending: code and addresses. Both texts have the same number of characters."""
    data = markdown.encode()
    spans = [match.span() for match in _ADDRESS.finditer(text)]
    place = character = 0
    for start, end in code_places(markdown):
        character += len(data[place:start].decode())
        place = start
        spans.append((character, character + len(data[start:end].decode())))
    return sorted(spans)


def _depth(html: str) -> int:
    depth = deepest = 0
    for tag in _TAGS.finditer(html):
        depth += -1 if tag[1] else 0 if tag[2] else 1
        deepest = max(deepest, depth)
    return deepest
