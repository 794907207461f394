"""Work that one process at a time does now and then, for all that share the database.

Whoever holds a chore says so with every piece of it that is done, in the transaction of that piece. If a process dies,
another one goes on when the lease has run out, and what had been counted is counted still.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlmodel import Session

from webapp.errors import Refused
from webapp.store import locks
from webapp.store.tables import ChoreRow

LEASE = timedelta(minutes=5)


def claim(session: Session, *, name: str, holder: str, now: datetime, done_before: datetime | None = None) -> bool:
    """Whether the chore is this caller's now.

    :param holder: tells this caller from all others
    :param done_before: leave it, if it has been done since; None: it is to be done in any case
    """
    locks.hold(session, 'chore', name)
    row = session.get(ChoreRow, name)
    if row is None:
        row = ChoreRow(name=name, holder='', until=now, done_at=None, counts={})
    if row.holder and row.until > now:
        return False
    if done_before and row.done_at and row.done_at > done_before:
        return False
    row.holder, row.until = holder, now + LEASE
    session.add(row)
    return True


def go_on(session: Session, *, name: str, holder: str, now: datetime, counts: Mapping[str, int]) -> None:
    """Note a piece of the work, in its transaction.

    :raises Refused: `chore_lost`: somebody else has taken it over, and does the piece
    """
    row = _held(session, name, holder)
    row.counts, row.until = dict(Counter(row.counts) + Counter(counts)), now + LEASE
    session.add(row)


def finish(session: Session, *, name: str, holder: str, now: datetime) -> dict[str, int]:
    """All has been done; how much of what. :raises Refused: as `go_on`"""
    row = _held(session, name, holder)
    counts, row.counts, row.holder, row.done_at = row.counts, {}, '', now
    session.add(row)
    return counts


def _held(session: Session, name: str, holder: str) -> ChoreRow:
    locks.hold(session, 'chore', name)
    row = session.get(ChoreRow, name)
    if row is None or row.holder != holder:
        raise Refused('chore_lost')
    return row
