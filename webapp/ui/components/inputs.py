"""The app's form: asked in an empty thread, folded above a conversation. What is written stays in the browser."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from webapp.edge import assets
from webapp.ui.components.composer import UploadRules
from webapp.ui.components.scripted import Scripted


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field that people are asked to fill in."""

    variable: str
    label: str
    control: str  # as `inputs.Field` has it
    required: bool
    value: str | bool  # what stands in it at first
    host: bool = False  # the value is that of the page around ours: it takes the place of what was written before
    description: str = ''
    placeholder: str = ''
    unit: str = ''
    options: tuple[str, ...] = ()
    most: int = 0  # characters, or files
    uploads: UploadRules | None = None  # of fields that take files


@dataclass(frozen=True, slots=True)
class FileLink:
    id: str
    name: str
    url: str
    is_elsewhere: bool = False  # on somebody else's server


@dataclass(frozen=True, slots=True)
class ValueView:
    """What a conversation was begun with."""

    label: str
    text: str
    files: tuple[FileLink, ...] = ()


class Inputs(Scripted, component=assets.static_dir() / 'inputs.js'):
    """Stands within a `Thread`, and keeps the composer from sending as long as its form is not filled in."""

    def ask(self, app: str, fields: Sequence[FieldView], texts: Mapping[str, str]) -> None:
        """Show the form of a new conversation; nothing where it has no field. What was written before stays.

        :param app: its slug, under which drafts are kept
        :param texts: what the opening says for variables that nobody is asked for
        """
        asked = {'app': app, 'fields': [asdict(field) for field in fields]} if fields else None
        self.keep(asked=asked, folded=None, texts=dict(texts))

    def fold(self, values: Sequence[ValueView] | None) -> None:
        """Show what a conversation was begun with; nothing for None."""
        self.keep(asked=None, folded=None if values is None else [asdict(value) for value in values], texts={})

    def prefill(self, values: Mapping[str, str | bool], files: Mapping[str, Sequence[FileLink]]) -> None:
        """Fill in the form that is asked, by variable, and go there. Files are uploaded once more."""
        self.call('prefill', values, {variable: [asdict(file) for file in links] for variable, links in files.items()})

    def refuse(self, problems: Mapping[str, str], words: Mapping[str, str]) -> None:
        """Show what is wrong with which field, as `FormUnfit` tells it.

        :param words: by variable, where there is more to say of it than the problem's name
        """
        self.call('refuse', problems, words)

    def judge(self, number: int, words: Mapping[str, str]) -> None:
        """Say what is wrong with JSON objects among the values that were heard, by variable.

        :param number: of what was heard, see `on_fill`
        """
        self.call('judge', number, words)

    def accepted(self, app: str) -> None:
        """The server has the values: their draft may go."""
        self.call('accepted', app)

    # register while the page is being built

    def on_fill(self, handler: Callable[[str, int], Awaitable[object] | object]) -> None:
        """Hear the values, as a JSON object by variable: whenever they have changed, and before a question is sent.

        They are numbered, to be judged.
        """
        self.listen('fill', handler, str, int)

    def on_again(self, handler: Callable[[], Awaitable[object] | object]) -> None:
        """Hear that somebody wants another conversation, with other values."""
        self.listen('again', handler)
