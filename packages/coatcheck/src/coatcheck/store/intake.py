"""How content comes in: streamed, bounded, and known by its first bytes."""

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from pathlib import Path
from typing import Final

from anyio import open_file

from coatcheck.errors import (
    EmptyMediaError,
    InvalidInputError,
    MediaTooLargeError,
    QuotaExceededError,
    UnprocessableMediaError,
    UnsupportedMediaError,
)
from coatcheck.mediatype import SNIFF_BYTES, SVG, declares_document_type, sniff
from coatcheck.ports import StagedBlob

CHUNK_BYTES: Final = 1024 * 1024
"""Bytes of a file that are in memory at a time."""

_TAKEN: Final = "Pass bytes, a pathlib.Path or an asynchronous iterator of bytes."

_CONTENT: Final = (bytes, bytearray, memoryview, Path, AsyncIterable)

Content = bytes | bytearray | memoryview | Path | AsyncIterable[bytes]
"""What a store takes: bytes, a file's path, or an asynchronous iterator of chunks."""


async def receive(
    content: Content, staged: StagedBlob, *, max_bytes: int, room: int | None = None
) -> str:
    """Stream `content` into `staged` and tell its sniffed media type.

    Args:
        content: what comes in.
        staged: where it is written.
        max_bytes: largest media that is accepted.
        room: what the owner's quota leaves, in bytes; None for no limit.

    Raises:
        EmptyMediaError: there are no bytes.
        InvalidInputError: the file at the path cannot be read.
        MediaTooLargeError: there are more than `max_bytes`.
        QuotaExceededError: there are more than `room`.
        UnsupportedMediaError: the bytes are of no accepted type.
        UnprocessableMediaError: they are an SVG with a document type declaration.
    """
    head, found = b"", None
    async with aclosing(_chunks(content)) as chunks:
        async for chunk in chunks:
            if staged.size + len(chunk) > max_bytes:
                raise MediaTooLargeError(f"The media is larger than {max_bytes:,} bytes.")
            if room is not None and staged.size + len(chunk) > room:
                raise QuotaExceededError
            if len(head) < SNIFF_BYTES:
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


def require_content(content: object) -> None:
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


def _require_bytes(chunk: object) -> None:
    if not isinstance(chunk, bytes | bytearray | memoryview):
        raise InvalidInputError(f"A chunk is of type {type(chunk).__name__}. {_TAKEN}")


async def _chunks(content: Content) -> AsyncGenerator[bytes]:
    if isinstance(content, bytes | bytearray | memoryview):
        yield bytes(content)
    elif isinstance(content, Path):
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
