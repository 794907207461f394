"""What was said before a question, told to an upstream whose own memory does not hold it.

A conversation of Dify's is a line: its memory is all that was said in it, turns that failed or were stopped included,
and there is no way to leave a turn out or to go on from an earlier one. So where somebody goes on from an earlier turn,
or beside an answer, another conversation is begun there, and its first question has the kept turns before it, plainly
marked as what they are. Our store and our pages have the question alone. What this costs: a transcript is text (files
are named, not sent), a long one loses its oldest turns, and a chatflow's own variables begin anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_CHARACTERS = 24_000  # of turns; some 6,000 tokens
BEGIN = '[What was said before in this conversation, the oldest first:]'
END = '[End of what was said before. The message to answer now:]'
CUT = '[…]'


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer, as plain text."""

    question: str
    answer: str
    files: Sequence[str] = ()  # names of those that came with the question


def before(query: str, turns: Sequence[Turn]) -> str:
    """`query`, with `turns` told before it: as many of the newest as have room, and at least some of the last."""
    told: list[str] = []
    room = MOST_CHARACTERS
    for turn in reversed(turns):
        text = _told(turn)
        if len(text) > room and told:
            told.append(CUT)
            break
        told.append(text if len(text) <= room else f'{text[:room]}{CUT}')
        room -= len(text)
    return '\n\n'.join([BEGIN, *reversed(told), END, query]) if told else query


def question(query: str) -> str:
    """What is asked in `query`, without what was told before it."""
    return query.rpartition(f'\n\n{END}\n\n')[2] if query.startswith(BEGIN) else query


def _told(turn: Turn) -> str:
    files = f'\n[Files: {", ".join(turn.files)}]' if turn.files else ''
    return f'User: {turn.question}{files}\n\nAssistant: {turn.answer}'
