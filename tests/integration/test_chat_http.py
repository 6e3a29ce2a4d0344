"""The chat over plain HTTP: what the AI SDK posts, and the server-sent events that it reads.

`tests/integration/test_browser_client.py` drives it with the SDK itself.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import httpx
import pytest

from coatcheck.delivery import bodies
from coatcheck_chat.app import create_app
from coatcheck_chat.history.history import MAX_TEXT
from coatcheck_chat.settings import Settings
from coatcheck_chat.streaming import sse
from tests.chatting import chatting, media, told
from tests.serving import serving

pytestmark = pytest.mark.anyio

PROMPT = "Draw a lighthouse at dusk, 96x64, seed 7"
# What version 5 of the SDK lets through: its schema of an error is strict.
STRICT = {"error": {"type", "errorText"}, "abort": {"type"}, "text-delta": {"type", "id", "delta"}}


@asynccontextmanager
async def opened(data: Path, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(create_app(Settings(data=data, **settings))) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=60) as client,
    ):
        yield client


@pytest.fixture
async def client(data: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with opened(data) as client:
        yield client


@pytest.fixture
def conversation() -> str:
    return str(uuid4())


def said(words: str, identifier: str | None = None) -> dict[str, Any]:
    parts = [{"type": "text", "text": words}]
    return {"id": identifier or str(uuid4()), "role": "user", "parts": parts}


def request(conversation: str, words: str, **members: Any) -> dict[str, Any]:
    return {
        "id": conversation,
        "messages": [said("earlier"), said(words)],
        "trigger": "submit-message",
        **members,
    }


def chunks_of(text: str) -> list[dict[str, Any]]:
    """The chunks of a whole stream, each event checked."""
    *events, done, rest = text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    chunks = []
    for event in events:
        if event.startswith(":"):
            continue
        assert event.startswith("data: {")
        assert "\n" not in event
        assert len(event.encode()) <= 2048
        chunk = json.loads(event.removeprefix("data: "))
        assert set(chunk) <= STRICT.get(chunk["type"], set(chunk))
        chunks.append(chunk)
    return chunks


async def post(client: httpx.AsyncClient, body: Any) -> list[dict[str, Any]]:
    answer = await client.post("/api/chat", json=body)
    assert answer.status_code == 200, answer.text
    return chunks_of(answer.text)


async def messages(client: httpx.AsyncClient, conversation: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/api/conversations/{conversation}/messages")
    found: list[dict[str, Any]] = answer.raise_for_status().json()["messages"]
    return found


# --- answers -------------------------------------------------------------------------------------


async def test_an_answer_comes_as_server_sent_events(
    client: httpx.AsyncClient, conversation: str
) -> None:
    answer = await client.post("/api/chat", json=request(conversation, PROMPT))
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    chunks = chunks_of(answer.text)
    assert [one["type"] for one in chunks[:2]] == ["data-turn", "start"]
    assert chunks[-1]["type"] == "finish"
    assert media(chunks)[-1]["state"] == "ready"
    previews = [one["data"] for one in chunks if one.get("data", {}).get("state") == "preview"]
    assert all(one["thumbnailUrl"].startswith("/api/media/preview/") for one in previews)
    assert not any("previewId" in one for one in previews)
    # Of all that was posted, the last message alone is believed.
    kept = await messages(client, conversation)
    assert [one["role"] for one in kept] == ["user", "assistant"]
    assert kept[0]["parts"][0]["text"] == PROMPT


async def test_a_single_message_may_be_posted(client: httpx.AsyncClient, conversation: str) -> None:
    chunks = await post(client, {"id": conversation, "message": said("hello")})
    assert told(chunks).startswith("Hello!")


async def test_an_answer_is_made_anew(client: httpx.AsyncClient, conversation: str) -> None:
    await post(client, request(conversation, "hello"))
    first = await messages(client, conversation)
    body = request(conversation, "hello", trigger="regenerate-message", messageId=first[1]["id"])
    await post(client, body)
    second = await messages(client, conversation)
    assert second[0] == first[0]
    assert second[1]["id"] != first[1]["id"]
    await post(client, {"id": conversation, "messages": [], "trigger": "regenerate-message"})
    assert len(await messages(client, conversation)) == 2


async def test_a_turn_goes_on_without_its_reader_and_can_be_joined(
    client: httpx.AsyncClient, conversation: str
) -> None:
    url = f"/api/chat/{conversation}/stream"
    assert (await client.get(url)).status_code == 204
    body = request(conversation, "Draw a lighthouse, 1024x1024")
    async with client.stream("POST", "/api/chat", json=body) as answer:
        async for line in answer.aiter_lines():
            if "data-media" in line:
                break
    joined = await client.get(url)
    assert joined.status_code == 200
    assert joined.headers["x-vercel-ai-ui-message-stream"] == "v1"
    chunks = chunks_of(joined.text)
    assert [one["type"] for one in chunks[:2]] == ["data-turn", "start"]
    assert media(chunks)[-1]["state"] == "ready"
    after = await client.get(url)
    assert (after.status_code, after.content) == (204, b"")


async def test_a_turn_is_stopped_by_its_own_request(
    client: httpx.AsyncClient, conversation: str
) -> None:
    url = f"/api/chat/{conversation}/stream"
    assert (await client.delete(url)).status_code == 204
    body = request(conversation, "Draw a lighthouse, 2048x2048")
    text = ""
    async with client.stream("POST", "/api/chat", json=body) as answer:
        async for piece in answer.aiter_text():
            text += piece
            if "data-media" in piece:
                assert (await client.delete(url)).status_code == 204
    chunks = chunks_of(text)
    assert chunks[-1] == {"type": "abort"}
    assert media(chunks)[-1]["error"]["code"] == "cancelled"


async def test_socket_and_http_show_the_same_turn(
    client: httpx.AsyncClient, conversation: str
) -> None:
    address = client.base_url.netloc.decode()
    async with chatting(address, conversation) as socket:
        await socket.resume()
        posted = await post(client, request(conversation, PROMPT))
        seen = await socket.until("finish")

    def sequenced(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [one for one in chunks if one.get("data", {}).get("state") != "preview"]

    assert sequenced(seen) == sequenced(posted)


async def test_an_error_in_the_middle_has_its_code_beside_it(
    client: httpx.AsyncClient, conversation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr("coatcheck_chat.streaming.turns.shown", fail)
    chunks = await post(client, request(conversation, "hello"))
    code, error, end = chunks[-3:]
    assert code == {
        "type": "data-error",
        "transient": True,
        "data": {"code": "responder_failed"},
    }
    assert error == {"type": "error", "errorText": "The model could not answer."}
    assert end["type"] == "finish"


async def test_silence_is_filled_with_comments(
    client: httpx.AsyncClient, conversation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "_IDLE_SECONDS", 0.02)
    answer = await client.post(
        "/api/chat", json=request(conversation, "Draw a lighthouse, 1024x1024")
    )
    assert "\n\n: nothing yet\n\n" in answer.text
    assert chunks_of(answer.text)[-1]["type"] == "finish"


# --- refusals ------------------------------------------------------------------------------------

VALID = "9188cc90-b172-47e9-b493-4e22175bd478"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_input"),
        (b"rubbish", 400, "invalid_input"),
        (b"\xff\xfe{}", 400, "invalid_input"),
        (b"[]", 400, "invalid_input"),
        (b"{}", 400, "invalid_input"),
        (b'{"id": 7}', 400, "invalid_input"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400, "invalid_input"),
        (json.dumps(request("not-a-uuid", "hello")), 400, "invalid_input"),
        (json.dumps({"id": VALID, "messages": []}), 400, "invalid_input"),
        (json.dumps({"id": VALID, "messages": [7]}), 400, "invalid_input"),
        (json.dumps({"id": VALID, "messages": "x"}), 400, "invalid_input"),
        (json.dumps(request(VALID, "hello", trigger="resume-stream")), 400, "invalid_input"),
        (json.dumps(request(VALID, "hello", messageId=7)), 400, "invalid_input"),
        (json.dumps(request(VALID, " ")), 400, "invalid_input"),
        (json.dumps({"id": VALID, "message": {"role": "assistant"}}), 400, "invalid_input"),
        (json.dumps({"id": VALID, "message": {"x": [0] * 5000}}), 400, "protocol_error"),
        (json.dumps(request(VALID, "x" * (MAX_TEXT + 1))), 400, "invalid_input"),
        (b'{"id":"' + VALID.encode() + b'","message":' + b"[" * 90 + b"]" * 90 + b"}", 400, None),
        (json.dumps(request(VALID, "x", trigger="regenerate-message")), 404, "not_found"),
        (b'{"messages": "' + b"x" * sse.MAX_BODY + b'"}', 400, "invalid_input"),
    ],
)
async def test_what_is_no_request_is_refused_and_leaves_nothing(
    client: httpx.AsyncClient, body: bytes | str, status: int, code: str | None
) -> None:
    answer = await client.post(
        "/api/chat", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert code in {None, answer.json()["code"]}
    assert (await client.get("/api/conversations")).json() == {"conversations": []}
    assert (await client.get(f"/api/chat/{VALID}/stream")).status_code == 204


@pytest.mark.parametrize(
    "last",
    [
        json.dumps(said("word " * 1_600_000)),
        json.dumps(said("data:image/png;base64,iVBORw0KGgo= " * 230_000)),
        "1," * 4_000_000 + "1",
        json.dumps({"role": "user", "parts": [[]] * 2_000_000}),
    ],
    ids=["words", "media", "numbers", "parts"],
)
async def test_messages_of_8_mib_are_refused_unread_and_others_are_answered(
    client: httpx.AsyncClient, conversation: str, last: str
) -> None:
    body = f'{{"id": "{conversation}", "messages": [{last}]}}'.encode()
    assert 7_000_000 < len(body) < sse.MAX_BODY
    refused: list[httpx.Response] = []

    async def refuse() -> None:
        headers = {"content-type": "application/json"}
        refused.append(await client.post("/api/chat", content=body, headers=headers))

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(refuse)
        assert (await client.get("/healthz")).status_code == 200
    assert [(one.status_code, one.json()["code"]) for one in refused] == [
        (400, "invalid_input")
    ] * 4
    assert (await client.get("/api/conversations")).json() == {"conversations": []}


async def test_a_second_message_in_the_middle_is_refused(
    client: httpx.AsyncClient, conversation: str
) -> None:
    body = request(conversation, "Draw a lighthouse, 1024x1024")
    async with client.stream("POST", "/api/chat", json=body) as answer:
        assert answer.status_code == 200
        second = await client.post("/api/chat", json=request(conversation, "and me"))
        assert (second.status_code, second.json()["code"]) == (409, "turn_in_progress")


async def test_attack_30_a_page_of_another_site_is_not_answered(
    client: httpx.AsyncClient, conversation: str
) -> None:
    for origin in ("http://evil.example", "null", ""):
        headers = {"origin": origin, "content-type": "text/plain"}  # needs no preflight
        answer = await client.post(
            "/api/chat", content=json.dumps(request(conversation, "hello")), headers=headers
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        stopped = await client.delete(f"/api/chat/{conversation}/stream", headers=headers)
        assert stopped.status_code == 403
    assert (await client.get("/api/conversations")).json() == {"conversations": []}
    own = {"origin": str(client.base_url)}
    answer = await client.post("/api/chat", json=request(conversation, "hello"), headers=own)
    assert answer.status_code == 200


async def test_posts_and_open_streams_are_limited_like_frames_and_sockets(data: Path) -> None:
    async with opened(data, chat_messages=3, chat_sockets=1) as client:
        address = client.base_url.netloc.decode()
        async with chatting(address):
            await anyio.sleep(0.1)
            refused = await client.post("/api/chat", json=request(str(uuid4()), "hello"))
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_sockets")
            assert refused.headers["retry-after"] == "1"
        await anyio.sleep(0.1)
        for _ in range(2):  # one after the other: each lets its place go
            await post(client, request(str(uuid4()), "hello"))
        refused = await client.post("/api/chat", json=request(str(uuid4()), "hello"))
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")


async def test_a_body_that_does_not_come_is_not_waited_for(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.1)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"{"
        await anyio.sleep(1)

    answer = await client.post("/api/chat", content=slowly())
    assert (answer.status_code, answer.json()["code"]) == (408, "upload_timeout")


async def test_under_access_control_nobody_speaks_who_has_not_opened_the_page(
    data: Path, conversation: str
) -> None:
    key = "a:jN3kq0Zr8vTf1xWm5yHc7uLp2sDg9aEo"
    async with opened(data, access="cookie", keys=key) as client:
        body = request(conversation, PROMPT)
        for answer in (
            await client.post("/api/chat", json=body),
            await client.get(f"/api/chat/{conversation}/stream"),
            await client.delete(f"/api/chat/{conversation}/stream"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        await client.get("/")  # names the browser
        chunks = await post(client, body)
        reference = media(chunks)[-1]["reference"]
        assert (await client.get(reference["url"])).status_code == 200
        client.cookies.clear()
        assert (await client.get(reference["url"])).status_code == 401


async def test_another_browser_cannot_follow_stop_or_continue_a_conversation(
    data: Path, conversation: str
) -> None:
    key = "a:jN3kq0Zr8vTf1xWm5yHc7uLp2sDg9aEo"
    async with opened(data, access="cookie", keys=key) as anna:
        await anna.get("/")
        address = anna.base_url.netloc.decode()
        mine = dict(anna.cookies)
        async with httpx.AsyncClient(base_url=anna.base_url) as ben:
            await ben.get("/")
            theirs = dict(ben.cookies)
            url = f"/api/chat/{conversation}/stream"
            async with (
                chatting(address, conversation, cookies=mine) as asking,
                chatting(address, conversation, cookies=theirs) as early,
            ):
                await early.resume()  # there is no such conversation yet
                await asking.ask("Draw a lighthouse, 1024x1024")
                await asking.until("data-media")
                for answer in (
                    await ben.get(url),
                    await ben.delete(url),
                    await ben.post("/api/chat", json=request(conversation, "let me in")),
                ):
                    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
                async with chatting(address, conversation, cookies=theirs) as late:
                    for frame in (
                        {"type": "stream-resume", "seq": asking.seq},
                        {"type": "stream-resume", "seq": 0},
                        {"type": "stream-cancel"},
                        {"type": "message-regenerate"},
                        {"type": "message-send", "message": said("let me in")},
                    ):
                        await late.send(**frame)
                        assert await late.refusal() == "not_found"
                assert media(await asking.until("finish"))[-1]["state"] == "ready"
                await early.send(type="unknown")
                assert await early.refusal() == "protocol_error"  # the first that it hears
