"""Cuts a stream of bytes into events, however the network cut it, and never holds more than one of them.

Dify knows one form only, a line `data: {json}` and a blank one: it is taken as it is. What has another form is decoded
by httpx-sse. Lines end at LF, CRLF or CR and nowhere else: U+2028 and U+0085 are ordinary characters inside JSON.
"""

from collections.abc import Iterator

import httpx
from httpx_sse import EventSource

from webapp.upstream.limits import MAX_FRAME

BOM = b'\xef\xbb\xbf'
COMMENT, DATA = b':', b'data: '
EVENT_STREAM = {'Content-Type': 'text/event-stream; charset=utf-8'}


class Frames:
    """Gives the data of each event of a server-sent event stream; events without data (pings) give nothing.

    :param limit: bytes of one event; longer ones are dropped and counted in `skipped`
    """

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self.skipped = 0  # bytes
        self._limit = limit
        self._head: bytes | None = b''  # the first bytes, until we know that they are no byte order mark
        self._line = bytearray()  # begun, not ended
        self._is_too_long = False  # the begun line is being dropped
        self._after_cr = False
        self._event: list[bytes] = []  # lines of the event that has begun
        self._held = 0  # bytes in it

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of the events that end in `chunk`."""
        if self._head is not None:
            self._head += chunk
            if len(self._head) < len(BOM) and BOM.startswith(self._head):
                return []
            chunk, self._head = self._head.removeprefix(BOM), None
        return list(self._events(self._lines(chunk)))

    def close(self) -> list[bytes]:
        """The data of an event that lacks only its last line ends."""
        return self.feed(b'\n\n')

    def _lines(self, chunk: bytes) -> list[bytes]:
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b'\n')
            self._after_cr = False
        if b'\r' in chunk:
            self._after_cr = chunk.endswith(b'\r')
            chunk = chunk.replace(b'\r\n', b'\n').replace(b'\r', b'\n')
        *lines, rest = chunk.split(b'\n')
        if lines and (self._line or self._is_too_long):
            self._line += lines[0]
            self._measure()
            lines[0] = bytes(self._line)
            if self._is_too_long:
                del lines[0]
            self._line.clear()
            self._is_too_long = False
        self._line += rest
        self._measure()
        return lines

    def _measure(self) -> None:
        if self._is_too_long or len(self._line) > self._limit:
            self.skipped += len(self._line)
            self._line.clear()
            self._is_too_long = True

    def _events(self, lines: list[bytes]) -> Iterator[bytes]:
        for line in lines:
            if not line:
                event, self._event, self._held = self._event, [], 0
                yield from _data(event)
            elif not line.startswith(COMMENT):
                self._event.append(line)
                self._held += len(line)
                if self._held > self._limit:
                    self.skipped += self._held
                    self._event, self._held = [], 0


def _data(event: list[bytes]) -> Iterator[bytes]:
    if len(event) == 1 and event[0].startswith(DATA):
        if data := event[0][len(DATA) :]:
            yield data
    elif event:
        response = httpx.Response(200, headers=EVENT_STREAM, content=b'\n'.join([*event, b'', b'']))
        yield from (decoded.data.encode() for decoded in EventSource(response).iter_sse() if decoded.data)
