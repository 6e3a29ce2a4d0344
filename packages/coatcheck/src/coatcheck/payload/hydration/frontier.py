"""The media that stays in requests from turn to turn, and its retirement in batches. Pure.

A prompt cache is worth something while a request begins with the bytes of the one before. So
media that was shown is shown again, in the same place, until the budget is used up. Then the oldest
are retired, many at once, so that the next retirement is many turns away. What was retired is the
frontier, which the caller keeps.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from coatcheck.errors import InvalidInputError
from coatcheck.reference import is_reference_id

Frontier = Mapping[str, int]
"""What was retired: ids, and in how many places each stood then. JSON, to be kept with the
conversation; about 45 bytes for each of those that the messages still name."""

KEPT: Final = 0.5
"""The share of the budget that a retirement leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The budget of all media that is shown; None for no limit.

    Attributes:
        tokens: by `estimate_tokens`; what has no estimate, as documents, counts nothing.
        media: how many.
        length: characters of base64.
    """

    tokens: int | None = None
    media: int | None = None
    length: int | None = None

    def within(self, other: "Budget") -> "Budget":
        """The smaller of both limits, each for itself."""
        return Budget(
            tokens=_smaller(self.tokens, other.tokens),
            media=_smaller(self.media, other.media),
            length=_smaller(self.length, other.length),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One medium that may be shown.

    Attributes:
        id: of its reference.
        message: index of the message in which it is shown.
        tokens: estimate of what it costs; 0 where that is not known.
        length: characters of its base64.
    """

    id: str
    message: int
    tokens: int
    length: int


def retire(candidates: Iterable[Candidate], budget: Budget) -> list[str]:
    """The ids of those that are retired, the oldest first.

    The messages are gone through one by one, as the conversation came to have them: the outcome is
    the same whether one frontier was carried from turn to turn or all is decided anew. What is in
    the message that uses the budget up is retired only where the whole budget is too small for it.

    Args:
        candidates: the oldest first.
        budget: what they may take together.
    """
    retired: list[str] = []
    shown = _Shown(budget)
    for candidate in candidates:
        shown.add(candidate)
        if not shown.exceeds(1):
            continue
        while shown.exceeds(KEPT) and shown.oldest.message < candidate.message:
            retired.append(shown.drop())
        while shown.exceeds(1):
            retired.append(shown.drop())
    return retired


def read_frontier(frontier: Frontier | None) -> dict[str, int]:
    """The frontier that a caller kept.

    Args:
        frontier: as `hydrate` returned it; None where there is none yet.

    Raises:
        InvalidInputError: it is something else.
    """
    if frontier is None:
        return {}
    kept: object = frontier
    if not isinstance(kept, Mapping) or not all(
        is_reference_id(name) and _is_count(places) for name, places in kept.items()
    ):
        raise InvalidInputError("The frontier must be what an earlier call of hydrate returned.")
    return dict(frontier)


class _Shown:
    """The media that is shown so far, and its cost."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._candidates: deque[Candidate] = deque()
        self._tokens = self._length = 0

    @property
    def oldest(self) -> Candidate:
        return self._candidates[0]

    def add(self, candidate: Candidate) -> None:
        self._candidates.append(candidate)
        self._tokens += candidate.tokens
        self._length += candidate.length

    def drop(self) -> str:
        dropped = self._candidates.popleft()
        self._tokens -= dropped.tokens
        self._length -= dropped.length
        return dropped.id

    def exceeds(self, share: float) -> bool:
        budget = self._budget
        taken = (
            (self._tokens, budget.tokens),
            (len(self._candidates), budget.media),
            (self._length, budget.length),
        )
        return any(limit is not None and amount > limit * share for amount, limit in taken)


def _smaller(one: int | None, other: int | None) -> int | None:
    limits = [limit for limit in (one, other) if limit is not None]
    return min(limits, default=None)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
