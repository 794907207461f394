"""People, by who vouches for them and under what name."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlmodel import Session, select

from webapp.errors import Refused
from webapp.store.tables import UserRow
from webapp.store.text import clean, fold_title

MAX_IDENTITY = 2000  # bytes of issuer and subject together; a database's index holds no more


@dataclass(frozen=True, slots=True)
class User:
    id: str
    issuer: str
    subject: str
    dify_user: str  # the end-user id that Dify sees
    name: str
    created_at: datetime
    last_seen_at: datetime


def dify_user(secret: str, issuer: str, subject: str) -> str:
    """The name that Dify knows a person by: stable, and no clue to who they are."""
    digest = hmac.new(secret.encode(), f'{issuer}\0{subject}'.encode(), hashlib.sha256)
    return f'u_{digest.hexdigest()[:32]}'


def sign_in(session: Session, *, issuer: str, subject: str, secret: str, now: datetime, name: str = '') -> User:
    """The person whom `issuer` calls `subject`; made at the first visit.

    Their `dify_user` is derived then and kept, so a new secret does not part them from their history.

    :raises Refused: an identity that can't be kept exactly as it is
    """
    for part in (issuer, subject):
        if not part or clean(part) != part:
            raise Refused(detail='issuer and subject must be text without NUL', status=400)
    if len((issuer + subject).encode()) > MAX_IDENTITY:
        raise Refused(detail='issuer and subject are too long', status=400)
    row = session.exec(select(UserRow).where(UserRow.issuer == issuer, UserRow.subject == subject)).first()
    if row is None:
        row = UserRow(
            id=uuid4().hex,
            issuer=issuer,
            subject=subject,
            dify_user=dify_user(secret, issuer, subject),
            name='',
            created_at=now,
            last_seen_at=now,
        )
        session.add(row)
    row.name = fold_title(name) or row.name
    row.last_seen_at = now
    session.flush()
    return user_value(row)


def user_value(row: UserRow) -> User:
    return User(
        id=row.id,
        issuer=row.issuer,
        subject=row.subject,
        dify_user=row.dify_user,
        name=row.name,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
    )
