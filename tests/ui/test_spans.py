"""Spans of time in words: never less than they are, and no more exact than anybody needs."""

from datetime import timedelta

import pytest

from webapp.errors import LimitReached, Refused
from webapp.ui import failures, spans


@pytest.mark.parametrize(
    ('seconds', 'words'),
    [
        (0, '1 second'),
        (0.2, '1 second'),
        (1.2, '2 seconds'),
        (90, '90 seconds'),
        (91, '2 minutes'),
        (3540.5, '60 minutes'),
        (5400, '90 minutes'),
        (5401, '2 hours'),
        (86_400, '24 hours'),
    ],
)
def test_a_wait_in_words(seconds: float, words: str) -> None:
    assert spans.rough(timedelta(seconds=seconds)) == words


def test_what_limits_are_counted_in() -> None:
    units = [timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(minutes=5)]
    assert [spans.unit(span) for span in units] == ['a minute', 'an hour', 'a day', '5 minutes']


def test_bytes_are_told_in_megabytes() -> None:
    day, wait = timedelta(days=1), timedelta(hours=3)
    reached = LimitReached('too_many_uploads', most=2_500_000, within=day, wait=wait)
    assert failures.words(reached) == (
        'With this file, yours would come to more than 2.5 MB within a day. Send it in 3 hours, or a smaller one now.'
    )


def test_a_failure_without_numbers_has_its_plain_sentence() -> None:
    assert failures.words(Refused('too_many_running')).startswith('Your other answers are still being written.')
