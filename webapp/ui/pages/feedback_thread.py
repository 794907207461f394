"""`/admin/feedback/{id}`: a rated answer in its conversation, to be read by those who may, which is written down."""

from dataclasses import dataclass, replace
from datetime import datetime

from nicegui import ui
from starlette.responses import Response

from webapp.chat.message import TextPart
from webapp.errors import NotFound, Refused
from webapp.files.written import without_addresses
from webapp.principal import Principal, Role
from webapp.services import Services
from webapp.store import feedback_queue as queue, feedback_thread as threads, labels
from webapp.store.feedback_thread import Thread
from webapp.store.messages import Message
from webapp.ui import feedback_view, i18n, open_pages, refusals
from webapp.ui.components.turn import Question
from webapp.ui.feedback_asked import PATH
from webapp.ui.kept import KeptAnswers
from webapp.ui.page import page
from webapp.ui.pages.feedback import FeedbackPage
from webapp.ui.sheets import SheetPage, written
from webapp.ui.usage_view import BAD, outcome

CAPACITY = 500_000  # characters of HTML that are remembered


def register(services: Services) -> None:
    kept = KeptAnswers(CAPACITY)

    @page(f'{PATH}/{{feedback}}', role=Role.ADMIN, is_told=True)
    async def thread(principal: Principal, feedback: str) -> Response | None:
        open_pages.require(lambda now: now.is_reader)
        try:
            await FeedbackThreadPage(services, principal, kept, feedback).open()
        except NotFound as error:
            client = ui.context.client
            open_pages.drop(client)
            return refusals.refused(client.request, error)
        return None


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer, as they are read."""

    number: int
    at: datetime
    question: Question
    files: str
    html: str
    made: str
    outcome: str  # '' if there is nothing to say of it
    is_rated: bool


class FeedbackThreadPage(SheetPage):
    SHEETS = FeedbackPage.SHEETS

    def __init__(self, services: Services, principal: Principal, kept: KeptAnswers, feedback_id: str) -> None:
        super().__init__(services, principal, Role.ADMIN)
        self._kept = kept
        self._feedback_id = feedback_id
        self._thread: Thread | None = None

    def _require(self) -> None:
        super()._require()
        if not self._principal.is_reader:
            raise NotFound

    async def open(self) -> None:
        """Build the page.

        :raises NotFound: there is no such rating of an answer of ours, or it is not for them
        """
        self._require()
        await self.build(i18n.t('queue.one'), i18n.t('admin.title'))

    async def render(self) -> str:
        """As it stands now; what was not read before is written down."""
        thread = self._thread = await self._services.store.write(
            threads.read, feedback_id=self._feedback_id, known=self._thread, **self._doing
        )
        rated = thread.rated
        called = await self._services.store.read(labels.called, ids=feedback_view.people([rated]))
        names = {app.slug: app.name or app.slug for app in self._services.apps}
        return written(
            'feedback_thread.html',
            rated=feedback_view.view(rated, called, names),
            title=thread.title,
            owner=feedback_view.person(rated.user_id, called),
            turns=[await self._turn(each, rated.message_id) for each in thread.messages],
            has_earlier=thread.has_earlier,
            has_later=thread.has_later,
            back=PATH,
        )

    async def act(self, name: str, of: str) -> None:
        feedback_id, state, seen = feedback_view.decision(name, of)
        if feedback_id != self._feedback_id:
            raise NotFound
        try:
            await self._services.store.write(
                queue.set_state, feedback_id=feedback_id, state=state, seen=seen, **self._doing
            )
        except Refused:
            await self.refresh()
            raise
        await self.refresh(said=i18n.t('queue.marked', state=i18n.t('queue.state_' + state)))

    async def _turn(self, message: Message, rated_id: str) -> Turn:
        status = message.reply.status
        return Turn(
            number=message.number,
            at=message.created_at,
            question=Question.of(message.query),
            files=', '.join(file.name for file in message.files),
            html=await self._kept.html(_without_files(message)),  # these are for their owner
            made=', '.join(file.name for file in message.made),
            outcome=outcome(status) if status in BAD else '',
            is_rated=message.id == rated_id,
        )


def _without_files(message: Message) -> Message:
    """With the words of links to files in the place of these."""
    parts = (
        replace(part, text=without_addresses(part.text)) if isinstance(part, TextPart) else part
        for part in message.reply.parts
    )
    return replace(message, reply=replace(message.reply, parts=tuple(parts)))
