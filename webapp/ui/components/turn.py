"""What a person sees of one turn, as values: the question and its files, the answer and what stands beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from webapp.chat.form import Action, Field
from webapp.chat.message import Citation, Status, StepPart
from webapp.ui import i18n
from webapp.ui.components.steps import StepLook, StepsView, steps_view

EXCERPT = 4_000  # characters of a question that go to the page before anybody asks for the rest
LONG_LINES = 16  # folding less than that to the twelve of `thread.css` would hide next to nothing
LINE_CHARS = 80  # about


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of a turn, as it is served."""

    id: str
    name: str
    kind: str  # 'image' for what is shown in place, 'audio' and 'video' for what is played, 'link'; else a download
    url: str  # '/files/{id}', same origin; within another site's page with a pass behind it
    size: int | None = None  # bytes
    media_type: str = ''
    width: int | None = None  # pixels, images where known: no layout jump
    height: int | None = None
    is_gone: bool = False  # only its name is left
    link: str = ''  # kind 'link': where it is, on somebody else's server

    @property
    def is_picture(self) -> bool:
        return self.kind == 'image' and not self.is_gone

    @property
    def host(self) -> str:
        return urlsplit(self.link).hostname or ''

    @property
    def download_url(self) -> str:
        return f'{self.url}{"&" if "?" in self.url else "?"}download=1'

    @property
    def is_measured(self) -> bool:
        return bool(self.width and self.height)

    def box(self, width: int, height: int) -> tuple[int, int]:
        """The size to show it at: its own, or as much of it as fits into these pixels."""
        if not self.width or not self.height:
            return width, width * 3 // 4
        scale = min(1.0, width / self.width, height / self.height)
        return max(1, round(self.width * scale)), max(1, round(self.height * scale))


@dataclass(frozen=True, slots=True)
class FieldView:
    """Something to fill in, and the id of its control."""

    field: Field
    id: str
    rules: str = ''  # of one that takes files: `UploadRules` as JSON


@dataclass(frozen=True, slots=True)
class FormView:
    """What the app asks in the middle of an answer."""

    id: str
    place: str  # id of its element
    title: str
    standing: str  # 'open', 'busy', 'elsewhere', 'answered', 'expired', 'closed'
    pieces: tuple[str | FieldView, ...]  # HTML as `webapp.markdown.render` made it, and the fields between it
    actions: tuple[Action, ...]
    answer: str = ''  # likewise HTML: what was answered
    expires_at: int | None = None  # epoch seconds, while it can be answered
    app: str = ''  # slug, for files that are given

    @property
    def expires(self) -> str:
        return datetime.fromtimestamp(self.expires_at, UTC).isoformat() if self.expires_at else ''

    @property
    def texts(self) -> tuple[str, ...]:
        """The question without its fields."""
        return tuple(piece for piece in self.pieces if isinstance(piece, str))


@dataclass(frozen=True, slots=True)
class AskedView:
    """A piece of an answer, as HTML, and what was asked after it."""

    html: str
    form: FormView


@dataclass(frozen=True, slots=True)
class UsageView:
    """What an answer cost, in words, with Markup for the numbers among them."""

    line: str  # '812 tokens · $0.0021', a dash where nothing was reported
    facts: tuple[tuple[str, str], ...] = ()  # label, value: tokens in and out, prices, times


