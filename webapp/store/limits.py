"""How often something may happen: a log of what did. Exact whenever one looks, and the same for every process."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import func
from sqlmodel import Session, col, delete, select

from webapp.store import locks
from webapp.store.tables import HitRow, changed


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` within any span of `within`; 0 means no limit."""

    most: int
    within: timedelta


def take(
    session: Session, *, scope: str, key: str, limits: Sequence[Limit], now: datetime, amount: int = 1
) -> timedelta | None:
    """Count `amount` more, if all of `limits` leave room for it.

    :param scope: what is limited
    :param key: whom it is limited for
    :return: None if it was counted, else how long to wait until there is room, or the whole span if there never is
    """
    limits = [limit for limit in limits if limit.most]
    if not limits:
        return None
    locks.hold(session, 'limit', scope, key)
    theirs = (HitRow.scope == scope, HitRow.key == key)
    waits = [wait for limit in limits if (wait := _wait(session, theirs, limit, now, amount))]
    if waits:
        return max(waits)
    longest = max(limit.within for limit in limits)
    session.add(HitRow(id=uuid4().hex, scope=scope, key=key, at=now, amount=amount, expires_at=now + longest))
    return None


def purge(session: Session, *, now: datetime) -> int:
    """Delete what no limit looks back to; how many rows it was."""
    return changed(session, delete(HitRow).where(col(HitRow.expires_at) <= now))


def _wait(session: Session, theirs: tuple[bool, ...], limit: Limit, now: datetime, amount: int) -> timedelta | None:
    within = (*theirs, HitRow.at > now - limit.within)
    used = session.exec(select(func.coalesce(func.sum(HitRow.amount), 0)).where(*within)).one()
    excess = int(used) + amount - limit.most
    if excess <= 0:
        return None
    for at, freed in session.exec(select(HitRow.at, HitRow.amount).where(*within).order_by(col(HitRow.at))):
        excess -= freed
        if excess <= 0:
            return at + limit.within - now
    return limit.within
