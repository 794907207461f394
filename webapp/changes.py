"""Tells a person's open pages that something in their list of conversations has changed."""

from weakref import WeakValueDictionary

from webapp.latest import Latest


class Changes:
    """One counter for each person who has a page open. Says that something changed, not what: pages read again."""

    def __init__(self) -> None:
        self._counters: WeakValueDictionary[str, Latest[int]] = WeakValueDictionary()

    def of(self, user_id: str) -> Latest[int]:
        """The person's counter. Keep a reference for as long as you watch."""
        counter = self._counters.get(user_id)
        if counter is None:
            counter = self._counters[user_id] = Latest(0)
        return counter

    def bump(self, user_id: str) -> None:
        counter = self._counters.get(user_id)
        if counter is not None:
            counter.set(counter.value + 1)
