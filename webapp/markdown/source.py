"""What the parser gets to read: the message with raw HTML disarmed and formulas taken out.

Both are replaced by noncharacters, which no message contains once it is clean. The parser takes them for letters, so a
`<` can't start HTML, and the backslashes, bars and underscores of a formula can't be taken for Markdown.
"""

import re
from dataclasses import dataclass
from itertools import islice

from webapp.markdown import limits
from webapp.markdown.formulas import Formula, find_formulas

LESS_THAN = '\ufdd0'
FORMULA_START = '\ufdd1'
FORMULA_END = '\ufdd2'
FORMULA = re.compile(f'{FORMULA_START}([0-9]{{1,6}}){FORMULA_END}')

_UNREADABLE = re.compile('[\x00\ud800-\udfff\ufdd0-\ufdef]')

# Every `<` but that of an autolink, an escaped one, and that of a link's destination in angle brackets.
_TAG = re.compile(
    r"""(?<!\\)(?<!\]\()(?<!\]:)(?<!\]:[ ])<
    (?! [A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*> | [A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}> )""",
    re.VERBOSE,
)


def clean(text: str) -> str:
    """`text` with line ends as `\\n`, and with U+FFFD for NUL, lone surrogates and noncharacters."""
    if '\r' in text:
        text = text.replace('\r\n', '\n').replace('\r', '\n')
    return _UNREADABLE.sub('\N{REPLACEMENT CHARACTER}', text)


@dataclass(frozen=True, slots=True)
class Source:
    """A clean text as the parser reads it."""

    text: str
    markdown: str
    formulas: tuple[Formula, ...]

    @classmethod
    def of(cls, text: str) -> 'Source':
        disarmed = _TAG.sub(LESS_THAN, text) if '<' in text else text
        formulas = tuple(islice(find_formulas(text, disarmed), limits.FORMULAS))
        if not formulas:
            return cls(text, disarmed, ())
        pieces, end = [], 0
        for number, formula in enumerate(formulas):
            pieces += [disarmed[end : formula.start], _placeholder(number)]
            end = formula.end
        return cls(text, ''.join([*pieces, disarmed[end:]]), formulas)

    def restore(self, text: str) -> str:
        """`text`, a piece of what the parser returned, with its placeholders as they were written."""
        if FORMULA_START in text:
            text = FORMULA.sub(self._written, text)
        return text.replace(LESS_THAN, '<')

    def line_start(self, offset: int) -> int:
        """Where the line begins in `text` that has the parser's UTF-8 `offset`."""
        place = len(self.markdown.encode()[:offset].decode())
        for number, formula in enumerate(self.formulas):
            if formula.start >= place:
                break
            place += formula.end - formula.start - len(_placeholder(number))
        return self.text.rfind('\n', 0, place) + 1

    def _written(self, placeholder: re.Match[str]) -> str:
        number = int(placeholder[1])
        return self.formulas[number].source if number < len(self.formulas) else ''


def _placeholder(number: int) -> str:
    return f'{FORMULA_START}{number}{FORMULA_END}'
