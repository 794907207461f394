"""Files that people send and assistants make: a row for each, and its bytes in pieces.

They live in the database because it is the one thing that all replicas share and every backup holds.

Removing bytes takes as long as writing them, and SQLite has one writer. So a file is first marked as deleted, which is
quick and hides it from everybody, and its pieces go a few at a time. The room they took is used again by later files;
SQLite's own file does not shrink.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, or_, select as sa_select, tuple_
from sqlmodel import Session, col, delete, func, select, update

from webapp.errors import NotFound, Refused
from webapp.store import users
from webapp.store.tables import (
    FilePieceRow,
    FileRow,
    MessageFileRow,
    MessageRow,
    UserRow,
    changed,
)
from webapp.store.text import clean

PIECE = 1024 * 1024  # bytes; all pieces of a file but its last one are as long
MAX_TEXTS = 4  # held for one person
REMOVED_AT_ONCE = 8  # pieces


class Source(StrEnum):
    USER = 'user'
    ASSISTANT = 'assistant'
    LINK = 'link'  # of somebody else's server: only its address is here, as `upstream_url`
    TEXT = 'text'  # a question that is too long for a socket, held until it is sent
    DELETED = 'deleted'  # nobody's any more, wherever it came from


DELETED = (col(FileRow.source) == Source.DELETED, col(FileRow.conversation_id).is_(None))  # fits a partial index
# sent, without bytes, and neither on its way here nor to be fetched
FADED = (
    col(FileRow.conversation_id).is_not(None),
    col(FileRow.is_kept).is_(False),
    or_(col(FileRow.source) == Source.USER, col(FileRow.upstream_id) == ''),
)


@dataclass(frozen=True, slots=True)
class File:
    """What is known of a file. `upstream_id` never reaches a browser, `upstream_url` only as a `link` of its owner."""

    id: str
    user_id: str
    app: str
    source: Source
    kind: str  # 'image', 'document', 'audio', 'video', 'custom'; '' for a text
    name: str
    media_type: str  # by its content; 'application/octet-stream' where that tells nothing
    size: int | None  # bytes; None while they are not here
    created_at: datetime
    width: int | None = None  # pixels of an image, as it is shown
    height: int | None = None
    upstream_id: str = ''
    upstream_url: str = ''  # the assistant's: expires within minutes; a link's: where it leads
    conversation_id: str | None = None  # None until it is sent
    is_kept: bool = False  # all its bytes are here

    @property
    def is_gone(self) -> bool:
        """Whether its message can only name it: its bytes are not here any more, and won't be."""
        if self.source is Source.LINK:
            return False
        is_lost = self.source is Source.USER or not self.upstream_id
        return not self.is_kept and self.conversation_id is not None and is_lost

    @property
    def link(self) -> str:
        """Where it is, if it is elsewhere."""
        return self.upstream_url if self.source is Source.LINK else ''


@dataclass(frozen=True, slots=True)
class Origin:
    """Where upstream shows a file that an assistant has made."""

    app: str
    dify_user: str
    conversation_id: str  # upstream's
    message_id: str  # upstream's


def add(session: Session, *, file: File) -> None:
    """Make the row of a file whose pieces follow. :raises NotFound: its person is gone"""
    users.require(session, file.user_id)
    session.add(FileRow(**asdict(file) | {'name': clean(file.name), 'upstream_url': clean(file.upstream_url)}))


def put_piece(session: Session, *, file_id: str, number: int, data: bytes) -> None:
    """Keep one piece, in the place of what an earlier attempt has left. :raises NotFound: the file is gone"""
    _locked(session, file_id)
    session.merge(FilePieceRow(file_id=file_id, number=number, data=data))


def complete(session: Session, *, file: File) -> File:
    """All bytes are here, and tell what they are. :raises NotFound: the file is gone"""
    row = _locked(session, file.id)
    row.name, row.media_type, row.size = clean(file.name), file.media_type, file.size
    row.width, row.height, row.upstream_id = file.width, file.height, clean(file.upstream_id)
    row.is_kept = True
    session.add(row)
    return file_value(row)


def drop(session: Session, *, file_id: str) -> None:
    """Delete a file that was never sent."""
    _delete(session, col(FileRow.id) == file_id, col(FileRow.conversation_id).is_(None))


def give_up(session: Session, *, file_id: str) -> None:
    """An assistant's file that can't be kept: it is not asked for again. Its pieces go before, with `strip`."""
    changed(session, update(FileRow).where(col(FileRow.id) == file_id).values(upstream_id='', upstream_url=''))


def get(session: Session, *, user_id: str, file_id: str) -> File:
    """:raises NotFound: there is none, or it is somebody else's"""
    mine = (FileRow.id == clean(file_id), FileRow.user_id == user_id, FileRow.source != Source.DELETED)
    statement = select(FileRow).where(*mine)
    row = session.exec(statement).first()
    if row is None:
        raise NotFound
    return file_value(row)


