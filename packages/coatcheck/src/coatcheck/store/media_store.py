"""`MediaStore`, the one object that an application holds: bytes in, references out."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from coatcheck.edits import Edit
from coatcheck.errors import ConfigurationError
from coatcheck.options import DEFAULT_MAX_BYTES, DEFAULT_VARIANT_BYTES
from coatcheck.ports import BlobStore, Catalog, Fetcher, NewMedia, Renderer, SharedTransaction
from coatcheck.reference import (
    ALT_WEIGHT,
    MediaReference,
    clean_display_name,
    clean_text,
)
from coatcheck.store.admission import Admission, Content
from coatcheck.store.reading import MediaReader
from coatcheck.store.removal import Removal
from coatcheck.store.verification import BlobFinding, verify_blobs

if TYPE_CHECKING:  # a store receives its engines
    from sqlalchemy.ext.asyncio import AsyncConnection


class MediaStore(MediaReader):
    """Keeps media and hands out references. Use it as ``async with``; `open_store` makes one.

    Args:
        blobs: where bytes live.
        catalog: where references live.
        renderer: looks at images.
        fetcher: fetches URLs; without one, `put_url` cannot be used.
        max_bytes: largest media that is accepted.
        owner_bytes: what the media of one owner may occupy together; 0 for no limit.
        variant_bytes: what rendered variants may occupy together; thumbnails do not count.
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
        super().__init__(
            blobs=blobs, catalog=catalog, renderer=renderer, variant_bytes=variant_bytes
        )
        self._fetcher = fetcher
        self._clock = clock
        self._admission = Admission(
            blobs=blobs,
            catalog=catalog,
            renderer=renderer,
            condemned=self._condemned,
            owner_bytes=owner_bytes,
        )
        self._removal = Removal(blobs=blobs, catalog=catalog, forget=self._small_blobs.forget)
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
            media_type: what the sender says it is. The stored type is always the sniffed one; a
                claim to be an image that does not hold is refused.
            owner: whom it belongs to.
            conversation_id: the conversation that it belongs to.
            reuse: give the same content of the same owner and conversation the same reference, as
                long as that is not deleted. Where it is known, nothing is written. The reference
                that is returned has the name and the text of this call; neither is recorded.

        Raises:
            InvalidInputError: the content is a string, which is never opened as a file, or is of
                another type that is not taken.
            EmptyMediaError: there are no bytes.
            MediaTooLargeError: there are more than `max_bytes`.
            QuotaExceededError: there are more than the owner's quota leaves.
            UnsupportedMediaError: the bytes are of no accepted type, or claim to be an image.
            PixelBudgetError: the image's canvas is too large.
            UnprocessableMediaError: the image is damaged or cut short.
            StorageError: the storage failed.
        """
        name = clean_display_name(display_name) if display_name else None
        new = NewMedia(
            id=str(uuid4()),
            created_at=self._clock(),
            display_name=name,
            alt=(clean_text(alt, ALT_WEIGHT) or None) if alt else None,
            owner=owner,
            conversation_id=conversation_id,
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
        image = await self._edited(await self.get(reference_id), edits)
        return await self.put(
            image.data,
            display_name=display_name,
            alt=alt,
            media_type=image.media_type,
            owner=owner,
            conversation_id=conversation_id,
        )

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
        methods in it, which would wait for it.

        Raises:
            StorageError: the transaction failed, and nothing of it is kept.
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
