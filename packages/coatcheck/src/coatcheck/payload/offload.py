"""Take inline media out of any payload and put references in its place.

::

    payload, report = await offload(payload, store)

Every shape in which agents and their frameworks carry media is recognized, at any depth, in JSON
inside strings and in free text (``docs/reference/shapes.md``). Media that cannot be stored passes
unchanged and is counted. No payload makes these functions raise, and they do not block the event
loop: they work in steps of about a millisecond.

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
"""Most bytes of a text that is not JSON; decoding more would block the event loop too long."""

TOO_LARGE: Final = "text_too_large"
"""The reason in `OffloadReport.left` for a larger text in bytes; strings have no such limit."""

_LIMITS: Final = OffloadLimits()


class OffloadOptions(TypedDict, total=False):
    """The keywords of `offload`, for functions that pass them on."""

    form: Form
    urls: MediaUrls | None
    owner: str | None
    conversation_id: str | None
    limits: OffloadLimits
    shapes: Shapes
    bare: Bare | None
    reuse: bool


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
    reuse: bool = ...,
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
    reuse: bool = ...,
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
    reuse: bool = ...,
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
    reuse: bool = True,
) -> Offloaded[Any]:
    """Replace inline media in a payload with references.

    Args:
        payload: any JSON-like value, which may contain dataclasses, pydantic models, msgspec
            structs, bytes, Pillow images and matplotlib figures. A string is a document: JSON,
            otherwise free text. Bytes are a document in UTF-8, unless they are media themselves.
            The parts of a JSON document that are not around media stay as they are, byte for byte.
            The payload is not changed.
        store: the store that keeps the media; None to measure only.
        form: ``stored`` for payloads to keep (``media://`` links), ``ui`` for payloads that go to a
            browser (URLs).
        urls: mints the URLs of the form ``ui``; `MediaUrls()` by default.
        owner: the owner of the media; None for no owner.
        conversation_id: the conversation that it belongs to.
        limits: what counts as media, and how much of the payload is searched.
        shapes: how frameworks carry media; `DEFAULT_SHAPES`, perhaps preceded by your own.
        bare: how to treat base64 that matches no shape and no data: URI: ``object`` replaces it
            with a reference, ``url`` with a link, ``keep`` leaves and counts it. By default
            ``object`` for the form ``stored`` and ``keep`` for ``ui``.
        reuse: whether content that its owner and conversation have already keeps its reference;
            False makes a new one, once for each content of the payload.

    Returns:
        The payload, which is the same object if there was nothing to replace, and a report. A
        string stays a string and a document in bytes stays bytes; bytes that are media become a
        reference. An object that contained media becomes a dictionary.
    """
    rewriter, keeper = _begin(
        store,
        form,
        urls,
        owner,
        conversation_id,
        limits=limits,
        shapes=shapes,
        bare=bare,
        reuse=reuse,
    )
    rewritten = await drive(_payload(rewriter, payload), keeper)
    return Offloaded(rewritten, keeper.report)


def bare_of(options: OffloadOptions) -> Bare:
    """How `offload` treats base64 that matches nothing."""
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
    """Replace the media in a document with references, see `offload`."""
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
    reuse: bool,
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
        reuse=reuse,
    )
    return rewriter, keeper
