"""The provider `openai-responses`: a model of OpenAI's Responses API with its tool for pictures."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

import pybase64
from openai import AsyncOpenAI

from coatcheck_chat.errors import GenerationError
from coatcheck_chat.providers.answers import (
    cut_short,
    decode_picture,
    failed,
    moderated,
    read_draft,
    words_only,
)
from coatcheck_chat.providers.image import Capabilities, Draft, ImageRequest, sources_of
from coatcheck_chat.providers.openai_client import MAX_PREVIEWS, events, failure, translated
from coatcheck_chat.providers.openai_sizes import aligned

_CALL: Final = "image_generation_call"
_TOOL: Final = "image_generation"


class OpenAIResponses:
    """Draws by asking a model to call its tool; an `ImageProvider`. It knows no seeds.

    Nothing is kept at OpenAI (``store`` is off).

    Args:
        client: the SDK's client (`openai_client.connect`); closed with the provider.
        model: one that has the tool, such as ``gpt-5-mini``. Which model draws, OpenAI decides.
        quality: ``low``, ``medium``, ``high``, ``auto``, or what else the tool knows.
    """

    capabilities = Capabilities(edits=True, previews=MAX_PREVIEWS)

    def __init__(self, client: AsyncOpenAI, model: str, *, quality: str = "auto") -> None:
        self.model = model
        self._client = client
        self._responses = client.responses  # the SDK imports it here, not in the middle of a turn
        self._quality = quality

    def generate(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """Partial images as they come, then the picture; see `ImageProvider.generate`."""
        return self._draw(request, [], "generate")

    def edit(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """As `generate`, with the sources in the message; see `ImageProvider.edit`."""
        images = [
            {
                "type": "input_image",
                "detail": "auto",
                "image_url": f"data:{source.media_type};base64,{_encoded(source.data)}",
            }
            for source in sources_of(request)
        ]
        return self._draw(request, images, "edit")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _draw(
        self, request: ImageRequest, images: list[dict[str, str]], action: str
    ) -> AsyncGenerator[Draft]:
        width, height = aligned(request.width, request.height)
        tool: dict[str, Any] = {
            "type": _TOOL,
            "action": action,
            "size": f"{width}x{height}",
            "quality": self._quality,
            "output_format": "png",
        }
        wanted = min(request.previews, MAX_PREVIEWS)
        if wanted:
            tool["partial_images"] = wanted
        content = [{"type": "input_text", "text": request.prompt}, *images]
        options: dict[str, Any] = {
            "model": self.model,
            "input": [{"role": "user", "content": content}],
            "tools": [tool],
            "tool_choice": {"type": _TOOL},
            "store": False,
        }
        if wanted:
            async with aclosing(self._stream(options, wanted)) as drafts:
                async for draft in drafts:
                    yield draft
            return
        with translated(self.model):
            response = await self._responses.create(**options)
        yield self._picture(response)

    async def _stream(self, options: dict[str, Any], wanted: int) -> AsyncGenerator[Draft]:
        with translated(self.model):
            stream = await self._responses.create(**options, stream=True)
        number = 0
        async with aclosing(events(stream, self.model)) as received:
            async for event in received:
                match getattr(event, "type", None):
                    case "response.image_generation_call.partial_image":
                        number += 1
                        encoded = getattr(event, "partial_image_b64", None)
                        if draft := read_draft(
                            encoded, number=number, wanted=wanted, maker=self.model
                        ):
                            yield draft
                    case "response.completed" | "response.incomplete" | "response.failed":
                        yield self._picture(getattr(event, "response", None))
                        return
                    case "error":
                        raise self._failure(event)
        raise cut_short(self.model)

    def _picture(self, response: object) -> Draft:
        """The picture in a response.

        Raises:
            GenerationError: there is none; the message says why.
        """
        said: list[str] = []
        for item in _list(response, "output"):
            if getattr(item, "type", None) == _CALL:
                if error := getattr(item, "error", None):
                    raise self._failure(error)
                if encoded := getattr(item, "result", None):
                    return Draft(data=decode_picture(encoded, self.model), progress=1.0)
            for part in _list(item, "content"):
                if refused := getattr(part, "refusal", None):
                    raise moderated(refused, self.model)
                said.append(str(getattr(part, "text", "")))
        if error := getattr(response, "error", None):
            raise self._failure(error)
        reason = getattr(getattr(response, "incomplete_details", None), "reason", None)
        if reason:
            raise failure(reason, f"it stopped early ({reason})", self.model)
        if words := " ".join(said).strip():
            raise words_only(words, self.model)
        raise failed(None, self.model)

    def _failure(self, error: object) -> GenerationError:
        code, message = (getattr(error, name, None) for name in ("code", "message"))
        return failure(code, message, self.model)


def _encoded(data: bytes) -> str:
    return pybase64.b64encode(data).decode()


def _list(holder: object, name: str) -> list[Any]:
    value = getattr(holder, name, None)
    return value if isinstance(value, list) else []
