"""What upstream lists of an app's ratings, taken over: those that we don't have, and those that have changed there.

Whose turn it is to look is a row for each app, so that one process does it. A rating that upstream has yet to be told
of, or was told of after it was asked, is newer than what it lists, and stays as it is.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select

from webapp.chat.rating import ListedRating
from webapp.store import feedback, locks
from webapp.store.feedback import MAX_COMMENT, Source
from webapp.store.tables import (
    EPOCH,
    ConversationRow,
    FeedbackListRow,
    FeedbackRow,
    ForgottenRow,
    MessageRow,
    changed,
)
from webapp.store.text import clean

INTERVAL = timedelta(minutes=5)
WHOLE_INTERVAL = timedelta(days=1)  # what is old there changes rarely, and a list has no other way to tell
LEASE = timedelta(hours=1)  # of a look at the whole list; whoever has it may be gone
PATIENCE = timedelta(seconds=10)  # between two looks that somebody asks for
AT_ONCE = 500  # values in one statement


@dataclass(frozen=True, slots=True)
class Turn:
    """A look at an app's list that is ours to take; `settle` it."""

    app: str
    is_whole: bool  # all of it, not only until what is known


@dataclass(frozen=True, slots=True)
class _Ours:
    """A message of ours that a rating is about."""

    id: str
    user_id: str
    app: str


def is_due(session: Session, *, app: str, now: datetime) -> bool:
    row = session.get(FeedbackListRow, app)
    return row is None or row.due_at <= now


def claim(session: Session, *, app: str, now: datetime, is_asked_for: bool = False) -> Turn | None:
    """A look at the list of an app, given to one caller; nothing if it is not time for one.

    :param is_asked_for: somebody wants to see the newest now
    """
    locks.hold(session, 'feedback list', app)
    row = session.get(FeedbackListRow, app, with_for_update=True)
    if row is None:
        row = FeedbackListRow(app=app, claimed_at=EPOCH, due_at=now, whole_due_at=now, read_at=None)
    if row.due_at > now and not (is_asked_for and row.claimed_at + PATIENCE <= now):
        return None
    is_whole = row.whole_due_at <= now and not is_asked_for
    row.claimed_at, row.due_at = now, now + INTERVAL
    if is_whole:
        row.whole_due_at = now + LEASE  # meanwhile others look at what is newest
    session.add(row)
    return Turn(app, is_whole)


def settle(session: Session, *, turn: Turn, now: datetime, is_read: bool, pause: timedelta = INTERVAL) -> None:
    """Note what came of a look.

    :param is_read: it has seen all that it should
    :param pause: until the next one
    """
    row = session.get(FeedbackListRow, turn.app, with_for_update=True)
    if row is None:
        return
    row.due_at = now + pause
    if is_read:
        row.read_at = now
    if turn.is_whole:
        row.whole_due_at = now + WHOLE_INTERVAL if is_read else now
    session.add(row)


def read_at(session: Session, *, apps: Collection[str]) -> datetime | None:
    """Since when all lists of these apps that there are have been read; None if there is none."""
    moments = session.exec(select(FeedbackListRow.read_at).where(col(FeedbackListRow.app).in_(apps)))
    return min((moment for moment in moments if moment), default=None)


def others(session: Session, *, app: str) -> set[str]:
    """Ids of all ratings that we know from the list alone."""
    return set(session.exec(select(FeedbackRow.id).where(FeedbackRow.app == app, FeedbackRow.source != Source.OWN)))


def take_over(
    session: Session,
    *,
    app: str,
    listed: Sequence[ListedRating],
    asked_at: datetime,
    now: datetime,
    before: datetime | None = None,
) -> int:
    """Keep what upstream lists; how many ratings were new or have changed.

    :param asked_at: when upstream was asked for it, by our clock
    :param before: what is none of ours and older than this has been let go, and does not come back
    """
    _keep_from_going(session, app)
    gone = _forgotten(session, app, listed)
    ours = _messages(session, listed)
    heard: dict[str, ListedRating] = {}
    for each in listed:
        message = ours.get(each.message_id)
        if clean(each.conversation_id) in gone or (message and message.app != app):  # that app has a list of its own
            continue
        if before and message is None and (each.updated_at or now) <= before:
            continue
        heard[key(app, each.id)] = each
    about = {*heard, *(message.id for message in ours.values())}
    found = select(FeedbackRow).where(col(FeedbackRow.id).in_(about)).order_by(col(FeedbackRow.id)).with_for_update()
    rows = {row.id: row for row in session.exec(found)}
    own = _own(session, app, heard, ours, rows)
    for id_ in own.keys() & rows.keys():  # it was a stranger's, as long as its message or its owner was not known
        session.delete(rows[id_])
    wanted = {own.get(id_, id_): each for id_, each in heard.items()}
    news = 0
    for id_, each in sorted(wanted.items()):
        row = rows.get(id_)
        words = _words(each)
        if row and (_says(row, each.rating, words) or not _is_older(row, asked_at)):
            if _is_told(row, each) and not row.rater:
                row.rater = clean(each.rater)
                session.add(row)
            continue
        row = row or _new(id_, app, each, ours.get(each.message_id))
        feedback.fill(row, rating=each.rating, comment=words, now=max(EPOCH, min(each.updated_at or now, now)))
        row.sent, row.told_at, row.due_at, row.rater = True, now, None, row.rater or clean(each.rater)
        session.add(row)
        news += 1
    return news


