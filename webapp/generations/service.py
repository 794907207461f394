"""The way in to the writing of answers: what people wish of them, checked and begun."""

from collections.abc import Callable, Mapping, Sequence

from webapp.apps import App, Apps
from webapp.background import Tasks
from webapp.belongings import Belongings
from webapp.budgets import Budgets
from webapp.changes import Changes
from webapp.chat.events import Stopped
from webapp.chat.message import Reply, Status
from webapp.chat.reducer import replay
from webapp.clock import now
from webapp.deletions import Deletions
from webapp.errors import NotFound, Refused
from webapp.files import Files
from webapp.generations import hearing, questions
from webapp.generations.answering import Answering
from webapp.generations.generation import Ended, Generation
from webapp.generations.hearing import Hearing
from webapp.generations.leftovers import Leftovers
from webapp.generations.register import Load, Register
from webapp.generations.writing import Writing
from webapp.latest import Latest
from webapp.limits import NO_LIMITS, Limits
from webapp.principal import Principal
from webapp.store import conversations, messages, turns
from webapp.store.allowance import Allowance
from webapp.store.database import Store
from webapp.store.leftovers import Leftover
from webapp.store.limits import Scope
from webapp.store.messages import Begun, Message
from webapp.suggestions import Suggestions
from webapp.voices import Voices


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
        voices: Voices | None = None,
        generate_titles_upstream: bool = False,
        on_end: Callable[[Ended], None] = lambda ended: None,
    ) -> None:
        """:param on_end: told of each answer that has its end"""
        self._store = store
        self._apps = apps
        self._belongings = Belongings(store, apps)
        self._changes = changes
        self._files = files
        self._deletions = deletions or Deletions(store, apps)
        self._suggestions = suggestions or Suggestions(changes)
        self._limits = limits
        self._budgets = budgets or Budgets(store)
        self._tasks = Tasks()
        self._register = register = Register(changes)
        self._leftovers = Leftovers(store, apps, changes, files, register, begin=self._begin, on_end=on_end)
        self._answering = Answering(store, apps, changes, register, self._leftovers, files=files, begin=self._begin)
        self._writing = Writing(
            store,
            changes,
            register,
            self._tasks,
            Hearing(store, files, voices or Voices(), auto_name=generate_titles_upstream),
            on_end=on_end,
            on_kept=self._follow_up,
        )

    @property
    def running(self) -> Latest[frozenset[str]]:
        """Ids of conversations with a running answer."""
        return self._register.running

    @property
    def ended(self) -> Latest[int]:
        """Counts answers that have been kept for good."""
        return self._register.ended

    @property
    def loads(self) -> dict[str, Load]:
        """What there is to do for each app, in this process."""
        return self._register.loads(self._apps)

    def of(self, message_id: str) -> Generation | None:
        """The generation that writes this message, if it is alive. Ask before reading rows, never after."""
        return self._register.of(message_id)

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
        self._refuse_if_closed()
        questions.check(query, has_files=bool(files))
        target = self._apps.open(principal, app)
        questions.check_number(target, files)
        first = conversation_id is None
        kept, enclosed = await questions.filled(self._store, principal, target, inputs or {}) if first else ({}, ())
        if conversation_id is not None and principal.within:
            await self._belongings.conversation(principal, conversation_id)
        await self._settle(principal)
        begun = await self._store.write(
            turns.begin,
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
            self._refuse_if_closed()
            questions.check(old.query if query is None else query, has_files=bool(old.files))
            await self._settle(principal)
        begun = await self._store.write(
            turns.supersede,
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
        self._refuse_if_closed()
        await self._answering.answer(
            principal, message_id=message_id, form_id=form_id, action=action, values=values, key=key
        )

    async def choose(self, principal: Principal, *, message_id: str) -> None:
        """Show another version of a turn, and what was said after it; on all of their pages.

        :raises NotFound: no such message of theirs, or its app is closed to them
        :raises Refused: `already_running`: an answer is being written in its conversation
        """
        message = await self._belongings.message(principal, message_id)
        await self._settle(principal)
        await self._store.write(turns.choose, user_id=principal.user_id, message_id=message.id)
        self._changes.bump(principal.user_id, message.conversation_id)

    async def stop(self, principal: Principal, message_id: str) -> None:
        """Stop an answer of the principal's, running or waiting; its words so far stay. One that ends is left alone.

        :raises NotFound: not a running or waiting answer of theirs
        """
        generation = self._register.of(message_id)
        if generation is None:
            await self._stop_waiting(principal, message_id)
        elif generation.user_id == principal.user_id:
            generation.stop()
        else:
            raise NotFound

    async def delete_conversation(self, principal: Principal, conversation_id: str) -> None:
        """Delete a conversation of the principal's, here and upstream; what is being written in it is stopped first.

        :raises NotFound: no such conversation of theirs, or its app is closed to them
        """
        user_id = principal.user_id
        await self._belongings.conversation(principal, conversation_id)
        for generation in self._register.of_conversation(conversation_id):
            generation.stop()
            await generation.over()
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
        theirs = self._register.of_person(user_id)
        for generation in theirs:
            generation.stop()
        for generation in theirs:
            await generation.over()

    async def shutdown(self, limit: float) -> None:
        """Take no more, give running answers `limit` seconds to end, then mark the rest as interrupted."""
        self._register.is_closed = True
        await self._leftovers.close()
        await self._tasks.close(limit)

    async def repair_leftovers(self) -> None:
        """Give answers whose process died a final state, and look upstream for the rest of those that broke lately.

        Those that wait for a person go on waiting.
        """
        await self._leftovers.find()

    def _refuse_if_closed(self) -> None:
        if self._register.is_closed:
            raise Refused('shutting_down', status=503)

    def _allowance(self, principal: Principal) -> Allowance:
        rations = self._limits.of_person(Scope.MESSAGES, principal)
        return Allowance(rations, self._limits.running_per_user, self._budgets.configured)

    async def _settle(self, principal: Principal) -> None:
        """Answers that are complete may still hold their rows while their streams linger: they get their end now."""
        for generation in self._register.of_person(principal.user_id):
            if generation.reply.status.is_final:
                generation.released.set()
                await generation.over()

    async def _launch(self, principal: Principal, begun: Begun, app: App) -> Message:
        message = begun.message
        while not begun.is_new:  # perhaps ended by now; or begun, and whoever began it never heard so
            ended = self._register.ended.value
            message = await self._store.read(messages.owned, user_id=principal.user_id, message_id=message.id)
            if message.id in self._register or self._register.ended.value == ended:
                break  # else the row may be older than an end that came while it was being read
        self._refuse_if_closed()  # it came while the question was being kept; the next start gives the row its end
        if message.reply.status is Status.RUNNING and message.id not in self._register:
            self._writing.begin(Generation(begun, app, user_id=principal.user_id, dify_user=principal.dify_user))
        return message

    def _begin(self, generation: Generation) -> None:
        self._writing.begin(generation)

    def _follow_up(self, generation: Generation, reply: Reply) -> None:
        """What comes after an answer that has been kept."""
        if self._register.is_closed:
            return
        if reply.status is Status.COMPLETE:
            self._suggestions.begin(
                generation.app,
                message_id=generation.message.id,
                upstream_id=reply.message_id,
                conversation_id=generation.conversation.id,
                user_id=generation.user_id,
                dify_user=generation.dify_user,
            )
        self._leftovers.take(generation, reply)

    async def _stop_waiting(self, principal: Principal, message_id: str) -> None:
        message = await self._belongings.message(principal, message_id)
        if message.reply.status is not Status.WAITING:
            raise NotFound
        conversation = await self._belongings.conversation(principal, message.conversation_id)
        app, user = self._apps.get(conversation.app), principal.dify_user
        left = Leftover(
            message_id, conversation.id, principal.user_id, user, app.slug, message.upstream_id, message.reply
        )
        await self._leftovers.end(app, left, replay([Stopped()], message.reply))
        if task_id := message.reply.task_id:
            self._tasks.start(hearing.stop(app, task_id, user=user, message_id=message_id))
