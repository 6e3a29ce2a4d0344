"""Answers that the application compressed: read, rewritten, and compressed again.

A body whose length is announced, and JSON, is held until it is whole: it is sent as it came where
nothing in it changed, else in the same coding. A stream of events or lines is decoded as it comes
and goes on without a coding, so that no event waits for a compressor. A body that ends in the
middle of its coding is never sent as if it were whole.
"""

import zlib
from collections.abc import Callable, Generator
from importlib import import_module
from typing import Any, Final, Protocol

from anyio import to_thread
from starlette.types import Message, Send

from coatcheck.delivery.middleware.answers import RewrittenAnswer, framing_of
from coatcheck.delivery.middleware.splitting import WHOLE
from coatcheck.errors import InvalidInputError

COMPRESSED: Final = "compressed"
"""The reason for a body in a coding that cannot be read here."""

_PIECE: Final = 256 * 1024
"""Bytes that are decoded at a time: whatever a body claims, no more of it is in memory."""

_AT_ONCE: Final = 32 * 1024
_GZIP: Final = 31  # zlib's window bits for the gzip format
_ZSTD_WINDOW: Final = 8 * 1024 * 1024  # RFC 9659: what a decoder of the web has to support
# A block of Zstandard is four bytes at least and 128 KiB at most when it is decoded.
_ZSTD_SLICE: Final = 8


class Decoder(Protocol):
    """Decodes one body."""

    def feed(self, data: bytes) -> Generator[bytes]:
        """What these bytes stand for, in pieces of bounded size; raises on what is no such coding.

        Args:
            data: the next bytes of the body.
        """
        ...

    @property
    def is_whole(self) -> bool:
        """Whether the body may end here."""
        ...


