"""All that is held of a person as one ZIP file, however much it is.

person.json          who they are
identities.jsonl     what providers say of them
sessions.jsonl       where they are signed in
conversations.jsonl  titles, and what was filled in at their start
messages.jsonl       questions and answers with ratings and comments; `files` and `made` name files by id; all versions
                     of a turn: `parent` is the number of the message before it, `shown` tells whether one sees it now
files.jsonl          names and kinds; `path` is where in the ZIP its bytes are, null if they are nowhere any more
files/ID/NAME        the bytes
usage.jsonl          what each answer cost; usage_days.jsonl: the same by day, for ever
audit.jsonl          what they did, and what was done to them
budgets.jsonl        what an admin lets them spend, if it is theirs alone
limits.jsonl, reservations.jsonl, offers.jsonl, deletions.jsonl   what is there for a while

Each `.jsonl` has a JSON object in a line; moments are in UTC, amounts of money are exact and stand as text.
"""

import re
from collections.abc import AsyncIterator
from datetime import datetime

import orjson

from webapp.errors import NotFound
from webapp.exports import tabular
from webapp.exports.zipped import Zipped
from webapp.files import keeping
from webapp.store import personal
from webapp.store.database import Store
from webapp.store.files import File, Source
from webapp.store.personal import SECTIONS, Record

MAX_NAME = 120  # characters
UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')  # for some file system or other
PACKED = ('image/', 'audio/', 'video/')  # by themselves


async def pieces(store: Store, user_id: str, *, moment: datetime) -> AsyncIterator[bytes]:
    """The file, piece by piece. :raises NotFound: no such person, before the first piece"""
    person = await store.read(personal.person, user_id=user_id)
    archive = Zipped(moment)

    async def only() -> AsyncIterator[bytes]:
        yield orjson.dumps(person | {'exported_at': moment}, option=orjson.OPT_INDENT_2)

    async for piece in archive.add('person.json', only()):
        yield piece
    parts = {name: _section(store, user_id, name) for name in SECTIONS} | {
        'messages': _messages(store, user_id),
        'files': _files(store, user_id),
        'usage_days': _once(await store.read(personal.usage_days, user_id=user_id)),
        'offers': _once(await store.read(personal.offers, user_id=user_id)),
        'audit': _entries(store, user_id),
    }
    for name, records in parts.items():
        async for piece in archive.add(f'{name}.jsonl', _lines(records)):
            yield piece
    async for file in _kept(store, user_id):
        packs = not file.media_type.startswith(PACKED)
        async for piece in archive.add(path(file) or '', _bytes(store, file), packs=packs):
            yield piece
    yield archive.end()


def path(file: File) -> str | None:
    """Where the bytes of a file are in the ZIP; None if there are none."""
    if not file.is_kept:
        return None
    name = UNFIT.sub('_', file.name).strip('. ')[:MAX_NAME] or (
        'question.txt' if file.source is Source.TEXT else 'file'
    )
    return f'files/{file.id}/{name}'


async def _lines(pages: AsyncIterator[list[Record]]) -> AsyncIterator[bytes]:
    async for page in pages:
        yield b''.join(map(tabular.line, page))


async def _once(page: list[Record]) -> AsyncIterator[list[Record]]:
    yield page


async def _section(store: Store, user_id: str, section: str) -> AsyncIterator[list[Record]]:
    after: tuple[str, ...] = ()
    is_first = True
    while after or is_first:
        page, after = await store.read(personal.records, user_id=user_id, section=section, after=after)
        is_first = False
        yield page


async def _entries(store: Store, user_id: str) -> AsyncIterator[list[Record]]:
    after, is_first = '', True
    while after or is_first:
        page, after = await store.read(personal.entries, user_id=user_id, after=after)
        is_first = False
        yield page


async def _messages(store: Store, user_id: str) -> AsyncIterator[list[Record]]:
    for conversation_id in await store.read(personal.conversation_ids, user_id=user_id):
        after = 0
        while page := await store.read(personal.turns, user_id=user_id, conversation_id=conversation_id, after=after):
            yield page
            after = page[-1]['number']


async def _files(store: Store, user_id: str) -> AsyncIterator[list[Record]]:
    async for page in _pages_of_files(store, user_id):
        yield [_file(file) for file in page]


def _file(file: File) -> Record:
    names = ('id', 'app', 'conversation_id', 'source', 'kind', 'name', 'media_type', 'size', 'width', 'height')
    return {name: getattr(file, name) for name in (*names, 'created_at')} | {'path': path(file)}


async def _kept(store: Store, user_id: str) -> AsyncIterator[File]:
    async for page in _pages_of_files(store, user_id):
        for file in page:
            if file.is_kept:
                yield file


async def _pages_of_files(store: Store, user_id: str) -> AsyncIterator[list[File]]:
    after = ''
    while page := await store.read(personal.sent, user_id=user_id, after=after):
        yield page
        after = page[-1].id


async def _bytes(store: Store, file: File) -> AsyncIterator[bytes]:
    try:
        async for block in keeping.read(store, file, 0, file.size or 0):
            yield block
    except NotFound:  # deleted just now
        return
