"""Upstream's files in the text of answers: whose address is taken for ours, and what stands in its place then."""

import pytest

from webapp.chat.events import (
    Event,
    FileAdded,
    Finished,
    FormChanged,
    Interrupted,
    ReasoningDelta,
    Repaired,
    Reported,
    StepChanged,
    Stopped,
    TextCompleted,
    TextDelta,
    TextReplaced,
)
from webapp.chat.message import Citation, Failure, FilePart, FormPart, Reply, StepPart, TextPart
from webapp.chat.reducer import replay
from webapp.files import Written, address, made_id
from webapp.files.written import LONGEST, with_addresses_of, with_pictures, without_addresses

BASE = 'https://dify.example.com/v1'
CHART, REPORT = '6d2f1f0e-0b1a-4c3d-8e9f-001122334455', '0a1b2c3d-4e5f-4a6b-8c7d-66778899aabb'
SIGNED = 'timestamp=1700000000&nonce=00ff&sign=aB_c-d%3D'
TOOL = f'/files/tools/{CHART}.png?{SIGNED}'
UPLOAD = f'/files/{REPORT}/file-preview?{SIGNED}'


def read(*events: Event, cut: int = 10_000, parts: tuple[FilePart, ...] = ()) -> Reply:
    """The reply after these events, the words of which come in pieces of so many characters."""
    written = Written('m1', BASE, parts)
    pieces = [
        piece
        for event in events
        for piece in (
            [type(event)(event.text[at : at + cut]) for at in range(0, len(event.text), cut)]
            if isinstance(event, TextDelta | ReasoningDelta)
            else [event]
        )
    ]
    return replay([out for event in pieces for out in written.feed(event)], Reply(parts=parts))


def ours(id_: str) -> str:
    return address(made_id('m1', FilePart(id_, 'image')))


def files(reply: Reply) -> list[tuple[str, str, str, str]]:
    return [(part.id, part.type, part.name, part.url) for part in reply.parts if isinstance(part, FilePart)]


@pytest.mark.parametrize('cut', [1, 2, 7, 10_000])
@pytest.mark.parametrize(
    'origin', ['https://dify.example.com', '', 'http://api:5001', 'http://10.0.0.3', 'http://dify.internal/sub']
)
def test_a_picture_of_upstreams_is_ours(origin: str, cut: int) -> None:
    text = f'See:\n\n![Sales by month]({origin}{TOOL})\n\nas of today.'
    reply = read(TextDelta(text), Finished(), cut=cut)
    assert reply.text == f'See:\n\n![Sales by month]({ours(CHART)})\n\nas of today.'
    assert files(reply) == [(CHART, 'image', 'Sales by month.png', TOOL)]


@pytest.mark.parametrize(
    ('written', 'shown', 'name'),
    [
        (f'[report.pdf](https://dify.example.com{UPLOAD})', f'[report.pdf]({ours(REPORT)})', 'report.pdf'),
        (f'[a](<{UPLOAD}> "t")', f'[a]({ours(REPORT)} "t")', 'a'),
        (f'<https://dify.example.com{UPLOAD}>', f'[file]({ours(REPORT)})', 'file'),
        (f'Load https://dify.example.com{UPLOAD}.', f'Load [file]({ours(REPORT)}).', 'file'),
        (f'![]({UPLOAD})', f'![]({ours(REPORT)})', 'picture'),
        (f'[a][b]\n\n[b]: {UPLOAD}', f'[a][b]\n\n[b]: {ours(REPORT)}', 'file'),
        (f'<img src="{UPLOAD}">', f'<img src="{ours(REPORT)}">', 'file'),
        (UPLOAD.replace('&', '&amp;'), f'[file]({ours(REPORT)})', 'file'),
        (f'![x](/files/{REPORT}/image-preview?{SIGNED})', f'![x]({ours(REPORT)})', 'x'),
    ],
)
def test_wherever_an_address_stands_ours_takes_its_place(written: str, shown: str, name: str) -> None:
    for cut in (1, 10_000):
        reply = read(TextDelta(written), Finished(), cut=cut)
        assert reply.text == shown
        [(id_, _, named, url)] = files(reply)
        assert (id_, named, url.partition('?')[2]) == (REPORT, name, SIGNED)


@pytest.mark.parametrize(
    'text',
    [
        f'![x](https://elsewhere.example.org{TOOL})',
        f'![x](https://dify.example.com.elsewhere.example.org{TOOL})',
        f'![x](https://8.8.8.8{TOOL})',
        f'![x](https://me@elsewhere.example.org{TOOL})',
        '![x](https://dify.example.com/console/api/files?sign=1)',
        f'![x](/files/../v1/{CHART}/file-preview?{SIGNED})',
        f'![x](/files/tools/{CHART}.png)',  # nobody has signed it
        f'![x](//elsewhere.example.org{TOOL})',
        f'a/b{TOOL}',
        '/files/0123456789abcdef0123456789abcdef',
        'http and https: https://example.com/a/files, half/files/ h',
    ],
)
def test_what_is_not_upstreams_stays_as_it_is(text: str) -> None:
    for cut in (1, 10_000):
        reply = read(TextDelta(text), Finished(), cut=cut)
        assert (reply.text, files(reply)) == (text, [])


