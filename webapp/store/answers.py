"""Answers: kept as they grow, ended once, gone on with, repaired."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, select, update

from webapp.chat.message import Failure, Reply, Status
from webapp.errors import NotFound, Refused
from webapp.prices import Price
from webapp.store import (
    reservations,
    titles,
    usage,
)
from webapp.store.conversations import conversation_value
from webapp.store.messages import Begun, dumped, is_running, loaded, reply_of
from webapp.store.tables import RUNNING, ConversationRow, MessageRow, changed
from webapp.store.text import clean

OVER = {'conversation_gone', 'conversation_completed'}  # codes of failures


def flush(session: Session, *, message_id: str, reply: Reply) -> bool:
    """Keep a running answer as far as it has come; `False` if it has ended."""
    if reply.conversation_id:
        unlinked = (col(MessageRow.id) == message_id, col(MessageRow.upstream_id) == '')
        changed(session, update(MessageRow).where(*unlinked).values(upstream_id=clean(reply.conversation_id)))
    running = (col(MessageRow.id) == message_id, col(MessageRow.status) == RUNNING)
    return changed(session, update(MessageRow).where(*running).values(reply=dumped(reply))) > 0


def finish(
    session: Session,
    *,
    message_id: str,
    reply: Reply,
    now: datetime,
    unread: bool,
    was: Status = Status.RUNNING,
    prices: Sequence[Price] = (),
    latency_ms: int | None = None,
    first_token_ms: int | None = None,
) -> bool:
    """End a running answer: its words, its cost and what its conversation shows, or nothing of it.

    One that waits for a person keeps what is reserved for it, until it ends: part of that is spent already, and what it
    comes to nobody tells before.

    :param reply: final, or waiting for a person
    :param unread: nobody saw it end
    :param was: `RUNNING`, or `WAITING` for one that ends while it waits
    :param prices: for an answer that upstream tells no price of
    :return: `False` if it had ended before, or its conversation is gone
    """
    locked = _locked(session, message_id)
    if locked is None:
        usage.amend(session, message_id=message_id, reply=reply, prices=prices)
        return False
    conversation, row = locked
    if row.status != was:
        return False
    row.reply, row.status, row.ended_at = dumped(reply), reply.status, now if reply.status.is_final else None
    conversation.updated_at, conversation.unread = now, unread
    _link(row, reply)
    session.add_all(locked)
    if not reply.status.is_final:
        return True
    usage.record(
        session,
        message=row,
        app=conversation.app,
        reply=reply,
        now=now,
        prices=prices,
        latency_ms=latency_ms,
        first_token_ms=first_token_ms,
    )
    _want_title(session, conversation, reply, now)
    return True


def go_on(session: Session, *, message_id: str, was: Status) -> Begun:
    """An answer that waited or broke off is being written again.

    :param was: `WAITING` or `INTERRUPTED`
    :raises NotFound: it is not so any more
    :raises Refused: `already_running`: another answer is being written in its conversation
    """
    locked = _locked(session, message_id)
    if locked is None or locked[1].status != was:
        raise NotFound
    conversation, row = locked
    if is_running(session, conversation.id):
        raise Refused('already_running')
    reply = replace(reply_of(row), status=Status.RUNNING, failure=None)
    row.reply, row.status = dumped(reply), reply.status
    session.add(row)
    session.flush()
    return Begun(conversation_value(conversation, running=True), loaded(session, [row])[0], False)


def abandon(session: Session, *, message_id: str, now: datetime) -> None:
    """End a running answer whose own end can't be kept: as far as it was flushed, without anything else about it."""
    row = session.get(MessageRow, message_id, with_for_update=True)
    if row is None or row.status != Status.RUNNING:
        return
    reply = replace(reply_of(row), status=Status.INTERRUPTED, failure=Failure('internal_error'))
    row.reply, row.status, row.ended_at = dumped(reply), reply.status, now
    session.add(row)
    reservations.settle(session, message_id=message_id)


def charge(session: Session, *, message_id: str, now: datetime) -> None:
    """Write the row that an abandoned answer has in the ledger: nobody knows what it cost."""
    if locked := _locked(session, message_id):
        conversation, row = locked
        reply = Reply(Status(row.status), failure=Failure('internal_error'))
        usage.record(session, message=row, app=conversation.app, reply=reply, now=now)


def amend(session: Session, *, message_id: str, reply: Reply, prices: Sequence[Price] = ()) -> bool:
    """Add what was reported after an answer had ended: upstream's names, sources and cost. Its words are the same.

    :return: `False` if the message is gone
    """
    if locked := _locked(session, message_id):
        row = locked[1]
        if row.status == reply.status:
            row.reply = dumped(reply)
        _link(row, reply)
        session.add_all(locked)
    usage.amend(session, message_id=message_id, reply=reply, prices=prices)
    return locked is not None


def repair(session: Session, *, message_id: str, reply: Reply, now: datetime, prices: Sequence[Price] = ()) -> bool:
    """Put a fuller answer in the place of one that broke off, and its cost into the ledger.

    :return: `False` if there is nothing to repair, or `reply` has less text
    """
    locked = _locked(session, message_id)
    if locked is None:
        usage.amend(session, message_id=message_id, reply=reply, prices=prices)
        return False
    conversation, row = locked
    if row.status != Status.INTERRUPTED or len(reply.text) < len(reply_of(row).text):
        return False
    row.reply, row.status = dumped(reply), reply.status
    _link(row, reply)
    session.add_all(locked)
    usage.amend(session, message_id=message_id, reply=reply, outcome=reply.status, prices=prices)
    _want_title(session, conversation, reply, now)
    return True


def _locked(session: Session, message_id: str) -> tuple[ConversationRow, MessageRow] | None:
    """A message and its conversation, both kept from other commands. All commands lock in this order."""
    statement = (
        select(ConversationRow)
        .join(MessageRow, col(MessageRow.conversation_id) == ConversationRow.id)
        .where(MessageRow.id == message_id)
        .with_for_update(of=ConversationRow, key_share=True)
    )
    conversation = session.exec(statement).first()
    row = session.get(MessageRow, message_id, with_for_update=True) if conversation else None
    return (conversation, row) if conversation and row else None


def _link(row: MessageRow, reply: Reply) -> None:
    """Keep in which conversation upstream has it, failed or not: all that it has named stays in that one's memory."""
    if _was_not_taken(reply):
        row.upstream_id = ''
    elif not row.upstream_id:
        row.upstream_id = clean(reply.conversation_id)


def _was_not_taken(reply: Reply) -> bool:
    """Whether upstream has refused the question, or was not there. Where nobody knows, it may hold it.

    Of a conversation that is gone or closed there, it is no use to try again in the same one.
    """
    failure = reply.failure
    if reply.status is not Status.FAILED or reply.message_id or failure is None or failure.code in OVER:
        return False
    return failure.code == 'upstream_unreachable' or (failure.status is not None and 400 <= failure.status < 500)


def _want_title(session: Session, conversation: ConversationRow, reply: Reply, now: datetime) -> None:
    if reply.status is Status.COMPLETE:
        session.flush()
        titles.want(session, conversation_id=conversation.id, now=now)
