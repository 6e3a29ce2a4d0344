"""Results of tools that make pictures: one form for the model, one for the page."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from coatcheck.payload import result_line, result_urls
from coatcheck.reference import MediaReference, MediaUrls, clean_text

Mode = Literal["generate", "edit"]

_SHOWN_PROMPT_WEIGHT: Final = 120  # the reference's own text holds more of it
_SLUG: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageResult:
    """A picture that a tool made.

    Attributes:
        reference: the picture.
        prompt: what was asked for.
        model: who made it.
        message: one sentence on what happened.
        mode: whether it was made from nothing or from another picture.
        timestamp: when it was done.
    """

    reference: MediaReference
    prompt: str
    model: str
    message: str
    mode: Mode = "generate"
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))

    def to_ui(self, urls: MediaUrls) -> dict[str, Any]:
        """The tool's result as the user's side gets it (``spec/wire.md``).

        Args:
            urls: mints the URLs.
        """
        return {
            "success": True,
            "data": {
                "imageReference": self.reference.to_ui(urls),
                **result_urls(self.reference, urls),
                "prompt": clean_text(self.prompt, _SHOWN_PROMPT_WEIGHT),
                "model": self.model,
                "mode": self.mode,
                "size": f"{self.reference.width}x{self.reference.height}",
                "message": self.message,
                "timestamp": self.timestamp.isoformat(timespec="seconds"),
            },
        }

    def to_model(self) -> str:
        """The tool's result as the model gets it: text of one line, no URL, no bytes."""
        return result_line(self.message, self.reference)


def slug(text: str) -> str:
    """A file name without its ending, made of the words of `text`."""
    words = re.findall(r"\w+", text.lower())
    return "-".join(words)[:_SLUG].strip("-") or "picture"
