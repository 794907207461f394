"""Scenario words: what they ask for, and that they are written down."""

import pytest
from hypothesis import given, strategies as st

from webapp.upstream.demo.retrieval import FOLDER
from webapp.upstream.demo.scenario import FAILURES, MOST_SECONDS, MOST_TOKENS, REFUSALS, WORDS, Scenario, parse


@pytest.mark.parametrize(
    ('query', 'scenario'),
    [
        ('How do I start?', Scenario('How do I start?')),
        ('/long 4000', Scenario(content='long', size=4000)),
        ('/rate 500 /cut 20 /long 4000', Scenario(rate=500, cut=20, content='long', size=4000)),
        ('/rate 0 /steps How?', Scenario('How?', rate=0, mode='advanced-chat')),
        ('/slow How?', Scenario('How?', slow=3)),
        ('/slow 0.25 How?', Scenario('How?', slow=0.25)),
        ('/error', Scenario(failure='stream')),
        ('/error bare', Scenario(failure='bare')),
        ('/error 429 again', Scenario('again', refusal='429')),
        ('/error 418', Scenario('418', failure='stream')),
        ('/html504', Scenario(refusal='504')),
        ('/title fail A title', Scenario('A title', title='fail')),
        ('/agent /image a fox', Scenario('a fox', mode='agent-chat', image=True)),
        ('/echo two\n  lines\n', Scenario('two\n  lines\n', content='echo')),
        ('/echo /long 5', Scenario('/long 5', content='echo')),
        ('what does /long 5 do?', Scenario('what does /long 5 do?')),
        ('/longer 5', Scenario('/longer 5')),
        ('/long 5x', Scenario('5x', content='long')),
        (f'/long {10**8}', Scenario(content='long', size=MOST_TOKENS)),
        ('/slow 999999', Scenario(slow=MOST_SECONDS)),
    ],
)
def test_words_at_the_start_decide(query: str, scenario: Scenario) -> None:
    assert parse(query) == scenario


def test_the_kind_of_app_counts_where_no_word_is_of_another_one() -> None:
    assert parse('How?', mode='agent').mode == 'agent'
    assert parse('/steps How?', mode='agent').mode == 'advanced-chat'


@given(st.lists(st.sampled_from([*(f'/{word}' for word in WORDS), *REFUSALS, '7', '1e9', '-1', '\n', 'x', '𝟛', '٣'])))
def test_any_mixture_of_words_is_understood_somehow(pieces: list[str]) -> None:
    scenario = parse(' '.join(pieces))
    assert 0 <= scenario.size <= MOST_TOKENS
    assert 0 <= scenario.slow <= MOST_SECONDS


def test_every_word_and_code_is_in_the_handbook() -> None:
    page = (FOLDER / 'scenarios.md').read_text()
    for name, word in WORDS.items():
        argument = ' ' + word.argument.replace('|', '\\|') if word.argument else ''
        assert f'| `/{name}{argument}` | {word.does} |' in page
    for code in {*REFUSALS, *FAILURES} - {'stream'}:
        assert f'`{code}`' in page or f'`/error {code}`' in page
