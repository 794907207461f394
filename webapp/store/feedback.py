"""What people think of answers. Kept first, then told upstream: a row is due until that has happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, cast

from sqlmodel import Session, col, select, update

from webapp.chat.message import Status
from webapp.errors import NotFound, Refused
from webapp.store.tables import EPOCH, ConversationRow, FeedbackRow, MessageRow, UserRow, changed
from webapp.store.text import clean, fold_case

MAX_COMMENT = 2_000  # characters
BACKOFF = (timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=2))
LEASE = timedelta(minutes=2)  # a claim not settled by then is somebody else's: its process is gone

Rating = Literal['like', 'dislike']


class Source(StrEnum):
    """Who rates: the owner of a message of ours, somebody else by way of Dify, or an admin in Dify's own console."""

    OWN = 'own'
    USER = 'user'
    ADMIN = 'admin'


class State(StrEnum):
    """What those who go through the ratings have made of one."""

    NEW = 'new'
    SEEN = 'seen'
    FIXED = 'fixed'


@dataclass(frozen=True, slots=True)
class FeedbackJob:
    """A rating that upstream is to be told."""

    message_id: str
    upstream_id: str  # Dify's id of the message
    app: str
    dify_user: str
    rating: Rating | None  # None takes it back
    comment: str
    updated_at: datetime  # tells whether it is still the newest when it has been told


def rate(
    session: Session, *, user_id: str, message_id: str, rating: Rating | None, comment: str, now: datetime
) -> None:
    """Keep what a person thinks of an answer; the newest counts. `None` takes it back.

    :raises NotFound: no such message of theirs
    :raises Refused: `not_rateable`: the answer is being written, or upstream never gave it a name
    """
    found = session.exec(
        select(MessageRow, ConversationRow)
        .join(ConversationRow, col(ConversationRow.id) == MessageRow.conversation_id)
        .where(MessageRow.id == clean(message_id), MessageRow.user_id == user_id)
        .with_for_update(of=MessageRow)
    ).first()
    if found is None:
        raise NotFound
    row, conversation = found
    if not Status(row.status).is_final or not row.reply.get('message_id'):
        raise Refused('not_rateable')
    upstream = (row.reply['message_id'], row.upstream_id)
    before = session.get(FeedbackRow, row.id)
    rater = before.rater if before else ''
    newest = blank(row.id, app=conversation.app, upstream=upstream, message_id=row.id, user_id=user_id, rater=rater)
    fill(newest, rating=rating or '', comment=comment if rating else '', now=now)
    newest.due_at = now
    session.merge(newest)


def blank(
    id_: str,
    *,
    app: str,
    upstream: tuple[str, str],
    source: Source = Source.OWN,
    message_id: str | None = None,
    user_id: str | None = None,
    rater: str = '',
) -> FeedbackRow:
    """A row to `fill`.

    :param upstream: what message and conversation are called there
    """
    return FeedbackRow(
        id=id_,
        message_id=message_id,
        user_id=user_id,
        app=app,
        source=source,
        rater=rater,
        upstream_message_id=upstream[0],
        upstream_conversation_id=upstream[1],
        rating='',
        comment='',
        folded='',
        updated_at=EPOCH,
        state=State.NEW,
        state_by='',
        state_at=None,
        sent=False,
        told_at=None,
        attempts=0,
        due_at=None,
    )


def fill(row: FeedbackRow, *, rating: str, comment: str, now: datetime) -> None:
    """Keep what somebody thinks now; nobody has gone through that yet."""
    row.rating, row.comment, row.updated_at = rating, clean(comment)[:MAX_COMMENT], now
    row.folded = fold_case(row.comment)
    row.state, row.state_by, row.state_at = State.NEW, '', None


def of_messages(session: Session, message_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Rating and comment of their owner, by message."""
    if not message_ids:
        return {}
    rows = session.exec(select(FeedbackRow).where(col(FeedbackRow.id).in_(message_ids)))
    return {row.id: (row.rating, row.comment) for row in rows}


def revive(session: Session, *, now: datetime) -> int:
    """At start-up all that upstream has not been told is due again; how many they are."""
    untold = update(FeedbackRow).where(col(FeedbackRow.sent).is_(False), col(FeedbackRow.due_at).is_(None))
    return changed(session, untold.values(due_at=now, attempts=0))


def claim_due(session: Session, *, now: datetime, limit: int = 10) -> list[FeedbackJob]:
    """Ratings to be told now, each given to one caller, who has to `settle` it."""
    statement = (
        select(FeedbackRow, MessageRow.reply, ConversationRow.app, UserRow.dify_user)
        .join(MessageRow, col(MessageRow.id) == FeedbackRow.message_id)
        .join(ConversationRow, col(ConversationRow.id) == MessageRow.conversation_id)
        .join(UserRow, col(UserRow.id) == FeedbackRow.user_id)
        .where(col(FeedbackRow.due_at) <= now)
        .order_by(col(FeedbackRow.due_at))
        .limit(limit)
        .with_for_update(of=FeedbackRow, skip_locked=True)
    )
    jobs = []
    for row, reply, app, dify_user in session.exec(statement).all():
        row.due_at = now + LEASE
        row.attempts += 1
        session.add(row)
        rating = cast(Rating, row.rating) if row.rating else None
        jobs.append(FeedbackJob(row.id, reply['message_id'], app, dify_user, rating, row.comment, row.updated_at))
    return jobs


def settle(session: Session, *, job: FeedbackJob, told: bool, hopeless: bool = False, now: datetime) -> None:
    """Note what came of a claim; a rating that has changed meanwhile stays due.

    :param hopeless: upstream will never take it
    """
    row = session.get(FeedbackRow, job.message_id, with_for_update=True)
    if row is None or row.updated_at != job.updated_at:
        return
    row.sent, row.told_at = told, now if told else None
    tired = hopeless or row.attempts > len(BACKOFF)
    row.due_at = None if told or tired else now + BACKOFF[row.attempts - 1]
    session.add(row)


def next_due(session: Session) -> datetime | None:
    """When somebody should look again."""
    due = col(FeedbackRow.due_at)
    return session.exec(select(due).where(due.is_not(None)).order_by(due).limit(1)).first()
