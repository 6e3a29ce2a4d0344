"""Who fetches media from elsewhere."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedMedia:
    """An answer on its way in. What it says of itself is a claim like any sender's.

    `display_name` is the file name in the URL, `media_type` the announced type and `size` the
    announced length in bytes; each is None where there is none.

    Attributes:
        display_name: the file name in the URL; None when there is none.
        media_type: the announced type; None when there is none.
        size: the announced length in bytes; None when there is none.
        chunks: the bytes, as they come.
    """

    display_name: str | None
    media_type: str | None
    size: int | None
    chunks: AsyncGenerator[bytes]


class Fetcher(Protocol):
    """Fetches a URL that came from outside, and only from where that does no harm."""

    def fetch(self, url: str, *, max_bytes: int) -> AbstractAsyncContextManager[FetchedMedia]:
        """Ask for `url`. The chunks are read within the context, which closes the connection.

        Raises:
            FetchRefusedError: the URL, or a redirect on the way, may not be fetched.
            FetchError: there is no usable answer; also while the chunks are iterated.
            MediaTooLargeError: there are more than `max_bytes`; also while iterating.
        """
        ...
