"""References to media, and their three projections. Pure.

* **stored**: identity only, never a URL. What histories and databases keep.
* **UI**: stored, plus URLs minted at the moment of sending or reading.
* **model**: one line of text, the same bytes every time, so that prompt caches stay warm.

The normative text is ``spec/wire.md``; ``spec/vectors/references.json`` is tested on both
sides.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final, Protocol, Self
from urllib.parse import urlsplit

from coatcheck.errors import ConfigurationError, InvalidInputError
from coatcheck.variants import LADDER, VECTOR_TYPES, display_widths

__all__ = [
    "ALT_WEIGHT",
    "REFERENCE_TYPE",
    "URI_SCHEME",
    "MediaReference",
    "MediaUrls",
    "Signer",
    "clean_text",
    "is_reference_id",
    "normalize_reference_id",
]

REFERENCE_TYPE: Final = "media_reference"
"""The ``type`` of a reference, which identifies references in a payload."""

REFERENCE_VERSION: Final = 1
URI_SCHEME: Final = "media://"

IMAGE_PATH: Final = "/image"
"""Below the mount: originals, thumbnails and variants, each under its id."""

PREVIEW_PATH: Final = "/preview"
"""Below the mount: previews of pictures that are being made."""

ALT_WEIGHT: Final = 200
"""Longest alternative text, in weight: an ASCII character weighs 1, any other 3.

The weight follows what text costs: a non-ASCII character takes up to 4 bytes on the wire and about
one token in a model, where ASCII takes 1 byte and a quarter of a token."""

DISPLAY_NAME_WEIGHT: Final = 120
"""Longest display name, weighed like `ALT_WEIGHT`."""

_DIGEST: Final = re.compile(r"sha-256:[0-9a-f]{64}")
_UUID4: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_MEDIA_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,100}")
# RFC 3986: the characters of a path, and no segment that a browser would take out ("." and "..").
_PATH: Final = re.compile(
    r"(?:/(?!\.{1,2}(?:/|\Z))(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)*"
)
_BASE_URL: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[^?#]+)?")
_PLACEHOLDER_BYTES: Final = range(5, 26)
_ELLIPSIS_WEIGHT: Final = 3
_MAX_EDGE: Final = 1_000_000
_MAX_TEXT: Final = 4096
_MAX_COUNT: Final = 2**53 - 1  # the largest integer that every JSON reader keeps exact


def is_reference_id(value: object) -> bool:
    """Whether `value` is the canonical text of a UUIDv4, which is what every reference id is."""
    return isinstance(value, str) and _UUID4.fullmatch(value) is not None


def is_digest(value: object) -> bool:
    """Whether `value` is ``sha-256:`` and 64 lower-case hexadecimal digits."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def clean_text(value: str, weight: int) -> str:
    """Return one line without control, format (bidi, zero-width) or surrogate characters.

    A text over `weight` is cut and ends in an ellipsis. See `ALT_WEIGHT` for how text is weighed.
    """
    # Cut generously before the per-character work, so that megabytes of text cost nothing.
    kept = "".join(
        " " if character.isspace() else character
        for character in value[: 8 * weight]
        if character.isspace() or unicodedata.category(character)[0] != "C"
    )
    line = " ".join(kept.split())
    total = end = 0
    for index, character in enumerate(line):
        total += 1 if character.isascii() else 3
        if total <= weight - _ELLIPSIS_WEIGHT:
            end = index + 1
        elif total > weight:
            return line[:end].rstrip() + "…"
    return line


def clean_display_name(value: str) -> str | None:
    """The last component of a file name, safe to show and to put in a header; None if empty."""
    name = re.split(r"[/\\]", value)[-1]
    return clean_text(name, DISPLAY_NAME_WEIGHT).strip(". ") or None


class Signer(Protocol):
    """Signs the URLs of media for a limited time; `coatcheck.delivery.UrlSigner` is one."""

    def query(self, reference_id: str) -> str:
        """The query of this media's URLs, for example ``expires=…&signature=…``."""
        ...


