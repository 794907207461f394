"""Questions and their answers: begun, written, ended once, repaired, read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from pydantic import ValidationError
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select, update

from webapp.chat.message import Failure, Reply, Status, dump_reply, load_reply
from webapp.errors import NotFound, Refused
from webapp.prices import Price
from webapp.store import (
    allowance as allowances,
    branches,
    budget_table,
    budgets,
    feedback,
    files,
    reservations,
    titles,
    usage,
    users,
)
from webapp.store.allowance import NO_LIMITS, Allowance
from webapp.store.budgets import Spender
from webapp.store.conversations import Conversation, TitleState, conversation_value, owned_row, set_title
from webapp.store.files import File, Source
from webapp.store.tables import RUNNING, WAITING, ConversationRow, MessageRow, UserRow, changed
from webapp.store.text import clean, clean_object, provisional_title

MAX_KEY = 200
MAX_PAGE = 500
MAX_NUMBER = 2**31 - 1  # of a message; what a browser names may be any
OVER = {'conversation_gone', 'conversation_completed'}  # codes of failures


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
    old = _owned_row(session, user_id, message_id)
    allowances.spend(session, user_id=user_id, allowance=allowance, now=now)
    sent = _loaded(session, [old])[0].files
    asked = old.query if query is None else query
    begun = _add(session, conversation, old.parent, query=asked, key=key, now=now, sent=sent, cost_group=cost_group)
    _reserve(session, begun, cost_group, allowance, now)
    if query is None and _is_worthless(session, old):
        session.delete(old)
        session.flush()
        begun = replace(begun, message=_loaded(session, [_owned_row(session, user_id, begun.message.id)])[0])
    return begun


def choose(session: Session, *, user_id: str, message_id: str) -> str:
    """Show a message instead of the version of it that is shown now, and what was shown behind it before.

    :return: id of its conversation
    :raises NotFound: no such message of this person's
    :raises Refused: `already_running`: an answer is being written there
    """
    row = _owned_row(session, user_id, message_id)
    owned_row(session, user_id, row.conversation_id, lock=True)
    session.refresh(row)
    if not row.is_shown:
        if _is_running(session, row.conversation_id):
            raise Refused('already_running')
        branches.show(session, row)
    return row.conversation_id


def flush(session: Session, *, message_id: str, reply: Reply) -> bool:
    """Keep a running answer as far as it has come; `False` if it has ended."""
    if reply.conversation_id:
        unlinked = (col(MessageRow.id) == message_id, col(MessageRow.upstream_id) == '')
        changed(session, update(MessageRow).where(*unlinked).values(upstream_id=clean(reply.conversation_id)))
    running = (col(MessageRow.id) == message_id, col(MessageRow.status) == RUNNING)
    return changed(session, update(MessageRow).where(*running).values(reply=_dump(reply))) > 0


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
    row.reply, row.status, row.ended_at = _dump(reply), reply.status, now if reply.status.is_final else None
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
    if _is_running(session, conversation.id):
        raise Refused('already_running')
    reply = replace(_reply(row), status=Status.RUNNING, failure=None)
    row.reply, row.status = _dump(reply), reply.status
    session.add(row)
    session.flush()
    return Begun(conversation_value(conversation, running=True), _loaded(session, [row])[0], False)


def abandon(session: Session, *, message_id: str, now: datetime) -> None:
    """End a running answer whose own end can't be kept: as far as it was flushed, without anything else about it."""
    row = session.get(MessageRow, message_id, with_for_update=True)
    if row is None or row.status != Status.RUNNING:
        return
    reply = replace(_reply(row), status=Status.INTERRUPTED, failure=Failure('internal_error'))
    row.reply, row.status, row.ended_at = _dump(reply), reply.status, now
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
            row.reply = _dump(reply)
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
    if row.status != Status.INTERRUPTED or len(reply.text) < len(_reply(row).text):
        return False
    row.reply, row.status = _dump(reply), reply.status
    _link(row, reply)
    session.add_all(locked)
    usage.amend(session, message_id=message_id, reply=reply, outcome=reply.status, prices=prices)
    _want_title(session, conversation, reply, now)
    return True


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
    return _loaded(session, rows[::-1])


