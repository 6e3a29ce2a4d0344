"""Media in a text that arrives in pieces: held back until it is whole. Pure.

A model that writes a data: URI sends it in thousands of deltas. None of them looks like media, and
all of them together freeze a page. So a piece that may be the beginning of media is held back, and
what follows it, until the media ends. Any other text passes at once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_HELD: Final = 96 * 1024 * 1024
"""Characters that are held back at most; a longer piece passes as it is."""

_SETTLED: Final = 512  # from this length on, what is held is known to be a beginning
_HEADER_BEGUN: Final = r"(?i:data):[^,\s\"'()<>]{0,250}"
# Base64 of the first bytes of media that is known by them (`coatcheck.mediatype`).
_MAGIC: Final = (
    *("iVBORw0KGgo", "/9j/", "_9j_", "R0lGOD", "UklGR", "JVBERi0", "UEsDB", "SUQz"),
    *("T2dnUw", "ZkxhQ", "GkXfo", "AAAA", "PHN2Zy"),
)
_BODY: Final = re.compile(r"[A-Za-z0-9+/_=\r\n-]*+")
_MEDIA: Final = re.compile(
    rf"(?:{_HEADER_BEGUN};(?i:base64),\s*|(?<![A-Za-z0-9+/_-])(?={'|'.join(_MAGIC)})){_BODY.pattern}"
)


def _begun(words: tuple[str, ...]) -> str:
    """A pattern for what one of `words` may begin with."""
    return "|".join(
        re.escape(word[:length]) for word in words for length in range(len(word) - 1, 0, -1)
    )


# At the end of what has come so far: perhaps a beginning, of which too little is known.
_PERHAPS: Final = re.compile(
    rf"(?:(?i:{_begun(('data:',))})|{_HEADER_BEGUN},?|(?<![A-Za-z0-9+/_-])(?:{_begun(_MAGIC)}))$"
)


@dataclass(frozen=True, slots=True)
class Held:
    """A piece that was held back and is whole now: it may be media."""

    text: str


class TextHold:
    """One text that arrives in pieces."""

    def __init__(self) -> None:
        self._held: list[str] = []
        self._length = 0

    def feed(self, text: str) -> Iterator[str | Held]:
        """What may pass now that `text` has come, in order."""
        while text:
            if self._length < _SETTLED:
                text = self._take() + text
                media = _MEDIA.search(text)
                perhaps = media or _PERHAPS.search(text)
                begin = perhaps.start() if perhaps else len(text)
                if begin:
                    yield text[:begin]
                end = media.end() if media else len(text)
            else:
                body = _BODY.match(text)
                begin, end = 0, body.end() if body else 0
            self._held.append(text[begin:end])
            self._length += end - begin
            if end < len(text) or self._length > MAX_HELD:
                yield from self.flush()
            text = text[end:]

    def flush(self) -> Iterator[str | Held]:
        """What is held back, when the text has ended."""
        if self._length > MAX_HELD:
            yield self._take()
        elif self._length:
            yield Held(self._take())

    def _take(self) -> str:
        text = "".join(self._held)
        self._held, self._length = [], 0
        return text
