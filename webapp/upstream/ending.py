"""When an answer is over, and when its stream is: a pure state machine over what upstream said and the time.

Dify has no single last event. `message_end` and `workflow_finished` come in either order or one of them not at all, the
failure of a workflow may be told again in better words, speech may follow, and some versions never close. So the reply
ends at the first word of an end, and the stream a little later.
"""

from dataclasses import dataclass
from enum import Enum, auto

from webapp.chat.events import Event, Failed, Finished, Interrupted, Paused, Stopped
from webapp.chat.message import Failure
from webapp.upstream.limits import TimeLimits


class Signal(Enum):
    """What a stream says of its own course."""

    RUN_STARTED = auto()  # it is a workflow's stream: two ends are to be expected
    MESSAGE_ENDED = auto()
    RUN_SUCCEEDED = auto()
    RUN_STOPPED = auto()
    RUN_PAUSED = auto()
    SPEAKING = auto()  # a piece of the answer, aloud
    SPOKEN = auto()  # the last one


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failure that upstream told of. A provisional one may be followed by the same in better words."""

    failure: Failure
    is_provisional: bool = False


class Ending:
    """Turns signals into exactly one ending event. Times are seconds on any clock that only goes forward.

    :param expects_speech: the app reads its answers aloud, and may begin to do so after their end
    """

    def __init__(self, limits: TimeLimits, *, expects_speech: bool = False) -> None:
        self.has_ended = False  # the ending event is out
        self._limits = limits
        self._end_at = float('inf')
        self._expects_speech = expects_speech
        self._speech_until = 0.0
        self._is_run = False
        self._seen: set[Signal] = set()
        self._trouble: Failure | None = None  # provisional

    @property
    def deadline(self) -> float:
        """When to close a stream that does not end by itself."""
        return max(self._end_at, self._speech_until)

    def take(self, said: Signal | Trouble, now: float) -> list[Event]:
        """The ending event if this is the end, else nothing."""
        if isinstance(said, Trouble):
            return self._fail(said, now)
        if said in {Signal.SPEAKING, Signal.SPOKEN}:
            self._expects_speech = said is Signal.SPEAKING
            self._wait_for_speech(now)
            return []
        self._seen.add(said)
        self._is_run |= said is not Signal.MESSAGE_ENDED
        match said:
            case Signal.RUN_STARTED:
                return []
            case Signal.RUN_PAUSED:
                self._expects_speech = False
                self._close_at(now, 0)
                return self._end(Paused())
            case Signal.RUN_STOPPED:
                self._wait_for_rest(now)
                return self._end(Stopped())
            case Signal.MESSAGE_ENDED | Signal.RUN_SUCCEEDED:
                self._wait_for_rest(now)
                return [] if self._trouble else self._end(Finished())

    def give_up(self, failure: Failure) -> list[Event]:
        """The stream is over, by itself or because `failure` made us close it."""
        if self._trouble:
            return self._end(Failed(self._trouble))
        return self._end(Interrupted(failure))

    def _fail(self, trouble: Trouble, now: float) -> list[Event]:
        self._expects_speech = False
        self._close_at(now, self._limits.after_error)
        if not trouble.is_provisional:
            return self._end(Failed(trouble.failure))
        self._trouble = self._trouble or trouble.failure
        return []

    def _wait_for_rest(self, now: float) -> None:
        expected = {Signal.MESSAGE_ENDED, Signal.RUN_SUCCEEDED} if self._is_run else {Signal.MESSAGE_ENDED}
        seen = {Signal.RUN_SUCCEEDED if signal is Signal.RUN_STOPPED else signal for signal in self._seen}
        is_whole = expected <= seen
        self._close_at(now, self._limits.after_end if is_whole else self._limits.after_half_end)

    def _close_at(self, now: float, after: float) -> None:
        self._end_at = min(self._end_at, now + after)
        self._wait_for_speech(now)

    def _wait_for_speech(self, now: float) -> None:
        self._speech_until = now + self._limits.speech if self._expects_speech else 0.0

    def _end(self, event: Event) -> list[Event]:
        if self.has_ended:
            return []
        self.has_ended = True
        return [event]
