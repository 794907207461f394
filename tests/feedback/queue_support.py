"""Answers that somebody has rated, written straight into a running server's database."""

from datetime import UTC, datetime, timedelta
from html import unescape
from itertools import count
from typing import Any

from sqlmodel import Session
from support.people import SignedIn, in_store
from support.server import Server

from webapp.chat.message import Reply, Status, TextPart
from webapp.chat.rating import ListedRating
from webapp.store import answers, feedback, feedback_list, turns

numbers = count(1)


def rated(
    server: Server,
    who: SignedIn,
    rating: str = 'dislike',
    comment: str = '',
    *,
    query: str = 'a question',
    answer: str = 'an answer',
    conversation: str | None = None,
    at: datetime | None = None,
) -> tuple[str, str]:
    """Ids of a message and its conversation. Upstream is not told."""
    moment = at or datetime.now(UTC)

    def work(session: Session) -> tuple[str, str]:
        number = next(numbers)
        given: dict[str, Any] = {'user_id': who.user_id, 'conversation_id': conversation, 'app': 'default'}
        begun = turns.begin(session, query=query, key=f'key-{number}', now=moment, **given)
        session.flush()
        names = {'conversation_id': f'up-{begun.conversation.id}', 'message_id': f'up-m-{number}'}
        reply = Reply(Status.COMPLETE, (TextPart(answer),), **names)
        answers.finish(session, message_id=begun.message.id, reply=reply, now=moment, unread=False)
        about: dict[str, Any] = {'user_id': who.user_id, 'message_id': begun.message.id}
        if rating:
            feedback.rate(session, rating=rating, comment=comment, now=moment, **about)  # type: ignore[arg-type]
            session.flush()
            for job in feedback.claim_due(session, now=moment + timedelta(seconds=1), limit=1000):
                feedback.settle(session, job=job, told=True, now=moment)
        return begun.message.id, begun.conversation.id

    return in_store(server, work)


def elsewhere(server: Server, *listed: ListedRating) -> None:
    """Ratings that upstream told of."""
    moment = datetime.now(UTC)
    in_store(server, feedback_list.take_over, app='default', listed=listed, asked_at=moment, now=moment)


def sheet(page: str) -> str:
    """The HTML of the sheet, out of the page's data."""
    return unescape(page).replace('\\"', '"').replace('\\n', ' ')
