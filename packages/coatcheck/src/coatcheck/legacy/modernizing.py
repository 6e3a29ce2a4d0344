"""Bring legacy histories to today's form: bytes into the store, references into messages."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec
from anyio import to_thread
from anyio.lowlevel import checkpoint

from coatcheck.errors import CoatcheckError, NotFoundError
from coatcheck.legacy.messages import (
    LEGACY_SHAPES,
    LEGACY_THRESHOLD,
    files_wanted,
    has_marker,
    modernize,
)
from coatcheck.legacy.modern import Kept, WantedFile
from coatcheck.legacy.results import MARKERS
from coatcheck.mediatype import SNIFF_BYTES, sniff
from coatcheck.payload.offload import (
    Offloaded,
    OffloadLimits,
    OffloadReport,
    may_hold_media,
    offload,
)
from coatcheck.payload.projection import shown_ids
from coatcheck.payload.scanning.base64text import THRESHOLD
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore

ReadFile = Callable[[WantedFile], Awaitable[MediaReference]]
"""Stores a file that a history names; raises a `CoatcheckError` where it cannot or may not."""

FILES_NOT_READ: Final = "file_not_read"
"""The reason in `OffloadReport.left` for a picture in a file, where no file may be read."""

_WINDOW: Final = 512 * 1024
_OVERLAP: Final = 64
_BYTES: Final = "surrogateescape"  # bytes that are no UTF-8 come through
_AT_ONCE: Final = 64 * 1024
_DOCUMENTS: Final = frozenset({None, "application/json", "text/plain"})
# Numbers stay as they are written.
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class Scope(NamedTuple):
    """The owner and the conversation of a history's media."""

    owner: str | None = None
    conversation_id: str | None = None


NOBODY: Final = Scope()
"""Media without an owner and without a conversation."""


def may_be_legacy(message: Any) -> bool:
    """Whether a message may hold inline media or a legacy result; False is certain.

    This is cheap: strings shorter than the threshold are skipped, others probed.
    """
    return has_marker(message) or _holds_media(message)


async def modernize_message(
    message: Mapping[str, Any],
    store: MediaStore,
    *,
    owner: str | None = None,
    conversation_id: str | None = None,
) -> Offloaded[Any]:
    """Return a message in today's form; the same object if there was nothing to change.

    It does not read files that the message names, because a message may come from anyone.

    Args:
        message: the message from the history.
        store: where its media goes.
        owner: whom the media belongs to.
        conversation_id: the conversation that it belongs to.

    Raises:
        StorageError: the media cannot be stored.
    """
    offloaded = await offload(
        message,
        store,
        shapes=LEGACY_SHAPES,
        limits=_limits(is_marked=has_marker(message)),
        owner=owner,
        conversation_id=conversation_id,
    )
    kept = Kept(by_id=_by_id(offloaded.report))
    modern = modernize(offloaded.payload, kept)
    await _forget_unused(modern, offloaded.report, store)
    return Offloaded(modern, offloaded.report)


async def measure_document(document: str | bytes) -> OffloadReport:
    """The media that a document holds inline; nothing is stored and no file read.

    It is not looked at further: what `modernize_document` cannot store counts too.
    """
    if (suspicion := await _suspect(document)) is None or _is_media(document):
        return OffloadReport()
    _, report = await offload(
        document, None, shapes=LEGACY_SHAPES, limits=_limits(is_marked=suspicion)
    )
    return report


