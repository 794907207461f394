"""A page made of strings: does what patches say, as `static/answer.js` does it with elements."""

import re
from collections.abc import Callable

from webapp.markdown import LiveDocument, Patch, Seen

TAG = re.compile(r'<(/?)([a-z0-9]+)(?:[^>"]|"[^"]*")*>')
WITHOUT_END = {'br', 'hr', 'img', 'input'}


class StringPage:
    def __init__(self) -> None:
        self.version = 0
        self._clear()

    def apply(self, patch: Patch) -> bool:
        if not patch:
            return True
        if patch['from'] == 0:
            self._clear()
        elif patch['to'] <= self.version:
            return True
        elif patch['from'] != self.version:
            return False
        for name, *values in patch['ops']:
            getattr(self, f'_{name}')(*values)
        self.version = patch['to']
        return True

    @property
    def settled(self) -> list[str]:
        """Everything that must stay as it is: blocks, and the head and the children of the open one."""
        return [*self.blocks, self.head, *self.children] if self.is_open else self.blocks

    @property
    def html(self) -> str:
        return ''.join([*self.blocks, self.head, *self.children, self.tail, self.foot])

    def _clear(self) -> None:
        self.blocks: list[str] = []
        self._close()

    def _close(self) -> None:
        self.is_open = False
        self.head = self.foot = self.tail = ''
        self.children: list[str] = []

    def _tail(self, keep: int, suffix: str, nodes: int, length: int) -> None:
        self.tail = cut(self.tail, 0, keep) + suffix
        self._settle(nodes, length)

    def _settle(self, nodes: int, length: int) -> None:
        settled, self.tail = elements(cut(self.tail, 0, length)), cut(self.tail, length)
        assert len(settled) == nodes
        (self.children if self.is_open else self.blocks).extend(settled)

    def _enter(self, head: int, foot: int, nodes: int, length: int) -> None:
        self.is_open = True
        end = units(self.tail) - foot
        self.head, self.foot = cut(self.tail, 0, head), cut(self.tail, end)
        self.tail = cut(self.tail, head, end)
        self._settle(nodes, length)

    def _leave(self) -> None:
        assert self.tail == ''
        self.blocks.append(self.html[len(''.join(self.blocks)) :])
        self._close()

    def _swap(self, html: str) -> None:
        self.blocks.append(html)
        self._close()

    def _fix(self, first: int, count: int, html: str) -> None:
        self.blocks[first : first + count] = elements(html)


class Watcher:
    """A page that follows a document, and may miss some of what happens."""

    def __init__(self, document: LiveDocument) -> None:
        self.document = document
        self.page = StringPage()
        self.seen: Seen | None = None

    def look(self) -> Patch:
        patch, self.seen = self.document.patch(self.seen)
        assert self.page.apply(patch)
        return patch


def stream(text: str, step: Callable[[], int], on_step: Callable[[LiveDocument], None]) -> LiveDocument:
    """Write `text` into a document, some characters at a time, and finish it."""
    document = LiveDocument(scope='m1-')
    end = 0
    while end < len(text):
        end += step()
        document.update(text[:end])
        on_step(document)
    document.finish(text)
    return document


def elements(html: str) -> list[str]:
    """The elements that `html` consists of."""
    found, depth, start = [], 0, 0
    for tag in TAG.finditer(html):
        if tag[2] not in WITHOUT_END:
            depth += -1 if tag[1] else 1
        if depth == 0:
            found.append(html[start : tag.end()])
            start = tag.end()
    assert start == len(html), f'no whole elements: {html}'
    return found


def units(text: str) -> int:
    return len(text.encode('utf-16-le')) // 2


def cut(text: str, start: int, end: int | None = None) -> str:
    """A slice, in UTF-16 units."""
    return text.encode('utf-16-le')[2 * start : None if end is None else 2 * end].decode('utf-16-le')
