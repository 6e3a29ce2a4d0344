"""Media in a text that arrives in pieces: held back until it is whole. Pure.

A model that writes a data: URI sends it in thousands of deltas. None of them looks like media, and
all of them together freeze a page. So a piece that may be the beginning of media is held back, and
what follows it, until the media ends. Any other text passes at once.

The text may be JSON, or a string inside of JSON: line breaks, slashes and signs of base64 are read
as they are and as JSON escapes them, once or more.
"""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import pybase64
from pybase64 import b64decode

from coatcheck.payload.scanning.base64text import BLOCK, Steps, decode_end

MAX_HELD: Final = 96 * 1024 * 1024
"""Characters that are held back at most; a longer piece passes as it is."""

MAX_UNDECIDED: Final = 64
"""Characters that are held back at most before they are known to be media.

A data: URI whose header names a type of media may have a longer header.
"""

_SETTLED: Final = 512  # from this length on, what is held is known to be a beginning
_LONGEST_HEADER: Final = 250
_REGISTERED: Final = r"(?:image|audio|video|application|text|font|model)\\*/"
_HEADER_CHARACTER: Final = r"[^,\s\"'()<>]"
_HEADER_BEGUN: Final = (
    rf"(?i:data):(?:(?i:{_REGISTERED}){_HEADER_CHARACTER}{{0,{_LONGEST_HEADER}}}"
    rf"|{_HEADER_CHARACTER}{{0,{MAX_UNDECIDED - 6}}})"
)
# Base64 of the first bytes of media that is known by them (`coatcheck.mediatype`).
MAGIC: Final = (
    *("iVBORw0KGgo", "/9j/", "_9j_", "R0lGOD", "UklGR", "JVBERi0", "UEsDB", "SUQz"),
    *("T2dnUw", "ZkxhQ", "GkXfo", "AAAA", "PHN2Zy"),
)
# Escapes in JSON of "/", line breaks and what base64 has beside letters and digits.
_ESCAPE: Final = r"\\++(?:[/rn]|u00(?:2[bBdDfF]|3[dD]|5[fF]|0[aAdD]))"
_ESCAPE_BEGUN: Final = r"\\++(?:u(?:0(?:0[0235]?)?)?)?\Z|%3?\Z"
_BODY: Final = re.compile(rf"(?>[A-Za-z0-9+/_=\r\n-]+|{_ESCAPE}|%3[dD])*+(?:{_ESCAPE_BEGUN})?")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]*+")
_LETTERS: Final = re.compile(rb"[A-Za-z0-9+/_-]*+")
_PADDING: Final = ord("=")
_STANDARD: Final = (string.ascii_letters + string.digits + "+/").encode()
_FEW: Final = 256
# After media, before another one: a line break, or the padding of the first.
_NEXT_URI: Final = re.compile(r"(?:[\r\n=]|\\[rn]|%3[dD]|u003[dD])((?i:data))\Z")
_LONGEST_BREAK: Final = 9
_TAIL: Final = 16
_LONG: Final = 4096  # of what is longer, only pictures are known not to be whole
_PICTURES: Final = (",iVBOR", ",/9j/", ",R0lGOD", ",UklGR")
_URL_SAFE: Final = str.maketrans("-_", "+/")
_NOT_INSIDE: Final = r"(?<![A-Za-z0-9+/_-])"
_URI: Final = rf"{_HEADER_BEGUN};(?i:base64),\s*"
_BARE: Final = rf"{_NOT_INSIDE}(?<!base64,)(?={'|'.join(MAGIC)})"


def _begun(words: tuple[str, ...]) -> str:
    """A pattern for what one of `words` may begin with."""
    return "|".join(
        re.escape(word[:length]) for word in words for length in range(len(word) - 1, 0, -1)
    )


@dataclass(frozen=True, slots=True)
class _Patterns:
    """What is looked for.

    Attributes:
        media: media that has begun for certain, up to where it ends.
        perhaps: at the end of what has come so far, a beginning of which too little is known.
    """

    media: re.Pattern[str]
    perhaps: re.Pattern[str]


