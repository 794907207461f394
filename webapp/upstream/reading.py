"""Reads one answer's stream to its end, whatever upstream and the network do on the way."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing

import httpx

from webapp.chat.events import Event, Reported, Started, TextReplaced
from webapp.chat.message import Failure
from webapp.upstream.ending import Ending, Signal, Trouble
from webapp.upstream.faults import Faults
from webapp.upstream.frames import Frames
from webapp.upstream.limits import MAX_BAD_FRAMES, MAX_SKIPPED, MAX_TEXT, TimeLimits
from webapp.upstream.payload import Payload, parse
from webapp.upstream.watchdog import Watchdog
from webapp.upstream.wire import Said, Translator, joined


async def read(
    body: AsyncGenerator[bytes, None], faults: Faults, limits: TimeLimits, *, deadline: float, is_resumed: bool = False
) -> AsyncGenerator[Event, None]:
    """Yield what `body` says, with exactly one ending; what arrives together is yielded together.

    :param deadline: of all, on the loop's clock
    """
    clock = asyncio.get_running_loop().time
    reading = Reading(faults, limits, is_resumed=is_resumed)
    failure = Failure('stream_cut')
    watchdog = Watchdog()
    async with aclosing(body):
        while not reading.failure:
            close_at = min(deadline, reading.close_at)
            try:
                chunk = await watchdog.wait(anext(body, b''), min(close_at, clock() + limits.silence))
            except TimeoutError:
                failure = Failure('took_too_long' if clock() >= deadline else 'stream_silent')
                break
            except httpx.HTTPError as error:
                failure = Failure('stream_cut', faults.unreachable(error).detail)
                break
            if not chunk:
                break
            for event in reading.take(chunk, clock()):
                yield event
            if clock() >= close_at or clock() >= reading.close_at:  # also when bytes never stop coming
                failure = Failure('took_too_long')
                break
    watchdog.close()
    for event in reading.close(failure, clock()):
        yield event


class Reading:
    """The part without I/O: bytes and the time in, events out."""

    def __init__(self, faults: Faults, limits: TimeLimits, *, is_resumed: bool = False) -> None:
        self.failure: Failure | None = None  # why it makes no sense to read on
        self._frames = Frames()
        self._translator = Translator(faults, is_resumed=is_resumed)
        self._ending = Ending(limits)
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
            elif not self._ending.has_ended or isinstance(item, Started | Reported | TextReplaced):
                yield item

    def _fail(self, detail: str) -> None:
        self.failure = self.failure or Failure('stream_garbled', detail)
