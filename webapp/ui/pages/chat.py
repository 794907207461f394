"""The chat page: list of conversations, thread, composer. It loads values, shows them and passes wishes on."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

from fastapi import Request
from nicegui import background_tasks, ui
from nicegui.client import Client
from starlette.responses import Response

from webapp.apps import App
from webapp.belongings import Belongings
from webapp.chat.message import Reply, Status
from webapp.edge import policy
from webapp.embedding.passes import Purpose
from webapp.errors import AppError, FormUnfit, NotFound, Refused, UpstreamError
from webapp.files.written import without_addresses
from webapp.principal import Principal
from webapp.services import Services
from webapp.store import conversations
from webapp.store.conversations import Conversation
from webapp.store.feedback import Rating
from webapp.store.limits import Scope
from webapp.store.messages import Message
from webapp.ui import app_views, failures, i18n, open_pages, persons, refusals, sites, theme, views
from webapp.ui.asking import Asking
from webapp.ui.board import Board
from webapp.ui.budget_warnings import BudgetWarnings
from webapp.ui.components.composer import Composer
from webapp.ui.components.conversations import Conversations
from webapp.ui.components.host import Host
from webapp.ui.components.inputs import Inputs
from webapp.ui.components.thread import Thread
from webapp.ui.form_views import asked_rules
from webapp.ui.hearing import REFUSAL, Hearing
from webapp.ui.history import History, Page
from webapp.ui.introduction import Introduction
from webapp.ui.kept import KeptAnswers
from webapp.ui.listing import Listing
from webapp.ui.live import LiveAnswers
from webapp.ui.page import page
from webapp.ui.reading import Reading
from webapp.ui.sites import Site
from webapp.ui.step_looks import StepLooks
from webapp.ui.theme import AppLink, Frame
from webapp.ui.views import Reader

logger = logging.getLogger(__name__)

T = TypeVar('T')

RATINGS: dict[str, Rating | None] = {'like': 'like', 'dislike': 'dislike', '': None}
FLURRY_SECONDS = 0.4  # changes come in flurries, and words go first


def register(services: Services) -> None:
    """Declare the addresses of the chat page."""
    answers, kept = LiveAnswers(), KeptAnswers()

    async def show(
        principal: Principal, slug: str | None, conversation_id: str | None, query: str = '', within: Site | None = None
    ) -> Response | None:
        try:
            app = services.apps.open(principal, slug) if slug else _first(services.apps.of(principal))
            chat = ChatPage(services, answers, kept, principal, app, within=within)
            await chat.build(conversation_id, query)
        except (NotFound, Refused) as error:
            client = ui.context.client
            open_pages.drop(client)  # no page comes of it, so nobody would ever connect
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

    async def gate(request: Request) -> Principal:
        return await sites.gate(services, request)

    @page('/embed/{embed}/chat', gate=gate)
    async def within_a_site(principal: Principal, request: Request, embed: str) -> Response | None:
        site = Site.of(services.embedding.embeds.get(embed), principal, request)
        return await show(principal, principal.app, await site.conversation(services, principal), within=site)


class ChatPage(Hearing):
    """One open page: what it shows, and what its person does.

    :param within: the other site whose page it stands in; None if it stands by itself
    """

    def __init__(
        self,
        services: Services,
        answers: LiveAnswers,
        kept: KeptAnswers,
        principal: Principal,
        app: App,
        *,
        within: Site | None,
    ) -> None:
        super().__init__(services, principal)
        self._answers = answers
        self._belongings = Belongings(services.store, services.apps)
        self._history = History(services, kept, self._who)
        self._app = app
        self._step_look = StepLooks(app)
        self._within = within
        self._host: Host | None = None
        self._client: Client = ui.context.client
        self._sending = asyncio.Lock()
        self._changed = services.changes.of(principal.user_id)
        self._tasks: set[asyncio.Task[None]] = set()

    async def build(self, conversation_id: str | None, query: str) -> None:
        """Build the page around a conversation, or a new one.

        :raises NotFound: no such conversation of this person's with this app
        """
        open_pages.require(self._app.admits)
        seen, told = self._changed.value, self._app.told.value
        conversation, shown = await self._read(conversation_id)
        services, app = self._services, self._app
        with self._around(conversation_id) as self._frame:
            with self._frame.sidebar:
                self._sidebar = Conversations(new_href=self._address())
            self._thread = Thread()
            with self._thread:
                self._form = Inputs()
            self._composer = Composer()
            # what a page may use is said with its address, and for good; of some apps nothing is known by then
            may_hear = app.known is None or views.hears(app)
            if may_hear:
                policy.grant(self._client.request, 'microphone')
            self._introduction = Introduction(
                app,
                self._frame,
                self._composer,
                self._thread,
                may_hear=may_hear,
                links=services.files.takes_links,
                on_told=self._introduce,
            )
            self._introduction.show()
            if self._within:
                self._host = self._within.host()
        self._listing = Listing(services, self._sidebar, who=self._who, app=app.slug, href=self._address)
        self._reading = Reading(
            services,
            self._answers,
            self._history,
            self._thread,
            self._principal,
            reader=self._reader(),
            on_end=self._ended,
        )
        self._asking = Asking(self._form, app, self._reader().file_url, links=services.files.takes_links)
        self._listen()
        self._introduction.announce(is_local=services.is_local and not self._within)
        self._warnings = BudgetWarnings(services.budgets, self._frame, app.slug)
        board = Board(services.notices, self._frame)
        await board.hang()
        await self._listing.show()
        self._show(conversation, shown)
        if query:
            self._composer.set_text(query)
        self._client.on_connect(self._hear(self._see))
        self._client.on_delete(self._leave)
        self._spawn(self._keep_fresh(seen))
        self._spawn(self._introduction.follow(told))
        self._spawn(self._introduction.greet())
        self._spawn(self._dress())
        self._spawn(self._warnings.look(self._principal))
        self._spawn(board.follow())

    def _around(self, conversation_id: str | None) -> AbstractContextManager[Frame]:
        name, brand = self._app.name or self._services.name, app_views.brand(self._app)
        if self._within:
            return self._within.frame(name, brand)
        person = persons.shown(self._services, self._principal, self._address(conversation_id))
        person = replace(person, reloads=self._principal.is_admin)
        return theme.frame(name=name, apps=self._links(), person=person, brand=brand)

    def _reader(self) -> Reader:
        return Reader(
            self._principal.is_admin,
            sees_usage=self._within is None or self._within.embed.usage,
            file_url=partial(self._services.embedding.passes.file, self._principal),
            step_look=self._step_look,
            app=self._app.slug,
            asked_rules=partial(asked_rules, self._app, links=self._services.files.takes_links),
        )

    def _address(self, conversation_id: str | None = None) -> str:
        if self._within:
            return self._within.address(conversation_id)
        return views.address(self._app.slug, conversation_id)

    def _listen(self) -> None:
        hear = self._hear
        self._composer.on_send(hear(self._send))
        self._composer.on_link(hear(self._link))
        self._composer.on_stop(hear(self._stop))
        self._form.on_fill(self._take_values)
        self._form.on_again(hear(self._begin_again))
        self._thread.on_action(hear(self._act))
        self._thread.on_edit(hear(self._edit))
        self._thread.on_choose(hear(self._choose))
        self._thread.on_ask(hear(self._ask))
        self._thread.on_answer(hear(self._answer))
        self._thread.on_copy(hear(self._reading.copied))
        self._thread.on_question(hear(self._reading.question))
        self._thread.on_pieces(hear(self._pieces))
        self._thread.on_sources(hear(self._reading.citations))
        self._thread.on_feedback(hear(self._rate))
        self._thread.on_earlier(hear(self._reading.earlier))
        self._thread.on_lost(hear(self._reading.send_again))
        self._thread.on_ready(hear(self._reopen))
        self._sidebar.on_open(hear(self._open))
        self._sidebar.on_new(hear(self._new))
        self._sidebar.on_rename(hear(self._listing.rename))
        self._sidebar.on_delete(hear(self._delete))
        self._sidebar.on_search(hear(self._search))
        self._sidebar.on_more(hear(self._listing.more))
        self._frame.on_travel(hear(self._travel))
        self._frame.on_apps(hear(self._look_around))
        self._frame.on_reload(hear(self._reload))
        if self._host:
            self._host.on_send(hear(self._send_for_host))
            self._host.on_new(hear(self._new))
            self._host.on_inputs(hear(self._set_inputs))
            self._host.on_pass(hear(self._give_pass))
            self._host.on_leave(hear(self._leave_site))
            self._frame.on_leave(hear(self._leave_site))

    def _who(self) -> Principal:
        return self._principal

    def _require(self) -> None:
        self._services.apps.open(self._principal, self._app.slug)

    # sending and stopping

    async def _send(self, text: str, key: str, files: Sequence[str] = (), held: str = '') -> None:
        """:param held: where a text is that was too long for the socket, '' for one that has come with it"""
        visit = self._reading.visit
        async with self._sending:  # the second of two quick ones finds the conversation that the first has begun
            conversation = self._reading.conversation
            try:
                values = None if conversation else self._asking.values()
                query = await self._services.files.take_text(self._principal, held) if held else text
                message = await self._services.generations.start(
                    self._principal,
                    app=self._app.slug,
                    conversation_id=conversation.id if conversation else None,
                    query=query,
                    key=key,
                    files=files,
                    inputs=values,
                )
            except Exception as error:  # whatever it was, the words stay in the composer
                spent = isinstance(error, AppError) and error.code == 'file_gone'
                self._composer.refused(key, spent=spent)
                if isinstance(error, FormUnfit) and self._reading.is_empty:
                    self._asking.refuse(error)
                raise
            self._composer.accepted(key)
            if conversation is None:
                self._asking.accepted()
            self._frame.hide_banner(REFUSAL)
            self._tell_host('user', message.conversation_id, 'complete', query)
            await self._join(message, visit)

    def _take_values(self, values: str, number: int) -> Awaitable[object]:
        """What stands in the form; at once, for the question that comes right behind must find it."""
        self._asking.take(values, number)
        return self._hear(self._see)()

    async def _ask(self, text: str, key: str) -> None:
        """A suggested question is a question."""
        await self._send(text, key)

    async def _pieces(self, message_id: str) -> list[str]:
        return await self._services.speech.pieces(self._principal, message_id)

    async def _join(self, message: Message, visit: int) -> None:
        """Show a message that has just begun, unless the person has gone elsewhere since `visit`."""
        if self._reading.conversation is None and visit == self._reading.visit:
            conversation = await self._conversation(message.conversation_id)
            if visit == self._reading.visit:
                self._reading.conversation = conversation
                self._visit(conversation.id)
                self._composer.set_draft_key(conversation.id)
                self._asking.show(conversation)
                self._sidebar.select(conversation.id)
        await self._reading.add(message, own=True)
        self._set_state()
        if not self._reading.running:
            await self._see()

    async def _ended(self, reply: Reply) -> None:
        self._set_state()
        self._tell_host('assistant', self._here, reply.status, without_addresses(reply.text))
        if reply.status is Status.COMPLETE:
            self._introduction.is_there()
            await self._introduction.greet()
        await self._warnings.look(self._principal)

    async def _link(self, ticket: int, url: str) -> None:
        try:
            file = await self._services.files.link(self._principal, app=self._app.slug, url=url)
        except (Refused, UpstreamError) as error:
            logger.info('refused: %s', error)
            self._composer.not_linked(ticket, failures.words(error))
            return
        taken = {'id': file.id, 'name': file.name, 'kind': file.kind, 'size': file.size, 'link': file.link}
        self._composer.linked(ticket, taken)

    async def _stop(self) -> None:
        for message_id in self._reading.running:
            with contextlib.suppress(NotFound):  # it ended in this very moment
                await self._services.generations.stop(self._principal, message_id)

    async def _act(self, name: str, message_id: str, key: str) -> None:
        if name in {'retry', 'regenerate'}:
            visit = self._reading.visit
            message = await self._services.generations.retry(self._principal, message_id=message_id, key=key)
            await self._join(message, visit)
            await self._refresh({message.conversation_id: True})

        if name == 'stop':
            await self._services.generations.stop(self._principal, message_id)

    async def _answer(self, message_id: str, form_id: str, action: str, values: str, key: str) -> None:
        """What the app asked in the middle of an answer."""
        try:
            await self._services.generations.answer(
                self._principal,
                message_id=message_id,
                form_id=form_id,
                action=action,
                values=_object(values),
                key=key,
            )
        except Exception:  # whatever it was, what was written stays
            self._thread.reopen(message_id)
            raise

    async def _edit(self, message_id: str, text: str, key: str, held: str) -> None:
        visit = self._reading.visit
        query = await self._services.files.take_text(self._principal, held) if held else text
        message = await self._services.generations.retry(self._principal, message_id=message_id, key=key, query=query)
        self._frame.hide_banner(REFUSAL)
        self._tell_host('user', message.conversation_id, 'complete', query)
        await self._join(message, visit)
        await self._refresh({message.conversation_id: True})

    async def _choose(self, message_id: str) -> None:
        await self._services.generations.choose(self._principal, message_id=message_id)
        self._frame.hide_banner(REFUSAL)
        await self._refresh_thread()

    async def _rate(self, message_id: str, rating: str, comment: str) -> None:
        if rating not in RATINGS:
            return
        try:
            await self._services.feedback.rate(self._principal, message_id, RATINGS[rating], comment)
        except Exception:
            await self._reading.send_again(message_id)  # the browser shows the wish already
            raise
        self._services.changes.bump(self._principal.user_id, self._here)

    async def _search(self, text: str) -> None:
        if text:
            await self._services.throttle.person(Scope.SEARCHES, self._principal)
        await self._listing.show(text)

    # going from one conversation to another, without leaving the page

    async def _read(self, conversation_id: str | None) -> tuple[Conversation | None, Page]:
        """A conversation, from now on read, and its newest messages; nothing for a new one."""
        if conversation_id is None:
            return None, Page()
        conversation = await self._conversation(conversation_id)
        if conversation.app != self._app.slug:
            raise NotFound
        shown = await self._history.page(conversation_id)
        if conversation.unread:
            conversation = await self._mark_read(conversation)
        return conversation, shown

    async def _see(self) -> None:
        """What became unread before this page watched it, or while it had no browser, is seen now."""
        conversation, visit = self._reading.conversation, self._reading.visit
        if conversation and conversation.unread and self._client.has_socket_connection:
            read = await self._mark_read(conversation)
            if visit == self._reading.visit:
                self._reading.conversation = read

    async def _mark_read(self, conversation: Conversation) -> Conversation:
        user_id = self._principal.user_id
        await self._services.store.write(conversations.mark_read, user_id=user_id, conversation_id=conversation.id)
        self._services.changes.bump(user_id, conversation.id, messages=False)
        return replace(conversation, unread=False)

    async def _conversation(self, conversation_id: str) -> Conversation:
        return await self._belongings.conversation(self._principal, conversation_id)

    def _show(self, conversation: Conversation | None, shown: Page) -> None:
        conversation_id = conversation.id if conversation else ''
        # first, for whoever sees the other conversation may type at once
        self._composer.set_draft_key(conversation_id or self._draft_of_new)
        self._reading.show(conversation, shown, None if conversation else views.greeting_view(self._app))
        self._asking.show(conversation)
        self._sidebar.select(conversation_id)
        self._set_title()
        self._set_state()
        self._spawn(self._reading.add_up())

    async def _open(self, conversation_id: str) -> None:
        if await self._go(conversation_id):
            self._visit(conversation_id)

    async def _new(self) -> None:
        if await self._go(None):
            self._visit()
            self._composer.focus()

    async def _begin_again(self) -> None:
        """A new conversation, with the values of this one to begin from."""
        conversation = self._reading.conversation
        if conversation and await self._go(None):
            self._visit()
            self._asking.fill_again(conversation)

    async def _travel(self, path: str) -> None:
        """The browser went back or forward."""
        prefix = f'{views.address(self._app.slug)}/c/'
        try:
            await self._go(path.removeprefix(prefix) if path.startswith(prefix) else None)
        except NotFound:
            self._visit(self._here or None, replace=True)
            raise

    def _visit(self, conversation_id: str | None = None, *, replace: bool = False) -> None:
        """Within another site's page the way back is that page's own."""
        self._frame.visit(self._address(conversation_id), replace=replace or self._within is not None)

    async def _reopen(self) -> None:
        """The browser has built the thread anew."""
        await self._go(self._here or None)

    async def _delete(self, conversation_id: str) -> None:
        await self._services.generations.delete_conversation(self._principal, conversation_id)
        if self._here == conversation_id:
            await self._new()

    async def _go(self, conversation_id: str | None) -> bool:
        """Show another conversation, or a new one; `False` if the person has gone on to yet another one meanwhile."""
        self._reading.leave()
        visit, seen = self._reading.visit, self._changed.value
        try:
            conversation, shown = await self._read(conversation_id)
        except NotFound:
            self._sidebar.select(self._here)  # the list was ahead of us
            raise
        if visit != self._reading.visit:
            return False
        self._show(conversation, shown)
        if self._changed.value != seen:  # something ended between the rows and now
            await self._refresh_thread()
        return True

    @property
    def _draft_of_new(self) -> str:
        """It names the person, for one browser may be several people's. The local person has theirs to themselves."""
        whose = '' if self._services.is_local and not self._within else f':{self._principal.user_id}'
        return f'new:{self._app.slug}{whose}'

    @property
    def _here(self) -> str:
        """Id of the conversation on the page, '' for a new one."""
        return self._reading.conversation.id if self._reading.conversation else ''

    # what changes elsewhere: another tab, a title, an answer

    async def _keep_fresh(self, seen: int) -> None:
        """:param seen: the count of changes as it was before anything was read"""
        while True:
            await self._changed.after(seen)
            await asyncio.sleep(FLURRY_SECONDS)
            changed, seen = self._changed.since(seen), self._changed.value
            try:
                await self._refresh(changed)
            except AppError as error:
                logger.warning('a page could not be kept fresh: %s', error)
            except Exception:  # a bug: the next change may fare better
                logger.exception('a page could not be kept fresh')

    async def _refresh(self, changed: Mapping[str, bool] | None) -> None:
        await self._listing.refresh(changed)
        if changed is None or self._here in changed:
            await self._refresh_thread(messages=changed is None or changed[self._here])

    async def _refresh_thread(self, *, messages: bool = True) -> None:
        if self._reading.conversation is None:
            return
        visit = self._reading.visit
        try:
            conversation = await self._conversation(self._here)
            if messages and visit == self._reading.visit:
                await self._reading.refresh(conversation.id)
        except NotFound:  # deleted in another tab
            if visit == self._reading.visit:
                self._composer.carry()
                await self._new()
                self._tell(i18n.t('banner.deleted'))
            return
        if visit == self._reading.visit:
            self._reading.conversation = conversation
            self._set_title()
            self._set_state()
            self._reading.suggest()
            await self._see()

    def _introduce(self) -> None:
        """The app has said something else of itself."""
        self._frame.set_name(self._app.name or self._services.name)
        self._set_title()
        if self._reading.is_empty:
            self._thread.show([], greeting=views.greeting_view(self._app))
        self._asking.refresh(self._reading.conversation)

    async def _dress(self) -> None:
        """Ask the app how it wants its steps to be shown, unless it has said so lately."""
        before = self._step_look()
        with contextlib.suppress(UpstreamError):  # it is told elsewhere
            await self._app.about()
        await self._app.toolbox.ask()
        if self._step_look() != before:
            await self._reading.show_again()

    # the page of another site around this one

    def _tell_host(self, role: str, conversation_id: str, status: str, text: str) -> None:
        if self._host and self._within:
            self._host.message(role, status, conversation_id, text if self._within.embed.share_text else None)

    async def _send_for_host(self, text: str) -> None:
        assert self._host is not None
        try:
            await self._send(text, f'host-{uuid4().hex}')
        except AppError as error:
            self._host.error(error.code, failures.words(error))
            raise

    async def _set_inputs(self, values: str) -> None:
        """What the next new conversation begins with. What is wrong with it, the host is to know, not the visitor."""
        assert self._host is not None
        try:
            await self._app.about()
            self._asking.fill_for_host(values)
        except AppError as error:
            self._host.error(error.code, error.detail or failures.words(error))
        if self._reading.is_empty:
            self._asking.refresh(None)

    async def _give_pass(self, call: int, purpose: str, object_id: str) -> None:
        assert self._host is not None
        if purpose not in set(Purpose):
            raise NotFound
        self._host.give(call, self._services.embedding.passes.query(self._principal, Purpose(purpose), object_id))

    async def _leave_site(self) -> None:
        await self._services.sessions.sign_out(self._principal)
        open_pages.close(self._principal.session_id)

    # the frame

    def _links(self) -> list[AppLink]:
        theirs = self._services.apps.of(self._principal)
        return [app_views.link(app, href=views.address(app.slug), is_current=app is self._app) for app in theirs]

    async def _look_around(self) -> None:
        """How the apps are doing now, for somebody who chooses one."""
        if not self._within:
            self._frame.set_apps(self._links())

    async def _reload(self) -> None:
        if not self._principal.is_admin:
            raise NotFound
        await self._introduction.ask_anew()

    def _set_title(self) -> None:
        name = self._app.name or self._services.name
        title = self._reading.conversation.title if self._reading.conversation else ''
        self._frame.set_title(f'{title} · {name}' if title else name)

    def _set_state(self) -> None:
        self._composer.set_state('running' if self._reading.running else 'ready')

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = background_tasks.create(work, name='chat page')
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _leave(self) -> None:
        self._reading.close()
        for task in list(self._tasks):
            task.cancel()


def _object(text: str) -> dict[str, object]:
    """:raises Refused: it is none"""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused('form_unfit', status=400)
    return found


def _first(apps: Sequence[App]) -> App:
    """:raises Refused: there is none for this person"""
    if not apps:
        raise Refused('no_apps', status=403)
    return apps[0]
