"""Everybody's ratings as those who answer for the service go through them.

What people wrote, asked and were answered is given only where it is asked for, and whoever reads it stands in the audit
log, in the same transaction. Whether they may is the caller's to ask.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Text, func, literal, literal_column, select as sa_select, tuple_
from sqlmodel import Session, col, select

from webapp.errors import NotFound, Refused
from webapp.store import audit, messages, users
from webapp.store.audit import Action, Party
from webapp.store.feedback import Rating, Source, State
from webapp.store.tables import FeedbackRow, MessageRow, Moment
from webapp.store.text import clean, fold_case

Place = tuple[datetime, str]  # when it was given, and its id; another one when it is given anew

MAX_PAGE = 500
MAX_SEARCH = 200
EXCERPT = 400  # characters of a question or an answer
COLUMNS = (
    *('id', 'updated_at', 'app', 'rating', 'source', 'rater', 'state', 'state_by', 'state_at'),
    *('message_id', 'user_id', 'upstream_conversation_id', 'upstream_message_id'),
)
NOT_GIVEN: ColumnElement[str] = literal_column("''", Text)  # a literal, for the partial indexes; see `tables.RUNNING`
IS_LISTED = col(FeedbackRow.rating) != NOT_GIVEN


@dataclass(frozen=True, slots=True)
class Filter:
    """Which ratings; what is not given does not restrict."""

    rating: Rating | None = None
    state: State | None = None
    app: str = ''
    since: datetime | None = None
    until: datetime | None = None
    search: str = ''  # words of what people wrote along with them, in any case; only for who may read that


@dataclass(frozen=True, slots=True)
class Texts:
    """What people wrote: with the rating, and, if the message is one of ours, before it. The last two are cut."""

    comment: str
    question: str = ''
    answer: str = ''


@dataclass(frozen=True, slots=True)
class Rated:
    id: str
    at: datetime
    app: str
    rating: Rating
    source: Source
    message_id: str  # '' if it is none of ours
    user_id: str  # whose message it is; '' likewise
    rater: str  # who rated, by their id upstream; '' where that is not told
    conversation_id: str  # likewise
    upstream_conversation_id: str
    upstream_message_id: str
    state: State
    state_by: str  # id of who has set it
    state_at: datetime | None
    texts: Texts | None = None  # None: not asked for

    @property
    def place(self) -> Place:
        return self.at, self.id


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Rated]
    has_more: bool


def page(
    session: Session,
    *,
    wanted: Filter,
    before: Place | None = None,
    limit: int = 50,
    with_texts: bool = False,
) -> Page:
    """The newest first.

    :param before: the place of the last one known; gives those that follow it
    """
    at, id_ = col(FeedbackRow.updated_at), col(FeedbackRow.id)
    statement = _listed(*_matching(wanted, with_texts=with_texts))
    if before:
        statement = statement.where(tuple_(at, id_) < tuple_(literal(before[0], Moment), literal(before[1])))
    limit = min(limit, MAX_PAGE)
    rows = session.execute(statement.order_by(at.desc(), id_.desc()).limit(limit + 1)).all()
    found = [_value(row) for row in rows[:limit]]
    return Page(worded(session, found) if with_texts else found, has_more=len(rows) > limit)


def read(
    session: Session,
    *,
    actor: Party,
    wanted: Filter,
    now: datetime,
    address: str = '',
    before: Place | None = None,
    limit: int = 50,
    known: Collection[Place] = (),
) -> Page:
    """`page` with what people wrote, and note who has read it: an entry for each whose messages they are about.

    :param known: places of those that were read and noted before, and are shown still
    """
    found = page(session, wanted=wanted, before=before, limit=limit, with_texts=True)
    ids: dict[str, list[str]] = {}
    for each in found.rows:
        if each.place not in known:
            ids.setdefault(each.user_id, []).append(each.id)
    owners = users.all_named(session, ids.keys())
    doing: dict[str, Any] = {'now': now, 'actor': actor, 'address': address}
    for user_id, theirs in ids.items():
        target, detail = owners.get(user_id, Party()), {'feedback': theirs}
        audit.record(session, Action.FEEDBACK_READ, target=target, detail=detail, **doing)
    return found


def set_state(
    session: Session,
    *,
    actor: Party,
    feedback_id: str,
    state: State,
    seen: tuple[datetime, State],
    now: datetime,
    address: str = '',
) -> None:
    """Note how far somebody has come with a rating.

    :param seen: when it was given, and its state, as they were when somebody decided that
    :raises NotFound: there is no such rating
    :raises Refused: `feedback_changed`: the person has rated anew, or somebody else has set another state
    """
    row = session.get(FeedbackRow, clean(feedback_id), with_for_update=True)
    if row is None or not row.rating:
        raise NotFound
    if row.updated_at != seen[0] or row.state not in {seen[1], state}:
        raise Refused('feedback_changed')
    if row.state == state:
        return
    before, row.state = row.state, state
    row.state_by, row.state_at = actor.id, now
    session.add(row)
    target = users.named(session, row.user_id) if row.user_id else Party()
    detail = {'feedback': row.id, 'from': before, 'to': state}
    audit.record(
        session, Action.FEEDBACK_STATE_CHANGED, now=now, actor=actor, target=target, address=address, detail=detail
    )


def apps(session: Session) -> list[str]:
    """Those that have ratings, also if the settings know them no more."""
    return sorted(session.exec(select(FeedbackRow.app).where(IS_LISTED).distinct()))


def get(session: Session, feedback_id: str) -> Rated:
    """:raises NotFound: there is no such rating"""
    row = session.execute(_listed(col(FeedbackRow.id) == clean(feedback_id))).first()
    if row is None:
        raise NotFound
    return _value(row)


def _listed(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Nothing of what anybody wrote is in it."""
    columns = (getattr(FeedbackRow, name) for name in COLUMNS)
    there = sa_select(*columns, col(MessageRow.conversation_id))
    return there.outerjoin(MessageRow, col(MessageRow.id) == FeedbackRow.message_id).where(IS_LISTED, *conditions)


