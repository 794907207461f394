"""Hears the rest of a run whose stream has ended before it: the stream broke off, or the run waited for a person.

Dify lets a chatflow's run be heard again since 1.14. What is said between two streams is told by neither: so before the
answer is complete, the whole of it is looked up.
"""

import contextlib
import logging
from collections.abc import AsyncGenerator

from webapp.chat.events import Event, Finished, FormChanged, Interrupted, Resumed, TextCompleted
from webapp.errors import UpstreamError
from webapp.generations.generation import Generation
from webapp.upstream.history import HistoryMessage

logger = logging.getLogger(__name__)

RESUME_AFTER = (0.0, 1.0, 3.0, 10.0)  # seconds before each attempt to hear a run again whose stream broke
BROKEN = {'stream_cut', 'stream_silent'}  # the others break off again
REFUSED = {400, 401, 403, 404}  # it won't be heard
HISTORY_PAGE = 5  # the answer is among the newest
UNKNOWN_ADDRESS = 'http_404'  # not Dify's own words, which would be about the run


def is_possible(generation: Generation, broken: Interrupted) -> bool:
    """Whether the rest may be had from another stream."""
    has_run = bool(generation.reply.run_id) and not generation.reply.status.is_final
    may_change = broken.failure.code in BROKEN and broken.failure.status not in REFUSED
    return has_run and may_change and generation.app.can_resume


async def rest(generation: Generation, *, was_broken: bool, catch_up: bool) -> AsyncGenerator[Event, None]:
    """What the run says from now on. `Finished` comes last: a stream that had both its ends closes at once.

    :raises UpstreamError: it can't be heard again
    """
    app, has_begun, has_finished = generation.app, False, False
    stream = app.client.resume(generation.reply.run_id, user=generation.dify_user, catch_up=catch_up)
    try:
        async with contextlib.aclosing(stream):
            async for event in stream:
                if was_broken and not has_begun and not isinstance(event, Interrupted):
                    has_begun = True
                    yield Resumed()
                if isinstance(event, Finished):
                    has_finished = True
                else:
                    yield event
    except UpstreamError as error:
        if error.upstream_code == UNKNOWN_ADDRESS:
            app.note_no_resuming()
        raise
    if has_finished:
        for event in await _whole(generation):
            yield event
        yield Finished()


async def asked(generation: Generation) -> list[Event]:
    """What a run that waits asks, or was answered, as history has it. Some versions tell it nowhere else."""
    row = await _row(generation)
    return _forms(row) if row else []


async def _whole(generation: Generation) -> list[Event]:
    """What upstream has on record of the answer, should its streams have missed something of it."""
    reply = generation.reply
    found: list[Event] = []
    try:
        run = await generation.app.client.run(reply.run_id)
        if run.answer:
            found.append(TextCompleted(run.answer))
    except UpstreamError as error:
        logger.info('answer %s: its run tells nothing: %s', generation.message.id, error)
    if (not found or reply.open_form) and (row := await _row(generation)):
        found += [*_forms(row), TextCompleted(row.reply.text)]
    return found


async def _row(generation: Generation) -> HistoryMessage | None:
    reply = generation.reply
    if not (reply.conversation_id and reply.message_id):
        return None
    try:
        page = await generation.app.client.history(reply.conversation_id, user=generation.dify_user, limit=HISTORY_PAGE)
    except UpstreamError as error:
        logger.info('answer %s: history tells nothing: %s', generation.message.id, error)
        return None
    return next((row for row in page.items if row.id == reply.message_id), None)


def _forms(row: HistoryMessage) -> list[Event]:
    """Questions, and answers to them: of one that was answered, history has the answer alone, by its node."""
    return [FormChanged(form) for form in row.reply.forms]
