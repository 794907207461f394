"""Loops that should never end go on after a bug."""

import asyncio

import pytest

from webapp import background
from webapp.background import Tasks, supervised


async def test_a_loop_goes_on_after_a_bug(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(background, 'FIRST_PAUSE', 0.01)
    begun, well = 0, asyncio.Event()

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise ZeroDivisionError
        well.set()
        await asyncio.Event().wait()

    loop = asyncio.create_task(supervised('counting', work))
    async with asyncio.timeout(10):
        await well.wait()
    assert [record.message.partition(':')[0] for record in caplog.records] == ['counting', 'counting']
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop


async def test_work_has_a_while_to_end_and_is_then_seen_off(caplog: pytest.LogCaptureFixture) -> None:
    tasks, done = Tasks(), []

    async def wait_for(event: asyncio.Event) -> None:
        try:
            await event.wait()
        finally:
            done.append(event)

    async def fail() -> None:
        raise ZeroDivisionError

    short, endless = asyncio.Event(), asyncio.Event()
    tasks.start(wait_for(short))
    tasks.start(wait_for(endless))
    tasks.start(fail())
    asyncio.get_running_loop().call_later(0.05, short.set)
    await tasks.close(0.5)
    assert done == [short, endless]
    assert 'ended with a bug' in caplog.text