def test_half_an_address_is_never_said() -> None:
    written = Written('m1', BASE)
    text = f'Look: ![x](http://api:5001{TOOL}) and more.'
    said = ''
    for letter in text:
        for event in written.feed(TextDelta(letter)):
            said += event.text if isinstance(event, TextDelta) else ''
            assert 'api' not in said
            assert 'tools' not in said
    assert said == f'Look: ![x]({ours(CHART)}) and more.'
    cut = read(TextDelta('Look: ![x](http://api:5001/files/to'), Interrupted(Failure('stream_cut')), cut=3)
    assert cut.text == 'Look: ![x]('
    foreign = read(TextDelta('Look: https://elsewhere.exam'), Interrupted(Failure('stream_cut')), cut=3)
    assert foreign.text == 'Look: https://elsewhere.exam'


@pytest.mark.parametrize(
    'text',
    [
        'Open http://localhost:8080/admin',
        'as in https://dify.example.com/docs/intro',
        'and/or, then /',
        'in /files/archive',
        'in /files/0123456789abcdef0123456789abcdef',
        'the /forum',
        'http://localhost',
    ],
)
def test_what_can_be_no_address_of_upstreams_is_said_however_the_answer_ends(text: str) -> None:
    for cut in (1, 10_000):
        assert read(TextDelta(text), Stopped(), cut=cut).text == text


@pytest.mark.parametrize('origin', ['', 'http://api:5001', 'https://dify.example.com', 'http://dify.internal/sub'])
def test_an_address_that_has_broken_off_is_not_said_wherever_it_did(origin: str) -> None:
    for whole in (TOOL, UPLOAD):
        for end in range(len('/files/'), whole.index('sign=')):
            assert read(TextDelta(f'Look: {origin}{whole[:end]}'), Stopped()).text == 'Look: ', whole[:end]
    if origin.count('/') == 2:
        for end in range(1, len('/files/')):
            assert read(TextDelta(f'Look: {origin}{TOOL[:end]}'), Stopped()).text == 'Look: '


def test_a_whole_that_is_less_takes_nothing_away() -> None:
    text = 'see https://example.com/page'
    assert read(TextDelta(text), TextCompleted('see'), Finished()).text == text
    assert (
        read(TextDelta(f'![x]({TOOL}'), TextCompleted(f'![x]({TOOL}) a'), Finished()).text == f'![x]({ours(CHART)}) a'
    )


def test_a_signature_is_taken_as_it_is_written() -> None:
    query = 'nonce=a&timestamp=1&copy=2&sign=b'
    for between in ('&', '&amp;'):
        [(*_, url)] = files(read(TextReplaced(f'![x](/files/tools/{CHART}.png?{query.replace("&", between)})')))
        assert url == f'/files/tools/{CHART}.png?{query}'


def test_what_is_too_long_for_an_address_is_none_in_pieces_or_whole() -> None:
    for excess in (0, 1, 1_000):
        path = TOOL.ljust(LONGEST + excess, 'x')
        for event, cut in (
            (TextDelta(f'![x]({path})'), 1),
            (TextDelta(f'![x]({path})'), 9_999),
            (TextReplaced(f'![x]({path})'), 1),
        ):
            reply = read(event, Finished(), cut=cut)
            assert reply.text == f'![x]({path if excess else ours(CHART)})'
            assert len(files(reply)) == (0 if excess else 1)


def test_steps_between_two_halves_of_an_address_do_not_part_it() -> None:
    reply = read(TextDelta(f'![x]({TOOL[:20]}'), ReasoningDelta('hm'), TextDelta(f'{TOOL[20:]})'), Finished())
    assert reply.text == f'![x]({ours(CHART)})'


@pytest.mark.parametrize('origin', ['', 'http://api:5001', 'https://dify.example.com'])
def test_what_stands_beside_the_answer_is_shown_without_signed_addresses(origin: str) -> None:
    text, shown = f'I made ![x]({origin}{TOOL}) with', 'I made ![x](…) with'
    for cut in (1, 7, 10_000):
        reply = read(ReasoningDelta(text), TextDelta('Here.'), Finished(), cut=cut)
        assert (reply.reasoning, reply.text, files(reply)) == (shown, 'Here.', [])
    half = read(ReasoningDelta(f'I made ![x]({origin}{TOOL[:30]}'), Stopped())
    assert half.reasoning == 'I made ![x]('
    step = StepPart('s', 'tool', 'Draw', input=text, output=f'<{origin}{UPLOAD}>')
    source = Citation(1, 'a.pdf', content=text, url=f'{origin}{UPLOAD}')
    reply = read(StepChanged(step), Reported(citations=(source,)), Finished())
    assert [(step.input, step.output) for step in reply.steps] == [(shown, '<…>')]
    assert [(source.content, source.url) for source in reply.citations] == [(shown, '')]


