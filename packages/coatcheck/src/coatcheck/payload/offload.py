"""Offload: inline media out of any payload, references in.

::

    payload, report = await offload(payload, store)

Every shape in which agents and their frameworks carry media is recognized, at any depth, in JSON
inside strings and in free text (``docs/reference/shapes.md``). What cannot be stored passes
unchanged and is counted. Nothing about a payload makes these functions raise, and none of them
holds up the event loop: the work is done in steps of about a millisecond.

Memory: one media at a time, decoded; the payload itself is not copied.
"""

from typing import Any, Final, TypedDict, Unpack

import msgspec

from coatcheck.options import DEFAULT_MAX_BYTES
from coatcheck.payload.offloading.driving import drive
from coatcheck.payload.offloading.keeping import Form, Keeper
from coatcheck.payload.offloading.report import Offloaded, OffloadReport
from coatcheck.payload.offloading.rewriting import OffloadLimits, Rewriter, Walk
from coatcheck.payload.scanning.base64text import may_hold_media
from coatcheck.payload.shapes import DEFAULT_SHAPES, Shapes
from coatcheck.reference import MediaUrls
from coatcheck.store import MediaStore

__all__ = [
    "Form",
    "OffloadLimits",
    "OffloadOptions",
    "OffloadReport",
    "Offloaded",
    "may_hold_media",
    "offload",
    "offload_document",
    "offload_piece",
]

MAX_TEXT: Final = 8 * 1024 * 1024
"""Bytes of a text that is no JSON; decoding more takes longer than anything may."""

TOO_LARGE: Final = "text_too_large"
"""The reason in `OffloadReport.left` for a text that is larger; as a string it may be."""


class OffloadOptions(TypedDict, total=False):
    """How to offload; all of it may be left out.

    Attributes:
        form: ``stored`` (default) for what is kept, ``ui`` for what goes to a browser.
        urls: mints the URLs of the form ``ui``.
        owner: whom the media belongs to.
        conversation_id: the conversation that it belongs to.
        limits: what is looked at.
        shapes: how frameworks carry media; `DEFAULT_SHAPES`, perhaps preceded by one's own.
    """

    form: Form
    urls: MediaUrls
    owner: str | None
    conversation_id: str | None
    limits: OffloadLimits
    shapes: Shapes


async def offload(
    payload: Any, store: MediaStore | None, **options: Unpack[OffloadOptions]
) -> Offloaded:
    """The payload with references in the place of inline media.

    Args:
        payload: any JSON-like value; dataclasses, pydantic models, msgspec structs, bytes, Pillow
            images and matplotlib figures may be in it. It is not changed.
        store: where media goes; None to measure only.
        options: see `OffloadOptions`.

    Returns:
        The payload, the very same object if there was nothing to replace, and a report. An object
        that held media has become a dictionary.
    """
    rewriter, keeper = _begin(store, options)
    rewritten = await drive(rewriter.walk(payload), keeper)
    return Offloaded(rewritten, keeper.report)


async def offload_document(
    document: str | bytes, store: MediaStore | None, **options: Unpack[OffloadOptions]
) -> Offloaded:
    """A document with references in the place of inline media.

    Args:
        document: JSON, or else free text; as a string or in UTF-8. What of the JSON is not around
            media stays as it is, byte for byte.
        store: where media goes; None to measure only.
        options: see `OffloadOptions`.

    Returns:
        The document as a string or as bytes, as it came; the very same object if there was nothing
        to replace. And a report.
    """
    rewriter, keeper = _begin(store, options)
    rewritten = await drive(_document(rewriter, document), keeper)
    return Offloaded(rewritten, keeper.report)


async def offload_piece(
    text: str, store: MediaStore | None, **options: Unpack[OffloadOptions]
) -> Offloaded:
    """A piece of a longer text with links in the place of inline media.

    Args:
        text: holds whole media or none.
        store: where media goes; None to measure only.
        options: see `OffloadOptions`.
    """
    rewriter, keeper = _begin(store, options)
    rewritten = await drive(rewriter.text(text, is_text=True), keeper)
    return Offloaded(rewritten, keeper.report)


def _document(rewriter: Rewriter, document: str | bytes) -> Walk[str | bytes]:
    rewritten = yield from rewriter.document(document)
    if rewritten is not None:
        return rewritten
    if isinstance(document, bytes) and len(document) > MAX_TEXT:
        yield TOO_LARGE
        return document
    try:
        text = document if isinstance(document, str) else document.decode()
    except UnicodeDecodeError:
        return document
    changed = yield from rewriter.text(text)
    if changed is text:
        return document
    # A text that is nothing but base64 becomes a reference; in a document that is its JSON.
    whole = changed if isinstance(changed, str) else msgspec.json.encode(changed).decode()
    return whole if isinstance(document, str) else whole.encode()


def _begin(store: MediaStore | None, options: OffloadOptions) -> tuple[Rewriter, Keeper]:
    rewriter = Rewriter(
        options.get("limits", OffloadLimits()),
        options.get("shapes", DEFAULT_SHAPES),
        max_bytes=DEFAULT_MAX_BYTES if store is None else store.max_bytes,
    )
    keeper = Keeper(
        store,
        form=options.get("form", "stored"),
        urls=options.get("urls", MediaUrls()),
        owner=options.get("owner"),
        conversation_id=options.get("conversation_id"),
    )
    return rewriter, keeper
