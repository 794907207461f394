"""Ways into sessions within pages of other sites: the host's token, which counts once, and the ticket for it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete

from webapp.principal import Identity, Within
from webapp.store import logins, revocations, sessions
from webapp.store.sessions import NO_TOKENS, ProviderTokens, Standing
from webapp.store.tables import TicketRow, changed

STAYS = timedelta(seconds=30)  # a ticket


@dataclass(frozen=True, slots=True)
class HostToken:
    """What tells a host's token from all others, as a hash, and from when on nobody would take it any more."""

    id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody comes in. Tokens are hashes."""

    identity: Identity
    role: str
    within: Within
    token: HostToken | None  # None: nobody vouches for them
    session: str  # id of the session to open, if there is none to go on with
    held: str  # id of the session that this browser had here; '' for none
    ticket: str
    device: str
    address: str
    tokens: ProviderTokens = NO_TOKENS
    elsewhere: tuple[str, ...] = ()  # origins where the held session lives already, and may


def enter(
    session: Session, entry: Entry, *, secret: str, now: datetime, absolute: timedelta, idle: timedelta
) -> Standing | None:
    """Open a session for somebody, or go on with theirs, and keep a ticket for it. Another one's session ends.

    :return: None if the host's token has been used before: then nothing has changed
    :raises Refused: see `users.sign_in`
    :raises Revoked: they come by a key or an origin that was taken
    """
    revocations.require(session, entry.within)
    if entry.token and not logins.spend(session, token=entry.token.id, expires_at=entry.token.expires_at):
        return None
    standing = None
    if entry.held:
        standing = sessions.renew(
            session,
            token_hash=entry.held,
            identity=entry.identity,
            role=entry.role,
            secret=secret,
            now=now,
            absolute=absolute,
            idle=idle,
            within=entry.within,
            elsewhere=entry.elsewhere,
        )
    if standing is None:
        standing = sessions.sign_in(
            session,
            identity=entry.identity,
            role=entry.role,
            secret=secret,
            token_hash=entry.session,
            now=now,
            absolute=absolute,
            device=entry.device,
            address=entry.address,
            replaces=entry.held,
            tokens=entry.tokens,
            within=entry.within,
        )
    give_ticket(session, ticket=entry.ticket, session_id=standing.session.id, embed=entry.within.embed, now=now)
    return standing


def go_on(
    session: Session, *, within: Within, session_id: str, elsewhere: Collection[str], ticket: str, now: datetime
) -> bool:
    """Keep a ticket for a session that goes on in one more page; `False` if it is over.

    :param within: where they are now
    :param elsewhere: as in `Entry`
    :raises Revoked: an origin was taken
    """
    revocations.require(session, within)
    if not sessions.go_on(session, session_id=session_id, origins=within.origins, elsewhere=elsewhere):
        return False
    give_ticket(session, ticket=ticket, session_id=session_id, embed=within.embed, now=now)
    return True


def give_ticket(session: Session, *, ticket: str, session_id: str, embed: str, now: datetime) -> None:
    """Keep a ticket for a session within a page of another site."""
    session.add(TicketRow(id=ticket, session_id=session_id, embed=embed, expires_at=now + STAYS))


def take_ticket(session: Session, *, ticket: str, embed: str, now: datetime) -> str | None:
    """The id of the session that a ticket leads into; nothing if it does not, or has done so before."""
    row = session.get(TicketRow, ticket, with_for_update=True)
    if row is None or row.embed != embed:
        return None
    session.delete(row)
    return row.session_id if row.expires_at > now else None


def purge(session: Session, *, now: datetime) -> int:
    """Delete tickets that lead nowhere any more; how many they were."""
    return changed(session, delete(TicketRow).where(col(TicketRow.expires_at) <= now))
