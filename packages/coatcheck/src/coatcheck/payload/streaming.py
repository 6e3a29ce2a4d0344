"""Offload a stream: chunks of a model or an agent, with references in the place of media."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Unpack

from coatcheck.payload.offload import (
    Offloaded,
    OffloadOptions,
    OffloadReport,
    offload,
    offload_piece,
)
from coatcheck.payload.scanning.base64text import THRESHOLD
from coatcheck.payload.scanning.holding import Held, TextHold
from coatcheck.store import MediaStore

_IDENTIFIERS: Final = ("id", "messageId", "item_id", "toolCallId")


async def offload_stream(
    chunks: AsyncIterable[Any],
    store: MediaStore,
    *,
    on_report: Callable[[OffloadReport], None] | None = None,
    **options: Unpack[OffloadOptions],
) -> AsyncGenerator[Any]:
    """The chunks with references in the place of inline media, each as soon as it may pass.

    Text is followed across chunks: a data: URI that comes in many is held back until it is whole,
    and passes as a link. Text is a chunk that is a string, or a delta in a chunk of the AI SDK, of
    AG-UI, or of OpenAI's Responses and Chat Completions. Any other chunk is offloaded by itself.

    Args:
        chunks: the stream.
        store: where media goes.
        on_report: called for each chunk that held media.
        options: see `coatcheck.payload.offload.OffloadOptions`.
    """
    keeper = _StreamOffload(store, on_report, options)
    texts: dict[object, _Text] = {}
    async for chunk in _with_end(chunks):
        delta = _delta_of(chunk)
        if delta is not None:
            text = texts.setdefault(delta.key, _Text(delta.rebuild))
            text.rebuild = delta.rebuild
            passed = await keeper.join(text.hold.feed(delta.text))
            if passed or not delta.text:
                yield chunk if passed == delta.text else delta.rebuild(passed)
            continue
        for text in texts.values():  # whatever comes next, the texts before it are over
            rest = await keeper.join(text.hold.flush())
            if rest:
                yield text.rebuild(rest)
        texts.clear()
        if chunk is not _END:
            yield await keeper.chunk(chunk)


async def _with_end(chunks: AsyncIterable[Any]) -> AsyncIterator[Any]:
    async for chunk in chunks:
        yield chunk
    yield _END


_END: Final = object()


class _StreamOffload:
    """Offloads what passes, and tells what it did."""

    def __init__(
        self,
        store: MediaStore,
        on_report: Callable[[OffloadReport], None] | None,
        options: OffloadOptions,
    ) -> None:
        self._store = store
        self._on_report = on_report
        self._options = options

    async def chunk(self, chunk: Any) -> Any:
        return self._told(await offload(chunk, self._store, **self._options))

    async def join(self, pieces: Iterable[str | Held]) -> str:
        """A text of its pieces, with links in the place of the media that was held back."""
        parts = []
        for piece in pieces:
            if isinstance(piece, str):
                parts.append(piece)
            elif len(piece.text) < THRESHOLD:
                parts.append(piece.text)
            else:
                held = await offload_piece(piece.text, self._store, **self._options)
                parts.append(self._told(held))
        return "".join(parts)

    def _told(self, offloaded: Offloaded[Any]) -> Any:
        if self._on_report is not None and offloaded.report.found:
            self._on_report(offloaded.report)
        return offloaded.payload


Rebuild = Callable[[str], Any]


@dataclass(slots=True)
class _Text:
    """A text under way, and how its next piece travels."""

    rebuild: Rebuild
    hold: TextHold = field(default_factory=TextHold)


@dataclass(frozen=True, slots=True)
class _Delta:
    """A chunk's piece of a text: of which text, the piece, the same chunk with another one."""

    key: object
    text: str
    rebuild: Rebuild


def _delta_of(chunk: Any) -> _Delta | None:
    match chunk:
        case str():
            return _Delta((), chunk, str)
        case {"delta": str(text)}:
            name = next((chunk[name] for name in _IDENTIFIERS if name in chunk), None)
            return _Delta((chunk.get("type"), name), text, lambda new: {**chunk, "delta": new})
        case {"choices": [{"delta": {"content": str(text)}} as choice]}:
            return _Delta(
                ("choice", choice.get("index")),
                text,
                lambda new: {
                    **chunk,
                    "choices": [{**choice, "delta": {**choice["delta"], "content": new}}],
                },
            )
        case _:
            return None