@dataclass(frozen=True, slots=True)
class MessageView:
    """What a person sees of one turn: the question and the answer to it."""

    id: str
    number: int  # from 1 on within the conversation
    query: str  # plain text
    asked: tuple[AskedView, ...] = ()  # the answer up to the last thing that was asked in it
    html: str = ''  # its rest, as `webapp.markdown.render` made it; '' while it is being written
    version: int = 0  # of a final answer's text: it is sent but once. 0: not known
    status: Status = Status.RUNNING
    phase: str = ''  # while running: 'queued', 'connecting', 'streaming'
    place: int = 0  # while queued: place in line, from 1 on
    error: str = ''  # the plain sentence about a failure, see `i18n.error`
    detail: str = ''  # technical words about it, for admins only
    retryable: bool = False
    repaired: bool = False  # completed after its stream had broken
    reasoning: str = ''  # plain text
    thought_seconds: float | None = None  # that it was thought about; None if that is not known
    steps: tuple[StepPart, ...] = ()
    step_seconds: float | None = None  # that the workflow ran
    step_look: StepLook = field(default_factory=StepLook)
    citations: tuple[Citation, ...] = ()
    files: tuple[FileView, ...] = ()  # of the question
    made: tuple[FileView, ...] = ()  # by the assistant
    rating: str = ''  # '', 'like', 'dislike'
    comment: str = ''  # about the rating
    when: datetime | None = None
    usage: UsageView | None = None
    versions: tuple[str, ...] = ()  # ids of what stands in this place, the oldest first; empty if it is this alone

    @property
    def version_number(self) -> int:
        """Which of the versions it is, from 1 on."""
        return self.versions.index(self.id) + 1

    @property
    def neighbours(self) -> tuple[str, str]:
        """Ids of the versions before and after it, '' where it is the first or the last."""
        place = self.version_number
        return self.versions[place - 2] if place > 1 else '', (*self.versions, '')[place]

    @property
    def is_elsewhere(self) -> bool:
        """Whether it waits for somebody who is not here."""
        return self.status is Status.WAITING and not any(each.form.standing == 'open' for each in self.asked)

    @property
    def question(self) -> 'Question':
        return Question.of(self.query)

    @property
    def trail(self) -> StepsView:
        return steps_view(self.steps, status=self.status, seconds=self.step_seconds, look=self.step_look)

    @property
    def sources(self) -> 'tuple[Source, ...]':
        return sources(self.citations)


@dataclass(frozen=True, slots=True)
class Question:
    """As much of a question as the page is given at first: two million characters would stop any browser."""

    text: str
    is_cut: bool  # the rest is there when it is asked for
    is_long: bool  # shown folded

    @classmethod
    def of(cls, query: str) -> 'Question':
        text = query[:EXCERPT]
        lines = sum(1 + len(line) // LINE_CHARS for line in text.split('\n'))
        is_cut = len(query) > EXCERPT
        return cls(text, is_cut, is_cut or lines > LONG_LINES)


@dataclass(frozen=True, slots=True)
class Source:
    """A citation as a page numbers and names it."""

    number: int
    name: str
    citation: Citation
    is_first: bool  # of its document

    @property
    def share(self) -> float | None:
        """The score, if it is a share: some retrievers give distances or sums instead."""
        score = self.citation.score
        return score if score is not None and 0 <= score <= 1 else None

    @property
    def host(self) -> str:
        """Where the original is; '' if that is nothing to be opened."""
        try:
            address = urlsplit(self.citation.url)
            return (address.hostname or '') if address.scheme in {'http', 'https'} else ''
        except ValueError:
            return ''


def sources(citations: Sequence[Citation]) -> tuple[Source, ...]:
    """Every passage once, in order; their own numbers where these tell them apart, because an answer may name them."""
    kept = list({_passage(citation): citation for citation in reversed(citations)}.values())[::-1]
    if len({citation.position for citation in kept}) == len(kept):
        kept.sort(key=lambda citation: citation.position)
        numbers = [citation.position for citation in kept]
    else:
        numbers = list(range(1, len(kept) + 1))
    found, seen = [], set()
    for number, citation in zip(numbers, kept, strict=True):
        document = citation.document_id or citation.document
        name = citation.document or i18n.t('thread.source')
        found.append(Source(number, name, citation, document not in seen))
        seen.add(document)
    return tuple(found)


def _passage(citation: Citation) -> tuple[str, ...]:
    return (citation.segment_id,) if citation.segment_id else (citation.document, citation.content)
