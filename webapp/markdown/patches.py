"""What a page must do to what it shows of an answer, as small JSON data; `static/answer.js` does it.

A page shows blocks, one element each. The last ones are the *tail*: HTML that may still change. What stands before it
is settled and isn't touched while the answer is being written. While a list, a table or a fence is being written, the
tail is at the end of its items, rows or lines: in the block's *slot*, which is its last innermost element.

    {"from": 7, "to": 8, "ops": [...]}     what was shown as of 7 is then shown as of 8; from 0: show nothing first
    ["tail", keep, suffix, nodes, length]  the tail's HTML becomes its first `keep` units, then `suffix`;
                                           then its first `nodes` elements, `length` units of HTML, are settled
    ["enter", head, foot, nodes, length]   the tail is one element: it is settled but for what is in its slot, which is
                                           the tail then, without `head` units before and `foot` units after it;
                                           then its first `nodes` elements, `length` units of HTML, are settled
    ["leave"]                              the slot is full; the tail, empty, is behind its block
    ["swap", html]                         `html` takes the place of the slot's block; the tail, empty, is behind it
    ["fix", first, count, html]            `html` takes the place of `count` blocks; at the end only

Units are UTF-16, as JavaScript counts.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from webapp.markdown.growing import Settled

Patch = dict[str, object]
Op = list[str | int]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page shows, as far as it was told."""

    epoch: int = 0  # another one: another text
    version: int = 0
    blocks: int = 0  # that are whole
    children: int | None = None  # settled ones of the open block; None: no block is open
    tail: str = ''
    finished: bool = False


def progress(blocks: Sequence[Settled], seen: Seen, now: Seen) -> Iterator[Op]:
    """What happened between `seen` and `now`, of which `blocks` are the settled ones."""
    first, tail = seen.blocks, seen.tail
    if seen.children is not None:
        block = blocks[first]
        if first == now.blocks:
            children = block.children[seen.children : now.children]
            yield from _tail(tail, children, now.tail)
            return
        if block.final is not None:
            yield ['swap', block.final]
        else:
            yield from _tail(tail, block.children[seen.children :], '')
            yield ['leave']
        first, tail = first + 1, ''
    whole = [block.html for block in blocks[first : now.blocks]]
    if now.children is None:
        yield from _tail(tail, whole, now.tail)
        return
    block = blocks[now.blocks]
    children = block.children[: now.children]
    yield from _tail(tail, whole, f'{block.head}{"".join(children)}{now.tail}{block.foot}')
    yield ['enter', units(block.head), units(block.foot), len(children), units(''.join(children))]


def whole(blocks: Sequence[str]) -> list[Op]:
    """All of a finished answer at once."""
    return list(_tail('', blocks, ''))


def fixes(shown: Sequence[str], final: Sequence[str]) -> list[Op]:
    """What makes `final` of the blocks that are `shown`: few of them replaced."""
    if len(shown) == len(final):
        return [['fix', place, 1, new] for place, (old, new) in enumerate(zip(shown, final, strict=True)) if old != new]
    shorter = min(len(shown), len(final))
    end = next((n for n in range(shorter) if shown[-1 - n] != final[-1 - n]), shorter)
    middle = shorter - end
    ops = fixes(shown[:middle], final[:middle])
    ops.append(['fix', middle, len(shown) - end - middle, ''.join(final[middle : len(final) - end])])
    return ops


def units(text: str) -> int:
    """The length of `text` in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode('utf-16-le')) // 2


def _tail(old: str, settled: Sequence[str], rest: str) -> Iterator[Op]:
    before = ''.join(settled)
    new = before + rest
    if new != old or settled:
        keep = _common(old, new)
        yield ['tail', units(new[:keep]), new[keep:], len(settled), units(before)]


def _common(old: str, new: str) -> int:
    """The number of characters with which both begin."""
    if new.startswith(old):
        return len(old)
    lengths = range(1, min(len(old), len(new)) + 1)
    return bisect_left(lengths, True, key=lambda length: old[:length] != new[:length])
