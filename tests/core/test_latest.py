"""Watchers get the newest value, never a backlog."""

import asyncio

from webapp.latest import Latest


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_watcher_sees_the_value_as_it_is_and_then_only_the_newest() -> None:
    latest = Latest(0)
    values = latest.watch()
    assert await anext(values) == 0
    for value in range(1, 100):
        latest.set(value)
    assert await anext(values) == 99
    await values.aclose()
    assert latest.watchers == 0


async def test_a_change_during_the_watchers_own_work_is_not_missed() -> None:
    latest = Latest('a')
    values = latest.watch()
    assert await anext(values) == 'a'
    latest.set('b')
    await asyncio.sleep(0)
    assert await anext(values) == 'b'
    await values.aclose()


async def test_an_urgent_change_does_not_wait_for_the_pace() -> None:
    latest = Latest(0)
    values = latest.watch(pace=lambda: 3600)
    assert await anext(values) == 0
    upcoming = asyncio.ensure_future(anext(values))
    latest.set(1)
    await settle()
    assert not upcoming.done()
    latest.set(2, urgent=True)
    assert await upcoming == 2
    await values.aclose()


async def test_after_waits_for_a_value_that_differs_and_can_be_given_up() -> None:
    latest = Latest(1)
    assert await latest.after(0) == 1
    waiting = asyncio.ensure_future(latest.after(1))
    await settle()
    waiting.cancel()
    await settle()
    assert latest.watchers == 0
    waiting = asyncio.ensure_future(latest.after(1))
    await settle()
    latest.set(2)
    assert await waiting == 2


async def test_after_gives_the_same_value_when_nothing_has_come_in_time() -> None:
    latest = Latest(1)
    assert await latest.after(1, within=0.01) == 1
    assert latest.watchers == 0
