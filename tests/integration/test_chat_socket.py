"""The whole application over real sockets: a drawing turn, and everything that disturbs one."""

import json
import logging
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import httpx
import pytest
from pydantic_ai import RunContext
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from coatcheck.errors import ConfigurationError
from coatcheck_chat import app as composition
from coatcheck_chat.agent.pydantic_ai import load_model
from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings
from tests.chatting import Chat, chatting, media, told
from tests.serving import serving

pytestmark = pytest.mark.anyio

BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{4096}")
URL = re.compile(r"https?:|/api/media|data:image")
PROMPT = "Draw a lighthouse at dusk, 96x64, seed 7"
SERVER_LOGGERS = ("coatcheck", "sqlalchemy", "aiosqlite", "alembic", "pydantic_ai", "uvicorn.error")


class Recording(WrapperModel):
    """A real model that writes down what it is asked, as it would go over the wire."""

    def __init__(self, wrapped: Model) -> None:
        super().__init__(wrapped)
        self.requests: list[str] = []

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncIterator[StreamedResponse]:
        self.requests.append(ModelMessagesTypeAdapter.dump_json(messages).decode())
        async with super().request_stream(
            messages, model_settings, model_request_parameters, run_context
        ) as stream:
            yield stream


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Recording:
    """The application's own model, listened to."""
    recording = Recording(load_model("offline"))
    monkeypatch.setattr(composition, "load_model", lambda _name: recording)
    return recording


@pytest.fixture
async def address(model: Recording, data: Path) -> AsyncIterator[str]:
    async with serving(create_app(Settings(data=data))) as served:
        yield served


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as opened:
        yield opened


@pytest.fixture
async def chat(address: str) -> AsyncIterator[Chat]:
    async with chatting(address) as opened:
        yield opened


def everything_in(data: Path) -> Iterator[str]:
    """Every text of every row of the database."""
    database = sqlite3.connect(data / "catalog.sqlite3")
    tables = [
        name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    ]
    assert {"messages", "conversations", "media", "blobs", "variants"} <= set(tables)
    for table in tables:
        for row in database.execute(f"SELECT * FROM {table}"):
            yield from (str(value) for value in row)
    database.close()


async def messages(client: httpx.AsyncClient, conversation: str) -> list[dict[str, Any]]:
    response = await client.get(f"/api/conversations/{conversation}/messages")
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "private, max-age=0"
    found: list[dict[str, Any]] = response.json()["messages"]
    return found


async def answered(client: httpx.AsyncClient, conversation: str) -> dict[str, Any]:
    """The conversation's last message as soon as it is the assistant's."""
    with anyio.fail_after(60):
        while True:
            found = await messages(client, conversation)
            if found[-1]["role"] == "assistant":
                return found[-1]
            await anyio.sleep(0.02)


# --- the main job --------------------------------------------------------------------------------


async def test_a_drawing_turn_from_words_to_pixels(
    chat: Chat, client: httpx.AsyncClient, model: Recording
) -> None:
    chunks = await chat.turn(PROMPT)
    pending, ready = media(chunks)
    assert pending == {
        "state": "pending",
        "width": 96,
        "height": 64,
        "alt": "a lighthouse at dusk",
    }
    reference = ready["reference"]
    assert ready["state"] == "ready"
    assert (reference["width"], reference["height"]) == (96, 64)
    assert chunks[0]["type"] == "start"
    assert chunks[-1]["type"] == "finish"
    assert "a lighthouse at dusk" in told(chunks)
    (output,) = [one["output"] for one in chunks if one["type"] == "tool-output-available"]
    assert output["success"] is True
    assert output["data"]["imageReference"] == reference
    assert output["data"]["model"] == "procedural"

    original = await client.get(reference["url"])
    assert original.headers["content-type"] == "image/png"
    assert len(original.content) == reference["size"]
    assert original.content.startswith(b"\x89PNG")
    thumbnail = await client.get(reference["thumbnailUrl"])
    assert thumbnail.headers["content-type"] == "image/webp"
    assert len(model.requests) == 2


