"""What `hydrate` asks of a message format, and a format with a vendor's limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from coatcheck.payload.hydration.limits import Inline, MediaLimits
from coatcheck.payload.hydration.places import Visitor

_MARKS: Final = ("cache_control", "prompt_cache_breakpoint")


class MessageForm(Protocol):
    """The form of messages: where references stand in them, and how media is shown.

    Messages are dictionaries. What else stands among them is left as it is, such as objects of the
    SDK that the model answered with. A form of your own derives from this class.
    """

    def rewrite(self, message: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
        """The message with what `visitor` puts in the places of references.

        It is the very same object where there are none.

        Args:
            message: a message in this form.
            visitor: is asked at each reference.
        """
        ...

    def after(self, messages: Sequence[Any], index: int) -> int:
        """The first index after `index` where a user message may be inserted.

        What comes after that index later, as a conversation goes on, must not change it: the
        request would begin with other bytes than the one before.

        Args:
            messages: the conversation in this form.
            index: where to begin.
        """
        ...

    def show(self, media: Sequence[Inline]) -> dict[str, Any]:
        """A user message that shows media, each after its line.

        Args:
            media: what is shown.
        """
        ...

    def finish(self, messages: list[Any]) -> list[Any]:
        """The messages once all of them are put together, for forms with rules about their order.

        Args:
            messages: those of one request.
        """
        return messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Whom messages are put together for.

    The form is that of the messages, the limits are those of the vendor whose model reads them. A
    gateway that speaks Chat Completions to Claude has the form of one and the limits of the other.

    Attributes:
        form: the form of the messages.
        limits: what the vendor takes, and how it counts it.
    """

    form: MessageForm
    limits: MediaLimits


def member(item: Any, name: str) -> Any:
    """A member of a dictionary or of an object of the SDK; None where it has none."""
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)


def marks(part: Mapping[str, Any]) -> dict[str, Any]:
    """The marks for prompt caches on a content part: they stay, whatever becomes of its media."""
    return {name: part[name] for name in _MARKS if name in part}
