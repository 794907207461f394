"""Answers that have been rated."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import count
from typing import Any, Protocol

from store_support import NOW, Ask

from webapp.chat.message import Reply, Status, TextPart
from webapp.chat.rating import ListedRating
from webapp.store import answers, feedback
from webapp.store.database import Store
from webapp.store.messages import Begun
from webapp.store.users import User

numbers = count(1)


class Rate(Protocol):
    """Let somebody ask, be answered, and rate that."""

    async def __call__(
        self, user: User, rating: str | None = 'like', comment: str = '', *, at: datetime = NOW, **asked: Any
    ) -> Begun: ...


def rating(store: Store, ask: Ask) -> Rate:
    async def rate(
        user: User, rating: str | None = 'like', comment: str = '', *, at: datetime = NOW, **asked: Any
    ) -> Begun:
        begun = await ask(user, **asked)
        number = next(numbers)
        names = {'conversation_id': f'up-{begun.conversation.id}', 'message_id': f'up-m-{number}'}
        reply = Reply(Status.COMPLETE, (TextPart(f'answer {number}'),), **names)
        await store.write(answers.finish, message_id=begun.message.id, reply=reply, now=NOW, unread=False)
        if rating is not None:
            await again(store)(user, begun, rating, comment, at=at)
        return begun

    return rate


def again(store: Store) -> Callable[..., Awaitable[None]]:
    async def rate(user: User, begun: Begun, rating: Any, comment: str = '', *, at: datetime = NOW) -> None:
        given = {'user_id': user.id, 'message_id': begun.message.id, 'rating': rating, 'comment': comment, 'now': at}
        await store.write(feedback.rate, **given)  # type: ignore[arg-type]

    return rate


async def told(store: Store, at: datetime) -> None:
    """Upstream has heard of all of them."""
    for job in await store.write(feedback.claim_due, now=at, limit=1000):
        await store.write(feedback.settle, job=job, told=True, now=at)


def listed(id_: str, message: str, conversation: str, rating: str = 'like', **more: Any) -> ListedRating:
    given = {'comment': '', 'is_admin': False, 'rater': 'end-user-1', 'updated_at': NOW} | more
    return ListedRating(id_, message, conversation, rating, **given)
