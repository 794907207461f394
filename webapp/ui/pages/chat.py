"""The chat page: list of conversations, thread, composer. It loads values, shows them and passes wishes on."""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from nicegui import background_tasks, ui
from nicegui.client import Client
from starlette.responses import Response

from webapp.apps import App
from webapp.chat.message import Status
from webapp.errors import AppError, NotFound, SignedOut, UpstreamError
from webapp.principal import Principal
from webapp.services import Services
from webapp.store import conversations, messages
from webapp.store.conversations import Conversation
from webapp.store.messages import Message
from webapp.ui import i18n, refusals, theme, views
from webapp.ui.components.composer import Composer
from webapp.ui.components.conversations import Conversations, Row
from webapp.ui.components.thread import MessageView, Thread
from webapp.ui.following import Following
from webapp.ui.live import LiveAnswers
from webapp.ui.page import page
from webapp.ui.theme import Banner, Link

logger = logging.getLogger(__name__)

T = TypeVar('T')

MESSAGES = 30  # at once
ROWS = 50  # at once
FLURRY_SECONDS = 0.4  # changes come in flurries, and words go first


def register(services: Services) -> None:
    """Declare the addresses of the chat page."""
    answers = LiveAnswers()

    async def show(principal: Principal, slug: str | None, conversation_id: str | None, query: str) -> Response | None:
        try:
            app = services.apps.get(slug) if slug else services.apps.default
            await ChatPage(services, answers, principal, app).build(conversation_id, query)
        except NotFound as error:
            client = ui.context.client
            client.delete()  # no page comes of it, so nobody would ever connect
            return refusals.refused(client.request, error)
        return None

    @page('/')
    async def home(principal: Principal, q: str = '') -> Response | None:
        return await show(principal, None, None, q)

    @page('/a/{app}')
    async def of_app(principal: Principal, app: str, q: str = '') -> Response | None:
        return await show(principal, app, None, q)

    @page('/a/{app}/c/{conversation}')
    async def of_conversation(principal: Principal, app: str, conversation: str, q: str = '') -> Response | None:
        return await show(principal, app, conversation, q)


