"""Keeps an answer as it grows and when it has ended, whatever the database does meanwhile."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import chain, repeat
from typing import TypeVar

from webapp.chat.message import Reply, Status
from webapp.clock import now
from webapp.errors import StoreUnavailable
from webapp.generations.generation import Generation
from webapp.prices import Price
from webapp.store import answers, deletions, messages
from webapp.store.database import Store

T = TypeVar('T')

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 1.5  # how much text a killed process may lose


async def keep_close(store: Store, generation: Generation, *, on_gone: Callable[[], object]) -> None:
    """Keep the row close to what is shown, until the end; upstream's names for the answer are kept at once.

    :param on_gone: told that there is no row any more: another process, or a command, has deleted it
    """
    saved = generation.reply
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FLUSH_SECONDS):
            await generation.named.wait()
    while not (reply := generation.reply).status.is_final:
        is_new, message_id = reply is not saved, generation.message.id
        try:
            is_kept = is_new and await store.write(answers.flush, message_id=message_id, reply=reply)
            if not is_kept and not await store.read(messages.is_there, message_id=message_id):
                on_gone()
                return
            saved = reply
        except StoreUnavailable as error:
            logger.warning('answer %s: %s; trying again', message_id, error)
        except Exception:  # its end may still be kept
            logger.exception('answer %s could not be kept as far as it is', message_id)
            return
        await asyncio.sleep(FLUSH_SECONDS)


async def is_wanted(store: Store, generation: Generation) -> bool:
    """Whether nobody has deleted the question, here or elsewhere; however long the database is away."""
    return await _insist(partial(store.read, messages.is_there, message_id=generation.message.id))


async def keep_end(store: Store, generation: Generation, reply: Reply) -> None:
    """Keep an answer for good, or until it goes on, however long the database is away: the words are all here still."""
    write = partial(
        end,
        store,
        generation.message.id,
        reply,
        unread=not generation.is_seen,
        prices=generation.app.prices,
        latency_ms=None if generation.goes_on else generation.elapsed_ms,
        first_token_ms=None if generation.goes_on else generation.first_token_ms,
    )
    if not await _insist(write):
        await _end_upstream(store, generation, reply)


async def keep_rest(store: Store, generation: Generation, reply: Reply) -> None:
    """Keep what was reported after the end."""
    message_id, prices = generation.message.id, generation.app.prices
    if not await _insist(partial(store.write, answers.amend, message_id=message_id, reply=reply, prices=prices)):
        await _end_upstream(store, generation, reply)


async def end(
    store: Store,
    message_id: str,
    reply: Reply,
    *,
    unread: bool,
    was: Status = Status.RUNNING,
    prices: Sequence[Price] = (),
    latency_ms: int | None = None,
    first_token_ms: int | None = None,
) -> bool:
    """Write the end of an answer; should a bug forbid that, an end at least: a running row locks a conversation.

    :return: `False` if it had ended before, or its conversation is gone
    :raises StoreUnavailable: nothing was kept
    """
    try:
        return await store.write(
            answers.finish,
            message_id=message_id,
            reply=reply,
            now=now(),
            prices=prices,
            latency_ms=latency_ms,
            first_token_ms=first_token_ms,
            unread=unread,
            was=was,
        )
    except StoreUnavailable:
        raise
    except Exception:
        logger.exception('answer %s could not be kept as it is', message_id)
        await store.write(answers.abandon, message_id=message_id, now=now())
        try:
            await store.write(answers.charge, message_id=message_id, now=now())
        except Exception:  # the same bug, perhaps
            logger.exception('answer %s is missing in the ledger', message_id)
        return True


async def _end_upstream(store: Store, generation: Generation, reply: Reply) -> None:
    """What was deleted while it was being written may only now have a name upstream, by which it goes there, too."""
    if reply.conversation_id:
        want = partial(
            store.write,
            deletions.want_if_gone,
            conversation_id=generation.conversation.id,
            app=generation.app.slug,
            upstream_id=reply.conversation_id,
            dify_user=generation.dify_user,
            now=now(),
        )
        await _insist(want)


async def _insist(write: Callable[[], Awaitable[T]]) -> T:
    for pause in chain((0.2, 1.0, 3.0), repeat(10.0)):
        try:
            return await write()
        except StoreUnavailable as error:
            logger.error('an answer waits for the database: %s', error)
            await asyncio.sleep(pause)
    raise AssertionError('pauses do not end')
