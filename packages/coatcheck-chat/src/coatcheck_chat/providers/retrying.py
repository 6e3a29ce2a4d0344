"""Around a provider: another try where a passing reason kept a picture away, and a time limit."""

import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from itertools import count
from typing import Final, TypeVar

import anyio

from coatcheck_chat.errors import ProviderTimeoutError, ProviderUnavailableError
from coatcheck_chat.providers.image import Draft, ImageProvider, WrappingProvider

_log: Final = logging.getLogger(__name__)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryLimits:
    """How long and how often a provider is asked for one picture.

    Attributes:
        seconds: for all tries of a picture and the pauses between them; what the drafts' taker
            needs does not count.
        tries: at most.
        first_pause: seconds before the second try, at most; twice as many before the third.
        longest_pause: seconds, where the provider asks for no longer one.
        after_drafts: try again although drafts were shown, which then start again.
    """

    seconds: float = 180.0
    tries: int = 3
    first_pause: float = 1.0
    longest_pause: float = 30.0
    after_drafts: bool = False


class RetryingProvider(WrappingProvider):
    """Asks again after a `ProviderUnavailableError`, and never longer than its limits say.

    Args:
        inner: the provider.
        limits: how long and how often.
        clock: a monotonic clock in seconds.
        sleep: waits for so many seconds.
        jitter: a number in [0, 1), drawn anew for each pause, so that many who failed together do
            not come again together.
    """

    def __init__(
        self,
        inner: ImageProvider,
        limits: RetryLimits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(inner)
        self._limits = limits or RetryLimits()
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter

    async def around(self, ask: Callable[[], AsyncGenerator[Draft]]) -> AsyncGenerator[Draft]:
        """The drafts of the first try that ends with a picture, and of those before it.

        Args:
            ask: asks the provider.

        Raises:
            ProviderTimeoutError: there was no picture in time.
            ProviderUnavailableError: the last try failed as well.
        """
        budget = _Budget(self._limits.seconds, self._clock)
        for number in count(1):
            shown = False
            try:
                async with aclosing(ask()) as drafts:
                    while (draft := await self._next(drafts, budget)) is not None:
                        yield draft
                        shown = True
            except ProviderUnavailableError as error:
                pause = self._pause(number, error.retry_after)
                if number >= self._limits.tries or pause >= budget.left:
                    raise
                if shown and not self._limits.after_drafts:
                    raise
                _log.warning("%s Asking again in %.1f seconds.", error.message, pause)
            else:
                return
            await self._sleep(pause)
            budget.left -= pause

    async def _next(self, drafts: AsyncGenerator[Draft], budget: "_Budget") -> Draft | None:
        try:
            return await budget.spend(anext(drafts, None))
        except TimeoutError as error:
            raise ProviderTimeoutError(
                f"{self.model} made no picture within {self._limits.seconds:g} seconds."
            ) from error

    def _pause(self, number: int, asked: float | None) -> float:
        """Seconds between a try that failed and the next: what was asked for and a little more."""
        limits = self._limits
        if asked is not None:
            return asked + limits.first_pause * self._jitter()
        longest = min(limits.longest_pause, limits.first_pause * 2.0 ** (number - 1))
        return longest * (1 + self._jitter()) / 2


class _Budget:
    """Seconds that are spent by waiting."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self.left = seconds
        self._clock = clock

    async def spend(self, awaitable: Awaitable[_T]) -> _T:
        """Wait for something while anything is left.

        Raises:
            TimeoutError: nothing is.
        """
        before = self._clock()
        try:
            with anyio.fail_after(max(0.0, self.left)):
                return await awaitable
        except TimeoutError:
            self.left = 0.0
            raise
        finally:
            self.left -= self._clock() - before
