"""The ledger beside what Dify keeps of each message: newer servers do, in their history.

An answer of unknown cost is looked up soon after its end; any others when an admin asks for it. What history tells
fills what is unknown. Where it tells something else than the stream did, the ledger stays, and both are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select as sa_select
from sqlmodel import Session, col, func, select, update

from webapp.chat.message import Reply, Usage
from webapp.prices import Price
from webapp.store import usage
from webapp.store.reports import Filter
from webapp.store.tables import ConversationRow, MessageRow, UsageRow, UserRow, changed
from webapp.store.text import clean
from webapp.store.usage import MAX_CURRENCY, Pricing, to_nano

BACKOFF = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=2))
LEASE = timedelta(minutes=15)  # a claim not settled by then is somebody else's: its process is gone
MOST = 5000  # answers at once


@dataclass(frozen=True, slots=True)
class LookUp:
    """An answer that history is asked about."""

    message_id: str
    upstream_id: str  # Dify's id of the message
    upstream_conversation: str
    app: str
    dify_user: str


def ask(session: Session, *, wanted: Filter, now: datetime) -> int:
    """Have the newest answers that fit looked up, at most `MOST`; how many they are."""
    newest = select(UsageRow.id).where(wanted.conditions(UsageRow)).order_by(col(UsageRow.created_at).desc())
    rows = update(UsageRow).where(col(UsageRow.id).in_(newest.limit(MOST)))
    return changed(session, rows.values(look_at=now, looks=0))


def claim_due(session: Session, *, now: datetime, conversations: int = 2) -> list[LookUp]:
    """Answers of a few conversations to be looked up now, each given to one caller, who has to `settle` it."""
    is_due = col(UsageRow.look_at) <= now
    first = select(UsageRow.conversation_id).where(is_due).group_by(UsageRow.conversation_id)
    ids = session.exec(first.order_by(func.min(UsageRow.look_at)).limit(conversations)).all()
    due = select(UsageRow).where(is_due, col(UsageRow.conversation_id).in_(ids)).order_by(UsageRow.id)
    rows = session.exec(due.limit(MOST).with_for_update(skip_locked=True)).all()
    statement = (
        sa_select(
            col(MessageRow.id), col(MessageRow.reply), col(MessageRow.upstream_id), col(ConversationRow.app),
            col(UserRow.dify_user),
        )
        .join(ConversationRow, col(ConversationRow.id) == MessageRow.conversation_id)
        .join(UserRow, col(UserRow.id) == ConversationRow.user_id)
        .where(col(MessageRow.id).in_([row.message_id for row in rows]))
    )  # fmt: skip
    found = {
        id_: LookUp(id_, reply.get('message_id') or '', conversation, app, dify_user)
        for id_, reply, conversation, app, dify_user in session.connection().execute(statement)
    }
    jobs = []
    for row in rows:
        job = found.get(row.message_id)
        if job and job.upstream_id and job.upstream_conversation:
            row.look_at, row.looks = now + LEASE, row.looks + 1
            jobs.append(job)
        else:  # the conversation is gone, or Dify never heard of it
            row.look_at = None
        session.add(row)
    return jobs


def settle(
    session: Session,
    *,
    job: LookUp,
    told: Usage | None,
    now: datetime,
    prices: Sequence[Price] = (),
    again: bool = False,
) -> None:
    """Note what history tells of an answer.

    :param told: None where it tells nothing
    :param prices: for tokens that have no price
    :param again: it may tell more later
    """
    row = session.exec(select(UsageRow).where(UsageRow.message_id == job.message_id).with_for_update()).first()
    if row is None:
        return
    may_come = again and row.looks <= len(BACKOFF)
    row.look_at = now + BACKOFF[max(row.looks, 1) - 1] if may_come else None
    session.add(row)
    if told is None or usage.pricing(told) is Pricing.UNKNOWN:
        return
    differs = _differs(row, told)
    if not differs and usage.says_more(row, told):
        session.flush()
        usage.amend(session, message_id=job.message_id, reply=Reply(usage=told), prices=prices)
    row.history_tokens = told.total_tokens if differs else None
    row.history_nano = to_nano(told.total_price) if differs else None
    row.history_currency = clean(told.currency)[:MAX_CURRENCY] if differs else ''


def next_due(session: Session) -> datetime | None:
    """When somebody should look again."""
    due = col(UsageRow.look_at)
    return session.exec(select(due).where(due.is_not(None)).order_by(due).limit(1)).first()


def differing(session: Session, *, wanted: Filter) -> int:
    """Of how many answers history tells something else."""
    fits = (wanted.conditions(UsageRow), col(UsageRow.history_tokens).is_not(None))
    return session.exec(select(func.count()).select_from(UsageRow).where(*fits)).one()


def _differs(row: UsageRow, told: Usage) -> bool:
    if row.pricing == Pricing.UNKNOWN or told.total_tokens is None:
        return False
    if told.total_tokens != row.total_tokens:
        return True
    has_price = row.pricing == Pricing.PRICED and usage.pricing(told) is Pricing.PRICED
    return has_price and (to_nano(told.total_price), told.currency) != (row.total_nano, row.currency)