def some(session: Session, *, user_id: str, ids: Collection[str]) -> dict[str, File]:
    """Those of `ids` that this person has uploaded, or attached as a link, by id."""
    mine = (FileRow.user_id == user_id, col(FileRow.source).in_([Source.USER, Source.LINK]))
    statement = select(FileRow).where(col(FileRow.id).in_([clean(id_) for id_ in ids]), *mine)
    return {row.id: file_value(row) for row in session.exec(statement)} if ids else {}


def piece(session: Session, *, file_id: str, number: int) -> bytes:
    """:raises NotFound: it has been deleted"""
    row = session.get(FilePieceRow, (file_id, number))
    if row is None:
        raise NotFound
    return row.data


def hold_text(session: Session, *, file: File, data: bytes) -> None:
    """Keep a long text. A person's older ones give way: only what is about to be sent is held.

    :raises NotFound: they are gone
    """
    users.require(session, file.user_id)
    mine = (col(FileRow.user_id) == file.user_id, col(FileRow.source) == Source.TEXT)
    newest = select(FileRow.id).where(*mine).order_by(col(FileRow.created_at).desc()).limit(MAX_TEXTS - 1)
    changed(session, delete(FileRow).where(*mine, col(FileRow.id).not_in(session.exec(newest).all())))
    session.add(FileRow(**asdict(replace(file, is_kept=True))))
    session.flush()
    for number, start in enumerate(range(0, len(data), PIECE)):
        session.add(FilePieceRow(file_id=file.id, number=number, data=data[start : start + PIECE]))


def text(session: Session, *, user_id: str, file_id: str) -> str:
    """A text that is held. :raises NotFound: there is none, or it is somebody else's"""
    if get(session, user_id=user_id, file_id=file_id).source is not Source.TEXT:
        raise NotFound
    statement = select(FilePieceRow).where(FilePieceRow.file_id == file_id).order_by(col(FilePieceRow.number))
    return b''.join(row.data for row in session.exec(statement)).decode()


def adopt(session: Session, *, file: File, message_id: str) -> None:
    """Note a file that the assistant has made for a message; again, when its address is a newer one."""
    message = session.get(MessageRow, message_id)
    if message is None:
        return
    row = session.get(FileRow, file.id, with_for_update={'key_share': True})
    if row is not None:
        row.upstream_url = clean(file.upstream_url) or row.upstream_url
        session.add(row)
        return
    add(session, file=replace(file, conversation_id=message.conversation_id))
    session.flush()
    made = select(func.count()).select_from(MessageFileRow).where(MessageFileRow.message_id == message_id)
    session.add(MessageFileRow(message_id=message_id, file_id=file.id, position=session.exec(made).one()))


def origin(session: Session, *, file_id: str) -> Origin:
    """:raises NotFound: upstream has not named the message yet, or it is gone"""
    statement = (
        select(FileRow.app, UserRow.dify_user, MessageRow.upstream_id, MessageRow.reply)
        .join(UserRow, col(UserRow.id) == FileRow.user_id)
        .join(MessageFileRow, col(MessageFileRow.file_id) == FileRow.id)
        .join(MessageRow, col(MessageRow.id) == MessageFileRow.message_id)
        .where(FileRow.id == file_id)
    )
    app, dify_user, conversation_id, reply = session.exec(statement).first() or ('', '', '', {})
    if not (conversation_id and reply.get('message_id')):
        raise NotFound
    return Origin(app, dify_user, conversation_id, reply['message_id'])


def unsent(session: Session, *, user_id: str, app: str, ids: Sequence[str]) -> list[FileRow]:
    """For functions of the store: files that may go along with a new question, kept from other commands.

    :raises Refused: `file_gone`: one is not there, not theirs, for another app, sent before, or named twice
    """
    statement = select(FileRow).where(
        col(FileRow.id).in_([clean(id_) for id_ in ids]),
        FileRow.user_id == user_id,
        FileRow.app == app,
        or_(
            and_(col(FileRow.source) == Source.USER, col(FileRow.is_kept).is_(True)),
            col(FileRow.source) == Source.LINK,
        ),
        col(FileRow.conversation_id).is_(None),
    )
    rows = {row.id: row for row in session.exec(statement.with_for_update())} if ids else {}
    if not len(rows) == len(set(ids)) == len(ids):
        raise Refused('file_gone')
    return [rows[id_] for id_ in ids]


def send(session: Session, *, rows: Sequence[FileRow], conversation_id: str) -> list[File]:
    """For functions of the store: these go along with a question there."""
    for row in rows:
        row.conversation_id = conversation_id
        session.add(row)
    return [file_value(row) for row in rows]


