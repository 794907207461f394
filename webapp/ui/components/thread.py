"""The conversation on screen: one element, however long it is."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from operator import attrgetter
from typing import Literal, TypeVar

from markupsafe import Markup

from webapp.chat.message import Citation, Status
from webapp.edge import assets
from webapp.ui import templates
from webapp.ui.components.scripted import Handler, Scripted
from webapp.ui.components.turn import FileView, MessageView, UsageView, sources

__all__ = ['FileView', 'Greeting', 'MessageView', 'Thread', 'UsageView']

STATIC = assets.static_dir()
ON_DEMAND = (
    'diagram_view',
    'diagrams',
    'editing',
    'feedback',
    'lightbox',
    'mending',
    'popover',
    'questions',
    'sources',
    'speaker',
)  # few readers need them

T = TypeVar('T')
Speaks = Literal['', 'asked', 'always']

RATED = attrgetter('rating', 'comment')
# Which part of a turn shows what: a part is sent again when one of these has changed.
PARTS = (
    ('files', attrgetter('files')),
    ('thought', attrgetter('thought_seconds')),
    ('steps', attrgetter('trail')),
    ('asked', attrgetter('asked')),
    ('versions', attrgetter('versions')),
    ('steps', attrgetter('steps')),
    ('made', attrgetter('made')),
    ('error', attrgetter('error', 'detail')),
    ('citations', attrgetter('citations')),
    ('foot', attrgetter('is_elsewhere', 'status', 'phase', 'place', 'retryable', 'repaired', 'when', 'usage')),
    ('foot', RATED),
)


@dataclass(frozen=True, slots=True)
class Greeting:
    """What stands in an empty thread."""

    title: str
    html: str = ''  # the app's opening statement, as `webapp.markdown.render` made it
    questions: tuple[str, ...] = ()
    fine_print: tuple[str, ...] = ()  # lines of HTML


@dataclass(slots=True)
class Held:
    """What the browser has of a message, told apart by hashes: pages stay open for days, and there are many."""

    version: int  # of its text
    parts: list[int]  # in the order of `PARTS`

    @classmethod
    def of(cls, item: MessageView) -> 'Held':
        return cls(item.version, [hash(values(item)) for _, values in PARTS])

    def changed(self, known: 'Held | None') -> list[str]:
        """Names of the parts that differ from what is known."""
        old = known.parts if known else [None] * len(PARTS)
        return list(dict.fromkeys(name for (name, _), a, b in zip(PARTS, self.parts, old, strict=True) if a != b))


class Thread(
    Scripted,
    component=STATIC / 'thread.js',
    dependencies=[STATIC / f'{name}.js' for name in ON_DEMAND],
):
    """Shows messages, keeps the reader's place, and says what was clicked. What is within stands above the first one.

    The browser holds all messages it was given but keeps only some of them in the document.
    """

    def __init__(self) -> None:
        super().__init__()
        self.keep(sum='', suggested=[], speaks='')
        self._mounted = False
        self._lost_content: Handler | None = None
        self._held: dict[str, Held] = {}  # by message id
        self.listen('ready', self._ready)

    # what is shown

    def show(self, items: Sequence[MessageView], *, more: bool = False, greeting: Greeting | None = None) -> None:
        """Replace everything, and go to the end.

        :param items: oldest first
        :param more: there are older ones, to be asked for with `on_earlier`
        :param greeting: shown while there are no messages
        """
        self._held = {}
        content = {
            'items': [self._packed(item) for item in items],
            'more': more,
            'greeting': templates.render('greeting.html', greeting=greeting) if greeting else '',
            'starters': templates.render('starters.html', greeting=greeting) if greeting else '',
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

    def turn_to(self, after: str, items: Sequence[MessageView], *, own: bool) -> None:
        """Put other messages in the place of all that stand behind one; what stands before them does not move.

        :param after: id of the last one that stays, '' if none does
        :param items: oldest first
        :param own: the reader has just sent the last one, here: go to the end
        """
        self.call('turnTo', after, [self._packed(item) for item in items], own)

    def forget(self, message_id: str) -> None:
        """A message that `turn_to` has taken away."""
        self._held.pop(message_id, None)

    def change(self, item: MessageView) -> None:
        """Show how a message stands now; only what has changed travels.

        Its answer's text is left alone unless `item.html` is given, and of another version than the browser's.
        """
        known, held = self._held.get(item.id), Held.of(item)
        self._held[item.id] = held
        running = item.status is Status.RUNNING
        has_text = known is not None and item.version and known.version == item.version
        self.call(
            'change',
            {
                'id': item.id,
                'status': item.status.value,
                'phase': (item.phase or 'connecting') if running else '',
                'parts': {part: templates.render(f'parts/{part}.html', item=item) for part in held.changed(known)},
                'reasoning': item.reasoning,
                'html': '' if has_text else item.html,
            },
        )

    def version(self, message_id: str) -> int:
        """Of the text that the browser has of a message; 0 if that is not known."""
        held = self._held.get(message_id)
        return held.version if held else 0

    def set_sum(self, line: Markup) -> None:
        """Show what the whole conversation cost, below its end; '' for nothing. `show` takes it away."""
        self.keep(sum=line)

    def set_speech(self, speaks: Speaks) -> None:
        """Say whether answers can be read aloud, and whether they are without being asked to."""
        self.keep(speaks=speaks)

    def set_suggested(self, message_id: str, questions: Sequence[str]) -> None:
        """Show what might be asked next, below the last message; nothing without questions."""
        self.keep(suggested=[{'key': f'{message_id} {text}', 'text': text} for text in questions])

    def patch(self, message_id: str, patch: object) -> None:
        """Apply one patch of `webapp.markdown` to an answer. If it does not fit, `on_lost` hears of it."""
        self.call('patch', message_id, patch)

    def reason(self, message_id: str, offset: int, text: str) -> None:
        """Append to the reasoning of an answer that is being written.

        :param offset: how many UTF-16 units of reasoning came before; if the browser holds another number, `on_lost`
        """
        self.call('reason', message_id, offset, text)

    def reopen(self, message_id: str) -> None:
        """What was answered in a form could not be taken: let the person go on with it."""
        self.call('reopen', message_id)

    # what is heard; register while the page is being built

    def on_action(self, handler: Callable[[str, str, str], Awaitable[object] | object]) -> None:
        """Hear `(name, message id, key)` when something under a message is clicked: 'retry' or 'regenerate'.

        A button has one key.
        """
        self.listen('action', handler, str, str, str)

    def on_answer(self, handler: Callable[[str, str, str, str, str], Awaitable[object] | object]) -> None:
        """Hear `(message id, form id, action, values, key)` when a form is answered; the values are JSON, by field.

        The form is locked until the message changes, or until it is to `reopen`.
        """
        self.listen('answer', handler, str, str, str, str, str)

    def on_edit(self, handler: Callable[[str, str, str, str], Awaitable[object] | object]) -> None:
        """Hear `(message id, text, key, held)`: a question is to be asked in another way; see `Composer.on_send`."""
        self.listen('edit', handler, str, str, str, str)

    def on_choose(self, handler: Callable[[str], Awaitable[object] | object]) -> None:
        """Hear the id of a message that is to be shown instead of the version of it that is here."""
        self.listen('choose', handler, str)

    def on_copy(self, source: Callable[[str], Awaitable[str | None] | str | None]) -> None:
        """Give the Markdown of an answer, by message id, to whoever wants to copy it; nothing if it can't be had."""
        self._supply('copy', source, lambda text: text)

    def on_question(self, source: Callable[[str], Awaitable[str | None] | str | None]) -> None:
        """Give all of a question, by message id: the page has but the beginning of a long one."""
        self._supply('question', source, lambda text: text)

    def on_pieces(self, source: Callable[[str], Awaitable[Sequence[str] | None] | Sequence[str] | None]) -> None:
        """Give the names of the pieces in which an answer is read aloud, by message id."""
        self._supply('pieces', source, lambda names: ' '.join(names) or 'none')

    def on_sources(
        self, source: Callable[[str], Awaitable[Sequence[Citation] | None] | Sequence[Citation] | None]
    ) -> None:
        """Give the citations of an answer, by message id: passages can be long, and few people open them."""
        self._supply('sources', source, lambda cited: templates.render('parts/sources.html', sources=sources(cited)))

    def _supply(
        self, event: str, source: Callable[[str], Awaitable[T | None] | T | None], render: Callable[[T], str]
    ) -> None:
        async def give(ticket: int, message_id: str) -> None:
            found = source(message_id)
            value = await found if isawaitable(found) else found
            self.call('give', ticket, '' if value is None else render(value))

        self.listen(event, give, int, str)

    def on_feedback(self, handler: Callable[[str, str, str], Awaitable[object] | object]) -> None:
        """Hear `(message id, rating, comment)`; the rating is 'like', 'dislike', or '' when it is taken back.

        The browser shows it already. If it can't be kept, `change` the message as it stands.
        """

        def rate(message_id: str, rating: str, comment: str) -> object:
            held = self._held.get(message_id)
            if held is None:
                return None
            comment = comment.strip() if rating else ''
            held.parts[-1] = hash((rating, comment))
            return handler(message_id, rating, comment)

        self.listen('feedback', rate, str, str, str)

    def on_ask(self, handler: Callable[[str, str], Awaitable[object] | object]) -> None:
        """Hear `(text, key)` when a suggested question is clicked; the key is as in `Composer.on_send`."""
        self.listen('ask', handler, str, str)

    def on_earlier(self, handler: Callable[[int], Awaitable[object] | object]) -> None:
        """Hear the number of the oldest message shown when the reader nears the top and there is more."""
        self.listen('earlier', handler, int)

    def on_lost(self, handler: Callable[[str], Awaitable[object] | object]) -> None:
        """Hear the id of a message whose patches no longer fit: it needs `patch` or `change` with everything."""

        def lose(message_id: str) -> object:
            self._held.pop(message_id, None)
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

    def _packed(self, item: MessageView) -> dict[str, object]:
        self._held[item.id] = Held.of(item)
        return {
            'id': item.id,
            'number': item.number,
            'when': item.when.isoformat() if item.when else '',
            'html': templates.render('message.html', item=item, question=item.question),
        }