@dataclass(frozen=True, slots=True)
class MediaUrls:
    """Mints the URLs of a UI form, such as ``/api/media/image/{id}``.

    Args:
        mount: the path that `coatcheck.delivery.media_app` is mounted at, as the browser sees it;
            empty if the media application is served by itself.
        base_url: the URL before the mount, such as ``https://media.example.com``, for front ends on
            another origin; None if page and media have the same origin.
        signer: signs the URLs, for an endpoint that requires it; None for unsigned URLs.

    Raises:
        ConfigurationError: `mount` is not a path, or `base_url` is not a URL.
    """

    mount: str = "/api/media"
    _: KW_ONLY
    base_url: str | None = None
    signer: Signer | None = None

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.mount):
            raise ConfigurationError(
                f"The mount {self.mount!r} is not a path. Write it with a slash in front and none"
                " at the end: /api/media"
            )
        if self.base_url is not None and not _is_base_url(self.base_url):
            raise ConfigurationError(
                f"The base URL {self.base_url!r} cannot be used. Write scheme, host and, if there"
                " is one, a path, without a slash at the end: https://media.example.com"
            )

    @property
    def prefix(self) -> str:
        """The beginning of every original's URL, up to the slash before the id."""
        return self._at(IMAGE_PATH)

    def original(self, reference_id: str) -> str:
        """The URL of the original bytes of `reference_id`."""
        return self._mint(IMAGE_PATH, reference_id)

    def thumbnail(self, reference_id: str) -> str:
        """The URL of the WebP thumbnail of `reference_id`."""
        return self._mint(IMAGE_PATH, reference_id, "thumbnail=true")

    def preview(self, preview_id: str) -> str:
        """The URL of the preview `preview_id`; it works as long as the preview exists."""
        return self._mint(PREVIEW_PATH, preview_id)

    def _at(self, path: str) -> str:
        return f"{self.base_url or ''}{self.mount}{path}"

    def _mint(self, path: str, identifier: str, *query: str) -> str:
        signed = [] if self.signer is None else [self.signer.query(identifier)]
        parameters = "&".join([*query, *signed])
        return f"{self._at(path)}/{identifier}" + (f"?{parameters}" if parameters else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaReference:
    """A reference to stored media.

    Attributes:
        id: random UUIDv4 in canonical lower-case text; unguessable, unlike the digest.
        mime_type: the sniffed media type, for example ``image/png``; for opaque media, the declared
            one.
        size: length of the original in bytes.
        digest: ``sha-256:`` and the lower-case hexadecimal SHA-256 of the original.
        width: displayed width in pixels (after EXIF orientation); None when unknown.
        height: displayed height in pixels; None when unknown.
        duration: seconds of audio or video; None when unknown.
        display_name: file name to show and to save under; None when there is none.
        placeholder: base64 of a ThumbHash (5 to 25 bytes); None if the media is not an image.
        alt: alternative text, one line; None when there is none.
        opaque: whether the store kept the bytes without looking at them. They are offered as a file
            and never shown.
    """

    id: str
    mime_type: str
    size: int
    digest: str
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    display_name: str | None = None
    placeholder: str | None = None
    alt: str | None = None
    opaque: bool = False

    @property
    def uri(self) -> str:
        """``media://`` and the id: names the media without saying where it is."""
        return URI_SCHEME + self.id

    def to_stored(self) -> dict[str, Any]:
        """Return the stored form: a JSON object without URLs; members that are None are absent."""
        members = {
            "type": REFERENCE_TYPE,
            "version": REFERENCE_VERSION,
            "id": self.id,
            "uri": self.uri,
            "mimeType": self.mime_type,
            "size": self.size,
            "digest": self.digest,
            "width": self.width,
            "height": self.height,
            "duration": self.duration,
            "displayName": self.display_name,
            "placeholder": self.placeholder,
            "alt": self.alt,
            "opaque": self.opaque or None,
        }
        return {name: value for name, value in members.items() if value is not None}

    def to_ui(self, urls: MediaUrls) -> dict[str, Any]:
        """Return the UI form: the stored form, and URLs minted now. Send it, never store it."""
        ui = self.to_stored() | {"url": urls.original(self.id)}
        if self.placeholder is not None:
            ui["thumbnailUrl"] = urls.thumbnail(self.id)
        if self.placeholder is not None and self.width is not None:
            if self.mime_type in VECTOR_TYPES:
                ui["variants"] = list(LADDER)  # the original is offered as a file, not as a picture
            elif widths := display_widths(self.mime_type, self.width):
                ui["variants"] = widths
        return ui

    def to_model(self) -> str:
        """Return one line for a model, under 120 tokens, that describes the media without a URL."""
        kind, _, subtype = self.mime_type.partition("/")
        is_shown = kind in {"image", "audio", "video"} and not self.opaque
        words = [kind if is_shown else "file", self.id]
        caption = self.alt or self.display_name
        if caption is not None:
            quotable = clean_text(caption, ALT_WEIGHT).translate(_MODEL_BRACKETS)
            words.append(f'"{quotable}"')
        if self.width is not None and self.height is not None:
            words.append(f"{self.width}×{self.height}")
        words.append(subtype)
        return f"[{' '.join(words)}]"

    @classmethod
    def from_stored(cls, value: object) -> Self:
        """Read a stored or UI form; members that only the UI form has are ignored.

        Use this for what your application wrote itself. Of a reference from outside, trust only the
        ``id`` and read the rest from the store (`MediaStore.get`).

        Raises:
            InvalidInputError: `value` is not a reference of version 1; the message names the
                member.
        """
        if not isinstance(value, Mapping) or value.get("type") != REFERENCE_TYPE:
            raise InvalidInputError("Not a media reference: 'type' must be 'media_reference'.")
        if value.get("version") != REFERENCE_VERSION or isinstance(value["version"], bool):
            raise InvalidInputError("Not a media reference of version 1.")
        _require(is_reference_id(value.get("id")), "id")
        _require(value.get("uri") == URI_SCHEME + value["id"], "uri")
        _require(_matches(_MEDIA_TYPE, value.get("mimeType")), "mimeType")
        _require(_is_count(value.get("size")), "size")
        _require(is_digest(value.get("digest")), "digest")
        for edge in ("width", "height"):
            _require(edge not in value or _is_edge(value[edge]), edge)
        _require(("width" in value) == ("height" in value), "width")
        _require("duration" not in value or _is_duration(value["duration"]), "duration")
        for text in ("displayName", "alt"):
            _require(text not in value or _is_text(value[text]), text)
        _require("opaque" not in value or value["opaque"] is True, "opaque")
        _require("placeholder" not in value or _is_placeholder(value["placeholder"]), "placeholder")
        return cls(
            id=value["id"],
            mime_type=value["mimeType"],
            size=value["size"],
            digest=value["digest"],
            width=value.get("width"),
            height=value.get("height"),
            duration=value.get("duration"),
            display_name=value.get("displayName"),
            placeholder=value.get("placeholder"),
            alt=value.get("alt"),
            opaque="opaque" in value,
        )


# A caption must not close the line's own quotes or brackets.
_MODEL_BRACKETS: Final = str.maketrans({'"': "'", "[": "(", "]": ")"})


def normalize_reference_id(value: str) -> str | None:
    """The canonical form of a UUIDv4 written in any case, or None for anything else."""
    canonical = value.lower()
    return canonical if is_reference_id(canonical) else None


def _is_base_url(text: str) -> bool:
    """Whether this is an absolute http or https URL that paths can be appended to."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # a port or an IPv6 address that is none
        return False
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and parts.username is None
        and port != 0
        and _BASE_URL.fullmatch(text) is not None
        and _PATH.fullmatch(parts.path) is not None
    )


def _require(condition: bool, member: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise InvalidInputError(f"Not a media reference: '{member}' is missing or wrong.")


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_COUNT


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_TEXT


def _is_edge(value: object) -> bool:
    return _is_count(value) and isinstance(value, int) and value <= _MAX_EDGE


def _is_duration(value: object) -> bool:
    # The comparison also turns away NaN.
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
    )


def _is_placeholder(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return len(base64.b64decode(value, validate=True)) in _PLACEHOLDER_BYTES
    except (binascii.Error, ValueError):
        return False
