"""The provider `compatible`: any endpoint that answers as OpenAI's Images API does."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final

from openai import AsyncOpenAI

from coatcheck.errors import FetchError
from coatcheck.store import Fetcher
from coatcheck_chat.errors import GenerationError
from coatcheck_chat.providers.answers import check_picture, decode_picture
from coatcheck_chat.providers.image import Capabilities, Draft, ImageRequest, sources_of
from coatcheck_chat.providers.openai_client import files_of, picture_in, translated

_DATA_URI: Final = "data:"


class CompatibleImages:
    """Draws with an endpoint that speaks OpenAI's Images API; an `ImageProvider`.

    It sends what every such endpoint knows: model, prompt and size. A picture may come as base64
    or as a URL.

    Args:
        client: the SDK's client (`openai_client.connect`); closed with the provider.
        model: as the endpoint names it.
        fetcher: fetches the pictures that come as URLs.
        max_bytes: largest of these that is accepted.
    """

    capabilities = Capabilities(edits=True)

    def __init__(
        self, client: AsyncOpenAI, model: str, *, fetcher: Fetcher, max_bytes: int
    ) -> None:
        self.model = model
        self._client = client
        self._images = client.images  # the SDK imports it here, not in the middle of a turn
        self._fetcher = fetcher
        self._max_bytes = max_bytes

    def generate(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """The picture; see `ImageProvider.generate`.

        Raises:
            MediaTooLargeError: it came as a URL, and there are more than `max_bytes` behind it.
        """
        return self._draw(self._images.generate, request, {})

    def edit(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """As `generate`, where the endpoint has edits; see `ImageProvider.edit`."""
        files = files_of(sources_of(request))
        return self._draw(self._images.edit, request, {"image": files})

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _draw(
        self, call: Callable[..., Awaitable[Any]], request: ImageRequest, options: dict[str, Any]
    ) -> AsyncGenerator[Draft]:
        with translated(self.model):
            answer = await call(
                model=self.model,
                prompt=request.prompt,
                size=f"{request.width}x{request.height}",
                **options,
            )
        encoded, url = picture_in(answer)
        if not encoded and isinstance(url, str) and url and not url.startswith(_DATA_URI):
            data = check_picture(await self._fetch(url), self.model)
        else:
            data = decode_picture(encoded or url, self.model)
        yield Draft(data=data, progress=1.0)

    async def _fetch(self, url: str) -> bytes:
        try:
            async with self._fetcher.fetch(url, max_bytes=self._max_bytes) as fetched:
                return b"".join([chunk async for chunk in fetched.chunks])
        except FetchError as error:
            raise GenerationError(
                f"{self.model} answered with a URL that gives no picture: {error.message}"
            ) from error
