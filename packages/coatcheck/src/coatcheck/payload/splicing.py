"""Cut media out of serialized bytes or text, and put it back, bit for bit.

::

    spliced, report = await splice_out(data, store)
    kept = spliced.to_bytes()
    data = await join(Spliced.from_bytes(kept), store)

Use this in a framework's codec. It cuts serialized data (msgpack, JSON of any spacing,
``str(dict)``, protobuf, pickle) into pieces: literal bytes, and media that the store keeps. The
pieces are not msgpack or JSON; `join` returns exactly the bytes that went in. The data is never
parsed, so it may have any format.

It finds media as base64, in either alphabet, padded or not, in lines of one length, with slashes
and line breaks escaped any number of times; and as raw bytes if their length precedes them, as in
msgpack, CBOR, protobuf and pickle, or if they are the whole data. Media that would not come back
bit for bit stays, and is counted.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar, cast, overload

import msgspec
import pybase64
from anyio import to_thread

from coatcheck.errors import (
    CoatcheckError,
    DamagedBlobError,
    InvalidInputError,
    MediaTooLargeError,
    NotFoundError,
    UnprocessableMediaError,
)
from coatcheck.mediatype import SNIFF_BYTES, sniff
from coatcheck.payload.offloading.keeping import Keeper
from coatcheck.payload.offloading.report import OffloadReport
from coatcheck.payload.scanning.base64text import THRESHOLD, Steps
from coatcheck.payload.scanning.blocks import Blocks
from coatcheck.payload.scanning.text import FoundMedia, check_media
from coatcheck.reference import MediaUrls, is_reference_id
from coatcheck.store import MediaStore

MAX_JOINED: Final = 1024 * 1024 * 1024
"""Most bytes that `join` returns by default."""

UNKNOWN_LENGTH: Final = "unknown_length"
"""The reason for raw media without a preceding length."""

_MAGIC: Final = b"\xc1coatcheck"  # no msgpack, no UTF-8 and so no JSON begins with this byte
_VERSION: Final = 1
_AT_ONCE: Final = 64 * 1024
_FEWEST_BYTES: Final = THRESHOLD // 4 * 3
_SLACK: Final = 64  # bytes after a file's end that may be letters of what follows it
_STARTS: Final = 4  # tried in one run
_LONGEST_LINE: Final = 4095
_HEAD: Final = 8192

# Base64 of the first bytes of media that is known by them, slashes escaped or not.
_BEGINNING: Final = re.compile(
    rb"iVBORw0KGgo|(?:\\*/|_)9j(?:\\*/|_)|R0lGOD|UklGR|JVBERi0|UEsDB|SUQz|T2dnUw|ZkxhQ|GkXfo"
    rb"|AAAA[A-Za-z0-9+/_-]{2}Z0eX|PHN2Zy"
)
_RUN: Final = re.compile(rb"(?>[A-Za-z0-9+/_-]+|\\+/|(?:\\+r)?\\+n|\r?\n)*+={0,2}")
_DATA_URI: Final = re.compile(rb"data:[^,\s\"'<>()]*,\Z", re.IGNORECASE)
_LONGEST_HEADER: Final = 256
_BREAK: Final = re.compile(rb"(?:\\+r)?\\+n|\r?\n")
_SLASH: Final = re.compile(rb"\\+/")
_PROBED: Final = re.compile(rb"(?>[A-Za-z0-9+/_=-]+|\\+[nr/]|[\r\n]+)*")
_PROBE: Final = 64
_PROBE_WINDOW: Final = 96
_RAW: Final = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF|%PDF-1|ftyp(?:avi|M4|iso|mp4|qt)|OggS\x00|fLaC"
    rb"|ID3[\x02-\x04]"
)
_BRAND: Final = b"ftyp"
_BEFORE_BRAND: Final = 4  # bytes of a length
_PNG_END: Final = b"IEND\xaeB`\x82"
_TAGGED: Final = {  # bytes of msgpack and of CBOR, by how long the length after them is
    2: frozenset(b"\xda\xc5\xc8\x59\x79"),
    4: frozenset(b"\xdb\xc6\xc9\x5a\x7a"),
}

T = TypeVar("T", str, bytes)


class Writing(NamedTuple):
    """How media was written.

    Attributes:
        alphabet: ``base64``, ``base64url``, or ``raw`` for the bytes themselves.
        padded: whether base64 has its padding.
        slash: how a slash is written, escaped or not.
        line: characters of base64 in a line; 0 where it is in no lines.
        newline: what is between lines.
    """

    alphabet: str = "raw"
    padded: bool = True
    slash: bytes = b"/"
    line: int = 0
    newline: bytes = b""

    def write(self, media: bytes) -> bytes:
        """Write the media this way."""
        if self.alphabet == "raw":
            return media
        encode = pybase64.urlsafe_b64encode if self.alphabet == "base64url" else pybase64.b64encode
        text = encode(media)
        if not self.padded:
            text = text.rstrip(b"=")
        if self.line:
            lines = range(0, len(text), self.line)
            text = self.newline.join([text[start : start + self.line] for start in lines])
        return text if self.slash == b"/" else text.replace(b"/", self.slash)


@dataclass(frozen=True, slots=True)
class MediaPiece:
    """Media that the store keeps, and how it was written in the data.

    Attributes:
        id: of its reference.
        digest: SHA-256 of its bytes, 32 bytes.
        size: how many bytes it has.
        writing: how it was written.
    """

    id: str
    digest: bytes
    size: int
    writing: Writing


@dataclass(frozen=True, slots=True)
class Spliced(Generic[T]):
    """Serialized data in pieces, in order: literal bytes, and media.

    Attributes:
        pieces: the pieces; those of a text are in UTF-8.
        is_text: whether the data was a string.
    """

    pieces: tuple[bytes | MediaPiece, ...]
    is_text: bool = False

    def to_bytes(self) -> bytes:
        """Return bytes to keep instead of the data.

        Their first byte never begins msgpack, JSON or other text: see `is_spliced`.
        """
        pieces = [
            piece
            if isinstance(piece, bytes)
            else _Kept(piece.id, piece.digest, piece.size, *piece.writing)
            for piece in self.pieces
        ]
        return _MAGIC + bytes([_VERSION]) + _ENCODER.encode(_Envelope(self.is_text, pieces))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Spliced[str] | Spliced[bytes]":
        """Read bytes that `to_bytes` returned.

        Raises:
            InvalidInputError: the bytes are not spliced data, of a later version, cut short or
                damaged.
        """
        if not is_spliced(data):
            raise InvalidInputError("Not spliced data: it does not begin like any.")
        version = data[len(_MAGIC) : len(_MAGIC) + 1]
        if version != bytes([_VERSION]):
            found = version[0] if version else "none"
            raise InvalidInputError(
                f"Spliced data of version {found}; this version of Coatcheck reads {_VERSION}."
            )
        try:
            envelope = _DECODER.decode(data[len(_MAGIC) + 1 :])
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            raise InvalidInputError(f"The spliced data is damaged: {error}") from error
        pieces = tuple(
            piece if isinstance(piece, bytes) else _piece(index, piece)
            for index, piece in enumerate(envelope.pieces)
        )
        return cast("Spliced[str] | Spliced[bytes]", cls(pieces, envelope.is_text))


class SplicedOut(NamedTuple, Generic[T]):
    """Data in pieces, and a report; its places are offsets in bytes."""

    spliced: Spliced[T]
    report: OffloadReport


def is_spliced(data: bytes) -> bool:
    """Whether data begins like the result of `Spliced.to_bytes`.

    A codec that keeps data without media as it is must also splice data that begins like this.
    """
    return data.startswith(_MAGIC)


async def splice_out(
    data: T,
    store: MediaStore,
    *,
    owner: str | None = None,
    conversation_id: str | None = None,
) -> SplicedOut[T]:
    """Cut media out of serialized data.

    Time and memory are linear in the data; one media at a time is decoded. Large data is searched
    in a thread.

    Args:
        data: serialized bytes, or a text.
        store: where media goes.
        owner: whom the media belongs to.
        conversation_id: the conversation that it belongs to.

    Returns:
        The pieces, a single one if there was no media, and a report. Media that the store refuses,
        or that would not come back bit for bit, stays in the literal bytes.
    """
    source, is_text = _as_bytes(data)
    at = 0

    def place() -> Steps[str]:
        yield from ()
        return str(at)

    keeper = Keeper(
        store,
        form="stored",
        urls=MediaUrls(),
        owner=owner,
        conversation_id=conversation_id,
        place=place,
    )
    pieces: list[bytes | MediaPiece] = []
    copied = 0
    search = _search(source, store.max_bytes)
    while True:
        found = await _next(search, len(source))
        if found is None:
            break
        at = found.start
        kept = await keeper.keep(found.media)
        if kept is None or isinstance(found.media, CoatcheckError | str):
            continue
        reference = kept.reference
        digest = bytes.fromhex(reference.digest.removeprefix("sha-256:"))
        piece = MediaPiece(reference.id, digest, reference.size, found.writing)
        pieces += [source[copied : found.start], piece] if found.start > copied else [piece]
        copied = found.end
    if copied < len(source) or not pieces:
        pieces.append(source[copied:])
    return SplicedOut(Spliced(tuple(pieces), is_text), keeper.report)


def _as_bytes(data: str | bytes) -> tuple[bytes, bool]:
    if isinstance(data, str):
        return data.encode("utf-8", "surrogatepass"), True
    return data, False


@overload
async def join(
    spliced: Spliced[str], store: MediaStore, *, owner: str | None = ..., max_bytes: int = ...
) -> str: ...
@overload
async def join(
    spliced: Spliced[bytes], store: MediaStore, *, owner: str | None = ..., max_bytes: int = ...
) -> bytes: ...
async def join(
    spliced: Spliced[str] | Spliced[bytes],
    store: MediaStore,
    *,
    owner: str | None = None,
    max_bytes: int = MAX_JOINED,
) -> str | bytes:
    """Return the exact data that was spliced.

    Args:
        spliced: its pieces.
        store: where the media is.
        owner: whose media it is; None for media that was stored without an owner.
        max_bytes: largest data to return.

    Raises:
        NotFoundError: its media was deleted, or belongs to another owner.
        DamagedBlobError: stored media differs from what was spliced out.
        MediaTooLargeError: the data would have more than `max_bytes`.
        InvalidInputError: the pieces of a text are not valid UTF-8 together.
        StorageError: the store cannot be read.
    """
    total = sum(
        len(piece) if isinstance(piece, bytes) else _written_size(piece) for piece in spliced.pieces
    )
    if total > max_bytes:
        raise MediaTooLargeError(f"The spliced data has {total:,} bytes; {max_bytes:,} may be.")
    data = b"".join(
        [
            piece if isinstance(piece, bytes) else await _read(piece, store, owner)
            for piece in spliced.pieces
        ]
    )
    if not spliced.is_text:
        return data
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise InvalidInputError("The pieces of the spliced text make no UTF-8.") from error


async def _read(piece: MediaPiece, store: MediaStore, owner: str | None) -> bytes:
    missing = f"The spliced data has media {piece.id}, which was deleted or is another owner's."
    record = (await store.records([piece.id])).get(piece.id)
    if record is None or record.owner != owner:
        raise NotFoundError(missing)
    try:
        media = await store.read(piece.id) if record.reference.size == piece.size else b""
    except NotFoundError as error:  # it was deleted just now
        raise NotFoundError(missing) from error

    def write() -> bytes:
        if hashlib.sha256(media).digest() != piece.digest:
            raise DamagedBlobError(f"Media {piece.id} is not what was spliced out.")
        return piece.writing.write(media)

    return write() if len(media) <= _AT_ONCE else await to_thread.run_sync(write)


def _written_size(piece: MediaPiece) -> int:
    """The fewest bytes that a piece occupies in the data."""
    return piece.size if piece.writing.alphabet == "raw" else piece.size // 3 * 4


class _Found(NamedTuple):
    """Media in the data, an error if it cannot be stored, or the reason why it was left."""

    start: int
    end: int
    writing: Writing
    media: FoundMedia | CoatcheckError | str


async def _next(search: Iterator[_Found], size: int) -> _Found | None:
    if size <= _AT_ONCE:
        return next(search, None)
    return await to_thread.run_sync(next, search, None)


def _search(data: bytes, max_bytes: int) -> Iterator[_Found]:
    """Find the media in the data, in order, with at most a few looks at each byte."""
    if (whole := _raw_at(data, 0, len(data), max_bytes)) is not None:
        yield whole
        return
    encoded, raw = _encoded(data, max_bytes), _raw(data, max_bytes)
    one, other = next(encoded, None), next(raw, None)
    end = 0
    while one is not None or other is not None:
        if other is None or (one is not None and one.start < other.start):
            found, one = cast("_Found", one), next(encoded, None)
        else:
            found, other = other, next(raw, None)
        # Base64 may stand inside of raw media, such as an SVG in a PDF; the first one counts.
        if found.start >= end:
            yield found
            end = found.end if isinstance(found.media, FoundMedia) else end


# --- raw bytes -----------------------------------------------------------------------------------


def _raw(data: bytes, max_bytes: int) -> Iterator[_Found]:
    position = 0
    while (match := _RAW.search(data, position)) is not None:
        start = match.start() - (_BEFORE_BRAND if match[0].startswith(_BRAND) else 0)
        position = match.start() + 1
        if start < 0:
            continue
        ends = [end for end in _ends(data, start) if end - start >= _FEWEST_BYTES]
        found = next(
            (one for end in ends if (one := _raw_at(data, start, end, max_bytes)) is not None), None
        )
        if found is not None:
            yield found
            position = found.end
        elif data.startswith(b"\x89PNG", start) and data.startswith(b"IHDR", start + 12):
            yield _Found(start, start + 1, Writing(), UNKNOWN_LENGTH)


def _tagged_ends(data: bytes, start: int) -> Iterator[int]:
    """Where what begins at `start` ends, if a length of msgpack or CBOR stands before it."""
    for width, tags in _TAGGED.items():
        length = data[max(0, start - width) : start]
        if len(length) == width and data[max(0, start - width - 1)] in tags:
            yield start + int.from_bytes(length, "big")


def _ends(data: bytes, start: int) -> Iterator[int]:
    """Where what begins at `start` may end, by the lengths that may stand before it."""
    yield from _tagged_ends(data, start)
    for width in (4, 8):  # pickle, BSON
        yield start + int.from_bytes(data[max(0, start - width) : start], "little")
    varint = data[max(0, start - 5) : start][::-1]  # protobuf: seven bits to the byte, lowest first
    size = 0
    for count, byte in enumerate(varint):
        is_last = byte < 0x80  # noqa: PLR2004 - the last byte of a varint has no flag
        if is_last != (count == 0):
            break
        size = size << 7 | byte & 0x7F
    yield start + size


def _raw_at(data: bytes, start: int, end: int, max_bytes: int) -> _Found | None:
    """Media that stands between `start` and `end`, if those are its very ends."""
    if not start + _FEWEST_BYTES <= end <= len(data) or end - start > max_bytes:
        return None
    kind = sniff(data[start : start + SNIFF_BYTES])
    if kind is None or kind == "image/svg+xml" or not _ends_well(data, start, end, kind):
        return None
    whole = Blocks([data[start:end]])
    try:
        check_media(whole, None)
    except CoatcheckError:
        return None
    return _Found(start, end, Writing(), FoundMedia(media=whole, characters=end - start))


def _ends_well(data: bytes, start: int, end: int, kind: str) -> bool:
    """Whether media of this type ends at `end`, as far as it says itself."""
    match kind:
        case "image/png":
            return data.endswith(_PNG_END, start, end)
        case "image/jpeg":
            return data.endswith(b"\xff\xd9", start, end)
        case "image/gif":
            return data.endswith(b"\x3b", start, end)
        case "image/webp":
            size = int.from_bytes(data[start + 4 : start + 8], "little") + 8
            return end - start == size + size % 2
        case "application/json" | "text/plain":
            return False
        case _:
            return True  # its structure is looked at


# --- base64 --------------------------------------------------------------------------------------


def _encoded(data: bytes, max_bytes: int) -> Iterator[_Found]:
    position = 0
    while (inside := _probe(data, position + THRESHOLD // 2)) is not None:
        found = _base64_in(data, max(position, inside - THRESHOLD), inside, max_bytes)
        if found is None:
            position = inside
            continue
        yield found
        position = max(found.end, position + 1)


def _base64_in(data: bytes, floor: int, inside: int, max_bytes: int) -> _Found | None:
    """The media whose base64 begins after `floor` and reaches over `inside`."""
    found: _Found | None = None
    for tried, match in enumerate(_BEGINNING.finditer(data, floor, inside + _PROBE)):
        start = match.start()
        if tried == _STARTS or (found is not None and found.end - start < THRESHOLD):
            break
        if sniff(_head(data, start)) is None:
            continue
        end = cast("re.Match[bytes]", _RUN.match(data, start)).end()
        if end - start < THRESHOLD:
            continue
        found = _read_base64(data, start, end, max_bytes)
        if isinstance(found.media, FoundMedia):
            break
    return found


def _probe(data: bytes, position: int) -> int | None:
    """The first position, in steps of half a threshold, that looks like the inside of base64."""
    for start in range(position, len(data), THRESHOLD // 2):
        match = _PROBED.match(data, start, start + _PROBE_WINDOW)
        if match is not None and match.end() - start >= _PROBE:
            return start
    return None


def _head(data: bytes, start: int) -> bytes:
    """The first bytes of what base64 stands for."""
    run = cast("re.Match[bytes]", _RUN.match(data, start, start + _HEAD))
    text = _plain(run[0])[0]
    text = text[: len(text) // 4 * 4].rstrip(b"=")
    text = text[: len(text) // 4 * 4].replace(b"-", b"+").replace(b"_", b"/")
    try:
        return pybase64.b64decode(text, validate=True)[:SNIFF_BYTES]
    except ValueError:
        return b""


def _may_break(text: bytes) -> bool:
    """Whether there may be line breaks; a regular expression takes fifty times as long to say."""
    return b"\n" in text or b"\\" in text


def _plain(text: bytes) -> tuple[bytes, Writing]:
    """Base64 without escapes and line breaks, and how it was written."""
    slash = _SLASH.search(text) if b"\\" in text else None
    escaped = b"/" if slash is None else slash[0]
    plain = text if slash is None else text.replace(escaped, b"/")
    newline = _BREAK.search(plain) if _may_break(plain) else None
    line = 0
    if newline is not None:
        line = newline.start()
        plain = plain.replace(newline[0], b"")
    alphabet = "base64url" if b"-" in plain or b"_" in plain else "base64"
    writing = Writing(
        alphabet,
        padded=len(plain) % 4 == 0,
        slash=escaped,
        line=line,
        newline=b"" if newline is None else newline[0],
    )
    return plain, writing


def _read_base64(data: bytes, start: int, end: int, max_bytes: int) -> _Found:
    """The media that base64 stands for, if writing it again gives the very same."""
    end = _end_of_lines(data, start, end)
    uri = _DATA_URI.search(data, max(0, start - _LONGEST_HEADER), start)
    for begin in (start, start if uri is None else uri.start()):
        # What follows a string in msgpack may look like a letter of it.
        end = next((one for one in _tagged_ends(data, begin) if start < one < end), end)
    plain, writing = _plain(data[start:end])
    unread = _Found(start, end, writing, UnprocessableMediaError("The base64 cannot be decoded."))
    if len(plain) // 4 * 3 > max_bytes + _SLACK:
        return unread._replace(media=MediaTooLargeError())
    if writing.alphabet == "base64url" and (b"+" in plain or b"/" in plain):
        return unread
    for text in (plain, plain.rstrip(b"=")[: len(plain.rstrip(b"=")) // 4 * 4]):
        try:
            alphabet = b"-_" if writing.alphabet == "base64url" else None
            padded = text + b"=" * (-len(text) % 4)
            media = pybase64.b64decode(padded, altchars=alphabet, validate=True)
        except ValueError:
            continue
        size = _size_of(media)
        # Letters right after the file's end may belong to what follows.
        media = media[:size] if size < len(media) and size % 3 == 0 else media
        written = writing.write(media)
        if data.startswith(written, start) and len(written) >= THRESHOLD:
            found = FoundMedia(media=Blocks([media]), characters=len(written))
            try:
                check_media(found.media, None)
            except CoatcheckError as error:
                return unread._replace(media=error)
            return _Found(start, start + len(written), writing, found)
    return unread


def _end_of_lines(data: bytes, start: int, end: int) -> int:
    """Where base64 in lines of one length ends: words may follow it on a line of their own."""
    if not _may_break(data[start:end]):
        return end
    newline = _BREAK.search(data, start, end)
    if newline is None:
        return end
    first = newline.start() - start
    if first > _LONGEST_LINE:
        return newline.start()
    character = rb"(?:[A-Za-z0-9+/_-]|\\+/)"
    line = first - sum(len(slash) - 1 for slash in _SLASH.findall(data[start : newline.start()]))
    between = re.escape(newline[0])
    lines = re.compile(
        rb"(?:%b{%d}%b)*+%b{0,%d}={0,2}" % (character, line, between, character, line)
    ).match(data, start, end)
    if lines is None:
        return end
    stop = lines.end()
    return stop - len(newline[0]) if data.endswith(newline[0], start, stop) else stop


def _size_of(media: bytes) -> int:
    """Where a file ends that has a few bytes more; its length where it does not tell."""
    tail = max(0, len(media) - _SLACK)
    end = -1
    match sniff(media[:SNIFF_BYTES]):
        case "image/png":
            end = media.rfind(_PNG_END, tail)
            end = end + len(_PNG_END) if end >= 0 else end
        case "image/jpeg":
            end = media.rfind(b"\xff\xd9", tail)
            end = end + 2 if end >= 0 else end
        case "image/webp" | "audio/wav":
            size = int.from_bytes(media[4:8], "little") + 8
            end = size + size % 2
    return end if tail <= end <= len(media) else len(media)


# --- the envelope --------------------------------------------------------------------------------


class _Kept(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    id: str
    digest: bytes
    size: int
    alphabet: str
    padded: bool
    slash: bytes
    line: int
    newline: bytes


class _Envelope(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    is_text: bool
    pieces: list[bytes | _Kept]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Envelope)
_DIGEST_BYTES: Final = 32


def _piece(index: int, kept: _Kept) -> MediaPiece:
    writing = Writing(kept.alphabet, kept.padded, kept.slash, kept.line, kept.newline)
    problem = None
    if not is_reference_id(kept.id):
        problem = "its id is none"
    elif len(kept.digest) != _DIGEST_BYTES:
        problem = "its digest is none"
    elif kept.size < 1 or kept.line < 0:
        problem = "a length is negative"
    elif kept.alphabet not in {"raw", "base64", "base64url"}:
        problem = f"it is written in an unknown way, {kept.alphabet[:40]!r}"
    elif not _SLASH.fullmatch(b"\\" + kept.slash) or (
        kept.newline and not _BREAK.fullmatch(kept.newline)
    ):
        problem = "its escapes are none"
    if problem is not None:
        raise InvalidInputError(f"The spliced data is damaged: of piece {index}, {problem}.")
    return MediaPiece(kept.id, kept.digest, kept.size, writing)
