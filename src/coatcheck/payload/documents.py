"""JSON documents whose long strings stay where they are. Pure.

A message of four megabytes is four megabytes of base64 and a few hundred bytes of JSON around it.
Only those are parsed: every long piece of a string is cut out first, and a marker stands in for it
until somebody needs it. What is not on the way to a picture stays as it was, byte for byte:
numbers, order and spelling are never read.
"""

import re
from collections.abc import Callable
from secrets import token_hex
from typing import Any, Final

import msgspec

from coatcheck.payload.base64text import Steps, may_hold_media, probes

MAX_SKELETON: Final = 8 * 1024 * 1024
"""Bytes of JSON that are parsed in one step, about 3 ms; more than that is treated as text."""

_SCALARS: Final = b'"tfn'
_MEMBERS_PER_STEP: Final = 500


class HeldText(str):
    """A string of a document with markers in the place of its long pieces.

    What it begins and ends with can be read as in any string; `full` makes the whole text.
    """

    __slots__ = ("full",)

    full: Callable[[], str]


class Skeleton:
    """A document without its long strings; `cut` makes one."""

    def __init__(self, document: str | bytes, pieces: list[tuple[int, int]]) -> None:
        self._document = document
        self._pieces = pieces
        self._prefix = f"coatcheck:{token_hex(8)}:"  # drawn anew, so that no text can forge one
        self._marker = re.compile(rf"{self._prefix}(\d+):")
        self._marker_bytes = re.compile(self._marker.pattern.encode())

    @property
    def is_small(self) -> bool:
        """Whether what is left is little enough to be parsed."""
        left = len(self._document) - sum(end - start for start, end in self._pieces)
        return left <= MAX_SKELETON

    def open(self, threshold: int, max_depth: int) -> Steps[Any]:
        """The document's value, opened on the way to what may hold media.

        Everything beside that way is left as `msgspec.Raw`; strings with long pieces are
        `HeldText`.

        Raises:
            msgspec.DecodeError: the document is no JSON.
            RecursionError: it nests deeper than any reader takes.
        """
        root = msgspec.json.decode(self._text(), type=msgspec.Raw)
        return (yield from self._open(root, threshold, max_depth))

    def close(self, value: Any) -> str | bytes:
        """The document of a value that `open` returned and that was changed since."""
        encoded = msgspec.json.encode(value, enc_hook=_plain)
        if isinstance(self._document, bytes):
            document = self._document
            parts = self._marker_bytes.split(encoded)
            for index in range(1, len(parts), 2):
                start, end = self._pieces[int(parts[index])]
                parts[index] = document[start:end]
            return b"".join(parts)
        return self._full(encoded.decode())

    def _text(self) -> bytes:
        parts: list[str | bytes] = []
        position = 0
        for index, (start, end) in enumerate(self._pieces):
            parts += [self._document[position:start], f"{self._prefix}{index}:"]
            position = end
        parts.append(self._document[position:])
        return b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)

    def _open(self, raw: msgspec.Raw, threshold: int, depth: int) -> Steps[Any]:
        text = bytes(raw)
        kind = text[:1]
        if self._prefix.encode() not in text and not (
            len(text) >= threshold and may_hold_media(text, threshold)
        ):
            # Short strings are read, since a shape is known by them; numbers never are.
            return msgspec.json.decode(text) if kind in _SCALARS else raw
        if kind == b'"':
            return self._held(msgspec.json.decode(text, type=str))
        if depth == 0:
            return raw
        if kind == b"{":
            members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
            opened = {}
            for count, (name, member) in enumerate(members.items(), 1):
                opened[name] = yield from self._open(member, threshold, depth - 1)
                if count % _MEMBERS_PER_STEP == 0:
                    yield
            return opened
        items = []
        for count, item in enumerate(msgspec.json.decode(text, type=list[msgspec.Raw]), 1):
            items.append((yield from self._open(item, threshold, depth - 1)))
            if count % _MEMBERS_PER_STEP == 0:
                yield
        return items

    def _held(self, text: str) -> str:
        if self._prefix not in text:
            return text
        held = HeldText(text)
        held.full = lambda: self._full(text)
        return held

    def _full(self, text: str) -> str:
        parts = self._marker.split(text)
        for index in range(1, len(parts), 2):
            start, end = self._pieces[int(parts[index])]
            piece = self._document[start:end]
            parts[index] = piece if isinstance(piece, str) else piece.decode()
        return "".join(parts)


def _plain(value: Any) -> str:
    return str(value)  # a `HeldText`: nothing else of ours is in an opened document


def cut(document: str | bytes, threshold: int) -> Steps[Skeleton]:
    """Cut out what looks like base64, as far as it stands between quotes and escapes.

    Such a piece reads the same inside and outside of a JSON string.
    """
    quote, escape, unicode = ('"', "\\", "u") if isinstance(document, str) else (b'"', b"\\", b"u")
    pieces: list[tuple[int, int]] = []
    position = 0
    while True:
        found = yield from probes(document, threshold, position)
        if found is None:
            return Skeleton(document, pieces)
        floor = max(position, found - 2 * threshold)
        start = document.rfind(quote, floor, found) + 1  # type: ignore[arg-type] # of the document's own kind
        if start == 0:
            start = found
        last_escape = document.rfind(escape, start, found)  # type: ignore[arg-type] # likewise
        if last_escape >= 0:
            after = last_escape + 1
            start = after + (5 if document[after : after + 1] == unicode else 1)
        end = document.find(quote, found)  # type: ignore[arg-type] # likewise
        end = len(document) if end < 0 else end
        next_escape = document.find(escape, found, end)  # type: ignore[arg-type] # likewise
        end = end if next_escape < 0 else next_escape
        if end - start >= threshold:
            pieces.append((start, end))
            position = end
        else:
            position = found + threshold // 2
        yield
