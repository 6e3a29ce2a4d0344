"""Detect media types by magic bytes, and list the accepted types. Pure.

The signatures come from the formats' own specifications and the WHATWG MIME Sniffing Standard
(https://mimesniff.spec.whatwg.org/). A declared type is only a hint; the stored and served type is
always the detected one.
"""

import json
import re
import struct
from pathlib import PurePath
from typing import Final

from coatcheck.errors import InvalidInputError, UnsupportedMediaError

SNIFF_BYTES: Final = 4096
"""How many leading bytes `sniff` reads."""

SVG: Final = "image/svg+xml"

RASTER_TYPES: Final = frozenset(
    {"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"}
)
"""Types of pictures made of pixels."""

IMAGE_TYPES: Final = RASTER_TYPES | {SVG}
"""Types that get dimensions, a thumbnail and a placeholder."""

_EXTENSIONS: Final = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/webp": (".webp",),
    "image/gif": (".gif",),
    "image/avif": (".avif",),
    SVG: (".svg",),
    "audio/mpeg": (".mp3",),
    "audio/wav": (".wav",),
    "audio/ogg": (".ogg", ".oga", ".opus"),
    "audio/flac": (".flac",),
    "audio/mp4": (".m4a",),
    "video/mp4": (".mp4", ".m4v"),
    "video/quicktime": (".mov",),
    "video/webm": (".webm",),
    "application/pdf": (".pdf",),
    "application/zip": (".zip",),
    "application/json": (".json",),
    "text/plain": (".txt", ".md", ".csv", ".log"),
}

OPAQUE_TYPE: Final = "application/octet-stream"
"""The type of opaque bytes. `sniff` never returns it."""

ALLOWED_TYPES: Final = frozenset(_EXTENSIONS)
"""Every type that a store accepts."""

# Other image formats that a file name or a client may claim: claiming one makes the bytes an image
# by claim, so that text called "x.svgz" is refused instead of being kept as text.
_OTHER_IMAGE_EXTENSIONS: Final = frozenset(
    {
        ".svgz",
        ".tif",
        ".tiff",
        ".bmp",
        ".ico",
        ".heic",
        ".heif",
        ".jxl",
        ".jp2",
        ".psd",
        ".eps",
    }
)

_PREFIXES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)
_RIFF_KINDS: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
# ISO base media "ftyp" brands (https://mp4ra.org/registered-types/brands).
_BRANDS: Final = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
    b"isom": "video/mp4",
    b"iso2": "video/mp4",
    b"iso4": "video/mp4",
    b"iso5": "video/mp4",
    b"iso6": "video/mp4",
    b"mp41": "video/mp4",
    b"mp42": "video/mp4",
    b"avc1": "video/mp4",
    b"dash": "video/mp4",
    b"M4V ": "video/mp4",
}
_MPEG_HEADER: Final = struct.Struct(">I")
_MPEG_SYNC: Final = 0b111_1111_1111
_MPEG_RESERVED_VERSION: Final = 0b01
_MPEG_LAYER_III: Final = 0b01
_MPEG_RESERVED_RATE: Final = 0b11
# An SVG's root element, after what may come before it. Nothing is tried twice: (?>…) and *+ keep
# hostile openings from costing time.
_SVG_OPENING: Final = re.compile(
    r"""\ufeff?+
    (?>\s++ | <\?.*?\?> | <!--.*?-->)*+
    (?P<doctype> <!DOCTYPE\s++ [^\[>]*+ (?>\[.*?\]\s*+> | >) (?>\s++ | <\?.*?\?> | <!--.*?-->)*+ )?+
    < (?:svg:)? svg [\s/>]""",
    re.DOTALL | re.VERBOSE,
)
# As the references have it, and short enough for the catalog (RFC 6838, 4.2).
_MEDIA_TYPE: Final = re.compile(r"[a-z]{1,25}/[a-z0-9][a-z0-9.+-]{0,100}")
_TEXT_CONTROLS: Final = frozenset(b"\t\n\r\x0c\x1b")


