"""Bytes on their way into the store and out of it, never more than a piece of them at once."""

import asyncio
from collections.abc import AsyncIterator
from typing import BinaryIO

from webapp.errors import Refused
from webapp.files.content import IMAGE_HEAD
from webapp.store import files
from webapp.store.database import Store
from webapp.store.files import PIECE, File


async def keep(store: Store, file_id: str, blocks: AsyncIterator[bytes], *, most: int) -> tuple[int, bytes]:
    """Write what comes as the pieces of a file whose row is there.

    :param most: bytes that it may have
    :return: how many it had, and the first of them
    :raises Refused: `file_too_large`
    :raises NotFound: the row was deleted meanwhile
    """
    size, number, head, rest = 0, 0, b'', bytearray()
    async for block in blocks:
        size += len(block)
        if size > most:
            raise Refused('file_too_large', status=413)
        if len(head) < IMAGE_HEAD:
            head += block[: IMAGE_HEAD - len(head)]
        rest += block
        while len(rest) >= PIECE:
            await store.write(files.put_piece, file_id=file_id, number=number, data=bytes(rest[:PIECE]))
            del rest[:PIECE]
            number += 1
    if rest:
        await store.write(files.put_piece, file_id=file_id, number=number, data=bytes(rest))
    return size, head


async def blocks_of(stream: BinaryIO) -> AsyncIterator[bytes]:
    """A file on disk, from its start."""
    stream.seek(0)
    while block := await asyncio.to_thread(stream.read, PIECE):
        yield block


async def read(store: Store, file: File, start: int, stop: int) -> AsyncIterator[bytes]:
    """The bytes from `start` up to `stop`. :raises NotFound: deleted meanwhile"""
    while start < stop:
        number, offset = divmod(start, PIECE)
        data = await store.read(files.piece, file_id=file.id, number=number)
        block = data[offset : offset + stop - start]
        yield block
        start += len(block)