def following(session: Session, *, user_id: str, conversation_id: str, after: int, limit: int) -> list[Message]:
    """All messages of a conversation, hidden ones too, after the `number` of one that is known, oldest first."""
    theirs = (MessageRow.conversation_id == conversation_id, MessageRow.user_id == user_id, MessageRow.number > after)
    rows = session.exec(select(MessageRow).where(*theirs).order_by(col(MessageRow.number)).limit(limit)).all()
    return _loaded(session, rows)


def before(session: Session, *, user_id: str, message_id: str) -> list[Message]:
    """What stands before a message on its path, whether that is shown or not; the newest ones, oldest first.

    Nothing, if it is gone meanwhile.
    """
    row = session.exec(select(MessageRow).where(MessageRow.id == message_id, MessageRow.user_id == user_id)).first()
    if row is None:
        return []
    return _loaded(session, branches.up_to(session, row.conversation_id, row.parent, branches.MOST_TURNS))


def around(
    session: Session, *, user_id: str, message_id: str, before: int, after: int
) -> tuple[list[Message], bool, bool]:
    """A message, some of those before it, and some of what was chosen last behind it, oldest first.

    :return: with whether there is more before and behind
    :raises NotFound: no such message of this person's
    """
    row = _owned_row(session, user_id, message_id)
    rows = branches.up_to(session, row.conversation_id, row.number, before + 1)
    further = branches.onwards(session, row.conversation_id, row.number, after + 1)
    return _loaded(session, [*rows, *further[:after]]), rows[0].parent > 0, len(further) > after


def owned(session: Session, *, user_id: str, message_id: str) -> Message:
    """:raises NotFound: no such message of this person's"""
    return _loaded(session, [_owned_row(session, user_id, message_id)])[0]


def is_there(session: Session, *, message_id: str) -> bool:
    """Whether nobody has deleted it."""
    return session.exec(select(MessageRow.id).where(MessageRow.id == message_id)).first() is not None


def leftovers(session: Session) -> list[Leftover]:
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
            reply=_reply(row),
        )
        for row, conversation, dify_user in session.exec(statement)
    ]


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
    is_running = _is_running(session, conversation.id)
    return Begun(conversation_value(conversation, running=is_running), _loaded(session, [row])[0], False)


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
    if _is_running(session, conversation.id):
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
    return Begun(conversation_value(conversation, running=True), _loaded(session, [row])[0], True)


def _reserve(session: Session, begun: Begun, cost_group: str, allowance: Allowance, now: datetime) -> None:
    """:raises BudgetUsedUp: nothing is left for it"""
    conversation = begun.conversation
    spender = Spender(conversation.user_id, clean(cost_group), conversation.app)
    paying = budget_table.paid_by(session, configured=allowance.budgets, spender=spender)
    budgets.reserve(session, message_id=begun.message.id, spender=spender, budgets=paying, now=now)


def _is_running(session: Session, conversation_id: str) -> bool:
    statement = select(MessageRow.id).where(
        MessageRow.conversation_id == conversation_id, col(MessageRow.status) == RUNNING
    )
    return session.exec(statement).first() is not None


def _owned_row(session: Session, user_id: str, message_id: str) -> MessageRow:
    statement = select(MessageRow).where(MessageRow.id == clean(message_id), MessageRow.user_id == user_id)
    row = session.exec(statement).first()
    if row is None:
        raise NotFound
    return row


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


def _is_worthless(session: Session, row: MessageRow) -> bool:
    has_failed = row.status in {Status.FAILED, Status.INTERRUPTED}
    return has_failed and not row.upstream_id and not _reply(row).parts and not branches.is_followed(session, row)


def _want_title(session: Session, conversation: ConversationRow, reply: Reply, now: datetime) -> None:
    if reply.status is Status.COMPLETE:
        session.flush()
        titles.want(session, conversation_id=conversation.id, now=now)


def _dump(reply: Reply) -> dict[str, Any]:
    return clean_object(dump_reply(reply))


def read_reply(message_id: str, status: str, reply: dict[str, Any]) -> Reply:
    """A reply as its row has it. One that this version can't read must not close the whole conversation."""
    try:
        return load_reply(reply)
    except ValidationError as error:
        failure = Failure('unreadable', f'message {message_id}: {error.error_count()} unknown values')
        return Reply(Status(status), failure=failure)


def _reply(row: MessageRow) -> Reply:
    return read_reply(row.id, row.status, row.reply)


def _loaded(session: Session, rows: Sequence[MessageRow]) -> list[Message]:
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
        reply=_reply(row),
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
