"""Which media a model gets to see: small pure functions of what occurs in its messages."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from coatcheck.payload.hydration.limits import Kind, kind_of
from coatcheck.reference import MediaReference, normalize_reference_id

PICTURES_AND_DOCUMENTS: Final[frozenset[Kind]] = frozenset({"image", "document"})
"""What is shown unasked. Audio is not: a model that cannot hear refuses the whole request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One medium that a request may show, where it occurs last.

    Attributes:
        reference: as the catalog has it.
        message: index of the message that it occurs in, or how many messages there are where it
            occurs in none of them.
        tokens: estimate of what showing it costs; None where that is not known, as for documents.
    """

    reference: MediaReference
    message: int
    tokens: int | None


class HydrationPolicy(Protocol):
    """Decides which media are shown. An application's own is as good as those below."""

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
    return _Requested(tuple(normalize_reference_id(each) or each for each in ids))


def within(*, tokens: int, kinds: Collection[Kind] = PICTURES_AND_DOCUMENTS) -> HydrationPolicy:
    """Show media of these kinds, the newest first, until the next one would cost too much.

    What it costs must be known: documents and audio are passed over.

    Args:
        tokens: what all of them may cost together, by `estimate_tokens`.
        kinds: what is shown.
    """
    return _Within(tokens, frozenset(kinds))


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


def _is_of(kinds: frozenset[Kind], found: Occurrence) -> bool:
    return kind_of(found.reference.mime_type) in kinds
