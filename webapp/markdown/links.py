"""Where a link may lead, and what is shown beside it when its words name another place."""

import re
from html import escape
from urllib.parse import urlsplit

_ALLOWED = re.compile(r'(?:https?://[^\s/]|mailto:[^\s])', re.IGNORECASE)
_HOST_IN_WORDS = re.compile(r'\s*(?:https?://)?((?:[\w-]+\.)+[^\W\d_][\w-]*)(?![\w-])\S*\s*', re.IGNORECASE)
_BARE = re.compile(r'https?://[^\s<>"`\ufdd0-\ufdd3，。；：！？（）【】《》「」『』、]{1,2000}', re.IGNORECASE)
_TRAILING = '.,;:!?\'"*_~'


def link_tags(address: str, title: str) -> tuple[str, str]:
    """The opening and the closing tag of a link; two empty strings where it may not lead."""
    if not _ALLOWED.match(address):
        return '', ''
    tooltip = f' title="{escape(title)}"' if title else ''
    return f'<a href="{escape(address)}"{tooltip} target="_blank">', '</a>'


def host_note(address: str, words: str) -> str:
    """A note of the host that `address` leads to, if `words` look like an address of another one."""
    claimed = _HOST_IN_WORDS.fullmatch(words)
    if not claimed:
        return ''
    try:
        host = urlsplit(address).hostname or ''
    except ValueError:
        host = ''
    if not host or _bare_host(claimed[1]) == _bare_host(host):
        return ''
    return f' <span class="host">{escape(host)}</span>'


def find_addresses(text: str) -> list[tuple[int, int]]:
    """Where addresses stand in plain text, without the punctuation that ends the sentence."""
    return [(match.start(), match.start() + _address_length(match[0])) for match in _BARE.finditer(text)]


def _address_length(address: str) -> int:
    length = len(address)
    open_after = {')': address.count(')') - address.count('('), ']': address.count(']') - address.count('[')}
    while length:
        last = address[length - 1]
        if last in _TRAILING:
            length -= 1
        elif open_after.get(last, 0) > 0:
            open_after[last] -= 1
            length -= 1
        else:
            break
    return length


def _bare_host(host: str) -> str:
    return host.lower().removeprefix('www.')
