"""Frames that wait for somebody to sign in, in a window of its own. Each pairing brings in one person, once."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, delete

from webapp.store.tables import PairingRow, SessionRow, changed


@dataclass(frozen=True, slots=True)
class Granted:
    """Somebody has signed in for a frame."""

    session_id: str  # theirs, of our own pages
    provider_session: str  # the provider's own name for it; '' if it has none
    origins: tuple[str, ...]  # of the page around the frame


def begin(session: Session, *, pairing: str, embed: str, origins: tuple[str, ...], expires_at: datetime) -> None:
    """:param pairing: a hash of what the frame holds"""
    session.add(PairingRow(id=pairing, embed=embed, origins=' '.join(origins), session_id=None, expires_at=expires_at))


def is_granted(session: Session, *, pairing: str, embed: str, now: datetime) -> bool | None:
    """Whether somebody has signed in; nothing if the frame waits in vain. A query."""
    row = session.get(PairingRow, pairing)
    return row.session_id is not None if row is not None and _lives(row, embed, now) else None


def grant(session: Session, *, pairing: str, embed: str, session_id: str, now: datetime) -> bool:
    """Somebody has signed in; `False` if the frame does not wait any more, or somebody has done so before."""
    row = session.get(PairingRow, pairing, with_for_update=True)
    if row is None or not _lives(row, embed, now) or row.session_id is not None:
        return False
    row.session_id = session_id
    return True


def take(session: Session, *, pairing: str, embed: str, now: datetime) -> Granted | None:
    """Who has signed in, once; nothing if nobody has, or the frame has been told before."""
    row = session.get(PairingRow, pairing, with_for_update=True)
    if row is None or not _lives(row, embed, now) or row.session_id is None:
        return None
    theirs = session.get_one(SessionRow, row.session_id)
    session.delete(row)
    return Granted(theirs.id, theirs.provider_session, tuple(row.origins.split()))


def drop(session: Session, *, pairing: str, embed: str) -> None:
    """Nothing will come of it, unless somebody has signed in already."""
    waiting = (PairingRow.id == pairing, PairingRow.embed == embed, col(PairingRow.session_id).is_(None))
    changed(session, delete(PairingRow).where(*waiting))  # type: ignore[arg-type]


def purge(session: Session, *, now: datetime) -> int:
    """Delete those that have waited for too long; how many they were."""
    return changed(session, delete(PairingRow).where(col(PairingRow.expires_at) <= now))


def _lives(row: PairingRow, embed: str, now: datetime) -> bool:
    return row.embed == embed and row.expires_at > now
