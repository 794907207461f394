"""Answers that are being written, as HTML that grows: rendered once, however many pages watch."""

import asyncio
from weakref import WeakValueDictionary

from webapp.chat.message import Reply
from webapp.generations import Generation
from webapp.markdown import LiveDocument, Patch, Seen


class LiveAnswer:
    """The text of one generation as a document, from the last thing that was asked in it on.

    Kept alive by the pages that follow it; several may ask the same.
    """

    def __init__(self, message_id: str) -> None:
        self._document = LiveDocument(scope=scope(message_id))
        self._text = ''
        self._finished: str | None = None  # the final text, once there is one; moderation may still withdraw it
        self._finishing: asyncio.Task[None] | None = None

    def patch(self, reply: Reply, seen: Seen | None) -> tuple[Patch, Seen]:
        """What takes a page that has `seen` to the text of `reply`; empty if there is nothing new."""
        text = reply.sections[-1].text
        if text != self._text and self._finished is None:
            self._document.update(text)
            self._text = text
        return self._document.patch(seen)

    async def finish(self, reply: Reply) -> None:
        """Render the whole once, in a thread: a long answer takes a while, and others are being written."""
        text = reply.sections[-1].text
        if text != self._finished:
            self._finished = text
            self._finishing = asyncio.create_task(self._render(text, after=self._finishing))
        if self._finishing:
            await asyncio.shield(self._finishing)  # a page that goes away leaves it to the others

    async def _render(self, text: str, after: asyncio.Task[None] | None) -> None:
        if after:
            await after
        await asyncio.to_thread(self._document.finish, text)


class LiveAnswers:
    """The live answers of this process. One that goes on after a person was asked begins anew."""

    def __init__(self) -> None:
        self._answers: WeakValueDictionary[Generation, LiveAnswer] = WeakValueDictionary()

    def of(self, generation: Generation) -> LiveAnswer:
        answer = self._answers.get(generation)
        if answer is None:
            answer = self._answers[generation] = LiveAnswer(generation.message.id)
        return answer


def scope(message_id: str) -> str:
    """Prefix of the ids within one message's HTML, so that footnotes of two messages never meet."""
    return f'm{message_id[:12]}-'
