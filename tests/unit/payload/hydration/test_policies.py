"""Which media is shown: the same choice for the same occurrences."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.payload.hydration.policies import (
    HydrationPolicy,
    Occurrence,
    latest,
    never,
    requested,
    within,
)
from coatcheck.reference import MediaReference


def occurrence(number: int, media_type: str = "image/png", tokens: int | None = 100) -> Occurrence:
    reference = MediaReference(
        id=f"00000000-0000-4000-8000-{number:012d}",
        mime_type=media_type,
        size=1000,
        digest="sha-256:" + "00" * 32,
    )
    return Occurrence(reference=reference, message=number, tokens=tokens)


def numbers(policy: HydrationPolicy, *occurrences: Occurrence) -> Collection[int]:
    return {int(chosen[-12:]) for chosen in policy.choose(occurrences)}


PICTURES = [occurrence(number) for number in range(4)]
PDF = occurrence(4, "application/pdf", None)
SOUND = occurrence(5, "audio/wav", None)


def test_never_shows_nothing() -> None:
    assert numbers(never(), *PICTURES) == set()


@pytest.mark.parametrize(("count", "shown"), [(0, set()), (1, {3}), (2, {2, 3}), (9, {0, 1, 2, 3})])
def test_the_latest_are_the_last_ones(count: int, shown: set[int]) -> None:
    assert numbers(latest(count), *PICTURES) == shown


def test_the_latest_are_pictures_and_documents_unless_told_otherwise() -> None:
    assert numbers(latest(1), *PICTURES, PDF, SOUND) == {4}
    assert numbers(latest(1, kinds={"image"}), *PICTURES, PDF, SOUND) == {3}
    assert numbers(latest(2, kinds={"image", "audio"}), *PICTURES, PDF, SOUND) == {3, 5}


def test_what_is_requested_is_shown_whatever_it_is() -> None:
    policy = requested([SOUND.reference.id, PICTURES[0].reference.id])
    assert numbers(policy, *PICTURES, SOUND) == {0, 5}
    assert list(policy.asked) == [SOUND.reference.id, PICTURES[0].reference.id]


def test_what_is_requested_may_be_written_in_any_case() -> None:
    reference_id = "9188CC90-B172-47E9-B493-4E22175BD478"
    assert list(requested([reference_id, "no id"]).asked) == [reference_id.lower(), "no id"]


def test_within_a_budget_the_newest_come_first_and_none_is_skipped() -> None:
    sizes = [occurrence(0, tokens=10), occurrence(1, tokens=90), occurrence(2, tokens=50)]
    assert numbers(within(tokens=49), *sizes) == set()
    assert numbers(within(tokens=50), *sizes) == {2}
    # The one before would cost too much: an older one is not shown in its place.
    assert numbers(within(tokens=100), *sizes) == {2}
    assert numbers(within(tokens=150), *sizes) == {0, 1, 2}


def test_within_a_budget_what_has_no_known_cost_is_passed_over() -> None:
    assert numbers(within(tokens=100), PICTURES[0], PDF, SOUND) == {0}


@given(st.lists(st.integers(1, 2000), max_size=20), st.integers(0, 10_000))
def test_a_budget_is_never_overspent(costs: list[int], tokens: int) -> None:
    occurrences = [occurrence(number, tokens=cost) for number, cost in enumerate(costs)]
    chosen = numbers(within(tokens=tokens), *occurrences)
    assert sum(costs[number] for number in chosen) <= tokens
    assert chosen == set(range(len(costs) - len(chosen), len(costs)))
