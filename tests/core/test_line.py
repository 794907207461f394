"""Those who wait know their place, and nobody is skipped."""

import asyncio

from webapp.line import Line


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


class Guest:
    """Someone who wants in, and notes what they hear."""

    def __init__(self, line: Line) -> None:
        self.places: list[int] = []
        self.leave = asyncio.Event()
        self.inside = False
        self.task = asyncio.create_task(self.visit(line))

    async def visit(self, line: Line) -> None:
        async with line.place(self.places.append):
            self.inside = True
            await self.leave.wait()
            self.inside = False


async def test_first_come_first_served_and_everybody_knows_their_place() -> None:
    line = Line(2)
    guests = [Guest(line) for _ in range(5)]
    await settle()
    assert [g.inside for g in guests] == [True, True, False, False, False]
    assert [g.places for g in guests] == [[], [], [1], [2], [3]]
    guests[1].leave.set()
    await settle()
    assert [g.inside for g in guests] == [True, False, True, False, False]
    assert [g.places[-1] for g in guests[3:]] == [1, 2]
    for guest in guests:
        guest.leave.set()
    await asyncio.gather(*(g.task for g in guests))
    assert line.inside == 0


async def test_who_gives_up_makes_room_for_those_behind() -> None:
    line = Line(1)
    first, second, third = [Guest(line) for _ in range(3)]
    await settle()
    second.task.cancel()
    await settle()
    assert third.places == [2, 1]
    first.leave.set()
    await settle()
    assert third.inside


async def test_a_turn_that_comes_together_with_giving_up_is_passed_on() -> None:
    line = Line(1)
    first, second, third = [Guest(line) for _ in range(3)]
    await settle()
    first.leave.set()
    second.task.cancel()
    await settle()
    assert third.inside
    third.leave.set()
    await settle()
    assert line.inside == 0


async def test_without_a_width_nobody_waits() -> None:
    line = Line(0)
    guests = [Guest(line) for _ in range(50)]
    await settle()
    assert all(g.inside for g in guests)
    for guest in guests:
        guest.leave.set()
    await asyncio.gather(*(g.task for g in guests))
