"""Brings one running answer onto one page."""

import asyncio
import contextlib

from webapp.chat.message import Status
from webapp.generations import Generation, Progress
from webapp.markdown import Seen
from webapp.ui import views
from webapp.ui.components.thread import MessageView, Thread
from webapp.ui.live import LiveAnswers
from webapp.ui.views import Reader

FASTEST = 0.08  # seconds between two flushes: half the cost of 0.05, and still even to the eye
SLOWEST = 1.0
SHARE = 5  # a flush may take this part of the time between two, and so may a stall of the loop


class Pace:
    """How often to flush: fast while that is cheap, slower when an answer is dear to render or the process is busy."""

    def __init__(self) -> None:
        self.seconds = FASTEST
        self._loop = asyncio.get_running_loop()
        self._lag = 0.0  # how late the loop was when it was last due

    def __call__(self) -> float:
        """Called when a pause begins."""
        self._loop.call_later(self.seconds, self._feel, self._loop.time() + self.seconds)
        return self.seconds

    def note(self, began: float) -> None:
        """Take in a flush that `began` then, on the loop's clock, and ends now."""
        cost = self._loop.time() - began
        wanted = max(FASTEST, SHARE * cost, SHARE * self._lag)
        self.seconds = min(SLOWEST, (self.seconds + wanted) / 2)

    def _feel(self, due: float) -> None:
        self._lag = self._loop.time() - due


class Following:
    """Follows a generation until it ends. The text goes out as patches, all else when it changes."""

    def __init__(self, thread: Thread, generation: Generation, answers: LiveAnswers, *, reader: Reader) -> None:
        self.generation = generation
        self.task: asyncio.Task[None] | None = None
        self._thread = thread
        self._answer = answers.of(generation)
        self._reader = reader
        self.send_again()

    def send_again(self) -> None:
        """The browser has lost what it had: begin anew with the next flush."""
        self._seen: Seen | None = None
        self._reasoning = 0  # UTF-16 units sent
        self._shown: MessageView | None = None

    async def run(self) -> None:
        pace = Pace()
        watch = self.generation.watch(pace=pace, sees=lambda: self._thread.client.has_socket_connection)
        async with contextlib.aclosing(watch) as newest:
            async for progress in newest:
                began = asyncio.get_running_loop().time()
                self.flush(progress)
                pace.note(began)
                if progress.reply.status is not Status.RUNNING:
                    await self._answer.finish(progress.reply)
                    self._flush_text(progress)

    def flush(self, progress: Progress) -> None:
        """Send what the page does not have yet."""
        self._flush_text(progress)
        self._flush_reasoning(progress.reply.reasoning)
        view = views.progress_view(self.generation.message, progress, reader=self._reader)
        if view != self._shown:
            self._thread.change(view)
            self._shown = view

    def _flush_text(self, progress: Progress) -> None:
        patch, self._seen = self._answer.patch(progress.reply, self._seen)
        if patch:
            self._thread.patch(self.generation.message.id, patch)

    def _flush_reasoning(self, reasoning: str) -> None:
        units = reasoning.encode('utf-16-le')
        if len(units) > 2 * self._reasoning:
            added = units[2 * self._reasoning :].decode('utf-16-le')
            self._thread.reason(self.generation.message.id, self._reasoning, added)
            self._reasoning = len(units) // 2
