"""Fenced code as HTML, coloured by Pygments: classes only, one style sheet for both themes."""

import re
from functools import lru_cache
from html import escape
from itertools import groupby
from typing import Any

from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

from webapp.markdown import limits

_UNCOLOURED = {'', 'n', 'p', 'w', 'x', 'l', 'g', 'esc'}
CLASSES = frozenset(STANDARD_TYPES.values()) - _UNCOLOURED
DIAGRAM = 'language-mermaid'

_LANGUAGE = re.compile(r'[A-Za-z0-9+#._-]{1,30}')


def code_language(info: str) -> str:
    """The language that a fence names, in lower case; '' for none or an odd one."""
    word = info.split(maxsplit=1)[0] if info.strip() else ''
    word = word.strip('{}.').split(',')[0]
    return word.lower() if _LANGUAGE.fullmatch(word) else ''


def code_shell(language: str) -> tuple[str, str]:
    """What stands before and after the code of a block."""
    name = f' data-language="{escape(language)}"' if language else ''
    kind = f' class="{DIAGRAM}"' if language == 'mermaid' else ''
    return f'<div class="code"{name}><pre><code{kind}>', '</code></pre></div>'


def code_html(code: str, language: str, *, colour_up_to: int = limits.HIGHLIGHTED) -> str:
    """A code block, coloured if the language is known and the code has at most `colour_up_to` characters."""
    head, foot = code_shell(language)
    if language and len(code) <= colour_up_to:
        return f'{head}{_coloured(code, language)}{foot}'
    return f'{head}{escape(code, quote=False)}{foot}'


def highlight_css() -> str:
    """The style sheet of the colours, for `:root` light and `.body--dark` dark."""
    light = HtmlFormatter(style='default').get_style_defs('.code')
    dark = HtmlFormatter(style='github-dark').get_style_defs('.body--dark .code')
    return f'{light}\n{dark}\n'


@lru_cache(maxsize=64)
def _coloured(code: str, language: str) -> str:
    lexer = _lexer(language)
    if not lexer:
        return escape(code, quote=False)
    runs = groupby(lexer.get_tokens(code), key=lambda token: _class(token[0]))
    return ''.join(_run(name, ''.join(text for _, text in tokens)) for name, tokens in runs)


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def _run(name: str, text: str) -> str:
    words = escape(text, quote=False)
    return f'<span class="{name}">{words}</span>' if name in CLASSES else words


@lru_cache(maxsize=1024)
def _class(token: Any) -> str:
    while token not in STANDARD_TYPES:
        token = token.parent
    return STANDARD_TYPES[token]
