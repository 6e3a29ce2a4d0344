"""What clients send back: media is put again into JSON that refers to it.

A client that keeps the history posts it with the URLs that it was given. What the application reads
is what it would have read without Coatcheck: it may hand it to a provider, which can fetch none of
these URLs. Bytes beside what is put back stay as they came.

A body is read when the application asks for it: one that refuses a request by its headers does so
unread.

Every id comes from outside. It is looked up for the client that sent it, and what this client may
not read stays as it is.
"""

import json
import re
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, cast

import msgspec
from anyio import Lock, to_thread
from anyio.lowlevel import checkpoint
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from coatcheck.errors import CoatcheckError
from coatcheck.payload.links import Links
from coatcheck.payload.restore import TOO_DEEP, Restorer
from coatcheck.payload.scanning.jsontext import JsonText
from coatcheck.payload.shapes import Original, Shapes
from coatcheck.ports import MediaRecord
from coatcheck.reference import REFERENCE_TYPE, URI_SCHEME, MediaUrls
from coatcheck.store import MediaStore

MAX_REQUEST: Final = 8 * 1024 * 1024
"""Largest request body or frame, in bytes, that media is put back into; references are short."""

MAX_REFERENCES: Final = 1000
"""Different references of one message that are looked up."""

MAX_REFUSED: Final = 10_000
"""References of one message that may stay; a message with more of them stays as it is."""

MAX_VALUES: Final = 100_000
"""Values of one message, as its commas tell; a message with more of them stays as it is."""

TOO_MANY_VALUES: Final = "too_many_values"
"""The reason for that."""

REQUEST_TOO_LARGE: Final = "request_too_large"
"""The reason for a larger one, and for references that are too many or whose media is too large."""

FindReadable: TypeAlias = Callable[[Scope, MediaStore], Awaitable[MediaRecord]]
"""As `Authorizer.find_readable`: the record of the media that a request may read."""

T = TypeVar("T")
Document = TypeVar("Document", str, bytes)

_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
# What tells of the very bytes that the client sent (RFC 9110, 9530; Content-MD5 is older).
_OF_THE_BYTES: Final = frozenset(
    {
        *(b"content-length", b"transfer-encoding"),
        *(b"content-digest", b"repr-digest", b"digest", b"content-md5"),
    }
)
_ASIDE: Final = 128 * 1024
_SHORTEST: Final = 36  # an id has so many characters
_MAX_QUERIES: Final = 8  # of one id: its original and its thumbnail, of this window and of others
_SIGNED: Final = re.compile(
    r"(?P<id>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\?(?P<query>[^\s\"'<>()\[\]\\#]+)"
)


