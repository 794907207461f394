"""What belongs to nobody: the log, notices, and who does the work."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Text
from sqlmodel import Field

from webapp.store.tables.base import Moment, Table


class AuditRow(Table, table=True):
    """Who did what to whom. Refers to nothing: it stays when people go, without their names if they are forgotten.

    `folded` is what search compares: both names.
    """

    __tablename__ = 'audit'
    __table_args__ = (
        Index(None, 'at', 'id'),
        Index(None, 'action', 'at'),
        Index(None, 'actor_id', 'at'),
        Index(None, 'target_id', 'at'),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    at: datetime = Field(sa_type=Moment)
    action: str = Field(sa_type=Text)
    actor_id: str = Field(sa_type=Text)
    actor_name: str = Field(sa_type=Text)
    target_id: str = Field(sa_type=Text)
    target_name: str = Field(sa_type=Text)
    folded: str = Field(sa_type=Text)
    address: str = Field(sa_type=Text)
    detail: dict[str, Any] = Field(sa_type=JSON)


class NoticeRow(Table, table=True):
    """A notice for everybody until it ends; deleted then, or before."""

    __tablename__ = 'notices'

    id: str = Field(primary_key=True, sa_type=Text)
    text: str = Field(sa_type=Text)
    level: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Moment)
    ends_at: datetime = Field(sa_type=Moment)


class EmbedRevocationRow(Table, table=True):
    """A key or an origin that admins have taken from an embed; see `revocations`."""

    __tablename__ = 'embed_revocations'

    embed: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(primary_key=True, sa_type=Text)
    at: datetime = Field(sa_type=Moment)


class ChoreRow(Table, table=True):
    """Work that one process at a time does now and then; see `chores`."""

    __tablename__ = 'chores'

    name: str = Field(primary_key=True, sa_type=Text)
    holder: str = Field(sa_type=Text)
    until: datetime = Field(sa_type=Moment)
    done_at: datetime | None = Field(sa_type=Moment)
    counts: dict[str, int] = Field(sa_type=JSON)
