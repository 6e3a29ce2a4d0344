"""Gemini's image models through the real SDK, against a server that speaks its HTTP shapes."""

from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import anyio
import pytest

from coatcheck.errors import CoatcheckError, ConfigurationError, InvalidInputError
from coatcheck_chat.errors import (
    GenerationError,
    ModerationError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from coatcheck_chat.providers.gemini import GeminiImages
from tests.providers import (
    PARTIAL,
    PICTURE,
    SOURCES,
    Answer,
    Endpoint,
    b64,
    cut,
    drawn,
    endpoint,
    hang,
    says,
    sends,
    wish,
)

pytestmark = pytest.mark.anyio

KEY = "gemini-test-0123456789"
MODEL = "gemini-2.5-flash-image"


@pytest.fixture
async def server() -> AsyncIterator[Endpoint]:
    async with endpoint() as made:
        yield made


@pytest.fixture
async def gemini(server: Endpoint, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GeminiImages]:
    async with aclosing(await connected(server.address, monkeypatch)) as made:
        yield made


async def connected(address: str, monkeypatch: pytest.MonkeyPatch) -> GeminiImages:
    for name in ("GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", f"http://{address}")
    return await anyio.to_thread.run_sync(GeminiImages.connect, MODEL)


def answer(*parts: dict[str, Any], stopped: str | None = "STOP") -> dict[str, Any]:
    candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": list(parts)}}
    return {"candidates": [candidate | ({"finishReason": stopped} if stopped else {})]}


def shown(data: bytes | str = PICTURE, *, tried: bool = False) -> dict[str, Any]:
    encoded = data if isinstance(data, str) else b64(data)
    part: dict[str, Any] = {"inlineData": {"mimeType": "image/png", "data": encoded}}
    return part | ({"thought": True} if tried else {})


def said(text: str, *, thought: bool = False) -> dict[str, Any]:
    return {"text": text} | ({"thought": True} if thought else {})


def fails(status: int, state: str, message: str, *details: Any, **headers: str) -> Answer:
    error = {"code": status, "message": message, "status": state, "details": list(details)}
    return says({"error": error}, status, **headers)


# --- what is asked for, and what comes ------------------------------------------------------------


async def test_a_picture_is_drawn(server: Endpoint, gemini: GeminiImages) -> None:
    server.will(says(answer(said("Here it is."), shown())))
    (draft,) = await drawn(gemini, wish(width=1280, height=720))
    assert (draft.data, draft.progress) == (PICTURE, 1.0)
    (asked,) = server.asked
    assert asked.path.endswith(f"/models/{MODEL}:generateContent")  # /v1 or /v1beta by version
    assert asked.headers["x-goog-api-key"] == KEY
    assert asked.json["contents"] == [{"role": "user", "parts": [{"text": "the sea"}]}]
    assert asked.json["generationConfig"] == {
        "responseModalities": ["TEXT", "IMAGE"],
        "imageConfig": {"aspectRatio": "16:9"},
        "seed": 7,
    }


async def test_what_a_model_only_tried_is_not_the_picture(
    server: Endpoint, gemini: GeminiImages
) -> None:
    tried = [said("Let me think.", thought=True), shown(PARTIAL, tried=True)]
    server.will(says(answer(*tried, shown())))
    assert [draft.data for draft in await drawn(gemini, wish(previews=2))] == [PICTURE]


async def test_pictures_are_edited(server: Endpoint, gemini: GeminiImages) -> None:
    server.will(says(answer(shown())))
    (draft,) = await drawn(gemini, wish(prompt="darker", sources=SOURCES))
    assert draft.data == PICTURE
    *images, text = server.asked[0].json["contents"][0]["parts"]
    assert text == {"text": "darker"}
    sent = [part["inlineData"] for part in images]
    assert [part["mime_type"] for part in sent] == [source.media_type for source in SOURCES]
    assert [urlsafe_b64decode(part["data"]) for part in sent] == [s.data for s in SOURCES]


async def test_an_edit_needs_a_source(gemini: GeminiImages) -> None:
    with pytest.raises(InvalidInputError):
        gemini.edit(wish())


async def test_a_missing_key_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match="No API key"):
        await anyio.to_thread.run_sync(GeminiImages.connect, MODEL)


# --- what goes wrong ------------------------------------------------------------------------------

RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "58s"}

STATUSES: list[tuple[Answer, type[CoatcheckError], str]] = [
    (fails(400, "INVALID_ARGUMENT", "API key not valid."), GenerationError, "API key not valid"),
    (fails(403, "PERMISSION_DENIED", f"No: {KEY}"), GenerationError, "does not take the key"),
    (fails(404, "NOT_FOUND", "No such model."), GenerationError, "No such model"),
    (fails(429, "RESOURCE_EXHAUSTED", "Quota."), ProviderUnavailableError, "Quota"),
    (fails(500, "INTERNAL", "Oh."), ProviderUnavailableError, r"\(500\): Oh"),
    (fails(503, "UNAVAILABLE", "Overloaded."), ProviderUnavailableError, "Overloaded"),
    (sends("<h1>Bad Gateway</h1>", "text/html", 502), ProviderUnavailableError, r"\(502\)"),
    (sends("", "text/plain", 503), ProviderUnavailableError, r"\(503\)"),
]


