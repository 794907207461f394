"""People as those who answer for the service see them: a list to search, and what may be done about one of them.

A command names its actor and writes the audit log in the same transaction. Whether they may is the caller's to ask.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, exists, func, literal, not_, select as sa_select, tuple_
from sqlmodel import Session, col, delete, or_, select

from webapp.errors import NotFound, Refused
from webapp.principal import GUEST, Identity, Role
from webapp.store import audit, sessions, users
from webapp.store.audit import Action, Party
from webapp.store.tables import (
    ConversationRow,
    FileRow,
    ForgettingRow,
    IdentityRow,
    Moment,
    SessionRow,
    UserRow,
    changed,
)
from webapp.store.text import clean, fold_case, fold_title
from webapp.store.users import User, identity_value, user_value

MAX_SEARCH = 200
MAX_PAGE = 200
PURGED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Filter:
    """Which people; what is not given does not restrict."""

    search: str = ''  # words of name and e-mail address, in any case
    role: Role | Literal['none'] | None = None  # 'none': the settings let them in no more
    state: Literal['active', 'blocked'] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list: just below the person it was taken from."""

    last_seen_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Way:
    """A way in: who vouches, what they said last, and what came of it."""

    identity: Identity
    role: Role | None  # as last granted; None: the settings don't let them in
    created_at: datetime
    vouched_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Person:
    user: User
    ways: tuple[Way, ...]  # the oldest first
    apps: tuple[str, ...]  # those that they have conversations with

    @property
    def role(self) -> Role | None:
        """The highest that one of their ways in gives them."""
        return max((way.role for way in self.ways if way.role), key=list(Role).index, default=None)

    @property
    def place(self) -> Place:
        return Place(self.user.last_seen_at, self.user.id)


def page(session: Session, *, wanted: Filter, before: Place | None = None, limit: int = 50) -> list[Person]:
    """People, the last seen first.

    :param before: the place of the last one known; gives those that follow it
    """
    last_seen_at, id_ = col(UserRow.last_seen_at), col(UserRow.id)
    statement = select(UserRow).where(*_matching(wanted))
    if before:
        place = tuple_(literal(before.last_seen_at, Moment), literal(before.id))
        statement = statement.where(tuple_(last_seen_at, id_) < place)
    rows = session.exec(statement.order_by(last_seen_at.desc(), id_.desc()).limit(min(limit, MAX_PAGE)))
    return _people(session, list(rows))


def count(session: Session, *, wanted: Filter) -> int:
    return session.exec(select(func.count()).select_from(UserRow).where(*_matching(wanted))).one()


def get(session: Session, *, user_id: str) -> Person:
    """:raises NotFound: no such person"""
    row = session.get(UserRow, clean(user_id))
    if row is None:
        raise NotFound
    [person] = _people(session, [row])
    return person


def find(session: Session, *, who: str) -> list[User]:
    """People by id, or by an e-mail address that is theirs or that a provider has for them, in any case."""
    folded = clean(who).strip().lower()
    by_way = select(IdentityRow.user_id).where(func.lower(IdentityRow.email) == folded)
    theirs = or_(
        col(UserRow.id) == clean(who).strip(), func.lower(UserRow.email) == folded, col(UserRow.id).in_(by_way)
    )
    return [user_value(row) for row in session.exec(select(UserRow).where(theirs).order_by(col(UserRow.created_at)))]


def read(session: Session, *, actor: Party, user_id: str, now: datetime, address: str = '') -> Person:
    """`get`, and note who has looked at somebody else.

    :raises NotFound: no such person
    """
    person = get(session, user_id=user_id)
    if actor.id != person.user.id:
        target = users.named(session, person.user.id)
        audit.record(session, Action.PERSON_READ, now=now, actor=actor, target=target, address=address)
    return person


def block(session: Session, *, actor: Party, user_id: str, now: datetime, address: str = '') -> list[str]:
    """Keep somebody out until `unblock`; the ids of the sessions that this ended.

    :raises NotFound: no such person
    :raises Refused: `own_account`: nobody locks themselves out
    """
    row = _held(session, user_id)
    if row.id == actor.id:
        raise Refused('own_account')
    if row.blocked_at is not None:
        return []
    row.blocked_at = now
    session.add(row)
    ended = _end_all(session, row.id, now=now)
    target = users.named(session, row.id)
    detail = {'sessions': len(ended)}
    audit.record(session, Action.BLOCKED, now=now, actor=actor, target=target, address=address, detail=detail)
    return ended


def unblock(session: Session, *, actor: Party, user_id: str, now: datetime, address: str = '') -> None:
    """:raises NotFound: no such person, or they are being forgotten"""
    row = _held(session, user_id)
    if session.get(ForgettingRow, row.id) is not None:
        raise NotFound
    if row.blocked_at is None:
        return
    row.blocked_at = None
    session.add(row)
    target = users.named(session, row.id)
    audit.record(session, Action.UNBLOCKED, now=now, actor=actor, target=target, address=address)


