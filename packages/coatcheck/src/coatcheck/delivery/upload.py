"""Uploads: a multipart form's first file, or a raw body, streamed into the store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from coatcheck.delivery.bodies import body_chunks
from coatcheck.errors import (
    EmptyMediaError,
    InvalidInputError,
    MediaTooLargeError,
)
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore

# What clients send without knowing a type; it says nothing about the bytes.
_NO_CLAIM = frozenset({"", "application/octet-stream", "application/x-www-form-urlencoded"})
_MAX_HEADER_BYTES = 8192
# A form is somewhat longer than its file.
_FORM_BYTES = 64 * 1024
_MAX_BOUNDARY_BYTES = 70  # RFC 2046 (5.1.1)

DEFAULT_SECONDS: Final = 120.0
"""How long one upload may take to arrive."""


@dataclass(slots=True)
class _Upload:
    content: AsyncIterator[bytes]
    display_name: str | None
    media_type: str | None


async def receive_upload(
    request: Request,
    store: MediaStore,
    *,
    owner: str | None = None,
    seconds: float = DEFAULT_SECONDS,
) -> MediaReference:
    """Store what `request` carries, as `owner`'s: nothing in it can say itself whose it is.

    Args:
        request: its body is the upload.
        store: where it goes.
        owner: whom it belongs to.
        seconds: how long the body may take to arrive, whole.

    Raises:
        MediaTooLargeError: its length is over the limit; nothing was read.
        QuotaExceededError: the owner has no space for it; nothing was read if its length is known.
        UploadTimeoutError: it did not arrive in time.
        InvalidInputError: the form cannot be parsed.
        EmptyMediaError: there is no file, or an empty one.
        CoatcheckError: what `MediaStore.put` raises.
    """
    # Fields of a form are not kept, yet they must come to an end.
    limit = store.max_bytes + _FORM_BYTES
    body = body_chunks(request, max_bytes=limit, seconds=seconds, too_large=MediaTooLargeError)
    content_type, options = parse_options_header(request.headers.get("content-type", ""))
    in_form = content_type == b"multipart/form-data"
    length = request.headers.get("content-length", "")
    # int() refuses thousands of digits; no length in bytes has more than 20.
    announced = int(length[:20]) if length.isdecimal() else 1
    await store.check_room(max(1, announced - _FORM_BYTES * in_form), owner=owner)
    if in_form:
        upload = await _first_file(body, options.get(b"boundary", b""))
    else:
        declared = content_type.decode("latin-1")
        upload = _Upload(
            body,
            request.query_params.get("filename"),
            None if declared in _NO_CLAIM else declared,
        )
    return await store.put(
        upload.content,
        display_name=upload.display_name,
        media_type=upload.media_type,
        owner=owner,
    )


async def _first_file(body: AsyncIterator[bytes], boundary: bytes) -> _Upload:
    """Read up to the headers of the first part with a file name; its content follows lazily."""
    form = _FormReader(body, boundary)
    while form.file is None and await form.advance():
        pass  # parts before the file are parsed and not kept
    if form.file is None:
        raise EmptyMediaError("The form holds no file.")
    name, media_type = form.file
    return _Upload(form.content(), name, media_type)


class _FormReader:
    """Turns the push parser's call-backs into the first file's name, type and bytes."""

    def __init__(self, body: AsyncIterator[bytes], boundary: bytes) -> None:
        if not 0 < len(boundary) <= _MAX_BOUNDARY_BYTES:
            raise InvalidInputError("The form has no usable boundary.")
        self._body = body
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._add_field,
                "on_header_value": self._add_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._add_data,
                "on_part_end": self._end_part,
            },
        )
        self._headers: dict[bytes, bytes] = {}
        self._field = self._value = b""
        self._data: list[bytes] = []
        self._in_file = self._ended = False
        self.file: tuple[str, str | None] | None = None

    async def advance(self) -> bool:
        """Feed the parser one chunk; False at the end of the body."""
        chunk = await anext(self._body, None)
        if chunk is None:
            return False
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise InvalidInputError("The form cannot be parsed.") from error
        return True

    def take(self) -> bytes:
        """The file's bytes parsed since the last call."""
        data = b"".join(self._data)
        self._data.clear()
        return data

    async def content(self) -> AsyncIterator[bytes]:
        """The bytes of the file."""
        while True:
            if data := self.take():
                yield data
            if self._ended:
                return
            if not await self.advance():
                raise InvalidInputError("The form ends in the middle of the file.")

    def _begin_part(self) -> None:
        self._headers = {}

    def _add_field(self, data: bytes, start: int, end: int) -> None:
        self._field = self._bounded(self._field + data[start:end])

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value = self._bounded(self._value + data[start:end])

    def _end_header(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if self.file is None and b"filename" in options:
            declared = self._headers.get(b"content-type", b"").decode("latin-1")
            name = options[b"filename"].decode("utf-8", "replace")
            self.file = (name, None if declared in _NO_CLAIM else declared)
            self._in_file = True

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._data.append(data[start:end])

    def _end_part(self) -> None:
        self._ended = self._ended or self._in_file
        self._in_file = False

    @staticmethod
    def _bounded(value: bytes) -> bytes:
        if len(value) > _MAX_HEADER_BYTES:
            raise InvalidInputError("A header of the form is too long.")
        return value
