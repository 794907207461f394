"""Sessions whose providers are to be asked again, each by one process at a time: a refresh token counts once.

`refresh_at` is when a session is due; whoever sets it anew has claimed it until then, and gives what came of it with
that same moment, or is too late.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select, update

from webapp.principal import Identity
from webapp.store import endings, sessions, users
from webapp.store.sessions import ProviderTokens
from webapp.store.tables import IdentityRow, SessionRow, changed


@dataclass(frozen=True, slots=True)
class Due:
    session_id: str
    identity_id: str
    provider: str
    subject: str  # whom it is to speak of
    refresh_token: str  # encrypted
    at: datetime  # since when; for a claim: until when it holds


def due(session: Session, *, providers: Collection[str], now: datetime, used_since: datetime, limit: int) -> list[Due]:
    """Sessions in use whose time has come, the longest overdue first. A query.

    :param providers: those to be asked now
    """
    statement = (
        select(SessionRow, IdentityRow)
        .join(IdentityRow, col(IdentityRow.id) == SessionRow.identity_id)
        .where(
            col(SessionRow.refresh_at) <= now,
            col(SessionRow.ended_at).is_(None),
            SessionRow.expires_at > now,
            SessionRow.last_seen_at > used_since,
            col(IdentityRow.provider).in_(providers),
        )
        .order_by(col(SessionRow.refresh_at))
        .limit(limit)
    )
    return [
        Due(row.id, identity.id, identity.provider, identity.subject, row.refresh_token, row.refresh_at)
        for row, identity in session.exec(statement)
        if row.refresh_at is not None
    ]


def postpone(session: Session, *, session_id: str, at: datetime, until: datetime) -> bool:
    """Set anew when a session is due; `False` if it was not due `at` that moment any more: somebody else was first."""
    return _change(session, session_id, at, refresh_at=until)


def renew(
    session: Session, *, claim: Due, tokens: ProviderTokens, identity: Identity | None, role: str, now: datetime
) -> bool:
    """Keep what a provider has given for a session; `False` if the session has ended for it, or had before.

    :param tokens: '' for those that stay
    :param identity: what it says now; nothing if it says too little
    :param role: what the settings make of that; '' if they do not let such a person in
    """
    values = {
        'refresh_at': tokens.refresh_at,
        **{name: text for name in ('refresh_token', 'id_token') if (text := getattr(tokens, name))},
        **({'provider_session': tokens.session} if tokens.session else {}),
    }
    if not _change(session, claim.session_id, claim.at, **values):
        return False
    if identity is None:
        return True
    vouched = users.vouch(session, identity_id=claim.identity_id, identity=identity, role=role, now=now)
    if vouched is None:
        endings.end(session, session_id=claim.session_id, reason='somebody_else', now=now)
        return False
    sessions.record_role(session, vouched, role, now=now)
    if not role:
        endings.end(session, session_id=claim.session_id, reason='not_admitted', now=now)
    return bool(role)


def _change(session: Session, session_id: str, at: datetime, **values: object) -> bool:
    held = (col(SessionRow.id) == session_id, col(SessionRow.refresh_at) == at, col(SessionRow.ended_at).is_(None))
    return changed(session, update(SessionRow).where(*held).values(**values)) > 0