def drop(session: Session, *, app: str, ids: Collection[str]) -> int:
    """Forget ratings that upstream lists no more; how many. Those of our own people are theirs to take back."""
    asked = sorted(ids)
    parts = (asked[start : start + AT_ONCE] for start in range(0, len(asked), AT_ONCE))
    theirs = delete(FeedbackRow).where(col(FeedbackRow.app) == app, col(FeedbackRow.source) != Source.OWN)
    return sum(changed(session, theirs.where(col(FeedbackRow.id).in_(part))) for part in parts)


def forget(session: Session, *, app: str, upstream_id: str) -> None:
    """For functions of the store: the ratings of a conversation that is gone go, and none is heard any more.

    Upstream may tell of it for a while.
    """
    _keep_from_going(session, app)
    named = clean(upstream_id)
    session.merge(ForgottenRow(app=app, upstream_id=named))
    theirs = delete(FeedbackRow).where(col(FeedbackRow.app) == app, col(FeedbackRow.upstream_conversation_id) == named)
    changed(session, theirs)


def key(app: str, upstream_id: str) -> str:
    """Our id of a rating that upstream alone knows."""
    return hashlib.sha256(f'{app}\0{upstream_id}'.encode()).hexdigest()[:32]


def _keep_from_going(session: Session, app: str) -> None:
    """No conversation with an app goes while its ratings are taken over, nor the other way round."""
    locks.hold(session, 'ratings taken over', app)


def _says(row: FeedbackRow, rating: str, words: str) -> bool:
    """Whether it is nothing new. Upstream may not keep words: that it has none is no reason to lose our people's."""
    is_told_less = row.source == Source.OWN and not words
    return row.rating == rating and (row.comment == words or is_told_less)


def _is_older(row: FeedbackRow, asked_at: datetime) -> bool:
    """Whether what upstream lists is newer than what we have."""
    return row.sent and row.told_at is not None and row.told_at < asked_at


def _new(id_: str, app: str, each: ListedRating, message: _Ours | None) -> FeedbackRow:
    is_own = message is not None and message.id == id_
    return feedback.blank(
        id_,
        app=app,
        upstream=(clean(each.message_id), clean(each.conversation_id)),
        source=Source.OWN if is_own else Source.ADMIN if each.is_admin else Source.USER,
        message_id=message.id if message else None,
        user_id=message.user_id if message else None,
        rater=clean(each.rater),
    )


def _own(
    session: Session,
    app: str,
    heard: Mapping[str, ListedRating],
    ours: Mapping[str, _Ours],
    rows: Mapping[str, FeedbackRow],
) -> dict[str, str]:
    """Which of what is heard, by our ids, are by the owners of messages, and of which; of a message one at the most.

    What owners are called upstream is known from what was told there for them, or was the first that it listed.
    """
    rated: dict[_Ours, list[str]] = {}
    for id_, each in heard.items():
        if not each.is_admin and (message := ours.get(each.message_id)):
            rated.setdefault(message, []).append(id_)
    known = _raters(session, app, {message.user_id for message in rated})
    own = {}
    for message, ids in rated.items():
        row = rows.get(message.id)
        theirs = {row.rater} if row and row.rater else known.get(message.user_id, set())
        ranked = (
            (
                clean(heard[id_].rater) in theirs,
                row is not None and _is_told(row, heard[id_]),
                heard[id_].updated_at or EPOCH,
                id_,
            )
            for id_ in ids
        )
        is_theirs, is_told, _, best = max(ranked)
        is_new = best not in rows  # else it has been somebody else's before
        if is_theirs or (is_told and is_new) or not theirs or not heard[best].rater:
            own[best] = message.id
    return own


def _raters(session: Session, app: str, user_ids: Collection[str]) -> dict[str, set[str]]:
    """What people are called upstream, as far as it is known."""
    statement = (
        select(FeedbackRow.user_id, FeedbackRow.rater)
        .where(col(FeedbackRow.user_id).in_(user_ids), FeedbackRow.app == app)
        .where(FeedbackRow.source == Source.OWN, FeedbackRow.rater != '')
        .distinct()
    )
    raters: dict[str, set[str]] = {}
    for user_id, rater in session.exec(statement):
        raters.setdefault(user_id or '', set()).add(rater)
    return raters


def _is_told(row: FeedbackRow, each: ListedRating) -> bool:
    """Whether it is what upstream was told."""
    return row.sent and _says(row, each.rating, _words(each))


def _words(each: ListedRating) -> str:
    return clean(each.comment)[:MAX_COMMENT]


def _forgotten(session: Session, app: str, listed: Sequence[ListedRating]) -> set[str]:
    named = {clean(each.conversation_id) for each in listed}
    found = select(ForgottenRow.upstream_id).where(ForgottenRow.app == app, col(ForgottenRow.upstream_id).in_(named))
    return set(session.exec(found))


def _messages(session: Session, listed: Sequence[ListedRating]) -> dict[str, _Ours]:
    """Messages of ours that ratings are about, by what they are called upstream."""
    upstream_id = col(MessageRow.reply)['message_id'].as_string()
    statement = (
        select(upstream_id, MessageRow.id, MessageRow.user_id, ConversationRow.app)
        .join(ConversationRow, col(ConversationRow.id) == MessageRow.conversation_id)
        .where(
            col(MessageRow.upstream_id).in_({clean(each.conversation_id) for each in listed} - {''}),
            upstream_id.in_({clean(each.message_id) for each in listed}),
        )
    )
    return {name: _Ours(id_, user_id, app) for name, id_, user_id, app in session.exec(statement)}