def end_session(
    session: Session, *, actor: Party, user_id: str, session_id: str, now: datetime, address: str = ''
) -> bool:
    """End one session of a person's; `False` if it is not theirs, or over already."""
    if not sessions.end_of_person(session, user_id=user_id, session_id=session_id, now=now):
        return False
    _record_end(session, actor, user_id, 1, now=now, address=address)
    return True


def end_sessions(
    session: Session, *, actor: Party, user_id: str, now: datetime, but: str = '', address: str = ''
) -> list[str]:
    """Sign a person out everywhere, but for the session named; the ids of those that this ended."""
    ended = _end_all(session, user_id, now=now, but=but)
    if ended:
        _record_end(session, actor, user_id, len(ended), now=now, address=address)
    return ended


def purge_guests(session: Session, *, before: datetime) -> bool:
    """Delete some of the guests who were last seen before that and have left nothing; whether there may be more.

    Who has a session, a conversation or a file stays: the sessions and the files that are over go by themselves. So
    does who was blocked, and who has another way in.
    """
    id_ = col(UserRow.id)
    used = (exists(sa_select(1).where(col(row.user_id) == id_)) for row in (SessionRow, ConversationRow, FileRow))
    by_name = exists(sa_select(1).where(col(IdentityRow.user_id) == id_, col(IdentityRow.issuer) != GUEST))
    came = exists(sa_select(1).where(col(IdentityRow.user_id) == id_, col(IdentityRow.issuer) == GUEST))
    gone = select(UserRow.id).where(
        UserRow.last_seen_at < before, col(UserRow.blocked_at).is_(None), came, not_(by_name), *map(not_, used)
    )
    found = session.exec(gone.order_by(col(UserRow.last_seen_at)).limit(PURGED_AT_ONCE)).all()
    return changed(session, delete(UserRow).where(id_.in_(found))) == PURGED_AT_ONCE


def record_refusal(
    session: Session,
    *,
    identity: Identity | None,
    actor: Party,
    now: datetime,
    address: str,
    detail: Mapping[str, object],
) -> None:
    """Write down that somebody has not got in, and whose way in it was, if it is anybody's.

    :param identity: as far as it was proven
    :param actor: who was signed in at that browser
    """
    target = Party()
    if identity:
        way = (IdentityRow.issuer == clean(identity.issuer), IdentityRow.subject == clean(identity.subject))
        whose = session.exec(select(IdentityRow.user_id).where(*way)).first()
        target = Party(whose or '', identity.name or identity.email or identity.subject)
    audit.record(session, Action.SIGN_IN_REFUSED, now=now, actor=actor, target=target, address=address, detail=detail)


def _record_end(session: Session, actor: Party, user_id: str, sessions: int, *, now: datetime, address: str) -> None:
    target, detail = users.named(session, user_id), {'sessions': sessions}
    audit.record(session, Action.SESSION_ENDED, now=now, actor=actor, target=target, address=address, detail=detail)


def _end_all(session: Session, user_id: str, *, now: datetime, but: str = '') -> list[str]:
    open_ = (SessionRow.user_id == user_id, col(SessionRow.ended_at).is_(None), SessionRow.id != but)
    ended = list(session.exec(select(SessionRow.id).where(*open_).with_for_update()))
    sessions.end_all(session, user_id=user_id, now=now, but=but)
    return ended


def _held(session: Session, user_id: str) -> UserRow:
    row = session.get(UserRow, clean(user_id), with_for_update=True)
    if row is None:
        raise NotFound
    return row


def _matching(wanted: Filter) -> Iterable[ColumnElement[bool]]:
    for word in fold_case(fold_title(wanted.search[:MAX_SEARCH])).split():
        yield col(UserRow.folded).contains(word, autoescape=True)
    match wanted.role:
        case Role() as role:
            yield _has(role)
            if above := [other for other in Role if other != role and other.reaches(role)]:
                yield not_(_has(*above))
        case 'none':
            yield not_(_has(*Role))
    match wanted.state:
        case 'active':
            yield col(UserRow.blocked_at).is_(None)
        case 'blocked':
            yield col(UserRow.blocked_at).is_not(None)


def _has(*roles: Role) -> ColumnElement[bool]:
    granted = sa_select(1).where(col(IdentityRow.user_id) == UserRow.id, col(IdentityRow.role).in_(roles))
    return exists(granted)


def _people(session: Session, rows: Collection[UserRow]) -> list[Person]:
    ids = [row.id for row in rows]
    ways: defaultdict[str, list[Way]] = defaultdict(list)
    theirs = select(IdentityRow).where(col(IdentityRow.user_id).in_(ids)).order_by(col(IdentityRow.created_at))
    for row in session.exec(theirs):
        ways[row.user_id].append(_way(row))
    apps: defaultdict[str, list[str]] = defaultdict(list)
    used = select(ConversationRow.user_id, ConversationRow.app).where(col(ConversationRow.user_id).in_(ids)).distinct()
    for user_id, app in session.exec(used.order_by(ConversationRow.app)):
        apps[user_id].append(app)
    return [Person(user_value(row), tuple(ways[row.id]), tuple(apps[row.id])) for row in rows]


def _way(row: IdentityRow) -> Way:
    return Way(identity_value(row), Role(row.role) if row.role else None, row.created_at, row.vouched_at, row.id)
