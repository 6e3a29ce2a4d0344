"""Offload a stream: chunks of a model or an agent, with references in the place of media."""

import logging
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic, NamedTuple, TypeVar, Unpack

from coatcheck.bounded import BoundedMemory
from coatcheck.options import DEFAULT_MAX_BYTES
from coatcheck.payload.links import Links
from coatcheck.payload.offload import (
    OffloadLimits,
    OffloadOptions,
    OffloadReport,
    bare_of,
    rewritten_document,
)
from coatcheck.payload.offloading.continuing import Event, Step, StreamRewriter
from coatcheck.payload.offloading.deltas import Delta, Path, alone, exchanged
from coatcheck.payload.offloading.driving import drive
from coatcheck.payload.offloading.keeping import Keeper
from coatcheck.payload.offloading.objects import members_of, without_unset_nulls
from coatcheck.payload.offloading.rewriting import Request, Rewriter, Walk
from coatcheck.payload.scanning.base64text import Steps, finish
from coatcheck.payload.shapes import DEFAULT_SHAPES, Replacement
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck.store import MediaStore

T = TypeVar("T")
R = TypeVar("R")


class Destination(NamedTuple):
    """Where a stream's media is stored.

    Attributes:
        store: the store; None to measure only.
        owner: whom the media belongs to.
        urls: mints the URLs of the form ``ui``.
    """

    store: MediaStore | None
    owner: str | None
    urls: MediaUrls


OpenStore = Callable[[], Awaitable[Destination]]
"""Returns the destination; called when there is media."""

UNEXPECTED: Final = "unexpected"
"""The reason in `OffloadReport.left` for media that an unexpected error left inline."""

_logger: Final = logging.getLogger(__name__)

_NOTHING: Final = OffloadReport()
_REMEMBERED: Final = 256
_BASE64: Final = 4 / 3
_HEADER: Final = 4096


async def offload_stream(
    chunks: AsyncIterable[Any],
    store: MediaStore,
    *,
    on_report: Callable[[OffloadReport], None] | None = None,
    **options: Unpack[OffloadOptions],
) -> AsyncGenerator[Any]:
    """Replace inline media in a stream with references, and pass each chunk as soon as possible.

    Text is followed across chunks: a data: URI that spreads over several chunks is held back until
    it is complete, and passes as a link. Text is a chunk that is a string, or a piece of a string
    in a chunk of OpenAI, Anthropic, Gemini, the AI SDK, AG-UI, or of another form in which one
    string continues from chunk to chunk. Everything else in a chunk is offloaded separately. The
    same content has the same reference throughout a stream.

    At most 64 characters of ordinary text are held back, and at most as much as base64 of the
    store's `max_bytes` takes. A chunk that contains only text that is held back does not pass; if
    it is numbered, it passes with an empty text.

    Args:
        chunks: the stream.
        store: where media goes.
        on_report: called for each chunk that held media.
        options: those of `offload`.
    """
    destination = Destination(store, options.get("owner"), options.get("urls") or MediaUrls())

    async def opened() -> Destination:
        return destination

    stream: StreamOffload[Any] = StreamOffload(
        opened, on_report or _untold, options, max_bytes=store.max_bytes
    )
    async for chunk in chunks:
        step = await stream.feed(_Chunk(chunk))
        for passed in step.before:
            yield passed
        if step.passes:
            yield chunk if isinstance(chunk, str) else await stream.payload(chunk)
    for passed in await stream.end():
        yield passed


def _untold(_report: OffloadReport) -> None:
    pass


class _Chunk:
    """Treat a chunk as an event; an object that is changed becomes a dictionary."""

    def __init__(self, chunk: Any) -> None:
        self._chunk = chunk
        is_value = isinstance(chunk, str | dict | list)
        self.value: Any = chunk if is_value else members_of(chunk)

    def unchanged(self) -> Any:
        return self._chunk

    def with_texts(self, texts: Mapping[Path, str]) -> Any:
        return without_unset_nulls(self._chunk, self.value, exchanged(self.value, texts))

    def alone(self, path: Path, text: str) -> Any:
        return without_unset_nulls(self._chunk, self.value, alone(self.value, path, text))


