"""The one list of what may be in a message's HTML. Everything passes it, always last, at every moment of a stream."""

import re

import nh3

from webapp.markdown.code import CLASSES, DIAGRAM

BLOCKS = {'p', 'li', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'blockquote', 'td', 'th'}
TEXT = {
    'a',
    'br',
    'code',
    'del',
    'div',
    'em',
    'hr',
    'img',
    'input',
    'ol',
    'pre',
    'section',
    'span',
    'strong',
    'sup',
    'ul',
}
TABLES = {'table', 'thead', 'tbody', 'tr'}
MATHS = {
    *('math', 'menclose', 'merror', 'mfrac', 'mi', 'mmultiscripts', 'mn', 'mo', 'mover', 'mpadded', 'mphantom'),
    *('mprescripts', 'mroot', 'mrow', 'ms', 'mspace', 'msqrt', 'mstyle', 'msub', 'msubsup', 'msup', 'mtable', 'mtd'),
    *('mtext', 'mtr', 'munder', 'munderover'),
}
_MATHS_ATTRIBUTES = {
    *('accent', 'accentunder', 'columnspan', 'depth', 'display', 'displaystyle', 'fence', 'form', 'height', 'largeop'),
    *('linethickness', 'lspace', 'mathvariant', 'maxsize', 'minsize', 'movablelimits', 'notation', 'rowspan', 'rspace'),
    *('scriptlevel', 'separator', 'stretchy', 'symmetric', 'voffset', 'width'),
}
_CLASSES = {
    'a': {'download', 'image', 'picture'},
    'div': {'code', 'table'},
    'p': {'plain'},
    'span': {*CLASSES, 'host', 'lines'},
    'code': {DIAGRAM},
    'section': {'footnotes'},
    'mtd': {'left', 'right'},
}
_ATTRIBUTES = {
    **dict.fromkeys(MATHS, _MATHS_ATTRIBUTES),
    'math': _MATHS_ATTRIBUTES | {'alttext'},
    'a': {'href', 'id', 'title'},
    'div': {'data-language'},
    'img': {'src', 'alt', 'title'},
    'li': {'id'},
    'ol': {'start'},
}
_VALUES = {
    'a': {'target': {'_blank'}},
    'input': {'type': {'checkbox'}, 'disabled': {''}, 'checked': {''}},
    'td': {'align': {'left', 'center', 'right'}},
    'th': {'align': {'left', 'center', 'right'}},
}
_FORCED = {
    **{block: {'dir': 'auto'} for block in BLOCKS},
    'pre': {'dir': 'ltr'},
    'img': {'loading': 'lazy'},
    'input': {'type': 'checkbox', 'disabled': ''},
}
_BORDER = '\ufdd3'  # in no clean text
_ELSEWHERE = re.compile(r'(?:https?://|mailto:)', re.IGNORECASE)
_OWN_FILE = re.compile(r'/files/[A-Za-z0-9_-]{1,64}(\?[A-Za-z0-9_=&%.~-]{0,400})?')


def is_own_file(address: str) -> bool:
    """Whether `address` is our own route for files: the only one that an image may come from, and a download be of."""
    return _OWN_FILE.fullmatch(address) is not None


class Allowlist:
    """The list for one message. `scope` is the prefix of the ids that it may have, and may point to."""

    def __init__(self, scope: str) -> None:
        self._own_place = f'#{scope}'
        self._cleaner = nh3.Cleaner(
            tags=BLOCKS | TEXT | TABLES | MATHS,
            attributes=_ATTRIBUTES,
            tag_attribute_values=_VALUES,
            set_tag_attribute_values=_FORCED,
            allowed_classes=_CLASSES,
            attribute_filter=self._address,
            url_schemes={'http', 'https', 'mailto'},
            url_relative='pass_through',
            link_rel='noopener noreferrer nofollow ugc',
            id_prefix=scope,
        )

    def clean(self, html: str) -> str:
        """`html` with nothing in it that isn't on the list."""
        return self._cleaner.clean(html)

    def clean_all(self, pieces: list[str]) -> list[str]:
        """Each of `pieces` clean. They are whole elements, so they can be cleaned as one."""
        cleaned = self.clean(_BORDER.join(pieces)).split(_BORDER) if pieces else []
        return cleaned if len(cleaned) == len(pieces) else [self.clean(piece) for piece in pieces]

    def _address(self, tag: str, name: str, value: str) -> str | None:
        if name == 'src':
            return value if is_own_file(value) else None
        if name == 'href':
            is_known = _ELSEWHERE.match(value) or value.startswith(self._own_place) or is_own_file(value)
            return value if is_known else None
        return value
