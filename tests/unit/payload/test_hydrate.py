"""Media back in a model's messages: where each provider takes it, and nowhere else."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from coatcheck.payload.hydrate import hydrate
from coatcheck.payload.hydration.policies import latest, never, requested, within
from coatcheck.payload.hydration.providers import ProviderName
from coatcheck.payload.results import result_urls
from coatcheck.store import MediaStore
from tests.media import image_bytes
from tests.unit.payload.conversations import (
    EVERYTHING,
    PROVIDERS,
    URLS,
    answer,
    base64,
    follow_up,
    image_block,
    picture,
    text_block,
    tool_turn,
    uri,
    user,
)

pytestmark = pytest.mark.anyio

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 20 + b"\n%%EOF\n"
WAV = b"RIFF\x24\x10\x00\x00WAVEfmt " + bytes(4096)
NOBODYS = "00000000-0000-4000-8000-000000000000"

# --- parts of a user's message -------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("form", ["stored", "ui", "data-media"])
async def test_a_reference_in_a_users_message_becomes_the_picture(
    store: MediaStore, provider: ProviderName, form: str
) -> None:
    reference = await store.put(picture())
    part = reference.to_stored() if form == "stored" else reference.to_ui(URLS)
    if form == "data-media":
        part = {"type": "data-media", "id": "p", "data": {"state": "ready", "reference": part}}
    said = text_block(provider, "What is this?")
    hydrated = await hydrate([user(provider, said, part)], store, provider=provider)
    assert hydrated.messages == [user(provider, said, image_block(provider, picture()))]
    report = hydrated.report
    assert (report.found, report.shown, report.refused) == (1, (reference.id,), 0)
    assert report.length == len(base64(picture()))
    assert report.left == {}


@pytest.mark.parametrize("form", ["stored", "ui"])
@pytest.mark.parametrize(
    ("provider", "linked", "shown"),
    [
        (
            "openai",
            lambda link: {"type": "image_url", "image_url": {"url": link, "detail": "low"}},
            lambda data: {"type": "image_url", "image_url": {"url": uri(data), "detail": "low"}},
        ),
        (
            "openai",
            lambda link: {"type": "image_url", "image_url": link},
            lambda data: image_block("openai", data),
        ),
        (
            "openai-responses",
            lambda link: {"type": "input_image", "image_url": link, "detail": "high"},
            lambda data: {"type": "input_image", "image_url": uri(data), "detail": "high"},
        ),
        (
            "anthropic",
            lambda link: {
                "type": "image",
                "source": {"type": "url", "url": link},
                "cache_control": {"type": "ephemeral"},
            },
            lambda data: image_block("anthropic", data) | {"cache_control": {"type": "ephemeral"}},
        ),
        (
            "gemini",
            lambda link: {
                "fileData": {"fileUri": link, "mimeType": "image/png"},
                "thoughtSignature": "c2lnbmVk",
            },
            lambda data: image_block("gemini", data) | {"thoughtSignature": "c2lnbmVk"},
        ),
        (
            "gemini",
            lambda link: {"file_data": {"file_uri": link, "mime_type": "image/png"}},
            lambda data: {"inline_data": {"mime_type": "image/webp", "data": base64(data)}},
        ),
        *(
            (
                provider,
                lambda link: {"type": "resource_link", "uri": link, "name": "sea.png"},
                lambda data, provider=provider: image_block(provider, data),
            )
            for provider in PROVIDERS
        ),
    ],
)
async def test_a_link_where_the_part_has_one_becomes_the_picture(
    store: MediaStore,
    provider: ProviderName,
    form: str,
    linked: Callable[[str], Any],
    shown: Callable[[bytes], Any],
) -> None:
    reference = await store.put(picture())
    link = reference.uri if form == "stored" else f"{URLS.original(reference.id)}?signature=x"
    message = user(provider, linked(link))
    hydrated = await hydrate([message], store, provider=provider, urls=URLS)
    assert hydrated.messages == [user(provider, shown(picture()))]
    # What is not ours stays, be it a URL of the same form.
    foreign = user(provider, linked(f"https://elsewhere.example/{reference.id}"))
    assert (await hydrate([foreign], store, provider=provider, urls=URLS)).messages[0] is foreign


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_url_is_a_link_only_where_it_is_told_how_urls_are_minted(
    store: MediaStore, provider: ProviderName
) -> None:
    reference = await store.put(picture())
    link = URLS.original(reference.id)
    message = user(provider, {"type": "resource_link", "uri": link, "name": "sea.png"})
    assert (await hydrate([message], store, provider=provider)).messages[0] is message


# --- tools ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_pictures_in_the_text_of_tools_follow_after_all_results_of_the_turn(
    store: MediaStore, provider: ProviderName
) -> None:
    first, second = await store.put(picture(1), alt="a tree"), await store.put(picture(2))
    results: list[Any] = [
        {"ok": True, "data": {"imageReference": reference.to_ui(URLS)}}
        for reference in (first, second)
    ]
    lines: list[Any] = [
        {"ok": True, "data": {"imageReference": reference.to_model()}}
        for reference in (first, second)
    ]
    if provider != "gemini":
        results = [json.dumps(result) for result in results]
        lines = [msgspec.json.encode(line).decode() for line in lines]
    messages = [*tool_turn(provider, *results), answer(provider)]
    hydrated = await hydrate(messages, store, provider=provider, policy=latest(2))
    assert hydrated.messages == [
        *tool_turn(provider, *lines),
        follow_up(provider, (first, picture(1)), (second, picture(2))),
        answer(provider),
    ]


async def test_a_picture_never_comes_between_the_results_of_one_turn(store: MediaStore) -> None:
    reference = await store.put(picture())
    messages = tool_turn("openai", json.dumps(reference.to_stored()), "done", "done")
    hydrated = await hydrate(messages, store, provider="openai")
    roles = [message["role"] for message in hydrated.messages]
    assert roles == ["user", "assistant", "tool", "tool", "tool", "user"]
    assert hydrated.messages[2]["content"] == reference.to_model()


async def test_a_tools_text_parts_are_read_like_its_text(store: MediaStore) -> None:
    reference = await store.put(picture())
    text = {"type": "text", "text": json.dumps({"image": reference.to_stored()})}
    *_, tool = tool_turn("openai", [text, reference.to_stored(), {"type": "text", "text": "."}])
    hydrated = await hydrate([tool], store, provider="openai", policy=never())
    line = reference.to_model()
    assert hydrated.messages[0]["content"] == [
        {"type": "text", "text": f'{{"image":{json.dumps(line, ensure_ascii=False)}}}'},
        {"type": "text", "text": line},
        {"type": "text", "text": "."},
    ]


@pytest.mark.parametrize("provider", ["openai-responses", "anthropic"])
async def test_a_tools_result_in_parts_shows_the_picture_where_it_stands(
    store: MediaStore, provider: ProviderName
) -> None:
    reference = await store.put(picture())
    said = text_block(provider, "Drawn.")
    messages = tool_turn(provider, [said, reference.to_stored()])
    hydrated = await hydrate(messages, store, provider=provider)
    assert hydrated.messages == tool_turn(provider, [said, image_block(provider, picture())])


async def test_the_parts_of_a_geminis_function_response_show_the_picture(store: MediaStore) -> None:
    shown, told = await store.put(picture(1)), await store.put(picture(2))
    response = {
        "name": "draw",
        "response": {"ok": True},
        "parts": [
            {"fileData": {"fileUri": told.uri, "mimeType": "image/png"}},
            {"fileData": {"fileUri": shown.uri, "mimeType": "image/png"}},
        ],
    }
    message = {"role": "user", "parts": [{"functionResponse": response}]}
    hydrated = await hydrate([message], store, provider="gemini", policy=latest())
    assert hydrated.messages == [
        {
            "role": "user",
            "parts": [
                {
                    "functionResponse": {
                        "name": "draw",
                        "response": {"ok": True, "media": [told.to_model()]},
                        "parts": [image_block("gemini", picture(1))],
                    }
                }
            ],
        }
    ]


@pytest.mark.parametrize("provider", ["openai", "openai-responses", "anthropic"])
async def test_a_tools_result_that_is_only_a_reference_becomes_its_line(
    store: MediaStore, provider: ProviderName
) -> None:
    reference = await store.put(picture())
    for result in (json.dumps(reference.to_stored()), reference.uri):
        hydrated = await hydrate(
            tool_turn(provider, result), store, provider=provider, policy=never()
        )
        assert hydrated.messages == tool_turn(provider, reference.to_model())


async def test_the_response_of_a_function_stays_an_object(store: MediaStore) -> None:
    reference = await store.put(picture())
    messages = tool_turn("gemini", reference.to_stored())
    hydrated = await hydrate(messages, store, provider="gemini", policy=never())
    assert hydrated.messages == tool_turn("gemini", {"result": reference.to_model()})


async def test_json_inside_json_is_read_and_numbers_stay(store: MediaStore) -> None:
    reference = await store.put(picture())
    inner = json.dumps({"content": [{"type": "resource_link", "uri": reference.uri, "name": "x"}]})
    result = {"inner": inner, "big": 2**70, "ratio": 0.1, "note": "a \u00e9 \u2028"}
    *_, tool = tool_turn("openai", json.dumps(result))
    hydrated = await hydrate([tool], store, provider="openai", policy=never())
    told = json.loads(hydrated.messages[0]["content"])
    assert json.loads(told.pop("inner")) == {"content": [reference.to_model()]}
    assert told == {"big": 2**70, "ratio": 0.1, "note": "a \u00e9 \u2028"}


async def test_no_url_of_ours_reaches_the_model_beside_a_reference(store: MediaStore) -> None:
    reference = await store.put(picture())
    data = {
        "imageReference": reference.to_ui(URLS),
        **result_urls(reference, URLS),
        "source": "https://example.org/else",
        "id": reference.id,
    }
    *_, tool = tool_turn("openai", json.dumps({"data": data}))
    hydrated = await hydrate([tool], store, provider="openai", policy=never())
    told = json.loads(hydrated.messages[0]["content"])["data"]
    assert told == {
        "imageReference": reference.to_model(),
        "source": "https://example.org/else",
        "id": reference.id,
    }


# --- what the model said -------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["openai", "openai-responses", "anthropic"])
async def test_a_picture_that_an_assistant_made_follows_its_message(
    store: MediaStore, provider: ProviderName
) -> None:
    reference = await store.put(picture())
    message = {"role": "assistant", "content": [reference.to_stored()]}
    thanks = {"role": "user", "content": "Thanks."}
    hydrated = await hydrate([message, thanks], store, provider=provider)
    line: Any = {"type": "text", "text": reference.to_model()}
    if provider == "openai-responses":
        line = {"type": "output_text", "text": reference.to_model(), "annotations": []}
    assert hydrated.messages == [
        {"role": "assistant", "content": [line]},
        follow_up(provider, (reference, picture())),
        thanks,
    ]


async def test_anthropics_tool_results_come_before_what_follows(store: MediaStore) -> None:
    reference = await store.put(picture())
    messages = tool_turn("anthropic", "done")
    messages[1] = {**messages[1], "content": [reference.to_stored(), *messages[1]["content"]]}
    hydrated = await hydrate(messages, store, provider="anthropic")
    assert hydrated.messages[2:] == [
        messages[2],
        follow_up("anthropic", (reference, picture())),
    ]


async def test_geminis_own_pictures_stay_in_its_content(store: MediaStore) -> None:
    reference = await store.put(picture())
    part = {"fileData": {"fileUri": reference.uri}, "thoughtSignature": "c2lnbmVk"}
    hydrated = await hydrate([{"role": "model", "parts": [part]}], store, provider="gemini")
    shown = image_block("gemini", picture()) | {"thoughtSignature": "c2lnbmVk"}
    assert hydrated.messages == [{"role": "model", "parts": [shown]}]
    hydrated = await hydrate(
        [{"role": "model", "parts": [part]}], store, provider="gemini", policy=never()
    )
    told = {"text": reference.to_model(), "thoughtSignature": "c2lnbmVk"}
    assert hydrated.messages == [{"role": "model", "parts": [told]}]


async def test_in_responses_a_picture_comes_before_the_next_reasoning(store: MediaStore) -> None:
    reference = await store.put(picture())
    calls = tool_turn("openai-responses", json.dumps(reference.to_stored()), "done")
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": []}
    said = {"type": "message", "role": "assistant", "content": []}
    hydrated = await hydrate([*calls, reasoning, said], store, provider="openai-responses")
    assert hydrated.messages[-3:] == [
        follow_up("openai-responses", (reference, picture())),
        reasoning,
        said,
    ]


async def test_generated_images_and_screenshots_of_responses(store: MediaStore) -> None:
    reference = await store.put(picture())
    generated = {"type": "image_generation_call", "id": "ig_1", "status": "completed"}
    screenshot = {"type": "computer_call_output", "call_id": "c1"}
    items = [
        {**generated, "result": None, "mediaReference": reference.to_stored()},
        {**screenshot, "output": {"type": "computer_screenshot", "image_url": reference.uri}},
    ]
    shown = await hydrate(items[:1], store, provider="openai-responses")
    assert shown.messages == [{**generated, "result": base64(picture())}]
    shown = await hydrate(items, store, provider="openai-responses", policy=latest())
    assert shown.messages == [
        {**generated, "result": None},
        {**screenshot, "output": {"type": "computer_screenshot", "image_url": uri(picture())}},
    ]
    told = await hydrate(items, store, provider="openai-responses", policy=never())
    assert told.messages == [
        {**generated, "result": None},
        {**screenshot, "output": {"type": "computer_screenshot"}},
    ]


# --- documents and audio -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "block"),
    [
        (
            "openai",
            {
                "type": "file",
                "file": {"filename": "a.pdf", "file_data": uri(PDF, "application/pdf")},
            },
        ),
        (
            "openai-responses",
            {"type": "input_file", "filename": "a.pdf", "file_data": uri(PDF, "application/pdf")},
        ),
        (
            "anthropic",
            {
                "type": "document",
                "source": {
                    "type": "base64",
                    "media_type": "application/pdf",
                    "data": base64(PDF),
                },
            },
        ),
        ("gemini", {"inlineData": {"mimeType": "application/pdf", "data": base64(PDF)}}),
    ],
)
async def test_every_provider_takes_a_document(
    store: MediaStore, provider: ProviderName, block: Any
) -> None:
    reference = await store.put(PDF, display_name="a.pdf")
    hydrated = await hydrate([user(provider, reference.to_stored())], store, provider=provider)
    assert hydrated.messages == [user(provider, block)]
    assert hydrated.report.tokens == 0  # what it costs is not known


@pytest.mark.parametrize(
    ("provider", "linked", "block"),
    [
        (
            "openai",
            lambda link: {"type": "file", "file": {"filename": "mine.pdf", "file_data": link}},
            {
                "type": "file",
                "file": {"filename": "a.pdf", "file_data": uri(PDF, "application/pdf")},
            },
        ),
        (
            "openai-responses",
            lambda link: {"type": "input_file", "filename": "mine.pdf", "file_url": link},
            {"type": "input_file", "filename": "a.pdf", "file_data": uri(PDF, "application/pdf")},
        ),
        (
            "anthropic",
            lambda link: {
                "type": "document",
                "source": {"type": "url", "url": link},
                "title": "A plan",
                "citations": {"enabled": True},
            },
            {
                "type": "document",
                "source": {
                    "type": "base64",
                    "media_type": "application/pdf",
                    "data": base64(PDF),
                },
                "title": "A plan",
                "citations": {"enabled": True},
            },
        ),
    ],
)
async def test_a_link_to_a_document(
    store: MediaStore, provider: ProviderName, linked: Callable[[str], Any], block: Any
) -> None:
    reference = await store.put(PDF, display_name="a.pdf")
    message = user(provider, linked(reference.uri))
    hydrated = await hydrate([message], store, provider=provider)
    assert hydrated.messages == [user(provider, block)]


@pytest.mark.parametrize(
    ("provider", "block"),
    [
        ("openai", {"type": "input_audio", "input_audio": {"data": base64(WAV), "format": "wav"}}),
        ("openai-responses", None),
        ("anthropic", None),
        ("gemini", {"inlineData": {"mimeType": "audio/wav", "data": base64(WAV)}}),
    ],
)
async def test_audio_is_shown_when_it_is_asked_for_to_those_that_hear(
    store: MediaStore, provider: ProviderName, block: Any
) -> None:
    reference = await store.put(WAV)
    message = user(provider, reference.to_stored())
    line = text_block(provider, reference.to_model())
    unasked = await hydrate([message], store, provider=provider)
    assert unasked.messages == [user(provider, line)]
    asked = await hydrate([message], store, provider=provider, policy=requested([reference.id]))
    assert asked.messages == [user(provider, block or line)]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_no_model_takes_is_its_line(store: MediaStore, provider: ProviderName) -> None:
    reference = await store.put(b"Dear diary,\n", display_name="diary.txt")
    message = user(provider, reference.to_stored())
    policy = requested([reference.id])
    hydrated = await hydrate([message], store, provider=provider, policy=policy)
    assert hydrated.messages == [user(provider, text_block(provider, reference.to_model()))]
    assert hydrated.report.refused == 0


# --- which ones ----------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_latest_is_shown_where_that_is_the_policy(
    store: MediaStore, provider: ProviderName
) -> None:
    old, new = await store.put(picture(1)), await store.put(picture(2))
    messages = [user(provider, old.to_stored()), answer(provider), user(provider, new.to_stored())]
    hydrated = await hydrate(messages, store, provider=provider, policy=latest())
    assert hydrated.messages == [
        user(provider, text_block(provider, old.to_model())),
        answer(provider),
        user(provider, image_block(provider, picture(2))),
    ]
    assert hydrated.report.shown == (new.id,)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_picture_that_occurs_again_is_sent_once_where_it_occurs_last(
    store: MediaStore, provider: ProviderName
) -> None:
    once, again = await store.put(picture(1)), await store.put(picture(2))
    messages = [
        user(provider, again.to_stored(), once.to_stored()),
        user(provider, again.to_ui(URLS), again.to_stored()),
    ]
    hydrated = await hydrate(messages, store, provider=provider, policy=EVERYTHING)
    line = text_block(provider, again.to_model())
    assert hydrated.messages == [
        user(provider, line, image_block(provider, picture(1))),
        user(provider, line, image_block(provider, picture(2))),
    ]
    assert (hydrated.report.found, hydrated.report.shown) == (4, (once.id, again.id))


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_is_requested_and_occurs_nowhere_follows_at_the_end(
    store: MediaStore, provider: ProviderName
) -> None:
    here, there = await store.put(picture(1)), await store.put(picture(2))
    others = await store.put(picture(3), owner="mallory")
    messages = [user(provider, here.to_stored()), answer(provider)]
    policy = requested([there.id, here.id, there.id, others.id, NOBODYS, "no id"])
    hydrated = await hydrate(messages, store, provider=provider, policy=policy)
    assert hydrated.messages == [
        user(provider, image_block(provider, picture(1))),
        answer(provider),
        follow_up(provider, (there, picture(2))),
    ]
    assert hydrated.report.shown == (here.id, there.id)
    assert (hydrated.report.found, hydrated.report.refused) == (1, 3)


async def test_within_a_budget_of_tokens(store: MediaStore) -> None:
    references = [await store.put(image_bytes("webp", 560, 560, seed)) for seed in range(3)]
    messages = [user("anthropic", *(reference.to_stored() for reference in references))]
    for tokens, shown in ((399, 0), (400, 1), (1199, 2), (1200, 3)):
        policy = within(tokens=tokens)
        report = (await hydrate(messages, store, provider="anthropic", policy=policy)).report
        assert report.shown == tuple(each.id for each in references[3 - shown :])
        assert report.tokens == shown * 400
