"""Logins that have been begun, and tokens that count once."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, delete, select

from webapp.store import locks
from webapp.store.tables import AttemptRow, SpentTokenRow, changed
from webapp.store.text import clean

MAX_OPEN = 20  # attempts of one browser: tabs, and the back button


@dataclass(frozen=True, slots=True)
class Attempt:
    """What must be known when the browser comes back from the provider."""

    id: str  # SHA-256 of the state, in hex
    browser: str  # SHA-256 of the browser's own token, in hex
    provider: str
    nonce: str
    verifier: str  # of PKCE
    target: str  # where to go on to
    linking: str | None  # id of the session that wants one more way in
    created_at: datetime
    expires_at: datetime


def begin(session: Session, attempt: Attempt) -> None:
    """Keep it until the browser comes back. The oldest of too many go."""
    theirs = select(AttemptRow).where(AttemptRow.browser == attempt.browser)
    for row in session.exec(theirs.order_by(col(AttemptRow.created_at).desc()).offset(MAX_OPEN - 1).limit(MAX_OPEN)):
        session.delete(row)
    values = {name: getattr(attempt, name) for name in Attempt.__dataclass_fields__}
    session.add(AttemptRow(**values | {'target': clean(attempt.target)}))


def complete(session: Session, *, id: str, browser: str, now: datetime) -> Attempt | None:
    """Take an attempt out; nothing if there is none, or it has been too long ago. It counts once.

    :param browser: who comes back; an attempt of another browser's is none, and stays
    """
    row = session.get(AttemptRow, id, with_for_update=True)
    if row is None or row.browser != browser:
        return None
    attempt = Attempt(**{name: getattr(row, name) for name in Attempt.__dataclass_fields__})
    session.delete(row)
    return attempt if attempt.expires_at > now else None


def spend(session: Session, *, token: str, expires_at: datetime) -> bool:
    """Use up a token; `False` if it was before.

    :param token: a hash of what tells it from all others
    :param expires_at: from when on nobody would take it any more
    """
    locks.hold(session, 'token', token)
    if session.get(SpentTokenRow, token) is not None:
        return False
    session.add(SpentTokenRow(id=token, expires_at=expires_at))
    return True


def purge(session: Session, *, now: datetime) -> int:
    """Delete attempts and tokens that nobody would take any more; how many they were."""
    attempts = changed(session, delete(AttemptRow).where(col(AttemptRow.expires_at) <= now))
    return attempts + changed(session, delete(SpentTokenRow).where(col(SpentTokenRow.expires_at) <= now))
