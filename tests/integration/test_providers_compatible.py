"""Endpoints that speak OpenAI's Images API: base64 or a URL, which only the fetcher opens."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import anyio
import pytest

from coatcheck.errors import ConfigurationError, InvalidInputError, MediaTooLargeError
from coatcheck.fetching import AddressPolicy, FetchClient
from coatcheck_chat.errors import GenerationError, ModerationError, ProviderUnavailableError
from coatcheck_chat.providers.compatible import CompatibleImages
from coatcheck_chat.providers.openai_client import connect
from tests.providers import (
    PICTURE,
    SOURCES,
    Answer,
    Endpoint,
    b64,
    drawn,
    endpoint,
    hang,
    says,
    sends,
    wish,
)

pytestmark = pytest.mark.anyio

MODEL = "black-forest-labs/FLUX.1-schnell"


@pytest.fixture
async def server() -> AsyncIterator[Endpoint]:
    async with endpoint() as made:
        yield made


@pytest.fixture
async def provider(server: Endpoint) -> AsyncIterator[CompatibleImages]:
    async with aclosing(await connected(server, allow=server.address)) as made:
        yield made


async def connected(server: Endpoint, *, allow: str, key: str = "") -> CompatibleImages:
    client = await anyio.to_thread.run_sync(
        lambda: connect(base_url=f"http://{server.address}/v1", api_key=key)
    )
    fetcher = FetchClient(AddressPolicy.parse(ports="80,443", allow=allow))
    return CompatibleImages(client, MODEL, fetcher=fetcher, max_bytes=100_000)


def image(**data: Any) -> Answer:
    return says({"created": 1, "data": [data]})


async def test_a_picture_comes_as_base64(server: Endpoint, provider: CompatibleImages) -> None:
    server.will(image(b64_json=b64(PICTURE), url=None))
    (draft,) = await drawn(provider, wish(width=1280, height=720, previews=2))
    assert (draft.data, draft.progress) == (PICTURE, 1.0)
    (asked,) = server.asked
    assert asked.path == "/v1/images/generations"
    # Nothing that an endpoint may not know.
    assert asked.json == {"model": MODEL, "prompt": "the sea", "size": "1280x720"}


@pytest.mark.parametrize("address", ["url", "data:"])
async def test_a_picture_comes_as_a_url(
    server: Endpoint, provider: CompatibleImages, address: str
) -> None:
    inline = f"data:image/png;base64,{b64(PICTURE)}"
    url = f"http://{server.address}/files/1.png" if address == "url" else inline
    server.will(image(url=url), sends(PICTURE, "image/png"))
    (draft,) = await drawn(provider, wish())
    assert draft.data == PICTURE
    fetched = ["/files/1.png"] if address == "url" else []
    assert [asked.path for asked in server.asked] == ["/v1/images/generations", *fetched]


async def test_the_key_is_not_sent_to_where_pictures_lie(server: Endpoint) -> None:
    provider = await connected(server, allow=server.address, key="endpoint-key")
    server.will(image(url=f"http://{server.address}/1.png"), sends(PICTURE, "image/png"))
    async with aclosing(provider):
        await drawn(provider, wish())
    asked, fetched = server.asked
    assert asked.headers["authorization"] == "Bearer endpoint-key"
    assert "authorization" not in fetched.headers


async def test_what_is_meant_for_openai_stays_there(
    server: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-secret")
    server.will(image(b64_json=b64(PICTURE)))
    async with aclosing(await connected(server, allow="127.0.0.1")) as provider:
        await drawn(provider, wish())
    assert "secret" not in str(server.asked[0].headers)


async def test_pictures_are_edited(server: Endpoint, provider: CompatibleImages) -> None:
    server.will(image(b64_json=b64(PICTURE)))
    (draft,) = await drawn(provider, wish(prompt="darker", sources=SOURCES[:1]))
    assert draft.data == PICTURE
    (asked,) = server.asked
    assert asked.path == "/v1/images/edits"
    assert asked.files == [("image", "source-1.png", "image/png", SOURCES[0].data)]
    assert asked.fields == {"model": MODEL, "prompt": "darker", "size": "1024x1024"}


async def test_an_edit_needs_a_source(provider: CompatibleImages) -> None:
    with pytest.raises(InvalidInputError):
        provider.edit(wish())


async def test_a_url_to_where_nothing_is_fetched_from_is_told(server: Endpoint) -> None:
    """An endpoint is trusted with a prompt, not with sending the server about in its network."""
    server.will(image(url=f"http://{server.address}/1.png"))
    async with aclosing(await connected(server, allow="")) as provider:
        with pytest.raises(GenerationError, match="Nothing is fetched from") as caught:
            await drawn(provider, wish())
    assert type(caught.value) is GenerationError
    assert len(server.asked) == 1


async def test_a_url_that_gives_no_picture_is_told(
    server: Endpoint, provider: CompatibleImages, subtests: pytest.Subtests
) -> None:
    cases: list[tuple[Answer, type[Exception], str]] = [
        (sends("gone", "text/plain", 404), GenerationError, "a URL that gives no picture"),
        (sends("<html>sorry</html>", "text/html"), GenerationError, "instead of a picture"),
        (sends(b"", "image/png"), GenerationError, "an empty picture"),
        (sends(b"\x89PNG\r\n\x1a\n" + bytes(200_000), "image/png"), MediaTooLargeError, "larger"),
    ]
    for answer, kind, words in cases:
        with subtests.test(words):
            server.will(image(url=f"http://{server.address}/1.png"), answer)
            with pytest.raises(kind, match=words):
                await drawn(provider, wish())


async def test_an_answer_without_a_picture_is_told(
    server: Endpoint, provider: CompatibleImages, subtests: pytest.Subtests
) -> None:
    cases: list[tuple[Answer, type[Exception], str]] = [
        (image(), GenerationError, "without a picture"),
        (image(b64_json="", url=""), GenerationError, "without a picture"),
        (image(url=7), GenerationError, "without a picture"),
        (image(url="file:///etc/passwd"), GenerationError, "Only http and https"),
        (image(url="data:,hello"), GenerationError, "cannot be read"),
        (says({"error": {"code": "content_filter", "message": "No."}}, 400), ModerationError, "No"),
        (says({"detail": "busy"}, 503), ProviderUnavailableError, "cannot draw now"),
        (says({"error": "plain words"}, 400), GenerationError, r"\(400\)"),
    ]
    for answer, kind, words in cases:
        with subtests.test(words):
            server.will(answer)
            with pytest.raises(kind, match=words):
                await drawn(provider, wish())


@pytest.mark.parametrize("where", ["endpoint", "file"])
async def test_cancelling_closes_the_connection(
    server: Endpoint, provider: CompatibleImages, where: str
) -> None:
    waiting = [hang] if where == "endpoint" else [image(url=f"http://{server.address}/1"), hang]
    server.will(*waiting)
    await server.is_left_by(lambda: drawn(provider, wish()))


async def test_a_url_that_is_none_is_told_at_the_start() -> None:
    with pytest.raises(ConfigurationError, match="client cannot be made"):
        await anyio.to_thread.run_sync(lambda: connect(base_url="http://[::1/v1"))
