"""OpenAI's two APIs through the real SDK, against a server that speaks their HTTP shapes."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import product
from typing import Any

import anyio
import pytest
from openai import AsyncOpenAI

from coatcheck.errors import CoatcheckError, ConfigurationError, InvalidInputError
from coatcheck_chat.errors import (
    GenerationError,
    ModerationError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from coatcheck_chat.providers.image import ImageProvider
from coatcheck_chat.providers.openai_client import connect
from coatcheck_chat.providers.openai_images import OpenAIImages
from coatcheck_chat.providers.openai_responses import OpenAIResponses
from tests.providers import (
    HANGS,
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

KEY = "sk-test-0123456789"
Case = tuple[tuple[Any, ...], type[CoatcheckError], str]


@pytest.fixture
async def server() -> AsyncIterator[Endpoint]:
    async with endpoint() as made:
        yield made


@pytest.fixture
async def images(server: Endpoint, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIImages]:
    client = await connected(f"http://{server.address}/v1", monkeypatch)
    async with aclosing(OpenAIImages(client, "gpt-image-2.5-flare", quality="low")) as made:
        yield made


@pytest.fixture
async def responses(
    server: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[OpenAIResponses]:
    client = await connected(f"http://{server.address}/v1", monkeypatch)
    async with aclosing(OpenAIResponses(client, "gpt-5-mini", quality="low")) as made:
        yield made


async def connected(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncOpenAI:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    return await anyio.to_thread.run_sync(connect)


def image(data: bytes | str) -> dict[str, Any]:
    return {"created": 1, "data": [{"b64_json": data if isinstance(data, str) else b64(data)}]}


def event(kind: str, data: bytes | str = PICTURE, **more: Any) -> dict[str, Any]:
    common = {"created_at": 1, "size": "1024x1024", "quality": "low", "background": "opaque"}
    encoded = data if isinstance(data, str) else b64(data)
    return {"type": kind, "b64_json": encoded, "output_format": "png"} | common | more


def partial(index: int, kind: str = "image_generation") -> dict[str, Any]:
    return event(f"{kind}.partial_image", PARTIAL, partial_image_index=index)


def fails(status: int, code: str | None, message: str = "No.", **headers: str) -> Answer:
    error = {"message": message, "type": "image_generation_user_error", "param": None, "code": code}
    return says({"error": error}, status, **headers)


def response(*output: dict[str, Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "gpt-5-mini",
        "status": status,
        "output": list(output),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
    } | more


def call(data: bytes | None = PICTURE, status: str = "completed", **more: Any) -> dict[str, Any]:
    result = None if data is None else b64(data)
    made = {"type": "image_generation_call", "id": "ig_1", "status": status, "result": result}
    return made | more


def message(**part: Any) -> dict[str, Any]:
    content = [{"annotations": []} | part]
    common = {"id": "msg_1", "role": "assistant", "status": "completed"}
    return {"type": "message", "content": content} | common


def seen(index: int) -> dict[str, Any]:
    return {
        "type": "response.image_generation_call.partial_image",
        "item_id": "ig_1",
        "output_index": 0,
        "sequence_number": index + 3,
        "partial_image_index": index,
        "partial_image_b64": b64(PARTIAL),
    }


def ended(kind: str, whole: dict[str, Any]) -> dict[str, Any]:
    return {"type": f"response.{kind}", "sequence_number": 9, "response": whole}


# --- what is asked for, and what comes ------------------------------------------------------------


async def test_images_are_drawn_in_one_answer(server: Endpoint, images: OpenAIImages) -> None:
    server.will(says(image(PICTURE)))
    (draft,) = await drawn(images, wish(width=1280, height=720))
    assert (draft.data, draft.progress) == (PICTURE, 1.0)
    (asked,) = server.asked
    assert asked.path == "/v1/images/generations"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.json == {
        "model": "gpt-image-2.5-flare",
        "prompt": "the sea",
        "size": "1280x720",
        "quality": "low",
        "output_format": "png",
    }


async def test_images_show_partials_before_the_picture(
    server: Endpoint, images: OpenAIImages
) -> None:
    server.will(
        server.streams(partial(0), partial(1), partial(2), event("image_generation.completed"))
    )
    drafts = await drawn(images, wish(previews=2))
    # The third was not asked for.
    assert [(d.data, d.progress) for d in drafts] == [
        (PARTIAL, pytest.approx(1 / 3)),
        (PARTIAL, pytest.approx(2 / 3)),
        (PICTURE, 1.0),
    ]
    assert server.asked[0].json["stream"] is True
    assert server.asked[0].json["partial_images"] == 2


async def test_no_more_partials_are_asked_for_than_there_are(
    server: Endpoint, images: OpenAIImages
) -> None:
    server.will(server.streams(event("image_generation.completed")))
    assert len(await drawn(images, wish(previews=9))) == 1
    assert server.asked[0].json["partial_images"] == 3


async def test_a_partial_that_cannot_be_read_is_left_out(
    server: Endpoint, images: OpenAIImages
) -> None:
    broken = partial(0) | {"b64_json": "%%%"}
    unknown = {"type": "image_generation.something_new"}
    server.will(server.streams(broken, unknown, partial(1), event("image_generation.completed")))
    assert [d.data for d in await drawn(images, wish(previews=2))] == [PARTIAL, PICTURE]


@pytest.mark.parametrize("previews", [0, 2])
async def test_images_are_edited(server: Endpoint, images: OpenAIImages, previews: int) -> None:
    answer = server.streams(partial(0, "image_edit"), event("image_edit.completed"))
    server.will(answer if previews else says(image(PICTURE)))
    drafts = await drawn(images, wish(prompt="darker", sources=SOURCES, previews=previews))
    assert [d.data for d in drafts] == ([PARTIAL, PICTURE] if previews else [PICTURE])
    (asked,) = server.asked
    assert asked.path == "/v1/images/edits"
    assert asked.files == [
        ("image[]", "source-1.png", "image/png", SOURCES[0].data),
        ("image[]", "source-2.jpg", "image/jpeg", SOURCES[1].data),
    ]
    assert asked.fields["prompt"] == "darker"
    assert asked.fields["model"] == "gpt-image-2.5-flare"


async def test_a_single_source_is_sent_by_itself(server: Endpoint, images: OpenAIImages) -> None:
    server.will(says(image(PICTURE)))
    await drawn(images, wish(sources=SOURCES[:1]))
    assert [name for name, *_ in server.asked[0].files] == ["image"]


async def test_the_models_before_gpt_image_2_get_a_size_that_they_know(
    server: Endpoint, images: OpenAIImages
) -> None:
    server.will(says(image(PICTURE)))
    older = OpenAIImages(images._client, "gpt-image-1-mini")
    assert older.capabilities.nearest(1280, 720) == (1536, 1024)
    await drawn(older, wish(width=1280, height=720))
    assert server.asked[0].json["size"] == "1536x1024"


@pytest.mark.parametrize("previews", [0, 2])
async def test_responses_draw(server: Endpoint, responses: OpenAIResponses, previews: int) -> None:
    whole = response(call(), message(type="output_text", text="Here it is."))
    answer = server.streams(
        {"type": "response.created", "sequence_number": 0, "response": response(status="queued")},
        {"type": "response.image_generation_call.in_progress", "item_id": "ig_1"},
        seen(0),
        seen(1),
        ended("completed", whole),
    )
    server.will(answer if previews else says(whole))
    drafts = await drawn(responses, wish(width=1280, height=720, previews=previews))
    assert [d.data for d in drafts] == [PARTIAL] * previews + [PICTURE]
    assert drafts[-1].progress == 1.0
    asked = server.asked[0].json
    assert server.asked[0].path == "/v1/responses"
    (tool,) = asked["tools"]
    assert tool == {
        "type": "image_generation",
        "action": "generate",
        "size": "1280x720",
        "quality": "low",
        "output_format": "png",
    } | ({"partial_images": 2} if previews else {})
    assert asked["tool_choice"] == {"type": "image_generation"}
    assert asked["store"] is False
    assert asked["input"] == [
        {"role": "user", "content": [{"type": "input_text", "text": "the sea"}]}
    ]


async def test_responses_edit_what_lies_in_the_message(
    server: Endpoint, responses: OpenAIResponses
) -> None:
    server.will(says(response(call())))
    await drawn(responses, wish(prompt="darker", sources=SOURCES))
    asked = server.asked[0].json
    assert asked["tools"][0]["action"] == "edit"
    assert asked["input"][0]["content"] == [
        {"type": "input_text", "text": "darker"},
        *(
            {
                "type": "input_image",
                "detail": "auto",
                "image_url": f"data:{source.media_type};base64,{b64(source.data)}",
            }
            for source in SOURCES
        ),
    ]


async def test_an_edit_needs_a_source(images: OpenAIImages, responses: OpenAIResponses) -> None:
    for provider in (images, responses):
        with pytest.raises(InvalidInputError):
            provider.edit(wish())


async def test_a_missing_key_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_ADMIN_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        connect()


# --- what goes wrong ------------------------------------------------------------------------------

STATUSES: list[tuple[Answer, type[CoatcheckError], str]] = [
    (fails(400, "moderation_blocked", "Rejected by the safety system."), ModerationError, "safety"),
    (fails(400, "content_policy_violation"), ModerationError, "content policy"),
    (fails(400, "invalid_value", "Bad size."), GenerationError, r"\(400\): Bad size\."),
    (fails(401, "invalid_api_key", f"Incorrect key: {KEY}"), GenerationError, "does not take the"),
    (fails(403, None), GenerationError, "does not take the key"),
    (fails(404, "model_not_found", "No such model."), GenerationError, "No such model"),
    (fails(429, "insufficient_quota", "You used it up."), GenerationError, "You used it up"),
    (fails(429, "rate_limit_exceeded", "Slow down."), ProviderUnavailableError, "Slow down"),
    (fails(500, "server_error"), ProviderUnavailableError, r"\(500\)"),
    (sends("<h1>Bad Gateway</h1>", "text/html", 502), ProviderUnavailableError, r"\(502\)\."),
    (sends("", "text/plain", 503), ProviderUnavailableError, r"\(503\)\."),
]


@pytest.mark.parametrize("previews", [0, 2])
async def test_a_status_becomes_an_error_of_ours(
    server: Endpoint,
    images: OpenAIImages,
    responses: OpenAIResponses,
    subtests: pytest.Subtests,
    previews: int,
) -> None:
    providers: list[ImageProvider] = [images, responses]
    for (answer, kind, words), provider in product(STATUSES, providers):
        with subtests.test(words, model=provider.model):
            server.will(answer)
            server.asked.clear()
            with pytest.raises(kind, match=words) as caught:
                await drawn(provider, wish(previews=previews))
            assert type(caught.value) is kind
            assert caught.value.message.startswith(provider.model)
            assert KEY not in caught.value.message
            assert len(server.asked) == 1  # the SDK itself does not try again


WITHOUT_PICTURE: list[tuple[Answer, str]] = [
    (says({"created": 1, "data": []}), "without a picture"),
    (says({"created": 1, "data": None}), "without a picture"),
    (says({"created": 1}), "without a picture"),
    (says({"created": 1, "data": "rubbish"}), "without a picture"),
    (says({"created": 1, "data": ["rubbish"]}), "without a picture"),
    (says(["rubbish"]), "without a picture"),
    (says({"created": 1, "data": [{"revised_prompt": "words"}]}), "without a picture"),
    (says(image("")), "without a picture"),
    (says(image("not base64!")), "cannot be read"),
    (says(image("QUJ")), "cannot be read"),
    (says({"created": 1, "data": [{"b64_json": 7}]}), "without a picture"),
    (says(image(b"<html>sorry</html>")), "text/plain instead of a picture"),
    (says(image(b"%PDF-1.7 " * 9)), "application/pdf instead of a picture"),
    (sends('{"created": 1, "da', "application/json"), "not understood|without a picture"),
    (sends("fine", "text/plain"), "without a picture"),
]


async def test_an_answer_without_a_usable_picture_is_told(
    server: Endpoint, images: OpenAIImages, subtests: pytest.Subtests
) -> None:
    for answer, words in WITHOUT_PICTURE:
        with subtests.test(words):
            server.will(answer)
            with pytest.raises(GenerationError, match=words) as caught:
                await drawn(images, wish())
            assert caught.value.code == "generation_failed"


STREAMS: list[Case] = [
    ((), ProviderUnavailableError, "before the picture was finished"),
    ((partial(0),), ProviderUnavailableError, "before the picture was finished"),
    ((partial(0), cut), ProviderUnavailableError, "cannot be reached"),
    (("data: [DONE]\n\n",), ProviderUnavailableError, "before the picture was finished"),
    (("data: {rubbish\n\n",), GenerationError, "not understood"),
    (("data: [1]\n\n",), ProviderUnavailableError, "before the picture was finished"),
    ((event("image_generation.completed", ""),), GenerationError, "without a picture"),
    ((event("image_generation.completed", "%"),), GenerationError, "cannot be read"),
    (
        ({"type": "error", "code": "moderation_blocked", "message": "Rejected."},),
        ModerationError,
        "Rejected",
    ),
    (
        ({"type": "error", "error": {"code": "moderation_blocked", "message": "No."}},),
        ModerationError,
        "No",
    ),
    (
        ({"error": {"code": "server_error", "message": "Overloaded."}},),
        ProviderUnavailableError,
        "cannot draw now",
    ),
    (({"error": {"message": "Odd."}},), GenerationError, "Odd"),
]


async def test_a_stream_that_brings_no_picture_is_told(
    server: Endpoint, images: OpenAIImages, subtests: pytest.Subtests
) -> None:
    for items, kind, words in STREAMS:
        with subtests.test(words):
            server.will(server.streams(*items))
            with pytest.raises(kind, match=words) as caught:
                await drawn(images, wish(previews=2))
            assert type(caught.value) is kind


BLOCKED = {"code": "moderation_blocked", "message": "Rejected.", "type": "user_error"}
RESPONSES: list[tuple[dict[str, Any], type[CoatcheckError], str]] = [
    (response(message(type="output_text", text="I'd rather talk.")), GenerationError, "I'd rather"),
    (response(message(type="refusal", refusal="I will not.")), ModerationError, "I will not"),
    (response(), GenerationError, "made no picture"),
    (response(call(None, "failed", error=BLOCKED)), ModerationError, "Rejected"),
    (response(call(None, "failed")), GenerationError, "made no picture"),
    (response(call(b"")), GenerationError, "made no picture"),
    (response(call(b"words")), GenerationError, "text/plain instead"),
    (
        response(status="failed", error={"code": "server_error", "message": "Oh."}),
        ProviderUnavailableError,
        "cannot draw now",
    ),
    (
        response(
            status="failed", error={"code": "image_content_policy_violation", "message": "No."}
        ),
        ModerationError,
        "No",
    ),
    (
        response(status="incomplete", incomplete_details={"reason": "content_filter"}),
        ModerationError,
        "content_filter",
    ),
    (
        response(status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
        GenerationError,
        "max_output_tokens",
    ),
    ({"output": "rubbish"}, GenerationError, "made no picture"),
    ({"output": [7, None]}, GenerationError, "made no picture"),
]


@pytest.mark.parametrize("previews", [0, 1])
async def test_a_response_without_a_picture_says_why(
    server: Endpoint, responses: OpenAIResponses, subtests: pytest.Subtests, previews: int
) -> None:
    for whole, kind, words in RESPONSES:
        with subtests.test(words):
            ending = ended(str(whole.get("status", "completed")), whole)
            server.will(server.streams(seen(0), ending) if previews else says(whole))
            with pytest.raises(kind, match=words) as caught:
                await drawn(responses, wish(previews=previews))
            assert type(caught.value) is kind


RESPONSE_STREAMS: list[Case] = [
    ((seen(0),), ProviderUnavailableError, "before the picture was finished"),
    ((seen(0), cut), ProviderUnavailableError, "cannot be reached"),
    (
        ({"type": "error", "code": "rate_limit_exceeded", "message": "m", "param": None},),
        ProviderUnavailableError,
        "cannot draw now",
    ),
    ((ended("completed", {}),), GenerationError, "made no picture"),
]


async def test_a_stream_of_a_response_that_ends_without_one_is_told(
    server: Endpoint, responses: OpenAIResponses, subtests: pytest.Subtests
) -> None:
    for items, kind, words in RESPONSE_STREAMS:
        with subtests.test(words):
            server.will(server.streams(*items))
            with pytest.raises(kind, match=words):
                await drawn(responses, wish(previews=1))


async def test_a_server_that_is_not_there_is_out_of_reach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = await connected("http://127.0.0.1:9/v1", monkeypatch)
    async with aclosing(OpenAIImages(client, "gpt-image-2.5-flare")) as images:
        with pytest.raises(ProviderUnavailableError, match="cannot be reached"):
            await drawn(images, wish())


async def test_the_sdks_own_time_limit_is_told(server: Endpoint, images: OpenAIImages) -> None:
    server.will(hang)
    hasty = OpenAIImages(images._client.with_options(timeout=0.2), "gpt-image-2.5-flare")
    with pytest.raises(ProviderTimeoutError, match="took too long"):
        await drawn(hasty, wish())


async def test_what_the_server_asks_for_is_passed_on(
    server: Endpoint, images: OpenAIImages
) -> None:
    server.will(fails(429, "rate_limit_exceeded", retry_after="17"), fails(503, None))
    with pytest.raises(ProviderUnavailableError) as caught:
        await drawn(images, wish())
    assert caught.value.retry_after == 17
    with pytest.raises(ProviderUnavailableError) as caught:
        await drawn(images, wish())
    assert caught.value.retry_after is None


# --- going away -----------------------------------------------------------------------------------


@pytest.mark.parametrize("previews", [0, 2])
@pytest.mark.parametrize("which", ["images", "responses"])
async def test_cancelling_closes_the_connection(
    server: Endpoint,
    images: OpenAIImages,
    responses: OpenAIResponses,
    which: str,
    previews: int,
) -> None:
    server.will(server.streams(hang) if previews else hang)
    provider: ImageProvider = images if which == "images" else responses
    await server.is_left_by(lambda: drawn(provider, wish(previews=previews)))


@pytest.mark.parametrize("which", ["images", "responses"])
async def test_taking_no_more_drafts_closes_the_connection(
    server: Endpoint, images: OpenAIImages, responses: OpenAIResponses, which: str
) -> None:
    server.will(server.streams(partial(0) if which == "images" else seen(0), hang))
    provider: ImageProvider = images if which == "images" else responses
    with anyio.fail_after(HANGS):
        async with aclosing(provider.generate(wish(previews=2))) as drafts:
            assert (await anext(drafts)).data == PARTIAL
        await server.left.wait()
