"""Tells what a model thinks from what it says, while the text arrives.

Models without a channel of their own for reasoning write it into the answer, as `<think>...</think>` or, through old
Dify versions, as `<details><summary>Thinking...</summary>...</details>`. Wherever the text is cut, the result is the
same. A tag inside Markdown code is just text.
"""

import re
from collections.abc import Iterable, Iterator

from webapp.chat.events import Event, ReasoningDelta, TextDelta, TextReplaced

OPEN = re.compile(
    r'<think>|<details\b[^<>]{0,200}>\s{0,20}<summary>\s{0,20}Thinking\.\.\.\s{0,20}</summary>', re.IGNORECASE
)
CANDIDATE = re.compile(r'<(?=[/td]|\Z)', re.IGNORECASE)
LONGEST_OPEN = 300  # characters
MAX_TURNS = 20  # times that what was said may turn out to have been thought: each withdraws the whole text
THINK_END, DETAILS_END = '</think>', '</details>'


class Thinking:
    """Splits one answer. Feed it the text, then `flush` it."""

    def __init__(self) -> None:
        self._held = ''  # may turn out to be the beginning of a tag
        self._end = ''  # while thinking: the tag that ends it
        self._trims = False  # blanks around tags are nobody's words
        self._has_thought = False
        self._is_nested = False  # a tag was opened within thinking: one more may close it
        self._turns = 0
        self._before: list[str] = []  # what was said up to the last closing tag
        self._since: list[str] = []  # and after it
        self._code = _Code()

    def feed(self, text: str) -> list[Event]:
        if '<' not in text and not self._held:
            return list(self._emit(text))
        return list(self._split(self._held + text, is_all=False))

    def flush(self) -> list[Event]:
        """What was held back, at the end of the answer."""
        return list(self._split(self._held, is_all=True))

    def _split(self, text: str, *, is_all: bool) -> Iterator[Event]:
        self._held = ''
        begin = 0  # not emitted from here on
        look = 0
        while candidate := CANDIDATE.search(text, look):
            at = candidate.start()
            tag = self._tag(text, at)
            if tag is None and not is_all and self._may_become_tag(text, at):
                yield from self._emit(text[begin:at])
                self._held = text[at:]
                return
            look = at + 1
            if tag is None:
                continue
            yield from self._emit(text[begin:at])
            begin = at
            if self._end or not self._code.is_inside:
                yield from self._turn(tag)
                begin = look = at + len(tag)
        yield from self._emit(text[begin:])

    def _tag(self, text: str, at: int) -> str | None:
        """The tag at this place that means something now."""
        if self._end:
            if text[at : at + 7].lower() == '<think>':
                self._is_nested = True
            end = text[at : at + len(self._end)]
            return end if end.lower() == self._end else None
        if (end := text[at : at + len(THINK_END)]).lower() == THINK_END:
            return end
        match = OPEN.match(text, at, at + LONGEST_OPEN)
        return match[0] if match else None

    def _may_become_tag(self, text: str, at: int) -> bool:
        tail = text[at : at + LONGEST_OPEN].lower()
        if self._end:
            return len(tail) < len(self._end) and (self._end.startswith(tail) or '<think>'.startswith(tail))
        if tail.startswith('<details'):
            return len(tail) < LONGEST_OPEN and '</summary>' not in tail
        return any(tag.startswith(tail) for tag in ('<think>', THINK_END, '<details'))

    def _turn(self, tag: str) -> Iterator[Event]:
        """Begin or end thinking."""
        if self._end:
            self._end = ''
            self._begin_anew()
        elif tag.lower() != THINK_END:
            self._end = THINK_END if tag.lower() == '<think>' else DETAILS_END
            self._has_thought = self._trims = True
            self._is_nested = False
        elif (self._is_nested or not self._has_thought) and self._turns < MAX_TURNS:  # it had begun in secret
            self._turns += 1
            thought = ''.join(self._since)
            self._since = []
            yield TextReplaced(''.join(self._before))
            yield ReasoningDelta(thought)
            self._has_thought, self._is_nested = True, False
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._before += self._since
        self._since = []
        self._trims = not any(map(str.strip, self._before))
        self._code = _Code()

    def _emit(self, text: str) -> Iterator[Event]:
        if self._trims:
            text = text.lstrip()
        if not text:
            return
        self._trims = False
        if self._end:
            yield ReasoningDelta(text)
        else:
            self._since.append(text)
            self._code.see(text)
            yield TextDelta(text)


def split(events: Iterable[Event]) -> tuple[str, str]:
    """What the events of a `Thinking` come to: (said, thought)."""
    said, thought = '', ''
    for event in events:
        match event:
            case TextDelta():
                said += event.text
            case TextReplaced():
                said = event.text
            case ReasoningDelta():
                thought += event.text
    return said, thought


def visible(text: str) -> str:
    """What is said in a whole answer."""
    thinking = Thinking()
    return split([*thinking.feed(text), *thinking.flush()])[0]


class _Code:
    """Whether the end of what was seen stands inside Markdown code: a fence, or a span on its line."""

    def __init__(self) -> None:
        self._fence = ''
        self._line = ''  # the beginning of the last line
        self._ticks = 0  # on the last line

    @property
    def is_inside(self) -> bool:
        return bool(self._fence) or self._ticks % 2 == 1 or bool(self._mark())

    def see(self, text: str) -> None:
        line, *more = text.split('\n')
        self._go_on(line)
        for line in more:
            mark = self._mark()
            if not self._fence:
                self._fence = mark
            elif mark == self._fence and not self._line.strip(f' {mark[0]}'):
                self._fence = ''
            self._line, self._ticks = '', 0
            self._go_on(line)

    def _go_on(self, line: str) -> None:
        if len(self._line) < 12:
            self._line = (self._line + line)[:12]
        self._ticks += line.count('`')

    def _mark(self) -> str:
        """The fence that the last line opens or closes."""
        line = self._line.lstrip(' ')
        return line[:3] if line[:3] in {'```', '~~~'} and len(self._line) - len(line) < 4 else ''
