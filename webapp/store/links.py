"""More ways in for somebody, and fewer: proven at a provider, then taken by the person, and given up again."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import uuid4

from sqlmodel import Session, col, delete, select

from webapp.errors import NotFound, Refused
from webapp.principal import Identity, Role
from webapp.store import audit, endings, locks, sessions, users
from webapp.store.audit import Action
from webapp.store.tables import IdentityRow, OfferRow, changed
from webapp.store.text import clean, clean_object
from webapp.store.users import identity_value

Admits = Callable[[Identity], Role | None]  # what the settings make of an identity


@dataclass(frozen=True, slots=True)
class Offer:
    """A way in that waits for its person to say that it is to be theirs."""

    id: str
    identity: Identity


def offer(session: Session, *, user_id: str, session_id: str, identity: Identity, expires_at: datetime) -> None:
    """Keep an identity that has been proven in a browser. A session has one; a newer one takes its place.

    :raises Refused: `identity_taken`: it is somebody else's way in
    """
    locks.hold(session, 'offer', session_id)
    theirs = select(IdentityRow).where(IdentityRow.issuer == identity.issuer, IdentityRow.subject == identity.subject)
    if any(row.user_id != user_id for row in session.exec(theirs)):
        raise Refused('identity_taken')
    withdraw(session, session_id=session_id)
    kept = clean_object(asdict(identity) | {'groups': sorted(identity.groups)})
    session.add(OfferRow(session_id=session_id, id=uuid4().hex, identity=kept, expires_at=expires_at))


def offered(session: Session, *, session_id: str, now: datetime) -> Offer | None:
    row = session.get(OfferRow, session_id)
    if row is None or row.expires_at <= now:
        return None
    return Offer(row.id, Identity(**row.identity | {'groups': frozenset(row.identity['groups'])}))


def withdraw(session: Session, *, session_id: str) -> None:
    """Forget what has been offered to a session."""
    changed(session, delete(OfferRow).where(col(OfferRow.session_id) == session_id))


def accept(
    session: Session, *, user_id: str, session_id: str, offer_id: str, admits: Admits, now: datetime, address: str = ''
) -> None:
    """Make what has been offered to a session of a person's their way in.

    :raises NotFound, Refused: see `users.link`; `sign_in_over`: nothing of that id is offered; `not_admitted`
    """
    locks.hold(session, 'offer', session_id)
    found = offered(session, session_id=session_id, now=now)
    if found is None or found.id != offer_id:
        raise Refused('sign_in_over')
    role = admits(found.identity)
    if role is None:
        raise Refused('not_admitted', status=403)
    withdraw(session, session_id=session_id)
    sessions.link(session, user_id=user_id, identity=found.identity, role=role, now=now, address=address)


def remove(
    session: Session, *, user_id: str, identity_id: str, admits: Admits, now: datetime, address: str = ''
) -> list[str]:
    """Give up a way in; the ids of the sessions that came by it, which end.

    :raises NotFound: it is not theirs
    :raises Refused: `last_way`: no other one would let them in
    """
    locks.hold(session, 'ways', user_id)
    ways = session.exec(select(IdentityRow).where(IdentityRow.user_id == user_id)).all()
    row = next((each for each in ways if each.id == clean(identity_id)), None)
    if row is None:
        raise NotFound
    if not any(admits(identity_value(each)) for each in ways if each is not row):
        raise Refused('last_way')
    locks.hold(session, 'identity', f'{row.issuer}\0{row.subject}')  # nobody signs in by it meanwhile
    ended = endings.of_identity(session, identity_id=row.id, now=now)
    actor = users.party(users.get(session, user_id=user_id), identity_value(row))
    detail = {'provider': row.provider}
    audit.record(session, Action.UNLINKED, now=now, actor=actor, target=actor, address=address, detail=detail)
    session.delete(row)
    return ended
