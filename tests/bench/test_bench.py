"""The benchmark measures what it says: on a page that needs nothing but itself."""

import pytest
from bench.__main__ import script
from bench.page import Question, Target, measure_answer
from bench.table import Row, exponent, markdown
from bench.upstream import SHAPES, answer, marks
from playwright.sync_api import Browser


@pytest.mark.parametrize('shape', SHAPES)
def test_an_answer_has_as_many_deltas_as_asked_and_begins_and_ends_with_its_marks(shape: str) -> None:
    deltas = answer(500, '7', shape)
    assert len(deltas) == 500
    assert (deltas[0], deltas[-1].strip().removeprefix('```').strip()) == marks('7')
    assert deltas == answer(500, '7', shape)


def test_one_answer_is_measured_on_both_bare_pages(browser: Browser) -> None:
    with script('upstream') as (upstream, _), script('bare', f'{upstream}/v1') as (bare, pid):
        for number, name in enumerate(('stream', 'blocks')):
            asked = Question(tokens=100, rate=500, seed=f'{number}x')
            cost = measure_answer(browser, Target(name, f'{bare}/{name}', pid), upstream, asked)
            assert cost.text_bytes > 200
            assert cost.first_word > 0
            assert cost.end_lag > 0
            assert cost.wire_bytes is None or cost.wire_bytes > cost.text_bytes


def test_growth_is_one_in_proportion_and_two_with_the_square() -> None:
    assert exponent((1000, 3.0), (16_000, 48.0)) == pytest.approx(1)
    assert exponent((1000, 1.0), (10_000, 100.0)) == pytest.approx(2)
    assert exponent((1000, None), (10_000, 100.0)) is None


def test_the_table_is_markdown() -> None:
    rows = [Row('main thread, s', blocks=1.5, ours=3.0, ratio_to='blocks', must='<= 1.5x'), Row('wire', must='<= 1.5')]
    assert markdown(rows).splitlines()[2:] == [
        '| main thread, s | – | 1.50 | 3.00 | 2.00 | <= 1.5x |',
        '| wire | – | – | – | – | <= 1.5 |',
    ]