# A letter right before it makes it another word, but for that of an escape.
_DATA_BEGUN: Final = (
    rf"(?:(?<![A-Za-z0-9_])|(?<=\\[nrt]))(?i:{_begun(('data:',))})|{_HEADER_BEGUN},?"
)
_URIS: Final = _Patterns(re.compile(rf"{_URI}{_BODY.pattern}"), re.compile(rf"(?:{_DATA_BEGUN})\Z"))
_URIS_AND_BARE: Final = _Patterns(
    re.compile(rf"(?:{_URI}|{_BARE}){_BODY.pattern}"),
    re.compile(rf"(?:{_DATA_BEGUN}|{_NOT_INSIDE}(?:{_begun(MAGIC)}))\Z"),
)


def _spelled(words: tuple[str, ...], end: str) -> str:
    """A pattern for one of `words`, or for what one begins with and `end` after it.

    It has no two branches with the same first character, so that little is tried in vain.
    """
    branches = []
    for first in dict.fromkeys(word[0] for word in words):
        rest = tuple(word[1:] for word in words if word[0] == first)
        following = "" if "" in rest else f"(?:{end}|{_spelled(rest, end)})"
        branches.append(first + following)
    return "|".join(branches)


# What may be the beginning of media, in bytes of JSON.
_LONGEST_TAIL: Final = _LONGEST_HEADER + MAX_UNDECIDED


def _begins(end: str, *, bare: bool) -> re.Pattern[bytes]:
    """A pattern for what may be the beginning of media that goes on behind `end`."""
    # The first character first: by such a set, a search skips what cannot match.
    branches = [rf"(?<=[dD])(?:{end}|[aA](?:{end}|[tT](?:{end}|[aA](?:{end}|:(?![ {{\[])))))"]
    for first in sorted({word[0] for word in MAGIC} if bare else ()):
        rest = tuple(word[1:] for word in MAGIC if word[0] == first)
        branches.append(rf"(?<={first})(?:{end}|{_spelled(rest, end)})")
    firsts = "dD" + "".join({word[0] for word in MAGIC} if bare else ())
    return re.compile(rf"[{firsts}](?<![A-Za-z0-9+/_-].)(?:{'|'.join(branches)})".encode())


_BEGUN_BYTES: Final = _begins('"', bare=True)
_TAIL_BEGUN: Final = _begins(r"\Z", bare=False)
_TAIL_BEGUN_OR_BARE: Final = _begins(r"\Z", bare=True)
_COMMA: Final = b"64,"
_BREAK: Final = b"\\n"


class Body:
    """Base64 that arrives in pieces: in the standard alphabet, without padding."""

    __slots__ = ("_text",)

    def __init__(self) -> None:
        self._text = bytearray()

    def take(self, piece: bytes) -> bool:
        """Go on with `piece`, if that is nothing but such base64; False changes nothing."""
        if len(piece) > _FEW:
            odd = len(piece) & 3
            whole = piece[:-odd] if odd else piece
            if whole[-1] == _PADDING or (odd and piece[-odd:].translate(None, _STANDARD)):
                return False
            try:
                # Nothing looks at that many characters faster, above all with its arguments by
                # position. What they stand for is another thing: quartets go over the ends.
                b64decode(whole, None, True)
            except ValueError:
                return False
        elif not piece.isalnum() and piece.translate(None, _STANDARD):
            return False
        self._text += piece
        return True

    def decoded(self, tail: str) -> Steps[tuple[list[bytes], str] | None]:
        """The bytes, and the base64 that the last of them are decoded from; None if it is none.

        Args:
            tail: the text after it, up to the end of the media.
        """
        whole = len(self._text) & -4
        last = self._text[whole:].decode("ascii") + tail
        end = None if "-" in last or "_" in last else decode_end(last)
        if end is None:
            return None
        chunks = []
        with memoryview(self._text) as text:
            for start in range(0, whole, BLOCK):
                chunks.append(b64decode(text[start : min(start + BLOCK, whole)], None, True))
                yield
        return [*chunks, end], last

    @property
    def last(self) -> str:
        """Its last character; empty where there is none."""
        return self._text[-1:].decode("ascii")

    @property
    def text(self) -> str:
        """The base64."""
        return self._text.decode("ascii")


@dataclass(frozen=True, slots=True)
class Held:
    """A piece that was held back and is whole now: it may be media.

    Attributes:
        head: how it begins; all of it where there is no body.
        length: characters.
        is_too_long: whether it is longer than may be held, and is no whole.
        body: base64 after the head.
        tail: what follows that.
        is_json: whether it is a value of JSON, or base64 that begins one.
    """

    head: str
    length: int
    is_too_long: bool = False
    body: Body | None = None
    tail: str = ""
    is_json: bool = False

    @property
    def text(self) -> str:
        """The piece."""
        return self.head if self.body is None else self.head + self.body.text + self.tail


