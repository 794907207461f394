"""The page of another site that shows ours: told what happens, and heard. Its script is `host.js`."""

from collections.abc import Awaitable, Callable, Sequence

from webapp.edge import assets
from webapp.ui.components.scripted import Scripted

Handler = Callable[..., Awaitable[object] | object]


class Host(Scripted, component=assets.static_dir() / 'host.js'):
    def __init__(self, *, embed: str, origins: Sequence[str], entrance: str, closable: bool) -> None:
        """
        :param origins: that the page around ours may have
        :param entrance: where to ask it anew who is there
        :param closable: Escape closes the chat
        """
        super().__init__()
        self._props |= {'embed': embed, 'origins': list(origins), 'entrance': entrance, 'closable': closable}

    def message(self, role: str, status: str, conversation_id: str, text: str | None) -> None:
        """Tell of a question, or of an answer that has ended; without the text, unless it may be told."""
        self.call('message', role, status, conversation_id, text)

    def error(self, code: str, message: str) -> None:
        """Tell that something the host wanted was refused, in words for whoever has written it."""
        self.call('error', code, message)

    def give(self, call: int, query: str) -> None:
        """Answer to `on_pass`."""
        self.call('give', call, query)

    # register while the page is being built

    def on_send(self, handler: Handler) -> None:
        """Hear a question that the host asks for the visitor."""
        self.listen('send', handler, str)

    def on_new(self, handler: Handler) -> None:
        self.listen('new', handler)

    def on_inputs(self, handler: Handler) -> None:
        """Hear values for the app's form, as JSON."""
        self.listen('inputs', handler, str)

    def on_pass(self, handler: Handler) -> None:
        """Hear `(call, purpose, object)`: a pass is needed, see `embedding.passes`; answer with `give`."""
        self.listen('pass', handler, int, str, str)

    def on_leave(self, handler: Handler) -> None:
        """Hear that the host's visitor has signed out there."""
        self.listen('leave', handler)
