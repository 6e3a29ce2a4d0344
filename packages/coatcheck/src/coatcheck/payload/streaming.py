"""Offload a stream: chunks of a model or an agent, with references in the place of media."""

import logging
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar, Unpack

from coatcheck.bounded import BoundedMemory
from coatcheck.options import DEFAULT_MAX_BYTES
from coatcheck.payload.offload import OffloadLimits, OffloadOptions, OffloadReport
from coatcheck.payload.offloading.continuing import Event, Step, StreamRewriter
from coatcheck.payload.offloading.deltas import Delta, Path, exchanged
from coatcheck.payload.offloading.driving import drive
from coatcheck.payload.offloading.keeping import Keeper
from coatcheck.payload.offloading.objects import members_of
from coatcheck.payload.offloading.rewriting import Request, Rewriter, Walk
from coatcheck.payload.shapes import DEFAULT_SHAPES, Replacement
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck.store import MediaStore

T = TypeVar("T")
R = TypeVar("R")

OpenStore = Callable[[], Awaitable[tuple[MediaStore | None, str | None]]]
"""Gets the store and the owner when media is to be kept; no store to measure only."""

UNEXPECTED: Final = "unexpected"
"""The reason in `OffloadReport.left` for what something unexpected kept from being stored."""

_logger: Final = logging.getLogger(__name__)

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
    """The chunks with references in the place of inline media, each as soon as it may pass.

    Text is followed across chunks: a data: URI that comes in many is held back until it is whole,
    and passes as a link. Text is a chunk that is a string, or a piece of a string in a chunk of
    OpenAI, Anthropic, Gemini, the AI SDK, AG-UI, or of a form of its own in which one string goes
    on from chunk to chunk. Whatever else is in a chunk is offloaded by itself. The same content has
    the same reference in all of a stream.

    At most 64 characters are held back that turn out to be no media, and at most what base64 of the
    store's `max_bytes` takes. A chunk that says nothing but what was held back does not pass, or
    passes with an empty text if it has a number.

    Args:
        chunks: the stream.
        store: where media goes.
        on_report: called for each chunk that held media.
        options: see `coatcheck.payload.offload.OffloadOptions`.
    """

    async def opened() -> tuple[MediaStore, str | None]:
        return store, options.get("owner")

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
    """A chunk as an event; an object that is changed becomes a dictionary."""

    def __init__(self, chunk: Any) -> None:
        self._chunk = chunk
        is_value = isinstance(chunk, str | dict | list)
        self.value: Any = chunk if is_value else members_of(chunk)

    def unchanged(self) -> Any:
        return self._chunk

    def with_texts(self, texts: Mapping[Path, str]) -> Any:
        return exchanged(self.value, texts)


class StreamOffload(Generic[T]):
    """One stream, with a store behind it.

    Args:
        open_store: gets the store, and whom its media belongs to.
        on_report: called for each event that held media.
        options: see `coatcheck.payload.offload.OffloadOptions`; the owner is `open_store`'s.
        max_bytes: largest media that is decoded.
        max_held: characters that are held back at most; what base64 of `max_bytes` takes where it
            is left out.
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
        self._max_bytes = max_bytes
        self._remembered: BoundedMemory[bytes, MediaReference] = BoundedMemory(entries=_REMEMBERED)
        self.rewriter: StreamRewriter[T] = StreamRewriter(
            self._limits,
            max_bytes=max_bytes,
            max_held=int(max_bytes * _BASE64) + _HEADER if max_held is None else max_held,
            is_patient=is_patient,
        )

    async def feed(self, event: Event[T], found: list[Delta] | None = None) -> Step[T]:
        """Take the next event.

        Args:
            event: the event.
            found: see `StreamRewriter.feed`.
        """
        return await self._run(self.rewriter.feed(event, found), lambda: self.rewriter.place)

    async def end(self) -> list[T]:
        """What is sent now that the stream is over."""
        if not self.rewriter.open:
            return []
        return await self._run(self.rewriter.end(), lambda: self.rewriter.place)

    async def payload(self, payload: Any) -> Any:
        """A payload with references in the place of the media in it.

        Args:
            payload: an event or a part of one, as an object.
        """
        return await self._run(self._whole().walk(payload))

    async def document(self, document: bytes) -> bytes:
        """A document with references in the place of the media in it.

        Args:
            document: JSON or text, in UTF-8.
        """
        return await self._run(_document(self._whole(), document))

    def _whole(self) -> Rewriter:
        shapes = self._options.get("shapes", DEFAULT_SHAPES)
        return Rewriter(self._limits, shapes, max_bytes=self._max_bytes)

    async def _run(self, walk: Walk[R], place: Callable[[], str] | None = None) -> R:
        keeping = _Keeping(self._keeper, place)
        result = await drive(walk, keeping)
        report = keeping.report
        if report.found or report.left:
            self._on_report(report)
        return result

    async def _keeper(self) -> Keeper:
        store, owner = await self._open_store()
        return Keeper(
            store,
            form=self._options.get("form", "stored"),
            urls=self._options.get("urls", MediaUrls()),
            owner=owner,
            conversation_id=self._options.get("conversation_id"),
            remembered=self._remembered,
        )


@dataclass(slots=True)
class _Keeping:
    """What one event asks for; a store is only needed if it does."""

    make: Callable[[], Awaitable[Keeper]]
    place: Callable[[], str] | None
    _keeper: Keeper | None = None
    _failed: int = 0
    _places: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def keep(self, request: Request) -> Replacement | None:
        try:
            if self._keeper is None:
                self._keeper = await self.make()
            replacement = await self._keeper.keep(request)
        except Exception:  # whatever it is: what was held back must be sent
            _logger.exception("Media in a stream is sent as it is.")
            self._failed += 1
            replacement = None
        if self.place is not None and replacement is None:
            for reason in self._total.left:
                self._places.setdefault(reason, (self.place(),))
        return replacement

    @property
    def report(self) -> OffloadReport:
        places = MappingProxyType(self._places)
        return replace(self._total, places=places) if places else self._total

    @property
    def _total(self) -> OffloadReport:
        report = OffloadReport() if self._keeper is None else self._keeper.report
        return report + OffloadReport(left={UNEXPECTED: self._failed}) if self._failed else report


def _document(rewriter: Rewriter, document: bytes) -> Walk[bytes]:
    rewritten = yield from rewriter.document(document)
    if rewritten is not None:
        return rewritten if isinstance(rewritten, bytes) else rewritten.encode()
    try:
        text = document.decode()
    except UnicodeDecodeError:
        return document
    changed = yield from rewriter.text(text, is_text=True)
    return document if changed is text else changed.encode()
