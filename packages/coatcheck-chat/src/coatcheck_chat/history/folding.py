"""Text as a search compares it: without case, accents and what cannot be seen. Pure."""

import unicodedata
from functools import lru_cache
from typing import Final

MAX_TERMS: Final = 8
"""Words of a query that count; the rest are passed over."""


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
