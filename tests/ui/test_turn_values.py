"""What a turn says of itself in words and numbers: cost, sources, how much of a long question is sent."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from webapp import files
from webapp.chat.message import Citation, FilePart, Reply, Status, TextPart, Usage
from webapp.store.files import File
from webapp.store.messages import Message
from webapp.store.usage import Total
from webapp.ui import templates, views
from webapp.ui.components.thread import FileView
from webapp.ui.components.turn import EXCERPT, Question, sources
from webapp.ui.numbers import price

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING = dict.fromkeys(('prompt_tokens', 'completion_tokens', 'unpriced', 'unknown'), 0)


DATA = re.compile(r'<data data-as="\w+" value="([^"]*)"(?: data-currency="([^"]*)")?></data>')


def given(line: str) -> str:
    """With its numbers in brackets: they are written by the browser, see `test_numbers.py`."""
    return DATA.sub(lambda data: f'[{" ".join(filter(None, data.groups()))}]', line)


def test_usage_is_one_line_and_its_facts() -> None:
    usage = Usage(700, 1112, 1812, Decimal('0.001'), Decimal('0.0011'), Decimal('0.0021'), 'USD', 4.2, 0.14)
    view = views.usage_view(usage)
    assert given(view.line) == '[1812] tokens · [0.0021 USD]'
    assert {label: given(value) for label, value in view.facts} == {
        'Tokens in': '[700]', 'Tokens out': '[1112]', 'Tokens in all': '[1812]',
        'Price in': '[0.001 USD]', 'Price out': '[0.0011 USD]', 'Price in all': '[0.0021 USD]',
        'First word after': '[0.14] s', 'Whole answer after': '[4.20] s',
    }  # fmt: skip


def test_a_price_goes_to_the_page_with_all_its_digits_and_nothing_else() -> None:
    assert given(price(Decimal('123456789012.123456789'), 'USD')) == '[123456789012.123456789 USD]'
    assert given(price(Decimal('1E-9'), '"><b>')) == '[0.000000001 &#34;&gt;&lt;b&gt;]'


@pytest.mark.parametrize('usage', [None, Usage(), Usage(latency=1.0)])
def test_what_nobody_reported_is_a_dash(usage: Usage | None) -> None:
    assert views.usage_view(usage).line == '–'
    assert views.usage_view(usage).facts == ()


def test_a_price_that_nobody_reported_is_a_dash_among_the_facts() -> None:
    view = views.usage_view(Usage(total_tokens=5, total_price=Decimal(0), currency='USD'))
    assert given(view.line) == '[5] tokens'
    assert dict(view.facts)['Price in all'] == dict(view.facts)['Tokens in'] == '–'


def test_a_conversation_adds_up_by_currency() -> None:
    dollars = Total('USD', answers=2, total_tokens=1000, price=Decimal('0.5'), **NOTHING)
    yuan = Total('CNY', answers=1, total_tokens=234, price=Decimal('0.25'), **NOTHING)
    both = views.sum_line([dollars, yuan])
    assert given(both) == 'This conversation: [1234] tokens · [0.5 USD] + [0.25 CNY], [3] answers'
    assert views.sum_line([yuan]) == ''  # one answer says it itself
    assert views.sum_line([]) == ''
    failed = Total('', answers=5, total_tokens=0, price=Decimal(0), **NOTHING | {'unknown': 5})
    one = views.sum_line([dollars, failed])
    assert given(one) == 'This conversation: [1000] tokens · [0.5 USD], [2] answers'


def test_each_passage_is_one_source_and_keeps_its_number() -> None:
    cited = [
        Citation(3, 'b.pdf', 'three'), Citation(1, 'a.pdf', 'one', segment_id='s'), Citation(2, 'a.pdf', 'two'),
        Citation(4, 'a.pdf', 'one', segment_id='s'),
    ]  # fmt: skip
    found = sources(cited)
    assert [(source.number, source.citation.content) for source in found] == [(1, 'one'), (2, 'two'), (3, 'three')]
    assert [source.is_first for source in found] == [True, False, True]


def test_sources_of_several_searches_are_numbered_anew() -> None:
    cited = [Citation(1, 'a', 'one'), Citation(2, 'a', 'two'), Citation(1, 'b', 'three')]
    assert [source.number for source in sources(cited)] == [1, 2, 3]


@pytest.mark.parametrize(
    ('url', 'host'),
    [
        ('https://wiki.example.com/a', 'wiki.example.com'),
        ('http://user:secret@evil.example/', 'evil.example'),
        ('javascript:alert(1)', ''),
        ('data:text/html,x', ''),
        ('//example.com', ''),
        ('https://[broken', ''),
    ],
)
def test_only_web_addresses_can_be_opened(url: str, host: str) -> None:
    assert sources([Citation(1, 'a', url=url)])[0].host == host


@pytest.mark.parametrize(('score', 'share'), [(0.834, 0.834), (0, 0), (1, 1), (12.5, None), (-1, None), (None, None)])
def test_a_score_is_a_share_or_is_not_shown(score: float | None, share: float | None) -> None:
    assert sources([Citation(1, 'a', score=score)])[0].share == share


def test_a_long_question_is_folded_and_a_very_long_one_is_cut() -> None:
    assert Question.of('short\n' * 10) == Question('short\n' * 10, is_cut=False, is_long=False)
    assert Question.of('short\n' * 40).is_long
    assert Question.of('x' * 2000) == Question('x' * 2000, is_cut=False, is_long=True)
    assert Question.of('x' * 2_000_000) == Question('x' * EXCERPT, is_cut=True, is_long=True)


def test_files_of_a_turn_have_our_addresses_and_never_upstreams() -> None:
    part = FilePart('f1', 'image', 'chart.png', 'image/png', 900, 'https://dify.example/files/secret?sign=1')
    drawing = File('d' * 32, 'ann', 'demo', 'user', 'image', 'drawing.svg', 'image/svg+xml', 12, NOW, upstream_id='up')
    photo = File('p' * 32, 'ann', 'demo', 'user', 'image', 'photo.png', 'image/png', 4711, NOW, 640, 480)
    reply = Reply(Status.COMPLETE, (TextPart('here'), part))
    message = Message('m' * 32, 'c', 'k', 1, 'q', reply, NOW, NOW, files=(photo, drawing))
    view = views.message_view(message, reader=views.Reader())
    assert [(each.url, each.kind, each.width) for each in view.files] == [
        (f'/files/{"p" * 32}', 'image', 640),
        (f'/files/{"d" * 32}', 'document', None),  # a drawing may hold scripts: it is a download
    ]
    (made,) = view.made
    assert (made.url, made.kind, made.name) == (files.address(files.made_id(message.id, part)), 'image', 'chart.png')
    row = File(made.url.rpartition('/')[2], 'ann', 'demo', 'assistant', 'image', 'c.png', 'image/png', 901, NOW, 8, 9)
    (known,) = views.message_view(replace(message, made=(row,)), reader=views.Reader()).made
    assert (known.url, known.size, known.width, known.height) == (made.url, 901, 8, 9)
    assert 'dify.example' not in f'{view} {known}'


@pytest.mark.parametrize(
    ('type_', 'media_type', 'kind', 'element'),
    [
        ('image', 'image/png', 'image', '<img '),
        ('image', 'image/svg+xml', 'document', ''),  # it may hold scripts
        ('audio', 'audio/mpeg', 'audio', '<audio '),
        ('video', 'video/mp4', 'video', '<video '),
        ('audio', 'audio/midi', 'document', ''),  # no browser plays it
        ('document', 'application/pdf', 'document', ''),
        ('custom', 'audio/mpeg', 'custom', ''),
    ],
)
def test_a_file_is_shown_played_or_a_tile(type_: str, media_type: str, kind: str, element: str) -> None:
    part = FilePart('f', type_, 'name.x', media_type, 900)
    message = Message('m' * 32, 'c', 'k', 1, 'q', Reply(Status.COMPLETE, (part,)), NOW, NOW)
    view = views.message_view(message, reader=views.Reader())
    (made,) = view.made
    html = templates.render('parts/made.html', item=view)
    assert made.kind == kind
    assert [each for each in ('<img ', '<audio ', '<video ') if each in html] == ([element] if element else [])
    assert 'name.x' in html


def test_a_picture_takes_its_own_room_or_what_fits() -> None:
    assert FileView('p', 'p', 'image', '/', width=3000, height=1000).box(320, 288) == (320, 107)
    assert FileView('p', 'p', 'image', '/', width=16, height=16).box(320, 288) == (16, 16)
    assert FileView('p', 'p', 'image', '/', width=1, height=90_000).box(320, 288) == (1, 288)
    assert FileView('p', 'p', 'image', '/').box(320, 288) == (320, 240)
