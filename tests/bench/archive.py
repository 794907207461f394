"""Fills a database with a person's past: long conversations, and many of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.upstream import answer
from sqlmodel import Session

from webapp.chat.message import Reply, Status, TextPart
from webapp.principal import LOCAL, Identity, Role
from webapp.store import answers, conversations, turns, users
from webapp.store.database import Store

APP = 'default'
TOKENS = 120  # of each answer
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


async def fill(database: Path, secret: str, *, long: list[int], many: int) -> list[str]:
    """Write conversations of the local person into a new database.

    :param long: how many messages each long conversation has; they are the newest
    :param many: how many short ones there are besides
    :return: ids of the long ones; the last answer of each ends in `marks(id)`
    """
    database.parent.mkdir(parents=True)
    store = Store(f'sqlite:///{database}')
    store.migrate()
    try:
        identity = Identity(LOCAL, LOCAL, LOCAL)
        vouched = await store.write(users.sign_in, identity=identity, role=Role.ADMIN, secret=secret, now=BEGAN)
        user = vouched.user
        for number in range(many):
            await store.write(write_conversation, user.id, [f'Short conversation {number}'], number)
        return [
            await store.write(
                write_conversation, user.id, [f'Message {n} of {length}' for n in range(length)], many + number
            )
            for number, length in enumerate(long)
        ]
    finally:
        await store.close()


def write_conversation(session: Session, user_id: str, queries: list[str], number: int) -> str:
    conversation_id: str | None = None
    for place, query in enumerate(queries):
        now = BEGAN + timedelta(minutes=number, milliseconds=place)
        begun = turns.begin(
            session,
            user_id=user_id,
            app=APP,
            conversation_id=conversation_id,
            query=query,
            key=f'{number}-{place}',
            now=now,
        )
        conversation_id = begun.conversation.id
        seed = conversation_id if place == len(queries) - 1 else str(place)
        reply = Reply(Status.COMPLETE, (TextPart(''.join(answer(TOKENS, seed))),))
        answers.finish(session, message_id=begun.message.id, reply=reply, now=now, unread=False)
    assert conversation_id
    conversations.rename(session, user_id=user_id, conversation_id=conversation_id, title=queries[0])
    return conversation_id
