"""The writing of answers. It belongs to the server, never to a page: pages come and go and watch the newest value."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from webapp import saving
from webapp.apps import App, Apps
from webapp.background import Tasks
from webapp.belongings import Belongings
from webapp.budgets import Budgets
from webapp.changes import Changes
from webapp.chat.events import Event, Failed, FileAdded, Interrupted, Reported, Stopped
from webapp.chat.message import Failure, FilePart, Reply, Status
from webapp.chat.reducer import replay
from webapp.clock import now
from webapp.deletions import Deletions
from webapp.errors import NotFound, Refused, UpstreamError
from webapp.files import Files
from webapp.generation import Ended, Generation, Phase, Progress
from webapp.latest import Latest
from webapp.limits import NO_LIMITS, Limits
from webapp.prices import Price
from webapp.principal import Principal
from webapp.repair import Repairs
from webapp.store import conversations, messages
from webapp.store.allowance import Allowance
from webapp.store.database import Store
from webapp.store.limits import Scope
from webapp.store.messages import Begun, Message
from webapp.upstream import faults, transcript
from webapp.upstream.records import FileRef
from webapp.upstream.transcript import Turn

__all__ = ['Generation', 'Generations', 'Phase', 'Progress']

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 10.0  # how long a stopped stream may take to end by itself
REPAIRABLE = timedelta(hours=1)  # how old a broken answer may be
MAX_QUERY = 2_000_000  # characters


@dataclass(frozen=True, slots=True)
class Load:
    """Answers of one app."""

    running: int
    waiting: int  # in line


class Generations:
    """Starts answers, knows the running ones, and sees each to its end."""

    def __init__(
        self,
        store: Store,
        apps: Apps,
        changes: Changes,
        files: Files,
        *,
        limits: Limits = NO_LIMITS,
        budgets: Budgets | None = None,
        deletions: Deletions | None = None,
        generate_titles_upstream: bool = False,
        on_end: Callable[[Ended], None] = lambda ended: None,
    ) -> None:
        """:param on_end: told of each answer that has its end"""
        self.running: Latest[frozenset[str]] = Latest(frozenset())  # ids of conversations with a running answer
        self.ended = Latest(0)  # counts answers that have been kept for good
        self._store = store
        self._apps = apps
        self._belongings = Belongings(store, apps)
        self._changes = changes
        self._files = files
        self._deletions = deletions or Deletions(store, apps)
        self._limits = limits
        self._budgets = budgets or Budgets(store)
        self._auto_name = generate_titles_upstream
        self._on_end = on_end
        self._live: dict[str, Generation] = {}  # by message id
        self._tasks = Tasks()
        self._repairs = Repairs(store, changes)
        self._closing = False

    async def start(
        self,
        principal: Principal,
        *,
        app: str,
        conversation_id: str | None,
        query: str,
        key: str,
        files: Sequence[str] = (),
        inputs: Mapping[str, object] | None = None,
    ) -> Message:
        """Ask `query` in a conversation of the principal's, or in a new one. Returns before upstream has said a word.

        :param key: made with the draft; sending the same draft again gives the same message and asks upstream once
        :param files: ids of the principal's uploads for this app, in order; with them `query` may be empty
        :param inputs: what the app's form asks for; of a new conversation, which keeps them
        :raises NotFound: no such app or conversation, or not theirs to use
        :raises Refused: an answer is already being written there, the text is empty or too long, we shut down, or
            `too_many_files`, `file_gone`, `too_many_running`; `LimitReached`: they have asked too much lately;
            `BudgetUsedUp`
        """
        self._refuse_unfit(query, has_files=bool(files))
        target = self._apps.open(principal, app)
        _refuse_too_many(target, files)
        await self._settle(principal)
        begun = await self._store.write(
            messages.begin,
            user_id=principal.user_id,
            app=app,
            conversation_id=conversation_id,
            query=query,
            key=key,
            now=now(),
            inputs=dict(inputs or {}),
            attached=files,
            cost_group=self._budgets.group(principal),
            allowance=self._allowance(principal),
        )
        return await self._launch(principal, begun, target)

    async def retry(self, principal: Principal, *, message_id: str, key: str, query: str | None = None) -> Message:
        """Ask the question of an ended answer again, or another one instead, as another version of that turn.

        Nothing that was said goes: the versions stay beside each other, and with each what was said after it.

        :param query: what to ask instead; the files of the old question go along
        :raises NotFound: no such message of theirs, or its app is not theirs to use any more
        :raises Refused: as `start`
        """
        user_id = principal.user_id
        try:
            old = await self._store.read(messages.owned, user_id=user_id, message_id=message_id)
        except NotFound:
            pass  # it may have given way to the very answer that this key has begun
        else:
            await self._belongings.conversation(principal, old.conversation_id)
            self._refuse_unfit(old.query if query is None else query, has_files=bool(old.files))
            await self._settle(principal)
        begun = await self._store.write(
            messages.supersede,
            user_id=user_id,
            message_id=message_id,
            key=key,
            now=now(),
            query=query,
            cost_group=self._budgets.group(principal),
            allowance=self._allowance(principal),
        )
        return await self._launch(principal, begun, self._apps.get(begun.conversation.app))

    async def choose(self, principal: Principal, *, message_id: str) -> None:
        """Show another version of a turn, and what was said after it; on all of their pages.

        :raises NotFound: no such message of theirs, or its app is closed to them
        :raises Refused: `already_running`: an answer is being written in its conversation
        """
        message = await self._belongings.message(principal, message_id)
        await self._settle(principal)
        await self._store.write(messages.choose, user_id=principal.user_id, message_id=message.id)
        self._changes.bump(principal.user_id, message.conversation_id)

    def of(self, message_id: str) -> Generation | None:
        """The generation that writes this message, if it is alive. Ask before reading rows, never after."""
        return self._live.get(message_id)

    @property
    def loads(self) -> dict[str, Load]:
        """What there is to do for each app, in this process."""
        waiting, all_ = Counter[str](), Counter[str]()
        for generation in self._live.values():
            all_[generation.app.slug] += 1
            waiting[generation.app.slug] += generation.is_waiting
        return {app.slug: Load(all_[app.slug] - waiting[app.slug], waiting[app.slug]) for app in self._apps}

    async def stop(self, principal: Principal, message_id: str) -> None:
        """Stop an answer of the principal's; the words so far stay. One that has ended is left alone.

        :raises NotFound: not a running answer of theirs
        """
        generation = self._live.get(message_id)
        if generation is None or generation.user_id != principal.user_id:
            raise NotFound
        self._stop(generation)

    async def delete_conversation(self, principal: Principal, conversation_id: str) -> None:
        """Delete a conversation of the principal's, here and upstream; what is being written in it is stopped first.

        :raises NotFound: no such conversation of theirs, or its app is closed to them
        """
        user_id = principal.user_id
        await self._belongings.conversation(principal, conversation_id)
        for generation in self._in_conversation(conversation_id):
            self._stop(generation)
            await self._ended(generation)
        await self._store.write(
            conversations.delete,
            user_id=user_id,
            conversation_id=conversation_id,
            now=now(),
            address=principal.address,
        )
        self._files.sweep_soon()
        self._deletions.wake()
        self._changes.bump(user_id, conversation_id)

    async def stop_all_of(self, user_id: str) -> None:
        """Stop all that is being written for a person here, and wait until it has its end."""
        theirs = [generation for generation in self._live.values() if generation.user_id == user_id]
        for generation in theirs:
            self._stop(generation)
        for generation in theirs:
            await self._ended(generation)

    async def shutdown(self, limit: float) -> None:
        """Take no more, give running answers `limit` seconds to end, then mark the rest as interrupted."""
        self._closing = True
        await self._repairs.close()
        await self._tasks.close(limit)

    async def repair_leftovers(self) -> None:
        """Give answers whose process died a final state, and look upstream for the rest of those that broke lately."""
        since = now() - REPAIRABLE
        for leftover in await self._store.read(messages.leftovers):
            if leftover.message_id not in self._live:
                dead = replay([Interrupted(Failure('process_ended'))], leftover.reply)
                await saving.end(
                    self._store, leftover.message_id, dead, unread=False, prices=self._prices(leftover.app)
                )
                self._on_end(Ended(leftover.app, dead.status))
        for broken in await self._store.read(messages.broken, since=since):
            with contextlib.suppress(NotFound):  # the app may be gone from the settings
                self._repairs.begin(self._apps.get(broken.app), broken)

    def _prices(self, app: str) -> Sequence[Price]:
        try:
            return self._apps.get(app).prices
        except NotFound:  # it may be gone from the settings
            return ()

    def _refuse_unfit(self, query: str, *, has_files: bool) -> None:
        if self._closing:
            raise Refused('shutting_down', status=503)
        if not query.strip() and not has_files:
            raise Refused('empty_query', status=400)
        if len(query) > MAX_QUERY:
            raise Refused('too_long', status=413)

    async def _launch(self, principal: Principal, begun: Begun, app: App) -> Message:
        message = begun.message
        while not begun.is_new:  # perhaps ended by now; or begun, and whoever began it never heard so
            ended = self.ended.value
            message = await self._store.read(messages.owned, user_id=principal.user_id, message_id=message.id)
            if message.id in self._live or self.ended.value == ended:
                break  # else the row may be older than an end that came while it was being read
        if self._closing:  # it came while the question was being kept; the next start gives the row its end
            raise Refused('shutting_down', status=503)
        if message.reply.status is Status.RUNNING and message.id not in self._live:
            generation = Generation(principal, begun, app)
            self._live[message.id] = generation
            generation.task = self._tasks.start(self._run(generation))
            self._publish(generation)
        return message

    def _stop(self, generation: Generation) -> None:
        if generation.reply.status.is_final:
            return
        waits_in_line = generation.is_waiting
        generation.feed(Stopped())
        generation.stopping.set()
        generation.released.set()
        if waits_in_line and generation.work:
            generation.work.cancel()

    def _allowance(self, principal: Principal) -> Allowance:
        rations = self._limits.of_person(Scope.MESSAGES, principal)
        return Allowance(rations, self._limits.running_per_user, self._budgets.configured)

    async def _settle(self, principal: Principal) -> None:
        """Answers that are complete may still hold their rows while their streams linger: they get their end now."""
        for generation in list(self._live.values()):
            if generation.user_id == principal.user_id and generation.reply.status.is_final:
                generation.released.set()
                await self._ended(generation)

    def _in_conversation(self, conversation_id: str) -> list[Generation]:
        return [g for g in self._live.values() if g.conversation.id == conversation_id]

    @staticmethod
    async def _ended(generation: Generation) -> None:
        if generation.task:
            await asyncio.wait({generation.task}, timeout=DRAIN_SECONDS + 5)

    async def _run(self, generation: Generation) -> None:
        """See one answer from the line to the row that holds it for good."""
        generation.work = asyncio.create_task(self._write(generation))
        flusher = asyncio.create_task(
            saving.keep_close(self._store, generation, on_gone=partial(self._stop, generation))
        )
        released = asyncio.create_task(generation.released.wait())
        try:
            await asyncio.wait({generation.work, released}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            generation.feed(Interrupted(Failure('process_ended')))  # an ended reply does not mind
            generation.work.cancel()
            await asyncio.wait({generation.work}, timeout=1)
        finally:
            flusher.cancel()
            released.cancel()
            await self._finish(generation)

    async def _write(self, generation: Generation) -> None:
        """Wait in line, then read the stream to its end. Whatever goes wrong becomes an event."""
        try:
            async with generation.app.line.place(generation.queue):
                if generation.had_to_wait and not await saving.is_wanted(self._store, generation):
                    generation.feed(Stopped())
                elif not generation.stopping.is_set():
                    generation.connect()
                    await self._read(generation)
        except UpstreamError as error:
            generation.feed(Failed(Failure(error.code, error.detail, error.status)))
        except Exception:  # the person must not wait for ever for our bug
            logger.exception('answer %s ended with a bug', generation.message.id)
            generation.feed(Interrupted(Failure('internal_error')))

    async def _read(self, generation: Generation) -> None:
        message = generation.message
        stream = generation.app.client.send(
            await self._words(generation),
            user=generation.dify_user,
            conversation_id=message.upstream_id,
            inputs=generation.conversation.inputs,
            files=[FileRef(file.kind, file.upstream_id) for file in message.files],
            auto_generate_name=self._auto_name,
        )
        reader = asyncio.create_task(self._feed(generation, stream))
        stopper = asyncio.create_task(self._pass_on_stop(generation))
        try:
            await asyncio.wait({reader, stopper}, return_when=asyncio.FIRST_COMPLETED)
            if stopper.done() and not reader.done():
                await asyncio.wait({reader}, timeout=DRAIN_SECONDS)
        finally:
            stopper.cancel()
            if not reader.done():
                reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader

    async def _words(self, generation: Generation) -> str:
        """What upstream is asked: it takes no empty question, and may have to be told what was said before."""
        message = generation.message
        query = message.query if message.query.strip() else _names(message)
        if message.upstream_id or not message.parent:
            return query
        kept = await self._store.read(messages.before, user_id=generation.user_id, message_id=message.id)
        return transcript.before(query, [_told(each) for each in kept if each.reply.text.strip()])

    async def _feed(self, generation: Generation, stream: AsyncIterator[Event]) -> None:
        async for event in stream:
            if parts := _made(event):  # ours before anybody sees them
                app, user_id = generation.conversation.app, generation.user_id
                await self._files.adopt(generation.message, user_id=user_id, app=app, parts=parts)
            generation.feed(event)

    @staticmethod
    async def _pass_on_stop(generation: Generation) -> None:
        """Tell upstream to stop: at once, or as soon as it has named its task."""
        await generation.stopping.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await generation.named.wait()
        if generation.reply.task_id:
            try:
                await generation.app.client.stop(generation.reply.task_id, user=generation.dify_user)
            except UpstreamError as error:
                logger.warning('answer %s: upstream did not take the stop: %s', generation.message.id, error)

    async def _finish(self, generation: Generation) -> None:
        """Keep the answer for good, with its usage, and let go of it."""
        reply = generation.reply
        if not reply.status.is_final and reply.status is not Status.WAITING:
            generation.feed(Interrupted(Failure('stream_cut')))
            reply = generation.reply
        if reply.failure:  # without its detail, which may repeat what somebody wrote
            code, status = reply.failure.code, reply.failure.status
            logger.warning('answer %s %s: %s, status %s', generation.message.id, reply.status, code, status)
        self._note(generation.app, reply)
        ended = _ended(generation, reply)
        try:
            await saving.keep_end(self._store, generation, reply)
        finally:
            self._live.pop(generation.message.id, None)
            generation.end()
            self.ended.set(self.ended.value + 1)
            self._publish(generation)
            self._on_end(ended)
        if generation.work and not (generation.work.done() and generation.reply == reply):
            self._tasks.start(self._drain(generation, reply))
        if reply.status is Status.INTERRUPTED and not self._closing:
            self._repairs.begin(generation.app, generation.left(reply))

    @staticmethod
    def _note(app: App, reply: Reply) -> None:
        """What the answer says of its upstream. One that was stopped, or ended for a reason of ours, says nothing."""
        code = reply.failure.code if reply.failure else ''
        if code in faults.CODES or reply.status in {Status.COMPLETE, Status.WAITING}:
            app.health.note(code)

    async def _drain(self, generation: Generation, kept: Reply) -> None:
        """Let the stream of an answer that has its end come to its own, and keep what it still reports."""
        if generation.work:
            await asyncio.wait({generation.work})
        reply = generation.reply
        if reply != kept:
            await saving.keep_rest(self._store, generation, reply)
            self._changes.bump(generation.user_id, generation.conversation.id)

    def _publish(self, generation: Generation) -> None:
        self.running.set(frozenset(g.conversation.id for g in self._live.values()))
        self._changes.bump(generation.user_id, generation.conversation.id)


def _ended(generation: Generation, reply: Reply) -> Ended:
    first = generation.first_token_ms
    return Ended(
        generation.app.slug,
        reply.status,
        seconds=generation.elapsed_ms / 1000,
        first_token_seconds=None if first is None else first / 1000,
    )


def _refuse_too_many(app: App, files: Sequence[str]) -> None:
    """Upstream says the same, but only when the question is there already. It is not asked for it now."""
    if app.known and len(files) > app.known.parameters.uploads.per_message:
        raise Refused('too_many_files', status=400)


def _told(message: Message) -> Turn:
    return Turn(message.query, message.reply.text, [file.name for file in message.files])


def _names(message: Message) -> str:
    return ', '.join(file.name for file in message.files)


def _made(event: Event) -> tuple[FilePart, ...]:
    """The assistant's files in an event."""
    match event:
        case FileAdded(file):
            return (file,)
        case Reported(files=files):
            return files
    return ()
