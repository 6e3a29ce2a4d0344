"""The one path of a put: room, a bounded stream, inspection, and one transaction at the end."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Final

from anyio import CancelScope, open_file, to_thread

from coatcheck.errors import (
    EmptyMediaError,
    InvalidInputError,
    MediaTooLargeError,
    QuotaExceededError,
    UnprocessableMediaError,
    UnsupportedMediaError,
)
from coatcheck.mediatype import (
    IMAGE_TYPES,
    OPAQUE_TYPE,
    SNIFF_BYTES,
    SVG,
    claims_image,
    declares_document_type,
    sniff,
)
from coatcheck.ports import (
    THUMBNAIL,
    BlobRecord,
    BlobStore,
    Catalog,
    CatalogTransaction,
    ImageFacts,
    MediaRecord,
    NewMedia,
    RenderedImage,
    Renderer,
    StagedBlob,
    VariantRecord,
)
from coatcheck.store.renditions import Condemned, share_of, variant_record
from coatcheck.variants import PREPARED

CHUNK_BYTES: Final = 1024 * 1024
"""Bytes of a file that are in memory at a time."""

_TAKEN: Final = "Pass bytes, a list of them, a pathlib.Path or an asynchronous iterator of bytes."

_BYTES: Final = (bytes, bytearray, memoryview)
_CONTENT: Final = (*_BYTES, list, tuple, Path, AsyncIterable)

Content = (
    bytes | bytearray | memoryview | list[bytes] | tuple[bytes, ...] | Path | AsyncIterable[bytes]
)
"""What a store takes: bytes, a list of chunks, a file's path, or an asynchronous iterator of
chunks."""

_HASHED_AT_ONCE: Final = 64 * 1024


class Admission:
    """Lets content in, whole or not at all.

    Args:
        blobs: where bytes live.
        catalog: where references live.
        renderer: looks at images.
        condemned: content that could not be decoded.
        owner_bytes: what the media of one owner may occupy together, each content counted once;
            0 for no limit. Media without an owner counts as one owner's.
    """

    def __init__(
        self,
        *,
        blobs: BlobStore,
        catalog: Catalog,
        renderer: Renderer,
        condemned: Condemned,
        owner_bytes: int,
    ) -> None:
        self._blobs = blobs
        self._catalog = catalog
        self._renderer = renderer
        self._condemned = condemned
        self._owner_bytes = owner_bytes

    async def check_room(self, size: int, owner: str | None, *, max_bytes: int) -> None:
        """See `MediaStore.check_room`."""
        if size > max_bytes:
            raise MediaTooLargeError(f"The media is larger than {max_bytes:,} bytes.")
        room = await self._room(owner)
        if room is not None and size > room:
            raise QuotaExceededError

    async def admit(
        self, content: Content, new: NewMedia, media_type: str | None, *, max_bytes: int
    ) -> MediaRecord:
        """Store `content` and record `new` for it; see `MediaStore.put`."""
        _require_content(content)
        at_hand = content if isinstance(content, (*_BYTES, list, tuple)) else None
        if new.reuse and at_hand is not None:
            # Before anything is written: content that is known costs a look-up alone.
            known = await self._find_reusable(new, await _digest(at_hand), media_type)
            if known is not None:
                return known
        room = await self._room(new.owner)
        if room is not None and _least_size(content) > room:
            raise QuotaExceededError  # before anything is written
        async with self._blobs.stage() as staged:
            is_opaque = new.opaque_type is not None
            found = await _receive(
                content, staged, max_bytes=max_bytes, room=room, is_opaque=is_opaque
            )
            _check_claim(found, new, media_type)
            record = None
            if new.reuse and at_hand is None:
                record = await self._find_reusable(new, staged.digest, media_type)
            if record is None:
                blob = await self._catalog.find_blob(staged.digest)
                if blob is not None and _is_enough(blob[0], new):
                    await staged.seal()
                    record = await self._commit_known(staged, new)
            if record is None:
                record = await self._inspect_and_commit(staged, found, new)
        return record

    async def _find_reusable(
        self, new: NewMedia, digest: str, media_type: str | None
    ) -> MediaRecord | None:
        """The reference that is reused for this content, if its bytes are there too."""
        known = await self._catalog.find_reusable(new, digest)
        if known is None:
            return None
        _check_claim(known.reference.mime_type, new, media_type)
        if await self._blobs.size(digest) != known.reference.size:
            return None  # a put makes it whole again
        return known

    async def _room(self, owner: str | None) -> int | None:
        """Bytes that may come in for `owner`; None where nothing limits them."""
        if not self._owner_bytes:
            return None
        return self._owner_bytes - await self._catalog.owner_bytes(owner)

    async def _hold_quota(
        self, transaction: CatalogTransaction, staged: StagedBlob, owner: str | None
    ) -> None:
        # Again, and now under the write lock: several puts of one owner may have begun while there
        # was room for one. A content that the owner has already takes no more room.
        if not self._owner_bytes:
            return
        others = await transaction.owner_bytes(owner, besides=staged.digest)
        if others + staged.size > self._owner_bytes:
            raise QuotaExceededError

    async def _commit_known(self, staged: StagedBlob, new: NewMedia) -> MediaRecord | None:
        """Refer to content that is known already; None if it has been deleted meanwhile."""
        with CancelScope(shield=True):
            async with self._catalog.transaction() as transaction:
                known = await transaction.find_blob(staged.digest)
                if known is None or not _is_enough(known, new):
                    return None
                await self._hold_quota(transaction, staged, new.owner)
                await staged.publish()
                record = await transaction.add_media(new, staged.digest)
        return record

    async def _inspect(self, staged: StagedBlob, media_type: str, owner: str | None) -> ImageFacts:
        self._condemned.check(staged.digest, "inspect")
        with self._condemned.remembering(staged.digest, "inspect"):
            return await self._renderer.inspect(
                staged.path, media_type, share=share_of(owner, staged.digest)
            )

    async def _inspect_and_commit(
        self, staged: StagedBlob, media_type: str, new: NewMedia
    ) -> MediaRecord:
        blob = BlobRecord(digest=staged.digest, size=staged.size, media_type=media_type)
        variants: list[VariantRecord] = []
        async with AsyncExitStack() as stack:
            publications = [staged]
            if media_type in IMAGE_TYPES:
                facts = await self._inspect(staged, media_type, new.owner)
                blob = BlobRecord(
                    digest=staged.digest,
                    size=staged.size,
                    media_type=media_type,
                    width=facts.width,
                    height=facts.height,
                    frames=facts.frames,
                    placeholder=facts.placeholder,
                )
                for name, image in _renditions(facts):
                    rendition = await stack.enter_async_context(self._blobs.stage())
                    await rendition.write(image.data)
                    variants.append(variant_record(name, rendition.digest, image))
                    publications.append(rendition)
            for publication in publications:
                await publication.seal()
            # From here on it is all or nothing, whether or not the caller still waits. The write
            # lock keeps a deletion of the same content out; the blob comes before its row.
            with CancelScope(shield=True):
                async with self._catalog.transaction() as transaction:
                    await self._hold_quota(transaction, staged, new.owner)
                    for publication in publications:
                        await publication.publish()
                    await transaction.add_blob(blob, variants)
                    record = await transaction.add_media(new, staged.digest)
        return record


def _renditions(facts: ImageFacts) -> Iterator[tuple[str, RenderedImage]]:
    """What the look at an image has made of it, by the names of variants."""
    yield THUMBNAIL, facts.thumbnail
    if facts.prepared is not None:
        yield PREPARED.name, facts.prepared


def _is_enough(known: BlobRecord, new: NewMedia) -> bool:
    """Whether what is known of a content is all that a reference needs.

    Content that was only put as opaque has not been looked at.
    """
    return new.opaque_type is not None or known.media_type != OPAQUE_TYPE


def _check_claim(found: str, new: NewMedia, media_type: str | None) -> None:
    claims = new.opaque_type is None and claims_image(new.display_name, media_type)
    if claims and found not in IMAGE_TYPES:
        raise UnsupportedMediaError("The media claims to be an image and is none.")


def _least_size(content: Content) -> int:
    """Bytes that `content` has at least, told without reading it; media is never empty."""
    if isinstance(content, memoryview):
        return content.nbytes
    if isinstance(content, list | tuple):
        return sum(map(len, content)) or 1
    return len(content) if isinstance(content, bytes | bytearray) else 1


async def _digest(content: bytes | bytearray | memoryview | list[bytes] | tuple[bytes, ...]) -> str:
    chunks: Iterable[bytes | bytearray | memoryview]
    chunks = content if isinstance(content, list | tuple) else (content,)

    def compute() -> str:
        digest = hashlib.sha256()
        for chunk in chunks:
            digest.update(chunk)
        return f"sha-256:{digest.hexdigest()}"

    if _least_size(content) <= _HASHED_AT_ONCE:
        return compute()
    return await to_thread.run_sync(compute)


async def _receive(
    content: Content,
    staged: StagedBlob,
    *,
    max_bytes: int,
    room: int | None = None,
    is_opaque: bool = False,
) -> str:
    """Stream `content` into `staged` and tell its sniffed media type.

    Args:
        content: what comes in.
        staged: where it is written.
        max_bytes: largest media that is accepted.
        room: what the owner's quota leaves, in bytes; None for no limit.
        is_opaque: whether its type is not looked for, and told as `OPAQUE_TYPE`.

    Raises:
        EmptyMediaError: there are no bytes.
        InvalidInputError: the file at the path cannot be read.
        MediaTooLargeError: there are more than `max_bytes`.
        QuotaExceededError: there are more than `room`.
        UnsupportedMediaError: the bytes are of no accepted type.
        UnprocessableMediaError: they are an SVG with a document type declaration.
    """
    head, found = b"", OPAQUE_TYPE if is_opaque else None
    async with aclosing(_chunks(content)) as chunks:
        async for chunk in chunks:
            if staged.size + len(chunk) > max_bytes:
                raise MediaTooLargeError(f"The media is larger than {max_bytes:,} bytes.")
            if room is not None and staged.size + len(chunk) > room:
                raise QuotaExceededError
            if found is None:
                head += chunk[: SNIFF_BYTES - len(head)]
                if len(head) == SNIFF_BYTES:  # refuse before the rest is taken in
                    found = _accepted_type(head)
            await staged.write(chunk)
    if staged.size == 0:
        raise EmptyMediaError
    return found or _accepted_type(head)


def _accepted_type(head: bytes) -> str:
    media_type = sniff(head)
    if media_type is None:
        raise UnsupportedMediaError(
            "The bytes are of no accepted type. Accepted are images (PNG, JPEG, WebP, GIF, AVIF,"
            " SVG), audio (MP3, WAV, Ogg, FLAC, M4A), video (MP4, QuickTime, WebM), PDF, ZIP, JSON"
            " and UTF-8 text."
        )
    if media_type == SVG and declares_document_type(head):
        raise UnprocessableMediaError(
            "An SVG with a document type declaration is not accepted, since that may define"
            " entities. It draws the same without its <!DOCTYPE …>."
        )
    return media_type


def _require_content(content: object) -> None:
    """Refuse what is no content, before anything is written.

    A string is never opened as a file: it may come from a model or a tool, and name any file.

    Args:
        content: what a caller passed.

    Raises:
        InvalidInputError: it is a string, or of no type that a store takes.
    """
    if isinstance(content, str):
        raise InvalidInputError(
            "A string is not taken as content. For a file, pass pathlib.Path(...); for text, pass"
            " its bytes."
        )
    if not isinstance(content, _CONTENT):
        raise InvalidInputError(f"The content is of type {type(content).__name__}. {_TAKEN}")
    if isinstance(content, list | tuple):
        for one in content:
            _require_bytes(one)


def _require_bytes(chunk: object) -> None:
    if not isinstance(chunk, bytes | bytearray | memoryview):
        raise InvalidInputError(f"A chunk is of type {type(chunk).__name__}. {_TAKEN}")


async def _chunks(content: Content) -> AsyncGenerator[bytes]:
    if isinstance(content, bytes | bytearray | memoryview):
        yield bytes(content)
    elif isinstance(content, list | tuple):
        for chunk in content:
            yield bytes(chunk)
    elif isinstance(content, Path):
        try:
            async with await open_file(content, "rb") as file:
                while chunk := await file.read(CHUNK_BYTES):
                    yield chunk
        except OSError as error:
            raise InvalidInputError(f"The file cannot be read: {error.strerror}.") from error
    else:
        async for chunk in content:
            _require_bytes(chunk)
            yield chunk
