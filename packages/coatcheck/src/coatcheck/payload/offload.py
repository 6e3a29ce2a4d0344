"""Offload: inline media out of any payload, references in.

::

    payload, report = await offload(payload, store)

Every shape in which agents and their frameworks carry media is recognized, at any depth, in JSON
inside strings and in free text (``docs/reference/shapes.md``). What cannot be stored passes
unchanged and is counted. Nothing about a payload makes these functions raise, and none of them
holds up the event loop: the work is done in steps of about a millisecond.

Memory: one media at a time, decoded; the payload itself is not copied.
"""

from typing import Any, Final, TypedDict, overload

from coatcheck.options import DEFAULT_MAX_BYTES
from coatcheck.payload.links import Links
from coatcheck.payload.offloading.driving import drive
from coatcheck.payload.offloading.keeping import Form, Keeper
from coatcheck.payload.offloading.report import Offloaded, OffloadReport
from coatcheck.payload.offloading.rewriting import Bare, OffloadLimits, Rewriter, Walk
from coatcheck.payload.scanning.base64text import may_hold_media
from coatcheck.payload.shapes import DEFAULT_SHAPES, Shapes
from coatcheck.reference import MediaUrls
from coatcheck.store import MediaStore

__all__ = [
    "Bare",
    "Form",
    "OffloadLimits",
    "OffloadOptions",
    "OffloadReport",
    "Offloaded",
    "may_hold_media",
    "offload",
]

MAX_TEXT: Final = 8 * 1024 * 1024
"""Bytes of a text that is no JSON; decoding more takes longer than anything may."""

TOO_LARGE: Final = "text_too_large"
"""The reason in `OffloadReport.left` for a text that is larger; as a string it may be."""

_LIMITS: Final = OffloadLimits()


class OffloadOptions(TypedDict, total=False):
    """The keywords of `offload`, for those who hand them on."""

    form: Form
    urls: MediaUrls | None
    owner: str | None
    conversation_id: str | None
    limits: OffloadLimits
    shapes: Shapes
    bare: Bare | None


@overload
async def offload(
    payload: str,
    store: MediaStore | None,
    *,
    form: Form = ...,
    urls: MediaUrls | None = ...,
    owner: str | None = ...,
    conversation_id: str | None = ...,
    limits: OffloadLimits = ...,
    shapes: Shapes = ...,
    bare: Bare | None = ...,
) -> Offloaded[str]: ...
@overload
async def offload(
    payload: bytes,
    store: MediaStore | None,
    *,
    form: Form = ...,
    urls: MediaUrls | None = ...,
    owner: str | None = ...,
    conversation_id: str | None = ...,
    limits: OffloadLimits = ...,
    shapes: Shapes = ...,
    bare: Bare | None = ...,
) -> Offloaded[bytes | dict[str, Any]]: ...
@overload
async def offload(
    payload: Any,
    store: MediaStore | None,
    *,
    form: Form = ...,
    urls: MediaUrls | None = ...,
    owner: str | None = ...,
    conversation_id: str | None = ...,
    limits: OffloadLimits = ...,
    shapes: Shapes = ...,
    bare: Bare | None = ...,
) -> Offloaded[Any]: ...
async def offload(
    payload: Any,
    store: MediaStore | None,
    *,
    form: Form = "stored",
    urls: MediaUrls | None = None,
    owner: str | None = None,
    conversation_id: str | None = None,
    limits: OffloadLimits = _LIMITS,
    shapes: Shapes = DEFAULT_SHAPES,
    bare: Bare | None = None,
) -> Offloaded[Any]:
    """The payload with references in the place of inline media.

    Args:
        payload: any JSON-like value; dataclasses, pydantic models, msgspec structs, bytes, Pillow
            images and matplotlib figures may be in it. A string is a document: JSON, or else free
            text; so are bytes, in UTF-8, unless they are media themselves. What of a JSON document
            is not around media stays as it is, byte for byte. The payload is not changed.
        store: where media goes; None to measure only.
        form: ``stored`` for what is kept (``media://`` links), ``ui`` for what goes to a browser
            (URLs).
        urls: mints the URLs of the form ``ui``; `MediaUrls()` where there are none.
        owner: whom the media belongs to.
        conversation_id: the conversation that it belongs to.
        limits: what is looked at.
        shapes: how frameworks carry media; `DEFAULT_SHAPES`, perhaps preceded by one's own.
        bare: what becomes of base64 that no shape and no data: URI claims: ``object`` puts a
            reference there, ``url`` a link, ``keep`` leaves and counts it. By default ``object``
            for the form ``stored`` and ``keep`` for ``ui``.

    Returns:
        The payload, the very same object if there was nothing to replace, and a report. A string
        stays a string, a document in bytes stays bytes; bytes that are media become a reference. An
        object that held media has become a dictionary.
    """
    rewriter, keeper = _begin(
        store, form, urls, owner, conversation_id, limits=limits, shapes=shapes, bare=bare
    )
    rewritten = await drive(_payload(rewriter, payload), keeper)
    return Offloaded(rewritten, keeper.report)


def bare_of(options: OffloadOptions) -> Bare:
    """What becomes of base64 that nothing claims, as `offload` decides it."""
    return options.get("bare") or _default_bare(options.get("form", "stored"))


def _default_bare(form: Form) -> Bare:
    return "object" if form == "stored" else "keep"


def _payload(rewriter: Rewriter, payload: Any) -> Walk[Any]:
    if isinstance(payload, bytes):
        media = yield from rewriter.walk(payload)
        if media is not payload:
            return media
    if isinstance(payload, str | bytes):
        return (yield from rewritten_document(rewriter, payload))
    return (yield from rewriter.walk(payload))


@overload
def rewritten_document(rewriter: Rewriter, document: str) -> Walk[str]: ...
@overload
def rewritten_document(rewriter: Rewriter, document: bytes) -> Walk[bytes]: ...
def rewritten_document(rewriter: Rewriter, document: str | bytes) -> Walk[Any]:
    """A document with references in the place of the media in it, see `offload`."""
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
    changed: str = yield from rewriter.text(text, is_text=True)
    if changed is text:
        return document
    return changed if isinstance(document, str) else changed.encode()


def _begin(
    store: MediaStore | None,
    form: Form,
    urls: MediaUrls | None,
    owner: str | None,
    conversation_id: str | None,
    *,
    limits: OffloadLimits,
    shapes: Shapes,
    bare: Bare | None,
) -> tuple[Rewriter, Keeper]:
    rewriter = Rewriter(
        limits,
        shapes,
        max_bytes=DEFAULT_MAX_BYTES if store is None else store.max_bytes,
        bare=bare or _default_bare(form),
        links=Links(urls or MediaUrls()),
    )
    keeper = Keeper(
        store,
        form=form,
        urls=urls or MediaUrls(),
        owner=owner,
        conversation_id=conversation_id,
        place=rewriter.place,
    )
    return rewriter, keeper
