"""What one principal may do: sockets at once, frames in a minute."""

from contextlib import ExitStack

import pytest

from coatcheck.chat.limits import Allowance, ChatLimits
from coatcheck.errors import RateLimitError, TooManySocketsError


def taken(allowance: Allowance, now: float) -> int:
    count = 0
    while True:
        try:
            allowance.take(now)
        except RateLimitError:
            return count
        count += 1


def test_a_burst_is_fine_and_a_flood_is_not() -> None:
    allowance = Allowance(60, 0)
    assert taken(allowance, 0) == 60
    assert taken(allowance, 0.9) == 0
    assert taken(allowance, 1.9) == 1
    assert taken(allowance, 11.9) == 10
    assert taken(allowance, 10_000) == 60


def test_a_clock_that_goes_back_gives_nothing() -> None:
    allowance = Allowance(60, 100)
    assert taken(allowance, 100) == 60
    assert taken(allowance, 50) == 0


def test_sockets_are_counted_for_each_principal_and_leave() -> None:
    limits = ChatLimits(sockets=2)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(limits.admit("anna", 0))
        with pytest.raises(TooManySocketsError, match="At most 2"), limits.admit("anna", 0):
            pytest.fail("a third was let in")
        stack.enter_context(limits.admit("ben", 0))
    with limits.admit("anna", 0):
        pass


def test_frames_are_counted_over_all_sockets_of_a_principal_and_after_they_left() -> None:
    limits = ChatLimits(per_minute=3)
    with limits.admit("anna", 0) as first, limits.admit("anna", 0) as second:
        first.take(0)
        second.take(0)
    with limits.admit("anna", 0) as again:
        assert taken(again, 0) == 1
    assert taken(limits.of("ben", 0), 0) == 3


def test_what_is_remembered_is_bounded() -> None:
    limits = ChatLimits(per_minute=3)
    limits.of("anna", 0).take(0)
    with limits.admit("ben", 0):
        for number in range(25_000):
            limits.of(f"visitor {number}", number)
            assert len(limits._principals) <= 10_001
        assert limits.of("ben", 25_000).sockets == 1
