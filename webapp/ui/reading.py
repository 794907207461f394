"""One conversation, as one page shows it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from nicegui import background_tasks

from webapp.chat.message import Reply
from webapp.principal import Principal
from webapp.services import Services
from webapp.store import messages, usage
from webapp.store.conversations import Conversation
from webapp.store.database import Store
from webapp.store.messages import Message
from webapp.ui import views
from webapp.ui.components.thread import Greeting, MessageView, Thread
from webapp.ui.following import Following
from webapp.ui.live import LiveAnswers

MESSAGES = 30  # at once


class Reading:
    """Keeps the thread equal to the store, and brings the answers that are being written onto the page.

    :param on_end: told how an answer has ended
    """

    def __init__(
        self,
        services: Services,
        answers: LiveAnswers,
        thread: Thread,
        principal: Principal,
        *,
        on_end: Callable[[Reply], Awaitable[object]],
    ) -> None:
        self.conversation: Conversation | None = None  # None: a new one
        self._services = services
        self._answers = answers
        self._thread = thread
        self._user_id = principal.user_id
        self._is_admin = principal.is_admin
        self._on_end = on_end
        self.visit = 0  # counts the conversations shown: what was awaited for an earlier one comes too late
        self._shown: dict[str, Message] = {}  # by id, oldest first
        self._followings: dict[str, Following] = {}

    @property
    def is_empty(self) -> bool:
        return self.conversation is None and not self._shown

    def leave(self) -> None:
        """The person goes elsewhere: what is still on its way for this conversation comes too late."""
        self.visit += 1

    @property
    def running(self) -> list[str]:
        """Ids of the messages that are being answered."""
        return [id for id, f in self._followings.items() if not f.generation.reply.status.is_final]

    # what is shown

    def show(self, conversation: Conversation | None, history: list[Message], greeting: Greeting | None) -> None:
        """Show a conversation with its newest messages, or the greeting of a new one."""
        self.close()
        self.visit += 1
        self.conversation = conversation
        self._shown = {message.id: message for message in history}
        more = bool(history) and history[0].number > 1
        self._thread.show([self._view(message) for message in history], more=more, greeting=greeting)
        for message in history:
            self._follow(message)

    def add(self, message: Message, *, own: bool) -> None:
        """Show a message that has just begun, if it is of this conversation and not here yet.

        :param own: it was sent from this page
        """
        is_here = self.conversation is not None and self.conversation.id == message.conversation_id
        if is_here and message.id not in self._shown:
            self._shown[message.id] = message
            self._thread.append(self._view(message), own=own)
            self._follow(message)

    def close(self) -> None:
        """Follow nothing any more."""
        for following in self._followings.values():
            if following.task:
                following.task.cancel()
        self._followings = {}

    async def earlier(self, number: int) -> None:
        """Show the messages before this number."""
        if self.conversation is None:
            return
        visit = self.visit
        history = await self._history(self.conversation.id, before=number)
        if visit == self.visit:
            self._shown = {message.id: message for message in history} | self._shown
            more = bool(history) and history[0].number > 1
            self._thread.earlier([self._view(message) for message in history], more=more)

    async def add_up(self) -> None:
        """Show what the conversation has cost so far."""
        if self.conversation is None:
            return
        visit = self.visit
        totals = await self._services.store.read(
            usage.of_conversation, user_id=self._user_id, conversation_id=self.conversation.id
        )
        if visit == self.visit:
            self._thread.set_sum(views.sum_line(totals))

    async def send_again(self, message_id: str) -> None:
        """Send an answer whole: the browser could not apply a patch."""
        following = self._followings.get(message_id)
        if following:
            following.send_again()
            following.flush(following.generation.progress)
        elif message_id in self._shown:
            self._thread.update(self._view(await self.message(message_id)))

    async def refresh(self, conversation: Conversation) -> None:
        """Show how the conversation and its newest messages stand now."""
        visit = self.visit
        history = await self._history(conversation.id)
        if visit != self.visit:
            return
        self.conversation = conversation
        self._drop_missing(history)
        for message in history:
            known = self._shown.get(message.id)
            if known is None:
                self.add(message, own=False)
            elif message.id not in self._followings and replace(message, ended_at=known.ended_at) != known:
                self._shown[message.id] = message
                self._thread.update(self._view(message))
                self._follow(message)
        await self.add_up()

    def _drop_missing(self, history: list[Message]) -> None:
        """A question that was asked again may have taken the place of its failed answer."""
        present = {message.id for message in history}
        oldest = history[0].number if len(history) == MESSAGES else 0
        for message in list(self._shown.values()):
            if message.number >= oldest and message.id not in present:
                self._thread.discard(message.id)
                del self._shown[message.id]

    def _view(self, message: Message) -> MessageView:
        generation = self._services.generations.of(message.id)
        if generation:
            return views.progress_view(message, generation.progress, is_admin=self._is_admin)
        return views.message_view(message, is_admin=self._is_admin)

    # answers that are being written

    def _follow(self, message: Message) -> None:
        generation = self._services.generations.of(message.id)
        if generation and message.id not in self._followings:
            following = Following(self._thread, generation, self._answers, is_admin=self._is_admin)
            self._followings[message.id] = following
            following.task = background_tasks.create(self._run(following), name='following')

    async def _run(self, following: Following) -> None:
        generation = following.generation
        message_id = generation.message.id
        try:
            await following.run()
        finally:
            if self._followings.get(message_id) is following:
                del self._followings[message_id]
        if message_id in self._shown:
            self._shown[message_id] = replace(generation.message, reply=generation.reply)
        await self._on_end(generation.reply)

    # what is read

    async def message(self, message_id: str) -> Message:
        """:raises NotFound: there is none, or it is somebody else's"""
        return await self._services.store.read(messages.owned, user_id=self._user_id, message_id=message_id)

    async def _history(self, conversation_id: str, before: int | None = None) -> list[Message]:
        return await read_history(
            self._services.store, user_id=self._user_id, conversation_id=conversation_id, before=before
        )


async def read_history(store: Store, *, user_id: str, conversation_id: str, before: int | None = None) -> list[Message]:
    """The newest messages of a conversation, or those before a number, the oldest one first: a page of them."""
    return await store.read(
        messages.history, user_id=user_id, conversation_id=conversation_id, before=before, limit=MESSAGES
    )
