"""The provider `openai`: OpenAI's Images API."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from openai import AsyncOpenAI

from coatcheck_chat.providers.answers import cut_short, decode_picture, read_draft
from coatcheck_chat.providers.image import Capabilities, Draft, ImageRequest, sources_of
from coatcheck_chat.providers.openai_client import (
    MAX_PREVIEWS,
    events,
    failure,
    files_of,
    picture_in,
    translated,
)
from coatcheck_chat.providers.openai_sizes import aligned, fixed_sizes


class OpenAIImages:
    """Draws with OpenAI's Images API; an `ImageProvider`. It knows no seeds.

    Args:
        client: the SDK's client (`openai_client.connect`); closed with the provider.
        model: such as ``gpt-image-2.5-flare``.
        quality: ``low``, ``medium``, ``high``, ``auto``, or what else the model knows.
    """

    def __init__(self, client: AsyncOpenAI, model: str, *, quality: str = "auto") -> None:
        self.model = model
        self.capabilities = Capabilities(
            edits=True, previews=MAX_PREVIEWS, sizes=fixed_sizes(model)
        )
        self._client = client
        self._images = client.images  # the SDK imports it here, not in the middle of a turn
        self._quality = quality

    def generate(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """Partial images as they come, then the picture; see `ImageProvider.generate`."""
        return self._draw(self._images.generate, request, {})

    def edit(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """As `generate`, of PNG, JPEG and WebP sources; see `ImageProvider.edit`."""
        files = files_of(sources_of(request))
        return self._draw(self._images.edit, request, {"image": files})

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _draw(
        self, call: Callable[..., Awaitable[Any]], request: ImageRequest, options: dict[str, Any]
    ) -> AsyncGenerator[Draft]:
        fitting = self.capabilities.nearest if self.capabilities.sizes else aligned
        width, height = fitting(request.width, request.height)
        options |= {
            "model": self.model,
            "prompt": request.prompt,
            "size": f"{width}x{height}",
            "quality": self._quality,
            "output_format": "png",
        }
        wanted = min(request.previews, MAX_PREVIEWS)
        if wanted:
            async with aclosing(self._stream(call, options, wanted)) as drafts:
                async for draft in drafts:
                    yield draft
            return
        with translated(self.model):
            answer = await call(**options)
        encoded, _ = picture_in(answer)
        yield Draft(data=decode_picture(encoded, self.model), progress=1.0)

    async def _stream(
        self, call: Callable[..., Awaitable[Any]], options: dict[str, Any], wanted: int
    ) -> AsyncGenerator[Draft]:
        with translated(self.model):
            stream = await call(**options, stream=True, partial_images=wanted)
        number = 0
        async with aclosing(events(stream, self.model)) as received:
            async for event in received:
                # image_generation.completed, image_edit.completed and so on
                kind = str(getattr(event, "type", "")).rpartition(".")[2]
                encoded = getattr(event, "b64_json", None)
                if kind == "partial_image":
                    number += 1
                    if draft := read_draft(encoded, number=number, wanted=wanted, maker=self.model):
                        yield draft
                elif kind == "completed":
                    yield Draft(data=decode_picture(encoded, self.model), progress=1.0)
                    return
                elif kind == "error":
                    code, message = (getattr(event, name, None) for name in ("code", "message"))
                    raise failure(code, message, self.model)
        raise cut_short(self.model)
