"""The small protocols between Coatcheck's parts, and the records that pass through them. A leaf.

A back end implements a protocol; whoever needs it receives it. ``tests/contracts`` holds the suites
that every implementation must pass.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from coatcheck.reference import MediaReference

THUMBNAIL = "thumbnail"
"""The name of the one variant that every image has."""


# --- blobs ---------------------------------------------------------------------------------------


class StagedBlob(Protocol):
    """Bytes on their way in: invisible until published, gone when left unpublished."""

    @property
    def path(self) -> Path:
        """A local file that holds what was written so far."""
        ...

    @property
    def size(self) -> int:
        """Bytes written so far."""
        ...

    @property
    def digest(self) -> str:
        """The digest (``sha-256:…``) of what was written so far."""
        ...

    async def write(self, chunk: bytes) -> None:
        """Append `chunk`.

        Raises:
            StorageFullError: no room is left.
            StorageError: the storage failed otherwise.
        """
        ...

    async def seal(self) -> None:
        """Make the bytes durable while still invisible. Nothing may be written afterwards."""
        ...

    async def publish(self) -> None:
        """Make the sealed bytes durable under their digest; on return they survive a power cut.

        Publishing a digest that is already there succeeds and keeps one copy.
        """
        ...


class BlobStore(Protocol):
    """Where bytes live: content-addressed, written once, never changed."""

    def stage(self) -> AbstractAsyncContextManager[StagedBlob]:
        """Begin to take bytes in. Leaving the context without `publish` leaves nothing behind."""
        ...

    async def size(self, digest: str) -> int | None:
        """The length of the blob in bytes, or None where there is none."""
        ...

    def read(self, digest: str, *, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """The bytes from `start` up to but without `end`, in chunks of bounded size.

        Raises:
            DamagedBlobError: the blob is missing or ends too early.
        """
        ...

    async def remove(self, digest: str) -> bool:
        """Forget the blob; False where there was none. Repeating it is harmless."""
        ...

    def digests(self) -> AsyncGenerator[str]:
        """Every digest that is stored, in any order."""
        ...

    async def aclose(self) -> None:
        """Release what is held. Staged blobs that nobody finished are swept."""
        ...


# --- catalog -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobRecord:
    """What is known of a blob. Sizes in bytes, edges in pixels, `placeholder` as base64."""

    digest: str
    size: int
    media_type: str
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    placeholder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRecord:
    """A derived rendition of a blob, itself a blob under `digest`."""

    name: str
    digest: str
    size: int
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRecord:
    """A row of the catalog: a reference with whom and what it belongs to, and its variants."""

    reference: MediaReference
    created_at: datetime
    owner: str | None = None
    conversation_id: str | None = None
    variants: Mapping[str, VariantRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMedia:
    """What the catalog is told about a reference that is put."""

    id: str
    created_at: datetime
    display_name: str | None = None
    alt: str | None = None
    owner: str | None = None
    conversation_id: str | None = None


class CatalogTransaction(Protocol):
    """One write transaction. It commits when its context is left in peace, else it rolls back."""

    async def find_blob(self, digest: str) -> BlobRecord | None:
        """The blob's record, or None."""
        ...

    async def is_used(self, digest: str) -> bool:
        """Whether a blob or a variant of a blob is recorded under this digest."""
        ...

    async def add_blob(self, blob: BlobRecord, variants: Sequence[VariantRecord]) -> None:
        """Record a blob and its variants; what is recorded already stays as it is."""
        ...

    async def add_media(self, media: NewMedia, digest: str) -> MediaRecord:
        """Record a reference to a recorded blob and return it as it will be read."""
        ...

    async def remove_media(self, reference_id: str) -> Sequence[str] | None:
        """Forget a reference, and its blob with the last one.

        Returns:
            The digests that no row uses any more, or None where there was no such reference.
        """
        ...


class Catalog(Protocol):
    """Where references live."""

    async def find(self, reference_id: str) -> MediaRecord | None:
        """The record of a reference, or None."""
        ...

    async def find_blob(self, digest: str) -> tuple[BlobRecord, Sequence[VariantRecord]] | None:
        """What is known of a blob and its variants, or None."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[CatalogTransaction]:
        """A write transaction; at most one is under way at a time, across all processes."""
        ...

    def expected_blobs(self) -> AsyncGenerator[tuple[str, int]]:
        """Digest and size of every blob and variant that the catalog knows."""
        ...

    async def aclose(self) -> None:
        """Release what is held."""
        ...


# --- imaging -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedImage:
    """An encoded image. Edges in pixels."""

    data: bytes
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What one decode tells of an image. Edges in pixels as displayed, `placeholder` as base64."""

    width: int
    height: int
    frames: int
    placeholder: str
    thumbnail: RenderedImage


class Renderer(Protocol):
    """Looks at images, away from the event loop and in a process that may be lost."""

    async def inspect(self, path: Path, media_type: str) -> ImageFacts:
        """Check the header against the budgets, then decode once.

        Raises:
            PixelBudgetError: the canvas is larger than allowed; nothing was decoded.
            UnprocessableMediaError: the image is damaged or cut short, or ended its decoder.
            WorkerTimeoutError: the decoder took too long.
            OverloadedError: too many images are waiting already.
        """
        ...

    async def aclose(self) -> None:
        """Stop the workers."""
        ...


# --- conversations -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRecord:
    """A conversation as the list shows it."""

    id: str
    title: str
    updated_at: datetime


class ConversationLog(Protocol):
    """Where conversations live: messages as JSON objects in stored form, in order."""

    async def list_conversations(self, *, limit: int) -> Sequence[ConversationRecord]:
        """The conversations written to last, newest first."""
        ...

    async def read_messages(self, conversation_id: str) -> Sequence[Mapping[str, Any]] | None:
        """The messages of a conversation in order, or None where there is no such conversation."""
        ...

    async def append_message(
        self, conversation_id: str, message: Mapping[str, Any], *, title: str, at: datetime
    ) -> None:
        """Write a message at the end; the conversation is made with `title` if it is new.

        A message whose ``id`` the conversation holds already replaces that one in its place.
        """
        ...


# --- agent ---------------------------------------------------------------------------------------


class Responder(Protocol):
    """Answers a conversation: the seam between the chat and whichever agent drives it."""

    def respond(
        self, messages: Sequence[Mapping[str, Any]], *, conversation_id: str, message_id: str
    ) -> AbstractAsyncContextManager[AsyncIterator[dict[str, Any]]]:
        """One turn.

        Args:
            messages: the conversation in stored form, the new user message last.
            conversation_id: what the media made in this turn belongs to.
            message_id: the id of the message that the turn makes.

        Returns:
            A context with AI SDK UI message chunks, media in UI form. Leaving it ends the turn.
        """
        ...
