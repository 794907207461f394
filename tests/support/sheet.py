"""Pages beside the chat, without a browser."""

from html import unescape


def sheet(page: str) -> str:
    """The HTML of the sheet, out of the data of a page as it comes over HTTP."""
    return unescape(page).replace('\\"', '"').replace('\\n', ' ')