class StreamOffload(Generic[T]):
    """Offloads one stream into a store.

    Args:
        open_store: returns the destination of media.
        on_report: called for each event that held media.
        options: those of `offload`; the owner and the URLs come from `open_store`.
        max_bytes: largest media that is decoded, until the store is opened and says so itself.
        max_held: how many characters are held back at most; no more than base64 of the largest
            media takes.
        is_patient: see `StreamRewriter`.
    """

    def __init__(
        self,
        open_store: OpenStore,
        on_report: Callable[[OffloadReport], None],
        options: OffloadOptions,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        max_held: int | None = None,
        is_patient: bool = True,
    ) -> None:
        self._open_store = open_store
        self._on_report = on_report
        self._options = options
        self._limits = options.get("limits", OffloadLimits())
        self._max_held = max_held
        self._is_bounded = False  # by the store
        self._remembered: BoundedMemory[bytes, MediaReference] = BoundedMemory(entries=_REMEMBERED)
        self.rewriter: StreamRewriter[T] = StreamRewriter(
            self._limits,
            self._whole,
            max_bytes=max_bytes,
            max_held=_held(max_bytes, max_held),
            is_patient=is_patient,
            takes_bare=bare_of(options) != "keep",
        )

    async def feed(self, event: Event[T], found: list[Delta] | None = None) -> Step[T]:
        """Take the next event.

        Args:
            event: the event.
            found: see `StreamRewriter.feed`.
        """
        step = await self._run(self.rewriter.feed(event, found), self._place)
        if not self._is_bounded and self.rewriter.is_inside_media:
            await self._bound()
        return step

    async def _bound(self) -> None:
        """Hold back as much as the store takes: it is opened when media has begun."""
        self._is_bounded = True
        try:
            store = (await self._open_store()).store
        except Exception:  # noqa: BLE001 - it is opened again, and this told, when media is whole
            return
        if store is not None:
            self.rewriter.max_bytes = store.max_bytes
            self.rewriter.max_held = _held(store.max_bytes, self._max_held)

    async def end(self) -> list[T]:
        """Return what is left to send at the end of the stream."""
        if not self.rewriter.open:
            return []
        return await self._run(self.rewriter.end(), self._place)

    async def relent(self) -> list[T]:
        """Return what is sent as nothing has come for a while, see `StreamRewriter.relent`."""
        return await self._run(self.rewriter.relent(), self._place)

    async def payload(self, payload: Any) -> Any:
        """Replace the media in a payload with references.

        Args:
            payload: an event or a part of one, as an object.
        """
        whole = self._whole()
        return await self._run(whole.walk(payload), whole.place)

    async def document(self, document: bytes) -> bytes:
        """Replace the media in a document with references.

        Args:
            document: JSON or text, in UTF-8.
        """
        whole = self._whole()
        return await self._run(rewritten_document(whole, document), whole.place)

    def _whole(self) -> Rewriter:
        return Rewriter(
            self._limits,
            self._options.get("shapes", DEFAULT_SHAPES),
            max_bytes=self.rewriter.max_bytes,
            bare=bare_of(self._options),
            links=Links(self._options.get("urls") or MediaUrls()),
        )

    def _place(self) -> Steps[str]:
        yield from ()
        return self.rewriter.place

    async def _run(self, walk: Walk[R], place: Callable[[], Steps[str]]) -> R:
        keeping = _Keeping(partial(self._keeper, place), place)
        result = await drive(walk, keeping)
        report = keeping.report
        if report.found or report.left:
            self._on_report(report)
        return result

    async def _keeper(self, place: Callable[[], Steps[str]]) -> Keeper:
        destination = await self._open_store()
        return Keeper(
            destination.store,
            form=self._options.get("form", "stored"),
            urls=destination.urls,
            owner=destination.owner,
            conversation_id=self._options.get("conversation_id"),
            place=place,
            remembered=self._remembered,
            reuse=self._options.get("reuse", True),
        )


def _held(max_bytes: int, max_held: int | None) -> int:
    """How many characters are held back at most."""
    most = int(max_bytes * _BASE64) + _HEADER
    return most if max_held is None else min(most, max_held)


@dataclass(slots=True)
class _Keeping:
    """The media of one event; the store is opened only if there is some."""

    make: Callable[[], Awaitable[Keeper]]
    place: Callable[[], Steps[str]]
    _keeper: Keeper | None = None
    _failed: OffloadReport = _NOTHING

    async def keep(self, request: Request) -> Replacement | None:
        try:
            if self._keeper is None:
                self._keeper = await self.make()
            return await self._keeper.keep(request)
        except Exception:  # whatever it is: what was held back must be sent
            _logger.exception("Media in a stream is sent as it is.")
            place = finish(self.place())
            self._failed += OffloadReport(left={UNEXPECTED: 1}, places={UNEXPECTED: (place,)})
            return None

    @property
    def report(self) -> OffloadReport:
        """What was done with the event's media."""
        return self._failed if self._keeper is None else self._keeper.report + self._failed