class ChatPage:
    """One open page: what it shows, and what its person does."""

    def __init__(self, services: Services, answers: LiveAnswers, principal: Principal, app: App) -> None:
        self._services = services
        self._answers = answers
        self._principal = principal
        self._app = app
        self._client: Client = ui.context.client
        self._conversation: Conversation | None = None
        self._sending = asyncio.Lock()
        self._visit = 0  # counts the conversations shown: what was awaited for an earlier one comes too late
        self._shown: dict[str, Message] = {}  # messages on the page, by id, oldest first
        self._followings: dict[str, Following] = {}
        self._rows: dict[str, Row] = {}
        self._search = ''
        self._counter = services.changes.of(principal.user_id)
        self._tasks: set[asyncio.Task[None]] = set()

    async def build(self, conversation_id: str | None, query: str) -> None:
        """Build the page around a conversation, or a new one.

        :raises NotFound: no such conversation of this person's with this app
        """
        seen = self._counter.value
        listed = await self._list()
        self._conversation, history = await self._read(conversation_id)
        services, app = self._services, self._app
        with theme.frame(name=app.name or services.name, apps=self._links()) as self._frame:
            with self._frame.sidebar:
                self._sidebar = Conversations(new_href=views.address(app.slug))
            self._thread = Thread()
            self._composer = Composer()
        self._listen()
        self._announce()
        self._show_list(listed)
        self._show_thread(history)
        if query:
            self._composer.set_text(query)
        self._client.on_delete(self._leave)
        self._spawn(self._keep_fresh(seen))
        self._spawn(self._greet())

    def _listen(self) -> None:
        hear = self._hear
        self._composer.on_send(hear(self._send))
        self._composer.on_stop(hear(self._stop))
        self._thread.on_action(hear(self._act))
        self._thread.on_ask(hear(self._ask))
        self._thread.on_copy(hear(self._copy))
        self._thread.on_earlier(hear(self._earlier))
        self._thread.on_lost(hear(self._resend))
        self._thread.on_ready(hear(self._reopen))
        self._sidebar.on_open(hear(self._open))
        self._sidebar.on_new(hear(self._new))
        self._sidebar.on_rename(hear(self._rename))
        self._sidebar.on_delete(hear(self._delete))
        self._sidebar.on_search(hear(self._find))
        self._sidebar.on_more(hear(self._more))
        self._frame.on_travel(hear(self._travel))

    def _hear(self, handler: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T | None]]:
        """Wrap a handler: the session is asked for at every event, and expected failures become words."""

        @functools.wraps(handler)
        async def heard(*arguments: Any) -> T | None:
            try:
                self._principal = await self._services.sessions.still(self._principal)
                return await handler(*arguments)
            except SignedOut:
                ui.navigate.to('/login')
            except AppError as error:
                self._tell(error)
            return None

        return heard

    # sending and stopping

    async def _send(self, text: str, key: str) -> None:
        visit = self._visit
        async with self._sending:  # the second of two quick ones finds the conversation that the first has begun
            try:
                message = await self._services.generations.start(
                    self._principal,
                    app=self._app.slug,
                    conversation_id=self._conversation.id if self._conversation else None,
                    query=text,
                    key=key,
                )
            except AppError:
                self._composer.refused(key)
                raise
            self._composer.accepted(key)
            await self._join(message, visit)

    async def _ask(self, text: str, key: str) -> None:
        """A suggested question is a question."""
        await self._send(text, key)

    async def _join(self, message: Message, visit: int) -> None:
        """Show a message that has just begun, unless the person has gone elsewhere since `visit`."""
        if self._conversation is None and visit == self._visit:
            conversation = await self._conversation_of(message.conversation_id)
            if visit == self._visit:
                self._conversation = conversation
                self._frame.visit(views.address(self._app.slug, conversation.id))
                self._composer.set_draft_key(conversation.id)
                self._sidebar.select(conversation.id)
        is_here = self._conversation is not None and self._conversation.id == message.conversation_id
        if is_here and message.id not in self._shown:
            self._add(message)
        self._set_state()

    async def _stop(self) -> None:
        for message_id in list(self._followings):
            with contextlib.suppress(NotFound):  # it ended in this very moment
                await self._services.generations.stop(self._principal, message_id)

    async def _act(self, name: str, message_id: str, key: str) -> None:
        if name == 'retry':
            visit = self._visit
            message = await self._services.generations.retry(self._principal, message_id=message_id, key=key)
            await self._join(message, visit)
            await self._refresh()

    async def _copy(self, message_id: str) -> str:
        message = await self._services.store.read(
            messages.owned, user_id=self._principal.user_id, message_id=message_id
        )
        return message.reply.text

    # the thread

    async def _read(self, conversation_id: str | None) -> tuple[Conversation | None, list[Message]]:
        """A conversation, from now on read, and its newest messages; nothing for a new one."""
        if conversation_id is None:
            return None, []
        conversation = await self._conversation_of(conversation_id)
        if conversation.app != self._app.slug:
            raise NotFound
        history = await self._history(conversation_id)
        if conversation.unread:
            await self._services.store.write(
                conversations.mark_read, user_id=self._principal.user_id, conversation_id=conversation_id
            )
            self._services.changes.bump(self._principal.user_id)
        return conversation, history

    async def _history(self, conversation_id: str, *, before: int | None = None) -> list[Message]:
        return await self._services.store.read(
            messages.history,
            user_id=self._principal.user_id,
            conversation_id=conversation_id,
            before=before,
            limit=MESSAGES,
        )

    async def _conversation_of(self, conversation_id: str) -> Conversation:
        return await self._services.store.read(
            conversations.get, user_id=self._principal.user_id, conversation_id=conversation_id
        )

    def _show_thread(self, history: list[Message]) -> None:
        """Show the messages of the current conversation, or the greeting of a new one."""
        self._forget_followings()
        self._visit += 1
        self._shown = {message.id: message for message in history}
        is_new = self._conversation is None
        greeting = views.greeting_view(self._app) if is_new else None
        more = bool(history) and history[0].number > 1
        self._thread.show([self._view(message) for message in history], more=more, greeting=greeting)
        for message in history:
            self._follow(message)
        conversation_id = self._conversation.id if self._conversation else ''
        self._sidebar.select(conversation_id)
        self._composer.set_draft_key(conversation_id or f'new:{self._app.slug}')
        self._set_title()
        self._set_state()

    def _add(self, message: Message) -> None:
        self._shown[message.id] = message
        self._thread.append(self._view(message))
        self._follow(message)

    def _view(self, message: Message) -> MessageView:
        generation = self._services.generations.of(message.id)
        if generation:
            return views.progress_view(message, generation.progress, is_admin=self._principal.is_admin)
        return views.message_view(message, is_admin=self._principal.is_admin)

    def _follow(self, message: Message) -> None:
        generation = self._services.generations.of(message.id)
        if generation and message.id not in self._followings:
            following = Following(self._thread, generation, self._answers, is_admin=self._principal.is_admin)
            self._followings[message.id] = following
            following.task = self._spawn(self._run(following))

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
        self._set_state()
        if generation.reply.status is Status.COMPLETE:
            self._frame.hide_banner('upstream')
            await self._greet()

    def _forget_followings(self) -> None:
        for following in self._followings.values():
            if following.task:
                following.task.cancel()
        self._followings = {}

    async def _earlier(self, number: int) -> None:
        if self._conversation is None:
            return
        visit = self._visit
        history = await self._history(self._conversation.id, before=number)
        if visit == self._visit:
            self._shown = {message.id: message for message in history} | self._shown
            more = bool(history) and history[0].number > 1
            self._thread.earlier([self._view(message) for message in history], more=more)

    async def _resend(self, message_id: str) -> None:
        """The browser could not apply a patch: send that answer whole."""
        following = self._followings.get(message_id)
        if following:
            following.send_again()
            following.flush(following.generation.progress)
        elif message_id in self._shown:
            message = await self._services.store.read(
                messages.owned, user_id=self._principal.user_id, message_id=message_id
            )
            self._thread.update(self._view(message))

    # going from one conversation to another, without leaving the page

    async def _open(self, conversation_id: str) -> None:
        if await self._go(conversation_id):
            self._frame.visit(views.address(self._app.slug, conversation_id))

    async def _new(self) -> None:
        if await self._go(None):
            self._frame.visit(views.address(self._app.slug))
            self._composer.focus()

    async def _travel(self, path: str) -> None:
        """The browser went back or forward."""
        prefix = f'{views.address(self._app.slug)}/c/'
        try:
            await self._go(path.removeprefix(prefix) if path.startswith(prefix) else None)
        except NotFound:
            here = self._conversation.id if self._conversation else None
            self._frame.visit(views.address(self._app.slug, here), replace=True)
            raise

    async def _reopen(self) -> None:
        """The browser has built the thread anew."""
        await self._go(self._conversation.id if self._conversation else None)

    async def _go(self, conversation_id: str | None) -> bool:
        """Show another conversation, or a new one; `False` if the person has gone on to yet another one meanwhile."""
        self._visit += 1
        visit, seen = self._visit, self._counter.value
        try:
            conversation, history = await self._read(conversation_id)
        except NotFound:
            self._sidebar.select(self._conversation.id if self._conversation else '')  # the list was ahead of us
            raise
        if visit != self._visit:
            return False
        self._conversation = conversation
        self._show_thread(history)
        if self._counter.value != seen:  # something ended between the rows and now
            await self._refresh_thread()
        return True

    # the list

    async def _list(self, *, after: str = '') -> list[Conversation]:
        cursor = None
        if after:
            cursor = (await self._conversation_of(after)).cursor
        return await self._services.store.read(
            conversations.page,
            user_id=self._principal.user_id,
            app=self._app.slug,
            search=self._search,
            before=cursor,
            limit=ROWS,
        )

    def _show_list(self, listed: list[Conversation]) -> None:
        rows = [self._row(conversation) for conversation in listed]
        self._rows = {row.id: row for row in rows}
        self._sidebar.show(rows, more=len(rows) == ROWS, search=self._search)

    def _row(self, conversation: Conversation) -> Row:
        running = conversation.id in self._services.generations.running.value
        return views.row_view(conversation, running=running)

    async def _find(self, text: str) -> None:
        self._search = text
        listed = await self._list()
        if text == self._search:
            self._show_list(listed)

    async def _more(self, last: str, search: str) -> None:
        if search != self._search:
            return
        rows = [self._row(conversation) for conversation in await self._list(after=last)]
        if search != self._search:
            return
        self._rows |= {row.id: row for row in rows}
        self._sidebar.extend(rows, more=len(rows) == ROWS, search=search)

    async def _rename(self, conversation_id: str, title: str) -> None:
        try:
            await self._services.store.write(
                conversations.rename,
                user_id=self._principal.user_id,
                conversation_id=conversation_id,
                title=title,
            )
        finally:
            self._rows.pop(conversation_id, None)  # the list shows the wish already: send it as it is
            self._services.changes.bump(self._principal.user_id)

    async def _delete(self, conversation_id: str) -> None:
        await self._services.generations.delete_conversation(self._principal, conversation_id)
        if self._conversation and self._conversation.id == conversation_id:
            await self._new()

    # what changes elsewhere: another tab, a title, an answer

    async def _keep_fresh(self, seen: int) -> None:
        """:param seen: the counter as it was before anything was read"""
        while True:
            await self._counter.after(seen)
            await asyncio.sleep(FLURRY_SECONDS)
            seen = self._counter.value
            try:
                await self._refresh()
            except AppError as error:
                logger.warning('a page could not be kept fresh: %s', error)

    async def _refresh(self) -> None:
        await self._refresh_list()
        await self._refresh_thread()

    async def _refresh_list(self) -> None:
        search = self._search
        listed = await self._list()
        if search != self._search:
            return
        fresh = {conversation.id: self._row(conversation) for conversation in listed}
        for row in fresh.values():
            if self._rows.get(row.id) != row:
                self._sidebar.upsert(row)
        oldest = min((row.updated for row in fresh.values()), default=0.0) if len(listed) == ROWS else 0.0
        for row in list(self._rows.values()):
            if row.id not in fresh and row.updated >= oldest:
                self._sidebar.discard(row.id)
                del self._rows[row.id]
        self._rows |= fresh

    async def _refresh_thread(self) -> None:
        if self._conversation is None:
            return
        visit, conversation_id = self._visit, self._conversation.id
        try:
            conversation = await self._conversation_of(conversation_id)
            history = await self._history(conversation_id)
        except NotFound:  # deleted in another tab
            if visit == self._visit:
                await self._new()
            return
        if visit != self._visit:
            return
        self._conversation = conversation
        self._drop_missing(history)
        for message in history:
            known = self._shown.get(message.id)
            if known is None:
                self._add(message)
            elif message.id not in self._followings and message.reply != known.reply:
                self._shown[message.id] = message
                self._thread.update(self._view(message))
                self._follow(message)
        self._set_title()
        self._set_state()

    def _drop_missing(self, history: list[Message]) -> None:
        """A question that was asked again may have taken the place of its failed answer."""
        present = {message.id for message in history}
        oldest = history[0].number if len(history) == MESSAGES else 0
        for message in list(self._shown.values()):
            if message.number >= oldest and message.id not in present:
                self._thread.discard(message.id)
                del self._shown[message.id]

    async def _greet(self) -> None:
        """Ask the app what it says of itself, unless it has said so lately; the page does not wait for it."""
        before = self._app.known
        try:
            await self._app.about()
        except UpstreamError as error:
            self._frame.show_banner(Banner('upstream', i18n.error(error.code), 'error', closable=True))
            return
        if self._app.known is before:
            return
        self._frame.set_name(self._app.name or self._services.name)
        self._set_title()
        if self._conversation is None and not self._shown:
            self._thread.show([], greeting=views.greeting_view(self._app))

    # the frame

    def _announce(self) -> None:
        notices = {'banner.demo': self._app.is_demo, 'banner.local': self._services.is_local}
        if text := ' '.join(i18n.t(key) for key, is_so in notices.items() if is_so):
            self._frame.show_banner(Banner('setup', text, closable=True))

    def _links(self) -> list[Link]:
        return [Link(app.name or app.slug, views.address(app.slug), app is self._app) for app in self._services.apps]

    def _set_title(self) -> None:
        name = self._app.name or self._services.name
        title = self._conversation.title if self._conversation else ''
        self._frame.set_title(f'{title} · {name}' if title else name)

    def _set_state(self) -> None:
        running = any(not f.generation.reply.status.is_final for f in self._followings.values())
        self._composer.set_state('running' if running else 'ready')

    def _tell(self, error: AppError) -> None:
        logger.info('refused: %s', error)
        self._frame.show_banner(Banner('refusal', i18n.error(error.code), 'warning', closable=True))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = background_tasks.create(work, name='chat page')
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _leave(self) -> None:
        for task in list(self._tasks):
            task.cancel()
