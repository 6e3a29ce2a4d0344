"""The port of the fetcher, which fetches media from URLs."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedMedia:
    """An answer that is being received. Its declared name, type and size are not trusted.

    `display_name`, `media_type` and `size` are None if the answer has none.

    Attributes:
        display_name: the file name in the URL; None when there is none.
        media_type: the announced type; None when there is none.
        size: the announced length in bytes; None when there is none.
        chunks: the bytes, as they arrive.
    """

    display_name: str | None
    media_type: str | None
    size: int | None
    chunks: AsyncGenerator[bytes]


class Fetcher(Protocol):
    """Fetches untrusted URLs, from allowed addresses only."""

    def fetch(self, url: str, *, max_bytes: int) -> AbstractAsyncContextManager[FetchedMedia]:
        """Request `url`. Read the chunks within the context, which closes the connection.

        Raises:
            FetchRefusedError: the URL, or a redirect on the way, may not be fetched.
            FetchError: there is no usable answer; also while the chunks are iterated.
            MediaTooLargeError: there are more than `max_bytes`; also while iterating.
        """
        ...
