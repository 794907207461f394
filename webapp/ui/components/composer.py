"""Where people write and attach files. Drafts stay in the browser until the server has taken them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from webapp.edge import assets
from webapp.ui.components.scripted import Scripted

MAX_FILES = 100  # in one message; the app's own limit is far below
State = Literal['ready', 'running', 'blocked']


@dataclass(frozen=True, slots=True)
class UploadRules:
    """What may be attached. The browser checks it before it sends a byte, the server once more."""

    app: str  # slug, sent with each upload
    accept: str  # value of the input's accept attribute
    kinds: tuple[str, ...]  # 'image', 'document', 'audio', 'video', 'custom'
    extensions: tuple[str, ...]  # allowed ones for 'custom', lower case with dot
    per_message: int  # 0: as many as one likes
    megabytes: dict[str, float]  # by kind; 'document' stands for those that are missing
    files: bool = True  # of one's own
    links: bool = False  # to files elsewhere


STATIC = assets.static_dir()


class Composer(
    Scripted,
    component=STATIC / 'composer.js',
    dependencies=[STATIC / 'recorder.js', STATIC / 'recording_room.js'],  # of those who dictate
):
    """A text box with its attachments, and a button that sends, or stops the answer that is being written."""

    def set_state(self, state: State, note: str = '') -> None:
        """Say what the button does.

        :param state: 'ready' to send, 'running' to stop, 'blocked' for neither; writing is possible in all of them
        :param note: one line below the text, such as why it is blocked
        """
        self.keep(state=state, note=note)

    def set_uploads(self, rules: UploadRules | None) -> None:
        """Say which files may be attached; none at all without rules."""
        self.keep(uploads=asdict(rules) if rules else None)

    def set_hearing(self, app: str) -> None:
        """Say which app takes speech, by its slug; '' for none."""
        self.keep(hears=app)

    def set_site(self, *, placeholder: str, disclaimer: str) -> None:
        """
        :param placeholder: stands where nothing is written yet; '' for our own
        :param disclaimer: HTML, as `markdown.linked` makes it; stands below
        """
        self.keep(hinted=placeholder, disclaimer=disclaimer)

    def set_draft_key(self, key: str) -> None:
        """Switch to the draft of another conversation: its id, or 'new:' and what tells the app and the person.

        If the reader has sent the first message of a new one, what was written since moves with them.
        """
        self.keep(draftKey=key)

    def carry(self) -> None:
        """With the next `set_draft_key` what is written goes along: its conversation is no more."""
        self.call('carry')

    def set_text(self, text: str) -> None:
        """Put a text into the box, for the reader to send or not."""
        self.call('setText', text)

    def accepted(self, key: str) -> None:
        """The server has stored what was sent with `key`: the draft may go."""
        self.call('accepted', key)

    def refused(self, key: str, *, spent: bool = False) -> None:
        """The server did not take what was sent with `key`: text and attachments come back.

        :param spent: the files can't be sent any more, perhaps because another tab has done so
        """
        self.call('refused', key, spent)

    def linked(self, ticket: int, file: Mapping[str, object]) -> None:
        """A link was taken: `file` is what a tile shows."""
        self.call('linked', ticket, file, '')

    def not_linked(self, ticket: int, problem: str) -> None:
        """A link was refused, for a reason that a person can read."""
        self.call('linked', ticket, None, problem)

    def focus(self) -> None:
        self.call('focus')

    # register while the page is being built

    def on_send(self, handler: Callable[[str, str, list[str], str], Awaitable[object] | object]) -> None:
        """Hear `(text, key, files, held)`.

        The same message comes with the same key until `accepted` or `refused` is called, even after a reload, and
        again after some seconds if neither was.

        files: ids that `POST /uploads` gave, in order
        held: '', or the id that `POST /uploads/text` gave for a text too long for the socket; `text` is '' then
        """

        def hear(text: str, key: str, files: list[object], held: str) -> Awaitable[object] | object:
            ids = [file for file in files if isinstance(file, str)]
            return handler(text, key, ids, held) if len(ids) == len(files) <= MAX_FILES else None

        self.listen('send', hear, str, str, list, str)

    def on_link(self, handler: Callable[[int, str], Awaitable[object] | object]) -> None:
        """Hear `(ticket, address)` of a file elsewhere; answer with `linked` or `not_linked`."""
        self.listen('link', handler, int, str)

    def on_stop(self, handler: Callable[[], Awaitable[object] | object]) -> None:
        self.listen('stop', handler)
