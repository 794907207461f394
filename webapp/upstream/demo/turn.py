"""One turn while it is being answered: its names, its pace, and the tokens as the 'model' writes them."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from webapp.upstream.demo import usage, writer
from webapp.upstream.demo.model import Model
from webapp.upstream.demo.records import Conversation, Message
from webapp.upstream.demo.responses import ConnectionCut
from webapp.upstream.demo.scenario import FAILURES, Refusal, Scenario
from webapp.upstream.demo.usage import Spent
from webapp.upstream.demo.writer import Draft

Frame = dict[str, Any]
MIDDLE = 12  # tokens before something goes wrong in the middle, where the scenario does not say


class ModelFailed(Exception):
    """The model gave up in the middle of its answer."""

    def __init__(self, failure: Refusal) -> None:
        super().__init__(failure.message)
        self.failure = failure

    def as_run(self) -> Refusal:
        """The same as a chatflow reports it."""
        return Refusal(400, 'invalid_param', f'Run failed: {self.failure.message}')


@dataclass(slots=True)
class Turn:
    conversation: Conversation
    message: Message
    scenario: Scenario
    draft: Draft
    rate: float  # tokens per second; 0 is as fast as possible
    prompt: int  # tokens of everything the model was given
    base_url: str  # what signed URLs begin with
    model: Model | None = None  # who answers, at a price that nobody told us; None: the draft is what is said
    dialogue_count: int = 1
    task_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    pieces: list[str] = field(default_factory=list)  # of the answer, as far as it was written
    written: int = 0  # tokens
    thoughts: list[Frame] = field(default_factory=list)  # an agent's, as history shows them
    made: list[Frame] = field(default_factory=list)  # files of the assistant's, as they are put on record
    started: float = field(default_factory=time.monotonic)
    first: float | None = None  # seconds until the first token

    @property
    def stopped(self) -> bool:
        return self.stopping.is_set()

    @property
    def outlives_streams(self) -> bool:
        """Whether it is a run of its own, that goes on when its stream is cut."""
        return self.scenario.mode == 'advanced-chat'

    @property
    def text(self) -> str:
        return ''.join(self.pieces)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    @property
    def saved_text(self) -> str:
        """The answer as history has it: an agent's rounds are set apart by a line break that was never streamed."""
        if self.stopped:
            return self.text.rstrip()
        if self.scenario.mode == 'agent':
            return self.text
        return '\n'.join(thought['thought'] for thought in self.thoughts) or self.text

    @property
    def common(self) -> Frame:
        return {
            'conversation_id': self.conversation.id,
            'message_id': self.message.id,
            'created_at': self.message.created_at,
            'task_id': self.task_id,
        }

    def frame(self, event: str, **more: Any) -> Frame:
        return {'event': event, **self.common, **more}

    def error(self, failure: Refusal) -> Frame:
        """Error events name no task; newer servers' bare ones nothing at all."""
        if not failure.code:
            return {'event': 'error', 'message': failure.message, 'status': failure.status}
        common = {name: value for name, value in self.common.items() if name != 'task_id'}
        return {'event': 'error', **common, 'code': failure.code, 'status': failure.status, 'message': failure.message}

    def end(self, usage: Frame, files: list[Frame] | None = None) -> Frame:
        sources = [] if self.stopped else writer.resources(self.draft.passages)
        metadata = {'annotation_reply': None, 'retriever_resources': sources, 'usage': usage}
        return self.frame('message_end', id=self.message.id, metadata=metadata, files=files)

    def spent(self) -> Spent:
        """A stopped answer reports zeros, and so does one that is told to."""
        if self.stopped:
            return Spent(latency=self.elapsed, is_priced=self.model is None)
        if self.scenario.no_usage:
            return Spent(latency=self.elapsed, first=self.first)
        return Spent(self.prompt, self.written, self.elapsed, self.first, is_priced=self.model is None)

    async def write(self) -> AsyncIterator[Frame]:
        """The model at work: frames to send, without their dialect: `{'answer': delta}` or `{'replaced': text}`.

        Each token is due at its own time, so that one late token does not delay the next.

        :raises ModelFailed: as the scenario asks
        :raises ConnectionCut: likewise
        """
        scenario, pieces = self.scenario, self.draft.tokens
        middle = min(MIDDLE, max(1, len(pieces) // 2))
        await self.pause(scenario.slow)
        if scenario.failure == 'first':
            raise ModelFailed(FAILURES['first'])
        due = time.monotonic()
        for index, piece in enumerate(pieces):
            if index == middle and scenario.silent:
                await self.pause(scenario.silent)
                due = time.monotonic() - index * self._step
            if index == middle and scenario.failure:
                raise ModelFailed(FAILURES[scenario.failure])
            if index == scenario.cut and not self.outlives_streams:
                raise ConnectionCut
            await self._until(due + index * self._step)
            if self.stopped:
                return
            if index == middle and scenario.replace:
                self.pieces = [writer.WITHDRAWN]
                yield {'replaced': writer.WITHDRAWN}
                for early in pieces[:middle]:
                    yield self.put(early)
            yield self.put(piece)
        if scenario.failure:
            raise ModelFailed(FAILURES[scenario.failure])
        if scenario.cut is not None and not self.outlives_streams:
            raise ConnectionCut

    async def say(self, text: str) -> AsyncIterator[Frame]:
        """Words beside the draft, at the same pace: an agent's remarks between its tools."""
        due = time.monotonic()
        for index, piece in enumerate(usage.tokens(text)):
            await self._until(due + index * self._step)
            if self.stopped:
                return
            yield self.put(piece)

    async def pause(self, seconds: float) -> None:
        """Do nothing, until `seconds` have passed or the answer is stopped."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stopping.wait()

    @property
    def _step(self) -> float:
        return 1 / self.rate if self.rate else 0.0

    async def _until(self, due: float) -> None:
        wait = due - time.monotonic()
        if wait > 0.1:
            await self.pause(wait)
        elif wait > 0.001:
            await asyncio.sleep(wait)
        elif not self.written % 64:
            await asyncio.sleep(0)  # a fast answer leaves room for others

    def put(self, piece: str) -> Frame:
        """Add `piece` to the answer. :return: the frame to send, without its dialect"""
        if self.first is None:
            self.first = self.elapsed
        self.pieces.append(piece)
        self.written += 1
        return {'answer': piece}
