"""A person's titled lists of messages."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, exists, literal, or_, select as sa_select, tuple_
from sqlmodel import Session, col, select

from webapp.chat.message import Reply, Status
from webapp.errors import NotFound, Refused
from webapp.store import audit, deletions, files, usage, users
from webapp.store.audit import Action
from webapp.store.tables import RUNNING, WAITING, ConversationRow, MessageRow, Moment
from webapp.store.text import clean, fold_case, fold_title

MAX_SEARCH = 200
MAX_PAGE = 200


class TitleState(StrEnum):
    """Where a title comes from; `titles` says how it changes."""

    PROVISIONAL = 'provisional'  # the question's first words
    GENERATING = 'generating'
    GENERATED = 'generated'
    MANUAL = 'manual'
    FAILED = 'failed'


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the list: just below the conversation it was taken from."""

    updated_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    user_id: str
    app: str
    title: str  # '' while there is nothing to call it by
    title_state: TitleState
    created_at: datetime
    updated_at: datetime
    unread: bool
    running: bool  # an answer is being written
    inputs: dict[str, Any]
    embed: str = ''  # in which it was begun; '' for our own pages

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.updated_at, self.id)


def page(
    session: Session,
    *,
    user_id: str,
    app: str,
    embed: str = '',
    search: str = '',
    before: Cursor | None = None,
    limit: int = 50,
) -> list[Conversation]:
    """A person's conversations with an app, newest first.

    :param embed: those that were begun in this one; '' for all
    :param search: words of the title, in any case
    :param before: the `cursor` of the last one known; gives those that follow it
    """
    updated_at, id_ = col(ConversationRow.updated_at), col(ConversationRow.id)
    statement = select(ConversationRow, is_running()).where(
        ConversationRow.user_id == user_id, ConversationRow.app == app, *_begun_in(embed)
    )
    if folded := fold_case(fold_title(search[:MAX_SEARCH])):
        statement = statement.where(col(ConversationRow.folded_title).contains(folded, autoescape=True))
    if before:
        place = tuple_(literal(before.updated_at, Moment), literal(before.id))
        statement = statement.where(tuple_(updated_at, id_) < place)
    statement = statement.order_by(updated_at.desc(), id_.desc()).limit(min(limit, MAX_PAGE))
    return [conversation_value(row, running=running) for row, running in session.exec(statement)]


def get(session: Session, *, user_id: str, conversation_id: str) -> Conversation:
    """:raises NotFound: there is none, or it is somebody else's"""
    return conversation_value(owned_row(session, user_id, conversation_id), running=_runs(session, conversation_id))


def some(session: Session, *, user_id: str, ids: Collection[str], embed: str = '') -> list[Conversation]:
    """Those of `ids` that are there and the person's, in no order. :param embed: as in `page`"""
    theirs = (ConversationRow.user_id == user_id, col(ConversationRow.id).in_(ids))
    found = session.exec(select(ConversationRow, is_running()).where(*theirs, *_begun_in(embed)))
    return [conversation_value(row, running=running) for row, running in found]


def rename(session: Session, *, user_id: str, conversation_id: str, title: str) -> Conversation:
    """Give it the title that its owner wants. It stays: no generated one replaces it.

    :raises NotFound: there is none, or it is somebody else's
    :raises Refused: nothing readable in `title`
    """
    folded = fold_title(title)
    if not folded:
        raise Refused('blank_title', status=400)
    row = owned_row(session, user_id, conversation_id, lock=True)
    set_title(row, folded)
    row.title_state, row.title_due_at = TitleState.MANUAL, None
    session.add(row)
    return conversation_value(row, running=_runs(session, conversation_id))


def delete(session: Session, *, user_id: str, conversation_id: str, now: datetime, address: str = '') -> Conversation:
    """Delete it with its messages, and give what it was. What it cost stays in the ledger, and that it went in the log.
    Upstream is told afterwards, see `deletions`.

    The bytes of its files go afterwards, see `files.remove_some`.

    :raises NotFound: there is none, or it is somebody else's
    """
    row = owned_row(session, user_id, conversation_id, lock=True)
    value = conversation_value(row, running=_runs(session, row.id))
    remove(session, row, now=now)
    owner = users.named(session, user_id)
    detail = {'conversation': row.id, 'app': row.app}
    audit.record(
        session, Action.CONVERSATION_DELETED, now=now, actor=owner, target=owner, address=address, detail=detail
    )
    return value


def remove(session: Session, row: ConversationRow, *, now: datetime) -> None:
    """For functions of the store: delete a conversation that they have locked, and want the same upstream,
    of as many as there are to it.
    """
    unfinished = or_(col(MessageRow.status) == RUNNING, col(MessageRow.status) == WAITING)
    for message in session.exec(select(MessageRow).where(MessageRow.conversation_id == row.id, unfinished)).all():
        # its end will find no message, but this row to fill in
        usage.record(session, message=message, app=row.app, reply=Reply(Status.STOPPED), now=message.created_at)
    named = select(MessageRow.upstream_id).where(MessageRow.conversation_id == row.id, MessageRow.upstream_id != '')
    dify_user = users.get(session, user_id=row.user_id).dify_user
    for upstream_id in session.exec(named.distinct().order_by(MessageRow.upstream_id)).all():
        deletions.want(session, app=row.app, upstream_id=upstream_id, dify_user=dify_user, now=now)
    files.forget(session, conversation_id=row.id)
    session.delete(row)


def mark_read(session: Session, *, user_id: str, conversation_id: str) -> bool:
    """Whether it was unread.

    :raises NotFound: there is none, or it is somebody else's
    """
    row = owned_row(session, user_id, conversation_id, lock=True)
    was_unread, row.unread = row.unread, False
    session.add(row)
    return was_unread


def owned_row(session: Session, user_id: str, conversation_id: str, *, lock: bool = False) -> ConversationRow:
    """For functions of the store. `lock` keeps other commands out of this conversation until the end of this one."""
    statement = select(ConversationRow).where(
        ConversationRow.id == clean(conversation_id), ConversationRow.user_id == user_id
    )
    if lock:
        statement = statement.with_for_update(key_share=True)
    row = session.exec(statement).first()
    if row is None:
        raise NotFound
    return row


def set_title(row: ConversationRow, title: str) -> None:
    row.title, row.folded_title = title, fold_case(title)


def is_running() -> ColumnElement[bool]:
    """Whether an answer is being written in the conversation of a query's row."""
    running = sa_select(1).where(
        col(MessageRow.conversation_id) == ConversationRow.id, col(MessageRow.status) == RUNNING
    )
    return exists(running)


def conversation_value(row: ConversationRow, *, running: bool) -> Conversation:
    return Conversation(
        id=row.id,
        user_id=row.user_id,
        app=row.app,
        title=row.title,
        title_state=TitleState(row.title_state),
        created_at=row.created_at,
        updated_at=row.updated_at,
        unread=row.unread,
        running=running,
        inputs=row.inputs,
        embed=row.embed,
    )


def _begun_in(embed: str) -> Sequence[ColumnElement[bool]]:
    return (col(ConversationRow.embed) == embed,) if embed else ()


def _runs(session: Session, conversation_id: str) -> bool:
    return bool(session.exec(select(is_running()).where(ConversationRow.id == conversation_id)).first())
