"""How often something may happen: a log of what did. Exact whenever one looks, and the same for every process."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import uuid4

from sqlalchemy import func
from sqlmodel import Session, col, delete, select

from webapp.errors import LimitReached
from webapp.store import locks
from webapp.store.tables import HitRow, changed


class Scope(StrEnum):
    """What is limited."""

    MESSAGES = 'messages'
    UPLOADS = 'uploads'  # bytes
    SEARCHES = 'searches'
    EXPORTS = 'exports'
    SPEECH = 'speech'  # pieces of answers read aloud, and recordings heard
    LOGIN_STARTS = 'login_starts'
    LOGIN_ENDS = 'login_ends'
    REFUSALS = 'refusals'  # of sign-ins, as entries of the audit log
    ENDINGS = 'endings'  # that a provider asks for
    GUESTS = 'guests'
    EMBED_ENTRIES = 'embed_entries'  # of visitors, and with tokens that are no good


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` within any span of `within`; 0 means no limit."""

    most: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Ration:
    """What somebody may have of something: all of `limits`."""

    scope: Scope
    key: str  # of a person or an address
    limits: tuple[Limit, ...]
    code: str  # of the refusal


def of_person(user_id: str) -> str:
    """The key of a ration that is one person's."""
    return f'user {user_id}'


def spend(session: Session, *, rations: Sequence[Ration], now: datetime, amount: int = 1) -> list[str]:
    """Count `amount` more in each of `rations`, or in none.

    :param rations: what is counted for few comes before what is counted for many, so that nobody waits in a ring
    :return: ids by which it can be given back
    :raises LimitReached: there is no room for it; tells when there is, or the whole span if there never will be
    """
    return [_spend(session, ration, now, amount) for ration in rations if any(limit.most for limit in ration.limits)]


def give_back(session: Session, *, hits: Collection[str]) -> None:
    """It did not happen after all."""
    changed(session, delete(HitRow).where(col(HitRow.id).in_(hits)))


def purge(session: Session, *, now: datetime) -> int:
    """Delete what no limit looks back to; how many rows it was."""
    return changed(session, delete(HitRow).where(col(HitRow.expires_at) <= now))


def _spend(session: Session, ration: Ration, now: datetime, amount: int) -> str:
    limits = [limit for limit in ration.limits if limit.most]
    locks.hold(session, 'limit', ration.scope, ration.key)
    theirs = (HitRow.scope == ration.scope, HitRow.key == ration.key)
    waits = [(wait, limit) for limit in limits if (wait := _wait(session, theirs, limit, now, amount))]
    if waits:
        wait, limit = max(waits, key=lambda found: found[0])
        raise LimitReached(ration.code, most=limit.most, within=limit.within, wait=wait)
    row = HitRow(
        id=uuid4().hex,
        scope=ration.scope,
        key=ration.key,
        at=now,
        amount=amount,
        expires_at=now + max(limit.within for limit in limits),
    )
    session.add(row)
    return row.id


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
