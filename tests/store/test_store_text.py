"""What is kept of text from outside."""

import pytest
from hypothesis import given, strategies as st

from webapp.errors import Refused
from webapp.store.text import clean, clean_json, fold_title, provisional_title

ANYTHING = st.text(st.characters(exclude_categories=()))


@given(ANYTHING)
def test_whatever_comes_can_be_encoded_and_holds_no_nul(text: str) -> None:
    cleaned = clean(text)
    assert '\0' not in cleaned
    assert cleaned.encode().decode() == cleaned
    assert clean(cleaned) == cleaned


@given(st.text())
def test_good_text_is_left_alone(text: str) -> None:
    assert clean(text) == text.replace('\0', '�')


@given(ANYTHING)
def test_a_title_is_one_line_of_bounded_length(text: str) -> None:
    title = fold_title(text)
    assert len(title) <= 255
    assert len(title.splitlines()) <= 1
    assert fold_title(title) == title
    assert len(provisional_title(text)) <= 60


@pytest.mark.parametrize(
    ('query', 'title'),
    [
        ('Hello', 'Hello'),
        ('\n\n  first \t line  \nsecond', 'first line'),
        ('', ''),
        ('\u202e\u2066 \x07 ', ''),
        ('word ' * 30, 'word ' * 11 + 'word…'),
        ('longer ' * 30, 'longer ' * 7 + 'longer…'),
        ('x' * 61, 'x' * 59 + '…'),
        ('x' * 60, 'x' * 60),
        ('漢' * 100, '漢' * 59 + '…'),
        ('👩\u200d👩\u200d👧 family', '👩\u200d👩\u200d👧 family'),
        ('\n' * 1_000_000 + 'far below', ''),
    ],
)
def test_the_first_title_is_the_first_line_cut_at_a_word(query: str, title: str) -> None:
    assert provisional_title(query) == title


def test_json_is_bounded_in_depth() -> None:
    deep: object = 'bottom'
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(Refused):
        clean_json(deep)
