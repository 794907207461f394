"""The conversation on screen: one element, however long it is."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from inspect import isawaitable

from webapp.chat.message import Status
from webapp.edge import assets
from webapp.ui import templates
from webapp.ui.components.scripted import Handler, Scripted
from webapp.ui.components.turn import FileView, MessageView, UsageView

__all__ = ['FileView', 'Greeting', 'MessageView', 'Thread', 'UsageView']

STATIC = assets.static_dir()
ON_DEMAND = (
    'diagram_view',
    'diagrams',
    'feedback',
    'lightbox',
    'popover',
    'questions',
    'sources',
)  # few readers need them

# Which part of a turn shows what: a part is sent again when one of these has changed.
PARTS = {
    'files': ('files',),
    'steps': ('steps',),
    'made': ('made',),
    'error': ('error', 'detail'),
    'citations': ('citations',),
    'foot': ('status', 'phase', 'place', 'retryable', 'repaired', 'rating', 'comment', 'when', 'usage'),
}
RATINGS = {'', 'like', 'dislike'}
MAX_COMMENT = 2_000  # characters


@dataclass(frozen=True, slots=True)
class Greeting:
    """What stands in an empty thread."""

    title: str
    html: str = ''  # the app's opening statement, as `webapp.markdown.render` made it
    questions: tuple[str, ...] = ()


class Thread(
    Scripted,
    component=STATIC / 'thread.js',
    dependencies=[STATIC / f'{name}.js' for name in ON_DEMAND],
):
    """Shows messages, keeps the reader's place, and says what was clicked.

    The browser holds all messages it was given but keeps only some of them in the document.
    """

    def __init__(self) -> None:
        super().__init__()
        self.keep(sum='')
        self._mounted = False
        self._lost_content: Handler | None = None
        self._items: dict[str, MessageView] = {}  # what the browser has, without the text of the answers
        self.listen('ready', self._ready)
        self.listen('question', self._give_question, int, str)
        self.listen('sources', self._give_sources, int, str)

    # what is shown

    def show(self, items: Sequence[MessageView], *, more: bool = False, greeting: Greeting | None = None) -> None:
        """Replace everything, and go to the end.

        :param items: oldest first
        :param more: there are older ones, to be asked for with `on_earlier`
        :param greeting: shown while there are no messages
        """
        self._items = {}
        content = {
            'items': [self._packed(item) for item in items],
            'more': more,
            'greeting': templates.render('greeting.html', greeting=greeting) if greeting else '',
        }
        self.keep(sum='')
        if self.is_being_built:
            self._props['content'] = content
        else:
            self.call('show', content)

    def earlier(self, items: Sequence[MessageView], *, more: bool) -> None:
        """Put a page of older messages before the others; what the reader looks at stays where it is."""
        self.call('earlier', [self._packed(item) for item in items], more)

    def append(self, item: MessageView, *, own: bool = True) -> None:
        """Add a new message.

        :param own: the reader has just sent it, here: go to the end. Else a reader who is elsewhere stays there
        """
        self.call('append', self._packed(item), own)

    def update(self, item: MessageView | None = None) -> None:
        """Show how a message stands now; only what has changed travels.

        Its answer's text is left alone unless `item.html` is given, and of another version than the browser's.

        Without an item it is NiceGUI's own `update`.
        """
        if item is None:
            super().update()
        else:
            self.call('change', self._changed(item))

    def set_sum(self, line: str) -> None:
        """Show what the whole conversation cost, below its end; '' for nothing. `show` takes it away."""
        self.keep(sum=line)

    def patch(self, message_id: str, patch: object) -> None:
        """Apply one patch of `webapp.markdown` to an answer. If it does not fit, `on_lost` hears of it."""
        self.call('patch', message_id, patch)

    def reason(self, message_id: str, offset: int, text: str) -> None:
        """Append to the reasoning of an answer that is being written.

        :param offset: how many UTF-16 units of reasoning came before; if the browser holds another number, `on_lost`
        """
        self.call('reason', message_id, offset, text)

    def discard(self, message_id: str) -> None:
        self._items.pop(message_id, None)
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

    def on_feedback(self, handler: Callable[[str, str, str], Awaitable[object] | object]) -> None:
        """Hear `(message id, rating, comment)`; the rating is 'like', 'dislike', or '' when it is taken back.

        The browser shows it already. If it can't be kept, `update` the message as it stands.
        """

        def rate(message_id: str, rating: str, comment: str) -> object:
            item = self._items.get(message_id)
            if item is None or rating not in RATINGS:
                return None
            comment = comment.strip()[:MAX_COMMENT] if rating else ''
            self._items[message_id] = replace(item, rating=rating, comment=comment)
            return handler(message_id, rating, comment)

        self.listen('feedback', rate, str, str, str)

    def on_ask(self, handler: Callable[[str, str], Awaitable[object] | object]) -> None:
        """Hear `(text, key)` when a suggested question is clicked; the key is as in `Composer.on_send`."""
        self.listen('ask', handler, str, str)

    def on_earlier(self, handler: Callable[[int], Awaitable[object] | object]) -> None:
        """Hear the number of the oldest message shown when the reader nears the top and there is more."""
        self.listen('earlier', handler, int)

    def on_lost(self, handler: Callable[[str], Awaitable[object] | object]) -> None:
        """Hear the id of a message whose patches no longer fit: it needs `patch` or `update` with everything."""

        def lose(message_id: str) -> object:
            self._items.pop(message_id, None)
            return handler(message_id)

        self.listen('lost', lose, str)

    def on_ready(self, handler: Callable[[], Awaitable[object] | object]) -> None:
        """Hear that the browser has built the element anew and lost its content: `show` it again."""
        self._lost_content = handler

    def _ready(self) -> object:
        with self._props.suspend_updates():
            self._props.pop('content', None)  # it has arrived; no need to keep it for as long as the page is open
        mounted, self._mounted = self._mounted, True
        return self._lost_content() if mounted and self._lost_content else None

    def _give_question(self, ticket: int, message_id: str) -> None:
        """All of a question of which the page has the beginning."""
        item = self._items.get(message_id)
        self.call('give', ticket, item.query if item else '')

    def _give_sources(self, ticket: int, message_id: str) -> None:
        """The passages, which can be long, and which few people open."""
        item = self._items.get(message_id)
        self.call('give', ticket, templates.render('parts/sources.html', sources=item.sources) if item else '')

    def _packed(self, item: MessageView) -> dict[str, object]:
        self._items[item.id] = replace(item, html='', reasoning='')
        return {
            'id': item.id,
            'number': item.number,
            'when': item.when.isoformat() if item.when else '',
            'html': templates.render('message.html', item=item, question=item.question),
        }

    def _changed(self, item: MessageView) -> dict[str, object]:
        known = self._items.get(item.id)
        self._items[item.id] = replace(item, html='', reasoning='')
        changed = [
            part
            for part, names in PARTS.items()
            if known is None or any(getattr(known, name) != getattr(item, name) for name in names)
        ]
        running = item.status is Status.RUNNING
        has_text = known is not None and item.version and known.version == item.version
        return {
            'id': item.id,
            'status': item.status.value,
            'phase': (item.phase or 'connecting') if running else '',
            'parts': {part: templates.render(f'parts/{part}.html', item=item) for part in changed},
            'reasoning': item.reasoning,
            'html': '' if has_text else item.html,
        }
