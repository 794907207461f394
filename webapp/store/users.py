"""People, and their ways in: by who vouches for them and under what name."""

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlmodel import Session, col, select

from webapp.errors import NotFound, Refused
from webapp.principal import Identity
from webapp.store import locks
from webapp.store.audit import Party
from webapp.store.tables import IdentityRow, UserRow
from webapp.store.text import clean, fold_case, fold_title

MAX_IDENTITY = 2000  # bytes of issuer and subject together; a database's index holds no more
MAX_GROUPS = 1000
PSEUDONYM = 'deleted-'  # begins what stands for somebody who has been forgotten; no id of a person does


@dataclass(frozen=True, slots=True)
class User:
    id: str
    dify_user: str  # the end-user id that Dify sees
    name: str
    email: str
    created_at: datetime
    last_seen_at: datetime
    blocked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Vouched:
    """A person, and the identity by which they came."""

    user: User
    identity_id: str
    identity: Identity
    role: str  # as it was before, '' at the first visit


def new_pseudonym() -> str:
    """What stands from now on for somebody who is being forgotten. Random: nothing leads from it to them."""
    return f'{PSEUDONYM}{uuid4().hex}'


def is_pseudonym(user_id: str) -> bool:
    return user_id.startswith(PSEUDONYM)


def dify_user(secret: str, issuer: str, subject: str) -> str:
    """The name that Dify knows a person by: stable, and no clue to who they are."""
    digest = hmac.new(secret.encode(), f'{issuer}\0{subject}'.encode(), hashlib.sha256)
    return f'u_{digest.hexdigest()[:32]}'


def sign_in(session: Session, *, identity: Identity, role: str, secret: str, now: datetime) -> Vouched:
    """The person whom `identity.issuer` calls `identity.subject`; made at the first visit.

    Their `dify_user` is derived then and kept, so a new secret does not part them from their history.

    :param role: what the settings make of the identity
    :raises Refused: an identity that can't be kept exactly as it is; `blocked`
    """
    _refuse_unfit(identity)
    locks.hold(session, 'identity', f'{identity.issuer}\0{identity.subject}')
    row = _identity_row(session, identity)
    user = _held(session, row.user_id) if row else _new_user(session, identity, secret, now)
    assert user is not None
    if user.blocked_at is not None:
        raise Refused('blocked', status=403)
    if row is None:
        row = _new_identity(session, identity, user.id, now)
    user.last_seen_at = now
    return _update(session, user, row, identity=identity, role=role, now=now)


def link(session: Session, *, user_id: str, identity: Identity, role: str, now: datetime) -> Vouched:
    """Give a person one more way in.

    :raises NotFound: no such person, or they are blocked
    :raises Refused: `identity_taken`: it is somebody's way in already; or it can't be kept exactly as it is
    """
    _refuse_unfit(identity)
    locks.hold(session, 'identity', f'{identity.issuer}\0{identity.subject}')
    user = _held(session, user_id)
    if user is None or user.blocked_at is not None:
        raise NotFound
    row = _identity_row(session, identity)
    if row is not None and row.user_id != user_id:
        raise Refused('identity_taken')
    if row is None:
        row = _new_identity(session, identity, user_id, now)
    return _update(session, user, row, identity=identity, role=role, now=now)


def vouch(session: Session, *, identity_id: str, identity: Identity, role: str, now: datetime) -> Vouched | None:
    """Keep what a provider says anew of somebody; nothing if it speaks of somebody else, or they are gone."""
    row = session.get(IdentityRow, identity_id, with_for_update=True)
    if row is None or (row.issuer, row.subject) != (identity.issuer, identity.subject):
        return None
    user = _held(session, row.user_id)
    assert user is not None
    return _update(session, user, row, identity=identity, role=role, now=now)


def get(session: Session, *, user_id: str) -> User:
    """:raises NotFound: no such person"""
    row = session.get(UserRow, clean(user_id))
    if row is None:
        raise NotFound
    return user_value(row)


def require(session: Session, user_id: str) -> None:
    """For functions of the store that begin something of a person's: they don't go before it is there.

    :raises NotFound: they have gone
    """
    if session.get(UserRow, user_id, with_for_update={'read': True, 'key_share': True}) is None:
        raise NotFound


