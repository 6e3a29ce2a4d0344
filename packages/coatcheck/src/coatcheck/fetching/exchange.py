"""One HTTP/1.1 request and its answer over a connection, within bounds on time and size."""

import ssl
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import anyio
import h11
from anyio.abc import ByteStream

from coatcheck.errors import FetchError, FetchRefusedError, MediaTooLargeError
from coatcheck.fetching.urls import Target
from coatcheck.version import __version__

MAX_HEADER_BYTES: Final = 32 * 1024
"""Everything before the body, interim answers too."""

CHUNK_BYTES: Final = 64 * 1024

_READ_BYTES: Final = 4096
_PARTIAL_CONTENT: Final = 206


class Deadline:
    """A point in time that several waits have in common."""

    def __init__(self, seconds: float) -> None:
        self._at = anyio.current_time() + seconds

    @contextmanager
    def hold(self, at_most: float = float("inf")) -> Iterator[None]:
        """Raise TimeoutError inside the block when the time, or `at_most`, is over."""
        with anyio.fail_after(max(0.0, min(at_most, self._at - anyio.current_time()))):
            yield


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the network, TLS and HTTP raise into `FetchError`, without addresses."""
    try:
        yield
    except TimeoutError as error:
        raise FetchError("The other server takes too long.") from error
    except ssl.SSLCertVerificationError as error:
        raise FetchError("The other server's certificate does not prove who it is.") from error
    except h11.ProtocolError as error:
        raise FetchError("The other server's answer is broken or cut short.") from error
    except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
        raise FetchError("The connection to the other server failed.") from error


class Exchange:
    """A request that was sent, and the head of its answer.

    Args:
        stream: the connection; closed with the exchange or at the end of the body.
        deadline: when all of it has to be over.
    """

    def __init__(self, stream: ByteStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADER_BYTES)
        self.status = 0
        self._headers: list[tuple[bytes, bytes]] = []

    async def aclose(self) -> None:
        """Drop the connection, without waiting for the other side to agree."""
        await anyio.aclose_forcefully(self._stream)

    async def ask(self, target: Target) -> None:
        """Send the request and read the head of the answer."""
        request = h11.Request(
            method="GET",
            target=target.path,
            headers=[
                ("Host", target.authority),
                ("User-Agent", f"Coatcheck/{__version__}"),
                ("Accept", "*/*"),
                # A compressed body is a bomb, or at best media that is smaller as it is.
                ("Accept-Encoding", "identity"),
                ("Connection", "close"),
            ],
        )
        with translated():
            data = self._http.send(request) + self._http.send(h11.EndOfMessage())
            with self._deadline.hold():
                await self._stream.send(data)
        event: object = None
        taken = 0
        while not isinstance(event, h11.Response):
            with translated():
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    taken += await self._receive(_READ_BYTES)
            if taken > MAX_HEADER_BYTES:
                raise FetchError("The other server's answer has too long a head.")
        self.status = event.status_code
        self._headers = list(event.headers)

    def header(self, name: str) -> str | None:
        """A header of the answer; None where it is missing or cannot be read.

        Raises:
            FetchError: it is there more than once.
        """
        found = [value for key, value in self._headers if key == name.encode()]
        if len(found) > 1:
            raise FetchError("The other server's answer contradicts itself.")
        try:
            return found[0].decode() if found else None
        except UnicodeDecodeError:
            return None

    def check(self, max_bytes: int) -> int | None:
        """See that the answer is media to take in; returns its announced length.

        Raises:
            FetchError: it is not the whole media, as it is.
            MediaTooLargeError: it announces more than `max_bytes`.
        """
        if not 200 <= self.status < 300 or self.status == _PARTIAL_CONTENT:  # noqa: PLR2004 - 2xx
            raise FetchError(f"The other server answered with status {self.status}.")
        if (self.header("content-encoding") or "identity").lower() != "identity":
            raise FetchError("The other server compressed its answer, unasked.")
        length = self.header("content-length")
        size = int(length) if length is not None and length.isdecimal() else None
        if size is not None and size > max_bytes:
            raise MediaTooLargeError(f"The media is larger than {max_bytes:,} bytes.")
        return size

    def location(self) -> str:
        """Where a redirect leads.

        Raises:
            FetchRefusedError: it does not say, or not legibly.
        """
        location = self.header("location")
        if location is None:
            raise FetchRefusedError("A redirect does not say where to.")
        return location

    async def body(self, max_bytes: int) -> AsyncGenerator[bytes]:
        """The body, in chunks of about `CHUNK_BYTES` however small the pieces it comes in.

        Raises:
            FetchError: it is cut short, or the time is over.
            MediaTooLargeError: it is longer than `max_bytes`.
        """
        gathered = bytearray()
        size = 0
        event: object = None
        while not isinstance(event, h11.EndOfMessage):
            with translated():
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    await self._receive(CHUNK_BYTES)
            if isinstance(event, h11.Data):
                gathered += event.data
                size += len(event.data)
                if size > max_bytes:
                    raise MediaTooLargeError(f"The media is larger than {max_bytes:,} bytes.")
            if len(gathered) >= CHUNK_BYTES:
                yield bytes(gathered)
                gathered.clear()
        await self.aclose()
        if gathered:
            yield bytes(gathered)

    async def _receive(self, at_most: int) -> int:
        data = b""
        with self._deadline.hold(), suppress(anyio.EndOfStream):
            data = await self._stream.receive(at_most)
        # Empty at the end: h11 knows whether that was to be expected.
        self._http.receive_data(data)
        return len(data)
