"""Tools' results as text, as they were written once: ``✅ **Success**: {json}``. Pure."""

import re
from typing import Final

_PREFIX: Final = re.compile(r"\s*(?:✅\s*)?\*\*Success\*\*:\s*(?:```(?:json)?\s*)?(?=\{)")
_FENCE: Final = re.compile(r"\s*```\s*\Z")
_LONGEST_FENCE: Final = 64


def end_of_prefix(text: str) -> int:
    """Where the JSON of a formatted result begins; 0 for any other text."""
    match = _PREFIX.match(text)
    return match.end() if match else 0


def end_of_json(text: str) -> int:
    """Where it ends: before the fence that closes it, or with the text."""
    fence = _FENCE.search(text, max(0, len(text) - _LONGEST_FENCE))
    return fence.start() if fence and end_of_prefix(text) else len(text)


def json_of(text: str) -> str:
    """The JSON of a formatted result, without the words and the fence around it."""
    return text[end_of_prefix(text) : end_of_json(text)]


class FormattedResult:
    """The framing of such a text, for offloading."""

    def opens(self, opening: str) -> bool:
        """Whether the words are there and JSON follows them."""
        return end_of_prefix(opening) > 0

    def end_of_json(self, text: str) -> int:
        """Before the fence that closes it, or the end of the text."""
        return end_of_json(text)
