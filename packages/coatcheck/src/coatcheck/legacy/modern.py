"""One legacy result, and today's form of it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from coatcheck.errors import InvalidInputError
from coatcheck.legacy.results import (
    DEFAULT_MESSAGE,
    PICTURE_MEMBERS,
    THUMBNAIL_MEMBER,
    is_legacy_result,
    legacy_reference,
)
from coatcheck.payload.links import Links
from coatcheck.payload.results import REFERENCE_MEMBER, result_members
from coatcheck.payload.shapes.codec import text_of, without
from coatcheck.reference import MediaReference

LEFT_MEMBER: Final = "legacyReference"
"""Where the earlier form of a reference stays beside its thumbnail's while its file is unread."""

_FILE: Final = "file://"
_LINKS: Final = Links()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The references that stand for what a payload held.

    Attributes:
        by_id: those that offloading made, by id.
        by_file: those of files, by the URI or path that the payload has.
    """

    by_id: Mapping[str, MediaReference] = field(default_factory=dict)
    by_file: Mapping[str, MediaReference] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFile:
    """A picture in a file.

    Attributes:
        names: its URI or paths, as the payload has them, the surest first.
        checksum: what the payload says is its hash; None where it says nothing.
        alt: an alternative text.
    """

    names: tuple[str, ...]
    checksum: str | None = None
    alt: str | None = None


def modern_result(node: Mapping[str, Any], kept: Kept) -> dict[str, Any] | None:
    """Today's form of a legacy result; None for anything else, or where no picture is kept."""
    members = result_members(node)
    if not is_unfinished(members):
        return None
    picture, is_whole = _picture(members, kept)
    if picture is None or picture == members.get(REFERENCE_MEMBER):
        return None
    reference = MediaReference.from_stored(picture)
    rest = {
        name: value
        for name, value in members.items()
        if name not in {"success", REFERENCE_MEMBER, LEFT_MEMBER}
        and not _is_picture(value, reference, kept)
    }
    earlier = _earlier(members)
    if earlier is not None and not is_whole:
        # The file may be readable another time.
        rest[LEFT_MEMBER] = without(earlier, THUMBNAIL_MEMBER)
    around = {} if members is node else without(node, "data")
    data = {REFERENCE_MEMBER: dict(picture), "message": DEFAULT_MESSAGE, **rest}
    return {"success": True, **around, "data": data}


def _picture(members: Mapping[str, Any], kept: Kept) -> tuple[Mapping[str, Any] | None, bool]:
    """The reference to a result's picture, and whether it is more than its thumbnail."""
    for name in PICTURE_MEMBERS:
        reference = _kept(members.get(name), kept)
        if reference is not None:
            return reference, True
    for name in _file_names(members):
        if name in kept.by_file:
            return kept.by_file[name].to_stored(), True
    return _kept((_earlier(members) or {}).get(THUMBNAIL_MEMBER), kept), False


def _kept(value: object, kept: Kept) -> Mapping[str, Any] | None:
    if isinstance(value, Mapping):
        try:
            return MediaReference.from_stored(value).to_stored()
        except InvalidInputError:
            return None
    if not isinstance(value, str):
        return None
    reference = kept.by_file.get(value) or kept.by_id.get(_LINKS.id_of(value) or "")
    return None if reference is None else reference.to_stored()


def _is_picture(value: object, reference: MediaReference, kept: Kept) -> bool:
    other = _kept(value, kept)
    return other is not None and other["digest"] == reference.digest


def _file_names(members: Mapping[str, Any]) -> Iterator[str]:
    for name in PICTURE_MEMBERS:
        value = members.get(name)
        if isinstance(value, str) and value.startswith(_FILE):
            yield value
    earlier = _earlier(members) or {}
    for name in ("relative_path", "absolute_path"):
        value = earlier.get(name)
        if isinstance(value, str) and value:
            yield value


def is_unfinished(members: Mapping[str, Any]) -> bool:
    """Whether a result is legacy, or its picture only a thumbnail because a file was not read."""
    return is_legacy_result(members) or LEFT_MEMBER in members


def _earlier(members: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The earlier form of a result's reference."""
    left = members.get(LEFT_MEMBER)
    return left if isinstance(left, Mapping) else legacy_reference(members)


def wanted_file(members: Mapping[str, Any], kept: Kept) -> WantedFile | None:
    """The file that holds the picture of a legacy result which holds none itself."""
    if _picture(members, kept)[1]:
        return None
    names = tuple(_file_names(members))
    if not names:
        return None
    checksum = text_of(_earlier(members) or {}, "checksum")
    return WantedFile(names=names, checksum=checksum, alt=text_of(members, "prompt"))
