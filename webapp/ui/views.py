"""Rows and replies as what a person sees of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from webapp import files, markdown
from webapp.apps import App
from webapp.chat.form import Field
from webapp.chat.message import FilePart, FormPart, Part, Reply, Status, Usage
from webapp.files.content import INLINE, PICTURES
from webapp.generations import Progress
from webapp.store.conversations import Conversation
from webapp.store.files import File
from webapp.store.messages import Message
from webapp.store.usage import Total
from webapp.ui import app_views, i18n
from webapp.ui.asked import asked_views
from webapp.ui.components.composer import UploadRules
from webapp.ui.components.conversations import Row
from webapp.ui.components.steps import StepLook
from webapp.ui.components.thread import FileView, Greeting, MessageView, Speaks, UsageView
from webapp.ui.numbers import count, price, seconds

RETRYABLE = {Status.FAILED, Status.INTERRUPTED}


def no_files(_: Field) -> UploadRules:
    return UploadRules('', '', (), (), 0, {}, files=False)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads.

    :ivar is_admin: is told what has failed, in technical terms
    :ivar sees_usage: is told what answers cost
    :ivar file_url: where their browser finds a file, by its id
    :ivar step_look: how the app that they read wants its steps to be shown, as far as it has said so by now
    :ivar app: slug of the app that they read, to which they may hand files
    :ivar asked_rules: which of them a field takes that is asked in the middle of an answer
    """

    is_admin: bool = False
    sees_usage: bool = True
    file_url: Callable[[str], str] = files.address
    step_look: Callable[[], StepLook] = StepLook
    app: str = ''
    asked_rules: Callable[[Field], UploadRules] = no_files


def message_view(message: Message, *, html: str = '', reader: Reader) -> MessageView:
    """A message as it was kept.

    :param html: its text, as `KeptAnswers.html` gives it; '' for a page that has it already
    """
    return _view(message, message.reply, html=html, reasoning=message.reply.reasoning, reader=reader)


def progress_view(message: Message, progress: Progress, *, reader: Reader) -> MessageView:
    """A message that is being written, without its text: that comes as patches."""
    phase, place = (progress.phase.value, progress.place) if progress.reply.status is Status.RUNNING else ('', 0)
    return _view(message, progress.reply, phase=phase, place=place, reader=reader)


def version(reply: Reply) -> int:
    """Tells the text of a final answer from any other; 0 while it may change."""
    return hash(reply.sections[-1].text) if reply.status.is_final else 0


def row_view(conversation: Conversation, *, href: str, running: bool) -> Row:
    return Row(
        id=conversation.id,
        title=conversation.title,
        href=href,
        updated=conversation.updated_at.timestamp(),
        running=running,
        unread=conversation.unread,
        title_state=conversation.title_state,
    )


def greeting_view(app: App) -> Greeting:
    """What stands in an empty thread: more, once the app has said it."""
    title = app.branding.welcome or i18n.t('thread.greeting')
    if app.known is None:
        return Greeting(title)
    parameters = app.known.parameters
    opening = parameters.opening_statement
    html = markdown.render(opening, scope='opening-') if opening else ''
    questions = tuple(question for question in parameters.suggested_questions if question.strip())
    return Greeting(title, html, questions, app_views.fine_print(app))


def upload_rules(app: App, *, links: bool = False) -> UploadRules | None:
    """Which files the app takes from people; `None` for none, and while it has not said so.

    :param links: this instance lets people attach links
    """
    uploads = app.known.parameters.uploads if app.known else None
    if uploads is None:
        return None
    takes_files = uploads.is_enabled and 'local_file' in uploads.methods
    takes_links = links and files.takes_links(uploads)
    if not (takes_files or takes_links):
        return None
    return UploadRules(
        app=app.slug,
        files=takes_files,
        links=takes_links,
        accept=files.accept(uploads),
        kinds=uploads.types,
        extensions=uploads.extensions,
        per_message=uploads.per_message,
        megabytes=uploads.megabytes,
    )


def hears(app: App) -> bool:
    """Whether it is known to take speech."""
    return app.known is not None and app.known.parameters.hears


def speaks(app: App) -> Speaks:
    """Whether it is known to read its answers aloud, and whether it does so unasked."""
    speech = app.known.parameters.speech if app.known else None
    if speech is None or not speech.is_enabled:
        return ''
    return 'always' if speech.is_automatic else 'asked'


def address(app: str, conversation_id: str | None = None) -> str:
    return f'/a/{app}/c/{conversation_id}' if conversation_id else f'/a/{app}'


