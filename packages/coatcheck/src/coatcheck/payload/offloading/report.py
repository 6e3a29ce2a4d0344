"""Reports of offloading. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Generic, NamedTuple, Self, TypeVar

from coatcheck.reference import MediaReference

T = TypeVar("T")

MAX_PLACES: Final = 20
"""Most places that a report lists for each reason."""

_NOWHERE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
_NONE: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class OffloadReport:
    """A report on what offloading found and replaced.

    Attributes:
        found: how many inline media there were, including copies.
        offloaded: how many of them a reference replaced.
        references: the references, each once, in the order of their creation.
        bytes_before: characters of base64, and bytes of binary values, that were replaced, or, if
            only measured, would be replaced.
        bytes_after: characters of the replacements; an estimate if only measured.
        left: how often media stayed inline, by reason: the code of an error, such as
            ``unprocessable_media``, or ``unknown_shape`` (base64 that matches no shape),
            ``too_deep``, ``too_many_values``, ``cycle``, ``text_too_large``.
        places: the first `MAX_PLACES` places for each of these reasons, as JSON Pointers (RFC 6901)
            that continue inside a string that contains JSON. A name of more than 100 characters is
            cut. Empty for the payload itself.
    """

    found: int = 0
    offloaded: int = 0
    references: tuple[MediaReference, ...] = ()
    bytes_before: int = 0
    bytes_after: int = 0
    left: Mapping[str, int] = field(default_factory=lambda: _NONE)
    places: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NOWHERE)

    def __add__(self, other: Self) -> "OffloadReport":
        return OffloadReport(
            found=self.found + other.found,
            offloaded=self.offloaded + other.offloaded,
            references=self.references + other.references,
            bytes_before=self.bytes_before + other.bytes_before,
            bytes_after=self.bytes_after + other.bytes_after,
            left=MappingProxyType(Counter(self.left) + Counter(other.left)),
            places=MappingProxyType(
                {
                    reason: (self.places.get(reason, ()) + other.places.get(reason, ()))[
                        :MAX_PLACES
                    ]
                    for reason in {**self.places, **other.places}
                }
            ),
        )


class Offloaded(NamedTuple, Generic[T]):
    """A payload with references instead of inline media, and a report.

    `payload` is the given object if there was nothing to replace.
    """

    payload: T
    report: OffloadReport
