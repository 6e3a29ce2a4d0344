"""What an image provider is."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """What to draw. Edges in pixels; the same request with the same seed gives the same picture."""

    prompt: str
    width: int
    height: int
    seed: int
    previews: int = 0
    """How many drafts are wanted before the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An encoded picture; the one with progress 1.0 is the finished one and the last."""

    data: bytes
    progress: float


class ImageProvider(Protocol):
    """Turns prompts into pictures."""

    @property
    def model(self) -> str:
        """What references and results name as the maker."""
        ...

    def generate(self, request: ImageRequest) -> AsyncIterator[Draft]:
        """Drafts of rising progress, then the picture.

        Raises:
            GenerationError: there will be no picture; the message may be shown to the user.
            OverloadedError: too many pictures are waiting already.
        """
        ...