def usage_view(usage: Usage | None) -> UsageView:
    """What an answer cost: a dash for what nobody reported."""
    total = _price(usage.total_price, usage.currency) if usage else None
    if usage is None or not (usage.total_tokens or total):
        return UsageView(i18n.t('usage.unknown'))
    facts = {
        'usage.tokens_in': _tokens(usage.prompt_tokens),
        'usage.tokens_out': _tokens(usage.completion_tokens),
        'usage.tokens_total': _tokens(usage.total_tokens),
        'usage.price_in': _price(usage.prompt_price, usage.currency),
        'usage.price_out': _price(usage.completion_price, usage.currency),
        'usage.price_total': total,
        'usage.first_token': _seconds(usage.time_to_first_token),
        'usage.latency': _seconds(usage.latency),
    }
    unknown = i18n.t('usage.unknown')
    return UsageView(
        line=_line(usage.total_tokens, [total] if total else []),
        facts=tuple((i18n.t(label), value or unknown) for label, value in facts.items()),
    )


def sum_line(totals: Sequence[Total]) -> Markup:
    """What a conversation cost so far, each currency by itself; '' while there is nothing to add up."""
    answers = sum(total.answers - total.unknown for total in totals)  # of those whose cost was reported
    tokens = sum(total.total_tokens for total in totals)
    if answers < 2 or not tokens:
        return Markup()
    prices = [found for total in totals if (found := _price(total.price, total.currency))]
    return i18n.fill('usage.sum', line=_line(tokens, prices), answers=count(answers))


def file_view(file: File, reader: Reader) -> FileView:
    return FileView(
        id=file.id,
        name=file.name or i18n.t('thread.unnamed_file'),
        kind='link' if file.link else _kind(file.kind, file.media_type),
        url='' if file.link else reader.file_url(file.id),
        size=file.size,
        media_type=file.media_type,
        width=file.width,
        height=file.height,
        is_gone=file.is_gone,
        link=file.link,
    )


def _made(message: Message, reply: Reply, reader: Reader) -> tuple[FileView, ...]:
    """Files of an answer, as soon as it names them: their address is known before their bytes are here.

    Those that stand in its text are not shown beside it again.
    """
    parts = [(files.made_id(message.id, part), part) for part in reply.parts if isinstance(part, FilePart)]
    text = reply.text if parts else ''
    kept = {file.id: file_view(file, reader) for file in message.made}
    beside = [(id_, part) for id_, part in parts if not part.is_written and files.address(id_) not in text]
    return tuple(kept.get(id_) or _announced(reader.file_url(id_), part) for id_, part in beside)


def _announced(url: str, part: FilePart) -> FileView:
    """What upstream says of a file that we have not read yet."""
    return FileView(
        id=part.id,
        name=part.name or i18n.t('thread.unnamed_file'),
        kind=_kind(part.type, part.mime_type),
        url=url,
        size=part.size,
        media_type=part.mime_type,
    )


def _kind(kind: str, media_type: str) -> str:
    """What is not served to be shown in place is a download like any other."""
    if kind == 'image':
        return 'image' if media_type in PICTURES else 'document'
    return kind if media_type in INLINE else 'document'


def _line(tokens: int | None, prices: list[Markup]) -> Markup:
    together = Markup(' + ').join(prices)
    if not tokens:
        return together
    line = i18n.fill('usage.tokens', tokens=count(tokens))
    return i18n.fill('usage.priced', tokens=line, price=together) if together else line


def _tokens(number: int | None) -> Markup | None:
    return None if number is None else count(number)


def _price(amount: Decimal | None, currency: str) -> Markup | None:
    """A price of zero is how Dify says that a model has none."""
    return price(amount, currency) if amount and currency else None


def _seconds(duration: float | None) -> Markup | None:
    return None if duration is None else seconds(duration, 2)


def _view(
    message: Message,
    reply: Reply,
    *,
    reader: Reader,
    html: str = '',
    reasoning: str = '',
    phase: str = '',
    place: int = 0,
) -> MessageView:
    failure = reply.failure
    is_empty = reply.status is Status.COMPLETE and not reply.text.strip() and not any(map(_says, reply.parts))
    return MessageView(
        id=message.id,
        number=message.number,
        query=message.query,
        asked=asked_views(message.id, reply, app=reader.app, rules=reader.asked_rules),
        html=html,
        version=version(reply),
        status=reply.status,
        phase=phase,
        place=place,
        error=i18n.error(failure.code) if failure else i18n.error('empty_answer') if is_empty else '',
        detail=f'{failure.code}: {failure.detail}' if failure and reader.is_admin else '',
        retryable=reply.status in RETRYABLE or is_empty,
        repaired=reply.repaired,
        reasoning=reasoning,
        thought_seconds=reply.thought_seconds,
        steps=reply.steps,
        step_seconds=reply.seconds,
        step_look=reader.step_look(),
        citations=reply.citations,
        files=tuple(file_view(file, reader) for file in message.files),
        made=_made(message, reply, reader),
        rating=message.rating,
        comment=message.comment,
        when=message.created_at,
        usage=usage_view(reply.usage) if reply.status.is_final and reader.sees_usage else None,
        versions=message.versions if len(message.versions) > 1 else (),
    )


def _says(part: Part) -> bool:
    """Whether it is something to read or to look at besides text."""
    return isinstance(part, FilePart | FormPart)
