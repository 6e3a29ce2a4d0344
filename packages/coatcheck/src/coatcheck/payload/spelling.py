"""How media was written where a reference stands for it now, so that it comes back the same. Pure.

Base64 in the standard alphabet with its padding needs no word, and neither does a data: URI that
says the media's own type. Anything else is said where the reference stands: in its member
``spelling``, or after a ``#`` at the end of a link, which no server sees and no cache goes by.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pybase64

from coatcheck.payload.scanning.blocks import Blocks
from coatcheck.payload.scanning.documents import HeldText
from coatcheck.payload.shapes.codec import Original, Replacement

SPELLING_MEMBER: Final = "spelling"
"""The member of a reference that says it."""

BASE64: Final = "base64"
"""Said of a link that stands for base64 without a data: URI."""

BASE64URL: Final = "base64url"
"""In the URL-safe alphabet, padded."""

BYTES: Final = "bytes"
"""The bytes themselves."""

INEXACT: Final = "inexact"
"""In a way that nothing here writes: in lines, without padding, under the name of another type."""

SPELLINGS: Final = frozenset({BASE64, BASE64URL, BYTES, INEXACT})

_QUARTET: Final = 4
_NEVER: Final = "\0"


def spelling_of(text: str, start: int, end: int, media: Blocks) -> str:
    """How base64 in a text is written that stands for `media`."""
    padding = -media.size % 3
    is_padded = end - start == (media.size + padding) // 3 * _QUARTET
    if not is_padded or text[end - padding : end] != "=" * padding:
        return INEXACT
    is_url_safe = text.find("-", start, end) >= 0 or text.find("_", start, end) >= 0
    tail = media.read(max(media.size - (3 - padding), 0), 3)
    # The last character may have bits that stand for nothing.
    encode = pybase64.urlsafe_b64encode if is_url_safe else pybase64.b64encode
    if tail and encode(tail).decode() != text[end - _QUARTET : end]:
        return INEXACT
    return BASE64URL if is_url_safe else BASE64


def uri_spelling_of(text: str, start: int, end: int, media: Blocks, media_type: str) -> str | None:
    """How a data: URI in a text is written; None where it is as `Original.data_uri` writes it."""
    header = f"data:{media_type};base64,"
    is_plain = text.startswith(header, start)
    is_same = is_plain and spelling_of(text, start + len(header), end, media) == BASE64
    return None if is_same else INEXACT


def spelled(replacement: Replacement, spelling: str | None) -> Replacement:
    """The same with a word on how the media was written; None for the usual way."""
    if spelling is None:
        return replacement
    return replace(
        replacement,
        link=f"{replacement.link}#{spelling}",
        body={**replacement.body, SPELLING_MEMBER: spelling},
    )


def said_of(reference: Mapping[str, Any]) -> str | None:
    """The spelling that a reference records; None if it records none."""
    spelling = reference.get(SPELLING_MEMBER)
    return spelling if isinstance(spelling, str) and spelling in SPELLINGS else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread(Original):
    """Stands for media that is on its way out, to see whether a shape would bring it back the same.

    Attributes:
        media: as the shape found it.
        spelling: how it is written; None for a data: URI as `Original.data_uri` writes one.
    """

    media: str | bytes
    spelling: str | None

    @property
    def base64(self) -> Any:
        """See `Original.base64`."""
        return self.media if self.spelling == BASE64 else _NEVER

    @property
    def base64url(self) -> Any:
        """See `Original.base64url`."""
        if self.spelling == BASE64 and isinstance(self.media, str):
            text = self.media.full() if isinstance(self.media, HeldText) else self.media
            return _NEVER if "+" in text or "/" in text else self.media
        return self.media if self.spelling == BASE64URL else _NEVER

    @property
    def data_uri(self) -> Any:
        """See `Original.data_uri`."""
        return self.media if self.spelling is None else _NEVER
