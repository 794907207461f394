"""Where people write. Drafts stay in the browser until the server has taken them."""

from collections.abc import Awaitable, Callable
from typing import Literal

from webapp.edge import assets
from webapp.ui import i18n
from webapp.ui.components.scripted import Scripted

State = Literal['ready', 'running', 'blocked']


class Composer(Scripted, component=assets.static_dir() / 'composer.js', dependencies=[assets.static_dir() / 'keys.js']):
    """A text box with a button that sends, or stops the answer that is being written."""

    def __init__(self) -> None:
        super().__init__()
        self._props['words'] = i18n.words('composer')

    def set_state(self, state: State, note: str = '') -> None:
        """Say what the button does.

        :param state: 'ready' to send, 'running' to stop, 'blocked' for neither; writing is possible in all of them
        :param note: one line below the text, such as why it is blocked
        """
        self.keep(state=state, note=note)

    def set_draft_key(self, key: str) -> None:
        """Switch to the draft of another conversation: its id, or 'new:' and the app's slug."""
        self.keep(draftKey=key)

    def set_text(self, text: str) -> None:
        """Put a text into the box, for the reader to send or not."""
        self.call('setText', text)

    def accepted(self, key: str) -> None:
        """The server has stored what was sent with `key`: the draft may go."""
        self.call('accepted', key)

    def refused(self, key: str) -> None:
        """The server did not take what was sent with `key`: the text comes back into the box."""
        self.call('refused', key)

    def focus(self) -> None:
        self.call('focus')

    # register while the page is being built

    def on_send(self, handler: Callable[[str, str], Awaitable[object] | object]) -> None:
        """Hear `(text, key)`. The same text comes with the same key until `accepted` is called, even after a reload."""
        self.listen('send', handler, str, str)

    def on_stop(self, handler: Callable[[], Awaitable[object] | object]) -> None:
        self.listen('stop', handler)
