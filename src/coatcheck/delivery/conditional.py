"""Validators and the headers that go with them. Pure; RFC 9110 and 9111 name the rules."""

import re
from typing import Final
from urllib.parse import quote

from coatcheck.mediatype import extension_for

CACHE_FOREVER: Final = "public, max-age=31536000, immutable"
"""For content-addressed answers with status 200 or 304, and for nothing else."""

_ENTITY_TAG: Final = re.compile(r'\s*(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')
_TOKEN: Final = re.compile(r"[^A-Za-z0-9._-]+")


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
