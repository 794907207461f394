"""How long answers took, as counts in spans of time: percentiles of millions without reading each.

A span is 2**(1/4) times as long as the one before it, so what is read back is off by at most 10 %.
"""

import math
from collections.abc import Mapping
from typing import Literal

Measure = Literal['latency', 'first_token']  # from the question to the last word, to the first one

SHORTEST = 10.0  # milliseconds; all that is faster counts alike
SPANS = 4  # in which the time doubles
LAST = 80  # spans: three hours


def bucket(milliseconds: int) -> int:
    """The number of the span that `milliseconds` ends in."""
    return min(LAST, max(0, math.ceil(SPANS * math.log2(max(1, milliseconds) / SHORTEST))))


def percentile(counts: Mapping[int, int], share: float) -> int | None:
    """The time in which this share of the answers was there, in milliseconds; None without an answer.

    :param counts: answers by bucket
    """
    missing = share * sum(counts.values())
    for number in sorted(counts):
        missing -= counts[number]
        if missing <= 0 < counts[number]:
            return round(SHORTEST * 2 ** ((number - 0.5) / SPANS))
    return None
