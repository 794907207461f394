"""What people think of answers. Kept first, then told upstream: a row is due until that has happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast

from sqlmodel import Session, col, select, update

from webapp.chat.message import Status
from webapp.errors import NotFound, Refused
from webapp.store.tables import ConversationRow, FeedbackRow, MessageRow, UserRow, changed
from webapp.store.text import clean

MAX_COMMENT = 2_000  # characters
BACKOFF = (timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=2))
LEASE = timedelta(minutes=2)  # a claim not settled by then is somebody else's: its process is gone

Rating = Literal['like', 'dislike']


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
    row = session.exec(
        select(MessageRow).where(MessageRow.id == clean(message_id), MessageRow.user_id == user_id).with_for_update()
    ).first()
    if row is None:
        raise NotFound
    if not Status(row.status).is_final or not row.reply.get('message_id'):
        raise Refused('not_rateable')
    newest = FeedbackRow(
        message_id=row.id,
        user_id=user_id,
        rating=rating or '',
        comment=clean(comment)[:MAX_COMMENT] if rating else '',
        updated_at=now,
        sent=False,
        attempts=0,
        due_at=now,
    )
    session.merge(newest)


def of_messages(session: Session, message_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Rating and comment, by message."""
    if not message_ids:
        return {}
    rows = session.exec(select(FeedbackRow).where(col(FeedbackRow.message_id).in_(message_ids)))
    return {row.message_id: (row.rating, row.comment) for row in rows}


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
        jobs.append(
            FeedbackJob(row.message_id, reply['message_id'], app, dify_user, rating, row.comment, row.updated_at)
        )
    return jobs


def settle(session: Session, *, job: FeedbackJob, told: bool, hopeless: bool = False, now: datetime) -> None:
    """Note what came of a claim; a rating that has changed meanwhile stays due.

    :param hopeless: upstream will never take it
    """
    row = session.get(FeedbackRow, job.message_id, with_for_update=True)
    if row is None or row.updated_at != job.updated_at:
        return
    row.sent = told
    tired = hopeless or row.attempts > len(BACKOFF)
    row.due_at = None if told or tired else now + BACKOFF[row.attempts - 1]
    session.add(row)


def next_due(session: Session) -> datetime | None:
    """When somebody should look again."""
    due = col(FeedbackRow.due_at)
    return session.exec(select(due).where(due.is_not(None)).order_by(due).limit(1)).first()
