"""Where a link may lead, and what is said about that: its host, always, and beside words that name another one."""

import re
import unicodedata
from html import escape
from urllib.parse import unquote, urlsplit

_ALLOWED = re.compile(r'(?:https?://[^\s/]|mailto:[^\s])', re.IGNORECASE)
_HOST = r'((?:[\w-]+\.)+[^\W\d_][\w-]*)(?![\w-])'
_ALL_ADDRESS = re.compile(rf'\s*(?:https?://)?{_HOST}\S*\s*', re.IGNORECASE)
_ALL_MAIL = re.compile(rf'\s*[\w.+-]+@{_HOST}\s*')
_ADDRESS = re.compile(rf'(?:https?://|\bwww\.){_HOST}', re.IGNORECASE)
_BARE = re.compile(r'https?://[^\s<>"`\ufdd0-\ufdd3，。；：！？（）【】《》「」『』、]{1,2000}', re.IGNORECASE)
_TRAILING = '.,;:!?\'"*_~'
_WORDS = 1000  # characters in which other hosts are looked for
_HOST_LENGTH = 253  # characters; longer ones lead nowhere
_FILE_NAME = 60  # characters


def link_tags(address: str, title: str, *, picture: bool = False) -> tuple[str, str]:
    """The opening and the closing tag of a link; two empty strings where it may not lead.

    :param picture: the link stands for a picture of another host, which nobody's browser asks for by itself
    """
    if not _ALLOWED.match(address):
        return '', ''
    host = _host(address)
    tooltip = ' – '.join(words for words in (title, host) if words)
    kind = ' class="picture"' if picture else ''
    note = f' {_note(host)}' if picture else ''
    return f'<a{kind} href="{escape(address)}" title="{escape(tooltip)}" target="_blank">', f'{note}</a>'


def host_note(address: str, words: str) -> str:
    """A note of the host that `address` leads to, if `words` look like an address of another one, or hold one."""
    host = _host(address)
    is_other = any(not _is_read_as(claim, host) for claim in _claimed_hosts(words[:_WORDS]))
    return f' {_note(host)}' if host and is_other else ''


def file_name(address: str) -> str:
    """The last part of an address, for a picture without words; '' if it is no name of a file."""
    try:
        name = unquote(urlsplit(address).path.rpartition('/')[2])
    except ValueError:
        return ''
    return name if '.' in name and len(name) <= _FILE_NAME and name.isprintable() else ''


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


def _claimed_hosts(words: str) -> list[str]:
    """Hosts that a reader takes `words` to name. What nobody sees, and other ways to write a letter, hide none."""
    seen = words
    if not words.isascii():
        visible = ''.join(letter for letter in words if unicodedata.category(letter) != 'Cf')
        seen = unicodedata.normalize('NFKC', visible)
    whole = _ALL_MAIL.fullmatch(seen) or _ALL_ADDRESS.fullmatch(seen)
    return [whole[1]] if whole else [match[1] for match in _ADDRESS.finditer(seen)]


def _is_read_as(claim: str, host: str) -> bool:
    """Whether a host as it stands in words is `host`, and in letters that can't be taken for those of another."""
    is_plain = all(letter.isascii() or unicodedata.name(letter, '').startswith('LATIN') for letter in claim)
    return is_plain and len(claim) <= _HOST_LENGTH and _bare_host(_ascii(claim)) == _bare_host(host)


def _host(address: str) -> str:
    """The host, in letters that can't be taken for others; '' where none can be."""
    try:
        parts = urlsplit(address)
        host = parts.path.rpartition('@')[2] if parts.scheme == 'mailto' else parts.hostname or ''
    except ValueError:
        return ''
    return _ascii(host) if len(host) <= _HOST_LENGTH else ''


def _ascii(host: str) -> str:
    try:
        return host if host.isascii() else host.encode('idna').decode()
    except UnicodeError:
        return host.encode('ascii', 'backslashreplace').decode()


def _bare_host(host: str) -> str:
    return host.lower().removeprefix('www.')


def _note(host: str) -> str:
    return f'<span class="host">{escape(host)}</span>'
