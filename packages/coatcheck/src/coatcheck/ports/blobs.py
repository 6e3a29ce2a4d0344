"""Where bytes live."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol


class StagedBlob(Protocol):
    """Bytes on their way in: invisible until published, gone when left unpublished."""

    @property
    def path(self) -> Path:
        """A local file that holds what was written so far; it is there from the first write on."""
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

    async def seal(self, last: bytes = b"") -> None:
        """Append `last` and make the bytes durable while still invisible.

        Nothing may be written afterwards.

        Raises:
            StorageFullError: no room is left.
            StorageError: the storage failed otherwise.
        """
        ...


class LocalPaths(Protocol):
    """Tells where blobs lie as files that another program on this machine may read."""

    async def local_path(self, digest: str, *, size: int) -> tuple[Path, str] | None:
        """A directory that holds published blobs and no more, and the blob's path in it.

        None where no regular file of `size` bytes lies there.

        Args:
            digest: the digest of the content, as `MediaReference.digest` has it.
            size: its length in bytes.
        """
        ...


class BlobStore(Protocol):
    """Where bytes live: content-addressed, written once, never changed."""

    def stage(self, *, digest: str | None = None) -> AbstractAsyncContextManager[StagedBlob]:
        """Begin to take bytes in. Leaving the context without `publish` leaves nothing behind.

        Args:
            digest: the digest of all that will be written, where the caller computed it from the
                same bytes; None to compute it from what is written.
        """
        ...

    async def publish(self, *staged: StagedBlob) -> None:
        """Make sealed bytes durable under their digests; on return they survive a power cut.

        Publishing a digest that is already there succeeds and keeps one copy.

        Args:
            staged: blobs of this store, each sealed and not published yet.

        Raises:
            StorageError: the storage failed. Some of them may be published.
        """
        ...

    async def holds(self, digest: str, content: Sequence[bytes]) -> bool:
        """Whether the blob is there and consists of exactly the bytes of `content`.

        Args:
            digest: the digest of the content, as `MediaReference.digest` has it.
            content: what it must be, in pieces.
        """
        ...

    async def size(self, digest: str) -> int | None:
        """The length of the blob in bytes, or None where there is none.

        Args:
            digest: the digest of the content, as `MediaReference.digest` has it.
        """
        ...

    def local_file(self, digest: str) -> AbstractAsyncContextManager[Path]:
        """A local file with the blob's bytes, for as long as the context lasts.

        Args:
            digest: the digest of the content, as `MediaReference.digest` has it.

        Raises:
            DamagedBlobError: the blob is missing.
        """
        ...

    def read(self, digest: str, *, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """The bytes from `start` up to but without `end`, in chunks of bounded size.

        Args:
            digest: the digest of the content, as `MediaReference.digest` has it.
            start: the first byte.
            end: the byte after the last one; None for the end.

        Raises:
            DamagedBlobError: the blob is missing or ends too early.
        """
        ...

    async def remove(self, digest: str) -> bool:
        """Forget the blob; False where there was none. Repeating it is harmless.

        Args:
            digest: the digest of the content, as `MediaReference.digest` has it.
        """
        ...

    def digests(self) -> AsyncGenerator[str]:
        """Every digest that is stored, in any order."""
        ...

    async def aclose(self) -> None:
        """Release what is held."""
        ...