class TextHold:
    """One text that arrives in pieces.

    Args:
        bare: whether base64 without a data: URI is held back too.
        max_held: characters that are held back at most.

    Attributes:
        max_held: see there.
        before: the last two characters before what is held back, or before what comes next.
        length: characters that are held back now.
        is_media: whether these are the beginning of media for certain, and base64 that follows is
            part of it.
    """

    __slots__ = (
        *("_body", "_held", "_patterns", "_tail", "bare", "before", "is_media", "length"),
        "max_held",
    )

    def __init__(self, *, bare: bool = True, max_held: int | None = None) -> None:
        self.bare = bare
        self._patterns = _URIS_AND_BARE if bare else _URIS
        self.max_held = MAX_HELD if max_held is None else max_held
        self._held: list[str] = []
        self._body: Body | None = None
        self._tail: list[str] = []  # of what has a body
        self.before = ""
        self.length = 0
        self.is_media = False

    def feed(self, text: str) -> Iterator[str | Held]:
        """What may pass now that `text` has come, in order."""
        if self.is_media and text.isascii() and self.take(text.encode()):
            if self.length > self.max_held:
                yield self._taken(is_too_long=True)
            return
        while text:
            if self._body is None and self.length < _SETTLED:
                text = "".join((*self._held, text))
                self._held.clear()
                begin, end = self._find(text)
                if begin:
                    self.before = (self.before + text[max(begin - 2, 0) : begin])[-2:]
                    yield text[:begin]
            else:
                body = _BODY.match(text)
                begin, end = 0, body.end() if body else 0
            self._hold(text[begin:end])
            rest = text[end:]
            if rest:
                held = self._taken()
                next_uri = _next_uri(held, rest)
                if next_uri:
                    held, rest = _without_end(held, len(next_uri)), next_uri + rest
                yield held
            elif self.length > self.max_held:
                yield self._taken(is_too_long=True)
            text = rest

    @property
    def text(self) -> str:
        """What is held back."""
        body = "" if self._body is None else self._body.text
        return "".join([*self._held, body, *self._tail])

    def is_inside_word(self) -> bool:
        """Whether a letter or a digit came last: nothing begins right after it."""
        return self.before[-1:].isalnum() and self.before.isascii() and self.before[0] != "\\"

    def take(self, piece: bytes) -> bool:
        """Hold back a piece that goes on with the base64 of media that has begun; False if not."""
        if self._body is not None and not self._tail:
            if not self._body.take(piece):
                return False
        elif is_base64(piece):
            self._hold(piece.decode("ascii"))
            return True
        else:
            return False
        self.length += len(piece)
        return True

    @property
    def body(self) -> Body | None:
        """What takes the base64 that follows; None if that is held back as a text."""
        return None if self._tail else self._body

    def took(self, length: int) -> None:
        """Take note of what `body` took.

        Args:
            length: its characters.
        """
        self.length += length

    def flush(self) -> Iterator[str | Held]:
        """What is held back, when the text has ended."""
        if self.length:
            yield self._taken()

    def flush_if_whole(self) -> Iterator[str | Held]:
        """What is held back, if nothing can follow it: on a socket, nothing may follow for long."""
        if seems_whole(self.text):
            yield from self.flush()

    def may_begin_in(self, document: bytes, begin: int, end: int) -> bool:
        """Whether something is held back after a piece of the text; False is certain.

        Args:
            document: holds the piece between `begin` and `end`, as a string of JSON.
            begin: see there.
            end: see there.
        """
        return may_begin_in(document, begin, end, bare=self.bare)

    def _find(self, text: str) -> tuple[int, int]:
        """From where on `text` is held back, and up to where."""
        context = self.before + text
        first = len(self.before)
        self.length = 0
        media = self._patterns.media.search(context, first)
        perhaps = media or self._patterns.perhaps.search(context, first)
        if perhaps is None:
            self.is_media = False
            return len(text), len(text)
        begin = perhaps.start() - first
        end = media.end() - first if media else len(text)
        self.is_media = media is not None and (
            end - begin >= MAX_UNDECIDED or context[media.start()] in "dD"
        )
        return begin, end

    def _hold(self, text: str) -> None:
        """Hold `text` back, after what is held back already."""
        self.length += len(text)
        if self._body is not None:
            self._tail.append(text)
            return
        if self.is_media and not self._held:
            begin = text.find(",") + 1
            base64 = text[begin:]
            body = Body()
            if base64.isascii() and body.take(base64.encode()):
                self._body = body
                text = text[:begin]
        self._held.append(text)

    def _taken(self, *, is_too_long: bool = False) -> Held:
        head, tail = "".join(self._held), "".join(self._tail)
        held = Held(head, self.length, is_too_long, self._body, tail)
        self.before = tail[-2:] or (self._body and self._body.last) or head[-2:]
        self._held.clear()
        self._tail.clear()
        self._body = None
        self.length, self.is_media = 0, False
        return held