def keep_sent(session: Session, *, ids: Sequence[str], conversation_id: str) -> None:
    """These were given as answers to what was asked in a conversation, and go with it."""
    theirs = (col(FileRow.id).in_(ids), col(FileRow.conversation_id).is_(None))
    changed(session, update(FileRow).where(*theirs).values(conversation_id=conversation_id))


def link(session: Session, *, message_id: str, files: Iterable[File]) -> None:
    """For functions of the store: these stand in that question."""
    for position, file in enumerate(files):
        session.add(MessageFileRow(message_id=message_id, file_id=file.id, position=position))


def of_messages(session: Session, message_ids: Sequence[str]) -> dict[str, list[File]]:
    """The files of many messages at once, in their order; people's and assistants'."""
    found: dict[str, list[File]] = defaultdict(list)
    if message_ids:
        statement = (
            select(MessageFileRow.message_id, FileRow)
            .join(FileRow, col(FileRow.id) == MessageFileRow.file_id)
            .where(col(MessageFileRow.message_id).in_(message_ids))
            .order_by(col(MessageFileRow.position), col(FileRow.id))
        )
        for message_id, row in session.exec(statement):
            found[message_id].append(file_value(row))
    return found


def purge(session: Session, *, before: datetime) -> int:
    """Delete uploads and texts that nobody has sent since; how many they were."""
    return _delete(session, col(FileRow.conversation_id).is_(None), col(FileRow.created_at) < before)


def forget(session: Session, *, conversation_id: str) -> None:
    """For functions of the store: delete the files of a conversation that is about to go itself."""
    _delete(session, col(FileRow.conversation_id) == conversation_id)


def forget_all(session: Session, *, user_id: str) -> int:
    """For functions of the store: delete all files of a person; how many they were."""
    return _delete(session, col(FileRow.user_id) == user_id)


def fade(session: Session, *, ids: Collection[str], before: datetime) -> list[int]:
    """Let those of these files go that are so old: their messages go on naming them. The sizes of those that went.

    Their bytes go afterwards, see `remove_faded`.
    """
    which = (col(FileRow.id).in_(ids), *due(before))
    sizes = [size or 0 for size in session.exec(select(FileRow.size).where(*which).with_for_update())]
    gone = {'is_kept': False, 'upstream_url': ''}
    made = col(FileRow.source) == Source.ASSISTANT
    changed(session, update(FileRow).where(*which, made).values(upstream_id='', **gone))  # nor fetched again
    changed(session, update(FileRow).where(*which).values(**gone))  # a question with it may be asked again upstream
    return sizes


def remove_faded(session: Session) -> bool:
    """Remove a few pieces of files that have been let go; whether there may be more."""
    return _remove_pieces(session, *FADED) == REMOVED_AT_ONCE


def due(before: datetime) -> tuple[ColumnElement[bool], ...]:
    """For functions of the store: which files with bytes here stand in a conversation, and are so old."""
    sent = col(FileRow.conversation_id).is_not(None)
    return (sent, col(FileRow.is_kept).is_(True), col(FileRow.created_at) < before)


def strip(session: Session, *, file_id: str) -> bool:
    """Remove a few pieces of a file; whether there may be more."""
    return _remove_pieces(session, col(FileRow.id) == file_id) == REMOVED_AT_ONCE


def remove_some(session: Session) -> bool:
    """Remove a few pieces of deleted files, and the rows of those that have none; whether there may be more."""
    if _remove_pieces(session, *DELETED) == REMOVED_AT_ONCE:
        return True
    has_pieces = exists(sa_select(1).where(col(FilePieceRow.file_id) == FileRow.id))
    changed(session, delete(FileRow).where(*DELETED, ~has_pieces))
    return False


def _delete(session: Session, *which: ColumnElement[bool]) -> int:
    living = update(FileRow).where(*which, col(FileRow.source) != Source.DELETED)
    return changed(session, living.values(source=Source.DELETED, conversation_id=None))


def _remove_pieces(session: Session, *of_files: ColumnElement[bool]) -> int:
    key = (col(FilePieceRow.file_id), col(FilePieceRow.number))
    statement = select(*key).join(FileRow, col(FileRow.id) == FilePieceRow.file_id).where(*of_files)
    found = session.exec(statement.order_by(*key).limit(REMOVED_AT_ONCE)).all()
    return changed(session, delete(FilePieceRow).where(tuple_(*key).in_(found))) if found else 0


def _locked(session: Session, file_id: str) -> FileRow:
    """The row of a file, kept from other commands. :raises NotFound: there is none any more"""
    row = session.get(FileRow, file_id, with_for_update={'key_share': True})
    if row is None or row.source == Source.DELETED:
        raise NotFound
    return row


def file_value(row: FileRow) -> File:
    return File(**row.model_dump() | {'source': Source(row.source)})
