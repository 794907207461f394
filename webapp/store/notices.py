"""Notices that stand above everybody's pages until they end; each begins and ends in the audit log."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args
from uuid import uuid4

from sqlmodel import Session, col, delete, select

from webapp.errors import Refused
from webapp.store import audit, locks
from webapp.store.audit import Action, Party
from webapp.store.tables import NoticeRow, changed
from webapp.store.text import UNWANTED, clean

Level = Literal['info', 'warning']
LEVELS: tuple[Level, ...] = get_args(Level)
MAX_TEXT = 300  # characters
LONGEST = timedelta(days=366)
MOST = 5  # at once: they take the room of what people came for


@dataclass(frozen=True, slots=True)
class Notice:
    id: str
    text: str
    level: Level
    ends_at: datetime


def live(session: Session, *, now: datetime) -> tuple[Notice, ...]:
    """Those that have not ended, the oldest first."""
    statement = select(NoticeRow).where(NoticeRow.ends_at > now).order_by(col(NoticeRow.created_at), col(NoticeRow.id))
    return tuple(_value(row) for row in session.exec(statement))


def announce(
    session: Session,
    *,
    text: str,
    level: str,
    ends_at: datetime,
    actor: Party,
    now: datetime,
    address: str = '',
) -> Notice:
    """Show a notice to everybody.

    :param text: plain; becomes one line
    :raises Refused: `notice_unfit`: no text, too much of it, or another level; `notice_end`: an end that is over, or
        more than a year away; `notices_full`: there are as many as there may be
    """
    line = ' '.join(clean(text).translate(UNWANTED).split())
    if not 0 < len(line) <= MAX_TEXT or level not in LEVELS:
        raise Refused('notice_unfit', f'{len(line)} characters, {level!r}'[:100], status=400)
    if not now < ends_at <= now + LONGEST:
        raise Refused('notice_end', status=400)
    locks.hold(session, 'notices')
    standing = live(session, now=now)
    for notice in standing:
        if (notice.text, notice.level, notice.ends_at) == (line, level, ends_at):
            return notice  # a button that was pressed twice
    if len(standing) >= MOST:
        raise Refused('notices_full')
    row = NoticeRow(id=uuid4().hex, text=line, level=level, created_at=now, ends_at=ends_at)
    session.add(row)
    notice = _value(row)
    audit.record(session, Action.NOTICE_SHOWN, now=now, actor=actor, address=address, detail=_told(notice))
    return notice


def end(session: Session, *, notice_id: str, actor: Party, now: datetime, address: str = '') -> None:
    """End a notice before its time; one that is over is left alone."""
    row = session.get(NoticeRow, clean(notice_id), with_for_update=True)
    if row is None or row.ends_at <= now:
        return
    audit.record(session, Action.NOTICE_ENDED, now=now, actor=actor, address=address, detail=_told(_value(row)))
    session.delete(row)


def purge(session: Session, *, now: datetime) -> int:
    """Delete what is over; the audit log keeps the words."""
    return changed(session, delete(NoticeRow).where(col(NoticeRow.ends_at) <= now))


def _told(notice: Notice) -> dict[str, object]:
    return {'text': notice.text, 'level': notice.level, 'until': notice.ends_at.isoformat(timespec='minutes')}


def _value(row: NoticeRow) -> Notice:
    return Notice(row.id, row.text, 'warning' if row.level == 'warning' else 'info', row.ends_at)
