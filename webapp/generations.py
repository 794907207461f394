"""The writing of answers. It belongs to the server, never to a page: pages come and go and watch the newest value."""

import asyncio
import contextlib
import logging
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from weakref import WeakValueDictionary

from webapp import inputs as app_form, resuming, saving
from webapp.apps import App, Apps
from webapp.background import Tasks
from webapp.belongings import Belongings
from webapp.budgets import Budgets
from webapp.changes import Changes
from webapp.chat import form as forms
from webapp.chat.events import Event, Failed, FormChanged, Interrupted, Paused, Stopped, made_in
from webapp.chat.message import Failure, FormPart, Reply, Status
from webapp.chat.reducer import replay
from webapp.clock import now
from webapp.deletions import Deletions
from webapp.errors import AppError, NotFound, Refused, UpstreamError
from webapp.files import Files, Written, address
from webapp.files.content import PICTURES
from webapp.files.written import without_addresses
from webapp.generation import Ended, Generation, GoingOn, Phase, Progress
from webapp.latest import Latest
from webapp.limits import NO_LIMITS, Limits
from webapp.prices import Price
from webapp.principal import Principal
from webapp.repair import Repairs
from webapp.store import conversations, files as stored, messages
from webapp.store.allowance import Allowance
from webapp.store.database import Store
from webapp.store.files import File, Source
from webapp.store.limits import Scope
from webapp.store.messages import Begun, Leftover, Message
from webapp.suggestions import Suggestions
from webapp.upstream import faults, transcript
from webapp.upstream.records import FileRef
from webapp.upstream.transcript import Turn
from webapp.waiting import Waiting

