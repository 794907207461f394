"""Finds the passages of the handbook that answer a question: BM25 over its sections."""

import functools
import math
import re
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

FOLDER = Path(__file__).with_name('handbook')
DATASET, UPLOADS = 'Handbook', 'Your files'
IDS = uuid.uuid5(uuid.NAMESPACE_URL, 'urn:demo:handbook')
K1, B = 1.2, 0.75  # the usual constants: how soon repetition saturates, how much length counts
HEADING_WEIGHT = 3
MOST_DOCUMENT = 50_000  # characters of a file that are searched
PIECE = 800  # characters

SMALL_WORDS = """
a about all already also am an and any anyone are as at be been but by can could did do does doing ever explain
for from get give had happen happens has have hello here hi how i if in into is it it's its just know let like
live lives make many may me mean might mine more most much must my myself need no not of on one or our own
please really say says shall should show so some somebody still such tell than that the their them then there
these they thing this those to today us use used using very want was we were what when where whether which who
why will with work works would yes you your
"""
STOP_WORDS = frozenset(SMALL_WORDS.split())


@dataclass(frozen=True, slots=True)
class Section:
    """One heading's text on a page of the handbook."""

    page: str  # file name
    title: str  # the page's
    heading: str
    text: str  # Markdown, without the heading
    position: int  # on its page, from 1
    dataset: str = DATASET

    @property
    def dataset_id(self) -> str:
        return str(IDS if self.dataset == DATASET else uuid.uuid5(IDS, self.dataset))

    @property
    def document_id(self) -> str:
        return str(uuid.uuid5(IDS, self.page))

    @property
    def id(self) -> str:
        return str(uuid.uuid5(IDS, f'{self.page}#{self.position}'))


@dataclass(frozen=True, slots=True)
class Passage:
    section: Section
    score: float  # 0 to 1: the share of what a section with all the question's words could reach
    link: str = ''  # to the original, where there is one


class Handbook:
    def __init__(self, sections: list[Section]) -> None:
        self.sections = sections
        self._counts = [
            Counter(terms(f'{s.title} {s.heading} ' * HEADING_WEIGHT + s.text)) for s in sections
        ]  # a heading says more than its text
        self._lengths = [counts.total() for counts in self._counts]
        self._average = sum(self._lengths) / len(sections)
        self._documents = Counter(term for counts in self._counts for term in counts)

    @property
    def titles(self) -> list[str]:
        return list(dict.fromkeys(section.title for section in self.sections))

    def search(self, question: str, *, limit: int = 3, least: float = 0.25) -> list[Passage]:
        """The best sections for `question`, best first; none below `least`, nor far below the best."""
        asked = set(terms(question))
        best_possible = sum(self._rarity(term) for term in asked) * (K1 + 1)
        if not best_possible:
            return []
        scored = [(self._score(index, asked) / best_possible, index) for index in range(len(self.sections))]
        scored.sort(key=lambda pair: (-pair[0], pair[1]))
        floor = max(least, scored[0][0] * 0.6)
        return [Passage(self.sections[i], round(score, 4)) for score, i in scored[:limit] if score >= floor]

    def _score(self, index: int, asked: set[str]) -> float:
        counts, length = self._counts[index], self._lengths[index] / self._average
        return sum(
            self._rarity(term) * counts[term] * (K1 + 1) / (counts[term] + K1 * (1 - B + B * length))
            for term in asked
            if term in counts
        )

    def _rarity(self, term: str) -> float:
        """Unknown words count fully: a question mostly about something else finds nothing."""
        having = self._documents[term]
        return math.log(1 + (len(self.sections) - having + 0.5) / (having + 0.5))


def quoted(passage: Passage) -> str:
    """The passage under its heading, in Markdown."""
    section = passage.section
    where = section.title if section.heading == section.title else f'{section.title}: {section.heading}'
    return f'### {where}\n\n{section.text}'


@functools.cache
def handbook() -> Handbook:
    """The built-in one."""
    pages = sorted(FOLDER.glob('*.md'))
    return Handbook([section for page in pages for section in sections(page.name, page.read_text('utf-8'))])


def document(name: str, text: str) -> Handbook:
    """A file of somebody's own, as searchable as the handbook: its beginning, in pieces."""
    text = text[:MOST_DOCUMENT]
    parts = sections(name, text) or [Section(name, name, name, text, 1)]
    pieces = [(part, piece) for part in parts for piece in _pieces(part.text)]
    return Handbook([
        replace(part, text=piece, position=position, dataset=UPLOADS)
        for position, (part, piece) in enumerate(pieces, 1)
    ])  # fmt: skip


def sections(page: str, markdown: str) -> list[Section]:
    """Split at the headings; the first one, of level 1, names the page. Fenced lines are no headings."""
    title, heading, fenced = page, '', False
    body: list[str] = []
    found: list[Section] = []

    def close() -> None:
        text = '\n'.join(body).strip()
        if text:
            found.append(Section(page, title, heading or title, text, len(found) + 1))
        body.clear()

    for line in markdown.splitlines():
        fenced ^= line.startswith('```')
        mark = None if fenced else re.match(r'(#{1,3}) +(.+)', line)
        if not mark:
            body.append(line)
            continue
        close()
        heading = mark[2].strip()
        if len(mark[1]) == 1:
            title = heading
    close()
    return found


def _pieces(text: str) -> Iterator[str]:
    """Whole lines, about `PIECE` characters of them together; longer lines are cut."""
    piece = ''
    for line in text.splitlines():
        for start in range(0, len(line) or 1, PIECE):
            part = line[start : start + PIECE]
            if piece.strip() and len(piece) + len(part) > PIECE:
                yield piece.strip()
                piece = ''
            piece += part + '\n'
    if piece.strip():
        yield piece.strip()


def words(text: str) -> list[str]:
    """The words of `text` in its own case; names with underscores or dots inside stay whole."""
    return re.findall(r"\w+(?:[.'’-]\w+)*", text)


def terms(text: str) -> list[str]:
    """What is counted: folded, plain endings cut, without stop words; a compound also by its parts."""
    found: list[str] = []
    for word in words(text):
        folded = word.casefold().replace('’', "'")
        parts = [part for part in re.split(r'[._-]', folded) if part]
        for term in {folded, *parts}:
            if term not in STOP_WORDS and len(term) > 1:
                found.append(_stem(term))
    return found


def _stem(term: str) -> str:
    """Folds 'reply' with 'replies', 'charge' with 'charging', 'stop' with 'stopped'."""
    for ending in ('ing', 'ed', 'es', 's'):
        if term.endswith(ending) and len(term) - len(ending) >= 3:
            term = re.sub(r'([bdgmnprt])\1$', r'\1', term[: -len(ending)])
            break
    return re.sub(r'(?<=\w{2})(?:ie|y|e)$', lambda found: '' if found[0] == 'e' else 'i', term)
