"""Charts as geometry: columns and lines on a plane of 1000 by 100, which a template draws and a page stretches."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

WIDTH, HEIGHT = 1000.0, 100.0
GAP = 0.25  # of a column's place
THINNEST = 0.75  # what is not nothing can be seen

Number = int | float | Decimal
Unit = Literal['number', 'price', 'seconds', 'share']


@dataclass(frozen=True, slots=True)
class Point:
    """What a chart shows of one day or month. A value that nobody knows is None."""

    label: str  # ISO 8601
    href: str
    values: tuple[Number | None, ...]


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    href: str
    x: float
    width: float
    bars: tuple[tuple[float, float], ...]  # y and height of each value, one above the other
    values: tuple[Number | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Columns whose values stand on each other, or lines, one for each value."""

    columns: tuple[Column, ...]
    lines: tuple[tuple[str, ...], ...]  # for each value, the `points` of its unbroken pieces
    top: Number
    unit: Unit
    names: tuple[str, ...]  # of the values
    currency: str = ''


def columns(points: Sequence[Point], unit: Unit, names: tuple[str, ...], currency: str = '') -> Chart:
    """Values on top of each other."""
    top = max((sum(value or 0 for value in point.values) for point in points), default=0)
    return Chart(tuple(_columns(points, float(top))), (), top, unit, names, currency)


def lines(points: Sequence[Point], unit: Unit, names: tuple[str, ...]) -> Chart:
    """Values beside each other, with gaps where there is none."""
    top = max((value for point in points for value in point.values if value is not None), default=0)
    place = WIDTH / max(1, len(points))
    drawn = []
    for index in range(len(names)):
        pieces: list[list[str]] = [[]]
        for number, point in enumerate(points):
            value = point.values[index]
            if value is None:
                pieces.append([])
            else:
                y = HEIGHT - HEIGHT * float(value) / float(top or 1)
                pieces[-1].append(f'{place * (number + 0.5):.1f},{y:.1f}')
        drawn.append(tuple(' '.join(_visible(piece)) for piece in pieces if piece))
    return Chart(tuple(_columns(points, 0)), tuple(drawn), top, unit, names)


def _columns(points: Sequence[Point], top: float) -> list[Column]:
    """Each as wide as its place allows. With `top` 0 they have no bars, only a place to point at."""
    place = WIDTH / max(1, len(points))
    width = place * (1 - GAP)
    found = []
    for number, point in enumerate(points):
        bars, y = [], HEIGHT
        for value in point.values if top else ():
            height = HEIGHT * float(value or 0) / top
            height = max(height, THINNEST) if value else 0.0
            y -= height
            bars.append((round(max(0.0, y), 2), round(height, 2)))
        x = place * number + place * GAP / 2
        found.append(Column(point.label, point.href, round(x, 2), round(width, 2), tuple(bars), point.values))
    return found


def _visible(piece: list[str]) -> list[str]:
    """A line of one point is a short dash."""
    if len(piece) > 1:
        return piece
    x, y = piece[0].split(',')
    return [f'{float(x) - 3:.1f},{y}', f'{float(x) + 3:.1f},{y}']
