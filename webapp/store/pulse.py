"""How it goes, for those who answer for the service: of one state of the database, and so of all processes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from webapp.store import condition, deletions, schema
from webapp.store.tables import RUNNING, ConversationRow, MessageRow, UsageRow


@dataclass(frozen=True, slots=True)
class Failures:
    """Answers of one app that failed, or broke off, for one reason."""

    app: str
    code: str
    answers: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Pulse:
    running: Mapping[str, int]  # answers under way by app, those in line included
    answers: Mapping[str, int]  # by app: those that have ended since
    failures: list[Failures]  # since, the most frequent first
    server: str  # such as 'SQLite 3.45.1' or 'PostgreSQL 16.3'
    version: str  # of the tables
    size: int  # bytes
    deletions: int  # conversations that upstream is still to delete
    oldest_deletion: datetime | None


def read(session: Session, *, since: datetime) -> Pulse:
    return Pulse(
        running=_running(session),
        answers=_answers(session, since),
        failures=_failures(session, since),
        server=condition.server(session),
        version=schema.version(session) or '',
        size=condition.size(session),
        deletions=deletions.waiting(session),
        oldest_deletion=deletions.oldest(session),
    )


def _running(session: Session) -> dict[str, int]:
    app = col(ConversationRow.app)
    statement = (
        select(app, func.count())
        .join(MessageRow, col(MessageRow.conversation_id) == ConversationRow.id)
        .where(col(MessageRow.status) == RUNNING)
        .group_by(app)
    )
    return {slug: int(count) for slug, count in session.connection().execute(statement)}


def _answers(session: Session, since: datetime) -> dict[str, int]:
    app = col(UsageRow.app)
    statement = select(app, func.count()).where(col(UsageRow.created_at) >= since).group_by(app)
    return {slug: int(count) for slug, count in session.connection().execute(statement)}


def _failures(session: Session, since: datetime) -> list[Failures]:
    app, code, at = col(UsageRow.app), col(UsageRow.failure), col(UsageRow.created_at)
    count = func.count()
    statement = (
        select(app, code, count, func.max(at))
        .where(at >= since, code != '')
        .group_by(app, code)
        .order_by(count.desc(), app, code)
    )
    return [Failures(*row) for row in session.connection().execute(statement)]
