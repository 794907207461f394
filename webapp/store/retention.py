"""What has been kept for as long as the operator wants it kept: looked for, and let go, a little at a time.

Each piece is a transaction of its own that looks again at what it lets go: what has been used meanwhile stays, and so
does a conversation in which an answer is being written.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, exists, literal, not_, select as sa_select, tuple_
from sqlmodel import Session, col, delete, func, select

from webapp.store import audit, chores, conversations, files
from webapp.store.audit import Action, Party
from webapp.store.conversations import is_running
from webapp.store.files import Source
from webapp.store.tables import AuditRow, ConversationRow, FeedbackRow, FileRow, MessageRow, Moment, UsageRow, changed

CHORE = 'retention'
MANY_MESSAGES = 500  # in one transaction, or one conversation if that has more
AT_ONCE = 500  # rows of other kinds, in one transaction


KEPT = func.sum(col(FileRow.size)).filter(col(FileRow.is_kept))  # bytes that are here


class Kind(StrEnum):
    """What is kept for its own time. They go in this order: the files of a conversation that goes, go with it."""

    MESSAGES = 'messages'  # conversations without a turn since then, with all that is in them
    RATINGS = 'ratings'  # of what is none of ours, as long as messages: all others go with their message
    FILES = 'files'  # bytes of what people sent and assistants made
    LEDGER = 'ledger'  # single answers whose conversation is gone; the sums by day stay
    AUDIT = 'audit'


@dataclass(frozen=True, slots=True)
class Rules:
    """Days that each kind is kept; 0 is for ever."""

    messages: int = 0
    files: int = 0
    ledger: int = 0
    audit: int = 0

    def before(self, now: datetime) -> dict[Kind, datetime]:
        """Up to when each kind goes that does not stay for ever."""
        days = {kind: getattr(self, kind) for kind in Kind if kind is not Kind.RATINGS} | {Kind.RATINGS: self.messages}
        found = {kind: now - timedelta(days=days[kind]) for kind in Kind if days[kind]}
        if Kind.LEDGER in found:  # whole days: the sums are by day
            found[Kind.LEDGER] = datetime.combine(found[Kind.LEDGER].astimezone(UTC).date(), time(), UTC)
        return found


@dataclass(frozen=True, slots=True)
class Due:
    """What would go of one kind."""

    kind: Kind
    before: datetime
    counts: dict[str, int]  # by what it is: conversations, messages, files, bytes, rows
    oldest: datetime | None  # None if there is nothing
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order in which things go."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Gone:
    """What one piece of the work has done.

    :ivar handled: how many of the things it was given; the others are for the next piece
    :ivar conversations: (owner, id) of those that went
    """

    handled: int
    counts: dict[str, int]
    conversations: list[tuple[str, str]] = field(default_factory=list)


def preview(session: Session, *, kind: Kind, before: dict[Kind, datetime]) -> Due:
    """What would go now of one kind that is in `before`. A query."""
    limit = before[kind]
    table, at, which = _due(kind, before)
    of_all = sa_select(func.count(), func.min(at), func.max(at)).select_from(table).where(*which)
    rows, oldest, newest = session.connection().execute(of_all).one()
    counts = {'rows': int(rows)}
    if kind is Kind.FILES:
        size = session.exec(select(KEPT).where(*which)).one()
        counts = {'files': int(rows), 'bytes': int(size or 0)}
    elif kind is Kind.MESSAGES:
        theirs = select(ConversationRow.id).where(*which)
        asked = select(func.count()).select_from(MessageRow).where(col(MessageRow.conversation_id).in_(theirs))
        sent = sa_select(func.count(), KEPT).where(col(FileRow.conversation_id).in_(theirs))
        number, size = session.connection().execute(sent).one()
        counts = {
            'conversations': int(rows),
            'messages': session.exec(asked).one(),
            'files': int(number),
            'bytes': int(size or 0),
        }
    return Due(kind, limit, counts, oldest, newest)


def due(session: Session, *, kind: Kind, before: dict[Kind, datetime], after: Place | None) -> list[Place]:
    """The next things that may go, the oldest first; those that follow `after`. A query."""
    table, at, which = _due(kind, before)
    statement = sa_select(at, table.id).where(*which)
    if after:
        statement = statement.where(tuple_(at, table.id) > tuple_(literal(after.at, Moment), literal(after.id)))
    found = session.connection().execute(statement.order_by(at, table.id).limit(AT_ONCE))
    return [Place(*row) for row in found]


def let_go(
    session: Session, *, kind: Kind, before: dict[Kind, datetime], ids: Sequence[str], holder: str, now: datetime
) -> Gone:
    """Let go some of these things, if they may go still.

    :param holder: of the chore
    :raises Refused: see `chores.go_on`
    """
    match kind:
        case Kind.MESSAGES:
            gone = _conversations(session, ids, before, now)
        case Kind.FILES:
            sizes = files.fade(session, ids=ids, before=before[kind])
            gone = Gone(len(ids), {'files': len(sizes), 'bytes': sum(sizes)})
        case _:
            table, _, which = _due(kind, before)
            gone = Gone(len(ids), {kind.value: changed(session, delete(table).where(col(table.id).in_(ids), *which))})
    chores.go_on(session, name=CHORE, holder=holder, now=now, counts=gone.counts)
    return gone


def strip(session: Session, *, holder: str, now: datetime) -> bool:
    """Remove a few megabytes of files that have been let go; whether there may be more."""
    chores.go_on(session, name=CHORE, holder=holder, now=now, counts={})
    return files.remove_faded(session)


def finish(session: Session, *, rules: Rules, holder: str, actor: Party, now: datetime) -> dict[str, int]:
    """All has gone that was to go: so it stands in the audit log. How much of what."""
    counts = chores.finish(session, name=CHORE, holder=holder, now=now)
    kept = {f'{name}_days': days for name, days in asdict(rules).items() if days}
    audit.record(session, Action.RETENTION_APPLIED, now=now, actor=actor, detail={**kept, **counts})
    return counts


def _due(kind: Kind, before: dict[Kind, datetime]) -> tuple[type[Any], Any, list[ColumnElement[bool]]]:
    """The table, the moment that counts, and which rows."""
    limit = before[kind]
    match kind:
        case Kind.MESSAGES:
            at = col(ConversationRow.updated_at)
            return ConversationRow, at, [at < limit, not_(is_running())]
        case Kind.RATINGS:
            at = col(FeedbackRow.updated_at)
            return FeedbackRow, at, [at < limit, col(FeedbackRow.message_id).is_(None)]
        case Kind.FILES:
            which = [*files.due(limit), col(FileRow.source).in_([Source.USER, Source.ASSISTANT])]
            if Kind.MESSAGES in before:
                _, _, goes = _due(Kind.MESSAGES, before)
                going = sa_select(1).where(col(ConversationRow.id) == FileRow.conversation_id, *goes)
                which.append(not_(exists(going)))
            return FileRow, col(FileRow.created_at), which
        case Kind.LEDGER:
            at = col(UsageRow.created_at)
            is_there = exists(sa_select(1).where(col(ConversationRow.id) == UsageRow.conversation_id))
            return UsageRow, at, [at < limit, not_(is_there)]
        case Kind.AUDIT:
            return AuditRow, col(AuditRow.at), [col(AuditRow.at) < limit]


def _conversations(session: Session, ids: Collection[str], before: dict[Kind, datetime], now: datetime) -> Gone:
    _, _, which = _due(Kind.MESSAGES, before)
    counts: Counter[str] = Counter()
    gone: list[tuple[str, str]] = []
    for handled, id_ in enumerate(ids):
        if counts['messages'] >= MANY_MESSAGES:
            return Gone(handled, dict(counts), gone)
        mine = select(ConversationRow).where(ConversationRow.id == id_, *which)
        row = session.exec(mine.with_for_update(of=ConversationRow, skip_locked=True)).first()
        if row is None:
            continue
        of_it = (col(MessageRow.conversation_id) == id_, col(FileRow.conversation_id) == id_)
        messages = session.exec(select(func.count()).select_from(MessageRow).where(of_it[0])).one()
        number, size = session.connection().execute(sa_select(func.count(), KEPT).where(of_it[1])).one()
        conversations.remove(session, row, now=now)
        session.flush()
        counts += Counter(conversations=1, messages=messages, files=int(number), bytes=int(size or 0))
        gone.append((row.user_id, row.id))
    return Gone(len(ids), dict(counts), gone)
