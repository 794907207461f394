"""What a page learns about its person's conversations."""

import asyncio

from webapp import changes
from webapp.changes import Changes


def test_a_page_learns_which_conversations_changed_since_it_looked() -> None:
    all_changes = Changes()
    ann = all_changes.of('ann')
    all_changes.bump('ann', 'one')
    seen = ann.value
    assert ann.since(seen) == {}
    all_changes.bump('ann', 'two')
    all_changes.bump('ann', 'three')
    all_changes.bump('ann', 'two')
    assert ann.since(seen) == {'two': True, 'three': True}
    assert ann.since(0) == {'one': True, 'two': True, 'three': True}


def test_a_page_learns_whether_it_has_to_read_the_messages_again() -> None:
    all_changes = Changes()
    ann = all_changes.of('ann')
    all_changes.bump('ann', 'one')
    all_changes.bump('ann', 'one', messages=False)
    assert ann.since(0) == {'one': True}
    assert ann.since(1) == {'one': False}
    all_changes.bump('ann', 'one')
    assert ann.since(1) == {'one': True}


def test_nobody_hears_of_anybody_else() -> None:
    all_changes = Changes()
    ann, ben = all_changes.of('ann'), all_changes.of('ben')
    all_changes.bump('ann', 'one')
    assert (ann.value, ben.value) == (1, 0)
    assert ben.since(0) == {}


def test_what_is_too_long_ago_may_be_anything() -> None:
    all_changes = Changes()
    ann = all_changes.of('ann')
    for number in range(changes.REMEMBERED + 1):
        all_changes.bump('ann', f'{number}')
    assert ann.since(0) is None
    assert ann.since(ann.value - 1) == {f'{changes.REMEMBERED}': True}
    since_forgotten = ann.since(1)
    assert since_forgotten is not None
    assert len(since_forgotten) == changes.REMEMBERED


async def test_a_waiting_page_is_woken() -> None:
    all_changes = Changes()
    ann = all_changes.of('ann')
    waiting = asyncio.ensure_future(ann.after(ann.value))
    await asyncio.sleep(0)
    assert not waiting.done()
    all_changes.bump('ann', 'one')
    assert await waiting == 1
