"""What clients send back: media is put again into JSON that refers to it.

A client that keeps the history posts it with the URLs that it was given. What the application reads
is what it would have read without Coatcheck: it may hand it to a provider, which can fetch none of
these URLs.

Every id comes from outside. It is looked up for the client that sent it, and what this client may
not read stays as it is.
"""

import json
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar, cast

from anyio import to_thread
from anyio.lowlevel import checkpoint
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from coatcheck.errors import CoatcheckError
from coatcheck.payload.links import Links
from coatcheck.payload.restore import TOO_DEEP, Restorer
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

REQUEST_TOO_LARGE: Final = "request_too_large"
"""The reason for a larger one, and for references that are too many or whose media is too large."""

FindReadable: TypeAlias = Callable[[Scope, MediaStore], Awaitable[MediaRecord]]
"""As `Authorizer.find_readable`: the record of the media that a request may read."""

T = TypeVar("T")
Document = TypeVar("Document", str, bytes)

_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_ASIDE: Final = 128 * 1024
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

    def __init__(self, links: Links, shapes: Shapes) -> None:
        self._links = links
        self._restorer = Restorer(links, shapes)
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
            payload, queries = await _aside(partial(_parse, document), size)
        except (ValueError, RecursionError):
            return document
        reading = reader(queries)
        walk = self._restorer.walk(payload)
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
        if result is payload:
            return document
        try:
            text = await to_thread.run_sync(lambda: json.dumps(result, allow_nan=False))
        except ValueError:  # a number that JSON has no word for
            self.left["unexpected"].append("")
            self.restored = 0
            return document
        return cast("Document", _as(text, type(document)))

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


def may_refer(document: str | bytes, urls: MediaUrls) -> bool:
    """Whether there may be a reference or a link of ours in a document, told without parsing it."""
    # Some write every slash of JSON as \/.
    texts = (
        REFERENCE_TYPE,
        URI_SCHEME,
        URI_SCHEME.replace("/", "\\/"),
        urls.prefix,
        urls.prefix.replace("/", "\\/"),
    )
    if isinstance(document, str):
        return any(text in document for text in texts)
    return any(text.encode() in document for text in texts)


def has_json(scope: Scope) -> bool:
    """Whether a request has a body of JSON that can be read here."""
    if scope["type"] != "http" or scope["method"] not in _WITH_BODY:
        return False
    headers = Headers(scope=scope)
    if headers.get("content-encoding", "identity") != "identity":
        return False
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


async def hold_body(scope: Scope, receive: Receive) -> tuple[bytes | None, Receive]:
    """The body of a request, and what gives the application the messages that were read for it.

    The body is None where it is too large to be held, or does not come to its end.
    """
    announced = Headers(scope=scope).get("content-length", "")
    if announced.isdigit() and int(announced) > MAX_REQUEST:
        return None, receive
    held: list[Message] = []
    size = 0
    whole = False
    while not whole and size <= MAX_REQUEST:
        message = await receive()
        held.append(message)
        if message["type"] != "http.request":
            break
        size += len(message.get("body", b""))
        whole = not message.get("more_body", False)
    body = b"".join(message.get("body", b"") for message in held)
    return (body if whole and size <= MAX_REQUEST else None), _replay(held, receive)


def with_body(scope: Scope, receive: Receive, body: bytes) -> tuple[Scope, Receive]:
    """The request with another body."""
    headers = [one for one in scope["headers"] if one[0].lower() != b"content-length"]
    headers.append((b"content-length", b"%d" % len(body)))
    message: Message = {"type": "http.request", "body": body, "more_body": False}
    return {**scope, "headers": headers}, _replay([message], receive)


def _replay(held: list[Message], receive: Receive) -> Receive:
    waiting = held[::-1]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _parse(document: str | bytes) -> tuple[Any, Mapping[str, set[str]]]:
    payload = json.loads(document)
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
    return payload, queries


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


def _as(text: str, kind: type) -> str | bytes:
    return text if kind is str else text.encode()


async def _aside(work: Callable[[], T], size: int) -> T:
    return work() if size < _ASIDE else await to_thread.run_sync(work)
