"""Stored media as a provider takes it: right-sized by default, the original where it is wanted."""

import hashlib
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import pybase64
from anyio.lowlevel import checkpoint

from coatcheck.errors import (
    CoatcheckError,
    DamagedBlobError,
    MediaTooLargeError,
    UnsupportedMediaError,
)
from coatcheck.mediatype import extension_for
from coatcheck.payload.hydration.limits import Inline, MediaLimits, base64_length, kind_of
from coatcheck.ports import MediaRecord, VariantRecord
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore
from coatcheck.variants import Format, VariantSpec

_ANIMATED_WEBP: Final = b"VP8X"
_ANIMATION_FLAG: Final = 0b10
_WEBP_HEAD: Final = 21
_TRIPLET: Final = 3
_RIGHT_SIZED: Final = frozenset({"image/webp", "image/jpeg"})  # another rendition would only blur


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Which blob is sent for a medium. `size` in bytes; edges in pixels, None for no image."""

    digest: str
    size: int
    media_type: str
    width: int | None
    height: int | None

    @property
    def length(self) -> int:
        """Characters of its base64."""
        return base64_length(self.size)


async def fit(
    store: MediaStore, record: MediaRecord, limits: MediaLimits, *, original: bool = False
) -> Fitted:
    """What to send for a recorded medium: deterministic, and rendered at most once.

    A JPEG or a WebP of which the provider looks at every pixel is right-sized already and sent bit
    for bit. Any other image is rendered in the largest width of the ladder that the provider looks
    at in full, as WebP or JPEG, or as a still where that would move; the lighter of the rendition
    and an original that fits is sent. A server that cannot render now sends the original where it
    is not refused: providers scale down as well.

    Args:
        store: where the media is.
        record: which medium.
        limits: what the provider takes.
        original: whether the original is sent wherever it is not refused and does not move.

    Raises:
        UnsupportedMediaError: the provider takes no such media, or no image of such a shape.
        MediaTooLargeError: it is larger than the provider takes, however it is rendered.
        CoatcheckError: what `MediaStore.variant` and `MediaStore.read_blob` raise.
    """
    reference = record.reference
    if not limits.takes(reference.mime_type):
        raise UnsupportedMediaError(f"{reference.mime_type} cannot be sent inline.")
    if kind_of(reference.mime_type) != "image":
        if base64_length(reference.size) > (limits.other_length or limits.request_length):
            raise MediaTooLargeError("The media is larger than the provider takes.")
        return _original(reference)
    still = not await _is_animated(store, reference.digest, reference.size, reference.mime_type)
    admitted = still and limits.admits(reference)
    fits = still and limits.passes(reference)
    if (admitted and original) or (fits and reference.mime_type in _RIGHT_SIZED):
        return _original(reference)
    try:
        rendered = await _render(store, record, limits, still=still)
    except MediaTooLargeError:
        raise
    except CoatcheckError:
        if admitted:
            return _original(reference)
        raise
    return _original(reference) if fits and reference.size <= rendered.size else rendered


async def read_inline(store: MediaStore, reference: MediaReference, fitted: Fitted) -> Inline:
    """The bytes of what was fitted, checked against their digest.

    Raises:
        DamagedBlobError: stored bytes are missing or differ from what was handed in.
        StorageError: the storage failed.
    """
    pieces: list[str] = []
    rest = b""
    hashed = hashlib.sha256()
    async with aclosing(store.read_blob(fitted.digest, fitted.size)) as chunks:
        async for chunk in chunks:
            hashed.update(chunk)
            block = rest + chunk
            whole = len(block) - len(block) % _TRIPLET
            pieces.append(pybase64.b64encode_as_string(block[:whole]))
            rest = block[whole:]
            await checkpoint()
    if f"sha-256:{hashed.hexdigest()}" != fitted.digest:
        # One damaged picture would have the provider refuse everything else along with it.
        raise DamagedBlobError
    pieces.append(pybase64.b64encode_as_string(rest))
    name = reference.display_name or reference.id + extension_for(reference.mime_type)
    return Inline(media_type=fitted.media_type, pieces=pieces, name=name, line=reference.to_model())


async def _render(
    store: MediaStore, record: MediaRecord, limits: MediaLimits, *, still: bool
) -> Fitted:
    sizes = limits.sizes(record.reference)
    if not sizes:
        raise UnsupportedMediaError("The image is too long and narrow to be sent inline.")
    for width, _ in sizes:
        variant = await _render_still(store, record, width, limits.rendition, still=still)
        if base64_length(variant.size) <= limits.image_length:
            return Fitted(
                digest=variant.digest,
                size=variant.size,
                media_type=variant.media_type,
                width=variant.width,
                height=variant.height,
            )
    raise MediaTooLargeError("The image is too heavy to be sent inline.")


async def _render_still(
    store: MediaStore, record: MediaRecord, width: int, rendition: Format, *, still: bool
) -> VariantRecord:
    if record.reference.mime_type == "image/gif":  # graphics, and they may move
        return await store.variant(record, VariantSpec(width, "png"))
    if still and rendition == "webp":
        variant = await store.variant(record, VariantSpec(width, rendition))
        # An AVIF may move as well, and its rendition moves with it.
        if not await _is_animated(store, variant.digest, variant.size, variant.media_type):
            return variant
    return await store.variant(record, VariantSpec(width, "jpeg"))


async def _is_animated(store: MediaStore, digest: str, size: int, media_type: str) -> bool:
    """Whether a blob is an animated WebP (RFC 9649, 2.7.1.1: a flag of the extended header)."""
    if media_type != "image/webp" or size < _WEBP_HEAD:
        return False
    async with aclosing(store.read_blob(digest, size, end=_WEBP_HEAD)) as chunks:
        head = b"".join([chunk async for chunk in chunks])
    return head[12:16] == _ANIMATED_WEBP and bool(head[20] & _ANIMATION_FLAG)


def _original(reference: MediaReference) -> Fitted:
    return Fitted(
        digest=reference.digest,
        size=reference.size,
        media_type=reference.mime_type,
        width=reference.width,
        height=reference.height,
    )
