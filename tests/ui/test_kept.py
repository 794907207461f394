"""Kept answers are rendered beside the event loop, once, and a page gets no more of them than it takes well."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from webapp import markdown
from webapp.chat.message import Reply, Status, TextPart
from webapp.store.messages import Message
from webapp.ui.history import CHARACTERS, fitting
from webapp.ui.kept import KeptAnswers

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PROGRAM = (
    '```python\n' + 'async def drain(instance, number=12):\n    return [f"{x}" for x in range(10)]\n' * 500 + '```\n'
)


def message(number: int, text: str, query: str = 'q') -> Message:
    reply = Reply(Status.COMPLETE, (TextPart(text),))
    return Message(f'{number:032}', 'c', f'k{number}', number, query, reply, NOW, NOW)


async def test_the_event_loop_goes_on_while_a_long_answer_is_rendered() -> None:
    rendering = asyncio.create_task(KeptAnswers().html(message(1, PROGRAM)))
    turns = 0
    while not rendering.done():
        await asyncio.sleep(0)
        turns += 1
    assert 'drain' in rendering.result()
    assert turns > 10  # on the loop itself there would be one or two


async def test_a_text_is_rendered_once_and_another_text_anew() -> None:
    kept, first = KeptAnswers(), message(1, '**one**')
    html = await kept.html(first)
    assert html == markdown.render('**one**', scope=f'm{first.id[:12]}-')
    assert await kept.html(replace(first, rating='like')) is html
    assert 'two' in await kept.html(message(1, 'two'))


async def test_what_was_wanted_longest_ago_is_forgotten_first() -> None:
    kept = KeptAnswers(capacity=3_000)
    first, second, third = (message(number, f'{number} ' + 'x' * 1_000) for number in range(3))
    one, two = [await kept.html(each) for each in (first, second)]
    assert await kept.html(first) is one
    await kept.html(third)
    assert await kept.html(first) is one
    assert await kept.html(second) is not two
    assert 'y' * 9_000 in await kept.html(message(4, 'y' * 9_000))  # longer than all that is kept


def test_a_page_of_history_has_as_many_as_fit_and_at_least_one() -> None:
    third = 'x' * (CHARACTERS // 3)
    long = [message(number, third) for number in range(1, 6)]
    assert [each.number for each in fitting(long)] == [4, 5]
    assert [each.number for each in fitting([*long, message(6, third * 9)])] == [6]
    assert len(fitting([message(number, 'short') for number in range(1, 31)])) == 30
    assert len(fitting([message(number, '', query=third * 9) for number in range(1, 31)])) == 30  # these are cut
    assert fitting([]) == []