class Reader:
    """Reads media for one client.

    Args:
        scope: the request or the socket.
        store: where the media is.
        owner: whose media it may read in any case; None for no owner's.
        find_readable: returns the record of other media that the client may read.
        queries: the queries of the URLs that it sent, by id: they may be signed.
        room: bytes of base64 that may be put into the message.
    """

    def __init__(
        self,
        scope: Scope,
        store: MediaStore,
        *,
        owner: str | None,
        find_readable: FindReadable,
        queries: Mapping[str, set[str]],
        room: int,
    ) -> None:
        self._scope = scope
        self._store = store
        self._owner = owner
        self._find_readable = find_readable
        self._queries = queries
        self._room = room
        self._known: dict[str, Original | str] = {}

    async def read(self, reference_id: str) -> Original | str:
        """The media, or why it cannot be had."""
        known = self._known.get(reference_id)
        if known is None:
            if len(self._known) >= MAX_REFERENCES:
                return REQUEST_TOO_LARGE
            try:
                known = await self._read(reference_id)
            except CoatcheckError as error:
                known = error.code
            self._known[reference_id] = known
        if isinstance(known, str):
            return known
        # Each place takes a copy.
        length = -(-len(known.data) // 3) * 4
        if length > self._room:
            return REQUEST_TOO_LARGE
        self._room -= length
        return known

    async def _read(self, reference_id: str) -> Original:
        record = await self._record(reference_id)
        if -(-record.reference.size // 3) * 4 > self._room:
            raise _NoRoomError
        data = await self._store.read(reference_id)
        return Original(reference=record.reference, data=data)

    async def _record(self, reference_id: str) -> MediaRecord:
        if self._owner is not None:
            records = await self._store.records([reference_id])
            record = records.get(reference_id)
            if record is not None and record.owner == self._owner:
                return record
        refusal: CoatcheckError | None = None
        for query in sorted(self._queries.get(reference_id, ())) or [""]:
            # As if it asked for the media itself: the same authorizer decides.
            asking = {
                **self._scope,
                "type": "http",
                "method": "GET",
                "path_params": {"id": reference_id},
                "query_string": query.encode("utf-8", "surrogatepass"),
            }
            try:
                return await self._find_readable(asking, self._store)
            except CoatcheckError as error:
                refusal = error
        assert refusal is not None  # noqa: S101 - the loop has run at least once
        raise refusal


class _NoRoomError(CoatcheckError):
    code = REQUEST_TOO_LARGE


class Restored:
    """One message with its media inline again.

    Attributes:
        restored: how many references were replaced.
        left: where others were left, by reason.
    """

    def __init__(self, urls: MediaUrls, origins: Collection[str], shapes: Shapes) -> None:
        self._needles = _needles(urls)
        self._restorer = Restorer(Links(urls, origins), shapes)
        self.restored = 0
        self._refused = 0
        self.left: defaultdict[str, list[str]] = defaultdict(list)

    async def of(
        self, document: Document, reader: Callable[[Mapping[str, set[str]]], Reader]
    ) -> Document:
        """The JSON document with media in the place of references; the same object if none is.

        Args:
            document: any text; what is no JSON stays as it is.
            reader: makes what reads media, from the queries that stand in the document.
        """
        size = len(document)
        try:
            opened = await _aside(partial(self._open, document), size)
        except (ValueError, RecursionError):
            return document
        if opened is None:
            self.left[TOO_MANY_VALUES].append("")
            return document
        reading = reader(opened.queries)
        walk = self._restorer.walk(opened.payload)
        answer: Original | None = None
        while True:
            step = await _aside(partial(_step, walk, answer), size)
            if isinstance(step, _Done):
                result = step.payload
                break
            answer = await self._answer(reading, step)
            if self._refused > MAX_REFUSED:
                self.left.clear()
                self.left[REQUEST_TOO_LARGE].append("")
                self.restored = 0
                return document
            await checkpoint()
        if result is opened.payload:
            return document
        try:
            written = await to_thread.run_sync(opened.close, result)
        except ValueError:  # a number that JSON has no word for
            self.left["unexpected"].append("")
            self.restored = 0
            return document
        return cast("Document", _as(written, type(document)))

    def _open(self, document: str | bytes) -> "_OpenedDocument | None":
        """Parse a document; None if it has too many values.

        Raises:
            ValueError: it is no JSON.
            RecursionError: it nests deeper than any reader takes.
        """
        commas = document.count(",") if isinstance(document, str) else document.count(b",")
        if commas > MAX_VALUES:
            return None
        try:
            text = JsonText(
                document.encode() if isinstance(document, str) else document,
                lambda raw: len(raw) > _SHORTEST and any(one in raw for one in self._needles),
            )
        except (msgspec.DecodeError, UnicodeError):
            # Some characters and numbers are none of JSON, but most readers take them.
            payload = json.loads(document)
            return _OpenedDocument(payload, _queries(payload), _dumped)
        return _OpenedDocument(text.value, _queries(text.value), text.close)

    async def _answer(self, reading: Reader, reference_id: str | None) -> Original | None:
        place = self._restorer.place
        found: Original | str = TOO_DEEP
        if reference_id is not None:
            found = await reading.read(reference_id)
        if isinstance(found, str):
            self.left[found].append(place)
            self._refused += 1
            return None
        self.restored += 1
        return found


class _OpenedDocument(NamedTuple):
    """A document that was parsed.

    Attributes:
        payload: what it says.
        queries: the queries of the URLs in it, by the id of the media.
        close: writes what the payload has become.
    """

    payload: Any
    queries: Mapping[str, set[str]]
    close: Callable[[Any], bytes]


def may_refer(document: str | bytes, urls: MediaUrls) -> bool:
    """Whether there may be a reference or a link of ours in a document, told without parsing it."""
    if isinstance(document, str):
        return any(needle.decode() in document for needle in _needles(urls))
    return any(needle in document for needle in _needles(urls))


def _needles(urls: MediaUrls) -> tuple[bytes, ...]:
    """What no reference and no link is without, as JSON may have it."""
    # Some write every slash of JSON as \/.
    links = (URI_SCHEME, urls.prefix)
    escaped = (link.replace("/", "\\/") for link in links)
    return tuple(text.encode() for text in (REFERENCE_TYPE, *links, *escaped))


def has_json(scope: Scope) -> bool:
    """Whether a request has a body of JSON that can be read here."""
    if scope["type"] != "http" or scope["method"] not in _WITH_BODY:
        return False
    headers = Headers(scope=scope)
    if headers.get("content-encoding", "identity") != "identity":
        return False
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


class RestoredRequest:
    """The receiving side of one request. Its body is read when the application asks for it.

    What was received is kept until the application has it: it may cancel a call and call again.

    Args:
        scope: the request's; when its body changes, its headers change in place.
        receive: what receives.
        is_chosen: whether the body is looked at; asked before it is read.
        restore: puts the media into a body; returns the same object where nothing changes.
        on_too_large: called for a body that is larger than `MAX_REQUEST`.
    """

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        *,
        is_chosen: Callable[[], bool],
        restore: Callable[[bytes], Awaitable[bytes]],
        on_too_large: Callable[[], None],
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._is_chosen = is_chosen
        self._restore = restore
        self._on_too_large = on_too_large
        self._order = Lock(fast_acquire=True)
        self._headers: list[tuple[bytes, bytes]] = []  # as the application has them
        self._is_begun = False
        self._is_held = False  # whether the body is read on until it is whole
        self._held: list[Message] = []
        self._size = 0
        self._ready: deque[Message] | None = None  # what the application was not given yet

    async def __call__(self) -> Message:
        """Return the next message; all of the body at once, if media was put into it."""
        async with self._order:
            if self._ready is None:
                self._ready = deque(await self._read())
            if self._ready:
                return self._ready.popleft()
        return await self._receive()

    async def _read(self) -> list[Message]:
        if not self._is_begun:
            self._is_begun = True
            self._headers = self._scope["headers"]
            self._is_held = self._begin(Headers(raw=self._headers))
        while self._is_held:
            message = await self._receive()
            self._held.append(message)
            self._size += len(message.get("body", b""))
            if message["type"] != "http.request":  # the client stopped
                return self._held
            self._is_held = message.get("more_body", False) and self._size <= MAX_REQUEST
        if not self._held:
            return []
        if self._size > MAX_REQUEST:
            self._on_too_large()
            return self._held
        body = b"".join(message.get("body", b"") for message in self._held)
        restored = await self._restore(body)
        if restored is body:
            return self._held
        self._tell_length(len(restored))
        return [{"type": "http.request", "body": restored, "more_body": False}]

    def _begin(self, headers: Headers) -> bool:
        if not self._is_chosen():
            return False
        announced = headers.get("content-length", "")
        if announced.isdigit() and int(announced) > MAX_REQUEST:
            self._on_too_large()
            return False
        return True

    def _tell_length(self, length: int) -> None:
        # In place: frameworks hold on to the list that they had before they asked for the body, and
        # hooks that read headers since then may have put a copy into the scope.
        for headers in (self._headers, self._scope["headers"]):
            headers[:] = [
                *(one for one in headers if one[0].lower() not in _OF_THE_BYTES),
                (b"content-length", b"%d" % length),
            ]


def _queries(payload: Any) -> Mapping[str, set[str]]:
    """The queries of the URLs in a payload, by the id of the media."""
    queries: defaultdict[str, set[str]] = defaultdict(set)
    unread = [payload]
    while unread:
        value = unread.pop()
        if isinstance(value, str):
            for match in _SIGNED.finditer(value):
                known = queries[match["id"].lower()]
                if len(known) < _MAX_QUERIES:
                    known.add(match["query"])
        elif isinstance(value, dict):
            unread += value.values()
        elif isinstance(value, list):
            unread += value
    return queries


def _dumped(payload: Any) -> bytes:
    return json.dumps(payload, allow_nan=False).encode()


@dataclass(frozen=True, slots=True)
class _Done:
    payload: Any


def _step(
    walk: Generator[str | None, Original | None, Any], answer: Original | None
) -> str | _Done | None:
    try:
        return walk.send(answer)
    except StopIteration as done:  # which cannot be raised out of a thread
        return _Done(done.value)


def _as(written: bytes, kind: type) -> str | bytes:
    return written.decode() if kind is str else written


async def _aside(work: Callable[[], T], size: int) -> T:
    return work() if size < _ASIDE else await to_thread.run_sync(work)
