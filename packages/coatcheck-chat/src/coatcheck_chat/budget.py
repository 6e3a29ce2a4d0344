"""The daily budget of all clients together. Pure; the clock is an argument."""

import time
from collections.abc import Callable
from typing import Final

from coatcheck_chat.errors import BudgetSpentError

DAY_SECONDS: Final = 24 * 3600.0


class DailyBudget:
    """Counts what costs money, and refuses it when the day's share is spent.

    A day begins with the first thing that is counted in it. The count is in this process's memory:
    a restart resets it.

    Args:
        most: in a day.
        clock: a monotonic clock in seconds.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._began: float | None = None
        self._spent = 0

    def spend(self) -> None:
        """Count one.

        Raises:
            BudgetSpentError: the day's share is spent.
        """
        now = self._clock()
        if self._began is None or now - self._began >= DAY_SECONDS:
            self._began, self._spent = now, 0
        if self._spent >= self._most:
            raise BudgetSpentError
        self._spent += 1
