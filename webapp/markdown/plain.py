"""Plain text of others as HTML: nothing in it counts as markup, but its addresses are links."""

from html import escape

from webapp.markdown.links import find_addresses
from webapp.markdown.source import clean


def linked(text: str) -> str:
    """A text with links where addresses stand in it."""
    text = clean(text)
    pieces, end = [], 0
    for start, stop in find_addresses(text):
        pieces += [escape(text[end:start]), link(text[start:stop], text[start:stop])]
        end = stop
    return ''.join([*pieces, escape(text[end:])])


def link(address: str, words: str) -> str:
    """:param address: of http or https; the caller has seen to it"""
    rel = 'noopener noreferrer nofollow'
    return f'<a href="{escape(address)}" target="_blank" rel="{rel}">{escape(words)}</a>'
