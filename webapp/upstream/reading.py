"""Makes events from one answer's bytes, whatever upstream sends. No I/O here: bytes and the time in, events out."""

from collections.abc import Iterable, Iterator

from webapp.chat.events import Event, Reported, Started, TextCompleted, TextReplaced, Voiced
from webapp.chat.message import Failure
from webapp.chat.reducer import joined
from webapp.upstream.ending import Ending, Signal, Trouble
from webapp.upstream.faults import Faults
from webapp.upstream.frames import Frames
from webapp.upstream.limits import MAX_BAD_FRAMES, MAX_SKIPPED, MAX_TEXT, TimeLimits
from webapp.upstream.payload import Payload, parse
from webapp.upstream.stopwatch import Stopwatch
from webapp.upstream.wire import Said, Translator

LATE = Started | Reported | TextReplaced | TextCompleted | Voiced  # what may come after the end


class Reading:
    """One stream. What arrives together comes out together; exactly one event is an ending."""

    def __init__(
        self, faults: Faults, limits: TimeLimits, *, is_resumed: bool = False, expects_speech: bool = False
    ) -> None:
        self.failure: Failure | None = None  # why it makes no sense to read on
        self._frames = Frames()
        self._translator = Translator(faults, is_resumed=is_resumed)
        self._ending = Ending(limits, expects_speech=expects_speech)
        self._stopwatch = Stopwatch()
        self._bad_frames = 0  # in a row

    @property
    def close_at(self) -> float:
        """When to stop reading a stream that goes on after its end."""
        return self._ending.deadline

    def take(self, chunk: bytes, now: float) -> list[Event]:
        events = joined(self._events(self._frames.feed(chunk), now))
        if self._frames.skipped > MAX_SKIPPED:
            self._fail('frames of more than their size limit')
        return events

    def close(self, failure: Failure, now: float) -> list[Event]:
        """What the end of the stream, for the reason of `failure` or our own, makes of it."""
        last = [*self._events(self._frames.close(), now), *self._passed(self._translator.flush(), now)]
        return joined([*last, *self._ending.give_up(self.failure or failure)])

    def _events(self, frames: Iterable[bytes], now: float) -> Iterator[Event]:
        for frame in frames:
            for payload in self._payloads(frame):
                yield from self._passed(self._translator.feed(payload), now)
            if self._translator.size > MAX_TEXT:
                self._fail('more text than any answer has')
            if self.failure:
                return

    def _payloads(self, frame: bytes) -> Iterator[Payload]:
        payload = parse(frame)
        found = [payload] if payload is not None else []
        if payload is None and b'\n' in frame:  # frames that lack the blank line between them
            found = [payload for line in frame.split(b'\n') if (payload := parse(line)) is not None]
        self._bad_frames = 0 if found else self._bad_frames + 1
        if self._bad_frames > MAX_BAD_FRAMES:
            self._fail(f'{self._bad_frames} frames in a row that hold no JSON object')
        yield from found

    def _passed(self, said: Iterable[Said], now: float) -> Iterator[Event]:
        for item in said:
            if isinstance(item, Signal | Trouble):
                yield from self._ending.take(item, now)
            elif not self._ending.has_ended or isinstance(item, LATE):
                yield from self._stopwatch.time(item, now)

    def _fail(self, detail: str) -> None:
        self.failure = self.failure or Failure('stream_garbled', detail)
