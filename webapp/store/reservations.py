"""What answers that are being written may cost, for as long as the ledger does not know."""

from sqlalchemy import delete
from sqlmodel import Session, col

from webapp.store.tables import ReservationRow, changed


def settle(session: Session, *, message_id: str) -> None:
    """The answer has ended: from now on the ledger knows."""
    changed(session, delete(ReservationRow).where(col(ReservationRow.message_id) == message_id))
