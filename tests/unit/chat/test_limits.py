"""What one principal may do: sockets at once, frames in a minute."""

from contextlib import ExitStack

import pytest

from coatcheck.delivery.limits import Allowance, Client, ClientAllowance, ClientLimits
from coatcheck.errors import RateLimitError, TooManySocketsError

ANNA = Client("anna", "192.0.2.1")
BEN = Client("ben", "192.0.2.2")


def taken(allowance: Allowance | ClientAllowance, now: float) -> int:
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
    limits = ClientLimits(sockets=2)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(limits.admit(ANNA, 0))
        with pytest.raises(TooManySocketsError, match="At most 2"), limits.admit(ANNA, 0):
            pytest.fail("a third was let in")
        stack.enter_context(limits.admit(BEN, 0))
    with limits.admit(ANNA, 0):
        pass


def test_frames_are_counted_over_all_sockets_of_a_principal_and_after_they_left() -> None:
    limits = ClientLimits(per_minute=3)
    with limits.admit(ANNA, 0) as first, limits.admit(ANNA, 0) as second:
        first.take(0)
        second.take(0)
    with limits.admit(ANNA, 0) as again:
        assert taken(again, 0) == 1
    assert taken(limits.of(BEN, 0), 0) == 3


def test_what_is_remembered_is_bounded() -> None:
    limits = ClientLimits(per_minute=3)
    limits.of(ANNA, 0).take(0)
    with limits.admit(BEN, 0):
        for number in range(25_000):
            limits.of(Client(f"visitor {number}", "192.0.2.3"), number)
            assert len(limits._counted) <= 10_003
        assert limits._counted["owner", "ben"].sockets == 1


def visitors(count: int, address: str = "192.0.2.1") -> list[Client]:
    return [Client(f"visitor {number}", address) for number in range(count)]


def test_a_new_name_for_each_frame_buys_no_more_than_the_address_has() -> None:
    limits = ClientLimits(per_minute=3, per_address=2)
    sent = 0
    for client in visitors(100):
        sent += taken(limits.of(client, 0), 0)
    assert sent == 6
    assert taken(limits.of(Client("carl", "192.0.2.2"), 0), 0) == 3


def test_a_new_name_for_each_socket_buys_no_more_than_the_address_has() -> None:
    limits = ClientLimits(sockets=1, per_address=2)
    with ExitStack() as stack:
        for client in visitors(2):
            stack.enter_context(limits.admit(client, 0))
        with pytest.raises(TooManySocketsError, match="At most 2"), limits.admit(ANNA, 0):
            pytest.fail("a third was let in")
        stack.enter_context(limits.admit(BEN, 0))
    with ExitStack() as stack:  # each let its place go
        for client in visitors(2):
            stack.enter_context(limits.admit(client, 0))


def test_all_clients_together_are_limited() -> None:
    limits = ClientLimits(sockets=1, per_minute=3, in_all=4)
    crowd = [Client(f"visitor {number}", f"192.0.2.{number}") for number in range(10)]
    assert sum(taken(limits.of(client, 0), 0) for client in crowd) == 12
    with ExitStack() as stack:
        for client in crowd[:4]:
            stack.enter_context(limits.admit(client, 0))
        with pytest.raises(TooManySocketsError), limits.admit(crowd[4], 0):
            pytest.fail("a fifth was let in")


def test_an_anonymous_client_has_one_principal_s_worth() -> None:
    limits = ClientLimits(sockets=1, per_minute=3)
    anonymous = Client(None, "192.0.2.1")
    assert taken(limits.of(anonymous, 0), 0) == 3
    refused = pytest.raises(TooManySocketsError)
    with limits.admit(anonymous, 0), refused, limits.admit(anonymous, 0):
        pytest.fail("a second was let in")


def test_a_frame_that_is_refused_costs_nothing() -> None:
    limits = ClientLimits(per_minute=2, per_address=1, in_all=8)
    assert taken(limits.of(ANNA, 0), 0) == 2
    beside = Client("bert", ANNA.address)
    assert taken(limits.of(beside, 0), 0) == 0  # the address has nothing left
    assert taken(limits.of(Client("bert", "192.0.2.9"), 0), 0) == 2
    assert limits._counted["all", ""]._left == 12


def test_what_is_meant_for_a_day_comes_back_in_a_day() -> None:
    limits = ClientLimits(per_minute=1000, minutes=24 * 60, in_all=3)
    anonymous = Client(None, "192.0.2.1")
    limits.of(anonymous, 0).take(0, 900)
    with pytest.raises(RateLimitError):
        limits.of(anonymous, 60).take(60, 200)
    limits.of(anonymous, 12 * 3600).take(12 * 3600, 600)
    with pytest.raises(RateLimitError):
        limits.of(anonymous, 12 * 3600).take(12 * 3600, 1)
