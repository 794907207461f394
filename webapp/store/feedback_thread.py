"""A rated answer among those around it, as whoever may read it does. Who reads it stands in the audit log."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from webapp.errors import NotFound
from webapp.store import audit, feedback_queue as queue, messages, users
from webapp.store.audit import Action, Party
from webapp.store.messages import Message
from webapp.store.tables import ConversationRow

BEFORE, AFTER = 10, 5  # turns around the one that was rated


@dataclass(frozen=True, slots=True)
class Thread:
    """A rated answer among those around it, the oldest first."""

    rated: queue.Rated
    owner: Party
    title: str
    messages: tuple[Message, ...]
    has_earlier: bool
    has_later: bool


def get(session: Session, *, feedback_id: str) -> Thread:
    """A rated answer of ours, and what was said around it on its path, whether that is shown or not.

    :raises NotFound: there is no such rating, or the message is none of ours
    """
    rated = next(iter(queue.worded(session, [queue.get(session, feedback_id)])), None)
    if rated is None:
        raise NotFound
    titled = select(ConversationRow.title).where(ConversationRow.id == rated.conversation_id)
    title = session.exec(titled).first()
    if title is None:
        raise NotFound
    shown, has_earlier, has_later = messages.around(
        session, user_id=rated.user_id, message_id=rated.message_id, before=BEFORE, after=AFTER
    )
    return Thread(
        rated=rated,
        owner=users.named(session, rated.user_id),
        title=title,
        messages=tuple(shown),
        has_earlier=has_earlier,
        has_later=has_later,
    )


def read(
    session: Session,
    *,
    actor: Party,
    feedback_id: str,
    now: datetime,
    address: str = '',
    known: Thread | None = None,
) -> Thread:
    """`get`, and note who has read it.

    :param known: as it was when they read it before; noted is only what there is more to read
    :raises NotFound: as `get`
    """
    found = get(session, feedback_id=feedback_id)
    if known and found.rated.texts == known.rated.texts and all(each in known.messages for each in found.messages):
        return found
    rated = found.rated
    detail = {'conversation': rated.conversation_id, 'message': rated.message_id, 'feedback': rated.id}
    audit.record(
        session,
        Action.CONVERSATION_READ,
        now=now,
        actor=actor,
        target=found.owner,
        address=address,
        detail=detail,
    )
    return found
