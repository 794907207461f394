"""A ZIP file that is sent while it is written: no more of it is ever held than what one block of it becomes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo


class Zipped:
    """:param moment: stands at each file in it"""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment.timetuple()[:6]
        self._sink = _Sink()
        self._zip = ZipFile(self._sink, 'w')

    async def add(self, name: str, blocks: AsyncIterator[bytes], *, packs: bool = True) -> AsyncIterator[bytes]:
        """Add a file; what of the ZIP there is by it.

        :param packs: whether it is worth packing: images and films have been
        """
        info = ZipInfo(name, self._moment)
        info.compress_type = ZIP_DEFLATED if packs else ZIP_STORED
        info.external_attr = 0o600 << 16
        with self._zip.open(info, 'w', force_zip64=True) as member:
            async for block in blocks:
                await asyncio.to_thread(member.write, block)
                yield self._sink.take()
        yield self._sink.take()

    def end(self) -> bytes:
        """The rest of the ZIP."""
        self._zip.close()
        return self._sink.take()


class _Sink:
    """What has been written and not been taken."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        self._held += data
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def take(self) -> bytes:
        taken = bytes(self._held)
        self._held.clear()
        return taken
