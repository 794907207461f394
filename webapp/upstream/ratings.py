"""What people think of answers, as Dify lists it for a whole app."""

from datetime import UTC, datetime

from webapp.chat.rating import ListedRating
from webapp.upstream.payload import Payload, name, number, text

MAX_COMMENT = 10_000  # characters


def listed_rating(row: Payload) -> ListedRating | None:
    """Nothing for what is none: without an id, about no message, or neither for nor against it."""
    id_, message_id, rating = name(row, 'id'), name(row, 'message_id'), name(row, 'rating')
    if not id_ or not message_id or rating not in {'like', 'dislike'}:
        return None
    is_admin = name(row, 'from_source') == 'admin'
    return ListedRating(
        id=id_,
        message_id=message_id,
        conversation_id=name(row, 'conversation_id'),
        rating=rating,
        comment=text(row, 'content', MAX_COMMENT),
        is_admin=is_admin,
        rater=name(row, 'from_account_id' if is_admin else 'from_end_user_id'),
        updated_at=_moment(row, 'updated_at') or _moment(row, 'created_at'),
    )


def _moment(row: Payload, key: str) -> datetime | None:
    """ISO 8601, by which Dify means UTC also where it does not say so; or seconds, as it writes other times."""
    try:
        seconds = number(row, key)
        if seconds is not None:
            return datetime.fromtimestamp(seconds, UTC)
        moment = datetime.fromisoformat(name(row, key))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
