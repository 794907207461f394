"""Questions that a person might ask next: asked for once, when an answer is complete, and held in memory.

They are a courtesy: nobody waits for them, and nobody hears of it when there are none.
"""

import logging
from collections import OrderedDict

from webapp.apps import App
from webapp.background import Tasks
from webapp.changes import Changes
from webapp.errors import UpstreamError

logger = logging.getLogger(__name__)

HELD = 2000  # answers; one that is not the last of its conversation is never looked up again
MOST = 5  # questions
LONGEST = 300  # characters of one


class Suggestions:
    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._held: OrderedDict[str, tuple[str, ...]] = OrderedDict()  # by message id, the oldest first
        self._tasks = Tasks()

    def of(self, message_id: str) -> tuple[str, ...]:
        """What might be asked after an answer; nothing while it is not known."""
        return self._held.get(message_id, ())

    def begin(
        self, app: App, *, message_id: str, upstream_id: str, conversation_id: str, user_id: str, dify_user: str
    ) -> None:
        """Ask for them in the background, if the app has said that it has some, and tell the person's pages.

        :param upstream_id: of the message
        """
        suggests = app.known is not None and app.known.parameters.suggests_after_answer
        if not suggests or not upstream_id or message_id in self._held:
            return

        async def ask() -> None:
            try:
                found = await app.client.suggested(upstream_id, user=dify_user)
            except UpstreamError as error:
                logger.debug('answer %s: no suggestions: %s', message_id, error)
                return
            questions = dict.fromkeys(text.strip() for text in found)
            self._hold(message_id, tuple(text for text in questions if 0 < len(text) <= LONGEST)[:MOST])
            self._changes.bump(user_id, conversation_id, messages=False)

        self._hold(message_id, ())
        self._tasks.start(ask())

    async def close(self) -> None:
        await self._tasks.close()

    def _hold(self, message_id: str, questions: tuple[str, ...]) -> None:
        self._held[message_id] = questions
        while len(self._held) > HELD:
            self._held.popitem(last=False)
