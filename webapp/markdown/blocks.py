"""A whole message as the HTML of its blocks."""

from webapp.markdown import limits
from webapp.markdown.allowlist import Allowlist
from webapp.markdown.html import Writer, plain_html
from webapp.markdown.parser import TooManyEvents, parse
from webapp.markdown.source import Source, clean


def render(text: str, *, scope: str) -> str:
    """A message as safe HTML, whole and final.

    :param text: Markdown as a model or a person wrote it, of any length and content
    :param scope: prefix of the ids in it, unlike any other on the page, such as `m12-`
    """
    return ''.join(render_blocks(clean(text), scope=scope))


def render_blocks(text: str, *, scope: str) -> list[str]:
    """The blocks of a clean `text`; each is one element."""
    allowlist = Allowlist(scope)
    try:
        blocks = _markdown_blocks(text[: limits.RENDERED], scope)
        rest = text[limits.RENDERED :]
    except TooManyEvents:
        blocks, rest = [], text
    return allowlist.clean_all([*blocks, *map(plain_html, plain_pieces(rest))])


def plain_pieces(text: str) -> list[str]:
    """`text` cut at line ends into pieces that stay as they are when more text follows, but for the last."""
    pieces, start = [], 0
    while start < len(text):
        end = start + limits.PLAIN
        if end < len(text):
            end = text.rfind('\n', start, end) + 1 or end
        pieces.append(text[start:end])
        start = end
    return pieces


def _markdown_blocks(text: str, scope: str) -> list[str]:
    source = Source.of(text)
    writer = Writer(source, scope=scope, collect=True)
    blocks = [writer.html(block.events) for block in parse(source.markdown)]
    return [block for block in [*blocks, writer.notes_html()] if block]
