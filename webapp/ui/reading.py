"""One conversation, as one page shows it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from nicegui import background_tasks

from webapp.chat.message import Citation, Reply
from webapp.files.written import with_addresses_of, without_addresses
from webapp.principal import Principal
from webapp.services import Services
from webapp.store import usage
from webapp.store.conversations import Conversation
from webapp.store.messages import Message
from webapp.ui import views
from webapp.ui.components.thread import Greeting, MessageView, Thread
from webapp.ui.following import Following
from webapp.ui.history import History, Page, length
from webapp.ui.live import LiveAnswers
from webapp.ui.views import Reader

MOST_BEHIND = 600  # messages that follow a version of a turn and are shown at once when somebody goes there
MOST_CHARACTERS = 2_000_000  # of them


@dataclass(frozen=True, slots=True)
class Shown:
    """What is remembered of a message on the page: enough to see that it has changed, and no more."""

    number: int
    digest: int

    @classmethod
    def of(cls, message: Message) -> 'Shown':
        return cls(message.number, hash(replace(message, ended_at=None, upstream_id='')))


class Reading:
    """Keeps the thread equal to the store, and brings the answers that are being written onto the page.

    :param reader: for whom it is shown
    :param on_end: told how an answer has ended
    """

    def __init__(
        self,
        services: Services,
        answers: LiveAnswers,
        history: History,
        thread: Thread,
        principal: Principal,
        *,
        reader: Reader,
        on_end: Callable[[Reply], Awaitable[object]],
    ) -> None:
        self.conversation: Conversation | None = None  # None: a new one
        self._services = services
        self._answers = answers
        self._history = history
        self._thread = thread
        self._user_id = principal.user_id
        self._is_within = bool(principal.within)
        self._reader = reader
        self._on_end = on_end
        self.visit = 0  # counts the conversations shown: what was awaited for an earlier one comes too late
        self._shown: dict[str, Shown] = {}  # by id
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

    def show(self, conversation: Conversation | None, page: Page, greeting: Greeting | None) -> None:
        """Show a conversation with its newest messages, or the greeting of a new one."""
        self.close()
        self.visit += 1
        self.conversation = conversation
        self._shown = {message.id: Shown.of(message) for message in page.messages}
        self._thread.show(self._views(page), more=page.more, greeting=greeting)
        self.suggest()
        for message in page.messages:
            self._follow(message)

    async def add(self, message: Message, *, own: bool) -> None:
        """Show a message that has just begun, if it is of this conversation and not here yet.

        One that was sent a second time may have come to its end long ago.

        :param own: it was sent from this page
        """
        html = '' if self._services.generations.of(message.id) else await self._history.html(message)
        is_here = self.conversation is not None and self.conversation.id == message.conversation_id
        if is_here and message.id not in self._shown:
            self._go_on(message.parent, [message], {message.id: html}, own=own)
            self.suggest()

    def suggest(self) -> None:
        """Show what might be asked after the last answer, as far as that is known."""
        last = max(self._shown, key=lambda id_: self._shown[id_].number, default='')
        self._thread.set_suggested(last, self._services.suggestions.of(last))

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
        page = await self._history.page(self.conversation.id, before=number)
        if visit == self.visit:
            self._shown |= {message.id: Shown.of(message) for message in page.messages}
            self._thread.earlier(self._views(page), more=page.more)

    async def add_up(self) -> None:
        """Show what the conversation has cost so far."""
        if self.conversation is None or not self._reader.sees_usage:
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
            message = await self._history.message(message_id)
            self._thread.change(self._view(message, await self._html(message)))

    async def refresh(self, conversation_id: str) -> None:
        """Show how the newest messages stand now, and the path that leads to them."""
        visit, live, known = self.visit, set(self._followings), set(self._shown)
        newest = await self._history.newest(conversation_id)
        # of one that was being written, the row may be older than the end that the page has seen meanwhile
        changed = [message for message in newest if message.id not in live and self._has_changed(message)]
        html = {message.id: await self._html(message) for message in changed}
        behind = self._behind(newest) or await self._behind_further(conversation_id, newest)
        html |= {message.id: await self._html(message) for message in (behind or (0, []))[1] if message.id not in html}
        if visit != self.visit:
            return
        if known != set(self._shown):  # what was read may be older than what has come here meanwhile
            await self.refresh(conversation_id)
            return
        for message in changed:
            if message.id in self._shown and self._has_changed(message):
                self._shown[message.id] = Shown.of(message)
                self._thread.change(self._view(message, html[message.id]))
                self._follow(message)
        if behind is None:
            page = await self._history.page(conversation_id)
            if visit == self.visit:
                self.show(self.conversation, page, None)
        else:
            self._go_on(*behind, html, own=False)
            self.suggest()
        await self.add_up()

    async def show_again(self) -> None:
        """Show the newest messages as they look now, though nothing in them has changed."""
        if self.conversation is None:
            return
        self._shown = {id_: Shown(shown.number, 0) for id_, shown in self._shown.items()}
        await self.refresh(self.conversation.id)

    def _has_changed(self, message: Message) -> bool:
        return message.id not in self._followings and self._shown.get(message.id) != Shown.of(message)

    def _behind(self, newest: list[Message]) -> tuple[int, list[Message]] | None:
        """After which number the page is to go on with which messages; None if it has nothing that they follow."""
        here = [place for place, message in enumerate(newest) if message.id in self._shown]
        if here:
            return newest[here[-1]].number, newest[here[-1] + 1 :]
        parent = newest[0].parent if newest else 0
        is_followed = not parent or any(shown.number == parent for shown in self._shown.values())
        return (parent, newest) if is_followed else None

    async def _behind_further(self, conversation_id: str, newest: list[Message]) -> tuple[int, list[Message]] | None:
        """The same, where more has followed than is read at once; None where it is too much to be shown at once."""
        messages = newest
        while messages and len(messages) < MOST_BEHIND and sum(map(length, messages)) < MOST_CHARACTERS:
            older = await self._history.newest(conversation_id, before=messages[0].number)
            messages = [*older, *messages]
            behind = self._behind(messages)
            if behind is not None or not older:
                return behind
        return None

    def _go_on(self, parent: int, messages: list[Message], html: dict[str, str], *, own: bool) -> None:
        """Show messages behind the one with that number, instead of what stands there."""
        gone = [id for id, shown in self._shown.items() if shown.number > parent]
        for id in gone:
            self._forget(id)
        last = next((id for id, shown in self._shown.items() if shown.number == parent), '')
        self._shown |= {message.id: Shown.of(message) for message in messages}
        views = [self._view(message, html[message.id]) for message in messages]
        if gone:
            self._thread.turn_to(last, views, own=own)
        else:
            for view in views:
                self._thread.append(view, own=own)
        for message in messages:
            self._follow(message)

    def _forget(self, message_id: str) -> None:
        del self._shown[message_id]
        self._thread.forget(message_id)
        following = self._followings.pop(message_id, None)
        if following and following.task:
            following.task.cancel()

    def _views(self, page: Page) -> list[MessageView]:
        return [self._view(message, page.html[message.id]) for message in page.messages]

    def _view(self, message: Message, html: str) -> MessageView:
        generation = self._services.generations.of(message.id)
        if generation:
            return views.progress_view(message, generation.progress, reader=self._reader)
        return views.message_view(message, html=html, reader=self._reader)

    async def _html(self, message: Message) -> str:
        """The text of an answer; '' if the browser has this very one."""
        version = views.version(message.reply)
        has_text = version and version == self._thread.version(message.id)
        return '' if has_text else await self._history.html(message)

    # answers that are being written

    def _follow(self, message: Message) -> None:
        generation = self._services.generations.of(message.id)
        if generation and message.id not in self._followings:
            following = Following(self._thread, generation, self._answers, reader=self._reader)
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
            self._shown[message_id] = Shown.of(replace(generation.message, reply=generation.reply))
        await self._on_end(generation.reply)

    # what the page asks for

    async def copied(self, message_id: str) -> str:
        """The Markdown of an answer, for another place: files in it say where we are, or nothing but their names if
        nobody could follow them from there.
        """
        text = (await self._history.message(message_id)).reply.text
        if self._is_within:
            return without_addresses(text)
        return with_addresses_of(text, self._services.embedding.entrance.public_url)

    async def question(self, message_id: str) -> str:
        """All of a question."""
        return (await self._history.message(message_id)).query

    async def citations(self, message_id: str) -> tuple[Citation, ...]:
        """What an answer rests on; of one that is being written, its row does not know yet."""
        following = self._followings.get(message_id)
        if following:
            return following.generation.reply.citations
        return (await self._history.message(message_id)).reply.citations
