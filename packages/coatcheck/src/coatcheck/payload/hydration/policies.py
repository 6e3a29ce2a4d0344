"""Which media a model gets to see: small pure functions of what occurs in its messages."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from coatcheck.payload.hydration.frontier import Budget
from coatcheck.payload.hydration.limits import Kind, kind_of
from coatcheck.reference import MediaReference, normalize_reference_id

PICTURES_AND_DOCUMENTS: Final[frozenset[Kind]] = frozenset({"image", "document"})
"""What is shown unasked. Audio is not: a model that cannot hear refuses the whole request."""


PICTURE_TOKENS: Final = 32_000
"""What `stable` lets pictures cost together: a quarter of a context window of 128,000 tokens, which
is the smallest of the models that see (GPT-4o; Claude has 200,000, Gemini a million)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One medium that a request may show.

    Attributes:
        reference: as the catalog has it.
        message: index of the message in which it would be shown, or how many messages there are
            where it occurs in none of them.
        tokens: estimate of what showing it costs; None where that is not known, as for documents.
    """

    reference: MediaReference
    message: int
    tokens: int | None


class HydrationPolicy(Protocol):
    """Decides which media are shown, anew for each request. An application may have its own."""

    @property
    def asked(self) -> Sequence[str]:
        """Ids that are offered to `choose` even where they occur in no message."""
        ...

    def choose(self, occurrences: Sequence[Occurrence]) -> Collection[str]:
        """The ids of those that are shown; any others are passed over.

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
    """Show media of these kinds where it came up, in every request, until room for it runs out.

    Then the oldest are retired, until half of the budget is left. What was retired stays its line,
    until a later message shows it again as a part of its own. `hydrate` returns the frontier that
    remembers it.

    Args:
        tokens: what all of them may cost together, by `estimate_tokens`; None for no limit.
        media: how many; never more than the provider takes.
        length: characters of base64; never more than the provider takes.
        kinds: what is shown.
        also: ids of what is shown besides, of any kind: for a tool ``view_media(id)``. What is
            retired or occurs in no message follows after the last one, in this request alone.
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
    """Show what is asked for by id, of any kind: for a tool ``view_media(id)``.

    What occurs in no message follows after the last one, if the owner may have it.

    Args:
        ids: ids of references.
    """
    return _Requested(_normalized(ids))


def within(*, tokens: int, kinds: Collection[Kind] = PICTURES_AND_DOCUMENTS) -> HydrationPolicy:
    """Show media of these kinds, the newest first, until the next one would cost too much.

    What it costs must be known: documents and audio are passed over.

    Args:
        tokens: what all of them may cost together, by `estimate_tokens`.
        kinds: what is shown.
    """
    return _Within(tokens, frozenset(kinds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stable:
    """What `stable` makes: `hydrate` keeps to its budget, and to the frontier.

    Attributes:
        budget: what the shown media may take together.
        kinds: what is shown.
        asked: ids of what is shown besides.
    """

    budget: Budget
    kinds: frozenset[Kind]
    asked: Sequence[str] = ()

    def choose(self, occurrences: Sequence[Occurrence]) -> Collection[str]:
        """All of the kinds, and what is asked for.

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
    """What goes by the messages alone."""

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
