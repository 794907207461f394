"""What the assistant says: honest answers from the handbook, or the text that a scenario asks for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from webapp.upstream.demo import attached, samples, scenario
from webapp.upstream.demo.contents import Attachment
from webapp.upstream.demo.retrieval import Handbook, Passage, Section, quoted, terms, words
from webapp.upstream.demo.scenario import Scenario
from webapp.upstream.demo.usage import tokens

THOUGHT = (
    '<think>\nThe question should be answered from the handbook. I look for the sections that share its words, '
    'and quote them rather than guess.\n</think>\n'
)
LINK = 'https://docs.dify.ai/'  # of a source that has one
WITHDRAWN = 'The answer so far was withdrawn by moderation. It begins anew.\n\n'
GREETING = re.compile(
    r'(hi|hello|hey|good (morning|afternoon|evening|day)|greetings)'
    r'([ ,]+(there|all|everybody|again|you))*[ ,.!]*$',
    re.IGNORECASE,
)
THANKS = re.compile(
    r'(thanks?|thank you|thx|cheers|great|perfect|ok(ay)?)'
    r'([ ,]+(a lot|so much|very much|you|thanks?|that helps))*[ ,.!]*$',
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer before it is written out."""

    tokens: list[str]
    passages: tuple[Passage, ...] = ()


def draft(
    asked: Scenario, handbook: Handbook, *, earlier: Sequence[str] = (), files: Sequence[Attachment] = ()
) -> Draft:
    """Compose the answer.

    :param earlier: the conversation's queries before this one; the last gives context to a question too short
    :param files: those that came with the message
    """
    passages: list[Passage] = []
    match asked.content:
        case 'echo':
            pieces = tokens(asked.text)
        case 'markdown':
            pieces = tokens(samples.SHOWCASE)
        case 'handbook' if asked.image:
            pieces = tokens('Here is the picture.')
        case 'handbook':
            text, passages = _answer(asked.text, handbook, earlier, files)
            pieces = tokens(text)
        case 'cite':
            text, passages = _cited(handbook, asked.size)
            pieces = tokens(text)
        case content:
            pieces = samples.make(content, asked.size)
    return Draft(tokens(THOUGHT) + pieces if asked.think else pieces, tuple(passages))


def resources(passages: Sequence[Passage]) -> list[dict[str, Any]]:
    """Dify's `retriever_resources`, as a stream reports them."""
    return [
        {
            'position': position,
            'dataset_id': passage.section.dataset_id,
            'dataset_name': passage.section.dataset,
            'document_id': passage.section.document_id,
            'document_name': passage.section.page,
            'data_source_type': 'website_crawl' if passage.link else 'upload_file',
            'segment_id': passage.section.id,
            'retriever_from': 'api',
            'score': passage.score,
            'hit_count': None,
            'word_count': None,
            'segment_position': None,
            'index_node_hash': None,
            'content': f'{passage.section.heading}\n\n{passage.section.text}',
            'page': None,
            'doc_metadata': {'url': passage.link} if passage.link else None,
            'title': None,
            'files': None,
            'summary': None,
        }
        for position, passage in enumerate(passages, 1)
    ]


def follow_ups(query: str, handbook: Handbook) -> list[str]:
    """Three questions that the handbook can answer, next to what was asked."""
    near = [passage.section for passage in handbook.search(query, limit=1, least=0.1)]
    page = near[0].page if near else ''
    rest = [s for s in handbook.sections if s not in near]
    rest.sort(key=lambda s: (s.page != page, s.page))
    return [f'Tell me about “{section.heading}”.' for section in rest[:3]]


def _answer(
    question: str, handbook: Handbook, earlier: Sequence[str], files: Sequence[Attachment]
) -> tuple[str, list[Passage]]:
    if word := scenario.unknown_word(question):
        known = ', '.join(f'`/{name}`' for name in scenario.WORDS)
        return f'`/{word}` is not a scenario word. The ones I know: {known}.', []
    if files:
        return attached.answer(question, files)
    if GREETING.match(question):
        return 'Hello! I am the built-in demo. Ask me about this product, for instance how to connect it to a Dify.', []
    if THANKS.match(question):
        return 'You are welcome. Is there anything else you would like to know?', []
    if not question or (not earlier and words(question) and not terms(question)):
        question = 'What is this product?'
    passages = handbook.search(question)
    if earlier and (not passages or len(set(terms(question))) < 2):
        passages = handbook.search(f'{scenario.parse(earlier[-1]).text} {question}') or passages
    if passages:
        return '\n\n'.join(['From the handbook:', *map(quoted, passages)]), passages
    topics = '\n'.join(f'- {title}' for title in handbook.titles)
    return f'My handbook says nothing about that. I can talk about:\n\n{topics}', []


def _cited(handbook: Handbook, count: int) -> tuple[str, list[Passage]]:
    """An answer on the first sections of `count` pages, then on further ones; each weighs less than the last."""
    by_page = sorted(handbook.sections, key=lambda section: section.position)
    chosen = [
        Passage(section, round(0.93 * 0.82**index, 4), LINK if index == 1 else '')
        for index, section in enumerate(by_page[:count])
    ]
    lines = [f'- {_first_sentence(passage.section)} [{n}]' for n, passage in enumerate(chosen, 1)]
    return '\n'.join([f'What {len(chosen)} sources say about this product:', '', *lines]), chosen


def _first_sentence(section: Section) -> str:
    found = re.match(r'[A-Z][^|\n]*?\.(?=\s|$)', section.text)
    return found[0] if found else section.heading
