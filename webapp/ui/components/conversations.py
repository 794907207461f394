"""The list of a person's conversations."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass

from webapp.edge import assets
from webapp.ui.components.scripted import Scripted


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation in the list."""

    id: str
    title: str  # '' while it has none
    href: str
    updated: float  # epoch seconds; the browser sorts and groups by it, in its own time zone
    running: bool = False
    unread: bool = False
    title_state: str = 'provisional'


class Conversations(
    Scripted,
    component=assets.static_dir() / 'conversations.js',
    dependencies=[assets.static_dir() / 'keys.js'],
):
    """Lists conversations by day, newest first. The server searches; the browser groups."""

    def __init__(self, *, new_href: str = '/') -> None:
        """:param new_href: address of a new conversation"""
        super().__init__()
        self._props['new-href'] = new_href
        self.listen('ready', self._ready)

    def show(self, rows: Sequence[Row], *, more: bool = False, search: str = '') -> None:
        """Replace the list.

        :param more: there are older ones, to be asked for with `on_more`
        :param search: what was searched for; results of a search that is over are not shown
        """
        content = {'rows': [asdict(row) for row in rows], 'more': more, 'search': search}
        if self.is_being_built:
            self._props['content'] = content
        else:
            self.call('show', content)

    def extend(self, rows: Sequence[Row], *, more: bool, search: str = '') -> None:
        """Add a page of older ones."""
        self.call('extend', {'rows': [asdict(row) for row in rows], 'more': more, 'search': search})

    def upsert(self, row: Row) -> None:
        """Add a conversation, or show how it stands now."""
        self.call('upsert', asdict(row))

    def discard(self, conversation_id: str) -> None:
        self.call('discard', conversation_id)

    def select(self, conversation_id: str) -> None:
        """Mark the one that is open; '' for a new one."""
        if self.is_being_built:
            self._props['selected'] = conversation_id
        else:
            self.call('select', conversation_id)

    # register while the page is being built

    def on_open(self, handler: Callable[[str], Awaitable[object] | object]) -> None:
        """Hear the id of a conversation whose link was followed by a plain click."""
        self.listen('open', handler, str)

    def on_new(self, handler: Callable[[], Awaitable[object] | object]) -> None:
        self.listen('new', handler)

    def on_rename(self, handler: Callable[[str, str], Awaitable[object] | object]) -> None:
        """Hear `(id, title)`; the title is not blank. The list shows it at once: `upsert` to take it back."""
        self.listen('rename', handler, str, str)

    def on_delete(self, handler: Callable[[str], Awaitable[object] | object]) -> None:
        """Hear the id of one whose deletion was confirmed. It stays until `discard`."""
        self.listen('delete', handler, str)

    def on_search(self, handler: Callable[[str], Awaitable[object] | object]) -> None:
        """Hear what is searched for, 150 ms after the last key; answer with `show(..., search=text)`."""
        self.listen('search', handler, str)

    def on_more(self, handler: Callable[[str, str], Awaitable[object] | object]) -> None:
        """Hear `(id of the last row, search)` when the reader nears the end; answer with `extend`."""
        self.listen('more', handler, str, str)

    def _ready(self) -> None:
        with self._props.suspend_updates():
            self._props.pop('content', None)
