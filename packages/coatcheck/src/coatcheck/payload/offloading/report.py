"""What offloading did. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Generic, NamedTuple, Self, TypeVar

from coatcheck.reference import MediaReference

T = TypeVar("T")

MAX_PLACES: Final = 20
"""Places that a report names for each reason."""

_NOWHERE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
_NONE: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class OffloadReport:
    """What offloading found and did.

    Attributes:
        found: inline media met, every copy counted.
        offloaded: those of them that a reference stands for now.
        references: the references, each once, in the order in which they were made.
        bytes_before: characters of base64, and bytes of binary values, that were replaced. Where
            nothing is replaced but only measured: that would be.
        bytes_after: characters of what stands in their place, or would stand there about.
        left: why media stayed inline, and how many times: the code of an error, such as
            ``unprocessable_media``, or ``unknown_shape`` (base64 that no shape claims),
            ``too_deep``, ``too_many_values``, ``cycle``, ``text_too_large``.
        places: by the same reasons, where it stands: the first `MAX_PLACES` of each, as JSON
            Pointers (RFC 6901) that go on inside of a string that holds JSON. A name of more than
            100 characters is cut. Empty for the payload itself.
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
    """A payload with references in the place of inline media, and what was done.

    `payload` is the very object that was handed in where there was nothing to replace.
    """

    payload: T
    report: OffloadReport
