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
from webapp.markdown.languages import language_name

DIAGRAM = 'language-mermaid'

# A theme tells what a word is by its colour. The classes have Pygments' short names; `static/code.css` colours them.
_THEME = pyromark.Theme.BASE16_OCEAN_DARK
_CLASSES = {
    '#65737e': 'c',  # comment
    '#8fa1b3': 'nf',  # function
    '#96b5b4': 'nb',  # built-in
    '#a3be8c': 's',  # string
    '#b48ead': 'k',  # keyword
    '#bf616a': 'nv',  # variable, tag
    '#d08770': 'm',  # number, constant
    '#ebcb8b': 'nc',  # type
}
_DIFFERENCE_CLASSES = {'s': 'gi', 'nv': 'gd'}  # inserted, deleted
CLASSES = frozenset({*_CLASSES.values(), *_DIFFERENCE_CLASSES.values()})

_LANGUAGE = re.compile(r'\s*([a-z0-9+#._-]{1,30})(?![^\s,:{])')
_SPAN = re.compile(r'<span style="[^"]*?color:(#[0-9a-f]{6});">([^<]*)</span>')

# None of these takes more than some 20 ms for 1,000 characters made to be slow. Others stand in for those that do.
_LANGUAGES = {
    *('asm', 'awk', 'bash', 'bat', 'c', 'c#', 'c++', 'clojure', 'cmake', 'cpp', 'cs', 'csharp', 'css', 'csv', 'd'),
    *('dart', 'diff', 'docker', 'dockerfile', 'elixir', 'erlang', 'f#', 'fs', 'fsharp', 'go', 'graphql', 'groovy'),
    *('h', 'haskell', 'hcl', 'hpp', 'hs', 'html', 'java', 'javascript', 'js', 'json', 'jsonc', 'jsx', 'julia'),
    *('kotlin', 'kt', 'latex', 'lisp', 'llvm', 'lua', 'make', 'makefile', 'matlab', 'nasm', 'nginx', 'nim', 'nix'),
    *('objective-c', 'ocaml', 'pascal', 'patch', 'perl', 'php', 'pl', 'powershell', 'properties', 'proto'),
    *('protobuf', 'ps1', 'py', 'python', 'python3', 'r', 'rb', 'rs', 'ruby', 'rust', 'sass', 'scss', 'sh'),
    *('shell', 'solidity', 'sql', 'svelte', 'swift', 'tcl', 'terraform', 'tex', 'tf', 'toml', 'ts', 'tsx'),
    *('typescript', 'vim', 'vue', 'xml', 'yaml', 'yml', 'zig', 'zsh'),
}
_STAND_INS = {
    'console': 'sh',
    'golang': 'go',
    'ini': 'toml',
    'json5': 'js',
    'less': 'scss',
    'scala': 'java',
    'scheme': 'lisp',
}


def code_language(info: str) -> str:
    """The language that a fence names, in lower case; '' for none or an odd one."""
    name = _LANGUAGE.match(info.lower())
    return name[1] if name else ''


def code_shell(language: str) -> tuple[str, str]:
    """What stands before and after the code of a block. The name of the language is shown in the line above it."""
    name = f' data-language="{escape(language_name(language))}"' if language else ''
    kind = f' class="{DIAGRAM}"' if language == 'mermaid' else ''
    return f'<div class="code"{name}><pre><code{kind}>', '</code></pre></div>'


def code_html(code: str, language: str, *, coloured: bool) -> str:
    """A code block."""
    head, foot = code_shell(language)
    known = _STAND_INS.get(language, language)
    if coloured and known in _LANGUAGES and max(map(len, code.split('\n'))) <= limits.COLOURED_LINE:
        return f'{head}{_coloured(code, known)}{foot}'
    return f'{head}{escape(code, quote=False)}{foot}'


@lru_cache(maxsize=128)
def _coloured(code: str, language: str) -> str:
    fence = '~~~'
    while fence in code:
        fence += '~'
    html = pyromark.html(f'{fence} {language}\n{code}\n{fence}\n', highlight=_THEME)
    runs = [(_class(colour, language), words) for colour, words in _SPAN.findall(html)]
    if ''.join(unescape(words) for _, words in runs) != f'{code}\n':
        return escape(code, quote=False)
    pieces = [_run(name, ''.join(words for _, words in group)) for name, group in groupby(runs, key=lambda run: run[0])]
    return ''.join(pieces).removesuffix('\n')


def _class(colour: str, language: str) -> str:
    name = _CLASSES.get(colour, '')
    return _DIFFERENCE_CLASSES.get(name, name) if language in {'diff', 'patch'} else name


def _run(name: str, words: str) -> str:
    end = len(words.rstrip())
    return f'<span class="{name}">{words[:end]}</span>{words[end:]}' if name and end else words
