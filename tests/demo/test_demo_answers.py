"""What the demo says: honest answers with their sources, figures that add up, titles, texts made to measure."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from webapp.upstream.demo import samples, titles
from webapp.upstream.demo.contents import Attachment, look
from webapp.upstream.demo.pictures import png
from webapp.upstream.demo.records import File
from webapp.upstream.demo.retrieval import PIECE, document, handbook, sections
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
        ('How do I attach an image?', 'Images and files'),
        ('Can I use Ollama?', 'A model without Dify'),
        ('Where is the cost shown?', 'Where the cost is shown'),
        ('how do I change the logo', 'Name, logo and colour'),
        ('how can I rate an answer', 'Rating an answer'),
        ('what are the keyboard shortcuts', 'Keyboard shortcuts'),
        ('something is wrong, can a doctor check it?', 'Finding out what is wrong'),
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


def attach(name: str, content: bytes) -> Attachment:
    return Attachment(File('1', 'u', name, len(content), name.rpartition('.')[2], 'x/y', 0), look(content))


def test_of_a_picture_it_says_what_its_bytes_say() -> None:
    text = said('What is this?', files=[attach('a`fox.png', png('a fox'))])
    assert '- `afox.png`: a PNG picture of 320 × 200 pixels, ' in text
    assert 'What a picture shows I cannot tell' in text


@pytest.mark.parametrize(
    ('name', 'content', 'told'),
    [
        ('a.png', b'GIF89a\x40\x01\xf0\x00\x80\x00\x00', 'a GIF picture of 320 × 240 pixels, 13 bytes'),
        ('a.jpg', b'\xff\xd8\xff\xe0' + b'\0' * 60, 'a JPEG picture, 64 bytes'),
        ('a.png', b'just words', 'a text of 2 words, 10 bytes'),
        ('a.png', b'\x89PNX' + b'\0' * 20_000, '20 kB, called a picture, but none is in it'),
        ('a.pdf', b'%PDF-1.7 all ASCII', '18 bytes, of a kind I cannot read'),
        ('a.txt', b'\xff\xfe\0\0', '4 bytes, of a kind I cannot read'),
    ],
)
def test_names_are_not_believed(name: str, content: bytes, told: str) -> None:
    assert f'- `{name}`: {told}\n\n' in said('What is this?', files=[attach(name, content)]) + '\n\n'


def test_a_document_is_searched_like_the_handbook() -> None:
    text = '# Rules\n\nBe kind.\n\n## Refunds\n\nMoney is returned within 30 days.\n\n## Pets\n\nDogs are welcome.\n'
    answer = write('When do I get a refund?', files=[attach('rules.md', text.encode())])
    (source,) = resources(answer.passages)
    assert (source['document_name'], source['dataset_name']) == ('rules.md', 'Your files')
    assert source['content'] == 'Refunds\n\nMoney is returned within 30 days.'
    assert '### Rules: Refunds\n\nMoney is returned' in ''.join(answer.tokens)


def test_a_document_without_the_words_of_the_question_is_begun() -> None:
    text = said('What about it?', files=[attach('poem.txt', b'One\ntwo\n' * 200)])
    assert '`poem.txt` begins:\n\n> One\n> two\n' in text
    assert '> …' in text


@given(st.text(min_size=1).filter(str.strip))
def test_any_text_can_be_searched(text: str) -> None:
    sought = document('a.txt', text)
    assert sought.sections
    assert all(len(section.text) <= 2 * PIECE for section in sought.sections)
    sought.search('anything at all')


def test_a_number_of_sources_one_with_a_link() -> None:
    found = resources(write('/cite 6').passages)
    assert [source['position'] for source in found] == [1, 2, 3, 4, 5, 6]
    assert len({source['document_id'] for source in found}) == 6
    assert [source['score'] for source in found] == sorted((source['score'] for source in found), reverse=True)
    assert [source['position'] for source in found if source['doc_metadata']] == [2]
    assert '[6]' in said('/cite 6')


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
