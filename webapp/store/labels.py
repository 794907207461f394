"""What to call people on pages and in exports."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlmodel import Session, col, select

from webapp.store.tables import (
    IdentityRow,
    UserRow,
)

MANY = 1000  # asked for at once


@dataclass(frozen=True, slots=True)
class Called:
    """What to call a person: as their provider knows them, and as people do."""

    subject: str
    name: str


def called(session: Session, *, ids: Collection[str]) -> dict[str, Called]:
    """Those of `ids` that are still there, by id. Who has several ways in is named by the first."""
    found: dict[str, Called] = {}
    wanted = sorted(ids)
    for some in (wanted[start : start + MANY] for start in range(0, len(wanted), MANY)):
        statement = (
            select(UserRow.id, UserRow.name, UserRow.email, IdentityRow.subject)
            .join(IdentityRow, col(IdentityRow.user_id) == UserRow.id)
            .where(col(UserRow.id).in_(some))
            .order_by(col(IdentityRow.created_at), col(IdentityRow.id))
        )
        for user_id, name, email, subject in session.exec(statement):
            found.setdefault(user_id, Called(subject, name or email))
    return found
