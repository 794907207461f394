"""What is thought and what is said: the same wherever the text is cut."""

import itertools

import pytest
from hypothesis import given, strategies as st

from webapp.chat.events import TextReplaced
from webapp.chat.reducer import replay
from webapp.upstream.thinking import MAX_TURNS, Thinking, visible

OLD = '<details style="color:gray;" open> <summary> Thinking... </summary>\n'
SNIPPETS = st.lists(
    st.sampled_from([
        '<think>', '</think>', '<THINK>', OLD, '</details>', '<details>', '<summary>x</summary>', '<', '</', '<thin',
        '`', '```', '\n', ' ', 'words ', '<b>', 'über 🦊', '~~~\n',
    ]),
    max_size=12,
).map(''.join)  # fmt: skip


def reply_to(pieces: list[str]):
    thinking = Thinking()
    return replay([*itertools.chain(*(thinking.feed(piece) for piece in pieces)), *thinking.flush()])


@given(SNIPPETS, st.lists(st.integers(0, 500), max_size=8))
def test_cuts_change_nothing(text: str, places: list[int]) -> None:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    cut = reply_to([text[a:b] for a, b in itertools.pairwise(edges)])
    assert cut.parts == reply_to([text]).parts
    assert cut.parts == reply_to(list(text)).parts


@given(st.text(alphabet='ab <>/\n`', max_size=50))
def test_text_without_tags_is_all_said(text: str) -> None:
    assert reply_to([text]).text == text


@pytest.mark.parametrize(
    ('text', 'thought', 'said'),
    [
        ('<think>hm</think>Yes.', 'hm', 'Yes.'),
        ('<think>\nhm\n</think>\n\nYes.', 'hm\n', 'Yes.'),
        ('<think>\n\n</think>\n\nYes.', '', 'Yes.'),
        ('**Reply:** <think>hm</think>Yes.', 'hm', '**Reply:** Yes.'),
        ('Hello <think>hm</think> world', 'hm', 'Hello  world'),
        ('<think>cut off', 'cut off', ''),
        ('no opening tag</think>\nYes.', 'no opening tag', 'Yes.'),
        ('<think>a</think>One. <think>b</think>Two.', 'ab', 'One. Two.'),
        ('<think>a<think>b</think>c</think>Yes.', 'a<think>bc', 'Yes.'),
        ('<think>a</think>Yes.</think>', 'a', 'Yes.'),
        (OLD + 'hm</details>Yes.', 'hm', 'Yes.'),
        ('<details><summary>More</summary>text</details>', '', '<details><summary>More</summary>text</details>'),
        ('The `<think>` tag and `</think>`.', '', 'The `<think>` tag and `</think>`.'),
        ('```html\n<think>\nx\n</think>\n```\nDone.', '', '```html\n<think>\nx\n</think>\n```\nDone.'),
        ('```\nx\n```\n<think>hm</think>Yes.', 'hm', '```\nx\n```\nYes.'),
        ('a < b, <thinking>, </thin', '', 'a < b, <thinking>, </thin'),
        ('', '', ''),
    ],
)
def test_forms_of_thinking(text: str, thought: str, said: str) -> None:
    reply = reply_to([text])
    assert (reply.reasoning, reply.text) == (thought, said)
    assert visible(text) == said


def test_words_are_not_withdrawn_for_ever() -> None:
    events = Thinking().feed('<think><think></think>word</think>' * 1000)
    assert sum(isinstance(event, TextReplaced) for event in events) == MAX_TURNS


def test_words_are_not_held_back_longer_than_a_tag_could_be() -> None:
    thinking = Thinking()
    assert replay(thinking.feed('a <b')).text == 'a <b'
    assert replay(thinking.feed('c </thi')).text == 'c '