def test_what_is_not_upstreams_stays_beside_the_answer() -> None:
    text = f'https://elsewhere.example.org{TOOL} and /files/tools/{CHART}.png, then /'
    step, source = StepPart('s', 'tool', 'Draw', input=text, output=text), Citation(1, 'a', text, url='https://a.com/b')
    reply = read(ReasoningDelta(text), StepChanged(step), Reported(citations=(source,)), Stopped(), cut=1)
    assert (reply.reasoning, reply.steps, reply.citations) == (text, (step,), (source,))


def test_a_file_that_upstream_names_besides_is_the_same_one() -> None:
    named = FilePart('named', 'image', 'chart.png', 'image/png', 99, f'https://dify.example.com{TOOL}&x=1')
    for events in (
        (TextDelta(f'![x]({TOOL})'), Reported(files=(named,)), Finished()),
        (FileAdded(named), TextDelta(f'![x]({TOOL})'), Finished()),
    ):
        reply = read(*events)
        [part] = [part for part in reply.parts if isinstance(part, FilePart)]
        assert (part.name, part.size, part.is_written) == ('chart.png', 99, False)
        assert reply.text == f'![x]({address(made_id("m1", part))})'
    again = read(TextDelta(f' ![x]({TOOL})'), Finished(), parts=(named,))
    assert files(again) == [('named', 'image', 'chart.png', named.url)]
    bare = read(FileAdded(named), TextDelta(f'![x](/files/tools/{CHART}.png)'), Finished())
    assert bare.text == f'![x]({ours("named")})'


def test_texts_that_come_whole_and_questions_are_read_likewise() -> None:
    replaced = read(TextDelta('http'), TextReplaced(f'![x]({TOOL})'), TextDelta(' on'), Finished())
    assert replaced.text == f'![x]({ours(CHART)}) on'
    form = FormPart('f', 't', 'Is it right?', f'![draft]({TOOL}) {{{{#$output.a#}}}}', '[]', '[]')
    [asked] = read(TextDelta('Well: https:'), FormChanged(form)).forms
    assert asked.content == f'![draft]({ours(CHART)}) {{{{#$output.a#}}}}'
    broken = replay([TextDelta('a'), Interrupted(Failure('stream_cut'))])
    [file, repaired] = Written('m1', BASE, broken.parts).feed(Repaired(f'a ![x]({TOOL})'))
    assert isinstance(file, FileAdded)
    assert repaired == Repaired(f'a ![x]({ours(CHART)})')


def test_one_answer_has_so_many_files_and_no_more() -> None:
    many = ' '.join(f'![x](/files/tools/{number:08x}{CHART[8:]}.png?{SIGNED})' for number in range(150))
    reply = read(TextDelta(many), Finished())
    assert len(files(reply)) == 100
    assert reply.text.count('sign=') == 50


def test_a_hostile_text_takes_no_time() -> None:
    for text in (',http://' * 50_000, '<' * 100_000, f'/files/{CHART}' * 5_000, '![x](http://a' * 20_000):
        assert read(TextDelta(text), Finished(), cut=50_000).text == text
    whole = TextCompleted('another text')
    for text in ('![' * 20_000, '![](' * 10_000, '![]' * 20_000):  # minutes for a pattern that looks on to the end
        assert with_pictures(whole, Reply(parts=(TextPart(text),))) == whole


def test_elsewhere_an_address_of_ours_says_where_we_are_or_gives_way_to_its_words() -> None:
    text = f'![Chart]({ours(CHART)}), [the report]({ours(REPORT)} "t") and [this](https://example.com/files/x)'
    assert with_addresses_of(text, 'https://chat.example.com') == (
        f'![Chart](https://chat.example.com{ours(CHART)}), [the report](https://chat.example.com{ours(REPORT)} "t") '
        'and [this](https://example.com/files/x)'
    )
    assert without_addresses(text) == 'Chart, the report and [this](https://example.com/files/x)'


@pytest.mark.parametrize(
    ('heard', 'kept', 'whole'),
    [
        ('a\n\n![x](/f)\n\nb', 'a\n\n\n\nb c', 'a\n\n![x](/f)\n\nb c'),
        ('![x](/f) a', 'a b', '![x](/f) a b'),
        ('a ![x](/f)', 'a', 'a ![x](/f)'),
        ('a ![x](/f) b', 'another text', 'another text'),
        ('a ![x](/f) b', 'a ![x](/f) b c', 'a ![x](/f) b c'),
        ('a b', 'a b c', 'a b c'),
    ],
)
def test_history_that_lacks_the_pictures_gets_them_back(heard: str, kept: str, whole: str) -> None:
    reply = Reply(parts=(TextPart(heard),))
    assert with_pictures(TextCompleted(kept), reply) == TextCompleted(whole)
    assert with_pictures(Repaired(kept), reply) == Repaired(whole)
    assert with_pictures(TextReplaced(kept), reply) == TextReplaced(kept)
