"""What is read of stored media: references, bytes, and what is rendered of them on demand."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from coatcheck.edits import Edit
from coatcheck.errors import (
    DamagedBlobError,
    InvalidInputError,
    InvalidRangeError,
    NotFoundError,
)
from coatcheck.mediatype import IMAGE_TYPES
from coatcheck.ports import (
    THUMBNAIL,
    BlobStore,
    Catalog,
    ListedMedia,
    MediaCursor,
    MediaRecord,
    RenderedImage,
    Renderer,
    Swatch,
    VariantRecord,
)
from coatcheck.reference import MediaReference, normalize_reference_id
from coatcheck.store.condemned import Condemned
from coatcheck.store.renditions import Renditions
from coatcheck.store.small_blobs import SmallBlobs
from coatcheck.variants import VariantSpec


@dataclass(frozen=True, slots=True)
class MediaStream:
    """Media on its way out: bytes `start` up to but without `end` of `reference`."""

    reference: MediaReference
    start: int
    end: int
    chunks: AsyncGenerator[bytes]


class MediaReader:
    """The half of a `MediaStore` that leaves stored media as it is.

    Args:
        blobs: where bytes live.
        catalog: where references live.
        renderer: looks at images.
        variant_bytes: what rendered variants may occupy together; thumbnails do not count.
    """

    def __init__(
        self, *, blobs: BlobStore, catalog: Catalog, renderer: Renderer, variant_bytes: int
    ) -> None:
        self._blobs = blobs
        self._small_blobs = SmallBlobs(blobs)
        self._catalog = catalog
        self._renderer = renderer
        self._condemned = Condemned()
        self._renditions = Renditions(
            blobs=blobs,
            catalog=catalog,
            renderer=renderer,
            condemned=self._condemned,
            max_bytes=variant_bytes,
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
        return await self._record(reference_id)

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
        chunks = self._blobs.read(reference.digest, start=start, end=stop)
        return MediaStream(reference, start, stop, self._while_kept(reference.id, chunks))

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
        variant = await self._thumbnail(reference_id)
        reading = self.read_blob(variant.digest, variant.size, reference_id=reference_id)
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
        variant = await self._thumbnail(reference_id)
        async with self._kept(reference_id), self._blobs.local_file(variant.digest) as path:
            return await self._renderer.palette(path, variant.media_type)

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
        async with self._kept(record.reference.id):
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
        chunks = self._small_blobs.read(
            digest, size=size, start=start, end=size if end is None else end
        )
        return chunks if reference_id is None else self._while_kept(reference_id, chunks)

    async def _thumbnail(self, reference_id: str) -> VariantRecord:
        variant = (await self.record(reference_id)).variants.get(THUMBNAIL)
        if variant is None:
            raise NotFoundError("This media has no thumbnail: it is no image.")
        return variant

    async def _edited(self, reference: MediaReference, edits: Sequence[Edit]) -> RenderedImage:
        if reference.mime_type not in IMAGE_TYPES:
            raise InvalidInputError("This media is no image; only images can be edited.")
        async with self._kept(reference.id), self._blobs.local_file(reference.digest) as path:
            return await self._renderer.edit(path, reference.mime_type, edits)

    async def _record(self, reference_id: str, *, fresh: bool = False) -> MediaRecord:
        canonical = normalize_reference_id(reference_id)
        record = None if canonical is None else await self._catalog.find(canonical, fresh=fresh)
        if record is None:
            raise NotFoundError("There is no media under this id.")
        return record

    @asynccontextmanager
    async def _kept(self, reference_id: str) -> AsyncIterator[None]:
        """Bytes that are missing within are damage only while the reference is there.

        Its record may have been remembered for a moment while another process deleted it.
        """
        try:
            yield
        except DamagedBlobError:
            await self._record(reference_id, fresh=True)
            raise

    async def _while_kept(
        self, reference_id: str, chunks: AsyncGenerator[bytes]
    ) -> AsyncGenerator[bytes]:
        # As `_kept`, without the cost of a context for each answer.
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
        except DamagedBlobError:
            await self._record(reference_id, fresh=True)
            raise
