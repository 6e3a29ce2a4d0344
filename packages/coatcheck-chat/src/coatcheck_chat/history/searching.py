"""The text of a message that can be searched, how it is compared, and excerpts of hits. Pure.

Text is compared without case, accents and what cannot be seen.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from coatcheck.media_part import MEDIA_PART
from coatcheck.reference import REFERENCE_TYPE, is_reference_id

MAX_SEARCHED: Final = 50_000
"""Characters of one message that a search looks through."""

MAX_TERMS: Final = 8
"""Words of a query that count; the rest are ignored."""

_SNIPPET: Final = 120
_LEAD: Final = 30  # characters before the first hit, so that it is seen where space is short
_PROMPTS: Final = ("prompt", "expression", "title")
_CAPTIONS: Final = ("alt", "displayName")


def message_text(message: Mapping[str, Any]) -> str:
    """The text that a person would look for: words, prompts for tools, captions of media."""
    found = dict.fromkeys(text for part in message["parts"] for text in _texts(part) if text)
    return "\n".join(found)[:MAX_SEARCHED]


def referenced_media(message: Any) -> frozenset[str]:
    """The ids of the media that a message in stored form refers to, wherever they stand in it."""
    return frozenset(reference["id"] for reference in _references(message))


def snippet(text: str, terms: Sequence[str]) -> list[dict[str, Any]]:
    """The surroundings of the first hit in pieces ``{"text": …}``, hits with ``"match": true``.

    The pieces are plain text; nothing in them is markup.

    Args:
        text: what was searched.
        terms: folded words.
    """
    line = " ".join(text.split())
    spans = _spans(line, terms)
    first = spans[0][0] if spans else 0
    start = max(0, first - _LEAD)
    if start > 0:  # not from the middle of a word, unless that is a long one
        start = line.find(" ", start, first) + 1 or start
    end = min(len(line), start + _SNIPPET)
    pieces: list[dict[str, Any]] = []
    at = start
    for hit, past in spans:
        if hit < at or hit >= end:
            continue
        _add(pieces, line[at:hit])
        _add(pieces, line[hit : min(past, end)], match=True)
        at = min(past, end)
    _add(pieces, line[at:end])
    if start > 0:
        pieces.insert(0, {"text": "…"})
    if end < len(line):
        pieces.append({"text": "…"})
    return pieces


def _add(pieces: list[dict[str, Any]], text: str, *, match: bool = False) -> None:
    if text:
        pieces.append({"text": text, "match": True} if match else {"text": text})


def _spans(line: str, terms: Sequence[str]) -> list[tuple[int, int]]:
    """Where the terms stand in `line`, in order and without overlap."""
    folded: list[str] = []
    origin: list[int] = []
    for index, character in enumerate(line):
        parts = fold(character)
        folded.append(parts)
        origin += [index] * len(parts)
    haystack = "".join(folded)
    found = []
    for term in terms:
        at = haystack.find(term)
        while at >= 0:
            found.append((origin[at], origin[at + len(term) - 1] + 1))
            at = haystack.find(term, at + len(term))
    spans: list[tuple[int, int]] = []
    for span in sorted(found, key=lambda span: (span[0], -span[1])):
        if not spans or span[0] >= spans[-1][1]:
            spans.append(span)
    return spans


def _texts(part: Mapping[str, Any]) -> Iterator[str]:
    kind = part.get("type")
    if kind == "text":
        yield _text(part, "text")
    elif kind == MEDIA_PART or str(kind).startswith("tool-"):
        arguments = part.get("input")
        if isinstance(arguments, Mapping):
            yield from (_text(arguments, name) for name in _PROMPTS)
        for reference in _references(part):
            yield from (_text(reference, name) for name in _CAPTIONS)


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def _references(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every reference in a payload, which nests as deep as a projection allows at most."""
    if isinstance(value, Mapping):
        if value.get("type") == REFERENCE_TYPE and is_reference_id(value.get("id")):
            yield value
        else:
            for member in value.values():
                yield from _references(member)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _references(item)


def fold(text: str) -> str:
    """Text in which ``É``, ``é``, ``E`` and ``e`` are all ``e``.

    Each character is folded by itself: compatibility decomposition, full case folding, then
    combining marks and control characters dropped. So the fold of a text is that of its characters,
    joined.
    """
    return text.lower() if text.isascii() and text.isprintable() else "".join(map(_fold, text))


def search_terms(query: str) -> tuple[str, ...]:
    """The words of a query, folded, each once, at most `MAX_TERMS`."""
    return tuple(dict.fromkeys(fold(query).split()))[:MAX_TERMS]


@lru_cache(maxsize=8192)
def _fold(character: str) -> str:
    if character.isspace():
        return character
    return "".join(
        part
        for part in unicodedata.normalize("NFKD", character).casefold()
        # M: marks that combine with a letter. C: control, format, surrogate, private, unassigned.
        if unicodedata.category(part)[0] not in "MC"
    )
