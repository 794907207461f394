"""Fenced code as HTML, coloured by classes.

The colouring is pyromark's (syntect, with the languages of bat): linear in the number of lines, and other threads go on
meanwhile. Pygments is neither: some 8,000 characters of nothing but line ends keep its C lexer busy for minutes.
"""

import re
from functools import lru_cache
from html import escape, unescape
from itertools import groupby

import pyromark

from webapp.markdown import limits

DIAGRAM = 'language-mermaid'

# A theme says what a word is by its colour; `static/code.css` has the colours that are shown.
_THEME = pyromark.Theme.BASE16_OCEAN_DARK
_CLASSES = {
    '#65737e': 'comment',
    '#8fa1b3': 'function',
    '#96b5b4': 'builtin',
    '#a3be8c': 'string',
    '#b48ead': 'keyword',
    '#bf616a': 'name',
    '#d08770': 'constant',
    '#ebcb8b': 'type',
}
CLASSES = frozenset(_CLASSES.values())

_LANGUAGE = re.compile(r'[a-z0-9+#._-]{1,30}')
_SPAN = re.compile(r'<span style="[^"]*?color:(#[0-9a-f]{6});">([^<]*)</span>')
_PLAIN = {'', 'text', 'txt', 'plain', 'plaintext', 'mermaid'}


def code_language(info: str) -> str:
    """The language that a fence names, in lower case; '' for none or an odd one."""
    name = info.strip().split(maxsplit=1)[0].lower() if info.strip() else ''
    return name if _LANGUAGE.fullmatch(name) else ''


def code_shell(language: str) -> tuple[str, str]:
    """What stands before and after the code of a block."""
    name = f' data-language="{escape(language)}"' if language else ''
    kind = f' class="{DIAGRAM}"' if language == 'mermaid' else ''
    return f'<div class="code"{name}><pre><code{kind}>', '</code></pre></div>'


def code_html(code: str, language: str, *, coloured: bool) -> str:
    """A code block."""
    head, foot = code_shell(language)
    words = _coloured(code, language) if coloured and _has_colours(code, language) else escape(code, quote=False)
    return f'{head}{words}{foot}'


def _has_colours(code: str, language: str) -> bool:
    return language not in _PLAIN and max(map(len, code.split('\n'))) <= limits.COLOURED_LINE


@lru_cache(maxsize=128)
def _coloured(code: str, language: str) -> str:
    fence = '~~~'
    while fence in code:
        fence += '~'
    html = pyromark.html(f'{fence} {language}\n{code}\n{fence}\n', highlight=_THEME)
    runs = [(_CLASSES.get(colour, ''), words) for colour, words in _SPAN.findall(html)]
    if ''.join(unescape(words) for _, words in runs) != f'{code}\n':
        return escape(code, quote=False)
    pieces = [_run(name, ''.join(words for _, words in group)) for name, group in groupby(runs, key=lambda run: run[0])]
    return ''.join(pieces).removesuffix('\n')


def _run(name: str, words: str) -> str:
    end = len(words.rstrip())
    return f'<span class="{name}">{words[:end]}</span>{words[end:]}' if name and end else words
