"""Answers that upstream has read aloud unasked, while it wrote them: in memory, for those who listen now.

An app that speaks by itself sends its voice along with the words. It is paid for, so nobody asks for it a second time.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator

from webapp.latest import Latest

MOST_SOUND = 32 * 1024 * 1024  # bytes of all voices together
MOST_HELD = 500


class Voice:
    """One answer aloud, as it comes."""

    def __init__(self) -> None:
        self.size = 0  # bytes
        self.is_withdrawn = False  # it speaks words that the answer has no more
        self._sound: list[bytes] = []
        self._is_over = False
        self._news = Latest(0)

    def take(self, sound: bytes) -> None:
        if not self.is_withdrawn:
            self._sound.append(sound)
            self.size += len(sound)
            self._news.set(self._news.value + 1)

    def withdraw(self) -> None:
        self.is_withdrawn = True
        self._sound, self.size = [], 0
        self.end()

    def end(self) -> None:
        self._is_over = True
        self._news.set(self._news.value + 1)

    async def is_heard(self, within: float) -> bool:
        """Whether there is any sound, as soon as that is known; False if it is not, in so many seconds."""
        await self._news.after(0, within=within)
        return self.size > 0

    async def listen(self) -> AsyncIterator[bytes]:
        """All of it, from the beginning to the end."""
        at = 0
        while True:
            seen = self._news.value
            while at < len(self._sound):
                yield self._sound[at]
                at += 1
            if self._is_over:
                return
            await self._news.after(seen)


class Voices:
    def __init__(self) -> None:
        self._held: OrderedDict[str, Voice] = OrderedDict()  # by message id, the oldest first

    def of(self, message_id: str) -> Voice | None:
        """How an answer is spoken; None if upstream does not speak it, or did so too long ago."""
        voice = self._held.get(message_id)
        return None if voice is None or voice.is_withdrawn else voice

    def begin(self, message_id: str) -> None:
        """It is about to be spoken, or may be."""
        self._held[message_id] = Voice()
        self._make_room()

    def take(self, message_id: str, sound: bytes) -> None:
        """A piece of it; of one that has not begun, or was let go, nobody hears the rest."""
        voice = self._held.get(message_id)
        if voice is None:
            return
        voice.take(sound)
        if voice.size > MOST_SOUND:
            voice.withdraw()
        self._make_room()

    def withdraw(self, message_id: str) -> None:
        """What was said so far is not the answer any more, and what is still said neither."""
        if message_id in self._held:
            self._held[message_id].withdraw()

    def end(self, message_id: str) -> None:
        """No more will come; one that has said nothing is let go."""
        if voice := self._held.get(message_id):
            voice.end()
            if not voice.size and not voice.is_withdrawn:
                del self._held[message_id]

    def _make_room(self) -> None:
        while len(self._held) > 1 and self._exceeds():
            oldest = next(iter(self._held))
            self._held.pop(oldest).withdraw()

    def _exceeds(self) -> bool:
        return len(self._held) > MOST_HELD or sum(voice.size for voice in self._held.values()) > MOST_SOUND
