"""Lines of media in what a model is given (``spec/wire.md``, section 1.3). Pure."""

import re
from dataclasses import dataclass
from typing import Final

_ID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_SHORT: Final = 80
_LINE: Final = re.compile(
    rf"\[(?P<kind>image|audio|video|file) (?P<id>{_ID})(?: \"(?P<caption>[^\"]*)\")?"
    r"(?: (?P<size>\d+×\d+))? (?P<type>[a-z0-9.+-]+)\]"
)


@dataclass(frozen=True, slots=True)
class MediaLine:
    """The media that a line of text describes; a missing caption or size is None."""

    kind: str
    id: str
    caption: str | None
    size: str | None
    type: str


def lines_in(text: str) -> list[MediaLine]:
    """The media that a text names, in order."""
    return [MediaLine(**match.groupdict()) for match in _LINE.finditer(text)]


def pictures_in(text: str) -> list[str]:
    """The ids of the pictures that a text names, in order."""
    return [line.id for line in lines_in(text) if line.kind == "image"]


def without_lines(text: str) -> str:
    """A user's text without the lines for attachments."""
    return _LINE.sub(" ", text)


def shortened(text: str) -> str:
    """The first words of a caption or a message, at most 80 characters."""
    if len(text) <= _SHORT:
        return text
    return f"{text[:_SHORT].rsplit(' ', 1)[0].rstrip(' ,;.')}…"