async def modernize_document(
    document: str | bytes,
    store: MediaStore,
    *,
    scope: Scope = NOBODY,
    read_file: ReadFile | None = None,
) -> Offloaded[str | bytes]:
    """A document in today's form, the very same object if there was nothing to change.

    Args:
        document: JSON, or else text, as a string or in UTF-8. What of it is not around media stays
            as it is, byte for byte; JSON with a legacy result is written again.
        store: where media goes.
        scope: whom it belongs to.
        read_file: stores the files that legacy results name; None to leave those alone.
    """
    if (suspicion := await _suspect(document)) is None or _is_media(document):
        return Offloaded(document, OffloadReport())
    light, report = await offload(
        document,
        store,
        shapes=LEGACY_SHAPES,
        limits=_limits(is_marked=suspicion),
        owner=scope.owner,
        conversation_id=scope.conversation_id,
    )
    if not suspicion and light is document:
        return Offloaded(document, report)
    value, is_json = await _in_thread(light, _parse)
    kept = Kept(by_id=_by_id(report))
    wanted = await _in_thread(light, lambda _: files_wanted(value, kept))
    by_file, left = await _read_files(wanted, read_file)
    kept = replace(kept, by_file=by_file)
    modern = await _in_thread(light, lambda _: modernize(value, kept))
    everything = replace(
        report,
        references=(*report.references, *by_file.values()),
        left=MappingProxyType(left + Counter(report.left)),
    )
    await _forget_unused(modern, everything, store)
    if modern is value:
        return Offloaded(light, everything)
    is_text = isinstance(modern, str) and not is_json
    encoded = modern.encode(errors=_BYTES) if is_text else _ENCODER.encode(modern)
    return Offloaded(encoded if isinstance(document, bytes) else encoded.decode(), everything)


async def _suspect(document: str | bytes) -> bool | None:
    """True where there is a marker, False where there may be media, None where there is neither."""
    markers = MARKERS if isinstance(document, str) else [marker.encode() for marker in MARKERS]
    may_hold: bool | None = None
    for start in range(0, len(document), _WINDOW):
        window = document[start : start + _WINDOW + _OVERLAP]
        if any(marker in window for marker in markers):  # type: ignore[operator] # of its kind
            return True
        if may_hold is None and may_hold_media(window, THRESHOLD):
            may_hold = False
        await checkpoint()
    return may_hold


def _is_media(document: str | bytes) -> bool:
    """Whether bytes are a picture or the like themselves, and no message."""
    return isinstance(document, bytes) and sniff(document[:SNIFF_BYTES]) not in _DOCUMENTS


def _parse(document: str | bytes) -> tuple[Any, bool]:
    """What a document says, and whether it is JSON; else it is a text."""
    try:
        return _DECODER.decode(document), True
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return document if isinstance(document, str) else document.decode(errors=_BYTES), False


async def _in_thread(document: str | bytes, work: Callable[[str | bytes], Any]) -> Any:
    if len(document) <= _AT_ONCE:
        return work(document)
    return await to_thread.run_sync(work, document)


async def _read_files(
    files: list[WantedFile], read_file: ReadFile | None
) -> tuple[dict[str, MediaReference], Counter[str]]:
    by_file: dict[str, MediaReference] = {}
    left: Counter[str] = Counter()
    for wanted in files:
        if read_file is None:
            left[FILES_NOT_READ] += 1
        elif wanted.names[0] not in by_file:
            try:
                by_file[wanted.names[0]] = await read_file(wanted)
            except CoatcheckError as error:
                left[f"file_{error.code}"] += 1
    return by_file, left


async def _forget_unused(modern: Any, report: OffloadReport, store: MediaStore) -> None:
    """Thumbnails and second copies may have been stored on the way; nothing refers to them."""
    if not report.references:
        return
    used = shown_ids(modern)
    text = None
    for reference in report.references:
        if reference.id in used:
            continue
        text = msgspec.json.encode(modern, enc_hook=str).decode() if text is None else text
        if reference.id not in text:  # nor in JSON inside of a string, nor in what a tool was given
            with suppress(NotFoundError):
                await store.delete(reference.id)


def _limits(*, is_marked: bool) -> OffloadLimits:
    return OffloadLimits(threshold=LEGACY_THRESHOLD if is_marked else THRESHOLD)


def _by_id(report: OffloadReport) -> dict[str, MediaReference]:
    return {reference.id: reference for reference in report.references}


def _holds_media(payload: Any) -> bool:
    waiting = [payload]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if len(value) >= THRESHOLD and may_hold_media(value):
                return True
        elif isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return False
