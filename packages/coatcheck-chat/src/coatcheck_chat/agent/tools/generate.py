"""The tool `generate_image`."""

import secrets
from contextlib import aclosing
from typing import Final, Literal

from coatcheck.errors import InvalidInputError
from coatcheck.reference import ALT_WEIGHT, MediaReference, clean_text
from coatcheck.store import IMAGE_TYPES, VariantSpec
from coatcheck_chat.agent.previews import Show, watch
from coatcheck_chat.agent.tools.context import Announce, ToolContext, announced
from coatcheck_chat.agent.tools.results import ImageResult, slug
from coatcheck_chat.agent.tools.sizes import drawn_size
from coatcheck_chat.errors import GenerationError
from coatcheck_chat.providers.image import Draft, ImageProvider, ImageRequest, SourceImage

MAX_PROMPT: Final = 4000
"""Characters of a prompt."""

_SEEDS: Final = 2**31
_MISSING: Final = 3
_SOURCE_EDGE: Final = 2048
_SOURCE_BYTES: Final = 16 * 1024 * 1024
_SOURCE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/webp"})
"""Types that every provider that edits accepts."""


async def generate_image(
    context: ToolContext,
    announce: Announce,
    *,
    part_id: str,
    prompt: str,
    aspect_ratio: str | None = None,
    width: int | None = None,
    height: int | None = None,
    seed: int | None = None,
    filename: str | None = None,
    source: str | None = None,
    mode: Literal["auto", "generate", "edit"] = "auto",
) -> ImageResult:
    """Draw a picture and keep it.

    Args:
        context: what to work with.
        announce: told of the picture's states: pending, previews, then ready or failed.
        part_id: the id of the part that shows them.
        prompt: what to draw, or how to change the source; 1 to `MAX_PROMPT` characters.
        aspect_ratio: a key of `ASPECT_RATIOS`; when nothing else says the size, the source's shape
            or 1:1.
        width: pixels, 64 to 2048; overrides the aspect ratio together with `height`.
        height: pixels, 64 to 2048.
        seed: the same prompt, size and seed give the same picture; drawn at random when None.
        filename: what to save it as; made from the prompt when None.
        source: the id of a picture to begin with, for an edit or a variation.
        mode: ``edit`` needs a source, ``generate`` takes none; ``auto`` edits if there is one.

    Raises:
        InvalidInputError: an argument cannot be used, or the provider does not edit; the message
            tells a model how to mend it.
        NotFoundError: the source is unknown.
        GenerationError: the provider made no picture.
        StorageError: the picture could not be kept.
    """
    words = prompt.strip()
    if not words:
        raise InvalidInputError("The prompt is empty; say in a few words what to draw.")
    if len(words) > MAX_PROMPT:
        raise InvalidInputError(f"The prompt is longer than {MAX_PROMPT} characters; shorten it.")
    original = await _original(context, source, mode)
    like = None if original is None else (original.width or 1, original.height or 1)
    size = drawn_size(aspect_ratio, width, height, like=like)
    alt = clean_text(words, ALT_WEIGHT)
    maker = context.provider.model
    missing: tuple[str, ...] = ()

    async def work(show: Show) -> MediaReference:
        nonlocal maker, missing
        request = ImageRequest(
            prompt=words,
            width=size[0],
            height=size[1],
            seed=secrets.randbelow(_SEEDS) if seed is None else seed % _SEEDS,
            sources=() if original is None else (await _source_image(context, original),),
            previews=0 if context.previews is None else context.previews.count,
        )
        picture = await _finished(context, request, show)
        maker = picture.model or maker  # a provider may have asked another
        missing = picture.missing
        return await context.keep(picture.data, filename=filename or f"{slug(words)}.png", alt=alt)

    shown = context.provider.capabilities.nearest(*size)  # what is announced must not shift later
    reference = await announced(context, announce, work, part_id=part_id, size=shown, alt=alt)
    return ImageResult(
        reference=reference,
        prompt=words,
        model=maker,
        message=_message(missing) if original is None else "Image edited.",
        mode="generate" if original is None else "edit",
    )


def _message(missing: tuple[str, ...]) -> str:
    if not missing:
        return "Image generated."
    things = ", ".join(missing[:_MISSING])
    return f"Image generated without {things}, which the painter cannot draw."


async def _original(context: ToolContext, source: str | None, mode: str) -> MediaReference | None:
    """The picture to begin with; None where it is drawn from words alone."""
    if mode not in {"auto", "generate", "edit"}:
        raise InvalidInputError("mode is auto, generate or edit.")
    if source is None:
        if mode == "edit":
            raise InvalidInputError("mode edit needs a source: the id of the picture to change.")
        return None
    if mode == "generate":
        raise InvalidInputError(
            "mode generate draws from words alone; leave source out, or say mode edit."
        )
    reference = (await context.find(source)).reference
    if reference.mime_type not in IMAGE_TYPES:
        raise InvalidInputError("The source is no picture.")
    _require_edits(context.provider)
    return reference


def _require_edits(provider: ImageProvider) -> None:
    """Refuse an edit early where it cannot be made, and say what can be done instead."""
    if not provider.capabilities.edits:
        raise InvalidInputError(
            f"The provider {provider.model} draws from words alone and cannot change a picture."
            " Call edit_image to crop, resize, rotate, recolor or write on it; or leave source out"
            " and describe the whole picture."
        )


async def _source_image(context: ToolContext, reference: MediaReference) -> SourceImage:
    """The picture's own bytes, or a PNG of it where a provider might not take those."""
    store = context.store
    if reference.mime_type in _SOURCE_TYPES and reference.size <= _SOURCE_BYTES:
        chunks = store.read_blob(reference.digest, reference.size)
        media_type = reference.mime_type
    else:
        record = await store.record(reference.id)
        spec = VariantSpec.within(
            _SOURCE_EDGE, "png", width=reference.width or 1, height=reference.height or 1
        )
        variant = await store.variant(record, spec)
        chunks = store.read_blob(variant.digest, variant.size)
        media_type = variant.media_type
    async with aclosing(chunks):
        return SourceImage(data=b"".join([chunk async for chunk in chunks]), media_type=media_type)


async def _finished(context: ToolContext, request: ImageRequest, show: Show) -> Draft:
    """The picture, its drafts shown on the way."""
    provider = context.provider
    drafts = provider.edit(request) if request.sources else provider.generate(request)
    async with aclosing(drafts):
        last = await watch(
            drafts,
            show,
            context.previews,
            owner=context.owner,
            conversation_id=context.conversation_id,
        )
    if last is None or last.progress < 1:
        raise GenerationError(f"{provider.model} ended without a picture.")
    return last
