"""What somebody thinks of an answer, as the upstream's own list has it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ListedRating:
    """A rating by one of the app's end users, or by an admin in the upstream's own console; all ids are upstream's."""

    id: str
    message_id: str
    conversation_id: str
    rating: str  # 'like' or 'dislike'
    comment: str
    is_admin: bool
    rater: str  # end user, or account of an admin; '' if it is not told
    updated_at: datetime | None  # by upstream's clock; None if that can't be read
