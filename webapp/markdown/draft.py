"""The text of an answer that is being written, as blocks: the settled ones, and a tail that may still change.

Only the source from the start of the last block is parsed at each step; of a list, from its last item; of a table, from
its last row; of a fence, from its last line. So the cost is linear in the length of the text, whatever it is made of.
Of a paragraph or an item longer than `limits.LEAF` the end waits as plain text; it is parsed whenever it has grown by
an eighth.
"""

from webapp.markdown import limits
from webapp.markdown.allowlist import Allowlist
from webapp.markdown.blocks import plain_pieces
from webapp.markdown.code import code_language
from webapp.markdown.growing import FENCE, Fence, Rows, Settled, certain
from webapp.markdown.html import Writer, plain_html
from webapp.markdown.parser import Block, Child, Definitions, TooManyEvents, definitions_in, parse_located
from webapp.markdown.source import Source, clean


class Draft:
    """What is written of an answer; it only grows."""

    def __init__(self, allowlist: Allowlist) -> None:
        self.text = ''
        self.blocks: list[Settled] = []
        self.container: Rows | Fence | None = None  # whose block is the last one, and open
        self.tail = ''
        self._allowlist = allowlist
        self._source = ''  # clean, from where the tail starts
        self._room = limits.RENDERED
        self._rest = ''  # what there was no room for
        self._colours = limits.COLOURED_LIVE
        self._definitions: Definitions = {}
        self._events = 0
        self._parse_from = 0  # so long must the source of a long leaf be
        self._leaf = ('', 0)  # as it was parsed last: HTML, length of its source

    def write(self, text: str) -> None:
        """Take the whole text so far, which begins with `self.text`."""
        self._take(text)
        self._advance(final=False)

    def end(self, text: str) -> None:
        """Take the whole text and settle all of it."""
        self._take(text)
        self._colours = limits.COLOURED
        self._advance(final=True)

    def _take(self, text: str) -> None:
        added = text[len(self.text) :]
        if self.text.endswith('\r') and added.startswith('\n'):
            added = added[1:]
        added = clean(added)
        self._source += added[: self._room]
        self._rest += added[self._room :]
        self._room = max(0, self._room - len(added))
        self.text = text

    def _advance(self, *, final: bool) -> None:
        try:
            while self._step(final=final or not self._room):
                pass
        except TooManyEvents:
            self._give_up()
        if self._rest:
            self._advance_plain(final=final)

    def _step(self, *, final: bool) -> bool:
        """Settle what can be settled. Whether there is more to do."""
        if isinstance(self.container, Fence):
            return self._step_fence(self.container, final=final)
        if not final and limits.LEAF < len(self._source) < self._parse_from:
            self._show_leaf()
            return False
        rows = self.container
        visible = self._source if final else certain(self._source)
        reading = _Reading(visible, self._definitions, self._colours, prefix=rows.prefix if rows else '')
        again = self._add(reading, rows, final=final)
        self._leaf = (self.tail, len(certain(self._source)))
        self._parse_from = len(self._source) * 9 // 8
        return again

    def _add(self, reading: '_Reading', rows: Rows | None, *, final: bool) -> bool:
        blocks = reading.blocks
        if rows:
            children = rows.own(blocks.pop(0)) if blocks and blocks[0].kind == rows.kind else []
            if not final and not blocks:
                self._add_children(rows, children, reading)
                return False
            self._settle_children(rows, children, reading)
            self.container = None
        return self._add_blocks(blocks, reading, final=final)

    def _step_fence(self, fence: Fence, *, final: bool) -> bool:
        self._source, closed = fence.feed(self._source, final=final)
        self.tail = '' if closed else fence.tail
        if closed:
            fence.close(colours=self._colours)
            self.container = None
        return closed and self._source != ''

    def _add_blocks(self, blocks: list[Block], reading: '_Reading', *, final: bool) -> bool:
        settled = blocks if final else blocks[:-1]
        self._count(sum(len(block.events) for block in settled))
        html = self._allowlist.clean_all([reading.writer.html(block.events) for block in settled])
        self.blocks += map(Settled, html)
        self.tail = ''
        if final:
            self._source = ''
        elif blocks:
            return self._open(blocks[-1], reading)
        return False

    def _open(self, block: Block, reading: '_Reading') -> bool:
        """Show the last block. Whether it is a fence, to be read line by line."""
        self._drop(reading, block.start)
        fence = FENCE.match(self._source) if block.kind == 'CodeBlock' else None
        if fence:
            self._source = self._source[fence.end() :]
            self.container = Fence(fence, reading.language(block), self._allowlist)
            self.blocks.append(self.container.block)
            return True
        if rows := self._rows(block, reading):
            self.container = rows
            self.blocks.append(rows.block)
            self._add_children(rows, block.children, reading)
        else:
            reading.writer.colours = 0
            self.tail = self._allowlist.clean(reading.writer.html(block.events))
        return False

    def _rows(self, block: Block, reading: '_Reading') -> Rows | None:
        """The list or table that `block` is, if it has settled children."""
        if len(block.places) < 2 or block.is_wide:
            return None
        before = reading.lines(block.start, block.places[0][0]) if block.kind == 'Table' else ''
        if len(before) > limits.TABLE_HEAD:
            return None
        return Rows(block.kind, self._allowlist.clean(reading.writer.html(block.shell)), before=before)

    def _add_children(self, rows: Rows, children: list[Child], reading: '_Reading') -> None:
        """Settle all children but the last, and show that."""
        self.tail = ''
        self._settle_children(rows, children[:-1], reading)
        if len(children) > 1:
            self._drop(reading, children[-1].start)
            rows.go_on(self._source, after=children[:-1])
        if children:
            reading.writer.colours = 0
            (self.tail,) = rows.clean([reading.writer.html(children[-1].events)], self._allowlist)

    def _settle_children(self, rows: Rows, children: list[Child], reading: '_Reading') -> None:
        self._count(sum(len(child.events) for child in children))
        rows.block.children += rows.clean([reading.writer.html(child.events) for child in children], self._allowlist)

    def _show_leaf(self) -> None:
        html, length = self._leaf
        rest = self._source[length:]
        if isinstance(self.container, Rows):
            (waiting,) = self.container.clean([self.container.plain(rest)], self._allowlist)
        else:
            waiting = self._allowlist.clean(plain_html(rest))
        self.tail = f'{html}{waiting}'

    def _drop(self, reading: '_Reading', offset: int) -> None:
        """The tail starts in the line of the parser's `offset`."""
        length = reading.advance(offset)
        for label, definition in definitions_in(self._source[:length]).items():
            self._definitions.setdefault(label, definition)
        self._source = self._source[length:]

    def _count(self, events: int) -> None:
        self._events += events
        if self._events > limits.EVENTS:
            raise TooManyEvents

    def _give_up(self) -> None:
        self._source, self._rest, self._room = '', f'{self._source}{self._rest}', 0
        self.container, self.tail = None, ''

    def _advance_plain(self, *, final: bool) -> None:
        pieces = plain_pieces(self._rest)
        self._rest = '' if final else pieces.pop()
        self.blocks += map(Settled, self._allowlist.clean_all([plain_html(piece) for piece in pieces]))
        self.tail = self._allowlist.clean(plain_html(self._rest)) if self._rest else ''


class _Reading:
    """The source from where the tail starts, parsed.

    :param prefix: source of the same list or table, read before it
    """

    def __init__(self, source: str, definitions: Definitions, colours: int, *, prefix: str) -> None:
        self._source = Source.of(prefix + source)
        self._here = len(prefix)
        self.writer = Writer(self._source, colours=colours)
        self.blocks = parse_located(self._source.markdown, definitions)
        if prefix and self.blocks:
            self.writer.html(self.blocks[0].shell)  # so that it knows the columns of a table

    def advance(self, offset: int) -> int:
        """How many characters stand between here and the line of the parser's `offset`; go there."""
        here, self._here = self._here, self._source.line_start(offset)
        return self._here - here

    def lines(self, start: int, end: int) -> str:
        """The source of lines, from one of the parser's offsets to another."""
        return self._source.text[self._source.line_start(start) : self._source.line_start(end)]

    def language(self, block: Block) -> str:
        """The language of fenced code."""
        return code_language(self._source.restore(block.events[0]['Start']['CodeBlock']['Fenced']))
