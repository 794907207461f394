"""The conversation on screen: one element, however long it is."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from inspect import isawaitable

from webapp.chat.message import Citation, Status, StepPart
from webapp.edge import assets
from webapp.ui import i18n, templates
from webapp.ui.components.scripted import Handler, Scripted

STATIC = assets.static_dir()


@dataclass(frozen=True, slots=True)
class MessageView:
    """What a person sees of one turn: the question and the answer to it."""

    id: str
    number: int  # from 1 on within the conversation
    query: str  # plain text
    html: str = ''  # the answer as `webapp.markdown.render` made it; '' while it is being written
    status: Status = Status.RUNNING
    phase: str = ''  # while running: 'queued', 'connecting', 'streaming'
    place: int = 0  # while queued: place in line, from 1 on
    error: str = ''  # the plain sentence about a failure, see `i18n.error`
    detail: str = ''  # technical words about it, for admins only
    retryable: bool = False
    reasoning: str = ''  # plain text
    steps: tuple[StepPart, ...] = ()
    citations: tuple[Citation, ...] = ()
    when: datetime | None = None
    usage: str = ''  # such as '812 tokens · $0.0021'


@dataclass(frozen=True, slots=True)
class Greeting:
    """What stands in an empty thread."""

    title: str
    html: str = ''  # the app's opening statement, as `webapp.markdown.render` made it
    questions: tuple[str, ...] = ()


class Thread(
    Scripted,
    component=STATIC / 'thread.js',
    dependencies=[STATIC / 'answer.js', STATIC / 'messages.js', STATIC / 'follow.js', STATIC / 'keys.js'],
):
    """Shows messages, keeps the reader's place, and says what was clicked.

    The browser holds all messages it was given but keeps only some of them in the document.
    """

    def __init__(self) -> None:
        super().__init__()
        self._props['words'] = i18n.words('thread')
        self._mounted = False
        self._lost_content: Handler | None = None
        self.listen('ready', self._ready)

    # what is shown

    def show(self, items: Sequence[MessageView], *, more: bool = False, greeting: Greeting | None = None) -> None:
        """Replace everything, and go to the end.

        :param items: oldest first
        :param more: there are older ones, to be asked for with `on_earlier`
        :param greeting: shown while there are no messages
        """
        content = {
            'items': [_packed(item) for item in items],
            'more': more,
            'greeting': templates.render('greeting.html', greeting=greeting) if greeting else '',
        }
        if self.is_being_built:
            self._props['content'] = content
        else:
            self.call('show', content)

    def earlier(self, items: Sequence[MessageView], *, more: bool) -> None:
        """Put a page of older messages before the others; what the reader looks at stays where it is."""
        self.call('earlier', [_packed(item) for item in items], more)

    def append(self, item: MessageView) -> None:
        """Add a new message and go to the end."""
        self.call('append', _packed(item))

    def update(self, item: MessageView | None = None) -> None:
        """Show how a message stands now. Its answer's text is left alone unless `item.html` is given.

        Without an item it is NiceGUI's own `update`.
        """
        if item is None:
            super().update()
        else:
            self.call('change', _packed(item))

    def patch(self, message_id: str, patch: object) -> None:
        """Apply one patch of `webapp.markdown` to an answer. If it does not fit, `on_lost` hears of it."""
        self.call('patch', message_id, patch)

    def reason(self, message_id: str, offset: int, text: str) -> None:
        """Append to the reasoning of an answer that is being written.

        :param offset: how many UTF-16 units of reasoning came before; if the browser holds another number, `on_lost`
        """
        self.call('reason', message_id, offset, text)

    def discard(self, message_id: str) -> None:
        self.call('discard', message_id)

    # what is heard; register while the page is being built

    def on_action(self, handler: Callable[[str, str, str], Awaitable[object] | object]) -> None:
        """Hear `(name, message id, key)` when something under a message is clicked: 'retry'. A button has one key."""
        self.listen('action', handler, str, str, str)

    def on_copy(self, source: Callable[[str], Awaitable[str | None] | str | None]) -> None:
        """Give the Markdown of an answer, by message id, to whoever wants to copy it; nothing if it can't be had."""

        async def give(ticket: int, message_id: str) -> None:
            text = source(message_id)
            self.call('give', ticket, (await text if isawaitable(text) else text) or '')

        self.listen('copy', give, int, str)

    def on_ask(self, handler: Callable[[str, str], Awaitable[object] | object]) -> None:
        """Hear `(text, key)` when a suggested question is clicked; the key is as in `Composer.on_send`."""
        self.listen('ask', handler, str, str)

    def on_earlier(self, handler: Callable[[int], Awaitable[object] | object]) -> None:
        """Hear the number of the oldest message shown when the reader nears the top and there is more."""
        self.listen('earlier', handler, int)

    def on_lost(self, handler: Callable[[str], Awaitable[object] | object]) -> None:
        """Hear the id of a message whose patches no longer fit: it needs `patch` with everything."""
        self.listen('lost', handler, str)

    def on_ready(self, handler: Callable[[], Awaitable[object] | object]) -> None:
        """Hear that the browser has built the element anew and lost its content: `show` it again."""
        self._lost_content = handler

    def _ready(self) -> object:
        with self._props.suspend_updates():
            self._props.pop('content', None)  # it has arrived; no need to keep it for as long as the page is open
        mounted, self._mounted = self._mounted, True
        return self._lost_content() if mounted and self._lost_content else None


def _packed(item: MessageView) -> dict[str, object]:
    return {
        'id': item.id,
        'number': item.number,
        'html': templates.render('message.html', item=item),
        'text': bool(item.html),
    }
