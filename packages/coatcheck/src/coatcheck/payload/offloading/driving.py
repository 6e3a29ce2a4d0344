"""What drives a walk: it keeps what the walk finds, and lets others run."""

from time import perf_counter
from typing import Final, Protocol, TypeVar, cast

from anyio.lowlevel import checkpoint

from coatcheck.payload.offloading.rewriting import Request, Walk
from coatcheck.payload.shapes import Replacement

T = TypeVar("T")

_STEP_SECONDS: Final = 0.001


class Keeps(Protocol):
    """What a walk's requests are answered by."""

    async def keep(self, request: Request) -> Replacement | None:
        """Return the replacement of what a walk found; None for nothing.

        Args:
            request: what it came upon.
        """
        ...


async def drive(walk: Walk[T], keeper: Keeps) -> T:
    """Do the work of a walk, letting others run every now and then."""
    answer = None
    resumed = perf_counter()
    while True:
        try:
            request = walk.send(answer)
        except StopIteration as done:
            return cast("T", done.value)
        answer = None if request is None else await keeper.keep(request)
        # Also after what was kept: it may not have waited for anything.
        if perf_counter() - resumed > _STEP_SECONDS:
            await checkpoint()
            resumed = perf_counter()
