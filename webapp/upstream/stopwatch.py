"""How long things took that upstream tells no time of: what was thought, and the tools of agents.

No clock here: the time comes with each event.
"""

from collections.abc import Iterator
from dataclasses import replace

from webapp.chat.events import (
    Event,
    FormChanged,
    ReasoningDelta,
    StepChanged,
    TextDelta,
    TextReplaced,
    Thought,
)
from webapp.chat.message import StepPart, StepState

MOMENT = 0.01  # seconds; what begins and ends within it was told late, and nobody knows how long it took
OVER = float('inf')


class Stopwatch:
    """Of one stream."""

    def __init__(self) -> None:
        self._thinking: float | None = None  # since when
        self._is_blind = False  # what is thought now had begun as words
        self._tools: dict[str, float] = {}  # since when, by step id

    def time(self, event: Event, now: float) -> Iterator[Event]:
        """The event, and what there is to say of the time."""
        match event:
            case ReasoningDelta():
                if self._thinking is None and not self._is_blind:
                    self._thinking = now
            case TextReplaced():
                self._thinking, self._is_blind = None, True
            case TextDelta() | StepChanged() | FormChanged():
                if self._thinking is not None and now - self._thinking > MOMENT:
                    yield Thought(now - self._thinking)
                self._thinking, self._is_blind = None, False
        yield StepChanged(self._timed(event.step, now)) if isinstance(event, StepChanged) else event

    def _timed(self, step: StepPart, now: float) -> StepPart:
        if step.is_node:
            return step
        began = self._tools.setdefault(step.id, now)
        if step.state not in {StepState.SUCCEEDED, StepState.FAILED}:
            return step
        self._tools[step.id] = OVER  # later copies know no better
        return replace(step, seconds=now - began) if now - began > MOMENT else step
