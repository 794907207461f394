"""How a conversation gets its title, as a state machine in rows: it goes on where a killed process left it.

provisional ── an answer is complete ──> due ── claimed ──> generating ──> generated
                                          └──── fails: due again, later ────┘  └─ the third time ──> failed
any of them ── the person names it ──> manual, for good
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select, update

from webapp.store.branches import IS_SHOWN
from webapp.store.conversations import TitleState, set_title
from webapp.store.tables import ConversationRow, MessageRow, UserRow, changed
from webapp.store.text import fold_title

ATTEMPTS = 3
LEASE = timedelta(minutes=3)  # a title not settled by then is somebody else's to make: its process is gone
BACKOFF = (timedelta(seconds=30), timedelta(minutes=5))


@dataclass(frozen=True, slots=True)
class TitleJob:
    conversation_id: str
    user_id: str
    upstream_id: str
    dify_user: str
    title: str  # what it is called now


def want(session: Session, *, conversation_id: str, now: datetime) -> None:
    """Ask for a title, unless it has one or is about to get one."""
    lacking = update(ConversationRow).where(
        col(ConversationRow.id) == conversation_id,
        col(ConversationRow.title_state) == TitleState.PROVISIONAL,
        col(ConversationRow.title_due_at).is_(None),
    )
    changed(session, lacking.values(title_due_at=now))


def claim_due(session: Session, *, app: str, now: datetime, limit: int = 10) -> list[TitleJob]:
    """Titles that an app should make now, each given to one caller, who has to `settle` it."""
    state, due = col(ConversationRow.title_state), col(ConversationRow.title_due_at)
    unnamed = state.in_([TitleState.PROVISIONAL, TitleState.GENERATING])
    waiting = (due <= now, unnamed, col(ConversationRow.app) == app)
    tired = update(ConversationRow).where(*waiting, col(ConversationRow.title_attempts) >= ATTEMPTS)
    changed(session, tired.values(title_state=TitleState.FAILED, title_due_at=None))
    begun_in = (
        sa_select(col(MessageRow.upstream_id))
        .where(col(MessageRow.conversation_id) == ConversationRow.id, IS_SHOWN, col(MessageRow.upstream_id) != '')
        .order_by(col(MessageRow.number))
        .limit(1)
        .correlate(ConversationRow)
        .scalar_subquery()
    )  # Dify makes a title of the first question in there
    statement = (
        select(ConversationRow, UserRow.dify_user, begun_in)
        .join(UserRow)
        .where(*waiting, begun_in.is_not(None))
        .order_by(due)
        .limit(limit)
        .with_for_update(of=ConversationRow, skip_locked=True, key_share=True)
    )
    return [_claim(session, *found, now) for found in session.exec(statement).all()]


def settle(session: Session, *, conversation_id: str, title: str | None, now: datetime) -> None:
    """Note what came of a claim.

    :param title: as upstream made it; `None` if it could not be made
    """
    row = session.get(ConversationRow, conversation_id, with_for_update={'key_share': True})
    if row is None or row.title_state != TitleState.GENERATING:
        return
    made = _made(title, row.title)
    if made:
        set_title(row, made)
        row.title_state, row.title_due_at = TitleState.GENERATED, None
    else:
        has_failed = row.title_attempts >= ATTEMPTS
        row.title_state = TitleState.FAILED if has_failed else TitleState.PROVISIONAL
        row.title_due_at = None if has_failed else now + BACKOFF[row.title_attempts - 1]
    session.add(row)


def _made(title: str | None, local: str) -> str:
    """The new title; '' if there is none: where Dify's model fails it answers with the question's first characters."""
    folded = fold_title(title or '')
    start = folded.removesuffix('…').removesuffix('...').rstrip()
    is_cut = start != folded and local.startswith(start)
    return '' if is_cut or folded == 'New conversation' else folded


def _claim(session: Session, row: ConversationRow, dify_user: str, upstream_id: str, now: datetime) -> TitleJob:
    row.title_state = TitleState.GENERATING
    row.title_attempts += 1
    row.title_due_at = now + LEASE
    session.add(row)
    return TitleJob(
        conversation_id=row.id,
        user_id=row.user_id,
        upstream_id=upstream_id,
        dify_user=dify_user,
        title=row.title,
    )
