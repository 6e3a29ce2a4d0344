"""The port of the catalog, which keeps references."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from coatcheck.ports.participants import ErasureReceipt, ExportedRow, SharedTransaction
from coatcheck.reference import MediaReference

if TYPE_CHECKING:  # importing a port loads no engine
    from sqlalchemy.ext.asyncio import AsyncConnection

THUMBNAIL = "thumbnail"
"""The name of the one variant that every image has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobRecord:
    """Facts about a blob. Sizes in bytes, edges in pixels, `placeholder` as base64.

    Attributes:
        digest: the digest of the content, as `MediaReference.digest` has it.
        size: its length in bytes.
        media_type: the sniffed type.
        width: pixels as displayed; None where it is no image.
        height: pixels as displayed; None where it is no image.
        frames: how many images it holds; None where it is none.
        placeholder: a ThumbHash in base64; None where it is no image.
    """

    digest: str
    size: int
    media_type: str
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    placeholder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRecord:
    """A variant that was made from a blob, itself a blob under `digest`.

    Attributes:
        name: what was asked for, for example ``thumbnail``.
        digest: the digest of the rendition's bytes.
        size: their length in bytes.
        media_type: its type, for example ``image/png``.
        width: edge in pixels.
        height: edge in pixels.
    """

    name: str
    digest: str
    size: int
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRecord:
    """A row of the catalog: a reference with its owner, its conversation and its variants.

    Attributes:
        reference: the reference.
        created_at: when it was put.
        owner: whom it belongs to; None for no owner.
        conversation_id: the conversation that it belongs to; None outside one.
        variants: variants of its content, by name.
    """

    reference: MediaReference
    created_at: datetime
    owner: str | None = None
    conversation_id: str | None = None
    variants: Mapping[str, VariantRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMedia:
    """A reference that is put, as the catalog records it.

    Attributes:
        id: the reference's id.
        created_at: when it is put.
        display_name: a file name to show; None when there is none.
        alt: alternative text; None when there is none.
        owner: whom it belongs to; None for no owner.
        conversation_id: the conversation that it belongs to; None outside one.
        opaque_type: the type of opaque bytes; None for the type of the blob.
        reuse: whether the same content of the same owner and conversation gets the same reference.
            Its name and alternative text are not recorded, because they differ from place to place.
    """

    id: str
    created_at: datetime
    display_name: str | None = None
    alt: str | None = None
    owner: str | None = None
    conversation_id: str | None = None
    opaque_type: str | None = None
    reuse: bool = False


@dataclass(frozen=True, slots=True)
class MediaCursor:
    """A place in the list of an owner's media; older media follows.

    Attributes:
        created_at: when the media at this place was stored.
        id: its id, which orders media of the same moment.
    """

    created_at: datetime
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedMedia:
    """Media in a list, with the place where it is shown.

    Attributes:
        reference: the reference.
        created_at: when it was stored.
        conversation_id: the conversation that shows it, otherwise the one that it belongs to, or
            None.
        holder: the holder that shows it there, such as a message, or None.
    """

    reference: MediaReference
    created_at: datetime
    conversation_id: str | None = None
    holder: str | None = None


class CatalogTransaction(SharedTransaction, Protocol):
    """One write transaction. It commits unless an exception leaves its context."""

    async def find_blob(self, digest: str) -> BlobRecord | None:
        """The blob's record, or None.

        Args:
            digest: the digest of the content, as `MediaReference.digest` has it.
        """
        ...

    async def is_used(self, digest: str) -> bool:
        """Whether a blob or a variant of a blob is recorded under this digest.

        Args:
            digest: the digest of the content, as `MediaReference.digest` has it.
        """
        ...

    async def owner_bytes(self, owner: str | None, *, besides: str) -> int:
        """As `Catalog.owner_bytes`, but for the content with the digest `besides`.

        Args:
            owner: whose media; None for what has no owner.
            besides: a digest that is not counted.
        """
        ...

    async def add_blob(self, blob: BlobRecord, variants: Sequence[VariantRecord]) -> None:
        """Record a blob and its variants; what is recorded already stays as it is.

        A blob that was recorded without a look at it (`OPAQUE_TYPE`) takes on what is known now.

        Args:
            blob: what is known of it.
            variants: renditions that were made with it.
        """
        ...

    async def add_variant(self, source: str, variant: VariantRecord) -> VariantRecord | None:
        """Record a variant of the blob `source`, unless one of its name is recorded.

        Args:
            source: the digest of the original.
            variant: the rendition.

        Returns:
            The one that is recorded now, or None where the blob is recorded no more.
        """
        ...

    async def add_media(self, media: NewMedia, digest: str) -> MediaRecord:
        """Record a reference to a recorded blob and return it as it will be read.

        Args:
            media: the reference. If it is reused and there is one already, that one is returned and
                nothing is recorded.
            digest: the blob that it refers to.
        """
        ...

    async def remove_media(self, reference_id: str) -> Sequence[str] | None:
        """Forget a reference, and its blob with the last one.

        Args:
            reference_id: the reference, by its id.

        Returns:
            The digests that no row uses now, or None if there was no such reference. Each has a
            tombstone from the same transaction on.
        """
        ...

    async def erase_owner(self, owner: str) -> tuple[ErasureReceipt, Sequence[str]]:
        """Forget an owner's media and holders, and every participant's rows of the owner.

        Args:
            owner: the owner.

        Returns:
            What was deleted, and the digests that no row uses now, each with a tombstone from the
            same transaction on.
        """
        ...

    async def remove_tombstone(self, digest: str) -> None:
        """The bytes are gone, or used again; without a tombstone nothing happens.

        Args:
            digest: the digest of the content, as `MediaReference.digest` has it.
        """
        ...


class Catalog(Protocol):
    """Keeps references, blobs and their variants."""

    async def find(self, reference_id: str, *, fresh: bool = False) -> MediaRecord | None:
        """The record of a reference, or None.

        Args:
            reference_id: the reference, by its id.
            fresh: read it from the database, even if it is cached.
        """
        ...

    def recall(self, reference_id: str) -> MediaRecord | None:
        """The record as `find` would return it, if that takes no look at the database.

        None does not mean that there is none.

        Args:
            reference_id: the reference, by its id.
        """
        ...

    async def find_many(self, reference_ids: Collection[str]) -> Mapping[str, MediaRecord]:
        """The records of those references that there are, by id. Its cost is one round trip.

        Args:
            reference_ids: the references, by their ids.
        """
        ...

    async def find_reusable(self, media: NewMedia, digest: str) -> MediaRecord | None:
        """The reference that `CatalogTransaction.add_media` would return without recording one.

        Args:
            media: a reference that is reused; its id does not matter.
            digest: the content that it would refer to.
        """
        ...

    async def secret(self, name: str) -> bytes:
        """32 random bytes of this name, made once and the same for all who share the catalog.

        Args:
            name: what they are used for, at most 64 characters.
        """
        ...

    async def find_blob(self, digest: str) -> tuple[BlobRecord, Sequence[VariantRecord]] | None:
        """What is known of a blob and its variants, or None.

        Args:
            digest: the digest of the content, as `MediaReference.digest` has it.
        """
        ...

    async def conversation_media(
        self,
        conversation_id: str,
        *,
        owner: str | None,
        also: Collection[str],
        before: str | None,
        limit: int,
    ) -> Sequence[MediaRecord]:
        """What belongs to a conversation and to an owner, newest first.

        Args:
            conversation_id: the conversation.
            owner: whose; None for what has no owner.
            also: ids of media of this owner that count as the conversation's.
            before: an id; what comes after it in this order. Nothing if it is unknown.
            limit: how many at most.
        """
        ...

    async def list_media(
        self, *, owner: str | None, before: MediaCursor | None, limit: int
    ) -> Sequence[ListedMedia]:
        """What belongs to an owner, newest first.

        What would go for good with a conversation that is deleted is not among it. A page costs the
        same however much media there is.

        Args:
            owner: whose; None for what has no owner.
            before: what comes after that place; None for the newest.
            limit: how many at most.
        """
        ...

    def transaction(self) -> AbstractAsyncContextManager[CatalogTransaction]:
        """A write transaction; at most one is under way at a time, across all processes."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager["AsyncConnection"]:
        """A connection whose statements see one state of the database."""
        ...

    def export_rows(
        self, owner: str | None
    ) -> AbstractAsyncContextManager[AsyncGenerator[ExportedRow]]:
        """The rows of all schemas, or those of an owner, from one state of the database.

        Args:
            owner: whose; None for all rows.
        """
        ...

    async def owner_bytes(self, owner: str | None) -> int:
        """The size of what an owner's references refer to, each content counted once.

        Args:
            owner: whose; None for what has no owner.
        """
        ...

    async def rendered_bytes(self) -> int:
        """The size of all variants but thumbnails and `PREPARED` ones: those are one an image."""
        ...

    async def tombstones(self, *, after: str, limit: int) -> Sequence[str]:
        """Return digests of bytes that no row used when their tombstone was set.

        In order, those after the digest `after`, at most `limit`.
        """
        ...

    def expected_blobs(self) -> AsyncGenerator[tuple[str, int]]:
        """Digest and size of every blob and variant that the catalog knows."""
        ...

    async def aclose(self) -> None:
        """Release what is held."""
        ...
