"""The model's part in a turn: its words as they come, its figures, and titles."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

from webapp.upstream.demo import prompt, usage
from webapp.upstream.demo.model import Counted, Delta, Model, ModelError
from webapp.upstream.demo.records import Records
from webapp.upstream.demo.scenario import Refusal
from webapp.upstream.demo.turn import Frame, ModelFailed, Turn

logger = logging.getLogger(__name__)

TITLE_SECONDS = 60.0
MOST_TITLE = 200  # characters of one line, before it is cut to its size
MARKS = ' \t"\'“”„«»`*_#.'  # around a title
OPEN, CLOSE = '<think>\n', '\n</think>\n\n'

T = TypeVar('T')


async def write(turn: Turn, model: Model, records: Records) -> AsyncIterator[Frame]:
    """The model at work, like `Turn.write`; reasoning stands in think tags, as Dify streams it.

    :raises ModelFailed: in the form in which Dify reports whatever goes wrong with a model
    """
    messages = prompt.messages(records, turn.message)
    counted, thinking = Counted(None, None), False
    try:
        async with contextlib.aclosing(_until(turn.stopping, model.answer(messages))) as pieces:
            async for piece in pieces:
                if turn.stopped:
                    return
                if isinstance(piece, Counted):
                    counted = piece
                    continue
                if thinking != bool(piece.thought):
                    thinking = not thinking
                    yield turn.put(OPEN if thinking else CLOSE)
                yield turn.put(piece.thought or piece.text)
    except ModelError as error:
        logger.warning('%s at %s: %s', model.relay.model, model.relay.host, error)
        raise ModelFailed(Refusal(400, 'completion_request_error', str(error))) from error
    if thinking:
        yield turn.put(CLOSE)
    given = len(usage.tokens(prompt.length(messages))) if counted.prompt is None else counted.prompt
    turn.prompt = given
    turn.written = len(usage.tokens(turn.text)) if counted.completion is None else counted.completion


async def title(model: Model, query: str) -> str | None:
    """A title in the model's words, '' if it found none; None if it failed."""
    line = ''
    try:
        async with (
            asyncio.timeout(TITLE_SECONDS),
            contextlib.aclosing(model.answer(prompt.title(query))) as pieces,
        ):
            async for piece in pieces:
                line += piece.text if isinstance(piece, Delta) else ''
                spoken = prompt.spoken(line).lstrip()
                if '\n' in spoken or len(spoken) > MOST_TITLE:
                    break
    except (ModelError, TimeoutError) as error:
        logger.warning('no title from %s at %s: %s', model.relay.model, model.relay.host, error or 'too slow')
        return None
    return prompt.spoken(line).strip().partition('\n')[0].strip(MARKS)


async def _until(stopping: asyncio.Event, pieces: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """`pieces`, until there are no more or `stopping` is set; then it is hung up on at once, silent or not."""
    heard: asyncio.Queue[T | None] = asyncio.Queue()

    async def listen() -> None:
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                heard.put_nowait(piece)

    listening = asyncio.create_task(listen())
    waiting = asyncio.create_task(stopping.wait())
    listening.add_done_callback(lambda _: heard.put_nowait(None))
    waiting.add_done_callback(lambda _: listening.cancel())
    try:
        while (piece := await heard.get()) is not None:
            yield piece
        if not listening.cancelled():
            listening.result()
    finally:
        waiting.cancel()
        listening.cancel()
        await asyncio.gather(waiting, listening, return_exceptions=True)
