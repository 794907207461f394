"""What of an answer is spoken, and in which pieces."""

import pytest

from webapp.markdown import spoken
from webapp.speech import FIRST, PIECE, pieces

LONG = 'One sentence is here. Is another there? ' * 80


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('# A title\n\nWith **bold** words', 'A title\nWith bold words'),
        ('before\n\n```python\nprint(1)\n```\n\nafter', 'before\nafter'),
        ('- one\n\n      code\n- two', 'one\ntwo'),
        ('the call `len(x)` stays', 'the call len(x) stays'),
        ('so $E = mc^2$ it is', 'so it is'),
        ('$$\n\\sum_i x_i\n$$\n\nand on', 'and on'),
        ('[words](https://example.com/a) and <b>tags</b>', 'words and <b>tags</b>'),
        ('| a | b |\n|---|---|\n| c | d |', 'a\nb\nc\nd'),
        ('3 < 4 & so on', '3 < 4 & so on'),
        ('```\nnothing but code\n```', ''),
        ('', ''),
    ],
)
def test_what_is_read_aloud(text: str, words: str) -> None:
    assert spoken(text) == words


@pytest.mark.parametrize('text', [LONG, 'word ' * 900, 'x' * 2500, '你好。' * 700, 'a\n' * 900])
def test_pieces_hold_every_word_once_and_fit(text: str) -> None:
    found = pieces(text)
    assert ''.join(''.join(found).split()) == ''.join(text.split())
    assert len(found[0]) <= FIRST
    assert all(len(piece) <= PIECE for piece in found)


def test_pieces_end_with_sentences() -> None:
    assert all(piece[-1] in '.?' for piece in pieces(LONG))
    assert pieces('Short.') == ['Short.']
    assert pieces(' \n ') == []