def sniff(content: bytes) -> str | None:
    """Detect the media type of content by its first bytes.

    Args:
        content: all of it, or at least its first `SNIFF_BYTES` (4,096) bytes.

    Returns:
        A member of `ALLOWED_TYPES`, or None if the content is empty or its type is not accepted.
    """
    head = content[:SNIFF_BYTES]
    for prefix, media_type in _PREFIXES:
        if head.startswith(prefix):
            return media_type
    if head.startswith(b"RIFF"):
        return _RIFF_KINDS.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _sniff_brand(head)
    if head.startswith(b"\x1a\x45\xdf\xa3"):  # EBML; Matroska proper is not played by browsers
        return "video/webm" if b"webm" in head[:64] else None
    if _is_mpeg_audio_frame(head):
        return "audio/mpeg"
    return _sniff_text(head)


def _sniff_brand(head: bytes) -> str | None:
    # An AVIF file may carry the generic brand "mif1" first and name avif among the compatible ones.
    if head[8:12] in {b"mif1", b"msf1"}:
        box = head[16 : int.from_bytes(head[:4], "big")]
        compatible = {box[start : start + 4] for start in range(0, len(box), 4)}
        return "image/avif" if compatible & {b"avif", b"avis"} else None
    return _BRANDS.get(head[8:12])


def _is_mpeg_audio_frame(head: bytes) -> bool:
    # ISO/IEC 11172-3, 2.4.1.3: 11 sync bits, then a version, layer III, a bit rate and a sampling
    # rate that are not among the reserved values.
    if len(head) < _MPEG_HEADER.size:
        return False
    (word,) = _MPEG_HEADER.unpack_from(head)
    version, layer = word >> 19 & 0b11, word >> 17 & 0b11
    bit_rate, sampling_rate = word >> 12 & 0b1111, word >> 10 & 0b11
    return (
        word >> 21 == _MPEG_SYNC
        and version != _MPEG_RESERVED_VERSION
        and layer == _MPEG_LAYER_III
        and bit_rate not in {0b0000, 0b1111}
        and sampling_rate != _MPEG_RESERVED_RATE
    )


def _sniff_text(head: bytes) -> str | None:
    if not head.strip() or any(byte < 0x20 and byte not in _TEXT_CONTROLS for byte in head):  # noqa: PLR2004 - the C0 controls
        return None
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The window may end inside a character: at most three bytes of it are missing then.
        if len(head) < SNIFF_BYTES or error.start < len(head) - 3:
            return None
        text = head[: error.start].decode("utf-8")
    if _SVG_OPENING.match(text):
        return SVG
    if text.lstrip("\ufeff \t\r\n")[:1] in {"{", "["} and _may_be_json(text, len(head)):
        return "application/json"
    return "text/plain"


def _may_be_json(text: str, length: int) -> bool:
    if length >= SNIFF_BYTES:
        return text.lstrip("\ufeff \t\r\n")[1:2] not in {
            "",
            "#",
            "!",
        }  # judged by its opening alone
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def declares_document_type(head: bytes) -> bool:
    """Whether an SVG that begins with `head` has a document type declaration before its root."""
    opening = _SVG_OPENING.match(head.decode("utf-8", "ignore"))
    return opening is not None and opening["doctype"] is not None


def claims_image(display_name: str | None, declared_type: str | None) -> bool:
    """Whether a file name's extension or a declared media type says "this is an image"."""
    if declared_type is not None and declared_type.strip().lower().startswith("image/"):
        return True
    extension = PurePath(display_name or "").suffix.lower()
    return extension in _OTHER_IMAGE_EXTENSIONS or any(
        extension in _EXTENSIONS[media_type] for media_type in IMAGE_TYPES
    )


def opaque_type(declared_type: str | None) -> str:
    """Return the media type to store opaque bytes with, without parameters.

    Raises:
        InvalidInputError: the declared type is not a media type.
        UnsupportedMediaError: the declared type is an image's, which opaque media may not have.
    """
    if declared_type is None:
        return OPAQUE_TYPE
    media_type = declared_type.partition(";")[0].strip().lower()
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise InvalidInputError("A media type has the form type/subtype, as in application/x-tar.")
    if media_type.startswith("image/"):
        raise UnsupportedMediaError(
            "Opaque media cannot be declared as an image. Leave the media type out, or put the"
            " image without kind='opaque'."
        )
    return media_type


def extension_for(media_type: str) -> str:
    """The usual file extension of an allowed type, dot included; empty for any other."""
    return _EXTENSIONS.get(media_type, ("",))[0]
