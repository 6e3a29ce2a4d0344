"""The one path of a put: room, a bounded stream, inspection, and one transaction at the end."""

import asyncio
import hashlib
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from anyio import CancelScope, open_file, to_thread
from anyio.lowlevel import checkpoint_if_cancelled

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
    Inspected,
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

AtHand = bytes | bytearray | memoryview | list[bytes] | tuple[bytes, ...]
Content = AtHand | Path | AsyncIterable[bytes]
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
        _check_size(size, max_bytes)
        await self._require_room(size, owner)

    async def admit(
        self,
        content: Content,
        new: NewMedia,
        media_type: str | None,
        *,
        max_bytes: int,
        on_inspected: Callable[[Inspected], None] | None = None,
    ) -> MediaRecord:
        """Store `content` and record `new` for it; see `MediaStore.put`."""
        _require_content(content)
        if isinstance(content, (*_BYTES, list, tuple)):
            size = _size(content)
            if size == 0:
                raise EmptyMediaError
            _check_size(size, max_bytes)
            pieces = _pieces(content)
            found = OPAQUE_TYPE if new.opaque_type else _accepted_type(_head(pieces))
            _check_claim(found, new, media_type)
            return await self._admit_at_hand(pieces, found, new, on_inspected)
        room = await self._room(new.owner)
        if room is not None and room < 1:
            raise QuotaExceededError  # before anything is written
        async with self._blobs.stage() as staged:
            found = await _receive(
                content, staged, max_bytes=max_bytes, room=room, is_opaque=bool(new.opaque_type)
            )
            _check_claim(found, new, media_type)
            record = None
            if new.reuse:
                record = await self._find_reusable(new, staged.digest)
            if record is None:
                blob = await self._catalog.find_blob(staged.digest)
                if blob is not None and _is_enough(blob[0], new):
                    record = await self._commit_known(staged.digest, staged.size, new, staged)
            if record is None:
                record = await self._inspect_and_commit(staged, found, new, on_inspected)
        return record

    async def _admit_at_hand(
        self,
        pieces: Sequence[bytes],
        media_type: str,
        new: NewMedia,
        on_inspected: Callable[[Inspected], None] | None,
    ) -> MediaRecord:
        """Store what is in memory. Known content is compared with its copy, and not written."""
        digest, size = await _digest(pieces), _size(pieces)
        if new.reuse:
            record = await self._find_reusable(new, digest)
            if record is not None:
                return record
        await self._require_room(size, new.owner)  # before anything is written
        blob = await self._catalog.find_blob(digest)
        is_known = blob is not None and _is_enough(blob[0], new)
        if is_known and await self._blobs.holds(digest, pieces):
            record = await self._commit_known(digest, size, new)
            if record is not None:
                return record
        async with self._blobs.stage(digest=digest) as staged:
            for piece in pieces:
                await staged.write(piece)
            if is_known:  # its copy is damaged, and mended by this one; or it was just deleted
                record = await self._commit_known(digest, size, new, staged)
                if record is not None:
                    return record
            return await self._inspect_and_commit(staged, media_type, new, on_inspected)

    async def _find_reusable(self, new: NewMedia, digest: str) -> MediaRecord | None:
        """The reference that is reused for this content, if its bytes are there too."""
        known = await self._catalog.find_reusable(new, digest)
        if known is None:
            return None
        if await self._blobs.size(digest) != known.reference.size:
            return None  # a put makes it whole again
        return known

    async def _require_room(self, size: int, owner: str | None) -> None:
        room = await self._room(owner)
        if room is not None and size > room:
            raise QuotaExceededError

    async def _room(self, owner: str | None) -> int | None:
        """Bytes that may come in for `owner`; None where nothing limits them."""
        if not self._owner_bytes:
            return None
        return self._owner_bytes - await self._catalog.owner_bytes(owner)

    async def _hold_quota(
        self, transaction: CatalogTransaction, digest: str, size: int, owner: str | None
    ) -> None:
        # Again, and now under the write lock: several puts of one owner may have begun while there
        # was room for one. A content that the owner has already takes no more room.
        if not self._owner_bytes:
            return
        others = await transaction.owner_bytes(owner, besides=digest)
        if others + size > self._owner_bytes:
            raise QuotaExceededError

    async def _commit_known(
        self, digest: str, size: int, new: NewMedia, staged: StagedBlob | None = None
    ) -> MediaRecord | None:
        """Refer to content that is known already; None if it has been deleted meanwhile.

        Its row says that its bytes are on the disk, since no row is committed before them, and no
        deletion removes them while the row is there. `staged` replaces a copy that is damaged or
        was not compared.
        """
        if staged is not None:
            await staged.seal()
        with CancelScope(shield=True):
            async with self._catalog.transaction() as transaction:
                known = await transaction.find_blob(digest)
                if known is None or not _is_enough(known, new):
                    return None
                await self._hold_quota(transaction, digest, size, new.owner)
                if staged is not None:
                    await self._blobs.publish(staged)
                record = await transaction.add_media(new, digest)
        return record

    async def _inspect(self, staged: StagedBlob, media_type: str, owner: str | None) -> ImageFacts:
        self._condemned.check(staged.digest, "inspect")
        with self._condemned.remembering(staged.digest, "inspect"):
            return await self._renderer.inspect(
                staged.path, media_type, share=share_of(owner, staged.digest)
            )

    async def _inspect_and_commit(
        self,
        staged: StagedBlob,
        media_type: str,
        new: NewMedia,
        on_inspected: Callable[[Inspected], None] | None,
    ) -> MediaRecord:
        blob = BlobRecord(digest=staged.digest, size=staged.size, media_type=media_type)
        variants: list[VariantRecord] = []
        publications = [staged]
        async with AsyncExitStack() as stack:
            async with _beside(staged.seal()):  # a worker reads the file while it is synced
                if media_type in IMAGE_TYPES:
                    facts = await self._inspect(staged, media_type, new.owner)
                    blob = replace(
                        blob,
                        width=facts.width,
                        height=facts.height,
                        frames=facts.frames,
                        placeholder=facts.placeholder,
                    )
                    if on_inspected is not None:
                        on_inspected(_inspected(media_type, facts))
                    rendered = list(_renditions(facts))
                    renditions = [
                        await stack.enter_async_context(self._blobs.stage()) for _ in rendered
                    ]
                    await _all_of(
                        rendition.seal(image.data)
                        for rendition, (_, image) in zip(renditions, rendered, strict=True)
                    )
                    variants = [
                        variant_record(name, rendition.digest, image)
                        for rendition, (name, image) in zip(renditions, rendered, strict=True)
                    ]
                    publications += renditions
            await checkpoint_if_cancelled()
            # From here on it is all or nothing, whether or not the caller still waits. The write
            # lock keeps a deletion of the same content out; the blob comes before its row: the rows
            # are written while the blobs are published, and the commit waits for both.
            with CancelScope(shield=True):
                async with self._catalog.transaction() as transaction:
                    await self._hold_quota(transaction, staged.digest, staged.size, new.owner)
                    async with _beside(self._blobs.publish(*publications)):
                        await transaction.add_blob(blob, variants)
                        record = await transaction.add_media(new, staged.digest)
        return record


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` beside the body. It has ended before this is left, also if the body fails."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        with CancelScope(shield=True):
            await asyncio.wait([task])
        failure = task.exception()
    # Only where the body has not failed: what it raised is the reason then.
    if failure is not None:
        raise failure


async def _all_of(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run several at the same time; raise the first failure once all have ended."""
    async with AsyncExitStack() as stack:
        for work in works:
            await stack.enter_async_context(_beside(work))


def _inspected(media_type: str, facts: ImageFacts) -> Inspected:
    return Inspected(
        media_type=media_type,
        width=facts.width,
        height=facts.height,
        placeholder=facts.placeholder,
    )


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


def _size(content: AtHand | Sequence[bytes]) -> int:
    if isinstance(content, memoryview):
        return content.nbytes
    return sum(map(len, content)) if isinstance(content, list | tuple) else len(content)


def _pieces(content: AtHand) -> Sequence[bytes]:
    """Content that is in memory, as it is now: the caller may change what it passed."""
    if isinstance(content, list | tuple):
        return [bytes(piece) for piece in content]
    return [bytes(content)]


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise MediaTooLargeError(f"The media is larger than {max_bytes:,} bytes.")


def _head(pieces: Sequence[bytes]) -> bytes:
    head = b""
    for piece in pieces:
        head += piece[: SNIFF_BYTES - len(head)]
        if len(head) == SNIFF_BYTES:
            break
    return head


async def _digest(pieces: Sequence[bytes]) -> str:
    def compute() -> str:
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
        return f"sha-256:{digest.hexdigest()}"

    if _size(pieces) <= _HASHED_AT_ONCE:
        return compute()
    return await to_thread.run_sync(compute)


async def _receive(
    content: Path | AsyncIterable[bytes],
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
            _check_size(staged.size + len(chunk), max_bytes)
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


async def _chunks(content: Path | AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    if isinstance(content, Path):
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
