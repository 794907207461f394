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


OF_NODES = {'workflow_started', 'node_started', 'node_finished'}
Frames = asyncio.Queue[Frame | Signal]


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
        self.nodes: list[Frame] = []  # that tell of nodes, so far
        self._queue: Frames = asyncio.Queue()
        self._queues = [self._queue]
        self._last = Signal.CUT  # unless the dialect comes to its end
        self.task = asyncio.create_task(self._produce(frames), name=f'demo answer {turn.task_id}')
        self.task.add_done_callback(lambda _: self._put(self._last))

    async def frames(self) -> AsyncGenerator[Frame | Signal, None]:
        """What was written, from the first frame on, and pings at their time.

        :raises ConnectionCut: the socket is to be closed here, as the scenario wants or because the demo ends
        """
        pinging = asyncio.create_task(self._pings(self._queue))
        cut = self.turn.scenario.cut if self.turn.outlives_streams else None
        words = 0
        try:
            while (frame := await self._queue.get()) is not Signal.END:
                if frame is Signal.CUT or (cut is not None and words >= cut):
                    raise ConnectionCut
                if isinstance(frame, dict) and not self._detached:
                    self._save(frame)
                yield frame
                words += isinstance(frame, dict) and bool(frame.get('answer'))
        finally:
            pinging.cancel()
            if self.turn.scenario.hang:
                self.task.cancel()

    async def rest(self) -> AsyncGenerator[bytes, None]:
        """What is written from now on, as it stands on the wire. From now on it is saved, whoever reads."""
        self._detached = True
        queue: Frames = asyncio.Queue()
        self._queues.append(queue)
        pinging = asyncio.create_task(self._pings(queue))
        try:
            while (frame := await queue.get()) is not Signal.END:
                if frame is Signal.CUT:
                    raise ConnectionCut
                yield _on_the_wire(frame)
        finally:
            pinging.cancel()
            self._queues.remove(queue)

    async def stream(self, hold: float = 0.0) -> AsyncGenerator[bytes, None]:
        """The frames as they stand on the wire. `hold`: seconds before the first one is let out."""
        await asyncio.sleep(hold)
        sent = 0
        async with contextlib.aclosing(self.frames()) as frames:
            async for frame in frames:
                yield _on_the_wire(frame)
                sent += 1
                if self.turn.scenario.garbage and sent % 3 == 0:
                    yield GARBAGE[sent // 3 % len(GARBAGE)]

    async def _produce(self, frames: AsyncIterator[Frame]) -> None:
        with contextlib.suppress(ConnectionCut):
            async for frame in frames:
                if self._detached:
                    self._save(frame)
                if frame['event'] in OF_NODES:
                    self.nodes.append(frame)
                self._put(frame)
            if self.turn.scenario.hang:
                await asyncio.Event().wait()  # until the reader leaves
            self._last = Signal.END

    def _put(self, frame: Frame | Signal) -> None:
        for queue in self._queues:
            queue.put_nowait(frame)

    async def _pings(self, queue: Frames) -> None:
        while True:
            await asyncio.sleep(self._ping)
            queue.put_nowait(Signal.PING)


def _on_the_wire(frame: Frame | Signal) -> bytes:
    return PING if isinstance(frame, Signal) else b'data: %b\n\n' % orjson.dumps(frame)