async def test_an_ordinary_picture_fits_in_small_frames(chat: Chat) -> None:
    chunks = await chat.turn("Draw a lighthouse on a cliff at dusk, with gulls over the sea")
    (reference,) = [one["reference"] for one in media(chunks) if one["state"] == "ready"]
    assert (reference["width"], reference["height"]) == (1024, 1024)
    assert reference["size"] > 500_000
    sizes = {frame: len(frame.encode()) for frame in chat.frames}
    assert max(sizes.values()) <= 2048
    (finished,) = [frame for frame in chat.frames if '"state":"ready"' in frame]
    assert sizes[finished] <= 1200


async def test_no_frame_is_larger_than_agreed_whatever_is_asked(chat: Chat) -> None:
    for words in (
        "Draw " + "a very long description of a lighthouse " * 95 + "96x64",
        "Draw " + "灯台" * 1900 + " 96x64",
        "Draw " + '"\\ \u0001' * 700 + " 96x64",
        "Draw " + "x" * 4050,
        "Plot " + "x+" * 300 + "x",
        "Plot " + '"' * 190,
        "Draw",
        "hello",
    ):
        assert (await chat.turn(words))[-1]["type"] == "finish"
    assert [frame for frame in chat.frames if len(frame.encode()) > 2048] == []


async def test_the_model_is_asked_without_base64_and_urls_and_the_same_way_each_time(
    chat: Chat, model: Recording
) -> None:
    chunks = await chat.turn(PROMPT)
    reference = media(chunks)[-1]["reference"]
    await chat.turn("thanks", {"type": "data-media", "data": {"reference": reference}})
    await chat.turn("thanks again")
    assert len(model.requests) == 4
    for request in model.requests:
        assert not BASE64_RUN.search(request)
        assert not URL.search(request)
    line = f'[image {reference["id"]} \\"a lighthouse at dusk\\" 96×64 png]'
    assert all(line in request for request in model.requests[1:])
    contents = [re.findall(r"\[image [^\]]*\]", request) for request in model.requests]
    assert contents[3][: len(contents[2])] == contents[2]


async def test_a_conversation_is_read_back_with_its_picture(
    chat: Chat, client: httpx.AsyncClient
) -> None:
    chunks = await chat.turn(PROMPT)
    reference = media(chunks)[-1]["reference"]
    question, answer = await messages(client, chat.conversation)
    assert question["role"] == "user"
    assert question["parts"] == [{"type": "text", "text": PROMPT}]
    assert answer["id"] == chunks[0]["messageId"]
    parts = {part["type"]: part for part in answer["parts"]}
    assert parts["data-media"]["data"] == {"state": "ready", "reference": reference}
    output = parts["tool-generate_image"]["output"]["data"]
    assert output["imageReference"] == reference
    assert output["fullImageUrl"] == reference["url"]
    assert output["thumbnailUrl"] == reference["thumbnailUrl"]
    assert parts["text"]["text"] == told(chunks)
    listed = (await client.get("/api/conversations")).json()["conversations"]
    assert [(one["id"], one["title"]) for one in listed] == [(chat.conversation, PROMPT)]


async def test_a_conversation_outlives_the_server(model: Recording, data: Path) -> None:
    async with (
        serving(create_app(Settings(data=data))) as address,
        chatting(address) as chat,
    ):
        reference = media(await chat.turn(PROMPT))[-1]["reference"]
    async with (
        serving(create_app(Settings(data=data))) as address,
        httpx.AsyncClient(base_url=f"http://{address}") as client,
        chatting(address, chat.conversation) as again,
    ):
        assert len(await messages(client, chat.conversation)) == 2
        assert (await client.get(reference["url"])).status_code == 200
        await again.turn("hello")
        assert len(await messages(client, chat.conversation)) == 4
    assert len(model.requests) == 3


