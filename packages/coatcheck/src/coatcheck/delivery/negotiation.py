"""Choose the format and the coding by the ``Accept`` and ``Accept-Encoding`` headers.

Pure (RFC 9110, 12.5.1 and 12.5.3).
"""

import re
from collections.abc import Sequence
from typing import Final

from coatcheck.variants import Format

# In order of preference at equal quality: WebP is rendered several times faster than AVIF.
_MODERN: Final[tuple[Format, ...]] = ("webp", "avif")
_QUALITY: Final = re.compile(r"\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", re.IGNORECASE)
_MAX_HEADER: Final = 2048
# Below every weight that a header can name: those have three decimals.
_LAST_RESORT: Final = 0.0001


def negotiate(accept: str | None, original: str) -> Format:
    """Choose the format for a client that leaves the choice to the server.

    This is a modern format that the client names or accepts by ``image/*`` or ``*/*`` and does not
    exclude by ``q=0``; otherwise one that every browser shows: JPEG for a photograph's format, else
    PNG, which keeps transparency.

    Args:
        accept: the client's header; None without one, which accepts everything.
        original: the media type of the original.
    """
    ranges = _parse((accept or "*/*")[:_MAX_HEADER])
    best = max(_MODERN, key=lambda name: quality(ranges, f"image/{name}"))
    if quality(ranges, f"image/{best}") > 0:
        return best
    return "jpeg" if original == "image/jpeg" else "png"


def quality(ranges: dict[str, float], media_type: str) -> float:
    """Return the weight of a media type, 0…1: the most specific range that matches it decides."""
    kind = media_type.partition("/")[0]
    for candidate in (media_type, f"{kind}/*", "*/*"):
        if candidate in ranges:
            return ranges[candidate]
    return 0.0


def negotiate_encoding(accept_encoding: str | None, available: Sequence[str]) -> str | None:
    """Choose the content coding for a client; None if it accepts none of those available.

    This is the best by the client's weights, at equal weight the first of `available`. A client
    without the header gets ``identity``, because it may not know codings.

    Args:
        accept_encoding: the client's header; None without one.
        available: content codings in the server's order of preference, such as ``br``, ``gzip`` and
            ``identity``.
    """
    weights = _parse((accept_encoding or "identity")[:_MAX_HEADER])
    # What the client does not exclude by name or by a star is acceptable without a coding, as a
    # last resort.
    weights.setdefault("identity", weights.get("*", _LAST_RESORT))
    weigh = {coding: weights.get(coding, weights.get("*", 0.0)) for coding in available}
    best = max(available, key=lambda coding: weigh[coding])
    return best if weigh[best] > 0 else None


def _parse(accept: str) -> dict[str, float]:
    ranges: dict[str, float] = {}
    for item in accept.split(","):
        media_range, *parameters = item.split(";")
        weight = 1.0
        for parameter in parameters:
            if match := _QUALITY.fullmatch(parameter):
                weight = float(match[1])
        ranges[media_range.strip().lower()] = weight
    return ranges
