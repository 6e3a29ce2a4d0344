"""Tools' results as text: ``✅ **Success**: {json}``, as they were written once. Pure."""

import re
from typing import Final

_PREFIX: Final = re.compile(r"\s*(?:✅\s*)?\*\*Success\*\*:\s*(?=\{)")


def end_of_prefix(text: str) -> int:
    """Where the JSON of a formatted result begins; 0 for any other text."""
    match = _PREFIX.match(text)
    return match.end() if match else 0