def _next_uri(held: Held, rest: str) -> str:
    """The end of a piece that begins another data: URI on the next line; empty if none does."""
    end = held.head if held.body is None else held.tail
    found = _NEXT_URI.search(end[-_LONGEST_BREAK:]) if rest.startswith(":") else None
    return "" if found is None else found[1]


def _without_end(held: Held, length: int) -> Held:
    """A piece without its last characters, which are of no body."""
    shorter = held.length - length
    if held.body is None:
        return replace(held, head=held.head[:-length], length=shorter)
    return replace(held, tail=held.tail[:-length], length=shorter)


def has_begun(text: str, *, for_certain: bool = False) -> bool:
    """Whether `text` ends inside of a data: URI, or may end inside of one.

    Args:
        text: any text.
        for_certain: whether ``data:`` has to be there.
    """
    media = _URIS.media.search(text)
    if media is not None and media.end() == len(text):
        is_known = len(text) < _LONG or any(magic in text[:_LONG] for magic in _PICTURES)
        return is_known and not seems_whole(text)
    begun = _URIS.perhaps.search(text)
    return begun is not None and (not for_certain or len(begun[0]) >= len("data:"))


def seems_whole(text: str) -> bool:
    """Whether `text` ends with all of a file as base64: with padding, or as pictures end."""
    if text.endswith("="):
        return True
    begin = text.rfind(",") + 1
    if (len(text) - begin) % 4 or not _BASE64.fullmatch(text[-_TAIL:]):
        return False
    tail = pybase64.b64decode(text[-_TAIL:].translate(_URL_SAFE))
    return tail.endswith((b"IEND\xaeB`\x82", b"\xff\xd9", b"\x00;"))


def is_base64(piece: bytes) -> bool:
    """Whether there is nothing in `piece` but base64 without padding."""
    if len(piece) <= _FEW:
        return _LETTERS.fullmatch(piece) is not None
    whole = len(piece) // 4 * 4
    try:
        pybase64.b64decode(piece[:whole], validate=True)
    except ValueError:  # the alphabet of URLs
        return _LETTERS.fullmatch(piece) is not None
    return piece[whole - 1] != _PADDING and _LETTERS.fullmatch(piece, whole) is not None


def may_begin(document: bytes) -> bool:
    """Whether a string of a JSON document may end inside of media; False is certain.

    For documents that are shorter than media: one that ends before the string does is none.
    """
    return b"\\/" in document or _BEGUN_BYTES.search(document) is not None


def may_begin_in(document: bytes, begin: int, end: int, *, bare: bool) -> bool:
    """Whether the string between `begin` and `end` may end inside of media; False is certain.

    Args:
        document: holds the string, as JSON has it.
        begin: see there.
        end: see there.
        bare: whether base64 without a data: URI is media too.
    """
    if document.find(b'"', begin, end) >= 0:
        return True
    # There is no space in media, but after the comma of a data: URI.
    space = document.rfind(b" ", begin, end)
    if space >= 0:
        if document.startswith(_COMMA, space - 3):
            return True
        begin = space + 1
    if begin == end:
        return False
    if document.find(b"\\", begin, end) >= 0:
        return not document.endswith(_BREAK, begin, end)
    if end - begin > _LONGEST_TAIL:
        return True
    pattern = _TAIL_BEGUN_OR_BARE if bare else _TAIL_BEGUN
    return pattern.search(document, begin, end) is not None
