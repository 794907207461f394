"""What the demo says: honest answers with their sources, figures that add up, titles, texts made to measure."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from webapp.upstream.demo import samples, titles
from webapp.upstream.demo.records import File
from webapp.upstream.demo.retrieval import handbook, sections
from webapp.upstream.demo.scenario import parse
from webapp.upstream.demo.usage import Spent, tokens, usage
from webapp.upstream.demo.writer import Draft, draft, follow_ups, resources


def said(query: str, **more: object) -> str:
    return ''.join(write(query, **more).tokens)


def write(query: str, **more: object) -> Draft:
    return draft(parse(query), handbook(), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ('question', 'heading'),
    [
        ('What is this product?', 'About this product'),
        ('How do I connect my own Dify?', 'Connecting a Dify'),
        ('Which scenario words are there?', 'Scenario words'),
        ('Where does the API key live?', 'Where the API key is'),
        ('what does it cost', 'Costs'),
        ('who can see my conversations?', 'Who sees my conversations'),
        ('postgres', 'Database'),
        ('Does the answer go on after a reload?', 'Reloading the page'),
        ('PORT ALREADY IN USE', 'The port is taken'),
        ('dark mode', 'Light and dark'),
        ('Can I embed this in my website?', 'Embedding in a website'),
        ('single sign-on', 'Company login'),
    ],
)
def test_it_finds_the_passage_and_quotes_it(question: str, heading: str) -> None:
    answer = write(question)
    assert answer.passages[0].section.heading == heading
    for passage in answer.passages:
        assert passage.section.text in ''.join(answer.tokens)


def test_its_sources_are_the_passages_it_quotes() -> None:
    answer = write('Where is the API key?')
    found = resources(answer.passages)
    assert [source['position'] for source in found] == list(range(1, len(answer.passages) + 1))
    assert [source['document_name'] for source in found] == [passage.section.page for passage in answer.passages]
    assert [source['score'] for source in found] == sorted((source['score'] for source in found), reverse=True)
    for source in found:
        assert 0 < source['score'] <= 1
        assert source['content'].partition('\n\n')[2] in ''.join(answer.tokens)


@pytest.mark.parametrize(
    'question', ['What is the capital of France?', 'How do I bake bread?', 'wie geht es dir', '🐸']
)
def test_it_admits_what_it_does_not_know(question: str) -> None:
    answer = write(question)
    assert ''.join(answer.tokens).startswith('My handbook says nothing about that.')
    assert not answer.passages


def test_a_short_question_is_understood_from_the_one_before() -> None:
    alone = write('And what about Postgres?', earlier=[])
    after = write('and the default?', earlier=['Which database is used?'])
    assert alone.passages[0].section.heading == after.passages[0].section.heading == 'Database'


def test_small_talk() -> None:
    assert said('Hello!').startswith('Hello!')
    assert said('thanks a lot').startswith('You are welcome.')
    assert 'From the handbook' in said('ok how do I connect my Dify')
    assert 'From the handbook' in said('what are you')
    assert '`/long`' in said('/lnog 40')


def test_files_are_named_and_not_looked_into() -> None:
    files = [
        File('1', 'u', 'a`b.png', 217, 'png', 'image/png', 0),
        File('2', 'u', 'b.pdf', 1_200_000, 'pdf', 'application/pdf', 0),
    ]
    text = said('What is this product?', files=files)
    assert text.startswith('2 files came with your message. I cannot look into files')
    assert '- `ab.png` (image/png, 217 bytes)' in text
    assert '- `b.pdf` (application/pdf, 1,200 kB)' in text


def test_suggestions_lead_somewhere_else() -> None:
    first = write('Where is the API key?').passages[0].section.heading
    suggestions = follow_ups('Where is the API key?', handbook())
    assert len(set(suggestions)) == 3
    assert not any(first in suggestion for suggestion in suggestions)


def test_headings_inside_code_are_no_headings() -> None:
    found = sections('page.md', '# Page\n\nText.\n\n## Code\n\n```\n# no heading\n```\n')
    assert [(section.title, section.heading) for section in found] == [('Page', 'Page'), ('Page', 'Code')]


@given(st.text())
def test_tokens_are_the_whole_text(text: str) -> None:
    assert ''.join(tokens(text)) == text


@pytest.mark.parametrize('content', ['long', 'code', 'table', 'list'])
@pytest.mark.parametrize('size', [1, 17, 4000])
def test_texts_made_to_measure(content: str, size: int) -> None:
    pieces = samples.make(content, size)
    assert len(pieces) == size
    assert pieces == samples.make(content, size)


def test_one_fence_stays_one_fence() -> None:
    assert ''.join(samples.make('code', 5000)).count('```') == 1


def test_prices_add_up() -> None:
    found = usage(Spent(prompt=33, completion=35, latency=1.5, first=0.25))
    assert (found['prompt_price'], found['completion_price'], found['total_price']) == (
        '0.0000825',
        '0.0003500',
        '0.0004325',
    )
    assert Decimal(found['prompt_price']) == 33 * Decimal(found['prompt_unit_price']) * Decimal(
        found['prompt_price_unit']
    )
    assert (found['time_to_first_token'], found['time_to_generate']) == (0.25, 1.25)


def test_zero_is_written_as_a_real_server_writes_it() -> None:
    assert usage(Spent())['total_price'] == '0E-7'


@pytest.mark.parametrize(
    ('query', 'title'),
    [
        ('Where is the API key kept, please?', 'API Key Kept'),
        ('what is this?', 'What Is This'),
        ('/rate 5 /long 300 about summer trains', 'Summer Trains'),
        ('/long 300', 'Long 300'),
        ('日本語のタイトル', '日本語のタイトル'),
        ('🐸🐸', '🐸🐸'),
        ('word' * 40, ('Word' + 'word' * 40)[:75]),
        ('/title blank hello', ''),
        ('/title fail hello', None),
    ],
)
def test_titles_from_the_query(query: str, title: str | None) -> None:
    assert titles.generate(query) == title
