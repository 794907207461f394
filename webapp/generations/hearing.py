"""Puts a question and hears all that upstream says to it, should it take more than one stream."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from webapp import inputs
from webapp.apps import App
from webapp.chat.events import Event, Interrupted, Paused, TextCompleted, TextReplaced, Voiced, made_in
from webapp.chat.message import Failure
from webapp.errors import UpstreamError
from webapp.files import Files, Written
from webapp.files.written import with_pictures, without_addresses
from webapp.generations import resuming
from webapp.generations.generation import DRAIN_SECONDS, Generation, GoingOn
from webapp.store import files as stored, messages
from webapp.store.database import Store
from webapp.store.messages import Message
from webapp.upstream import transcript
from webapp.upstream.records import FileRef
from webapp.upstream.transcript import Turn
from webapp.voices import Voices

logger = logging.getLogger(__name__)


class Hearing:
    """:param auto_name: whether upstream is to name new conversations by itself"""

    def __init__(self, store: Store, files: Files, voices: Voices, *, auto_name: bool) -> None:
        self._store = store
        self._files = files
        self._voices = voices
        self._auto_name = auto_name

    async def hear(self, generation: Generation) -> None:
        """Read the stream to its end; should it break, the rest of a run that can be heard again from another one.

        :raises UpstreamError, Refused: the question was not taken, or can't be sent any more
        """
        self._voices.begin(generation.message.id)
        try:
            await self._hear_all(generation)
        finally:
            self._voices.end(generation.message.id)

    async def _hear_all(self, generation: Generation) -> None:
        if generation.goes_on is None:
            broken = await self._feed(generation, await self._asked(generation))
        else:
            broken = await self._feed_rest(generation, generation.goes_on)
        for pause in resuming.RESUME_AFTER:
            if broken is None:
                return
            await asyncio.sleep(pause)
            if not resuming.is_possible(generation, broken):
                break
            broken = await self._feed_rest(generation, GoingOn(was_broken=True, catch_up=True))
        if broken is not None:
            generation.feed(broken)

    async def _feed_rest(self, generation: Generation, why: GoingOn) -> Interrupted | None:
        rest = resuming.rest(generation, was_broken=why.was_broken, catch_up=why.catch_up)
        try:
            return await self._feed(generation, rest)
        except UpstreamError as error:  # the answer is there, though its rest can't be heard
            return Interrupted(Failure('stream_cut', error.detail, error.status))

    async def _feed(self, generation: Generation, stream: AsyncIterator[Event]) -> Interrupted | None:
        """Give what comes to those who watch, but how it broke off, if it did, to the caller."""
        written = Written(generation.message.id, generation.app.client.base_url, generation.reply.parts)
        async for heard in stream:
            for event in written.feed(heard):
                if isinstance(event, Interrupted):
                    return event
                if isinstance(event, Paused) and not await self._asks(generation, written):
                    return Interrupted(Failure('stream_cut', 'it waits for what was answered'))
                await self._take(generation, event)
        return None

    async def _take(self, generation: Generation, event: Event) -> None:
        if isinstance(event, Voiced):
            self._speak(generation, event.sound)
            return
        if parts := made_in(event):  # ours before anybody sees them
            app, user_id = generation.conversation.app, generation.user_id
            await self._files.adopt(generation.message.id, user_id=user_id, app=app, parts=parts)
        if isinstance(event, TextReplaced) and event.with_reasoning:  # else it is the same once more
            self._voices.withdraw(generation.message.id)
        if isinstance(event, TextCompleted):  # no look at the reply for each word
            event = with_pictures(event, generation.reply)
        generation.feed(event)

    def _speak(self, generation: Generation, sound: bytes) -> None:
        """Its voice may outlast an answer by far, and its row does not wait for that."""
        self._voices.take(generation.message.id, sound)
        if generation.reply.status.is_final:
            generation.released.set()

    async def _asks(self, generation: Generation, written: Written) -> bool:
        """Whether a run that says it waits does so for anybody: the news may be older than the answer that it got."""
        form = generation.reply.open_form
        if form is None or not form.token:
            for event in (event for found in await resuming.asked(generation) for event in written.feed(found)):
                await self._take(generation, event)
        return generation.reply.open_form is not None or not generation.reply.forms

    async def _asked(self, generation: Generation) -> AsyncIterator[Event]:
        """What is heard once the question has been put.

        :raises UpstreamError, Refused: something that goes along with it can't be sent any more
        """
        files, values = generation.message.files, generation.conversation.inputs
        form = generation.app.known.parameters.form if generation.app.known else ()
        ids = inputs.file_ids(form, values)
        found = await self._store.read(stored.some, user_id=generation.user_id, ids=ids) if ids else {}
        await self._files.check_links(files)
        # those of the form go along with every turn, and the conversation is not to end with them
        await self._files.check_links(found.values(), may_be_gone=generation.message.parent > 0)
        return generation.app.client.send(
            await self._words(generation),
            user=generation.dify_user,
            conversation_id=generation.message.upstream_id,
            inputs=inputs.references(form, values, found),
            files=[FileRef(file.kind, file.upstream_id, file.link) for file in files],
            auto_generate_name=self._auto_name,
            expects_speech=_speaks(generation.app),
        )

    async def _words(self, generation: Generation) -> str:
        """What upstream is asked: it takes no empty question, and may have to be told what was said before."""
        message = generation.message
        query = message.query if message.query.strip() else ', '.join(_names(message))
        if message.upstream_id or not message.parent:
            return query
        kept = await self._store.read(messages.before, user_id=generation.user_id, message_id=message.id)
        return transcript.before(query, [_told(each) for each in kept if each.reply.text.strip()])


async def pass_on_stop(generation: Generation) -> None:
    """Tell upstream to stop: at once when somebody wishes so, or as soon as it has named its task."""
    await generation.stopping.wait()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            await generation.named.wait()
    if task_id := generation.reply.task_id:
        await stop(generation.app, task_id, user=generation.dify_user, message_id=generation.message.id)


async def stop(app: App, task_id: str, *, user: str, message_id: str) -> None:
    """Tell upstream to stop what it calls `task_id`; it does not matter here whether it does."""
    try:
        await app.client.stop(task_id, user=user)
    except UpstreamError as error:
        logger.warning('answer %s: upstream did not take the stop: %s', message_id, error)


def _speaks(app: App) -> bool:
    """Whether it is known to read its answers aloud unasked."""
    return app.known is not None and app.known.parameters.speech.is_automatic


def _told(message: Message) -> Turn:
    return Turn(message.query, without_addresses(message.reply.text), _names(message))


def _names(message: Message) -> list[str]:
    return [file.name for file in message.files]
