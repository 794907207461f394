"""One answer being written, as pages watch it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from enum import StrEnum

from webapp.apps import App
from webapp.chat.events import Event, ReasoningDelta, Started, StepChanged, Stopped, TextDelta
from webapp.chat.message import Reply, Status
from webapp.chat.reducer import joined, replay
from webapp.latest import Latest, Pace, at_once
from webapp.store.conversations import Conversation
from webapp.store.leftovers import Leftover
from webapp.store.messages import Begun, Message

DRAIN_SECONDS = 10.0  # how long a stopped stream may take to end by itself


class Phase(StrEnum):
    """What a running answer waits for."""

    QUEUED = 'queued'
    CONNECTING = 'connecting'
    STREAMING = 'streaming'


@dataclass(frozen=True, slots=True)
class Progress:
    """What pages watch."""

    reply: Reply
    phase: Phase
    place: int = 0  # in line, from 1 on, while queued


@dataclass(frozen=True, slots=True)
class GoingOn:
    """Why an answer is written that was begun before: its run has gone on.

    :ivar was_broken: its stream had broken off; else it waited for a person
    :ivar catch_up: somebody else has made it go on, so its steps since then are to be heard, too
    """

    was_broken: bool = False
    catch_up: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """An answer has come to its end, for those who count."""

    app: str
    outcome: Status
    seconds: float | None = None  # from the question to the end; None if nobody knows
    first_token_seconds: float | None = None  # None if there was none


class Generation:
    """One answer being written.

    :param goes_on: why, if it was begun before; None if its question is to be sent
    """

    def __init__(self, begun: Begun, app: App, *, user_id: str, dify_user: str, goes_on: GoingOn | None = None) -> None:
        self.user_id = user_id
        self.dify_user = dify_user
        self.app = app
        self.goes_on = goes_on
        self.conversation: Conversation = begun.conversation
        self.message: Message = begun.message
        self.task: asyncio.Task[None] | None = None  # sees it to its end and is only cancelled at shutdown
        self.work: asyncio.Task[None] | None = None  # waits in line and reads upstream
        self.stopping = asyncio.Event()  # upstream is to be told
        self.released = asyncio.Event()  # the row gets its end now, whatever the stream may still report
        self.named = asyncio.Event()  # upstream has told the id of its task
        self.has_ended = False
        self._audience: list[Callable[[], bool]] = []  # whether each of the watchers sees what it is told
        self.first_token_ms: int | None = None
        self._began = time.monotonic()
        self._reply = begun.message.reply
        if self._reply.task_id:
            self.named.set()
        self._pending: list[Event] = []
        self._phase, self._place = Phase.QUEUED, 0
        self._changed = Latest(0)

    @property
    def progress(self) -> Progress:
        return Progress(self.reply, self._phase, self._place)

    @property
    def reply(self) -> Reply:
        """The reply as it stands now. Events are folded when somebody looks: most deltas are never seen alone."""
        if self._pending:
            self._reply = replay(joined(self._pending), self._reply)
            self._pending = []
        return self._reply

    @property
    def elapsed_ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)

    @property
    def is_waiting(self) -> bool:
        """Whether it stands in line still."""
        return self._phase is Phase.QUEUED

    @property
    def had_to_wait(self) -> bool:
        """Whether it stands in line still, and others were there before it."""
        return self.is_waiting and self._place > 0

    @property
    def is_seen(self) -> bool:
        """Whether somebody sees it now."""
        return any(sees() for sees in self._audience)

    async def watch(
        self, *, pace: Pace = at_once, sees: Callable[[], bool] = lambda: True
    ) -> AsyncGenerator[Progress, None]:
        """Yield the progress now and then the newest, at most every `pace()` seconds. Ends with the generation.

        The first words and the end do not wait for the pace.

        :param sees: whether somebody sees now what is yielded: a page may have lost its browser
        """
        self._audience.append(sees)
        try:
            async with contextlib.aclosing(self._changed.watch(pace=pace)) as changes:
                async for _ in changes:
                    ended = self.has_ended
                    yield self.progress
                    if ended:
                        return
        finally:
            self._audience.remove(sees)

    def feed(self, event: Event) -> None:
        if isinstance(event, Started) and event.task_id:
            self.named.set()
        ordinary = isinstance(event, TextDelta | ReasoningDelta | StepChanged)
        if ordinary and self.first_token_ms is None and isinstance(event, TextDelta):
            self.first_token_ms = self.elapsed_ms
            ordinary = False
        self._pending.append(event)
        self._phase = Phase.STREAMING
        self._wake(urgent=not ordinary)

    def queue(self, place: int) -> None:
        self._phase, self._place = Phase.QUEUED, place
        self._wake()

    def connect(self) -> None:
        self._phase, self._place = Phase.CONNECTING, 0
        self._wake()

    def _wake(self, *, urgent: bool = False) -> None:
        self._changed.set(self._changed.value + 1, urgent=urgent)

    def stop(self) -> None:
        """Its words so far stay, and upstream is told. One that has its end already is left alone."""
        if self.reply.status.is_final:
            return
        waits_in_line = self.is_waiting
        self.feed(Stopped())
        self.stopping.set()
        self.released.set()
        if waits_in_line and self.work:
            self.work.cancel()

    async def over(self) -> None:
        """Wait until it is kept for good, but no longer than that may take."""
        if self.task:
            await asyncio.wait({self.task}, timeout=DRAIN_SECONDS + 5)

    def left(self, reply: Reply) -> Leftover:
        """What there is to repair, should it have broken off with `reply`."""
        return Leftover(
            message_id=self.message.id,
            conversation_id=self.conversation.id,
            user_id=self.user_id,
            dify_user=self.dify_user,
            app=self.conversation.app,
            upstream_id=self.message.upstream_id,
            reply=reply,
        )

    def end(self) -> None:
        """Tell the watchers that nothing more will come: the store holds the final row."""
        self.has_ended = True
        self._wake(urgent=True)
