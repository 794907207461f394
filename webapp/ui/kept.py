"""Answers that have been written, as HTML: rendered beside the event loop, and the latest ones remembered."""

import asyncio
from collections import OrderedDict

from webapp import markdown
from webapp.store.messages import Message
from webapp.ui.live import scope

CAPACITY = 4_000_000  # characters of HTML, for all pages of this process together
AT_ONCE = 2  # more threads would only take the interpreter from the event loop


class KeptAnswers:
    """Renders the text of kept messages. A text that changes is another text; nothing has to be invalidated."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._html: OrderedDict[tuple[str, int], str] = OrderedDict()  # the one that was wanted last is at the end
        self._size = 0
        self._threads = asyncio.Semaphore(AT_ONCE)

    async def html(self, message: Message) -> str:
        """The answer as it was kept, as `webapp.markdown.render` makes it; of one that has asked, what came after."""
        text = message.reply.sections[-1].text
        if not text:
            return ''
        key = (message.id, hash(text))
        async with self._threads:
            html = self._html.get(key)
            if html is None:
                html = await asyncio.to_thread(markdown.render, text, scope=scope(message.id))
        self._remember(key, html)
        return html

    def _remember(self, key: tuple[str, int], html: str) -> None:
        self._size += len(html) - len(self._html.pop(key, ''))
        self._html[key] = html
        while self._size > self._capacity:
            _, oldest = self._html.popitem(last=False)
            self._size -= len(oldest)