__all__ = ['Generation', 'Generations', 'Phase', 'Progress']

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 10.0  # how long a stopped stream may take to end by itself
REPAIRABLE = timedelta(hours=1)  # how old a broken answer may be
MAX_QUERY = 2_000_000  # characters
FORM_SECONDS = 3.0  # how long a question waits for the app to say what its form is


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
        suggestions: Suggestions | None = None,
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
        self._suggestions = suggestions or Suggestions(changes)
        self._limits = limits
        self._budgets = budgets or Budgets(store)
        self._auto_name = generate_titles_upstream
        self._on_end = on_end
        self._live: dict[str, Generation] = {}  # by message id
        self._tasks = Tasks()
        self._repairs = Repairs(store, changes, files, go_on=self._go_on_broken)
        self._waiting = Waiting(store, go_on=self._go_on_waiting, give_up=self._give_up)
        self._answering: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by message id
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
        :param inputs: what the app's form asks for, as `inputs.complete` takes it; of a new conversation, which keeps
            it. What was not given has its default
        :raises NotFound: no such app or conversation, or not theirs to use
        :raises Refused: an answer is already being written there, the text is empty or too long, we shut down, or
            `too_many_files`, `file_gone`, `too_many_running`; `FormUnfit`; `LimitReached`: they have asked too much
            lately; `BudgetUsedUp`
        """
        self._refuse_unfit(query, has_files=bool(files))
        target = self._apps.open(principal, app)
        _refuse_too_many(target, files)
        kept, enclosed = await self._filled(principal, target, inputs or {}) if conversation_id is None else ({}, [])
        if conversation_id is not None and principal.within:
            await self._belongings.conversation(principal, conversation_id)
        await self._settle(principal)
        begun = await self._store.write(
            messages.begin,
            user_id=principal.user_id,
            app=app,
            conversation_id=conversation_id,
            query=query,
            key=key,
            now=now(),
            inputs=kept,
            embed=principal.embed,
            attached=files,
            enclosed=enclosed,
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

    async def answer(
        self,
        principal: Principal,
        *,
        message_id: str,
        form_id: str,
        action: str,
        values: Mapping[str, object],
        key: str,
    ) -> None:
        """Answer what the app asks in the middle of an answer of the principal's, which then goes on.

        :param action: id of the button
        :param values: by the names of the fields
        :param key: made with the answer; the same again does nothing
        :raises NotFound: no such question, or not theirs to answer
        :raises Refused: `form_answered`, `form_expired`, `form_elsewhere`, `form_unfit`, `form_gone`, `already_running`
        :raises UpstreamError: nobody knows whether it has arrived; it can be answered again
        """
        if self._closing:
            raise Refused('shutting_down', status=503)
        lock = self._answering.setdefault(message_id, asyncio.Lock())
        async with lock:
            message = await self._belongings.message(principal, message_id)
            form = next((form for form in message.reply.forms if form.id == form_id), None)
            if form is None:
                raise NotFound
            if key and form.key == key:
                return
            given = _fit(message.reply, form, action, values)
            app = self._apps.get((await self._belongings.conversation(principal, message.conversation_id)).app)
            attached = await self._attached(principal, app, given)
            inputs = {**given.texts, **_inputs(form, given, attached)}
            try:
                begun = await self._store.write(messages.go_on, message_id=message_id, was=Status.WAITING)
            except NotFound:  # another process was quicker
                raise Refused('form_answered') from None
            generation = Generation(
                begun, app, user_id=principal.user_id, dify_user=principal.dify_user, goes_on=GoingOn()
            )
            self._waiting.forget(message_id)
            try:
                await app.client.answer_form(form.token, action=action, inputs=inputs, user=principal.dify_user)
            except UpstreamError as error:
                await self._wait_again(generation, form, error)
                raise _refusal(error) from error
            except asyncio.CancelledError:
                await self._wait_again(generation, form, None)
                raise
            if self._closing:  # the next start finds the run going on
                return
            shown = {name: ' '.join(_shown(attached[id_]) for id_ in ids) for name, ids in given.files.items()}
            told = forms.told(form, action, {**given.texts, **shown})
            if attached:
                await self._store.write(stored.keep_sent, ids=list(attached), conversation_id=message.conversation_id)
            generation.feed(FormChanged(replace(form, answer=told, key=key)))
            self._begin(generation)

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
        """Stop an answer of the principal's, running or waiting; its words so far stay. One that ends is left alone.

        :raises NotFound: not a running or waiting answer of theirs
        """
        generation = self._live.get(message_id)
        if generation is None:
            await self._stop_waiting(principal, message_id)
        elif generation.user_id == principal.user_id:
            self._stop(generation)
        else:
            raise NotFound

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
        await self._waiting.close()
        await self._tasks.close(limit)

    async def repair_leftovers(self) -> None:
        """Give answers whose process died a final state, and look upstream for the rest of those that broke lately.

        Those that wait for a person go on waiting.
        """
        since = now() - REPAIRABLE
        for leftover in await self._store.read(messages.leftovers):
            if leftover.message_id not in self._live:
                asks = leftover.reply.open_form is not None  # it died just before it could be kept as waiting
                dead = replay([Paused() if asks else Interrupted(Failure('process_ended'))], leftover.reply)
                await saving.end(
                    self._store, leftover.message_id, dead, unread=False, prices=self._prices(leftover.app)
                )
                if dead.status.is_final:
                    self._on_end(Ended(leftover.app, dead.status))
        for waiting in await self._store.read(messages.waiting):
            with contextlib.suppress(NotFound):
                self._waiting.begin(self._apps.get(waiting.app), waiting, soon=True)
        for broken in await self._store.read(messages.broken, since=since):
            with contextlib.suppress(NotFound):  # the app may be gone from the settings
                self._repairs.begin(self._apps.get(broken.app), broken)

    def _prices(self, app: str) -> Sequence[Price]:
        try:
            return self._apps.get(app).prices
        except NotFound:  # it may be gone from the settings
            return ()

    async def _filled(
        self, principal: Principal, app: App, given: Mapping[str, object]
    ) -> tuple[dict[str, object], list[str]]:
        """The values that a new conversation keeps, and the ids of the files among them. :raises FormUnfit:"""
        if app.known is None:
            with contextlib.suppress(UpstreamError, TimeoutError):  # the answer will say that it can't be reached
                async with asyncio.timeout(FORM_SECONDS):
                    await app.about()
        form = app.known.parameters.form if app.known else ()
        values = app_form.complete(form, given)
        ids = app_form.enclosed(form, values)
        found = await self._store.read(stored.some, user_id=principal.user_id, ids=ids) if ids else {}
        return app_form.with_files(form, values, found), ids

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
            self._begin(Generation(begun, app, user_id=principal.user_id, dify_user=principal.dify_user))
        return message

    def _begin(self, generation: Generation) -> None:
        self._live[generation.message.id] = generation
        generation.task = self._tasks.start(self._run(generation))
        self._publish(generation)

    # answers that wait for a person, and those that broke: their runs may go on without us

    async def _go_on_broken(self, app: App, left: Leftover) -> bool:
        return await self._go_on(app, left, Status.INTERRUPTED)

    async def _go_on_waiting(self, app: App, left: Leftover) -> bool:
        return await self._go_on(app, left, Status.WAITING)

    async def _go_on(self, app: App, left: Leftover, was: Status) -> bool:
        """Write an answer again whose run goes on. `False` if that must wait, or somebody else does it."""
        if self._closing or left.message_id in self._live:
            return False
        try:
            begun = await self._store.write(messages.go_on, message_id=left.message_id, was=was)
        except (NotFound, Refused):
            return False
        goes_on = GoingOn(was_broken=was is Status.INTERRUPTED, catch_up=True)
        self._begin(Generation(begun, app, user_id=left.user_id, dify_user=left.dify_user, goes_on=goes_on))
        return True

    async def _give_up(self, app: App, left: Leftover) -> None:
        """Nobody has answered in time."""
        form = left.reply.open_form
        expired = [FormChanged(replace(form, expired=True))] if form else []
        reply = replay([*expired, Failed(Failure('form_expired'))], left.reply)
        await self._end_waiting(app, left, reply)

    async def _stop_waiting(self, principal: Principal, message_id: str) -> None:
        message = await self._belongings.message(principal, message_id)
        if message.reply.status is not Status.WAITING:
            raise NotFound
        conversation = await self._belongings.conversation(principal, message.conversation_id)
        app, user = self._apps.get(conversation.app), principal.dify_user
        left = Leftover(
            message_id, conversation.id, principal.user_id, user, app.slug, message.upstream_id, message.reply
        )
        await self._end_waiting(app, left, replay([Stopped()], message.reply))
        if message.reply.task_id:
            self._tasks.start(self._stop_upstream(app, message.reply.task_id, user))

    async def _end_waiting(self, app: App, left: Leftover, reply: Reply) -> None:
        """:raises StoreUnavailable: it waits still"""
        self._waiting.forget(left.message_id)
        if await saving.end(self._store, left.message_id, reply, unread=True, was=Status.WAITING, prices=app.prices):
            self._on_end(Ended(app.slug, reply.status))
        self.ended.set(self.ended.value + 1)
        self._changes.bump(left.user_id, left.conversation_id)

    async def _wait_again(self, generation: Generation, form: FormPart, error: UpstreamError | None) -> None:
        """Its question was not answered, or nobody knows: it waits, and we soon look whether it still does."""
        has_expired = error is not None and error.upstream_code == 'human_input_form_expired'
        expired = [FormChanged(replace(form, expired=True))] if has_expired else []
        reply = replay([*expired, Paused()], generation.reply)
        await saving.end(self._store, generation.message.id, reply, unread=False, prices=generation.app.prices)
        self._waiting.begin(generation.app, generation.left(reply), soon=True)
        self._changes.bump(generation.user_id, generation.conversation.id)

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
        except (UpstreamError, Refused) as error:
            generation.feed(Failed(Failure(error.code, error.detail, error.status)))
        except Exception:  # the person must not wait for ever for our bug
            logger.exception('answer %s ended with a bug', generation.message.id)
            generation.feed(Interrupted(Failure('internal_error')))

    async def _attached(self, principal: Principal, app: App, given: forms.Answer) -> dict[str, File]:
        """The files of an answer to a question, by their ids. :raises Refused: `file_gone`, and as `check_links`"""
        found = {}
        for id_ in [id_ for ids in given.files.values() for id_ in ids]:
            try:
                file = await self._belongings.file(principal, id_)
            except NotFound:
                raise Refused('file_gone') from None
            is_theirs = file.link or (file.source is Source.USER and file.is_kept)
            if file.app != app.slug or not is_theirs:
                raise Refused('file_gone')
            found[id_] = file
        await self._files.check_links(found.values())
        return found

    async def _asked(self, generation: Generation) -> AsyncIterator[Event]:
        """What is heard once the question has been put.

        :raises UpstreamError, Refused: something that goes along with it can't be sent any more
        """
        files, values = generation.message.files, generation.conversation.inputs
        ids = app_form.file_ids(values)
        found = await self._store.read(stored.some, user_id=generation.user_id, ids=ids) if ids else {}
        await self._files.check_links([*files, *found.values()])
        return generation.app.client.send(
            await self._words(generation),
            user=generation.dify_user,
            conversation_id=generation.message.upstream_id,
            inputs=app_form.references(values, found),
            files=[FileRef(file.kind, file.upstream_id, file.link) for file in files],
            auto_generate_name=self._auto_name,
        )

    async def _read(self, generation: Generation) -> None:
        reader = asyncio.create_task(self._hear(generation))
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

    async def _hear(self, generation: Generation) -> None:
        """Read the stream to its end; should it break, the rest of a run that can be heard again from another one."""
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
        if parts := made_in(event):  # ours before anybody sees them
            app, user_id = generation.conversation.app, generation.user_id
            await self._files.adopt(generation.message.id, user_id=user_id, app=app, parts=parts)
        generation.feed(event)

    async def _asks(self, generation: Generation, written: Written) -> bool:
        """Whether a run that says it waits does so for anybody: the news may be older than the answer that it got."""
        form = generation.reply.open_form
        if form is None or not form.token:
            for event in (event for found in await resuming.asked(generation) for event in written.feed(found)):
                await self._take(generation, event)
        return generation.reply.open_form is not None or not generation.reply.forms

    @staticmethod
    async def _stop_upstream(app: App, task_id: str, user: str) -> None:
        try:
            await app.client.stop(task_id, user=user)
        except UpstreamError as error:
            logger.warning('upstream did not take a stop: %s', error)

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
            if reply.status.is_final and not (generation.goes_on and generation.goes_on.was_broken):
                self._on_end(ended)
        if reply.status is Status.COMPLETE and not self._closing:
            self._suggest(generation, reply)
        if generation.work and not (generation.work.done() and generation.reply == reply):
            self._tasks.start(self._drain(generation, reply))
        if self._closing:
            return
        if reply.status is Status.INTERRUPTED:
            self._repairs.begin(generation.app, generation.left(reply))
        elif reply.status is Status.WAITING:
            self._waiting.begin(generation.app, generation.left(reply))

    def _suggest(self, generation: Generation, reply: Reply) -> None:
        self._suggestions.begin(
            generation.app,
            message_id=generation.message.id,
            upstream_id=reply.message_id,
            conversation_id=generation.conversation.id,
            user_id=generation.user_id,
            dify_user=generation.dify_user,
        )

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
    if generation.goes_on:
        return Ended(generation.app.slug, reply.status)
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


def _inputs(form: FormPart, given: forms.Answer, attached: Mapping[str, File]) -> dict[str, object]:
    """Files as upstream wants to be told of them: one by itself, several in a list."""
    refs = {
        name: [FileRef(attached[id_].kind, attached[id_].upstream_id, attached[id_].link).as_json() for id_ in ids]
        for name, ids in given.files.items()
    }
    lists = {field.name for field in forms.fields(form) if field.kind is forms.Kind.FILES}
    return {name: found if name in lists else found[0] for name, found in refs.items()}


def _shown(file: File) -> str:
    """A file in what is told of an answer to a question, as Markdown."""
    name = re.sub(r'[\\\[\]\n`*_<]', ' ', file.name)
    return f'{"!" if file.media_type in PICTURES and not file.link else ""}[{name}]({file.link or address(file.id)})'


def _fit(reply: Reply, form: FormPart, action: str, values: Mapping[str, object]) -> forms.Answer:
    """What a form is answered with. :raises Refused: it can't be answered, or not so"""
    if form.expired or (form.expires_at and form.expires_at <= now().timestamp()):
        raise Refused('form_expired', status=410)
    if reply.status is not Status.WAITING or not form.is_open:
        raise Refused('form_answered')
    if not form.token:
        raise Refused('form_elsewhere')
    try:
        return forms.answer(form, action, values)
    except forms.UnfitError as error:
        raise Refused('form_unfit', str(error), status=400) from error


def _refusal(error: UpstreamError) -> AppError:
    """Why upstream did not take what was answered."""
    match error.upstream_code:
        case 'human_input_form_submitted':
            return Refused('form_answered', error.detail)
        case 'human_input_form_expired':
            return Refused('form_expired', error.detail, status=410)
    if error.status == 404:
        return Refused('form_gone', error.detail, status=404)
    return Refused('form_unfit', error.detail, status=400) if error.status == 400 else error


def _told(message: Message) -> Turn:
    answer = without_addresses(message.reply.text)
    return Turn(message.query, answer, [file.name for file in message.files])


def _names(message: Message) -> str:
    return ', '.join(file.name for file in message.files)
