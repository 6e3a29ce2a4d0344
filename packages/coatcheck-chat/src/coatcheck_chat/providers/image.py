"""The interface of image providers."""

import math
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Protocol

from coatcheck.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceImage:
    """A picture that an edit begins with: encoded bytes and their type, such as ``image/png``.

    Attributes:
        data: the encoded bytes.
        media_type: its type, for example ``image/png``.
    """

    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """A request for a picture, or for a change of existing ones.

    Attributes:
        prompt: what to draw, or how to change the sources.
        width: pixels. A provider draws the size that comes nearest (`Capabilities.nearest`).
        height: pixels.
        seed: the same request with the same seed gives the same picture, where the provider knows
            seeds.
        sources: what an edit begins with, the most important one first.
        previews: how many drafts are wanted before the picture. There may be fewer.
    """

    prompt: str
    width: int
    height: int
    seed: int
    sources: tuple[SourceImage, ...] = ()
    previews: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An encoded picture; the one with progress 1.0 is the finished one and the last.

    `model` says who drew it, where that need not be the provider that was asked.

    Attributes:
        data: the picture, encoded.
        progress: how far it is, 0 to 1.
        model: who drew it; None for the provider that was asked.
        missing: things in the prompt that the provider says it cannot draw.
    """

    data: bytes
    progress: float
    model: str | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The capabilities of a provider.

    Attributes:
        edits: whether it can begin with a picture.
        previews: drafts before the picture, at most.
        sizes: width and height in pixels of what it draws; empty if it draws any size.
    """

    edits: bool = False
    previews: int = 0
    sizes: tuple[tuple[int, int], ...] = ()

    def nearest(self, width: int, height: int) -> tuple[int, int]:
        """The size that comes nearest to this one: in shape first, then in area.

        Args:
            width: what was asked for, in pixels.
            height: likewise.
        """

        def distance(size: tuple[int, int]) -> tuple[float, float]:
            across, down = math.log(size[0] / width), math.log(size[1] / height)
            return abs(across - down), abs(across + down)

        return min(self.sizes, key=distance, default=(width, height))


class ImageProvider(Protocol):
    """Turns prompts into pictures.

    The caller closes what it iterates (`contextlib.aclosing`): that ends the call.
    """

    @property
    def model(self) -> str:
        """The name of the maker in references and results."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities of this provider."""
        ...

    def generate(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """Drafts of rising progress, then the picture.

        Args:
            request: what is to be drawn.

        Raises:
            ModerationError: the prompt is refused for what it says.
            ProviderUnavailableError: there is no picture now; there may be later.
            GenerationError: there will be no picture. Its message may be shown to the user, like
                those of the others.
            OverloadedError: too many pictures are waiting already.
        """
        ...

    def edit(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """Drafts of rising progress, then a picture that was made of `request.sources`.

        Args:
            request: how the sources are to be changed.

        Raises:
            InvalidInputError: there is no source, or this provider cannot edit.
            CoatcheckError: what `generate` raises.
        """
        ...


class WrappingProvider(ABC):
    """A provider that does something around each picture of another one.

    Args:
        inner: the other one.
    """

    def __init__(self, inner: ImageProvider) -> None:
        self._inner = inner

    @property
    def model(self) -> str:
        """The inner provider's."""
        return self._inner.model

    @property
    def capabilities(self) -> Capabilities:
        """The inner provider's."""
        return self._inner.capabilities

    def generate(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """Pass the inner provider's pictures through `around`; see `ImageProvider.generate`."""
        return self.around(lambda: self._inner.generate(request))

    def edit(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """Pass the inner provider's pictures through `around`; see `ImageProvider.edit`."""
        return self.around(lambda: self._inner.edit(request))

    @abstractmethod
    def around(self, ask: Callable[[], AsyncGenerator[Draft]]) -> AsyncGenerator[Draft]:
        """The drafts of one picture.

        Args:
            ask: asks the inner provider for it, anew each time; close what it returns.
        """
        ...


def sources_of(request: ImageRequest) -> tuple[SourceImage, ...]:
    """The sources of an edit.

    Args:
        request: of an edit.

    Raises:
        InvalidInputError: there are none.
    """
    if not request.sources:
        raise InvalidInputError("An edit needs a picture to begin with.")
    return request.sources