async def test_a_status_becomes_an_error_of_ours(
    server: Endpoint, gemini: GeminiImages, subtests: pytest.Subtests
) -> None:
    for failing, kind, words in STATUSES:
        with subtests.test(words):
            server.will(failing)
            server.asked.clear()
            with pytest.raises(kind, match=words) as caught:
                await drawn(gemini, wish())
            assert type(caught.value) is kind
            assert KEY not in caught.value.message
            assert len(server.asked) == 1  # the SDK itself does not try again


WITHOUT_PICTURE: list[tuple[Answer, type[CoatcheckError], str]] = [
    (says(answer(said("I'd rather"), said("talk."))), GenerationError, "picture: I'd rather talk"),
    (says(answer(shown(PARTIAL, tried=True))), GenerationError, "it stopped with STOP"),
    (says(answer(stopped="NO_IMAGE")), GenerationError, "it stopped with NO_IMAGE"),
    (says(answer(stopped="MAX_TOKENS")), GenerationError, "it stopped with MAX_TOKENS"),
    (says(answer(stopped=None)), GenerationError, r"made no picture\."),
    (says(answer(stopped="IMAGE_SAFETY")), ModerationError, "content policy: IMAGE_SAFETY"),
    (
        says(answer(said("No."), stopped="PROHIBITED_CONTENT")),
        ModerationError,
        "content policy: PROHIBITED_CONTENT",
    ),
    (
        says({"promptFeedback": {"blockReason": "SAFETY"}}),
        ModerationError,
        "content policy: SAFETY",
    ),
    (says({"candidates": []}), GenerationError, "made no picture"),
    (says({"candidates": [{}]}), GenerationError, "made no picture"),
    (says({}), GenerationError, "made no picture"),
    (says(answer(shown(""))), GenerationError, "an empty picture"),
    (says(answer(shown("%%%"))), GenerationError, "not understood|an empty picture"),
    (
        says(answer(shown(b"<html>sorry</html>"))),
        GenerationError,
        "text/plain instead of a picture",
    ),
    (says([1]), GenerationError, "not understood|made no picture"),
    (says({"candidates": [{"content": 7}]}), GenerationError, "not understood"),
    (sends('{"candidates": [{"con', "application/json"), GenerationError, "not understood"),
    (sends("fine", "text/plain"), GenerationError, "not understood"),
    (sends("", "application/json"), GenerationError, "not understood|made no picture"),
]


async def test_an_answer_without_a_usable_picture_is_told(
    server: Endpoint, gemini: GeminiImages, subtests: pytest.Subtests
) -> None:
    for without, kind, words in WITHOUT_PICTURE:
        with subtests.test(words):
            server.will(without)
            with pytest.raises(kind, match=words) as caught:
                await drawn(gemini, wish(previews=1))
            assert type(caught.value) is kind


async def test_a_connection_that_breaks_is_told(server: Endpoint, gemini: GeminiImages) -> None:
    server.will(server.streams('{"candidates"', cut))
    with pytest.raises(ProviderUnavailableError, match="cannot be reached"):
        await drawn(gemini, wish())


async def test_what_the_server_asks_for_is_passed_on(
    server: Endpoint, gemini: GeminiImages, subtests: pytest.Subtests
) -> None:
    cases: list[tuple[Answer, float | None]] = [
        (fails(429, "RESOURCE_EXHAUSTED", "Quota.", {"@type": "other"}, RETRY), 58),
        (fails(429, "RESOURCE_EXHAUSTED", "Quota.", RETRY | {"retryDelay": "soon"}), None),
        (fails(503, "UNAVAILABLE", "Busy.", "rubbish", retry_after="17"), 17),
        (fails(503, "UNAVAILABLE", "Busy."), None),
    ]
    for failing, wait in cases:
        with subtests.test(str(wait)):
            server.will(failing)
            with pytest.raises(ProviderUnavailableError) as caught:
                await drawn(gemini, wish())
            assert caught.value.retry_after == wait


async def test_a_server_that_is_not_there_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    async with aclosing(await connected("127.0.0.1:9", monkeypatch)) as gemini:
        with pytest.raises(ProviderUnavailableError, match="cannot be reached"):
            await drawn(gemini, wish())


async def test_the_sdks_own_time_limit_is_told(
    server: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coatcheck_chat.providers.gemini._SECONDS", 0.2)
    server.will(hang)
    async with aclosing(await connected(server.address, monkeypatch)) as gemini:
        with pytest.raises(ProviderTimeoutError, match="took too long"):
            await drawn(gemini, wish())


# --- going away -----------------------------------------------------------------------------------


async def test_cancelling_closes_the_connection(server: Endpoint, gemini: GeminiImages) -> None:
    server.will(hang)
    await server.is_left_by(lambda: drawn(gemini, wish()))
