"""Forgets a person: everything of theirs goes, but what they cost, and that goes on under a name that leads to nobody.

From `begin` on they can't come in. Then `step` is called until it has nothing left to do: each is a small transaction,
does whatever comes next, and finds by itself what that is. So it can break off anywhere, and whoever comes by goes on.
What is written meanwhile by a process that does not know yet is found as well: the person goes when nothing is left.

Which tables there are, and what becomes of each: see `holdings`.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select as sa_select
from sqlmodel import Session, col, delete, func, or_, select, update

from webapp.errors import NotFound, Refused
from webapp.principal import Identity, Role
from webapp.store import audit, budget_table, conversations, files, limits, locks, rollups, sessions, users
from webapp.store.audit import Action, Party
from webapp.store.tables import (
    AuditRow,
    ConversationRow,
    DeletionRow,
    FeedbackRow,
    FileRow,
    ForgettingRow,
    HitRow,
    IdentityRow,
    MessageRow,
    ReservationRow,
    SessionRow,
    UsageDayRow,
    UsageRow,
    UserRow,
    changed,
)
from webapp.store.text import clean
from webapp.store.users import identity_value

MANY_MESSAGES = 500  # in one transaction, or one conversation if that has more
MANY_DAYS = 20  # of the ledger
MANY_ENTRIES = 200  # of the audit log

IsAdmin = Callable[[Identity], bool]  # by the settings as they are


@dataclass(frozen=True, slots=True)
class Held:
    """How much there is of a person."""

    conversations: int
    messages: int
    files: int
    bytes: int
    feedback: int
    sessions: int
    answers: int  # in the ledger; they stay, under another name
    entries: int  # of the audit log, that stay without names
    waiting: int  # conversations that upstream is still to delete


def preview(session: Session, *, user_id: str) -> Held:
    """What forgetting them would be about. :raises NotFound: no such person"""
    user = users.get(session, user_id=user_id)

    def count(table: type[Any], *which: Any) -> int:
        return session.exec(select(func.count()).select_from(table).where(*which)).one()

    sizes = select(func.sum(FileRow.size)).where(FileRow.user_id == user.id, col(FileRow.is_kept))
    return Held(
        conversations=count(ConversationRow, ConversationRow.user_id == user.id),
        messages=count(MessageRow, MessageRow.user_id == user.id),
        files=count(FileRow, FileRow.user_id == user.id),
        bytes=int(session.exec(sizes).one() or 0),
        feedback=count(FeedbackRow, FeedbackRow.user_id == user.id),
        sessions=count(SessionRow, SessionRow.user_id == user.id),
        answers=count(UsageRow, UsageRow.user_id == user.id),
        entries=count(AuditRow, _named(user.id)),
        waiting=count(DeletionRow, DeletionRow.dify_user == user.dify_user),
    )


def begin(
    session: Session, *, actor: Party, user_id: str, is_admin: IsAdmin, now: datetime, address: str = ''
) -> list[str]:
    """Keep somebody out for good; the ids of the sessions that this ended. What they have goes with `step`.

    :raises NotFound: no such person
    :raises Refused: `own_account`: nobody does it to themselves; `last_admin`: nobody could do anything any more
    """
    locks.hold(session, 'forgetting')
    row = session.get(UserRow, clean(user_id), with_for_update=True)
    if row is None:
        raise NotFound
    if row.id == actor.id:
        raise Refused('own_account')
    if is_begun(session, user_id=row.id):
        return []
    if _is_last_admin(session, row.id, is_admin):
        raise Refused('last_admin')
    row.blocked_at = row.blocked_at or now
    session.add(row)
    session.add(
        ForgettingRow(
            user_id=row.id,
            pseudonym=users.new_pseudonym(),
            actor_id=actor.id,
            actor_name=actor.name,
            address=address,
            asked_at=now,
            counts={},
        )
    )
    open_ = (SessionRow.user_id == row.id, col(SessionRow.ended_at).is_(None))
    ended = list(session.exec(select(SessionRow.id).where(*open_).with_for_update()))
    sessions.end_all(session, user_id=row.id, now=now)
    return ended


def is_begun(session: Session, *, user_id: str) -> bool:
    """Whether somebody is being forgotten."""
    return session.get(ForgettingRow, user_id) is not None


def begun(session: Session) -> list[str]:
    """The ids of all who are being forgotten."""
    return list(session.exec(select(ForgettingRow.user_id).order_by(col(ForgettingRow.asked_at))))


def step(session: Session, *, user_id: str, now: datetime) -> bool:
    """Do a little of what is left to do; whether there may be more."""
    row = session.get(ForgettingRow, user_id, with_for_update=True)
    if row is None:
        return False
    parts: Iterable[Callable[[Session, ForgettingRow, datetime], bool]] = (_talk, _files, _ledger, _log)
    if any(part(session, row, now) for part in parts):
        session.add(row)
        return True
    return _leave(session, row, now)


def _talk(session: Session, row: ForgettingRow, now: datetime) -> bool:
    """Their conversations, with all that is in them; upstream is to do the same."""
    theirs = select(ConversationRow).where(ConversationRow.user_id == row.user_id)
    counts: Counter[str] = Counter()
    while counts['messages'] < MANY_MESSAGES:
        conversation = session.exec(theirs.limit(1).with_for_update(key_share=True)).first()
        if conversation is None:
            break
        of_it = MessageRow.conversation_id == conversation.id
        messages = session.exec(select(func.count()).select_from(MessageRow).where(of_it)).one()
        conversations.remove(session, conversation, now=now)
        session.flush()
        counts += Counter(conversations=1, messages=messages)
    return _count(row, counts)


def _files(session: Session, row: ForgettingRow, _: datetime) -> bool:
    """Their files, the bytes first: to go with the person, they would hold up everybody."""
    there = session.exec(select(func.count()).select_from(FileRow).where(FileRow.user_id == row.user_id)).one()
    if not there:
        return False
    files.forget_all(session, user_id=row.user_id)
    files.remove_some(session)
    left = session.exec(select(func.count()).select_from(FileRow).where(FileRow.user_id == row.user_id)).one()
    _count(row, Counter(files=there - left))
    return True


def _ledger(session: Session, row: ForgettingRow, _: datetime) -> bool:
    """What they cost, day by day: rows and sums together, so that they agree at any moment."""
    days = _days(session, row.user_id)
    for day in days:
        theirs = update(UsageRow).where(col(UsageRow.user_id) == row.user_id, col(UsageRow.day) == day)
        _count(row, Counter(answers=changed(session, theirs.values(user_id=row.pseudonym))))
        rollups.rename(session, user_id=row.user_id, into=row.pseudonym, day=day)
    return bool(days)


def _log(session: Session, row: ForgettingRow, _: datetime) -> bool:
    return audit.rename(
        session, user_id=row.user_id, known=_known(session, row.user_id), into=row.pseudonym, limit=MANY_ENTRIES
    )


def _leave(session: Session, row: ForgettingRow, now: datetime) -> bool:
    """The person, with what goes with them, if nothing has come up again; whether something has."""
    user = session.get(UserRow, row.user_id, with_for_update=True)  # nothing of theirs can be begun from here on
    assert user is not None
    left: Iterable[Any] = (
        select(ConversationRow.id).where(ConversationRow.user_id == user.id),
        select(FileRow.id).where(FileRow.user_id == user.id),
        select(UsageRow.id).where(UsageRow.user_id == user.id),
        select(UsageDayRow.user_id).where(UsageDayRow.user_id == user.id),
        select(AuditRow.id).where(_named(user.id)),
    )
    if any(session.exec(each.limit(1)).first() for each in left):
        return True
    changed(session, delete(HitRow).where(col(HitRow.key) == limits.of_person(user.id)))
    changed(session, delete(ReservationRow).where(col(ReservationRow.user_id) == user.id))
    budget_table.forget(session, user_id=user.id)
    marked = update(FeedbackRow).where(col(FeedbackRow.state_by) == user.id)
    changed(session, marked.values(state_by=row.pseudonym))
    asked = update(ForgettingRow).where(col(ForgettingRow.actor_id) == user.id)
    changed(session, asked.values(actor_id=row.pseudonym, actor_name='', address=''))
    actor, target = Party(row.actor_id, row.actor_name), Party(row.pseudonym)
    audit.record(
        session, Action.PERSON_FORGOTTEN, now=now, actor=actor, target=target, address=row.address, detail=row.counts
    )
    session.flush()
    changed(session, delete(UserRow).where(col(UserRow.id) == user.id))
    return False


def _count(row: ForgettingRow, counts: Counter[str]) -> bool:
    """Add to what has been done; whether it is anything."""
    row.counts = dict(Counter(row.counts) + counts)
    return bool(+counts)


def _days(session: Session, user_id: str) -> list[date]:
    days = sa_select(UsageRow.day).where(col(UsageRow.user_id) == user_id)  # type: ignore[call-overload]
    sums = sa_select(UsageDayRow.day).where(col(UsageDayRow.user_id) == user_id)  # type: ignore[call-overload]
    both = days.union(sums).subquery()
    return list(session.connection().scalars(sa_select(both.c.day).order_by(both.c.day).limit(MANY_DAYS)))


def _named(user_id: str) -> Any:
    return or_(col(AuditRow.actor_id) == user_id, col(AuditRow.target_id) == user_id)


def _known(session: Session, user_id: str) -> audit.Known:
    user = users.get(session, user_id=user_id)
    ways = session.exec(select(IdentityRow).where(IdentityRow.user_id == user_id)).all()
    addresses = {user.email, *(row.email for row in ways)}
    names = addresses | {user.name} | {name for row in ways for name in (row.name, row.subject)}
    return audit.Known(names, addresses, {row.provider for row in ways})


def _is_last_admin(session: Session, user_id: str, is_admin: IsAdmin) -> bool:
    theirs = session.exec(select(IdentityRow).where(IdentityRow.user_id == user_id))
    if not any(is_admin(identity_value(row)) for row in theirs):
        return False
    others = (
        select(IdentityRow)
        .join(UserRow, col(UserRow.id) == IdentityRow.user_id)
        .where(UserRow.id != user_id, col(UserRow.blocked_at).is_(None), IdentityRow.role == Role.ADMIN)
    )
    return not any(is_admin(identity_value(row)) for row in session.exec(others))