def named(session: Session, user_id: str) -> Party:
    """How the audit log names somebody who is in the table.

    :raises NotFound: no such person
    """
    user = get(session, user_id=user_id)
    return Party(user.id, user.name or user.email)


def all_named(session: Session, user_ids: Collection[str]) -> dict[str, Party]:
    """`named` of those who are in the table, by id. None of them goes before the entries about them are in the log."""
    theirs = select(UserRow).where(col(UserRow.id).in_(user_ids)).order_by(col(UserRow.id))
    rows = session.exec(theirs.with_for_update(read=True, key_share=True))
    return {row.id: Party(row.id, row.name or row.email) for row in rows}


def _held(session: Session, user_id: str) -> UserRow | None:
    """Nobody is blocked, and no session of theirs ended, while one more begins: it would live through both."""
    return session.get(UserRow, user_id, with_for_update=True)


def _refuse_unfit(identity: Identity) -> None:
    for part in (identity.issuer, identity.subject):
        if not part or clean(part) != part:
            raise Refused(detail='issuer and subject must be text without NUL', status=400)
    if len((identity.issuer + identity.subject).encode()) > MAX_IDENTITY:
        raise Refused(detail='issuer and subject are too long', status=400)


def _identity_row(session: Session, identity: Identity) -> IdentityRow | None:
    statement = select(IdentityRow).where(
        IdentityRow.issuer == identity.issuer, IdentityRow.subject == identity.subject
    )
    return session.exec(statement).first()


def _new_user(session: Session, identity: Identity, secret: str, now: datetime) -> UserRow:
    id_ = uuid4().hex
    derived = dify_user(secret, identity.issuer, identity.subject)
    if session.exec(select(UserRow.id).where(UserRow.dify_user == derived)).first():
        # of somebody who has given up this way in: their name is theirs
        derived = dify_user(secret, identity.issuer, f'{identity.subject}\0{id_}')
    row = UserRow(
        id=id_,
        dify_user=derived,
        name='',
        email='',
        folded='',
        created_at=now,
        last_seen_at=now,
        blocked_at=None,
    )
    session.add(row)
    session.flush()
    return row


def _new_identity(session: Session, identity: Identity, user_id: str, now: datetime) -> IdentityRow:
    return IdentityRow(
        id=uuid4().hex,
        user_id=user_id,
        issuer=identity.issuer,
        subject=identity.subject,
        provider=identity.provider,
        name='',
        email='',
        email_verified=False,
        groups=[],
        claims_admin=False,
        claims_reader=False,
        role='',
        created_at=now,
        vouched_at=now,
    )


def _update(
    session: Session, user: UserRow, row: IdentityRow, *, identity: Identity, role: str, now: datetime
) -> Vouched:
    """Keep what the provider says now. A name that it has stopped telling stays: people are still called so.

    An address that nobody has verified never takes the place of another one: they may have several ways in.
    """
    row.provider = identity.provider
    row.name = fold_title(identity.name) or row.name
    row.email = fold_title(identity.email)
    row.email_verified = bool(row.email) and identity.email_verified
    row.groups = sorted(clean(group) for group in identity.groups)[:MAX_GROUPS]
    row.claims_admin = identity.claims_admin
    row.claims_reader = identity.claims_reader
    before, row.role = row.role, role
    row.vouched_at = now
    user.name = row.name or user.name
    if row.email_verified or not user.email:
        user.email = row.email
    user.folded = fold_case(f'{user.name} {user.email}'.strip())
    session.add_all([user, row])
    session.flush()
    return Vouched(user_value(user), row.id, identity_value(row), before)


def party(user: User, identity: Identity) -> Party:
    """How the audit log names them."""
    return Party(user.id, user.name or user.email or identity.subject)


def user_value(row: UserRow) -> User:
    return User(
        id=row.id,
        dify_user=row.dify_user,
        name=row.name,
        email=row.email,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        blocked_at=row.blocked_at,
    )


def identity_value(row: IdentityRow) -> Identity:
    return Identity(
        issuer=row.issuer,
        subject=row.subject,
        provider=row.provider,
        name=row.name,
        email=row.email,
        email_verified=row.email_verified,
        groups=frozenset(row.groups),
        claims_admin=row.claims_admin,
        claims_reader=row.claims_reader,
    )
