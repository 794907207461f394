"""The answers that are being written in this process."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from webapp.apps import App
from webapp.changes import Changes
from webapp.generations.generation import Generation
from webapp.latest import Latest


@dataclass(frozen=True, slots=True)
class Load:
    """Answers of one app."""

    running: int
    waiting: int  # in line


class Register:
    def __init__(self, changes: Changes) -> None:
        self.running: Latest[frozenset[str]] = Latest(frozenset())  # ids of conversations with a running answer
        self.ended = Latest(0)  # counts answers that have been kept for good
        self.is_closed = False  # no more are begun
        self._changes = changes
        self._live: dict[str, Generation] = {}  # by message id

    def of(self, message_id: str) -> Generation | None:
        return self._live.get(message_id)

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._live

    def of_person(self, user_id: str) -> list[Generation]:
        return [each for each in self._live.values() if each.user_id == user_id]

    def of_conversation(self, conversation_id: str) -> list[Generation]:
        return [each for each in self._live.values() if each.conversation.id == conversation_id]

    def loads(self, apps: Iterable[App]) -> dict[str, Load]:
        waiting, all_ = Counter[str](), Counter[str]()
        for generation in self._live.values():
            all_[generation.app.slug] += 1
            waiting[generation.app.slug] += generation.is_waiting
        return {app.slug: Load(all_[app.slug] - waiting[app.slug], waiting[app.slug]) for app in apps}

    def add(self, generation: Generation) -> None:
        self._live[generation.message.id] = generation
        self._publish(generation)

    def remove(self, generation: Generation) -> None:
        """It has its end: whoever watches it is told so."""
        self._live.pop(generation.message.id, None)
        generation.end()
        self.count_end()
        self._publish(generation)

    def count_end(self) -> None:
        self.ended.set(self.ended.value + 1)

    def _publish(self, generation: Generation) -> None:
        self.running.set(frozenset(each.conversation.id for each in self._live.values()))
        self._changes.bump(generation.user_id, generation.conversation.id)
