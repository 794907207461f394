"""One running answer. As in Dify, a producer of its own writes it, and whoever reads the stream may leave."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from enum import Enum

import orjson

from webapp.upstream.demo.responses import ConnectionCut
from webapp.upstream.demo.turn import Frame, Turn

PING = b'event: ping\n\n'
# What a broken proxy or server may put between good frames; none of it says anything.
GARBAGE = (
    b'data: {"event": "message", "answer": \n\n',
    b': a comment\n\n',
    b'data: [1, 2, 3]\n\n',
    b'data: \xff\xfe not text\n\n',
    b'data: {"event": "from_the_future", "answer": 17}\n\n',
    b'event: odd\nid: 7\nretry: 10\ndata: null\n\n',
    b'nonsense without a colon\n\n',
    b'data: {"event": "message", "answer": null}\n\n',
)


Save = Callable[[Frame], None]


class Signal(Enum):
    PING = 'ping'
    CUT = 'cut'
    END = 'end'


class Generation:
    def __init__(
        self, turn: Turn, frames: AsyncIterator[Frame], *, ping: float, save: Save, detached: bool = False
    ) -> None:
        """Start writing.

        :param frames: the dialect's stream
        :param ping: seconds between two pings
        :param save: called with each frame before it is sent
        :param detached: save as the frames are written, whether or not anybody reads them
        """
        self.turn = turn
        self._ping = ping
        self._save = save
        self._detached = detached
        self._queue: asyncio.Queue[Frame | Signal] = asyncio.Queue()
        self._last = Signal.CUT  # unless the dialect comes to its end
        self.task = asyncio.create_task(self._produce(frames), name=f'demo answer {turn.task_id}')
        self.task.add_done_callback(lambda _: self._queue.put_nowait(self._last))

    async def frames(self) -> AsyncGenerator[Frame | Signal, None]:
        """What was written, from the first frame on, and pings at their time.

        :raises ConnectionCut: the socket is to be closed here, as the scenario wants or because the demo ends
        """
        pinging = asyncio.create_task(self._pings())
        try:
            while (frame := await self._queue.get()) is not Signal.END:
                if frame is Signal.CUT:
                    raise ConnectionCut
                if isinstance(frame, dict) and not self._detached:
                    self._save(frame)
                yield frame
        finally:
            pinging.cancel()
            if self.turn.scenario.hang:
                self.task.cancel()

    async def stream(self, hold: float = 0.0) -> AsyncGenerator[bytes, None]:
        """The frames as they stand on the wire. `hold`: seconds before the first one is let out."""
        await asyncio.sleep(hold)
        sent = 0
        async with contextlib.aclosing(self.frames()) as frames:
            async for frame in frames:
                yield PING if isinstance(frame, Signal) else b'data: %b\n\n' % orjson.dumps(frame)
                sent += 1
                if self.turn.scenario.garbage and sent % 3 == 0:
                    yield GARBAGE[sent // 3 % len(GARBAGE)]

    async def _produce(self, frames: AsyncIterator[Frame]) -> None:
        with contextlib.suppress(ConnectionCut):
            async for frame in frames:
                if self._detached:
                    self._save(frame)
                self._queue.put_nowait(frame)
            if self.turn.scenario.hang:
                await asyncio.Event().wait()  # until the reader leaves
            self._last = Signal.END

    async def _pings(self) -> None:
        while True:
            await asyncio.sleep(self._ping)
            self._queue.put_nowait(Signal.PING)
