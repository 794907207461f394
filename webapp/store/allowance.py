"""What a person may ask: how often, and how much at once. For the functions of the store that begin an answer."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from webapp.errors import Refused
from webapp.store import limits, locks
from webapp.store.budgets import Budget
from webapp.store.limits import Ration
from webapp.store.tables import RUNNING, MessageRow


@dataclass(frozen=True, slots=True)
class Allowance:
    rations: tuple[Ration, ...] = ()
    running: int = 0  # answers at once; 0 is no limit
    budgets: tuple[Budget, ...] = ()


NO_LIMITS = Allowance()


def hold(session: Session, *, user_id: str, allowance: Allowance) -> None:
    """One question of a person's after the other: whoever waits here finds what the one before has begun."""
    if allowance != NO_LIMITS:
        locks.hold(session, 'asking', user_id)


def spend(session: Session, *, user_id: str, allowance: Allowance, now: datetime) -> None:
    """Count one question more.

    :raises Refused: `LimitReached`, or `too_many_running`
    """
    limits.spend(session, rations=allowance.rations, now=now)
    if not allowance.running:
        return
    theirs = (MessageRow.user_id == user_id, col(MessageRow.status) == RUNNING)
    if session.exec(select(func.count()).select_from(MessageRow).where(*theirs)).one() >= allowance.running:
        raise Refused('too_many_running', status=429)
