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
from coatcheck.store.renditions import Condemned, Renditions, thumbnail_of
from coatcheck.store.verification import BlobFinding, verify_blobs
from coatcheck.variants import VariantSpec

if TYPE_CHECKING:  # a store receives its engines
    from sqlalchemy.ext.asyncio import AsyncConnection


Kind = Literal["media", "opaque"]
"""What is put: media of an accepted type, or bytes of any type that nothing looks at."""


@dataclass(frozen=True, slots=True)
class MediaStream:
    """Media on its way out: bytes `start` up to but without `end` of `reference`."""

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
        fetcher: fetches URLs; without one, `put_url` cannot be used.
        max_bytes: largest media that is accepted.
        owner_bytes: what the media of one owner may occupy together; 0 for no limit.
        variant_bytes: what rendered variants may occupy together; thumbnails do not count, nor do
            WebP of 512 pixels, of which an image has one.
        clock: tells the time of a put.
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
        self._removal = Removal(blobs=blobs, catalog=catalog, forget=self._small_blobs.forget)
        self._erasure = Erasure(catalog=catalog, removal=self._removal)
        self.max_bytes = max_bytes

    async def __aenter__(self) -> Self:
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
    ) -> MediaReference:
        """Store media durably and return a reference to it.

        When this returns, the media survives a crash and a power cut. When it raises, nothing of it
        is left, but for a commit that fails at the very end: that may leave bytes that nothing
        refers to, which `verify` counts as an orphan. The same content is stored once, however many
        references there are.

        Args:
            content: the bytes, in one piece or a list of chunks; a file's path; or an asynchronous
                iterator of chunks, which is streamed to disk and never held as a whole.
            display_name: a file name to show; reduced to its last component and cleaned.
            alt: alternative text; cleaned and cut to one line of `ALT_WEIGHT`.
            media_type: what the sender says it is. The stored type is always the sniffed one, but
                for opaque media; a claim to be an image that does not hold is refused.
            owner: whom it belongs to.
            conversation_id: the conversation that it belongs to.
            kind: ``media`` for what is of an accepted type; ``opaque`` for bytes of any type.
                Nothing looks at those: their type is `media_type`, or ``application/octet-stream``;
                they have no thumbnail and no variants, and are served as a file to save alone.
            reuse: give the same content of the same owner and conversation the same reference, as
                long as that is not deleted. Where it is known, nothing is written. The reference
                that is returned has the name and the text of this call; neither is recorded.

        Raises:
            InvalidInputError: the content is a string, which is never opened as a file, or is of
                another type that is not taken; the kind is unknown; or the type of opaque media is
                no media type.
            EmptyMediaError: there are no bytes.
            MediaTooLargeError: there are more than `max_bytes`.
            QuotaExceededError: there are more than the owner's quota leaves.
            UnsupportedMediaError: the bytes are of no accepted type, or claim to be an image and
                are none; or opaque media claims to be one.
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
        record = await self._admission.admit(content, new, media_type, max_bytes=self.max_bytes)
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

        The result has the original's type, or is a PNG where that is a GIF or an SVG. Of an
        animation the first frame is edited.

        Args:
            reference_id: the image.
            edits: what to do, in this order (`coatcheck.edits`).
            display_name: as for `put`.
            alt: as for `put`.
            owner: as for `put`.
            conversation_id: as for `put`.

        Raises:
            NotFoundError: there is no such reference.
            InvalidInputError: it is no image, or an edit does not fit it; the message says which.
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
        """The reference with this id, read from the catalog.

        Raises:
            NotFoundError: there is none; a malformed id is one that there is none of.
        """
        return (await self.record(reference_id)).reference

    async def record(self, reference_id: str) -> MediaRecord:
        """The reference with its scope and its variants.

        Raises:
            NotFoundError: there is none.
        """
        canonical = normalize_reference_id(reference_id)
        record = None if canonical is None else await self._catalog.find(canonical)
        if record is None:
            raise NotFoundError("There is no media under this id.")
        return record

    async def records(self, reference_ids: Collection[str]) -> Mapping[str, MediaRecord]:
        """The records of those references that there are, by the ids that were given.

        All are looked up at once. A malformed id is one that there is no reference of.

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
        """What belongs to a conversation and to `owner`, newest first.

        Args:
            conversation_id: the conversation.
            owner: whose media; None for what has no owner.
            also: ids of more media of the owner's, such as uploads that messages refer to.
            before: the id of the last one of the page before.
            limit: how many at most.
        """
        return await self._catalog.conversation_media(
            conversation_id, owner=owner, also=also, before=before, limit=limit
        )

    async def list_media(
        self, *, owner: str | None = None, before: MediaCursor | None = None, limit: int = 50
    ) -> Sequence[ListedMedia]:
        """All media of an owner, newest first, a page at a time.

        Args:
            owner: whose media; None for what has no owner.
            before: the place of the last one of the page before.
            limit: how many at most.
        """
        return await self._catalog.list_media(owner=owner, before=before, limit=limit)

    async def open(
        self, reference_id: str, *, start: int = 0, end: int | None = None
    ) -> MediaStream:
        """The original bytes, whole or from `start` up to but without `end`.

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
        """The original bytes as a whole; `open` streams what may be too large for memory.

        Raises:
            NotFoundError: there is no such reference.
            DamagedBlobError: stored bytes are missing.
        """
        async with aclosing((await self.open(reference_id)).chunks) as chunks:
            return b"".join([chunk async for chunk in chunks])

    async def thumbnail(self, reference_id: str) -> RenderedImage:
        """The WebP thumbnail: longest edge 256 pixels, about 10 KiB at most.

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
        """The main colors of an image, largest share first, told from its thumbnail's pixels.

        Raises:
            NotFoundError: there is no such reference, or it is no image.
            OverloadedError: too many images are waiting already.
        """
        return await self._renditions.palette(await self.record(reference_id))

    async def variant(self, record: MediaRecord, spec: VariantSpec) -> VariantRecord:
        """A rendition of an image, rendered now if it is asked for the first time.

        Any number of simultaneous calls render it once. Its bytes are read with `read_blob`.

        Raises:
            NotFoundError: the media is no image, or has been deleted.
            OverloadedError: too many renditions are waiting already.
            VariantBudgetError: the budget for renditions is used up.
            UnprocessableMediaError: the original cannot be decoded any more.
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
        """The bytes of an original or a variant, by its digest and recorded size.

        Small ones are read once and remembered.

        Args:
            digest: of the original or the variant.
            size: its recorded length.
            start: the first byte.
            end: the byte after the last one; None for the end.
            reference_id: the reference whose record named the blob. With it, bytes that are missing
                because the reference has been deleted meanwhile are no damage.

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
        """The bytes of a small original or variant, if they have been read a short time ago.

        What `read_blob` would give, without waiting for anything; None where only it can tell.

        Args:
            digest: of the original or the variant.
        """
        return self._small_blobs.use(digest)

    async def check_room(self, size: int, *, owner: str | None = None) -> None:
        """Refuse media of `size` bytes before any of it is taken in, if it will not fit.

        Args:
            size: bytes.
            owner: whom it would belong to; None for no owner.

        Raises:
            MediaTooLargeError: it is more than `max_bytes`.
            QuotaExceededError: it is more than the owner's quota leaves.
        """
        await self._admission.check_room(size, owner, max_bytes=self.max_bytes)

    async def delete(self, reference_id: str) -> None:
        """Forget a reference; with the last one to a content, its bytes and variants.

        Args:
            reference_id: the reference, by its id.

        Raises:
            NotFoundError: there is no such reference.
            StorageError: the reference may be gone and its bytes left; `sweep` removes them.
        """
        await self._removal.delete(reference_id)

    async def erase_owner(self, owner: str) -> ErasureReceipt:
        """Erase everything of an owner: media, what shows it, and the rows of all participants.

        All rows go in one transaction. Then the bytes go, but for content that another owner has
        too. Media of others in conversations of this owner stays. What the owner puts afterwards
        is kept: stop that first. Erasing an owner of which there is nothing does nothing.

        Args:
            owner: the owner. None is refused: what has no owner belongs to everybody.

        Raises:
            InvalidInputError: `owner` is not a string.
            StorageError: nothing is erased, or all but some bytes, which `sweep` removes.
        """
        return await self._erasure.erase(owner)

    def export_rows(
        self, *, owner: str | None = None
    ) -> AbstractAsyncContextManager[AsyncGenerator[ExportedRow]]:
        """Every row of the store's tables and its participants', to be used as ``async with``.

        ::

            async with store.export_rows(owner="anna") as rows:
                async for row in rows:
                    print(row.schema, row.table, row.values)

        All rows are of one state of the database. A table comes after those that it refers to. The
        bytes are no rows: `read` gives those of the media among them.

        Args:
            owner: whose rows; None for all.

        Raises:
            StorageError: the database failed.
        """
        return self._catalog.export_rows(owner)

    async def secret(self, name: str) -> bytes:
        """32 random bytes of this name, made once and the same for all who share the store's data.

        They are in the catalog: a copy of it holds them too.

        Args:
            name: what they are used for, at most 64 characters.

        Raises:
            StorageError: the catalog failed.
        """
        return await self._catalog.secret(name)

    def transaction(self) -> AbstractAsyncContextManager[SharedTransaction]:
        """A write transaction on the store's database, to be used as ``async with``.

        It commits when its context ends without an exception, else it rolls back. At most one is
        under way at a time, across all processes: keep it short, and do not use the store's own
        methods that write in it. In the same task they raise; in a task that you wait for, they
        would wait for the transaction, and it for them.

        Raises:
            StorageError: the transaction failed, or one of the store's own methods that write was
                used in it; nothing of it is kept.
        """
        return self._catalog.transaction()

    def snapshot(self) -> AbstractAsyncContextManager["AsyncConnection"]:
        """A connection to the store's database whose statements see one state of it. Only read.

        Raises:
            StorageError: the database failed.
        """
        return self._catalog.snapshot()

    async def sweep(self) -> int:
        """Remove bytes that a deletion left, because it was a conversation's or was interrupted.

        Opening a store does this too. Any number of processes may do it at the same time.

        Returns:
            How many contents were done with.

        Raises:
            StorageError: some are left for the next time.
        """
        return await self._removal.sweep()

    async def verify(self) -> AsyncGenerator[BlobFinding]:
        """Hash every stored blob anew and compare it with the catalog."""
        async with aclosing(verify_blobs(self._blobs, self._catalog)) as findings:
            async for finding in findings:
                yield finding

    async def blob_count(self) -> int:
        """How many blobs `verify` is going to look at, orphans aside."""
        return sum([1 async for _ in self._catalog.expected_blobs()])
