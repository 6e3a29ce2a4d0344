"""Ready answers: a GET that was answered a moment ago is answered again before anything else runs.

The table holds what the whole application sent: status, headers and the validator. It is looked up
without waiting, once the `Authorizer` has admitted the request, which it does for each request. An
entry is as good as the record that it was made from: the catalog forgets a record that is deleted
in this process, and believes one for two seconds, in which another process may have deleted it.
Bodies come from the store's memory of small blobs, which drops them with their last reference.

Anything unusual is left to the application: another method, a range, a condition other than
``If-None-Match``, a parameter that is repeated or encoded, and an authorizer that has to wait or to
see the record.
"""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck.bounded import BoundedMemory
from coatcheck.delivery.access import Authorizer, admission_of
from coatcheck.delivery.conditional import is_not_modified
from coatcheck.delivery.metrics import AnswerCount, Metrics
from coatcheck.delivery.observation import AccessLog, server_timing
from coatcheck.ports import MediaRecord
from coatcheck.reference import IMAGE_PATH
from coatcheck.store import MediaStore

CAPACITY: Final = 16 * 1024 * 1024
"""Bytes of the table, without the bodies, which the store keeps."""

ANSWERED: Final = "coatcheck.answered"
"""The key in a request's scope for the record and the digest that its answer was made from."""

_MISSED: Final = "coatcheck.missed"  # the key in a scope for the entry that was not there
_BESIDES: Final = 1024  # bytes of an entry's objects, besides its headers
_LONGEST_QUERY: Final = 512
_LONGEST_KEY: Final = 512  # an id, what is asked of it, `Accept` and `Origin`

# What the endpoint looks at and this table does not.
_UNUSUAL: Final = frozenset({b"range", b"if-range", b"if-match", b"if-unmodified-since"})
_PARAMETERS: Final = frozenset(
    {b"thumbnail", b"download", b"w", b"format", b"expires", b"signature"}
)

Header = tuple[bytes, bytes]
_Key = tuple[str, bytes, bytes, bytes, bytes, bytes]


class Answer(NamedTuple):
    """A whole answer.

    Attributes:
        status: 200 or 304.
        headers: for ``http.response.start``.
        lines: the same headers as lines of HTTP/1.1, but for the last one, `timing`.
        timing: the header ``Server-Timing``.
        body: all of it.
    """

    status: int
    headers: list[Header]
    lines: bytes
    timing: Header
    body: bytes


class _Entry:
    """An answer that was given, without its body and ``Server-Timing``."""

    __slots__ = ("count", "digest", "headers", "kind", "lines", "record", "status", "tag", "weight")

    def __init__(
        self,
        status: int,
        headers: list[Header],
        record: MediaRecord,
        digest: str,
        kind: str,
        count: AnswerCount,
    ) -> None:
        self.record = record
        self.digest = digest
        self.kind = kind
        self.count = count
        self.status = status
        self.headers = headers
        self.lines = b"".join(b"%s: %s\r\n" % header for header in self.headers)
        self.tag = dict(self.headers)[b"etag"].decode("latin-1")
        self.weight = 2 * len(self.lines) + _BESIDES


