"""A time limit around many waits: it bites the wait that lasts too long and nobody else."""

import asyncio

import pytest

from webapp.upstream.watchdog import Watchdog


def soon() -> float:
    return asyncio.get_running_loop().time() + 0.05


async def test_work_in_time_gives_its_result() -> None:
    watchdog = Watchdog()
    for _ in range(100):
        assert await watchdog.wait(asyncio.sleep(0, 'done'), soon()) == 'done'
    watchdog.close()


async def test_work_that_lasts_too_long_is_interrupted() -> None:
    watchdog = Watchdog()
    with pytest.raises(TimeoutError):
        await watchdog.wait(asyncio.sleep(3600), soon())
    assert asyncio.current_task().cancelling() == 0


async def test_limit_that_comes_nearer_counts() -> None:
    watchdog = Watchdog()
    await watchdog.wait(asyncio.sleep(0), soon() + 3600)
    with pytest.raises(TimeoutError):
        await watchdog.wait(asyncio.sleep(3600), soon())


async def test_limit_that_moves_on_bites_later() -> None:
    watchdog = Watchdog()
    loop = asyncio.get_running_loop()
    await watchdog.wait(asyncio.sleep(0), soon())
    until = loop.time() + 0.2
    with pytest.raises(TimeoutError):
        await watchdog.wait(asyncio.sleep(3600), until)
    assert loop.time() >= until


async def test_nobody_is_bitten_between_two_waits() -> None:
    watchdog = Watchdog()
    await watchdog.wait(asyncio.sleep(0), soon())
    await asyncio.sleep(0.1)  # what the reader does meanwhile is its own affair
    assert asyncio.current_task().cancelling() == 0


async def test_cancellation_by_somebody_else_stays_one() -> None:
    async def work() -> None:
        watchdog = Watchdog()

        async def dies_slowly() -> None:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                asyncio.current_task().cancel()  # as somebody else would, in this very moment
                raise

        await watchdog.wait(dies_slowly(), soon())

    task = asyncio.create_task(work())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
