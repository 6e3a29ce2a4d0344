"""`MediaStore`, the one object that an application holds: bytes in, references out."""

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Self, get_args
from uuid import uuid4

from coatcheck.bounded import BoundedMemory
from coatcheck.edits import Edit
from coatcheck.errors import (
    ConfigurationError,
    InvalidInputError,
    InvalidRangeError,
    NotFoundError,
)
from coatcheck.mediatype import opaque_type
from coatcheck.options import DEFAULT_MAX_BYTES, DEFAULT_VARIANT_BYTES
from coatcheck.ports import (
    BlobStore,
    Catalog,
    ErasureReceipt,
    ExportedRow,
    Fetcher,
    Inspected,
    ListedMedia,
    MediaCursor,
    MediaRecord,
    NewMedia,
    RenderedImage,
    Renderer,
    SharedTransaction,
    Swatch,
    VariantRecord,
)
from coatcheck.reference import (
    ALT_WEIGHT,
    MediaReference,
    clean_display_name,
    clean_text,
    normalize_reference_id,
)
from coatcheck.store.admission import Admission, Content
from coatcheck.store.erasure import Erasure
from coatcheck.store.reading import CAPACITY, BlobReader
from coatcheck.store.removal import Removal
from coatcheck.store.renditions import Ahead, Condemned, Renditions, thumbnail_of
from coatcheck.store.verification import BlobFinding, verify_blobs
from coatcheck.variants import VariantSpec

if TYPE_CHECKING:  # a store receives its engines
    from sqlalchemy.ext.asyncio import AsyncConnection


Kind = Literal["media", "opaque"]
"""The kind of content: media of an accepted type, or bytes of any type (``opaque``)."""


@dataclass(frozen=True, slots=True)
class MediaStream:
    """Bytes of a `reference` to send: those from `start` up to, but not including, `end`."""

    reference: MediaReference
    start: int
    end: int
    chunks: AsyncGenerator[bytes]


