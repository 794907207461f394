"""Tells a person's open pages which of their conversations have changed."""

from collections import OrderedDict
from collections.abc import Mapping
from weakref import WeakValueDictionary

from webapp.latest import Latest

REMEMBERED = 500  # conversations, for each person with a page open


class Changed:
    """Counts the changes of one person's conversations, and knows which one each was about."""

    def __init__(self) -> None:
        self._counter = Latest(0)
        self._when: OrderedDict[str, int] = OrderedDict()  # conversation id -> its last change, oldest first
        self._messages: dict[str, int] = {}  # the same, of its messages
        self._forgotten = 0  # up to here it is no longer known which they were

    @property
    def value(self) -> int:
        """How many there have been."""
        return self._counter.value

    async def after(self, seen: int) -> int:
        """Return the count as soon as it is not `seen`."""
        return await self._counter.after(seen)

    def since(self, seen: int) -> Mapping[str, bool] | None:
        """Return the conversations that have changed since the count was `seen`; None: any of them may have.

        :return: by id, whether messages of it have changed; else it was but its title, or whether it is read
        """
        if seen < self._forgotten:
            return None
        return {id: self._messages.get(id, 0) > seen for id, when in self._when.items() if when > seen}

    def note(self, conversation_id: str, *, messages: bool) -> None:
        count = self._counter.value + 1
        self._when[conversation_id] = count
        self._when.move_to_end(conversation_id)
        if messages:
            self._messages[conversation_id] = count
        if len(self._when) > REMEMBERED:
            oldest, self._forgotten = self._when.popitem(last=False)
            self._messages.pop(oldest, None)
        self._counter.set(count)


class Changes:
    """One `Changed` for each person who has a page open. Says what changed, not how: pages read it again."""

    def __init__(self) -> None:
        self._people: WeakValueDictionary[str, Changed] = WeakValueDictionary()

    def of(self, user_id: str) -> Changed:
        """The person's. Keep a reference for as long as you watch."""
        person = self._people.get(user_id)
        if person is None:
            person = self._people[user_id] = Changed()
        return person

    def bump(self, user_id: str, conversation_id: str, *, messages: bool = True) -> None:
        """Tell the person's pages.

        :param messages: `False` if it is but the title, or whether the conversation is read
        """
        person = self._people.get(user_id)
        if person is not None:
            person.note(conversation_id, messages=messages)
