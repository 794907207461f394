"""The roles that are written down with identities, when the settings have come to see them differently."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from webapp.principal import Identity
from webapp.store.sessions import is_by_provider, record_role
from webapp.store.tables import IdentityRow, UserRow
from webapp.store.users import Vouched, identity_value, user_value

RoleOf = Callable[[Identity], str | None]  # by the settings; nothing for somebody who is not let in


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of all identities, in the order of their ids."""

    outdated: list[str]  # ids of those whose role is another now
    last: str  # id from which to go on; '' after all


def batch(session: Session, *, role_of: RoleOf, after: str, size: int) -> Batch:
    """Compare the next `size` identities with the settings. A query."""
    statement = select(IdentityRow).where(IdentityRow.id > after).order_by(col(IdentityRow.id)).limit(size)
    rows = list(session.exec(statement))
    outdated = [row.id for row in rows if row.role != _role(row, role_of)]
    return Batch(outdated, rows[-1].id if len(rows) == size else '')


def settle(session: Session, *, ids: Collection[str], role_of: RoleOf, now: datetime) -> int:
    """Write down what identities are now, and what has changed for people, unless somebody has done so; how many."""
    statement = (
        select(IdentityRow, UserRow)
        .join(UserRow, col(UserRow.id) == IdentityRow.user_id)
        .where(col(IdentityRow.id).in_(ids))
        .order_by(col(IdentityRow.id))
        .with_for_update(of=IdentityRow)
    )
    settled = 0
    for row, user in session.exec(statement):
        before, row.role = row.role, _role(row, role_of)
        if before == row.role:
            continue
        settled += 1
        session.add(row)
        identity = identity_value(row)
        if is_by_provider(identity):
            record_role(session, Vouched(user_value(user), row.id, identity, before), row.role, now=now)
    return settled


def _role(row: IdentityRow, role_of: RoleOf) -> str:
    return role_of(identity_value(row)) or ''
