"""Policies that choose which media a model sees: small pure functions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from coatcheck.payload.hydration.frontier import Budget
from coatcheck.payload.hydration.limits import Kind, kind_of
from coatcheck.reference import MediaReference, normalize_reference_id

PICTURES_AND_DOCUMENTS: Final[frozenset[Kind]] = frozenset({"image", "document"})
"""Kinds shown by default. Audio is not: a model that cannot hear rejects the whole request."""


PICTURE_TOKENS: Final = 32_000
"""The default budget of `stable`: a quarter of a context window of 128,000 tokens, the smallest of
the models that see pictures (GPT-4o; Claude has 200,000, Gemini a million)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One piece of media that a request may show.

    Attributes:
        reference: the reference from the catalog.
        message: index of the message in which it would be shown; the number of messages if it
            occurs in none of them.
        tokens: estimate of what showing it costs; None if unknown, as for documents.
    """

    reference: MediaReference
    message: int
    tokens: int | None


class HydrationPolicy(Protocol):
    """Decides for each request which media is shown. You can write your own."""

    @property
    def asked(self) -> Sequence[str]:
        """Ids that are offered to `choose` even if no message contains them."""
        ...

    def choose(self, occurrences: Sequence[Occurrence]) -> Collection[str]:
        """Return the ids of the media to show; unknown ids are ignored.

        Args:
            occurrences: all that the provider takes, each medium once, the oldest first.
        """
        ...


def stable(
    *,
    tokens: int | None = PICTURE_TOKENS,
    media: int | None = None,
    length: int | None = None,
    kinds: Collection[Kind] = PICTURES_AND_DOCUMENTS,
    also: Collection[str] = (),
) -> "Stable":
    """Show media where it first appeared, in every request, until the budget is used up.

    Then the oldest media is retired until half of the budget is free. Retired media stays a line of
    text until a later message shows it again as a content part. `hydrate` returns the frontier that
    remembers what was retired.

    Args:
        tokens: how much all of them may cost together, by `estimate_tokens`; None for no limit.
        media: how many are shown; never more than the provider accepts.
        length: how many characters of base64; never more than the provider accepts.
        kinds: what is shown.
        also: ids of more media to show, of any kind: for a tool ``view_media(id)``. Media that is
            retired or occurs in no message follows the last message, in this request only.
    """
    return Stable(
        budget=Budget(tokens=tokens, media=media, length=length),
        kinds=frozenset(kinds),
        asked=_normalized(also),
    )


def never() -> HydrationPolicy:
    """Show nothing: every reference becomes its line."""
    return _Never()


def latest(count: int = 1, *, kinds: Collection[Kind] = PICTURES_AND_DOCUMENTS) -> HydrationPolicy:
    """Show the `count` media of these kinds that occur last.

    Args:
        count: how many of them.
        kinds: which kinds of media count.
    """
    return _Latest(count, frozenset(kinds))


def requested(ids: Collection[str]) -> HydrationPolicy:
    """Show media of any kind by its id: for a tool ``view_media(id)``.

    Media that occurs in no message follows the last one, if the owner may read it.

    Args:
        ids: ids of references.
    """
    return _Requested(_normalized(ids))


def within(*, tokens: int, kinds: Collection[Kind] = PICTURES_AND_DOCUMENTS) -> HydrationPolicy:
    """Show the newest media of these kinds that fits into the budget.

    Documents and audio are left out, because their costs are unknown.

    Args:
        tokens: what all of them may cost together, by `estimate_tokens`.
        kinds: what is shown.
    """
    return _Within(tokens, frozenset(kinds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stable:
    """The policy that `stable` returns; `hydrate` keeps its budget and frontier.

    Attributes:
        budget: how much the shown media may take together.
        kinds: what is shown.
        asked: ids of more media to show.
    """

    budget: Budget
    kinds: frozenset[Kind]
    asked: Sequence[str] = ()

    def choose(self, occurrences: Sequence[Occurrence]) -> Collection[str]:
        """Return all media of the kinds, and the media asked for.

        Args:
            occurrences: all that the provider takes, each medium once, the oldest first.
        """
        return [
            found.reference.id
            for found in occurrences
            if _is_of(self.kinds, found) or found.reference.id in self.asked
        ]


@dataclass(frozen=True, slots=True)
class _Unasked:
    """A policy that depends on the messages only."""

    @property
    def asked(self) -> Sequence[str]:
        return ()


@dataclass(frozen=True, slots=True)
class _Never(_Unasked):
    def choose(self, occurrences: Sequence[Occurrence]) -> Collection[str]:  # noqa: ARG002 - as the protocol has it
        return ()


@dataclass(frozen=True, slots=True)
class _Latest(_Unasked):
    count: int
    kinds: frozenset[Kind]

    def choose(self, occurrences: Sequence[Occurrence]) -> Collection[str]:
        ids = [found.reference.id for found in occurrences if _is_of(self.kinds, found)]
        return ids[max(0, len(ids) - self.count) :]


@dataclass(frozen=True, slots=True)
class _Requested:
    ids: tuple[str, ...]

    @property
    def asked(self) -> Sequence[str]:
        return self.ids

    def choose(self, occurrences: Sequence[Occurrence]) -> Collection[str]:  # noqa: ARG002 - as the protocol has it
        return self.ids


@dataclass(frozen=True, slots=True)
class _Within(_Unasked):
    tokens: int
    kinds: frozenset[Kind]

    def choose(self, occurrences: Sequence[Occurrence]) -> Collection[str]:
        chosen, left = [], self.tokens
        for found in reversed(occurrences):
            if found.tokens is None or not _is_of(self.kinds, found):
                continue
            left -= found.tokens
            if left < 0:
                break
            chosen.append(found.reference.id)
        return chosen


def _normalized(ids: Collection[str]) -> tuple[str, ...]:
    return tuple(normalize_reference_id(each) or each for each in ids)


def _is_of(kinds: frozenset[Kind], found: Occurrence) -> bool:
    return kind_of(found.reference.mime_type) in kinds
