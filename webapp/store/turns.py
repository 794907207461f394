"""Turns of a conversation: begun with a question, asked again as another version, chosen among their versions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlmodel import Session, col, func, select

from webapp.chat.message import Reply, Status, dump_reply
from webapp.errors import NotFound, Refused
from webapp.store import (
    allowance as allowances,
    branches,
    budget_table,
    budgets,
    files,
    users,
)
from webapp.store.allowance import NO_LIMITS, Allowance
from webapp.store.budgets import Spender
from webapp.store.conversations import TitleState, conversation_value, owned_row, set_title
from webapp.store.files import File
from webapp.store.messages import Begun, is_running, loaded, owned_message, reply_of
from webapp.store.tables import ConversationRow, MessageRow
from webapp.store.text import clean, clean_object, provisional_title

MAX_KEY = 200


def begin(
    session: Session,
    *,
    user_id: str,
    app: str,
    conversation_id: str | None,
    query: str,
    key: str,
    now: datetime,
    inputs: dict[str, Any] | None = None,
    embed: str = '',
    attached: Sequence[str] = (),
    enclosed: Sequence[str] = (),
    cost_group: str = '',
    allowance: Allowance = NO_LIMITS,
) -> Begun:
    """Keep a question and an empty running answer, at the end of what is shown of a conversation.

    :param conversation_id: `None` for a new conversation
    :param key: made with the draft; the same key again gives the message that it has begun
    :param inputs: what the app's form asked for; kept with a new conversation
    :param embed: in which a new conversation is begun; '' for our own pages
    :param attached: ids of files that this person has uploaded for this app and not sent before, in order
    :param enclosed: ids of such files that `inputs` names; they go to the conversation
    :param cost_group: which group of the person's the answer is charged to, '' for none
    :raises NotFound: no such conversation of this person's with this app, or no such person any more
    :raises Refused: `already_running`: an answer is being written there; `file_gone`: see `attached`; or `allowance`
        is used up, which a message that was begun before does not mind; `BudgetUsedUp`
    """
    allowances.hold(session, user_id=user_id, allowance=allowance)
    conversation = owned_row(session, user_id, conversation_id, lock=True) if conversation_id is not None else None
    if begun := _begun_before(session, user_id, key):
        return begun
    allowances.spend(session, user_id=user_id, allowance=allowance, now=now)
    try:
        unsent = files.unsent(session, user_id=user_id, app=app, ids=[*attached, *enclosed])
    except Refused:
        if begun := _begun_before(session, user_id, key):  # while we waited, this very draft has sent them
            return begun
        raise
    if conversation is None:
        users.require(session, user_id)
        conversation = _new_conversation(
            session, user_id=user_id, app=app, query=query, now=now, inputs=inputs or {}, embed=embed
        )
    elif conversation.app != app:
        raise NotFound
    sent = files.send(session, rows=unsent, conversation_id=conversation.id)[: len(attached)]
    if sent and not conversation.title:
        set_title(conversation, provisional_title(', '.join(file.name for file in sent)))
    parent = branches.end(session, conversation.id)
    begun = _add(session, conversation, parent, query=query, key=key, now=now, sent=sent, cost_group=cost_group)
    _reserve(session, begun, cost_group, allowance, now)
    return begun


def supersede(
    session: Session,
    *,
    user_id: str,
    message_id: str,
    key: str,
    now: datetime,
    query: str | None = None,
    cost_group: str = '',
    allowance: Allowance = NO_LIMITS,
) -> Begun:
    """Ask the question of an ended message again, as another version of it, and show that one.

    The old one stays, unless it had failed without a word, upstream never heard of it, and nothing followed.

    :param query: what to ask instead; the old one's files go along
    :raises NotFound: no such message of this person's
    :raises Refused: `already_running`: an answer is being written there; or `allowance` is used up
    """
    allowances.hold(session, user_id=user_id, allowance=allowance)
    conversation = session.exec(
        select(ConversationRow)
        .join(MessageRow, col(MessageRow.conversation_id) == ConversationRow.id)
        .where(MessageRow.id == clean(message_id), MessageRow.user_id == user_id)
        .with_for_update(of=ConversationRow, key_share=True)
    ).first()
    if begun := _begun_before(session, user_id, key):
        return begun  # and the old message may be gone
    if conversation is None:
        raise NotFound
    old = owned_message(session, user_id, message_id)
    allowances.spend(session, user_id=user_id, allowance=allowance, now=now)
    sent = loaded(session, [old])[0].files
    asked = old.query if query is None else query
    begun = _add(session, conversation, old.parent, query=asked, key=key, now=now, sent=sent, cost_group=cost_group)
    _reserve(session, begun, cost_group, allowance, now)
    if query is None and _is_worthless(session, old):
        session.delete(old)
        session.flush()
        begun = replace(begun, message=loaded(session, [owned_message(session, user_id, begun.message.id)])[0])
    return begun


def choose(session: Session, *, user_id: str, message_id: str) -> str:
    """Show a message instead of the version of it that is shown now, and what was shown behind it before.

    :return: id of its conversation
    :raises NotFound: no such message of this person's
    :raises Refused: `already_running`: an answer is being written there
    """
    row = owned_message(session, user_id, message_id)
    owned_row(session, user_id, row.conversation_id, lock=True)
    session.refresh(row)
    if not row.is_shown:
        if is_running(session, row.conversation_id):
            raise Refused('already_running')
        branches.show(session, row)
    return row.conversation_id


def _begun_before(session: Session, user_id: str, key: str) -> Begun | None:
    if not 0 < len(key) <= MAX_KEY or clean(key) != key:
        raise Refused(detail=f'a key has 1 to {MAX_KEY} characters', status=400)
    statement = (
        select(MessageRow, ConversationRow)
        .join(ConversationRow, col(ConversationRow.id) == MessageRow.conversation_id)
        .where(MessageRow.user_id == user_id, MessageRow.key == key)
    )
    found = session.exec(statement).first()
    if found is None:
        return None
    row, conversation = found
    running = is_running(session, conversation.id)
    return Begun(conversation_value(conversation, running=running), loaded(session, [row])[0], False)


def _new_conversation(
    session: Session, *, user_id: str, app: str, query: str, now: datetime, inputs: dict[str, Any], embed: str
) -> ConversationRow:
    row = ConversationRow(
        id=uuid4().hex,
        user_id=user_id,
        app=app,
        title='',
        folded_title='',
        title_state=TitleState.PROVISIONAL,
        title_attempts=0,
        title_due_at=None,
        created_at=now,
        updated_at=now,
        unread=False,
        inputs=clean_object(inputs),
        embed=embed,
    )
    set_title(row, provisional_title(query))
    session.add(row)
    session.flush()
    return row


def _add(
    session: Session,
    conversation: ConversationRow,
    parent: int,
    *,
    query: str,
    key: str,
    now: datetime,
    sent: Sequence[File],
    cost_group: str,
) -> Begun:
    """A message after `parent`, in a conversation that is locked or new. What was shown after it gives way."""
    if is_running(session, conversation.id):
        raise Refused('already_running')
    branches.make_room(session, conversation.id, parent)
    of_conversation = MessageRow.conversation_id == conversation.id
    last = session.exec(select(func.max(MessageRow.number)).where(of_conversation)).one()
    row = MessageRow(
        id=uuid4().hex,
        conversation_id=conversation.id,
        user_id=conversation.user_id,
        key=key,
        number=(last or 0) + 1,
        status=Status.RUNNING,
        created_at=now,
        ended_at=None,
        cost_group=clean(cost_group),
        parent=parent,
        is_chosen=True,
        is_shown=True,
        upstream_id=branches.upstream_of(session, conversation.id, parent),
        query=clean(query),
        reply=dump_reply(Reply()),
    )
    conversation.updated_at, conversation.unread = now, False
    session.add_all([conversation, row])
    session.flush()
    files.link(session, message_id=row.id, files=sent)
    session.flush()
    return Begun(conversation_value(conversation, running=True), loaded(session, [row])[0], True)


def _reserve(session: Session, begun: Begun, cost_group: str, allowance: Allowance, now: datetime) -> None:
    """:raises BudgetUsedUp: nothing is left for it"""
    conversation = begun.conversation
    spender = Spender(conversation.user_id, clean(cost_group), conversation.app)
    paying = budget_table.paid_by(session, configured=allowance.budgets, spender=spender)
    budgets.reserve(session, message_id=begun.message.id, spender=spender, budgets=paying, now=now)


def _is_worthless(session: Session, row: MessageRow) -> bool:
    has_failed = row.status in {Status.FAILED, Status.INTERRUPTED}
    return has_failed and not row.upstream_id and not reply_of(row).parts and not branches.is_followed(session, row)
