"""Limit clients: sockets at once, frames in a minute. Pure.

A client is counted three times: as a principal, by its address, and together with all others.
Without a sign-in, principals are free, so a limit for each principal alone would limit nothing.

The time comes in as seconds of a monotonic clock.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from coatcheck.errors import RateLimitError, TooManySocketsError

DEFAULT_SOCKETS: Final = 32
DEFAULT_PER_MINUTE: Final = 120
DEFAULT_PER_ADDRESS: Final = 8
DEFAULT_IN_ALL: Final = 64

_REMEMBERED: Final = 10_000
_MINUTE: Final = 60.0


class Client(NamedTuple):
    """A client, as it is counted.

    Attributes:
        owner: the principal; None for an anonymous client, which is counted by its address alone.
        address: the client's address.
    """

    owner: str | None
    address: str


class Allowance:
    """A token bucket of frames: it allows bursts but no flood.

    Args:
        most: the capacity in frames, which refills in `minutes`.
        now: the time.
        sockets: how many sockets may be open at once.
        minutes: how long a complete refill takes.
    """

    def __init__(
        self, most: int, now: float, sockets: int = DEFAULT_SOCKETS, minutes: int = 1
    ) -> None:
        self._most = most
        self._left = float(most)
        self._seconds = minutes * _MINUTE
        self._counted_at = now
        self._most_sockets = sockets
        self.sockets = 0

    def take(self, now: float, amount: int = 1) -> None:
        """Use one frame, or several.

        Args:
            now: the time, in seconds of a clock that never goes back.
            amount: how many.

        Raises:
            RateLimitError: not as many are left.
        """
        self.require(now, amount)
        self._left -= amount

    def require(self, now: float, amount: int = 1) -> None:
        """Check that one frame, or several, can be used.

        Args:
            now: the time, in seconds of a clock that never goes back.
            amount: how many.

        Raises:
            RateLimitError: not as many are left.
        """
        self._refill(now)
        if self._left < amount:
            raise RateLimitError

    def require_socket(self) -> None:
        """Check that another socket may be opened.

        Raises:
            TooManySocketsError: as many are open as may be.
        """
        if self.sockets >= self._most_sockets:
            raise TooManySocketsError(
                f"At most {self._most_sockets} connections may be open; close one."
            )

    def is_whole(self, now: float) -> bool:
        """Whether the bucket is full and no socket is open, so that it can be dropped.

        Args:
            now: the time, in seconds of a clock that never goes back.
        """
        self._refill(now)
        return self.sockets == 0 and self._left >= self._most

    def _refill(self, now: float) -> None:
        elapsed = max(0.0, now - self._counted_at)
        self._left = min(self._most, self._left + elapsed * self._most / self._seconds)
        self._counted_at = now


class ClientAllowance:
    """The remaining allowances of one client.

    Args:
        allowances: the client's own, its address's and that of all clients.
    """

    def __init__(self, allowances: Sequence[Allowance]) -> None:
        self._allowances = allowances

    def take(self, now: float, amount: int = 1) -> None:
        """Use one frame, or several, of each allowance, or none at all.

        Args:
            now: the time, in seconds of a clock that never goes back.
            amount: how many.

        Raises:
            RateLimitError: one of them has not as many left.
        """
        for allowance in self._allowances:
            allowance.require(now, amount)
        for allowance in self._allowances:
            allowance.take(now, amount)

    @contextmanager
    def socket(self) -> Iterator[None]:
        """Room for one socket, for as long as the context lasts.

        Raises:
            TooManySocketsError: one of them has as many open as it may.
        """
        for allowance in self._allowances:
            allowance.require_socket()
        for allowance in self._allowances:
            allowance.sockets += 1
        try:
            yield
        finally:
            for allowance in self._allowances:
                allowance.sockets -= 1


class ClientLimits:
    """Counts the sockets and frames of clients.

    Args:
        sockets: open at once for each principal; an HTTP stream counts as one.
        per_minute: frames in a minute for each principal, over all its sockets; a POST counts as
            one.
        per_address: how many principals' worth of both one address may use. An anonymous client's
            address is its principal and has no more than one's.
        in_all: how many principals' worth of both all clients together may use.
        minutes: the period of `per_minute`, if it is not one minute.
    """

    def __init__(
        self,
        *,
        sockets: int = DEFAULT_SOCKETS,
        per_minute: int = DEFAULT_PER_MINUTE,
        per_address: int = DEFAULT_PER_ADDRESS,
        in_all: int = DEFAULT_IN_ALL,
        minutes: int = 1,
    ) -> None:
        self._sockets = sockets
        self._per_minute = per_minute
        self._per_address = per_address
        self._in_all = in_all
        self._minutes = minutes
        self._counted: dict[tuple[str, str], Allowance] = {}

    @contextmanager
    def admit(self, client: Client, now: float) -> Iterator[ClientAllowance]:
        """Room for one socket, for as long as the context lasts.

        Args:
            client: who asks.
            now: the time.

        Raises:
            TooManySocketsError: the client, its address or all together have as many open as they
                may.
        """
        allowance = self.of(client, now)
        with allowance.socket():
            yield allowance

    def of(self, client: Client, now: float) -> ClientAllowance:
        """Return the allowance of this client.

        Args:
            client: who asks.
            now: the time, in seconds of a clock that never goes back.
        """
        if client.owner is None:
            own = [self._allowance("address", client.address, 1, now)]
        else:
            own = [
                self._allowance("owner", client.owner, 1, now),
                self._allowance("address", client.address, self._per_address, now),
            ]
        return ClientAllowance([*own, self._allowance("all", "", self._in_all, now)])

    def _allowance(self, kind: str, name: str, share: int, now: float) -> Allowance:
        allowance = self._counted.get((kind, name))
        if allowance is None:
            if len(self._counted) >= _REMEMBERED:
                self._forget(now)
            allowance = Allowance(
                self._per_minute * share, now, self._sockets * share, self._minutes
            )
            self._counted[kind, name] = allowance
        return allowance

    def _forget(self, now: float) -> None:
        for key, allowance in list(self._counted.items()):
            if allowance.is_whole(now):
                del self._counted[key]
