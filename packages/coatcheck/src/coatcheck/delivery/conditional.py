"""Validators and the headers that go with them. Pure; RFC 9110 and 9111 name the rules."""

import re
from typing import Final
from urllib.parse import quote

from coatcheck.errors import InvalidRangeError
from coatcheck.mediatype import extension_for

CACHE_FOREVER: Final = "public, max-age=31536000, immutable"
"""For content-addressed answers with status 200 or 304, and for nothing else."""

_ENTITY_TAG: Final = re.compile(r'\s*(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')
# One range of bytes: "first-last", "first-" or "-suffix".
_BYTE_RANGE: Final = re.compile(r"bytes=\s*(?=\d|-\d)(?P<first>\d*)-(?P<last>\d*)\s*", re.ASCII)
_MAX_DIGITS: Final = 18
_PAST_EVERY_SIZE: Final = 10**18
_TOKEN: Final = re.compile(r"[^A-Za-z0-9._-]+")


_SHOWN_AS: Final = {
    **{
        media_type: media_type
        for media_type in (
            *("image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"),
            *("audio/mpeg", "audio/wav", "audio/ogg", "audio/flac", "audio/mp4"),
            *("video/mp4", "video/quicktime", "video/webm"),
        )
    },
    # HTML and XML are stored as text. The charset is said, so that nothing is guessed from them.
    "text/plain": "text/plain; charset=utf-8",
}
"""The ``Content-Type`` of what a browser may show in place, since it cannot run any of it. Whatever
is not named here, SVG, PDF, JSON and ZIP among it, is offered as a file."""


def presentation(media_type: str) -> tuple[str, str]:
    """The ``Content-Type`` of a stored type, and ``inline`` or ``attachment``."""
    shown_as = _SHOWN_AS.get(media_type)
    return (media_type, "attachment") if shown_as is None else (shown_as, "inline")


def entity_tag(digest: str) -> str:
    """The strong validator of content with this digest (``sha-256:…``), in its quotes."""
    return f'"{digest.removeprefix("sha-256:")}"'


def is_not_modified(if_none_match: str | None, tag: str) -> bool:
    """Whether a GET or HEAD is answered 304, by its ``If-None-Match`` (RFC 9110, 13.1.2).

    The comparison is weak, as the standard wants; a header that does not parse matches nothing.
    """
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    position = 0
    while match := _ENTITY_TAG.match(if_none_match, position):
        if match[1] == tag:
            return True
        position = match.end()
    return False


def fails_if_match(if_match: str | None, tag: str) -> bool:
    """Whether a request is answered 412, by its ``If-Match`` (RFC 9110, 13.1.1).

    The comparison is strong: a weak validator matches nothing.
    """
    if if_match is None or if_match.strip() == "*":
        return False
    return tag not in _strong_tags(if_match)


def requested_range(
    method: str, range_header: str | None, if_range: str | None, tag: str, size: int
) -> tuple[int, int] | None:
    """The one range that is sent, as start and end (exclusive), or None for the whole.

    A method other than GET, several ranges, another unit, a header that does not parse, and an
    ``If-Range`` that names anything but this very content: each gets the whole (RFC 9110, 14.2).

    Raises:
        InvalidRangeError: the range is well formed and lies outside the content.
    """
    if method != "GET" or range_header is None:
        return None
    if if_range is not None and if_range.strip() != tag:
        return None
    match = _BYTE_RANGE.fullmatch(range_header.strip())
    if match is None:
        return None
    first, last = match["first"], match["last"]
    if not first:
        length = min(_bounded(last), size)
        if length == 0:
            raise InvalidRangeError(size=size)
        return size - length, size
    start = _bounded(first)
    if last and _bounded(last) < start:
        return None  # not well formed, so not there
    if start >= size:
        raise InvalidRangeError(size=size)
    return start, min(_bounded(last) + 1, size) if last else size


def _bounded(digits: str) -> int:
    # Digits without end would cost time to read; anything this long is past every size.
    return int(digits) if len(digits) <= _MAX_DIGITS else _PAST_EVERY_SIZE


def _strong_tags(header: str) -> set[str]:
    return {item.strip() for item in header.split(",")}


def content_disposition(
    kind: str, display_name: str | None, reference_id: str, media_type: str
) -> str:
    """``inline`` or ``attachment`` with a file name (RFC 6266).

    Args:
        kind: ``inline`` or ``attachment``.
        display_name: the cleaned name of a reference; None to use its id and the usual extension.
        reference_id: the reference's id.
        media_type: the type of what is sent.
    """
    name = display_name or reference_id + extension_for(media_type)
    plain = _TOKEN.sub("_", name).strip("_")
    parts = [kind]
    if plain:
        parts.append(f'filename="{plain}"')
    if plain != name:
        parts.append(f"filename*=UTF-8''{quote(name, safe='')}")
    return "; ".join(parts)
