"""Who is signed in, and until when. The table holds hashes of the cookies' tokens, never the tokens."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, or_, select, update

from webapp.store.tables import SessionRow, UserRow, changed
from webapp.store.text import fold_title
from webapp.store.users import User, user_value

TOUCH = timedelta(minutes=1)  # `last_seen_at` is kept to this precision: reading a page must not cost a write
MAX_DEVICE = 200


@dataclass(frozen=True, slots=True)
class BrowserSession:
    id: str  # SHA-256 of the cookie's token, in hex
    user_id: str
    created_at: datetime
    last_seen_at: datetime  # to the minute
    expires_at: datetime
    device: str  # what the browser calls itself


def open_session(
    session: Session, *, user_id: str, token_hash: str, now: datetime, absolute: timedelta, device: str = ''
) -> BrowserSession:
    """Sign a browser in, for at most `absolute`."""
    row = SessionRow(
        id=token_hash,
        user_id=user_id,
        created_at=now,
        last_seen_at=now,
        expires_at=now + absolute,
        ended_at=None,
        device=fold_title(device)[:MAX_DEVICE],
    )
    session.add(row)
    session.flush()
    return _value(row)


def look_up(session: Session, *, token_hash: str, now: datetime, idle: timedelta) -> tuple[User, BrowserSession] | None:
    """The session and its person if it lives: not ended, not past its end, and used within `idle`. A query."""
    statement = select(SessionRow, UserRow).join(UserRow).where(*_lives(now, idle), SessionRow.id == token_hash)
    found = session.exec(statement).first()
    return found and (user_value(found[1]), _value(found[0]))


def find(session: Session, *, token_hash: str, now: datetime, idle: timedelta) -> tuple[User, BrowserSession] | None:
    """`look_up`, and note that the session is in use, at most once a minute. A command.

    Cheapest is to `look_up` first and to call this only for a session that `is_due`.
    """
    found = look_up(session, token_hash=token_hash, now=now, idle=idle)
    if found and is_due(found[1], now):
        user, _ = found
        changed(session, update(SessionRow).where(col(SessionRow.id) == token_hash).values(last_seen_at=now))
        changed(session, update(UserRow).where(col(UserRow.id) == user.id).values(last_seen_at=now))
    return found


def is_due(browser: BrowserSession, now: datetime) -> bool:
    """Whether it is time to note again that the session is in use."""
    return now - browser.last_seen_at >= TOUCH


def end(session: Session, *, token_hash: str, now: datetime) -> bool:
    """Sign a browser out; `False` if it was out already."""
    statement = update(SessionRow).where(col(SessionRow.id) == token_hash, col(SessionRow.ended_at).is_(None))
    return changed(session, statement.values(ended_at=now)) > 0


def end_all(session: Session, *, user_id: str, now: datetime) -> int:
    """Sign a person out everywhere; how many sessions that ended."""
    statement = update(SessionRow).where(col(SessionRow.user_id) == user_id, col(SessionRow.ended_at).is_(None))
    return changed(session, statement.values(ended_at=now))


def purge(session: Session, *, now: datetime, idle: timedelta) -> int:
    """Delete sessions that can't come back to life; how many they were."""
    dead = or_(
        col(SessionRow.ended_at).is_not(None),
        col(SessionRow.expires_at) <= now,
        col(SessionRow.last_seen_at) <= now - idle,
    )
    return changed(session, delete(SessionRow).where(dead))


def _lives(now: datetime, idle: timedelta) -> tuple[bool, ...]:
    return (
        col(SessionRow.ended_at).is_(None),
        SessionRow.expires_at > now,
        SessionRow.last_seen_at > now - idle,
    )  # type: ignore[return-value]


def _value(row: SessionRow) -> BrowserSession:
    return BrowserSession(
        id=row.id,
        user_id=row.user_id,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        device=row.device,
    )
