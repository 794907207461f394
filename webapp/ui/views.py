"""Rows and replies as what a person sees of them."""

from webapp import markdown
from webapp.apps import App
from webapp.chat.message import Reply, Status, Usage
from webapp.generations import Progress
from webapp.store.conversations import Conversation
from webapp.store.messages import Message
from webapp.ui import i18n
from webapp.ui.components.conversations import Row
from webapp.ui.components.thread import Greeting, MessageView
from webapp.ui.live import scope

RETRYABLE = {Status.FAILED, Status.INTERRUPTED}


def message_view(message: Message, *, is_admin: bool) -> MessageView:
    """A message as it was kept, with its whole text."""
    html = markdown.render(message.reply.text, scope=scope(message.id))
    return _view(message, message.reply, html=html, reasoning=message.reply.reasoning, is_admin=is_admin)


def progress_view(message: Message, progress: Progress, *, is_admin: bool) -> MessageView:
    """A message that is being written, without its text: that comes as patches."""
    phase, place = (progress.phase.value, progress.place) if progress.reply.status is Status.RUNNING else ('', 0)
    return _view(message, progress.reply, phase=phase, place=place, is_admin=is_admin)


def row_view(conversation: Conversation, *, running: bool) -> Row:
    return Row(
        id=conversation.id,
        title=conversation.title,
        href=address(conversation.app, conversation.id),
        updated=conversation.updated_at.timestamp(),
        running=running,
        unread=conversation.unread,
        title_state=conversation.title_state,
    )


def greeting_view(app: App) -> Greeting:
    """What stands in an empty thread: more, once the app has said it."""
    title = app.name or i18n.t('thread.greeting')
    if app.known is None:
        return Greeting(title)
    parameters = app.known.parameters
    opening = parameters.opening_statement
    html = markdown.render(opening, scope='opening-') if opening else ''
    return Greeting(title, html, tuple(question for question in parameters.suggested_questions if question.strip()))


def address(app: str, conversation_id: str | None = None) -> str:
    return f'/a/{app}/c/{conversation_id}' if conversation_id else f'/a/{app}'


def usage_line(usage: Usage | None) -> str:
    """Tokens and price in one line; a dash for what nobody reported."""
    if usage is None or not usage.total_tokens:
        return i18n.t('usage.unknown')
    tokens = i18n.t('usage.tokens', tokens=f'{usage.total_tokens:,}')
    if not usage.total_price or not usage.currency:
        return tokens
    return i18n.t('usage.priced', tokens=tokens, price=f'{usage.total_price:f}', currency=usage.currency)


def _view(
    message: Message,
    reply: Reply,
    *,
    is_admin: bool,
    html: str = '',
    reasoning: str = '',
    phase: str = '',
    place: int = 0,
) -> MessageView:
    failure = reply.failure
    return MessageView(
        id=message.id,
        number=message.number,
        query=message.query,
        html=html,
        status=reply.status,
        phase=phase,
        place=place,
        error=i18n.error(failure.code) if failure else '',
        detail=f'{failure.code}: {failure.detail}' if failure and is_admin else '',
        retryable=reply.status in RETRYABLE,
        reasoning=reasoning,
        steps=reply.steps,
        citations=reply.citations,
        when=message.created_at,
        usage=usage_line(reply.usage) if reply.status.is_final else '',
    )
