"""What was kept of a person's conversations, as much at once as a browser shows at once."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from webapp.belongings import Belongings
from webapp.chat.message import Status
from webapp.principal import Principal
from webapp.services import Services
from webapp.store import messages
from webapp.store.messages import Message
from webapp.ui.components.turn import EXCERPT
from webapp.ui.kept import KeptAnswers

MESSAGES = 30  # at once
CHARACTERS = 200_000  # at once, more or less: a browser that is given more shows nothing for seconds


@dataclass(frozen=True, slots=True)
class Page:
    """Messages that follow one another, the oldest one first, and their answers as HTML."""

    messages: list[Message] = field(default_factory=list)
    html: dict[str, str] = field(default_factory=dict)  # by message id
    more: bool = False  # there may be older ones


class History:
    """Reads one person's messages.

    :param who: tells who they are now: what is open to them may change while a page is
    """

    def __init__(self, services: Services, kept: KeptAnswers, who: Callable[[], Principal]) -> None:
        self._services = services
        self._belongings = Belongings(services.store, services.apps)
        self._kept = kept
        self._who = who

    async def message(self, message_id: str) -> Message:
        """As it stands now: while it is being written, its row is a second or two behind.

        :raises NotFound: there is none, it is somebody else's, or its app is closed to them
        """
        generation = self._services.generations.of(message_id)
        message = await self._belongings.message(self._who(), message_id)
        return replace(message, reply=generation.reply) if generation else message

    async def newest(self, conversation_id: str, before: int | None = None) -> list[Message]:
        """The last messages of a conversation, or the last ones before a number; oldest first, at most `MESSAGES`.

        :raises NotFound: no such conversation of this person's
        """
        return await self._services.store.read(
            messages.history,
            user_id=self._who().user_id,
            conversation_id=conversation_id,
            before=before,
            limit=MESSAGES,
        )

    async def page(self, conversation_id: str, before: int | None = None) -> Page:
        """The same, ready to be shown, and not more of them than a browser takes well.

        :raises NotFound: no such conversation of this person's
        """
        newest = await self.newest(conversation_id, before)
        some = fitting(newest)
        more = bool(some) and some[0].parent > 0 and (len(some) < len(newest) or len(newest) == MESSAGES)
        return Page(some, {message.id: await self.html(message) for message in some}, more)

    async def html(self, message: Message) -> str:
        """The text of an answer; '' for one that is being written, because that comes as patches."""
        is_written = message.reply.status is Status.RUNNING and self._services.generations.of(message.id)
        return '' if is_written else await self._kept.html(message)


def fitting(newest: list[Message]) -> list[Message]:
    """As many of the last ones as have room, and at least one."""
    room, first = CHARACTERS, len(newest)
    while first and (first == len(newest) or room >= length(newest[first - 1])):
        first -= 1
        room -= length(newest[first])
    return newest[first:]


def length(message: Message) -> int:
    """Characters that travel."""
    reply = message.reply
    steps = sum(len(step.input) + len(step.output) for step in reply.steps)
    return min(len(message.query), EXCERPT) + len(reply.text) + len(reply.reasoning) + steps
