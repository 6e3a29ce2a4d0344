"""What is remembered is bounded in each of its ways."""

from coatcheck.bounded import BoundedMemory


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_oldest_give_way_to_more_entries() -> None:
    memory = BoundedMemory[str, int](entries=2)
    for number, key in enumerate("abac"):
        memory.put(key, number)
    assert [memory.get(key) for key in "abc"] == [2, None, 3]
    assert len(memory) == 2


def test_what_is_used_outlives_what_is_not() -> None:
    memory = BoundedMemory[str, int](entries=2)
    memory.put("a", 1)
    memory.put("b", 2)
    assert memory.use("a") == 1
    memory.put("c", 3)
    assert [memory.get(key) for key in "abc"] == [1, None, 3]


def test_the_oldest_give_way_to_weight_and_what_is_forgotten_weighs_nothing() -> None:
    memory = BoundedMemory[str, bytes](capacity=10, weigh=len)
    memory.put("a", bytes(6))
    memory.put("b", bytes(4))
    assert memory.weight == 10
    memory.put("b", bytes(5))
    assert (memory.get("a"), memory.weight) == (None, 5)
    memory.forget("b")
    memory.forget("unknown")
    memory.put("c", bytes(11))  # more than there is room for
    assert (memory.get("c"), memory.weight, len(memory)) == (None, 0, 0)


def test_a_value_is_over_after_its_time_and_the_next_put_drops_it() -> None:
    clock = Clock()
    memory = BoundedMemory[str, int](seconds=10, clock=clock)
    memory.put("a", 1)
    clock.now = 9
    assert memory.get("a") == 1
    clock.now = 10
    assert memory.get("a") is None
    memory.put("b", 2)
    assert len(memory) == 1


def test_what_is_put_again_lives_from_then_on() -> None:
    clock = Clock()
    memory = BoundedMemory[str, int](seconds=10, clock=clock)
    memory.put("a", 1)
    clock.now = 9
    memory.put("a", 2)
    clock.now = 18
    assert memory.get("a") == 2


def test_what_is_used_lives_no_longer() -> None:
    clock = Clock()
    memory = BoundedMemory[str, int](seconds=10, clock=clock)
    memory.put("a", 1)
    clock.now = 9
    assert (memory.use("a"), memory.use("unknown")) == (1, None)
    clock.now = 10
    assert memory.use("a") is None


def test_all_is_forgotten_at_once() -> None:
    memory = BoundedMemory[str, bytes](capacity=10, weigh=len, seconds=10)
    memory.put("a", bytes(6))
    memory.put("b", bytes(1))
    assert list(memory.values()) == [bytes(6), bytes(1)]
    memory.clear()
    assert (memory.get("a"), memory.weight, len(memory)) == (None, 0, 0)
