"""What a person does, and what a test waits for, in the words of the tests of generations."""

import asyncio

from webapp.changes import Changes
from webapp.generations import Generation, Generations
from webapp.principal import Principal
from webapp.store import messages
from webapp.store.database import Store
from webapp.store.messages import Message


async def ask(
    generations: Generations, who: Principal, query: str, *, conversation_id: str | None = None, key: str = 'k1'
) -> Message:
    return await generations.start(who, app='demo', conversation_id=conversation_id, query=query, key=key)


async def ended(generations: Generations, message: Message) -> None:
    """Wait until the answer is kept for good."""
    while generations.of(message.id):  # nothing is awaited between this look and the next value
        await generations.ended.after(generations.ended.value)


async def text_begins(generation: Generation) -> None:
    async for progress in generation.watch():
        if progress.reply.text:
            return


async def row(store: Store, who: Principal, message: Message) -> Message:
    return await store.read(messages.owned, user_id=who.user_id, message_id=message.id)


async def repaired(store: Store, changes: Changes, who: Principal, message: Message) -> Message:
    """Wait until the rest of a broken answer has been found, and give its row."""
    counter = changes.of(who.user_id)
    async with asyncio.timeout(30):
        seen = counter.value  # before the row is read, so that no change falls between
        while not (kept := await row(store, who, message)).reply.repaired:
            seen = await counter.after(seen)
    return kept