class MediaStore:
    """Keeps media and hands out references. Use it as ``async with``; `open_store` makes one.

    Args:
        blobs: where bytes live.
        catalog: where references live.
        renderer: looks at images.
        fetcher: fetches URLs for `put_url`; None if the store fetches nothing.
        max_bytes: largest media that is accepted.
        owner_bytes: how many bytes the media of one owner may occupy together; 0 for no limit.
        variant_bytes: how many bytes all rendered variants may occupy; thumbnails do not count, nor
            do WebP of 512 pixels, of which an image has one.
        eager: start the renderer's workers at once, and make the next variant of a new picture in
            idle time.
        clock: returns the time of a put.
    """

    def __init__(
        self,
        *,
        blobs: BlobStore,
        catalog: Catalog,
        renderer: Renderer,
        fetcher: Fetcher | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
        owner_bytes: int = 0,
        variant_bytes: int = DEFAULT_VARIANT_BYTES,
        eager: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        condemned = Condemned()
        self._blobs = blobs
        self._catalog = catalog
        self._renderer = renderer
        self._fetcher = fetcher
        self._clock = clock
        self._admission = Admission(
            blobs=blobs,
            catalog=catalog,
            renderer=renderer,
            condemned=condemned,
            owner_bytes=owner_bytes,
        )
        self._small_blobs = BoundedMemory[str, bytes](capacity=CAPACITY, weigh=len)
        self._reading = BlobReader(blobs, catalog, self._small_blobs)
        self._renditions = Renditions(
            blobs=blobs,
            catalog=catalog,
            renderer=renderer,
            reading=self._reading,
            condemned=condemned,
            max_bytes=variant_bytes,
        )
        self._eager = eager
        self._ahead = Ahead(self._renditions, renderer)
        self._removal = Removal(blobs=blobs, catalog=catalog, forget=self._small_blobs.forget)
        self._erasure = Erasure(catalog=catalog, removal=self._removal)
        self.max_bytes = max_bytes

    async def __aenter__(self) -> Self:
        if self._eager:
            self._ahead.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Release workers, connections and files."""
        async with AsyncExitStack() as stack:  # each is closed even if another fails to
            stack.push_async_callback(self._blobs.aclose)
            stack.push_async_callback(self._catalog.aclose)
            stack.push_async_callback(self._renderer.aclose)
            stack.push_async_callback(self._renditions.aclose)
            stack.push_async_callback(self._ahead.aclose)

    async def warm(self) -> None:
        """Start the worker processes that decode images, and return when they are ready.

        Without it, the first picture starts them and takes some 0.4 s longer. `open_store` with
        ``eager=True`` does this in the background.

        Raises:
            WorkerError: a worker does not start.
        """
        await self._renderer.warm()

    async def put(
        self,
        content: Content,
        *,
        display_name: str | None = None,
        alt: str | None = None,
        media_type: str | None = None,
        owner: str | None = None,
        conversation_id: str | None = None,
        kind: Kind = "media",
        reuse: bool = False,
        on_inspected: Callable[[Inspected], None] | None = None,
    ) -> MediaReference:
        """Store media durably and return a reference to it.

        When this returns, the media survives a crash and a power cut. When it raises, it leaves
        nothing behind, with one exception: a commit that fails at the very end may leave bytes that
        nothing refers to, which `verify` reports as an orphan. The same content is stored once,
        however many references it has.

        Args:
            content: the bytes, in one piece or as a list of chunks; the path of a file; or an
                asynchronous iterator of chunks, which is streamed to disk and never held in memory
                as a whole.
            display_name: a file name to show; reduced to its last component and cleaned.
            alt: alternative text; cleaned and cut to one line of `ALT_WEIGHT`.
            media_type: the declared type. The stored type is always the sniffed one, except for
                opaque media. Content that is declared as an image and is none is refused.
            owner: the owner; None for no owner.
            conversation_id: the conversation that it belongs to.
            kind: ``media`` for content of an accepted type; ``opaque`` for bytes of any type. The
                store does not look at opaque bytes: their type is `media_type`, or
                ``application/octet-stream``; they have no thumbnail and no variants, and are served
                only as a file to save.
            reuse: give the same content of the same owner and conversation the same reference, as
                long as that is not deleted. For known content, nothing is written. The returned
                reference has the name and the text of this call, which the store does not record.
            on_inspected: called with the size and the placeholder of a new image as soon as they
                are known, before the image is stored. If `put` then raises, the image does not
                exist: take back what you showed. It is not called for content that is known
                already.

        Raises:
            InvalidInputError: the content is a string, which `put` never opens as a file, or
                another unsupported type; the kind is unknown; or the type of opaque media is not a
                media type.
            EmptyMediaError: there are no bytes.
            MediaTooLargeError: there are more than `max_bytes`.
            QuotaExceededError: there are more than the owner's quota leaves.
            UnsupportedMediaError: the type of the bytes is not accepted; the bytes are declared as
                an image and are none; or opaque media is declared as one.
            PixelBudgetError: the image's canvas is too large.
            UnprocessableMediaError: the image is damaged or cut short.
            StorageError: the storage failed.
        """
        if kind not in get_args(Kind):
            raise InvalidInputError("The kind of what is put is 'media' or 'opaque'.")
        name = clean_display_name(display_name) if display_name else None
        new = NewMedia(
            id=str(uuid4()),
            created_at=self._clock(),
            display_name=name,
            alt=(clean_text(alt, ALT_WEIGHT) or None) if alt else None,
            owner=owner,
            conversation_id=conversation_id,
            opaque_type=opaque_type(media_type) if kind == "opaque" else None,
            reuse=reuse,
        )
        record = await self._admission.admit(
            content, new, media_type, max_bytes=self.max_bytes, on_inspected=on_inspected
        )
        self._ahead.add(record)
        if not reuse:
            return record.reference
        # Another place may show the same media under another name.
        return replace(record.reference, display_name=new.display_name, alt=new.alt)

    async def put_url(
        self,
        url: str,
        *,
        display_name: str | None = None,
        alt: str | None = None,
        owner: str | None = None,
        conversation_id: str | None = None,
    ) -> MediaReference:
        """Fetch media from a public URL and store it as `put` does. The URL is not kept.

        Args:
            url: http or https. It may come from a model or a user; see ``SECURITY.md``.
            display_name: a file name to show; by default the one in the URL.
            alt: as for `put`.
            owner: as for `put`.
            conversation_id: as for `put`.

        Raises:
            FetchRefusedError: the URL, or a redirect on the way, may not be fetched.
            FetchError: there is no usable answer.
            ConfigurationError: the store was made without a fetcher.
            CoatcheckError: what `put` raises.
        """
        if self._fetcher is None:
            raise ConfigurationError(
                "Fetching URLs is an extra. Install it with: pip install 'coatcheck[fetch]'"
            )
        async with self._fetcher.fetch(url, max_bytes=self.max_bytes) as fetched:
            await self.check_room(fetched.size or 1, owner=owner)
            return await self.put(
                fetched.chunks,
                display_name=display_name or fetched.display_name,
                alt=alt,
                media_type=fetched.media_type,
                owner=owner,
                conversation_id=conversation_id,
            )

    async def edit(
        self,
        reference_id: str,
        edits: Sequence[Edit],
        *,
        display_name: str | None = None,
        alt: str | None = None,
        owner: str | None = None,
        conversation_id: str | None = None,
    ) -> MediaReference:
        """Edit an image and store the result as `put` does. The original stays as it is.

        The result has the original's type, or is a PNG if that is a GIF or an SVG. Of an animation,
        the first frame is edited.

        Args:
            reference_id: the image.
            edits: what to do, in this order (`coatcheck.edits`).
            display_name: as for `put`.
            alt: as for `put`.
            owner: as for `put`.
            conversation_id: as for `put`.

        Raises:
            NotFoundError: there is no such reference.
            InvalidInputError: the media is not an image, or an edit does not fit it; the message
                says which.
            OverloadedError: too many images are waiting already.
            CoatcheckError: what `put` raises.
        """
        image = await self._renditions.edit(await self.get(reference_id), edits)
        return await self.put(
            image.data,
            display_name=display_name,
            alt=alt,
            media_type=image.media_type,
            owner=owner,
            conversation_id=conversation_id,
        )

    async def get(self, reference_id: str) -> MediaReference:
        """Return the reference with this id from the catalog.

        Raises:
            NotFoundError: there is none, or the id is malformed.
        """
        return (await self.record(reference_id)).reference

    async def record(self, reference_id: str) -> MediaRecord:
        """Return the reference with its owner, its conversation and its variants.

        Raises:
            NotFoundError: there is none.
        """
        canonical = normalize_reference_id(reference_id)
        record = None if canonical is None else await self._catalog.find(canonical)
        if record is None:
            raise NotFoundError("There is no media under this id.")
        return record

    def recall_record(self, reference_id: str) -> MediaRecord | None:
        """Return what `record` returns, if it is still in memory.

        This never waits. None means that `record` has to look.

        Args:
            reference_id: the reference, by its id in lower case.
        """
        return self._catalog.recall(reference_id)

    async def records(self, reference_ids: Collection[str]) -> Mapping[str, MediaRecord]:
        """Return the records of all references that exist, by the given ids.

        One lookup finds all of them. Unknown and malformed ids are left out.

        Args:
            reference_ids: the references, by their ids.
        """
        canonical = {
            given: one for given in reference_ids if (one := normalize_reference_id(given))
        }
        found = await self._catalog.find_many(set(canonical.values()))
        return {given: found[one] for given, one in canonical.items() if one in found}

    async def conversation_media(
        self,
        conversation_id: str,
        *,
        owner: str | None = None,
        also: Collection[str] = (),
        before: str | None = None,
        limit: int = 20,
    ) -> Sequence[MediaRecord]:
        """Return the media of a conversation that belongs to `owner`, newest first.

        Args:
            conversation_id: the conversation.
            owner: the owner; None for media without one.
            also: ids of more media of this owner, such as uploads that messages refer to.
            before: the id of the last record of the previous page.
            limit: how many at most.
        """
        return await self._catalog.conversation_media(
            conversation_id, owner=owner, also=also, before=before, limit=limit
        )

    async def list_media(
        self, *, owner: str | None = None, before: MediaCursor | None = None, limit: int = 50
    ) -> Sequence[ListedMedia]:
        """Return a page of all media of an owner, newest first.

        Args:
            owner: whose media; None for what has no owner.
            before: the place of the last media of the previous page.
            limit: how many at most.
        """
        return await self._catalog.list_media(owner=owner, before=before, limit=limit)

    async def open(
        self, reference_id: str, *, start: int = 0, end: int | None = None
    ) -> MediaStream:
        """Stream the original bytes, or those from `start` up to, but not including, `end`.

        Raises:
            NotFoundError: there is no such reference; while iterating: it has been deleted.
            InvalidRangeError: the range lies outside the media.
            DamagedBlobError: while iterating: stored bytes are missing.
        """
        reference = await self.get(reference_id)
        stop = reference.size if end is None else end
        if not 0 <= start <= stop <= reference.size:
            raise InvalidRangeError
        chunks = self._reading.stream(
            reference.digest, start=start, end=stop, reference_id=reference.id
        )
        return MediaStream(reference, start, stop, chunks)

    async def read(self, reference_id: str) -> bytes:
        """Return all original bytes; use `open` to stream media that may be too large for memory.

        Raises:
            NotFoundError: there is no such reference.
            DamagedBlobError: stored bytes are missing.
        """
        async with aclosing((await self.open(reference_id)).chunks) as chunks:
            return b"".join([chunk async for chunk in chunks])

    async def thumbnail(self, reference_id: str) -> RenderedImage:
        """Return the WebP thumbnail: longest edge 256 pixels, about 10 KiB at most.

        Raises:
            NotFoundError: there is no such reference, or it is no image.
        """
        record = await self.record(reference_id)
        variant = thumbnail_of(record)
        reading = self.read_blob(variant.digest, variant.size, reference_id=record.reference.id)
        async with aclosing(reading) as chunks:
            data = b"".join([chunk async for chunk in chunks])
        return RenderedImage(
            data=data, media_type=variant.media_type, width=variant.width, height=variant.height
        )

    async def palette(self, reference_id: str) -> Sequence[Swatch]:
        """Return the main colors of an image, computed from its thumbnail, largest share first.

        Raises:
            NotFoundError: there is no such reference, or it is no image.
            OverloadedError: too many images are waiting already.
        """
        return await self._renditions.palette(await self.record(reference_id))

    async def variant(self, record: MediaRecord, spec: VariantSpec) -> VariantRecord:
        """Return a variant of an image, and render it on the first request.

        Simultaneous calls render it once. Read its bytes with `read_blob`.

        Raises:
            NotFoundError: the media is not an image, or has been deleted.
            OverloadedError: too many variants are waiting already.
            VariantBudgetError: the budget for variants is used up.
            UnprocessableMediaError: the original can no longer be decoded.
            WorkerTimeoutError: rendering took too long.
        """
        return await self._renditions.get(record, spec)

    def read_blob(
        self,
        digest: str,
        size: int,
        *,
        start: int = 0,
        end: int | None = None,
        reference_id: str | None = None,
    ) -> AsyncGenerator[bytes]:
        """Stream the bytes of an original or a variant, by its digest and recorded size.

        Small ones are read once and kept in memory for a short time.

        Args:
            digest: of the original or the variant.
            size: its recorded length.
            start: the first byte.
            end: the byte after the last one; None for the end.
            reference_id: the reference whose record named the blob. With it, bytes that are missing
                because the reference has been deleted meanwhile do not count as damage.

        Raises:
            NotFoundError: while iterating: the reference has been deleted.
            DamagedBlobError: while iterating: the blob is missing or ends too early.
        """
        return self._reading.read(
            digest,
            size=size,
            start=start,
            end=size if end is None else end,
            reference_id=reference_id,
        )

    def recall_blob(self, digest: str) -> bytes | None:
        """Return the bytes of a small original or variant if they are still in memory.

        This never waits. None means that `read_blob` has to read the bytes.

        Args:
            digest: of the original or the variant.
        """
        return self._small_blobs.use(digest)

    async def check_room(self, size: int, *, owner: str | None = None) -> None:
        """Refuse media of `size` bytes that will not fit, before its first byte is read.

        Args:
            size: bytes.
            owner: the owner that it would have; None for no owner.

        Raises:
            MediaTooLargeError: it is more than `max_bytes`.
            QuotaExceededError: it is more than the owner's quota leaves.
        """
        await self._admission.check_room(size, owner, max_bytes=self.max_bytes)

    async def delete(self, reference_id: str) -> None:
        """Delete a reference, and with the last reference to a content its bytes and variants.

        Args:
            reference_id: the reference, by its id.

        Raises:
            NotFoundError: there is no such reference.
            StorageError: the reference may be gone and its bytes left; `sweep` removes them.
        """
        await self._removal.delete(reference_id)

    async def erase_owner(self, owner: str) -> ErasureReceipt:
        """Erase an owner's media, records of what shows it, and all participants' rows.

        One transaction deletes all rows. Then the store deletes the bytes, except content that
        another owner has too. Media of other owners in conversations of this owner stays. The store
        keeps what the owner puts afterwards: stop the owner's activity first. Erasing an unknown
        owner does nothing.

        Args:
            owner: the owner. None is refused: media without an owner belongs to everyone.

        Raises:
            InvalidInputError: `owner` is not a string.
            StorageError: nothing is erased, or everything except some bytes, which `sweep` removes.
        """
        return await self._erasure.erase(owner)

    def export_rows(
        self, *, owner: str | None = None
    ) -> AbstractAsyncContextManager[AsyncGenerator[ExportedRow]]:
        """Iterate over every row of the store's and its participants' tables, with ``async with``.

        ::

            async with store.export_rows(owner="anna") as rows:
                async for row in rows:
                    print(row.schema, row.table, row.values)

        All rows come from one state of the database. A table comes after those that it refers to.
        The rows do not contain the bytes of media; use `read` for those.

        Args:
            owner: whose rows; None for all.

        Raises:
            StorageError: the database failed.
        """
        return self._catalog.export_rows(owner)

    async def secret(self, name: str) -> bytes:
        """Return the 32 random bytes of this name, the same for all processes on the store's data.

        The first call generates them. The catalog keeps them, so copies of it contain them too.

        Args:
            name: the purpose of the bytes, at most 64 characters.

        Raises:
            StorageError: the catalog failed.
        """
        return await self._catalog.secret(name)

    def transaction(self) -> AbstractAsyncContextManager[SharedTransaction]:
        """Begin a write transaction on the store's database, with ``async with``.

        It commits when its context ends without an exception, otherwise it rolls back. At most one
        runs at a time, across all processes: keep it short, and do not call store methods that
        write within it. In the same task they raise; a task that you wait for would wait for the
        transaction, which is a deadlock.

        Raises:
            StorageError: the transaction failed, or a store method that writes was called in it;
                nothing of it is kept.
        """
        return self._catalog.transaction()

    def snapshot(self) -> AbstractAsyncContextManager["AsyncConnection"]:
        """Open a read-only connection to the store's database that sees one state of it.

        Raises:
            StorageError: the database failed.
        """
        return self._catalog.snapshot()

    async def sweep(self) -> int:
        """Remove bytes that a conversation's deletion, or an interrupted deletion, left behind.

        Opening a store does this too. Any number of processes may sweep at the same time.

        Returns:
            How many contents were processed.

        Raises:
            StorageError: some bytes are left for the next sweep.
        """
        return await self._removal.sweep()

    async def verify(self) -> AsyncGenerator[BlobFinding]:
        """Hash every stored blob and compare it with the catalog."""
        async with aclosing(verify_blobs(self._blobs, self._catalog)) as findings:
            async for finding in findings:
                yield finding

    async def blob_count(self) -> int:
        """Return how many blobs `verify` will check, not counting orphans."""
        return sum([1 async for _ in self._catalog.expected_blobs()])