class _Zlib:
    """gzip, of any number of members, and deflate."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._decoder = zlib.decompressobj(window)
        self._is_new = True

    def feed(self, data: bytes) -> Generator[bytes]:
        while data:
            if self._decoder.eof:
                self._decoder = zlib.decompressobj(self._window)
            try:
                piece = self._decoder.decompress(data, _PIECE)
            except zlib.error:
                # Some send deflate without the wrapper that the standard asks for (RFC 9110, 8.4).
                if not self._is_new or self._window == _GZIP:
                    raise
                self._window = -zlib.MAX_WBITS
                self._decoder = zlib.decompressobj(self._window)
                piece = self._decoder.decompress(data, _PIECE)
            self._is_new = False
            data = self._decoder.unconsumed_tail or self._decoder.unused_data
            if piece:
                yield piece

    @property
    def is_whole(self) -> bool:
        return self._is_new or self._decoder.eof


class _Brotli:
    def __init__(self, brotli: Any) -> None:
        self._decoder = brotli.Decompressor()
        self._is_new = True

    def feed(self, data: bytes) -> Generator[bytes]:
        self._is_new = self._is_new and not data
        # It can take more before it has given everything: an empty piece is the end.
        while piece := self._decoder.process(data, output_buffer_limit=_PIECE):
            yield piece
            data = b""

    @property
    def is_whole(self) -> bool:
        return self._is_new or bool(self._decoder.is_finished())


class _Zstandard:
    """Zstandard, of any number of frames."""

    def __init__(self, zstandard: Any) -> None:
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._decoder: Any = None  # of a frame that has begun

    def feed(self, data: bytes) -> Generator[bytes]:
        for start in range(0, len(data), _ZSTD_SLICE):
            part = data[start : start + _ZSTD_SLICE]
            while part:
                if self._decoder is None:
                    self._decoder = self._decompressor.decompressobj()
                piece = self._decoder.decompress(part)
                part = b""
                if self._decoder.eof:
                    part, self._decoder = self._decoder.unused_data, None
                if piece:
                    yield piece

    @property
    def is_whole(self) -> bool:
        return self._decoder is None


class Coding:
    """A content coding: how bodies are read and written in it."""

    def __init__(
        self, name: str, decoder: Callable[[], Decoder], encode: Callable[[bytes], bytes]
    ) -> None:
        self.name = name
        self.decoder = decoder
        self.encode = encode

    def decode(self, data: bytes, limit: int) -> bytes | None:
        """The whole body, or None if it is larger than `limit` bytes.

        Raises:
            InvalidInputError: it is not in this coding, or ends in the middle of it.
        """
        pieces, size = [], 0
        for piece in self.decoded(self.decoder(), data, is_last=True):
            size += len(piece)
            if size > limit:
                return None
            pieces.append(piece)
        return b"".join(pieces)

    def decoded(self, decoder: Decoder, data: bytes, *, is_last: bool) -> Generator[bytes]:
        """What the next bytes of a body stand for, in pieces of bounded size.

        Raises:
            InvalidInputError: the body is not in this coding, or ends in the middle of it.
        """
        try:
            yield from decoder.feed(data)
        except Exception as error:  # each library has an error of its own
            raise InvalidInputError(f"The body is not in the coding {self.name}.") from error
        if is_last and not decoder.is_whole:
            raise InvalidInputError(f"The body ends in the middle of its coding {self.name}.")


def coding_of(name: str) -> Coding | None:
    """The coding of a ``Content-Encoding``; None if it is unknown or its library is missing."""
    if name in {"gzip", "x-gzip"}:
        return Coding(name, lambda: _Zlib(_GZIP), lambda data: _compress(data, _GZIP))
    if name == "deflate":
        return Coding(
            name, lambda: _Zlib(zlib.MAX_WBITS), lambda data: _compress(data, zlib.MAX_WBITS)
        )
    try:
        if name == "br":
            brotli = import_module("brotli")  # has no types

            return Coding(
                name, lambda: _Brotli(brotli), lambda data: bytes(brotli.compress(data, quality=4))
            )
        if name == "zstd":
            import zstandard  # noqa: PLC0415 - an extra

            return Coding(name, lambda: _Zstandard(zstandard), zstandard.ZstdCompressor().compress)
    except ModuleNotFoundError:
        return None
    return None


def _compress(data: bytes, window: int) -> bytes:
    compressor = zlib.compressobj(level=6, wbits=window)
    return compressor.compress(data) + compressor.flush()


class DecodedAnswer:
    """The sending side of one request, in front of what rewrites bodies without a coding.

    Args:
        send: what sends.
        rewriting: makes what rewrites an answer that is sent on to the given `Send`.
        is_chosen: whether an answer that starts like this is looked at.
        max_held: largest body in bytes that is held, compressed or not.
        on_left: told of each that is not looked at, with the reason.
        too_large: the reason for a body that is larger than `max_held`.
    """

    def __init__(
        self,
        send: Send,
        rewriting: Callable[[Send], RewrittenAnswer],
        *,
        is_chosen: Callable[[Message], bool],
        max_held: int,
        on_left: Callable[[str], None],
        too_large: str,
    ) -> None:
        self._send = send
        self._rewriting = rewriting
        self._is_chosen = is_chosen
        self._max_held = max_held
        self._on_left = on_left
        self._too_large = too_large
        self._next: Send = send
        self._rewritten_answer: RewrittenAnswer | None = None
        self._coding: Coding | None = None
        self._decoder: Decoder | None = None  # of a body that streams
        self._start: Message | None = None  # until it is known how the body goes on
        self._held: list[Message] = []
        self._size = 0

    async def __call__(self, message: Message) -> None:
        """Send a message, a compressed body without its media."""
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._start is None and self._decoder is None:
            await self._next(message)
        elif message["type"] != "http.response.body":
            await self._give_up()
            await self._next(message)
        elif self._decoder is not None and self._coding is not None:
            await self._stream(self._coding, self._decoder, message)
        elif self._coding is not None and self._start is not None:
            await self._hold(self._coding, self._start, message)

    async def end(self) -> None:
        """Send what is held back, as the application is done with the answer."""
        await self._give_up()
        if self._rewritten_answer is not None:
            await self._rewritten_answer.end()

    async def _begin(self, start: Message) -> None:
        headers = {name.lower(): value for name, value in start.get("headers", ())}
        name = headers.pop(b"content-encoding", b"identity").strip().lower().decode("latin-1")
        framing = framing_of(start["status"], headers)
        if framing is None or start.get("trailers") or not self._is_chosen(start):
            await self._send(start)
            return
        if name == "identity":
            await self._rewrite(start)
            return
        coding = coding_of(name)
        if coding is None:
            self._on_left(COMPRESSED)
            await self._send(start)
        elif framing is WHOLE or b"content-length" in headers:
            self._coding, self._start = coding, start
        else:
            self._coding, self._decoder, self._start = coding, coding.decoder(), start

    async def _rewrite(self, start: Message) -> None:
        self._next = self._rewritten_answer = self._rewriting(self._send)
        await self._next(start)

    async def _stream(self, coding: Coding, decoder: Decoder, message: Message) -> None:
        is_last = not message.get("more_body", False)
        pieces = coding.decoded(decoder, bytes(message.get("body", b"")), is_last=is_last)
        if self._start is not None:
            try:
                first = next(pieces, b"")
            except InvalidInputError:
                self._on_left(COMPRESSED)
                await self._give_up()
                await self._send(message)
                return
            start, self._start = self._start, None
            await self._rewrite(_without_coding(start))
            await self._next({"type": "http.response.body", "body": first, "more_body": True})
        try:
            for piece in pieces:
                await self._next({"type": "http.response.body", "body": piece, "more_body": True})
        except InvalidInputError:
            # A client would take for whole what has no coding any more: the connection is aborted.
            self._on_left(COMPRESSED)
            self._decoder = None
            await self.end()
            self._next = _refuse
            raise
        if is_last:
            await self._next({"type": "http.response.body", "body": b"", "more_body": False})

    async def _hold(self, coding: Coding, start: Message, message: Message) -> None:
        self._held.append(message)
        self._size += len(message.get("body", b""))
        if self._size > self._max_held:
            self._on_left(self._too_large)
            await self._give_up()
        elif not message.get("more_body", False):
            body = b"".join(one.get("body", b"") for one in self._held)
            await self._finish(coding, start, body)

    async def _finish(self, coding: Coding, start: Message, body: bytes) -> None:
        try:
            decoded = await _aside(lambda: coding.decode(body, self._max_held), len(body))
        except InvalidInputError:
            self._on_left(COMPRESSED)
        else:
            if decoded is None:
                self._on_left(self._too_large)
            elif (rewritten := await self._rewritten(coding, start, decoded)) is not None:
                self._coding = self._start = None
                for message in rewritten:
                    await self._send(message)
        await self._give_up()

    async def _rewritten(
        self, coding: Coding, start: Message, decoded: bytes
    ) -> list[Message] | None:
        """The answer in its coding again; None where nothing changed."""
        starts: list[Message] = []
        parts: list[bytes] = []

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                starts.append(message)
            else:
                parts.append(message.get("body", b""))

        rewriting = self._rewriting(collect)
        # With the length of what is decoded: it is whole.
        await rewriting(_without_coding(start, len(decoded)))
        await rewriting({"type": "http.response.body", "body": decoded, "more_body": False})
        body = b"".join(parts)
        if body == decoded:
            return None
        again = await _aside(lambda: coding.encode(body), len(body))
        headers = [one for one in starts[0]["headers"] if one[0].lower() != b"content-length"]
        headers += [
            (b"content-encoding", coding.name.encode()),
            (b"content-length", b"%d" % len(again)),
        ]
        return [
            {**starts[0], "headers": headers},
            {"type": "http.response.body", "body": again, "more_body": False},
        ]

    async def _give_up(self) -> None:
        """Send what is held as it came, and pass the rest on."""
        if self._start is not None:
            self._coding = None
            self._decoder = None
            start, self._start = self._start, None
            for message in (start, *self._held):
                await self._send(message)
            self._held.clear()


async def _refuse(_message: Message) -> None:
    raise InvalidInputError("The body was not in its coding: the answer is aborted.")


async def _aside(work: Callable[[], Any], size: int) -> Any:
    return work() if size < _AT_ONCE else await to_thread.run_sync(work)


def _without_coding(start: Message, length: int | None = None) -> Message:
    headers = [
        one
        for one in start.get("headers", ())
        if one[0].lower() not in {b"content-encoding", b"content-length"}
    ]
    if length is not None:
        headers.append((b"content-length", b"%d" % length))
    return {**start, "headers": headers}
