"""What `hydrate` asks of a provider's message format."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from coatcheck.payload.hydration.limits import Inline, MediaLimits
from coatcheck.payload.hydration.places import Visitor

_MARKS: Final = ("cache_control", "prompt_cache_breakpoint")


class Provider(Protocol):
    """One provider's message format and limits.

    Messages are dictionaries. What else stands among them is left as it is, such as objects of the
    SDK that the model answered with.
    """

    @property
    def limits(self) -> MediaLimits:
        """What media it takes."""
        ...

    def estimate_tokens(self, width: int, height: int) -> int:
        """What a picture of this size in pixels costs.

        Args:
            width: edge in pixels.
            height: edge in pixels.
        """
        ...

    def rewrite(self, message: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
        """The message with what `visitor` puts in the places of references.

        It is the very same object where there are none.

        Args:
            message: a message in the provider's format.
            visitor: is asked at each reference.
        """
        ...

    def after(self, messages: Sequence[Any], index: int) -> int:
        """The first index after `index` where a user message may be inserted.

        Args:
            messages: the conversation in the provider's format.
            index: where to begin.
        """
        ...

    def show(self, media: Sequence[tuple[str, Inline]]) -> dict[str, Any]:
        """A user message that shows media, each after its line.

        Args:
            media: pairs of a line of text and what it tells of.
        """
        ...


def member(item: Any, name: str) -> Any:
    """A member of a dictionary or of an object of the SDK; None where it has none."""
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)


def marks(part: Mapping[str, Any]) -> dict[str, Any]:
    """The marks for prompt caches on a content part: they stay, whatever becomes of its media."""
    return {name: part[name] for name in _MARKS if name in part}
