"""Figures as one Markdown table, with the ratios and growth that matter more than the figures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

UNKNOWN = '–'


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement on all pages; None where a page has no such thing.

    :param ratio_to: which of the bare pages ours is compared with
    """

    what: str
    stream: float | None = None
    blocks: float | None = None
    ours: float | None = None
    ratio_to: str = ''
    must: str = ''

    @property
    def ratio(self) -> float | None:
        other = {'stream': self.stream, 'blocks': self.blocks, '': None}[self.ratio_to]
        return self.ours / other if self.ours is not None and other else None


def exponent(small: tuple[float, float | None], large: tuple[float, float | None]) -> float | None:
    """How cost grows with length, from two (length, cost): 1 is in proportion, 2 with the square."""
    if not small[1] or not large[1] or min(small[1], large[1]) < 0:
        return None
    return math.log(large[1] / small[1]) / math.log(large[0] / small[0])


def figure(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f'{value:,.0f}' if abs(value) >= 100 else f'{value:.1f}' if abs(value) >= 10 else f'{value:.2f}'


def markdown(rows: Sequence[Row]) -> str:
    head = ['', 'bare stream', 'bare blocks', 'ours', 'ratio', 'must']
    body = [[row.what, *map(figure, (row.stream, row.blocks, row.ours)), figure(row.ratio), row.must] for row in rows]
    lines = [head, ['---', *['---:'] * 4, '---'], *body]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)
