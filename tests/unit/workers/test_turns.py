"""Who gets the next place: shares by turns, and within a share whoever came first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import TaskGroup

from coatcheck.errors import OverloadedError
from coatcheck.workers.turns import Share, Turns

pytestmark = pytest.mark.anyio

MANY = 100


class Hall:
    """Calls that hold a place until they are let go, and the order in which they got theirs."""

    def __init__(self, places: int, tasks: TaskGroup) -> None:
        self.turns = Turns(places)
        self.served: list[str] = []
        self.refused: list[str] = []
        self._tasks = tasks
        self._doors: dict[str, anyio.Event] = {}
        self._scopes: dict[str, anyio.CancelScope] = {}

    async def call(
        self, name: str, *, places: int = MANY, waiting: int = MANY, max_waiting: int = MANY
    ) -> None:
        """A call of the share that the first letter names."""
        share = Share(name=name[0], places=places, waiting=waiting)
        self._doors[name], self._scopes[name] = anyio.Event(), anyio.CancelScope()

        async def hold() -> None:
            with self._scopes[name]:
                try:
                    async with self.turns.place(share, max_waiting=max_waiting):
                        self.served.append(name)
                        await self._doors[name].wait()
                except OverloadedError:
                    self.refused.append(name)

        self._tasks.start_soon(hold)
        await anyio.wait_all_tasks_blocked()

    async def end(self, *names: str) -> None:
        for name in names:
            self._doors[name].set()
            await anyio.wait_all_tasks_blocked()

    async def leave(self, name: str) -> None:
        self._scopes[name].cancel()
        await anyio.wait_all_tasks_blocked()


@asynccontextmanager
async def hall(places: int) -> AsyncIterator[Hall]:
    async with anyio.create_task_group() as tasks:
        opened = Hall(places, tasks)
        yield opened
        await opened.end(*opened._doors)
    assert opened.turns.waiting == 0
    assert opened.turns._free == places
    assert not opened.turns._held


async def test_one_share_is_served_in_order() -> None:
    async with hall(1) as calls:
        for name in ("a1", "a2", "a3"):
            await calls.call(name)
        await calls.end("a1", "a2", "a3")
        assert calls.served == ["a1", "a2", "a3"]


async def test_shares_take_turns_however_many_calls_one_has() -> None:
    async with hall(1) as calls:
        for name in ("a1", "a2", "a3", "a4", "b1", "b2", "c1"):
            await calls.call(name)
        await calls.end("a1", "a2", "b1", "c1", "a3", "b2", "a4")
        assert calls.served == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


async def test_a_share_leaves_places_to_the_others() -> None:
    async with hall(2) as calls:
        await calls.call("a1", places=1)
        await calls.call("a2", places=1)
        assert calls.served == ["a1"]
        await calls.call("b1", places=1)
        assert calls.served == ["a1", "b1"]
        await calls.call("b2", places=1)
        await calls.end("b1")  # b's next, though a waits longer: a holds what it may hold
        assert calls.served == ["a1", "b1", "b2"]
        await calls.end("a1")
        assert calls.served == ["a1", "b1", "b2", "a2"]


async def test_a_share_fills_a_part_of_the_queue_alone() -> None:
    async with hall(1) as calls:
        for name in ("a1", "a2", "a3", "a4"):
            await calls.call(name, waiting=2, max_waiting=3)
        assert calls.refused == ["a4"]
        await calls.call("b1", waiting=2, max_waiting=3)
        await calls.call("c1", waiting=2, max_waiting=3)
        assert calls.refused == ["a4", "c1"]
        assert calls.turns.waiting == 3


async def test_who_leaves_the_queue_is_passed_over() -> None:
    async with hall(1) as calls:
        for name in ("a1", "a2", "b1", "a3"):
            await calls.call(name)
        await calls.leave("b1")
        await calls.leave("a2")
        assert calls.turns.waiting == 1
        await calls.end("a1")
        assert calls.served == ["a1", "a3"]


async def test_a_place_that_is_given_to_one_who_leaves_goes_to_the_next() -> None:
    async with hall(1) as calls:
        for name in ("a1", "b1", "c1"):
            await calls.call(name)
        calls._doors["a1"].set()
        await anyio.lowlevel.checkpoint()  # a1 gives its place to b1, which does not run yet
        assert calls.served == ["a1"]
        await calls.leave("b1")
        assert calls.served in (["a1", "c1"], ["a1", "b1", "c1"])


async def test_a_place_that_is_given_to_a_canceled_task_goes_to_the_next() -> None:
    """Canceled by asyncio itself: anyio lets a task run that has what it waited for."""
    turns, served = Turns(1), []

    async def hold(name: str) -> None:
        async with turns.place(Share(name=name, places=1, waiting=1), max_waiting=MANY):
            served.append(name)

    async with turns.place(Share(name="a", places=1, waiting=1), max_waiting=MANY):
        b, c = (asyncio.create_task(hold(name)) for name in "bc")
        await asyncio.sleep(0)
    b.cancel()  # it has been given the place, and has not run since
    with pytest.raises(asyncio.CancelledError):
        await b
    await asyncio.wait_for(c, 10)
    assert served == ["c"]