class ReadyAnswers:
    """ASGI middleware around the observed media application, and the look into the table alone.

    Args:
        app: answers what is not ready, with ``Server-Timing`` as its last header.
        store: has records and small blobs in memory.
        access: decides who gets what. Answers are ready only if it is `OpenAccess` or
            `SignedAccess` itself.
        kind_of: returns what a request asked for, after it has been routed.
        metrics: counts; nothing is counted without.
        by_origin: whether answers depend on ``Origin``.
        clock: a monotonic clock in seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        store: MediaStore,
        access: Authorizer,
        kind_of: Callable[[Scope], str],
        metrics: Metrics | None = None,
        *,
        by_origin: bool = False,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._store = store
        self._admits = admission_of(access)
        self._kind_of = kind_of
        self._metrics = metrics
        self._by_origin = by_origin
        self._clock = clock
        self._log = AccessLog()
        self._entries = BoundedMemory[tuple[_Key, bool], _Entry](
            capacity=CAPACITY, weigh=lambda entry: entry.weight
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from the table, or let the application answer and keep what it sends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _MISSED not in scope:
            answer = self.find(scope, scope.get("root_path", "") + IMAGE_PATH + "/")
            if answer is not None:
                await send_answer(answer, send)
                return
        missed = scope.get(_MISSED)
        await self._app(scope, receive, send if missed is None else self._keep(scope, missed, send))

    def find(self, scope: Scope, prefix: str) -> Answer | None:
        """Return the ready answer to a request; None if the application has to answer.

        An answer that is returned has been counted and logged, so the caller sends it.

        Args:
            scope: of the request.
            prefix: what comes before an id in the path of a picture.
        """
        began = self._clock()
        path: str = scope["path"]
        if self._admits is None or scope["method"] != "GET" or not path.startswith(prefix):
            return None
        headers = dict(scope["headers"])
        query = _parameters(scope["query_string"])
        if (
            query is None
            or len(headers) != len(scope["headers"])  # one is repeated
            or not _UNUSUAL.isdisjoint(headers)
        ):
            return None
        reference_id = path[len(prefix) :]
        # Before the table, on each request: who may not have it learns nothing from the table.
        if not self._admits(reference_id, query):
            return None
        key = self._key(reference_id, query, headers)
        if key is None:
            return None
        condition: bytes | None = headers.get(b"if-none-match")
        entry = self._entries.use((key, condition is not None))
        if entry is not None and self._is_current(entry, reference_id):
            body = self._body(entry, condition)
            if body is not None:
                seconds = self._clock() - began
                entry.count.add(len(body), seconds)
                self._log.add_ready(
                    kind=entry.kind,
                    status=entry.status,
                    size=len(body),
                    seconds=seconds,
                    reference_id=reference_id,
                )
                return Answer(
                    entry.status, entry.headers, entry.lines, server_timing(seconds), body
                )
        scope[_MISSED] = key
        return None

    def _key(
        self, reference_id: str, query: dict[bytes, bytes], headers: dict[bytes, bytes]
    ) -> _Key | None:
        """Everything that an answer depends on, but who may have it; None for what is not kept."""
        origin = headers.get(b"origin", b"") if self._by_origin else b""
        download = b"download" if query.get(b"download") == b"true" else b""
        if query.get(b"thumbnail") == b"true":
            return _within((reference_id, b"thumbnail", b"", b"", download, origin))
        width, coding = query.get(b"w"), query.get(b"format")
        if width is None and coding is None:
            return _within((reference_id, b"original", b"", b"", download, origin))
        negotiated = coding is None or coding == b"auto"
        accept = headers.get(b"accept", b"*/*") if negotiated else b""
        named = b"w=" + width if width is not None else b""
        return _within((reference_id, named, coding or b"auto", accept, download, origin))

    def _is_current(self, entry: _Entry, reference_id: str) -> bool:
        record = self._store.recall_record(reference_id)
        if record is not entry.record:
            # Forgotten, or read anew: then it has seldom changed.
            if record is None or record != entry.record:
                return False
            entry.record = record
        return True

    def _body(self, entry: _Entry, condition: bytes | None) -> bytes | None:
        if condition is None:
            return self._store.recall_blob(entry.digest)
        return b"" if is_not_modified(condition.decode("latin-1"), entry.tag) else None

    def _keep(self, scope: Scope, key: _Key, send: Send) -> Send:
        status = 0
        headers: list[Header] = []

        async def keep(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                # A copy, without the time that it took: who is told next may add to the list.
                status, headers = message["status"], message["headers"][:-1]
            elif not message.get("more_body"):
                self._remember(scope, key, status, headers)
            await send(message)

        return keep

    def _remember(self, scope: Scope, key: _Key, status: int, headers: list[Header]) -> None:
        answered = scope.get(ANSWERED)
        if answered is None or status not in {HTTPStatus.OK, HTTPStatus.NOT_MODIFIED}:
            return
        record, digest = answered
        if status == HTTPStatus.OK and self._store.recall_blob(digest) is None:
            return  # too large to stay in memory
        kind = self._kind_of(scope)
        count = AnswerCount() if self._metrics is None else self._metrics.answers(kind, status)
        entry = _Entry(status, headers, record, digest, kind, count)
        self._entries.put((key, status == HTTPStatus.NOT_MODIFIED), entry)


async def send_answer(answer: Answer, send: Send) -> None:
    """Send a ready answer.

    Args:
        answer: from `ReadyAnswers.find`.
        send: of the request.
    """
    headers = [*answer.headers, answer.timing]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _within(key: _Key) -> _Key | None:
    # What a client makes up at length would be its memory here.
    return key if sum(map(len, key)) <= _LONGEST_KEY else None


def _parameters(query_string: bytes) -> dict[bytes, bytes] | None:
    """The known parameters; None where they are repeated, encoded, or too long to look at."""
    if len(query_string) > _LONGEST_QUERY or b"%" in query_string or b"+" in query_string:
        return None
    found: dict[bytes, bytes] = {}
    for part in query_string.split(b"&"):
        name, _, value = part.partition(b"=")
        if name in _PARAMETERS:
            if name in found:
                return None
            found[name] = value
    return found
