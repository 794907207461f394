"""Answers that have not come to their end: nobody writes them any more, they wait, or they broke off."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from webapp.chat.message import Reply, Status
from webapp.store.messages import reply_of
from webapp.store.tables import WAITING, ConversationRow, MessageRow, UserRow


@dataclass(frozen=True, slots=True)
class Leftover:
    """A message whose answer has not come to its end here: its process ended, its stream broke, or it waits."""

    message_id: str
    conversation_id: str
    user_id: str
    dify_user: str
    app: str
    upstream_id: str  # of the conversation, '' while it has none
    reply: Reply


def abandoned(session: Session) -> list[Leftover]:
    """Answers that are marked as running. At start-up nobody writes them any more."""
    return _left(session, MessageRow.status == Status.RUNNING)


def waiting(session: Session) -> list[Leftover]:
    """Answers that wait for a person."""
    return _left(session, col(MessageRow.status) == WAITING)


def is_waiting(session: Session, *, message_id: str) -> bool:
    """Whether it waits for a person still."""
    theirs = (MessageRow.id == message_id, col(MessageRow.status) == WAITING)
    return session.exec(select(MessageRow.id).where(*theirs)).first() is not None


def broken(session: Session, *, since: datetime) -> list[Leftover]:
    """Answers that broke off lately. Upstream may have gone on with them."""
    return _left(session, MessageRow.status == Status.INTERRUPTED, col(MessageRow.ended_at) >= since)


def _left(session: Session, *conditions: ColumnElement[bool] | bool) -> list[Leftover]:
    statement = (
        select(MessageRow, ConversationRow, UserRow.dify_user)
        .join(ConversationRow, col(ConversationRow.id) == MessageRow.conversation_id)
        .join(UserRow, col(UserRow.id) == MessageRow.user_id)
        .where(*conditions)
        .order_by(col(MessageRow.created_at))
    )
    return [
        Leftover(
            message_id=row.id,
            conversation_id=row.conversation_id,
            user_id=row.user_id,
            dify_user=dify_user,
            app=conversation.app,
            upstream_id=row.upstream_id,
            reply=reply_of(row),
        )
        for row, conversation, dify_user in session.exec(statement)
    ]