async def test_no_sink_holds_base64_or_urls(
    chat: Chat, client: httpx.AsyncClient, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        chunks = await chat.turn(PROMPT)
        reference = media(chunks)[-1]["reference"]
        await client.get(reference["url"])
        await chat.turn("look", {"type": "data-media", "data": {"reference": reference}})
        await chat.turn("plot sin(x)/x")
        await messages(client, chat.conversation)
    rows = list(everything_in(data))
    assert any(reference["id"] in row for row in rows)
    for row in rows:
        assert not BASE64_RUN.search(row)
        assert not URL.search(row)
    for frame in chat.frames:
        assert not BASE64_RUN.search(frame)
    lines = [
        record.getMessage() for record in caplog.records if record.name.startswith(SERVER_LOGGERS)
    ]
    assert lines
    for line in lines:
        assert not BASE64_RUN.search(line)
        assert not URL.search(line), line
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_the_page_s_own_answers_are_as_they_should_be(client: httpx.AsyncClient) -> None:
    health = await client.get("/healthz")
    assert health.json()["status"] == "ok"
    unknown = await client.get(f"/api/conversations/{uuid4()}/messages")
    assert unknown.status_code == 404
    assert unknown.headers["content-type"] == "application/problem+json"
    assert unknown.headers["cache-control"] == "no-store"
    assert unknown.json()["code"] == "not_found"
    assert (await client.get("/api/conversations")).json() == {"conversations": []}


# --- who may speak -------------------------------------------------------------------------------


async def test_a_page_of_another_site_is_not_answered(address: str) -> None:
    for origin in (
        "http://evil.example",
        "https://evil.example:8787",
        "null",
        f"http://{address}.evil.example",
        f"http://evil.example/{address}",
        f"http://{address}@evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "",
        "rubbish",
    ):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"ws://{address}/ws/chat", additional_headers={"Origin": origin}):
                pytest.fail(f"{origin!r} was let in")
        assert refused.value.response.status_code == 403


async def test_a_program_without_an_origin_may_speak(address: str) -> None:
    async with connect(f"ws://{address}/ws/chat") as socket:
        chunks = await Chat(socket, str(uuid4())).turn("hello")
    assert told(chunks).startswith("Hello!")


# --- rubbish -------------------------------------------------------------------------------------


def message_frame(content: str) -> str:
    return f'{{"type": "message-send", "conversationId": "{uuid4()}", "message": {content}}}'


def user_frame(*parts: str) -> str:
    return message_frame(f'{{"role": "user", "parts": [{", ".join(parts)}]}}')


RUBBISH = [
    ("", "protocol_error"),
    ("rubbish", "protocol_error"),
    ("null", "protocol_error"),
    ("[" * 60_000, "protocol_error"),
    ('{"a":' + "[" * 30_000 + "]" * 30_000 + "}", "protocol_error"),
    (f'{{"type": "unknown", "conversationId": "{uuid4()}"}}', "protocol_error"),
    (f'{{"type": "message-send", "conversationId": "{uuid4()}"}}', "protocol_error"),
    ('{"type": "message-send", "conversationId": "../x", "message": {}}', "protocol_error"),
    (message_frame("{}"), "invalid_input"),
    (
        message_frame('{"role": "assistant", "parts": [{"type": "text", "text": "x"}]}'),
        "invalid_input",
    ),
    (user_frame('{"type": "text", "text": " "}'), "invalid_input"),
    (
        user_frame('{"type": "text", "text": "' + "iVBORw0KGgoA" + "Ab3+" * 1500 + '"}'),
        "invalid_input",
    ),
    (user_frame("[" * 400 + "]" * 400), "protocol_error"),
    (user_frame(*["{}"] * 2000), "protocol_error"),
    (user_frame('{"type": "data-media", "data": {"reference": {"id": "unknown"}}}'), "not_found"),
]


async def test_rubbish_is_answered_with_an_error_and_the_conversation_goes_on(
    chat: Chat, client: httpx.AsyncClient
) -> None:
    for frame, code in RUBBISH:
        await chat.socket.send(frame)
        error, end = await chat.chunk(), await chat.chunk()
        assert (error["type"], error["code"], end) == ("error", code, {"type": "finish"})
        assert 0 < len(error["errorText"]) < 200
    assert (await client.get("/api/conversations")).json() == {"conversations": []}
    assert (await chat.turn("hello"))[-1]["type"] == "finish"
    assert len(await messages(client, chat.conversation)) == 2


async def test_an_oversized_frame_closes_the_socket_with_a_code(address: str) -> None:
    for size in (64 * 1024 + 1, 127 * 1024, 10 * 1024 * 1024):
        async with chatting(address) as chat:
            with pytest.raises(ConnectionClosed) as closed, anyio.fail_after(20):
                await chat.socket.send("x" * size)
                await chat.socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1009
    async with chatting(address) as another:
        assert (await another.turn("hello"))[-1]["type"] == "finish"


