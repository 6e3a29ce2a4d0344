"""What one principal may do in the chat: sockets at once, frames in a minute. Pure.

The time comes in as seconds of a monotonic clock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from coatcheck.errors import RateLimitError, TooManySocketsError

DEFAULT_SOCKETS: Final = 32
DEFAULT_PER_MINUTE: Final = 120

_REMEMBERED: Final = 10_000
_MINUTE: Final = 60.0


class Allowance:
    """How many frames a principal may send now. A token bucket: bursts are fine, a flood is not.

    Args:
        per_minute: frames that come back in a minute, and the most that there are.
        now: the time.
    """

    def __init__(self, per_minute: int, now: float) -> None:
        self._most = per_minute
        self._left = float(per_minute)
        self._counted_at = now
        self.sockets = 0

    def take(self, now: float) -> None:
        """Use one.

        Args:
            now: the time, in seconds of a clock that never goes back.

        Raises:
            RateLimitError: none is left.
        """
        self._refill(now)
        if self._left < 1:
            raise RateLimitError
        self._left -= 1

    def is_whole(self, now: float) -> bool:
        """Whether forgetting this changes nothing.

        Args:
            now: the time, in seconds of a clock that never goes back.
        """
        self._refill(now)
        return self.sockets == 0 and self._left >= self._most

    def _refill(self, now: float) -> None:
        elapsed = max(0.0, now - self._counted_at)
        self._left = min(self._most, self._left + elapsed * self._most / _MINUTE)
        self._counted_at = now


class ChatLimits:
    """Counts for every principal what it has open and what it sends.

    Args:
        sockets: open at once; an HTTP stream counts as one.
        per_minute: frames in a minute, over all of them; a POST counts as one.
    """

    def __init__(
        self, *, sockets: int = DEFAULT_SOCKETS, per_minute: int = DEFAULT_PER_MINUTE
    ) -> None:
        self._sockets = sockets
        self._per_minute = per_minute
        self._principals: dict[str, Allowance] = {}

    @contextmanager
    def admit(self, principal: str, now: float) -> Iterator[Allowance]:
        """Room for one socket, for as long as the context lasts.

        Args:
            principal: who asks: an owner, or an address where nobody is told apart.
            now: the time.

        Raises:
            TooManySocketsError: it has as many open as it may.
        """
        allowance = self.of(principal, now)
        if allowance.sockets >= self._sockets:
            raise TooManySocketsError(
                f"At most {self._sockets} connections may be open; close one."
            )
        allowance.sockets += 1
        try:
            yield allowance
        finally:
            allowance.sockets -= 1

    def of(self, principal: str, now: float) -> Allowance:
        """What this principal may still send.

        Args:
            principal: who asks.
            now: the time, in seconds of a clock that never goes back.
        """
        allowance = self._principals.get(principal)
        if allowance is None:
            if len(self._principals) >= _REMEMBERED:
                self._forget(now)
            allowance = self._principals[principal] = Allowance(self._per_minute, now)
        return allowance

    def _forget(self, now: float) -> None:
        for principal, allowance in list(self._principals.items()):
            if allowance.is_whole(now):
                del self._principals[principal]
