"""Questions and their answers, as they are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session, col, select

from webapp.chat.message import Failure, Reply, Status, dump_reply, load_reply
from webapp.errors import NotFound
from webapp.store import (
    branches,
    feedback,
    files,
)
from webapp.store.conversations import Conversation, owned_row
from webapp.store.files import File, Source
from webapp.store.tables import RUNNING, MessageRow
from webapp.store.text import clean, clean_object

MAX_PAGE = 500
MAX_NUMBER = 2**31 - 1  # of a message; what a browser names may be any


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: a question and its answer."""

    id: str
    conversation_id: str
    key: str  # made with the draft
    number: int  # in its conversation, rising, from 1 on
    query: str
    reply: Reply
    created_at: datetime
    ended_at: datetime | None
    files: tuple[File, ...] = ()  # that went along with the question
    made: tuple[File, ...] = ()  # by the assistant
    rating: str = ''  # 'like', 'dislike', or '' for none
    comment: str = ''
    parent: int = 0  # number of the message before it on its path, 0 for none
    versions: tuple[str, ...] = ()  # ids of all that stand in its place, the oldest first, its own among them
    is_shown: bool = True  # on the path that its person sees
    upstream_id: str = ''  # Dify's name for the conversation that it was asked in, once known


@dataclass(frozen=True, slots=True)
class Begun:
    conversation: Conversation
    message: Message
    is_new: bool  # else it had been begun before, and nothing was changed


def history(
    session: Session, *, user_id: str, conversation_id: str, before: int | None = None, limit: int = 50
) -> list[Message]:
    """The newest messages of a conversation on the path that is shown, oldest first.

    :param before: the `number` of the first one known; gives those in front of it
    :raises NotFound: no such conversation of this person's
    """
    owned_row(session, user_id, conversation_id)
    statement = select(MessageRow).where(MessageRow.conversation_id == conversation_id, branches.IS_SHOWN)
    if before is not None:
        statement = statement.where(MessageRow.number < max(0, min(before, MAX_NUMBER)))
    rows = session.exec(statement.order_by(col(MessageRow.number).desc()).limit(min(limit, MAX_PAGE))).all()
    return loaded(session, rows[::-1])


def following(session: Session, *, user_id: str, conversation_id: str, after: int, limit: int) -> list[Message]:
    """All messages of a conversation, hidden ones too, after the `number` of one that is known, oldest first."""
    theirs = (MessageRow.conversation_id == conversation_id, MessageRow.user_id == user_id, MessageRow.number > after)
    rows = session.exec(select(MessageRow).where(*theirs).order_by(col(MessageRow.number)).limit(limit)).all()
    return loaded(session, rows)


def before(session: Session, *, user_id: str, message_id: str) -> list[Message]:
    """What stands before a message on its path, whether that is shown or not; the newest ones, oldest first.

    Nothing, if it is gone meanwhile.
    """
    row = session.exec(select(MessageRow).where(MessageRow.id == message_id, MessageRow.user_id == user_id)).first()
    if row is None:
        return []
    return loaded(session, branches.up_to(session, row.conversation_id, row.parent, branches.MOST_TURNS))


def around(
    session: Session, *, user_id: str, message_id: str, before: int, after: int
) -> tuple[list[Message], bool, bool]:
    """A message, some of those before it, and some of what was chosen last behind it, oldest first.

    :return: with whether there is more before and behind
    :raises NotFound: no such message of this person's
    """
    row = owned_message(session, user_id, message_id)
    rows = branches.up_to(session, row.conversation_id, row.number, before + 1)
    further = branches.onwards(session, row.conversation_id, row.number, after + 1)
    return loaded(session, [*rows, *further[:after]]), rows[0].parent > 0, len(further) > after


def owned(session: Session, *, user_id: str, message_id: str) -> Message:
    """:raises NotFound: no such message of this person's"""
    return loaded(session, [owned_message(session, user_id, message_id)])[0]


def is_there(session: Session, *, message_id: str) -> bool:
    """Whether nobody has deleted it."""
    return session.exec(select(MessageRow.id).where(MessageRow.id == message_id)).first() is not None


def owned_message(session: Session, user_id: str, message_id: str) -> MessageRow:
    """For functions of the store. :raises NotFound: no such message of this person's"""
    statement = select(MessageRow).where(MessageRow.id == clean(message_id), MessageRow.user_id == user_id)
    row = session.exec(statement).first()
    if row is None:
        raise NotFound
    return row


def is_running(session: Session, conversation_id: str) -> bool:
    """Whether an answer is being written in a conversation."""
    statement = select(MessageRow.id).where(
        MessageRow.conversation_id == conversation_id, col(MessageRow.status) == RUNNING
    )
    return session.exec(statement).first() is not None


def reply_of(row: MessageRow) -> Reply:
    """For functions of the store."""
    return read_reply(row.id, row.status, row.reply)


def read_reply(message_id: str, status: str, reply: dict[str, Any]) -> Reply:
    """A reply as its row has it. One that this version can't read must not close the whole conversation."""
    try:
        return load_reply(reply)
    except ValidationError as error:
        failure = Failure('unreadable', f'message {message_id}: {error.error_count()} unknown values')
        return Reply(Status(status), failure=failure)


def dumped(reply: Reply) -> dict[str, Any]:
    """A reply as a row has it."""
    return clean_object(dump_reply(reply))


def loaded(session: Session, rows: Sequence[MessageRow]) -> list[Message]:
    """Messages of one conversation with what belongs to them: three queries more, however many they are."""
    ids = [row.id for row in rows]
    of_messages, ratings = files.of_messages(session, ids), feedback.of_messages(session, ids)
    versions = branches.versions(session, rows)
    return [
        _value(
            row,
            of_messages.get(row.id, []),
            *ratings.get(row.id, ('', '')),
            versions=versions.get(row.parent, ()),
        )
        for row in rows
    ]


def _value(
    row: MessageRow, all_files: Sequence[File], rating: str, comment: str, *, versions: tuple[str, ...]
) -> Message:
    return Message(
        id=row.id,
        conversation_id=row.conversation_id,
        key=row.key,
        number=row.number,
        query=row.query,
        reply=reply_of(row),
        created_at=row.created_at,
        ended_at=row.ended_at,
        files=tuple(file for file in all_files if file.source in {Source.USER, Source.LINK}),
        made=tuple(file for file in all_files if file.source is Source.ASSISTANT),
        rating=rating,
        comment=comment,
        parent=row.parent,
        versions=versions,
        is_shown=row.is_shown,
        upstream_id=row.upstream_id,
    )