async def test_attack_30_no_frame_is_waited_for_that_would_be_too_long(address: str) -> None:
    """The server itself ends it, by what a frame announces and by what its pieces add up to."""
    announced = bytes([0x81, 0xFF]) + (128 * 1024 + 1).to_bytes(8) + bytes(4)
    piece = bytes(4) + b"x" * 60_000
    begun = bytes([0x01, 0xFE]) + (60_000).to_bytes(2) + piece
    continued = bytes([0x00, 0xFE]) + (60_000).to_bytes(2) + piece
    for sent in (announced, begun + continued * 2):
        async with chatting(address) as chat:
            chat.socket.transport.write(sent)
            with pytest.raises(ConnectionClosed) as closed, anyio.fail_after(20):
                await chat.socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1009


async def test_a_binary_frame_is_refused_like_any_other_rubbish(
    chat: Chat, caplog: pytest.LogCaptureFixture
) -> None:
    for data in (b"", b"rubbish", b'{"type": "stream-cancel"}', bytes(range(256)) * 64):
        await chat.socket.send(data)
        error, end = await chat.chunk(), await chat.chunk()
        assert (error["type"], error["code"], end["type"]) == ("error", "protocol_error", "finish")
    assert (await chat.turn("hello"))[-1]["type"] == "finish"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_frame_of_another_version_is_refused_by_its_code(chat: Chat) -> None:
    for version in (2, 0, "1", None, [1]):
        await chat.send(type="message-send", version=version, message={"role": "user"})
        error, _ = await chat.chunk(), await chat.chunk()
        assert error["code"] == "unsupported_version"
    await chat.send(type="stream-resume", version=1, seq=0)
    assert (await chat.chunk())["type"] == "data-resumed"


# --- turns that are disturbed --------------------------------------------------------------------


async def test_a_client_that_leaves_in_the_middle_finds_the_answer_later(
    address: str, client: httpx.AsyncClient
) -> None:
    async with chatting(address) as chat:
        await chat.ask(PROMPT)
        await chat.until("data-media")
    answer = await answered(client, chat.conversation)
    states = [part["data"]["state"] for part in answer["parts"] if part["type"] == "data-media"]
    assert states == ["ready"]


async def test_a_cancelled_turn_says_so_and_is_kept_as_far_as_it_came(
    chat: Chat, client: httpx.AsyncClient
) -> None:
    await chat.ask("Draw a lighthouse, 2048x2048")
    await chat.until("data-media")
    await chat.send(type="stream-cancel")
    chunks = await chat.until("finish", "abort")
    assert chunks[-1]["type"] == "abort"
    assert media(chunks)[-1]["state"] == "failed"
    assert media(chunks)[-1]["error"]["code"] == "cancelled"
    answer = await answered(client, chat.conversation)
    states = [part["data"]["state"] for part in answer["parts"] if part["type"] == "data-media"]
    assert states == ["failed"]
    assert (await chat.turn(PROMPT))[-1]["type"] == "finish"


async def test_a_cancellation_with_nothing_under_way_is_harmless(chat: Chat) -> None:
    await chat.send(type="stream-cancel")
    assert told(await chat.turn("hello")).startswith("Hello!")


async def test_a_second_message_in_the_middle_is_refused(chat: Chat) -> None:
    await chat.ask("Draw a lighthouse, 1024x1024")
    await chat.until("data-media")
    await chat.ask("and another")
    chunks = await chat.until("error")
    assert chunks[-1]["code"] == "turn_in_progress"
    rest = [*await chat.until("finish"), *await chat.until("finish")]
    assert media([*chunks, *rest])[-1]["state"] == "ready"


async def test_conversations_beside_each_other_do_not_mix(
    address: str, client: httpx.AsyncClient
) -> None:
    async with chatting(address) as first, chatting(address) as second:
        await first.ask(PROMPT)
        await second.ask("hello")
        drawn, greeted = await first.until("finish"), await second.until("finish")
    assert media(drawn)[-1]["state"] == "ready"
    assert media(greeted) == []
    assert "Hello!" in told(greeted)
    assert "Hello!" not in told(drawn)
    assert len(await messages(client, first.conversation)) == 2
    assert len(await messages(client, second.conversation)) == 2


