"""The audit log: who did what to whom. An entry belongs to the transaction of what it tells of, and never changes, but
that it loses the names of somebody who is forgotten.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, literal, or_, tuple_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from webapp.store.tables import AuditRow, Moment, UserRow
from webapp.store.text import clean, clean_object, fold_case, fold_title

MAX_PAGE = 500
MAX_SEARCH = 200
SEARCHED = ('who', 'q')  # in the detail: words that an admin was looking for
ENOUGH = 3  # characters of a word by which somebody may be recognised
WORD = re.compile(r'\w+')


class Action(StrEnum):
    """What is written down. The names are stable: filters and exports speak of them."""

    SIGNED_IN = 'signed_in'
    SIGN_IN_REFUSED = 'sign_in_refused'
    SIGNED_OUT = 'signed_out'
    SESSION_ENDED = 'session_ended'
    ROLE_CHANGED = 'role_changed'
    LINKED = 'linked'
    UNLINKED = 'unlinked'
    BLOCKED = 'blocked'
    UNBLOCKED = 'unblocked'
    CONVERSATION_DELETED = 'conversation_deleted'
    PERSON_READ = 'person_read'
    AUDIT_EXPORTED = 'audit_exported'
    USAGE_EXPORTED = 'usage_exported'
    PERSON_EXPORTED = 'person_exported'
    PERSON_FORGOTTEN = 'person_forgotten'
    RETENTION_APPLIED = 'retention_applied'
    FEEDBACK_READ = 'feedback_read'
    FEEDBACK_EXPORTED = 'feedback_exported'
    FEEDBACK_STATE_CHANGED = 'feedback_state_changed'
    CONVERSATION_READ = 'conversation_read'
    BUDGET_SET = 'budget_set'
    BUDGET_REMOVED = 'budget_removed'
    NOTICE_SHOWN = 'notice_shown'
    NOTICE_ENDED = 'notice_ended'
    EMBED_REVOKED = 'embed_revoked'
    EMBED_ALLOWED = 'embed_allowed'
    EMBED_ENDED = 'embed_ended'


@dataclass(frozen=True, slots=True)
class Party:
    """A person, as an entry names them for good. Nobody, and the program itself, has no id."""

    id: str = ''
    name: str = ''


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    at: datetime
    action: str
    actor: Party
    target: Party
    address: str  # from where, as far as the proxies tell
    detail: dict[str, Any]

    @property
    def place(self) -> 'Place':
        return Place(self.at, self.id)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries; what is not given does not restrict."""

    since: datetime | None = None
    until: datetime | None = None
    action: str = ''
    people: Collection[str] | None = None  # ids; who did it, or to whom it was done
    who: str = ''  # the same, by id or by words: of names as they were then, or of what people are called now


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the log: just below the entry it was taken from."""

    at: datetime
    id: str


def record(
    session: Session,
    action: Action,
    *,
    now: datetime,
    actor: Party = Party(),
    target: Party = Party(),
    address: str = '',
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write an entry. Secrets and what people wrote do not belong into `detail`."""
    names = (fold_title(actor.name), fold_title(target.name))
    session.add(
        AuditRow(
            id=uuid4().hex,
            at=now,
            action=action,
            actor_id=actor.id,
            actor_name=names[0],
            target_id=target.id,
            target_name=names[1],
            folded=fold_case(' '.join(names)),
            address=clean(address)[:100],
            detail=clean_object(detail or {}),
        )
    )


@dataclass(frozen=True, slots=True)
class Known:
    """What providers call a person. Someone whom another provider calls the same may be somebody else."""

    names: Collection[str]  # addresses included
    addresses: Collection[str]
    providers: Collection[str]


def rename(session: Session, *, user_id: str, known: Known, into: str, limit: int) -> bool:
    """For functions of the store: some of the entries that name a person name nobody from now on; whether any did.

    What they came from goes, too, and what was said of them before they had an id: that a sign-in was refused.
    """
    called, addresses = _folded(known.names), _folded(known.addresses)
    by_id = or_(col(AuditRow.actor_id) == user_id, col(AuditRow.target_id) == user_id)
    provider, name = col(AuditRow.detail)['provider'].as_string(), col(AuditRow.target_name)
    by_name = and_(
        col(AuditRow.target_id) == '',
        or_(name.in_(addresses), and_(name.in_(called), provider.in_(known.providers))),
    )
    rows = list(session.exec(select(AuditRow).where(or_(by_id, by_name)).limit(limit).with_for_update()))
    if not rows:
        rows = [row for row in _with_words(session) if _said(row.detail, user_id, called, into) != row.detail]
    for row in rows:
        if row.actor_id == user_id:
            row.actor_id, row.actor_name, row.address = into, '', ''
        is_by_name = row.target_name in addresses or (
            row.target_name in called and row.detail.get('provider') in known.providers
        )
        if row.target_id == user_id or (not row.target_id and is_by_name):
            row.target_id, row.target_name = into, ''
            row.address = row.address if row.actor_id else ''  # nobody's but theirs
        row.folded = fold_case(f'{row.actor_name} {row.target_name}')
        row.detail = _said(row.detail, user_id, called, into)
        session.add(row)
    return bool(rows)


