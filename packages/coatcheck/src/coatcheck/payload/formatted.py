"""Tools' results as text: ``✅ **Success**: {json}``, as they were written once. Pure."""

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