def _value(row: Row[Any]) -> Rated:
    return Rated(
        id=row.id,
        at=row.updated_at,
        app=row.app,
        rating=row.rating,
        source=Source(row.source),
        message_id=row.message_id or '',
        user_id=row.user_id or '',
        rater=row.rater,
        conversation_id=row.conversation_id or '',
        upstream_conversation_id=row.upstream_conversation_id,
        upstream_message_id=row.upstream_message_id,
        state=State(row.state),
        state_by=row.state_by,
        state_at=row.state_at,
    )


def _matching(wanted: Filter, *, with_texts: bool) -> Iterator[ColumnElement[bool]]:
    if wanted.rating:
        yield col(FeedbackRow.rating) == wanted.rating
    if wanted.state:
        yield col(FeedbackRow.state) == wanted.state
    if wanted.app:
        yield col(FeedbackRow.app) == clean(wanted.app)
    if wanted.since:
        yield col(FeedbackRow.updated_at) >= wanted.since
    if wanted.until:
        yield col(FeedbackRow.updated_at) < wanted.until
    if with_texts:  # what is found tells what is there, so who may not read may not search
        for word in fold_case(clean(wanted.search[:MAX_SEARCH])).split():
            yield col(FeedbackRow.folded).contains(word, autoescape=True)


def worded(session: Session, found: Sequence[Rated]) -> list[Rated]:
    """The same with what people wrote; without those that have just gone."""
    question = func.substr(MessageRow.query, 1, EXCERPT + 1)
    columns = (FeedbackRow.id, FeedbackRow.comment, MessageRow.id, MessageRow.status, MessageRow.reply)
    statement = (
        sa_select(*map(col, columns), question)
        .outerjoin(MessageRow, col(MessageRow.id) == FeedbackRow.message_id)
        .where(col(FeedbackRow.id).in_([each.id for each in found]))
    )
    texts: dict[str, Texts] = {}
    for id_, comment, message_id, status, reply, asked in session.execute(statement):
        answer = messages.read_reply(message_id, status, reply).text if message_id else ''
        texts[id_] = Texts(comment, _excerpt(asked or ''), _excerpt(answer))
    return [replace(each, texts=texts[each.id]) for each in found if each.id in texts]


def _excerpt(text: str) -> str:
    return text if len(text) <= EXCERPT else text[:EXCERPT].rstrip() + '…'