def _folded(names: Collection[str]) -> set[str]:
    """As entries have them. What nobody can see is no name: it would be that of all entries without one."""
    return {name for name in map(fold_title, names) if name}


def _with_words(session: Session) -> Iterable[AuditRow]:
    """Entries that repeat what an admin was looking for."""
    exports = (Action.AUDIT_EXPORTED, Action.USAGE_EXPORTED, Action.FEEDBACK_EXPORTED)
    return session.exec(select(AuditRow).where(col(AuditRow.action).in_(exports)))


def _said(detail: dict[str, Any], user_id: str, called: Collection[str], into: str) -> dict[str, Any]:
    """The same without a person: where it is about them, it is about `into`."""
    theirs = {user_id, *map(fold_case, called)}

    def is_theirs(name: str, value: str) -> bool:
        folded = fold_case(fold_title(value))
        return folded in theirs or (name in SEARCHED and _finds(folded, theirs))

    return {
        name: into if isinstance(value, str) and value != into and is_theirs(name, value) else value
        for name, value in detail.items()
    }


def _finds(searched: str, names: Collection[str]) -> bool:
    """Whether it finds somebody who is called so, or names them among other things."""
    asked, called = _words(searched), [words for name in names if (words := _words(name))]
    theirs = set[str]().union(*called)
    is_found = bool(asked) and all(_is_of(word, theirs) for word in asked)
    return is_found or any(words <= asked for words in called)


def _is_of(word: str, words: Collection[str]) -> bool:
    return word in words or (len(word) >= ENOUGH and any(word in each for each in words))


def _words(text: str) -> set[str]:
    """What follows an @ is many people's, and so is a single letter."""
    parts = (part.partition('@')[0] for part in text.split())
    return {word for part in parts for word in WORD.findall(part) if len(word) > 1}


def page(session: Session, *, wanted: Filter, before: Place | None = None, limit: int = 100) -> list[Entry]:
    """The newest entries first.

    :param before: the place of the last one known; gives those that follow it
    """
    at, id_ = col(AuditRow.at), col(AuditRow.id)
    statement = _matching(wanted)
    if before:
        statement = statement.where(tuple_(at, id_) < tuple_(literal(before.at, Moment), literal(before.id)))
    rows = session.exec(statement.order_by(at.desc(), id_.desc()).limit(min(limit, MAX_PAGE)))
    return [_value(row) for row in rows]


def _matching(wanted: Filter) -> SelectOfScalar[AuditRow]:
    statement = select(AuditRow)
    if wanted.since:
        statement = statement.where(AuditRow.at >= wanted.since)
    if wanted.until:
        statement = statement.where(AuditRow.at < wanted.until)
    if wanted.action:
        statement = statement.where(AuditRow.action == wanted.action)
    if wanted.people is not None:
        people = [clean(person) for person in wanted.people]
        statement = statement.where(or_(col(AuditRow.actor_id).in_(people), col(AuditRow.target_id).in_(people)))
    if wanted.who:
        statement = statement.where(_is_about(wanted.who))
    return statement


def _is_about(who: str) -> ColumnElement[bool]:
    words, id_ = fold_case(fold_title(who[:MAX_SEARCH])).split(), clean(who)
    known = select(UserRow.id).where(*(col(UserRow.folded).contains(word, autoescape=True) for word in words))
    theirs = [and_(*(col(AuditRow.folded).contains(word, autoescape=True) for word in words))] if words else []
    called_so = [column.in_(known) for column in (col(AuditRow.actor_id), col(AuditRow.target_id))] if words else []
    return or_(col(AuditRow.actor_id) == id_, col(AuditRow.target_id) == id_, *theirs, *called_so)


def _value(row: AuditRow) -> Entry:
    return Entry(
        id=row.id,
        at=row.at,
        action=row.action,
        actor=Party(row.actor_id, row.actor_name),
        target=Party(row.target_id, row.target_name),
        address=row.address,
        detail=row.detail,
    )
