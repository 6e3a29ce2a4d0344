"""The frames that are sent for one picture. Pure."""

import base64
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final, Literal

import msgspec

from coatcheck.reference import MediaReference, MediaUrls

Side = Literal["legacy", "references"]
"""The picture itself as base64, or a reference to it."""

Way = Literal["frame", "growing", "tokens"]
"""How a message arrives: `frame`, all in one; `growing`, its text sent whole on every chunk, as
Gradio and Open WebUI do; `tokens`, deltas that the page appends and renders as Markdown."""

_DELTA_CHARACTERS: Final = 8192
"""Base64 in one delta. A model's tokens are shorter; agents pass on what a pipe gives at once."""

_PROSE: Final = (
    "Here is the picture that you asked for. ",
    "The light comes from the **left**, ",
    "the horizon lies a little below the middle, ",
    "and the colours are kept *quiet*. ",
    "Shall I try it:\n\n",
    "- at dusk,\n",
    "- in winter, or\n",
    "- from further away?\n",
)


def frames(
    picture: MediaReference, content: bytes, *, number: int, side: Side, way: Way
) -> Iterator[str]:
    """The frames of one message with a picture, as JSON text.

    Each has the message's `id`. ``output`` carries a tool's result, ``text`` a message's text so
    far, ``delta`` what is added to it.

    Args:
        picture: what `references` sends.
        content: the original bytes, which `legacy` sends.
        number: the message's place in the conversation.
        side: what stands for the picture.
        way: how the message arrives.
    """
    identifier = str(number)

    def frame(kind: str, **members: Any) -> str:
        return msgspec.json.encode({"type": kind, "id": identifier, **members}).decode()

    prose: tuple[str, ...] = _PROSE
    if side == "references":
        yield frame("output", output=picture.to_ui(MediaUrls()))
    else:
        address = f"data:{picture.mime_type};base64,{base64.b64encode(content).decode()}"
        if way == "frame":
            yield frame("output", output={"success": True, "imageData": address})
        else:
            prose = (*_pieces(f"![picture]({address})\n\n", way), *_PROSE)
    if way == "growing":
        yield from (frame("text", text=text) for text in accumulate(prose))
    elif way == "tokens":
        yield from (frame("delta", delta=piece) for piece in prose)


def _pieces(markdown: str, way: Way) -> Iterator[str]:
    """A growing text has the picture at once: a tool gave it. Tokens bring it bit by bit."""
    step = len(markdown) if way == "growing" else _DELTA_CHARACTERS
    for start in range(0, len(markdown), step):
        yield markdown[start : start + step]
