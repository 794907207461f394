"""How many people without a login may come from one address."""

import time
from collections import OrderedDict
from collections.abc import Callable

PER_MINUTE = 60  # a class or an office behind one address
ADDRESSES = 10_000  # remembered at once


class Arrivals:
    """A bucket of tokens for each address; guests cost a row each, and rows must not be had for nothing."""

    def __init__(self, *, per_minute: int = PER_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # address -> tokens, and when

    def admit(self, address: str) -> bool:
        """Whether one more may come in now; counts them."""
        now = self._clock()
        tokens, then = self._buckets.pop(address, (float(self._per_minute), now))
        tokens = min(self._per_minute, tokens + (now - then) * self._per_minute / 60)
        admitted = tokens >= 1
        self._buckets[address] = (tokens - admitted, now)
        if len(self._buckets) > ADDRESSES:
            self._buckets.popitem(last=False)
        return admitted
