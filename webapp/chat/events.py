"""What can happen to a reply. Each event says what happened and no more; `reducer.apply` says what follows."""

from dataclasses import dataclass

from webapp.chat.message import Citation, Failure, FilePart, FormPart, StepPart, Usage


@dataclass(frozen=True, slots=True)
class Started:
    """Upstream named what it is working on. May come again with more names filled in; '' means not named."""

    conversation_id: str = ''
    message_id: str = ''
    task_id: str = ''
    run_id: str = ''


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class TextReplaced:
    """All text so far is withdrawn; `text` stands in for it (moderation, or a closing copy of the whole answer).

    Also taken by a reply that has ended: moderation may speak last.
    """

    text: str
    with_reasoning: bool = False  # what was thought is withdrawn as well


@dataclass(frozen=True, slots=True)
class TextCompleted:
    """The whole text, from a source that has all of it: a stream may have missed some. Less never replaces more.

    Also taken by a reply that is complete.
    """

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """The reasoning so far has come to an end, after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class StepChanged:
    """A step began or changed. Told apart by `step.id`; a later copy never takes words away."""

    step: StepPart


@dataclass(frozen=True, slots=True)
class FileAdded:
    file: FilePart


@dataclass(frozen=True, slots=True)
class FormChanged:
    """A workflow asks a person, or the question was answered or has expired.

    Told apart by `form.id`; one without names the node, and means what that has asked last.
    """

    form: FormPart


@dataclass(frozen=True, slots=True)
class Paused:
    """The run waits for a person. Ends this stream, not the reply."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The stream had broken off, and the answer goes on in another one."""


@dataclass(frozen=True, slots=True)
class Reported:
    """Usage, sources, files and the time it took, wherever upstream said them. Also taken by a reply that has ended."""

    usage: Usage | None = None
    citations: tuple[Citation, ...] = ()
    files: tuple[FilePart, ...] = ()
    seconds: float | None = None  # that a workflow ran


@dataclass(frozen=True, slots=True)
class Voiced:
    """A piece of the answer read aloud, cut anywhere. The reply does not hold it, and it may come after the end."""

    sound: bytes


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The person stopped the answer, here or elsewhere."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Upstream gave up. Text so far stays."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The stream broke off: connection lost, silence, or time limit. Text so far stays."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was found upstream after the stream had broken: the whole text, never shorter than what we hold."""

    text: str


Event = (
    Started | TextDelta | TextReplaced | TextCompleted | ReasoningDelta | Thought | StepChanged | FileAdded
    | FormChanged | Paused | Resumed | Reported | Voiced | Finished | Stopped | Failed | Interrupted | Repaired
)  # fmt: skip


def made_in(event: Event) -> tuple[FilePart, ...]:
    """The assistant's files in an event."""
    match event:
        case FileAdded(file):
            return (file,)
        case Reported(files=files):
            return files
    return ()
