"""What an assistant says, as one immutable value.

A `Reply` is all that is known of one answer: its parts in order, how it stands, what it cost. Pages show it, the store
keeps it, the reducer makes the next one from it.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Discriminator, TypeAdapter


class Status(StrEnum):
    """How an answer stands. `RUNNING` and `WAITING` may still change, the others are final."""

    RUNNING = 'running'
    WAITING = 'waiting'  # paused by the app until a person fills in a form
    COMPLETE = 'complete'
    STOPPED = 'stopped'  # by the person
    FAILED = 'failed'  # the upstream said so, see `Reply.failure`
    INTERRUPTED = 'interrupted'  # the stream broke, or our process ended: the text may be incomplete

    @property
    def is_final(self) -> bool:
        return self not in {Status.RUNNING, Status.WAITING}


@dataclass(frozen=True, slots=True)
class TextPart:
    """Markdown written by the model."""

    text: str
    kind: Literal['text'] = 'text'


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """What a reasoning model thought before it answered; never copied, spoken or used for titles."""

    text: str
    seconds: float | None = None  # how long it took; None while it goes on, and where nobody knows
    kind: Literal['reasoning'] = 'reasoning'


class StepState(StrEnum):
    RUNNING = 'running'
    SUCCEEDED = 'succeeded'
    FAILED = 'failed'
    RETRYING = 'retrying'


@dataclass(frozen=True, slots=True)
class StepPart:
    """A tool call, a workflow node, an iteration or a loop, or a line in the log of an agent's node.

    Told apart by `id`; holds no prompts or payloads.
    """

    id: str
    type: str  # 'tool', 'iteration', 'loop', 'log', or the node's own type such as 'llm'
    title: str
    state: StepState = StepState.RUNNING
    seconds: float | None = None
    input: str = ''  # tools only: what the model asked, capped
    output: str = ''  # tools only: what the tool said, capped
    parent: str = ''  # id of the iteration or loop it runs in, or of what it is a line in the log of
    model: str = ''  # that was called, where upstream names it
    tool: str = ''  # tools only: its name upstream, of which the title is a translation
    rounds: int = 0  # iterations and loops only: how many have begun
    round: int | None = None  # in which of its parent's rounds it ran, from 1 on
    branch: str = ''  # tells apart what runs side by side, where upstream names it
    retries: int = 0  # how often it was tried again
    kind: Literal['step'] = 'step'

    @property
    def is_node(self) -> bool:
        """Whether it is of a workflow; else an agent called a tool."""
        return not self.tool


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file made by the assistant. `url` is upstream's: it expires within minutes and never reaches a browser."""

    id: str
    type: str  # 'image', 'document', 'audio', 'video', 'custom'
    name: str = ''
    mime_type: str = ''
    size: int | None = None  # bytes
    url: str = ''
    is_written: bool = False  # it is known from the text alone, and has no place but there
    kind: Literal['file'] = 'file'


@dataclass(frozen=True, slots=True)
class FormPart:
    """A workflow's question to a person. Without a `token` it can only be answered elsewhere.

    What its fields and buttons are, `form` tells.
    """

    id: str
    token: str
    title: str
    content: str  # Markdown
    inputs: str  # JSON: upstream's list of input definitions
    actions: str  # JSON: upstream's list of buttons
    expires_at: int | None = None  # epoch seconds
    answer: str = ''  # what was answered, Markdown; '' while open
    expired: bool = False
    node: str = ''  # that asks; it may ask again, in another form
    key: str = ''  # made with the answer, by whoever gave it here
    kind: Literal['form'] = 'form'

    @property
    def is_open(self) -> bool:
        return not self.answer and not self.expired


Part = Annotated[TextPart | ReasoningPart | StepPart | FilePart | FormPart, Discriminator('kind')]


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that the answer rests on."""

    position: int
    document: str
    content: str = ''
    dataset: str = ''
    document_id: str = ''
    segment_id: str = ''
    score: float | None = None
    url: str = ''


@dataclass(frozen=True, slots=True)
class Usage:
    """What one answer cost, as reported. `None` means that nobody said so, which is not the same as zero."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_price: Decimal | None = None
    completion_price: Decimal | None = None
    total_price: Decimal | None = None
    currency: str = ''
    latency: float | None = None  # seconds, upstream's own figure
    time_to_first_token: float | None = None  # seconds, upstream's own figure


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an answer failed or broke off. `code` picks the words that a person reads; `detail` is for admins only."""

    code: str
    detail: str = ''
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, as it stands now."""

    status: Status = Status.RUNNING
    parts: tuple[Part, ...] = ()
    citations: tuple[Citation, ...] = ()
    usage: Usage | None = None
    failure: Failure | None = None
    repaired: bool = False  # completed after its stream had broken
    seconds: float | None = None  # that its workflow ran, upstream's own figure
    # upstream's names for it; '' until known
    conversation_id: str = ''
    message_id: str = ''
    task_id: str = ''
    run_id: str = ''

    @property
    def text(self) -> str:
        """All text parts, in order. The parts of one reply read as one Markdown document."""
        return ''.join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def forms(self) -> tuple[FormPart, ...]:
        return tuple(part for part in self.parts if isinstance(part, FormPart))

    @property
    def open_form(self) -> FormPart | None:
        """What a person is asked and has not answered."""
        return next((form for form in reversed(self.forms) if form.is_open), None)

    @property
    def sections(self) -> 'tuple[Section, ...]':
        """The text in the pieces that its forms part it into; the last one may still grow, and asks nothing."""
        found, text = [], ''
        for part in self.parts:
            if isinstance(part, TextPart):
                text += part.text
            elif isinstance(part, FormPart):
                found.append(Section(text, part))
                text = ''
        return (*found, Section(text))

    @property
    def reasoning(self) -> str:
        return ''.join(part.text for part in self.parts if isinstance(part, ReasoningPart))

    @property
    def thought_seconds(self) -> float | None:
        """How long it was thought about; None if that is not known of all of it."""
        spans = [part.seconds for part in self.parts if isinstance(part, ReasoningPart)]
        known = [span for span in spans if span is not None]
        return sum(known) if known and len(known) == len(spans) else None

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models that were called, as far as upstream tells, each once."""
        return tuple(dict.fromkeys(step.model for step in self.steps if step.model))

    @property
    def steps(self) -> tuple[StepPart, ...]:
        return tuple(part for part in self.parts if isinstance(part, StepPart))


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of an answer's text, and what a person is asked after it."""

    text: str
    form: FormPart | None = None


_reply = TypeAdapter(Reply)


def dump_reply(reply: Reply) -> dict[str, object]:
    """The reply as plain JSON data; decimals become strings."""
    data: dict[str, object] = _reply.dump_python(reply, mode='json')
    return data


def load_reply(data: object) -> Reply:
    """The inverse of `dump_reply`. :raises pydantic.ValidationError: not a reply"""
    return _reply.validate_python(data)
