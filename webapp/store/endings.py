"""How sessions end that a provider has to know of, or wants ended itself; each end stands in the audit log."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from webapp.store import audit, logins, sessions, users
from webapp.store.audit import Action
from webapp.store.tables import IdentityRow, SessionRow, UserRow
from webapp.store.text import clean
from webapp.store.users import identity_value, user_value


@dataclass(frozen=True, slots=True)
class Ending:
    """A session that has ended: what its provider has to know of it."""

    session_id: str
    provider: str
    id_token: str  # encrypted; '' if none came with the login


@dataclass(frozen=True, slots=True)
class Wish:
    """What a provider wants ended: one of its sessions, or all that somebody has by it."""

    issuer: str
    subject: str  # may be '' if `session` is given
    session: str
    token: str  # hash of what tells the wish from all others: each counts once
    expires_at: datetime  # from when on it would be refused for its age


def sign_out(session: Session, *, token_hash: str, now: datetime, address: str = '') -> Ending | None:
    """Sign a browser out, as its person wishes; nothing if it was out already."""
    for ending, person in _open(session, [SessionRow.id == token_hash]):
        if not sessions.end(session, token_hash=token_hash, now=now):
            return None
        if person:
            detail = {'provider': ending.provider}
            audit.record(
                session, Action.SIGNED_OUT, now=now, actor=person, target=person, address=address, detail=detail
            )
        return ending
    return None


def end(session: Session, *, session_id: str, reason: str, now: datetime) -> bool:
    """End a session that its provider does not stand behind any more; `False` if it was over already.

    :param reason: one word for the audit log
    """
    return bool(_end(session, _open(session, [SessionRow.id == session_id]), reason=reason, now=now))


def of_identity(session: Session, *, identity_id: str, now: datetime) -> list[str]:
    """End the sessions that came by a way in which its person gives up; their ids."""
    return _end(session, _open(session, [SessionRow.identity_id == identity_id]), reason='unlinked', now=now)


def grant(session: Session, wish: Wish, *, now: datetime) -> list[str] | None:
    """End what a provider wants ended; the ids of the sessions, or None if this wish has been granted before."""
    if not logins.spend(session, token=wish.token, expires_at=wish.expires_at):
        return None
    theirs = [IdentityRow.issuer == wish.issuer]
    if wish.subject:
        theirs.append(IdentityRow.subject == clean(wish.subject))
    if wish.session:
        theirs.append(SessionRow.provider_session == clean(wish.session))
    elif not wish.subject:
        return []
    return _end(session, _open(session, theirs), reason='by_provider', now=now)


def _open(
    session: Session, conditions: Iterable[ColumnElement[bool] | bool]
) -> list[tuple[Ending, audit.Party | None]]:
    """Sessions that have not been ended, with their people, where there is something to tell of them."""
    statement = (
        select(SessionRow, UserRow, IdentityRow)
        .join(UserRow, col(UserRow.id) == SessionRow.user_id)
        .join(IdentityRow, col(IdentityRow.id) == SessionRow.identity_id)
        .where(col(SessionRow.ended_at).is_(None), *conditions)
    )
    found = []
    for row, user, identity_row in session.exec(statement):
        identity = identity_value(identity_row)
        person = users.party(user_value(user), identity) if sessions.is_by_provider(identity) else None
        found.append((Ending(row.id, identity.provider, row.id_token), person))
    return found


def _end(
    session: Session, found: Iterable[tuple[Ending, audit.Party | None]], *, reason: str, now: datetime
) -> list[str]:
    ended = []
    for ending, person in found:
        if not sessions.end(session, token_hash=ending.session_id, now=now):
            continue
        ended.append(ending.session_id)
        if person:
            detail = {'provider': ending.provider, 'reason': reason}
            audit.record(session, Action.SESSION_ENDED, now=now, target=person, detail=detail)
    return ended
