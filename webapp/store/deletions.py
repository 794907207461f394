"""Conversations that are gone here, until upstream has been told to delete them too.

The row belongs to the transaction in which the conversation goes, so no crash loses the wish. It stays until upstream
has said yes; of an app that the settings have no more it waits until they have it again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import exists, select as sa_select
from sqlmodel import Session, col, delete, func, select

from webapp.store import feedback_list
from webapp.store.tables import ConversationRow, DeletionRow, ForgottenRow, changed
from webapp.store.text import clean

BACKOFF = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
RARELY = timedelta(hours=6)  # afterwards, for as long as it takes
KNOWN = timedelta(days=365)  # that it is gone: for a while, lists of upstream may still tell of it
LEASE = timedelta(minutes=10)  # longer than a call takes; a claim not settled by then is somebody else's


@dataclass(frozen=True, slots=True)
class DeletionJob:
    """A conversation that an app is to delete."""

    id: str
    app: str
    upstream_id: str
    dify_user: str


def want(session: Session, *, app: str, upstream_id: str, dify_user: str, now: datetime) -> None:
    """For functions of the store: upstream is to delete it, too. Wanting it twice does no harm.

    What people there think of it goes at once, also where it hangs on no message of ours.
    """
    feedback_list.forget(session, app=app, upstream_id=upstream_id)
    session.add(
        DeletionRow(
            id=uuid4().hex,
            app=app,
            upstream_id=clean(upstream_id),
            dify_user=dify_user,
            created_at=now,
            attempts=0,
            due_at=now,
        )
    )


def want_if_gone(
    session: Session, *, conversation_id: str, app: str, upstream_id: str, dify_user: str, now: datetime
) -> None:
    """`want`, for an answer that has ended: its conversation may have gone before upstream had named it."""
    if session.get(ConversationRow, conversation_id) is None:
        want(session, app=app, upstream_id=upstream_id, dify_user=dify_user, now=now)


def claim_due(session: Session, *, app: str, now: datetime, limit: int = 10) -> list[DeletionJob]:
    """What an app is to be told now, each given to one caller, who has to `settle` it."""
    statement = (
        select(DeletionRow)
        .where(DeletionRow.app == app, col(DeletionRow.due_at) <= now)
        .order_by(col(DeletionRow.due_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    jobs = []
    for row in session.exec(statement).all():
        row.due_at = now + LEASE
        row.attempts += 1
        session.add(row)
        jobs.append(DeletionJob(row.id, row.app, row.upstream_id, row.dify_user))
    return jobs


def settle(session: Session, *, job_id: str, told: bool, now: datetime) -> None:
    """Note what came of a claim."""
    row = session.get(DeletionRow, job_id, with_for_update=True)
    if row is None:
        return
    if told:
        session.delete(row)
        return
    row.due_at = now + (BACKOFF[row.attempts - 1] if row.attempts <= len(BACKOFF) else RARELY)
    session.add(row)


def waiting(session: Session) -> int:
    """How many there are that upstream has not been told of."""
    return session.exec(select(func.count()).select_from(DeletionRow)).one()


def oldest(session: Session) -> datetime | None:
    """Since when the oldest of them has been waiting; None if there is none."""
    at = col(DeletionRow.created_at)
    return session.exec(select(at).order_by(at).limit(1)).first()


def purge(session: Session, *, now: datetime) -> int:
    """Delete that conversations are gone which upstream has long known; how many. What waits may still be told of."""
    waits = exists(
        sa_select(1).where(
            col(DeletionRow.app) == ForgottenRow.app, col(DeletionRow.upstream_id) == ForgottenRow.upstream_id
        )
    )
    return changed(session, delete(ForgottenRow).where(col(ForgottenRow.at) < now - KNOWN, ~waits))