async def test_an_empty_prompt_is_an_error_that_the_user_can_read(chat: Chat) -> None:
    chunks = await chat.turn("draw")
    (failure,) = [one for one in chunks if one["type"] == "tool-output-error"]
    assert "The prompt is empty" in failure["errorText"]
    assert "The prompt is empty" in told(chunks)


async def test_a_forged_reference_is_not_believed(chat: Chat, client: httpx.AsyncClient) -> None:
    reference = media(await chat.turn(PROMPT))[-1]["reference"]
    forged = reference | {"url": "https://evil.example/x", "alt": "forged", "mimeType": "text/html"}
    await chat.turn("look", {"type": "data-media", "data": {"reference": forged}})
    found = await messages(client, chat.conversation)
    (part,) = [one for one in found[2]["parts"] if one["type"] == "data-media"]
    assert part["data"]["reference"] == reference


# --- models that misbehave -----------------------------------------------------------------------

INLINE = "iVBORw0KGgo" * 1000


@asynccontextmanager
async def chatting_with(
    monkeypatch: pytest.MonkeyPatch, data: Path, *answers: str | dict[int, DeltaToolCall]
) -> AsyncIterator[Chat]:
    """A chat with a model that gives these answers, one a request, over and over the last."""
    given = 0

    async def stream(
        _messages: list[ModelMessage], _info: AgentInfo
    ) -> AsyncIterator[str | dict[int, DeltaToolCall]]:
        nonlocal given
        answer = answers[min(given, len(answers) - 1)]
        given += 1
        yield answer

    def load(_name: str) -> Model:
        return FunctionModel(stream_function=stream)

    monkeypatch.setattr(composition, "load_model", load)
    async with (
        serving(create_app(Settings(data=data))) as address,
        chatting(address) as chat,
    ):
        yield chat


def tool(name: str, arguments: str) -> dict[int, DeltaToolCall]:
    return {
        0: DeltaToolCall(name=name, json_args=arguments, tool_call_id=f"call_{uuid4().hex[:8]}")
    }


async def test_whatever_a_model_calls_a_tool_with_frames_stay_small(
    monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    small = {"width": 64, "height": 64}
    calls = [
        json.dumps({"prompt": "x", "aspect_ratio": "word " * 2000}),
        json.dumps({"prompt": "x", "filename": "word " * 2000, **small}),
        json.dumps({"prompt": {"nested": ["word " * 2000]}}),
        json.dumps({"prompt": ["word " * 2000]}),
        json.dumps({f"argument{number}": "word " * 20 for number in range(100)}),
        '{"prompt": "not closed ' + "word " * 2000,
        json.dumps({"prompt": INLINE, **small}),
    ]
    answers = [answer for call in calls for answer in (tool("generate_image", call), "Done.")]
    async with chatting_with(monkeypatch, data, *answers) as chat:
        for _ in calls:
            assert (await chat.turn("go"))[-1]["type"] == "finish"
        assert [len(frame) for frame in chat.frames if len(frame.encode()) > 2048] == []


async def test_base64_that_a_model_writes_stays_out_of_every_sink(
    monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    words = f"Here: ![a](data:image/png;base64,{INLINE})"
    async with chatting_with(
        monkeypatch, data, tool("generate_image", json.dumps({"prompt": INLINE})), words
    ) as chat:
        await chat.turn("go")
    assert not [frame for frame in chat.frames if BASE64_RUN.search(frame)]
    assert not [row for row in everything_in(data) if BASE64_RUN.search(row)]


async def test_a_model_that_calls_a_tool_that_is_not_there_ends_its_turn(
    monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    async with chatting_with(monkeypatch, data, tool("format_disk", "{}")) as chat:
        chunks = await chat.turn("go")
        assert "error" in [one["type"] for one in chunks]
        assert chunks[-1]["type"] == "finish"
        assert (await chat.turn("again"))[-1]["type"] == "finish"


# --- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nonsense:foo", "gpt", "", "offline ", "openai:", "openai:gpt-5"])
def test_a_model_that_cannot_be_used_is_told_by_its_setting(
    name: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        create_app(Settings(data=data, model=name))
    assert caught.value.message.startswith(f"COATCHECK_MODEL={name}: ")
    assert len(caught.value.message) > len(f"COATCHECK_MODEL={name}: ") + 10
    assert not data.exists()
