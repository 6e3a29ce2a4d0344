"""The interface of message forms, and providers: a form with a vendor's limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from coatcheck.payload.hydration.limits import Inline, MediaLimits
from coatcheck.payload.hydration.places import Visitor

_MARKS: Final = ("cache_control", "prompt_cache_breakpoint")


class MessageForm(Protocol):
    """A form of messages: where references occur in them, and how media is shown.

    Messages are dictionaries. Other objects among them stay as they are, such as an SDK's answers.
    Derive a form of your own from this class.
    """

    def rewrite(self, message: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
        """Return a message in which `visitor` has replaced references.

        Without references, return the same object.

        Args:
            message: a message in this form.
            visitor: called for each reference.
        """
        ...

    def after(self, messages: Sequence[Any], index: int) -> int:
        """Return the first index after `index` where a user message may be inserted.

        Messages that follow later in the conversation must not change this index, or the request
        would begin with other bytes than the previous one.

        Args:
            messages: the conversation in this form.
            index: where to start.
        """
        ...

    def show(self, media: Sequence[Inline]) -> dict[str, Any]:
        """Return a user message that shows media, each after its line.

        Args:
            media: the media to show.
        """
        ...

    def finish(self, messages: list[Any]) -> list[Any]:
        """Return the completed messages, for forms with rules about their order.

        Args:
            messages: the messages of one request.
        """
        return messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A form of messages and the limits of the vendor whose model reads them.

    A gateway that accepts Chat Completions for Claude has the form of one vendor and the limits of
    another.

    Attributes:
        form: the form of the messages.
        limits: what the vendor accepts, and how it counts it.
    """

    form: MessageForm
    limits: MediaLimits


def member(item: Any, name: str) -> Any:
    """Return a member of a dictionary or of an SDK object; None if it is missing."""
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)


def marks(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a content part's marks for prompt caches, which stay when its media changes."""
    return {name: part[name] for name in _MARKS if name in part}
