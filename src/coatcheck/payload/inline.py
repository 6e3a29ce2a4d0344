"""Inline media in text: long runs of base64, recognised by their length alone. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

INLINE_THRESHOLD: Final = 4096
"""Base64 characters in a row that count as inline media; ids, hashes and keys are far shorter."""

_RUN: Final = re.compile(rf"[A-Za-z0-9+/_-]{{{INLINE_THRESHOLD},}}=*")


def has_inline_media(text: str) -> bool:
    """Whether `text` carries inline media."""
    return _RUN.search(text) is not None


def scrub(payload: Any) -> Any:
    """The payload with a short note in the place of each inline medium; the rest as it was."""
    if isinstance(payload, str):
        return _RUN.sub(lambda run: f"[{len(run[0])} characters of base64 left out]", payload)
    if isinstance(payload, Mapping):
        return {name: scrub(value) for name, value in payload.items()}
    if isinstance(payload, list | tuple):
        return [scrub(item) for item in payload]
    return payload
