"""People, their ways in, and where they are signed in."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Text, UniqueConstraint
from sqlmodel import Field

from webapp.store.tables.base import Moment, Table, only_where, owner


class UserRow(Table, table=True):
    """A person. `folded` is what search compares: name and e-mail address."""

    __tablename__ = 'users'
    __table_args__ = (UniqueConstraint('dify_user'), Index(None, 'last_seen_at', 'id'))

    id: str = Field(primary_key=True, sa_type=Text)
    dify_user: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    email: str = Field(sa_type=Text)
    folded: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Moment)
    last_seen_at: datetime = Field(sa_type=Moment)
    blocked_at: datetime | None = Field(sa_type=Moment)


class IdentityRow(Table, table=True):
    """A way in of a person's: who vouches for them, under what name, and what they said last. Most have one.

    `role` is what the settings made of that at the last sign-in; for lists and the audit log, never to decide by.
    """

    __tablename__ = 'identities'
    __table_args__ = (UniqueConstraint('issuer', 'subject'), Index(None, 'user_id'))

    id: str = Field(primary_key=True, sa_type=Text)
    user_id: str = Field(sa_column=owner())
    issuer: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    provider: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    email: str = Field(sa_type=Text)
    email_verified: bool
    groups: list[str] = Field(sa_type=JSON)
    claims_admin: bool
    claims_reader: bool
    role: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Moment)
    vouched_at: datetime = Field(sa_type=Moment)


class SessionRow(Table, table=True):
    """`id` is a hash: whoever reads the table can't use a session of it. The provider's tokens are encrypted.

    The last three are empty but for a session within a page of another site, see `principal.Within`.
    """

    __tablename__ = 'sessions'
    __table_args__ = (
        Index(None, 'user_id'),
        Index(None, 'expires_at'),
        Index(None, 'identity_id'),
        Index(None, 'provider_session'),
        Index('ix_sessions_refresh_at', 'refresh_at', **only_where('refresh_at IS NOT NULL')),
        Index('ix_sessions_embed', 'embed', **only_where("embed <> ''")),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    user_id: str = Field(sa_column=owner())
    identity_id: str = Field(sa_column=Column(Text, ForeignKey('identities.id', ondelete='CASCADE'), nullable=False))
    created_at: datetime = Field(sa_type=Moment)
    last_seen_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment)
    ended_at: datetime | None = Field(sa_type=Moment)
    device: str = Field(sa_type=Text)
    provider_session: str = Field(sa_type=Text)
    id_token: str = Field(sa_type=Text)
    refresh_token: str = Field(sa_type=Text)
    refresh_at: datetime | None = Field(sa_type=Moment)
    embed: str = Field(sa_type=Text)
    origins: str = Field(sa_type=Text)  # with spaces between
    kid: str = Field(sa_type=Text)


class TicketRow(Table, table=True):
    """Leads once, and soon, from the entry of an embed into a session. `id` is a hash."""

    __tablename__ = 'tickets'
    __table_args__ = (Index(None, 'session_id'), Index(None, 'expires_at'))

    id: str = Field(primary_key=True, sa_type=Text)
    session_id: str = Field(sa_column=Column(Text, ForeignKey('sessions.id', ondelete='CASCADE'), nullable=False))
    embed: str = Field(sa_type=Text)
    expires_at: datetime = Field(sa_type=Moment)


class PairingRow(Table, table=True):
    """A frame waits for somebody to sign in, in a window of its own. `id` is a hash.

    `session_id` is where they have: of our own pages, not of the frame's.
    """

    __tablename__ = 'pairings'
    __table_args__ = (Index(None, 'session_id'), Index(None, 'expires_at'))

    id: str = Field(primary_key=True, sa_type=Text)
    embed: str = Field(sa_type=Text)
    origins: str = Field(sa_type=Text)  # with spaces between
    session_id: str | None = Field(sa_column=Column(Text, ForeignKey('sessions.id', ondelete='CASCADE'), nullable=True))
    expires_at: datetime = Field(sa_type=Moment)


class AttemptRow(Table, table=True):
    """A login that somebody has begun. `id` and `browser` are hashes; deleted when the browser comes back."""

    __tablename__ = 'attempts'
    __table_args__ = (Index(None, 'expires_at'), Index(None, 'browser'))

    id: str = Field(primary_key=True, sa_type=Text)
    browser: str = Field(sa_type=Text)
    provider: str = Field(sa_type=Text)
    nonce: str = Field(sa_type=Text)
    verifier: str = Field(sa_type=Text)
    target: str = Field(sa_type=Text)
    linking: str | None = Field(sa_column=Column(Text, ForeignKey('sessions.id', ondelete='CASCADE'), nullable=True))
    created_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment)


class OfferRow(Table, table=True):
    """A way in that has been proven in a session, and waits for its person to take it. Goes with the session."""

    __tablename__ = 'offers'

    session_id: str = Field(
        sa_column=Column(Text, ForeignKey('sessions.id', ondelete='CASCADE'), primary_key=True, nullable=False)
    )
    id: str = Field(sa_type=Text)
    identity: dict[str, Any] = Field(sa_type=JSON)
    expires_at: datetime = Field(sa_type=Moment)


class SpentTokenRow(Table, table=True):
    """Tokens that count once. `id` is a hash; a row may go when its token has expired."""

    __tablename__ = 'spent_tokens'
    __table_args__ = (Index(None, 'expires_at'),)

    id: str = Field(primary_key=True, sa_type=Text)
    expires_at: datetime = Field(sa_type=Moment)


class HitRow(Table, table=True):
    """Something that is limited has happened. `scope` is what, `key` for whom. Goes when no limit looks so far back."""

    __tablename__ = 'hits'
    __table_args__ = (Index(None, 'scope', 'key', 'at'), Index(None, 'expires_at'))

    id: str = Field(primary_key=True, sa_type=Text)
    scope: str = Field(sa_type=Text)
    key: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=Moment)
    amount: int = Field(sa_type=BigInteger)
    expires_at: datetime = Field(sa_type=Moment)


class ForgettingRow(Table, table=True):
    """Somebody who is being forgotten, and under what name their costs stay. Goes with them; see `forgetting`."""

    __tablename__ = 'forgettings'

    user_id: str = Field(
        sa_column=Column(Text, ForeignKey('users.id', ondelete='CASCADE'), primary_key=True, nullable=False)
    )
    pseudonym: str = Field(sa_type=Text)
    actor_id: str = Field(sa_type=Text)
    actor_name: str = Field(sa_type=Text)
    address: str = Field(sa_type=Text)
    asked_at: datetime = Field(sa_type=Moment)
    counts: dict[str, int] = Field(sa_type=JSON)
