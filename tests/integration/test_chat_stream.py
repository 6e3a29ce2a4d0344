"""Streams over real sockets: resumption, several tabs, previews, slow readers, limits."""

import io
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import anyio.lowlevel
import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from coatcheck.delivery.limits import ClientLimits
from coatcheck.delivery.previews import PreviewStore
from coatcheck.media_part import media_part, pending, preview, ready
from coatcheck.opening import Backends
from coatcheck.ports import RenderedImage
from coatcheck.reference import MediaUrls
from coatcheck_chat.app import create_app
from coatcheck_chat.history.history import History
from coatcheck_chat.history.sql_log import SqlConversationLog
from coatcheck_chat.providers import registry as imagery
from coatcheck_chat.providers.image import Draft, ImageRequest
from coatcheck_chat.providers.procedural import ProceduralProvider
from coatcheck_chat.settings import Settings
from coatcheck_chat.streaming.frames import SUBPROTOCOL, FrameKind
from coatcheck_chat.streaming.socket import ChatSocket
from coatcheck_chat.streaming.streams import Streams
from coatcheck_chat.streaming.turns import Turns
from tests.chatting import Chat, chatting, media, told
from tests.media import png_bytes
from tests.serving import serving

pytestmark = pytest.mark.anyio

PROMPT = "Draw a lighthouse at dusk, 96x64, seed 7"
PLAIN, BINARY = ["coatcheck.v1"], [SUBPROTOCOL, "coatcheck.v1"]


@pytest.fixture
async def address(data: Path) -> AsyncIterator[str]:
    async with serving(create_app(Settings(data=data))) as served:
        yield served


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as opened:
        yield opened


async def read(client: httpx.AsyncClient, conversation: str) -> dict[str, Any]:
    answer = await client.get(f"/api/conversations/{conversation}/messages")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def texts(messages: Sequence[dict[str, Any]]) -> list[str]:
    return ["".join(part.get("text", "") for part in one["parts"]) for one in messages]


# --- resumption ----------------------------------------------------------------------------------


async def test_fault_24_a_client_that_lost_its_socket_goes_on_where_it_was(address: str) -> None:
    async with chatting(address) as first:
        await first.resume()
        await first.ask(PROMPT)
        seen = await first.until("data-media")
    assert first.seq is not None
    async with chatting(address, first.conversation) as second:
        resumed = await second.resume(first.seq)
        assert resumed["seq"] == first.seq
        rest = await second.until("finish")
    async with chatting(address, first.conversation) as other:
        await other.resume()  # nothing is under way
        whole = await other.turn("hello")
    assert [one["type"] for one in seen[:2]] == ["data-turn", "start"]
    assert media([*seen, *rest])[-1]["state"] == "ready"
    assert whole[0]["type"] == "start"


async def test_a_client_comes_back_after_the_end_and_has_all_of_it_once(
    address: str, client: httpx.AsyncClient
) -> None:
    async with chatting(address) as watching, chatting(address, watching.conversation) as leaving:
        await watching.resume()
        await leaving.resume()
        await watching.ask(PROMPT)
        whole = await watching.until("finish")
        assert leaving.seq is not None
        position = leaving.seq
    async with chatting(address, watching.conversation) as back:
        assert (await back.resume(position))["running"] is False
        # With the message, which did not come back on the socket that sent it.
        turn, *answer = sequenced(await back.until("finish"))
        assert turn["data"]["message"]["parts"] == [{"type": "text", "text": PROMPT}]
        assert answer == sequenced(whole)[1:]
        assert watching.seq is not None
        # What the history was read with leads on from there.
        assert (await read(client, watching.conversation))["seq"] == watching.seq
        assert (await back.resume(watching.seq))["last"] == watching.seq


def sequenced(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without previews, which are of the moment."""
    return [one for one in chunks if one.get("data", {}).get("state") != "preview"]


async def test_a_page_that_loads_in_the_middle_of_a_turn_gets_all_of_it(
    address: str, client: httpx.AsyncClient
) -> None:
    async with chatting(address) as first:
        await first.ask("Draw a lighthouse, 1024x1024")
        await first.until("data-media")
        loaded = await read(client, first.conversation)
        assert [one["role"] for one in loaded["messages"]] == ["user"]
        async with chatting(address, first.conversation) as second:
            resumed = await second.resume(loaded["seq"])
            assert resumed["running"] is True
            joined = await second.until("finish")
            rest = await first.until("finish")
    assert joined[0]["type"] == "data-turn"
    assert joined[0]["data"]["messageId"] == loaded["messages"][0]["id"]
    assert sequenced(joined)[-len(sequenced(rest)) :] == sequenced(rest)


async def test_what_is_not_held_any_more_is_said_so_and_the_socket_goes_on(address: str) -> None:
    async with chatting(address) as chat:
        for seq in (1, 2**53 - 1):
            await chat.send(type="stream-resume", seq=seq)
            assert await chat.refusal() == "stream_expired"
        await chat.resume()
        assert (await chat.turn("hello"))[-1]["type"] == "finish"


async def test_a_message_that_is_sent_twice_is_answered_once(
    address: str, client: httpx.AsyncClient
) -> None:
    message = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": PROMPT}]}
    async with chatting(address) as first, chatting(address, first.conversation) as second:
        await first.send(type="message-send", message=message)
        await second.send(type="message-send", message=message)
        chunks = [await one.until("finish") for one in (first, second)]
    assert sequenced(chunks[0]) == sequenced(chunks[1])
    assert len((await read(client, first.conversation))["messages"]) == 2


# --- several tabs, second thoughts ---------------------------------------------------------------


async def test_every_tab_sees_the_turn_and_what_it_answers(address: str) -> None:
    async with AsyncExitStack() as stack:
        conversation = str(uuid4())
        tabs = [await stack.enter_async_context(chatting(address, conversation)) for _ in range(3)]
        for tab in tabs:
            await tab.resume()
        await tabs[0].ask(PROMPT)
        seen = [sequenced(await tab.until("finish")) for tab in tabs]
        assert seen[0][1:] == seen[1][1:]
        assert seen[1] == seen[2]
        assert "message" not in seen[0][0]["data"]  # it comes from there
        question = seen[1][0]["data"]["message"]
        assert (question["role"], question["parts"][0]["text"]) == ("user", PROMPT)
        # One that does not fit into a frame is read over HTTP.
        await tabs[1].ask("word " * 1000)
        assert "message" not in (await tabs[2].chunk())["data"]
        for tab in tabs:
            await tab.until("finish")
            assert max(len(frame.encode()) for frame in tab.frames) <= 2048


async def test_any_tab_may_stop_the_answer(address: str) -> None:
    async with chatting(address) as asking, chatting(address, asking.conversation) as other:
        await other.resume()
        await asking.ask("Draw a lighthouse, 2048x2048")
        await other.until("data-media")
        await other.send(type="stream-cancel")
        for tab in (asking, other):
            assert media(await tab.until("abort"))[-1]["error"]["code"] == "cancelled"


async def test_an_edited_message_is_answered_anew_and_what_followed_is_gone(
    address: str, client: httpx.AsyncClient
) -> None:
    async with chatting(address) as chat, chatting(address, chat.conversation) as other:
        await other.resume()
        await chat.turn("hello")
        await chat.turn("thanks")
        first = (await read(client, chat.conversation))["messages"][0]
        edited = first | {"parts": [{"type": "text", "text": "thank you"}]}
        await chat.send(type="message-send", message=edited)
        await chat.until("finish")
        for _ in range(2):
            await other.until("finish")
        begun = await other.chunk()
        assert begun["data"] == {
            "trigger": "submit-message",
            "messageId": first["id"],
            "edited": True,
            "message": edited,
        }
        messages = (await read(client, chat.conversation))["messages"]
    assert texts(messages)[0] == "thank you"
    assert "glad" in texts(messages)[1]
    assert len(messages) == 2


async def test_an_answer_is_made_anew(address: str, client: httpx.AsyncClient) -> None:
    async with chatting(address) as chat:
        await chat.turn("hello")
        await chat.turn(PROMPT.replace(", seed 7", ""))
        before = (await read(client, chat.conversation))["messages"]
        await chat.send(type="message-regenerate", messageId=before[3]["id"])
        chunks = await chat.until("finish")
        assert media(chunks)[-1]["state"] == "ready"
        after = (await read(client, chat.conversation))["messages"]
        assert after[:3] == before[:3]
        assert after[3]["id"] == chunks[1]["messageId"] != before[3]["id"]
        await chat.send(type="message-regenerate", messageId="unknown")
        assert await chat.refusal() == "not_found"
        assert (await read(client, chat.conversation))["messages"] == after


async def test_a_socket_carries_one_conversation(address: str) -> None:
    async with chatting(address) as chat:
        await chat.turn("hello")
        chat.conversation = str(uuid4())
        await chat.ask("hello elsewhere")
        assert await chat.refusal() == "protocol_error"


# --- previews ------------------------------------------------------------------------------------


async def test_previews_come_under_urls_that_are_good_for_a_moment(
    address: str, client: httpx.AsyncClient
) -> None:
    async with chatting(address, protocols=PLAIN) as chat:
        assert chat.socket.subprotocol == "coatcheck.v1"
        chunks = await chat.turn("Draw a lighthouse, 16:9, seed 7")
        previews = [one["data"] for one in chunks if one.get("data", {}).get("state") == "preview"]
        assert previews
        assert [one["progress"] for one in previews] == sorted(one["progress"] for one in previews)
        answer = await client.get(previews[-1]["thumbnailUrl"])
        assert answer.headers["content-type"] == "image/webp"
        with Image.open(io.BytesIO(answer.content)) as opened:
            assert opened.size == (512, 288)
        states = [one["data"]["state"] for one in chunks if one["type"] == "data-media"]
        assert states == ["pending", *["preview"] * len(previews), "ready"]
        assert chat.pushed == []
        assert max(len(frame.encode()) for frame in chat.frames) <= 2048


async def test_previews_and_the_thumbnail_are_pushed_where_that_was_agreed(
    address: str, client: httpx.AsyncClient
) -> None:
    async with chatting(address, protocols=BINARY) as chat:
        assert chat.socket.subprotocol == SUBPROTOCOL
        chunks = await chat.turn("Draw a lighthouse, 16:9, seed 7")
    *previews, thumbnail = chat.pushed
    assert previews
    assert {one.kind for one in previews} == {FrameKind.PREVIEW}
    for one in previews:
        with Image.open(io.BytesIO(one.payload)) as opened:
            assert opened.size == (one.header.width, one.header.height)
            assert opened.width <= 512
            assert opened.width / opened.height == pytest.approx(16 / 9)
    assert thumbnail.kind is FrameKind.THUMBNAIL
    (ready,) = [one for one in chunks if one.get("data", {}).get("state") == "ready"]
    fetched = await client.get(ready["data"]["reference"]["thumbnailUrl"])
    assert fetched.content == thumbnail.payload
    assert {one.header.id for one in chat.pushed} == {ready["id"]}
    assert "/api/media/preview" not in "".join(chat.frames)


async def test_a_turn_with_a_picture_has_two_and_a_half_kilobytes_on_the_socket(
    address: str,
) -> None:
    async with chatting(address, protocols=["coatcheck.v1.binary"]) as chat:
        await chat.resume(referencesOnce=True)
        chat.frames.clear()
        chunks = await chat.turn("Draw a lighthouse at dusk", roundTrip=1)
    assert media(chunks)[-1]["state"] == "ready"
    assert sum(len(frame.encode()) for frame in chat.frames) <= 2.5 * 1024
    assert not any(frame.kind is FrameKind.THUMBNAIL for frame in chat.pushed)


async def test_a_client_that_offers_what_is_not_known_gets_neither(address: str) -> None:
    async with connect(f"ws://{address}/ws/chat") as socket:
        assert socket.subprotocol is None
    async with chatting(address, protocols=["coatcheck.v2", *PLAIN]) as chat:
        assert chat.socket.subprotocol == "coatcheck.v1"


async def test_no_preview_is_kept_anywhere(
    address: str, client: httpx.AsyncClient, data: Path
) -> None:
    async with chatting(address, protocols=BINARY) as chat:
        await chat.turn(PROMPT)
        await chat.turn(PROMPT)
    assert any(one.kind is FrameKind.PREVIEW for one in chat.pushed)
    blobs = [path.read_bytes() for path in (data / "blobs").rglob("*") if path.is_file()]
    assert len(blobs) == 2  # one picture, drawn twice, and its thumbnail
    for one in chat.pushed:
        assert (one.payload in blobs) is (one.kind is FrameKind.THUMBNAIL)
    assert "preview" not in json.dumps(await read(client, chat.conversation))


class Failing(ProceduralProvider):
    """Draws, and then has no picture."""

    async def generate(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        async for draft in super().generate(request):
            if draft.progress < 1:
                yield draft


async def test_a_picture_that_fails_after_its_previews_is_told_of(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imagery, "ProceduralProvider", Failing)
    async with serving(create_app(Settings(data=data))) as address, chatting(address) as chat:
        chunks = await chat.turn(PROMPT)
        assert media(chunks)[-1]["error"]["code"] == "generation_failed"
        assert (await chat.turn("hello"))[-1]["type"] == "finish"


# --- slow readers --------------------------------------------------------------------------------


class Idle:
    """A responder that nobody asks."""

    def respond(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError


@asynccontextmanager
async def bare_chat(
    backends: Backends, owner: str | None = None
) -> AsyncIterator[tuple[str, Streams, PreviewStore]]:
    """A chat's socket whose streams the test writes itself."""
    urls, previews = MediaUrls(), PreviewStore()
    history = History(SqlConversationLog(backends.store), backends.store, urls)
    async with (
        Turns.running(history, Idle()) as turns,
        ChatSocket(
            history, turns, backends.store, previews, urls, ClientLimits()
        ).running() as chat,
    ):

        async def endpoint(websocket: WebSocket) -> None:
            await chat.serve(websocket, owner=owner)

        app = Starlette(routes=[WebSocketRoute("/ws/chat", endpoint)])
        async with serving(app) as address:
            yield address, turns.streams, previews


async def test_a_slow_client_gets_fewer_previews_and_everything_else(backends: Backends) -> None:
    """Previews of 200 MB for a client that does not read: it gets the newest, and all chunks."""
    conversation, drafts = str(uuid4()), 1000
    async with bare_chat(backends) as (address, streams, previews):
        uri = f"ws://{address}/ws/chat"
        # No more than a frame or two is read ahead, by the client and by the system.
        async with connect(
            uri, subprotocols=[Subprotocol(BINARY[0])], max_queue=1, ping_interval=None
        ) as socket:
            chat = Chat(socket, conversation)
            await chat.resume()
            stream = streams.open(conversation)
            stream.begin_turn({"type": "data-turn", "transient": True, "data": {}})
            stream.publish(media_part("p", pending(width=8, height=6, alt="a")))
            for number in range(drafts):
                image = RenderedImage(
                    data=number.to_bytes(4) * 50_000, media_type="image/webp", width=8, height=6
                )
                preview_id = previews.put(image, owner=None, conversation_id=conversation)
                progress = number / drafts
                stream.show(media_part("p", preview(progress=progress, preview_id=preview_id)))
                if number % 10 == 0:
                    stream.publish({"type": "text-delta", "id": "t", "delta": str(number)})
                await anyio.lowlevel.checkpoint()
            await anyio.sleep(0.2)
            stream.publish({"type": "finish"})
            chunks = await chat.until("finish")
    assert told(chunks) == "".join(str(number) for number in range(0, drafts, 10))
    assert 1 <= len(chat.pushed) < drafts / 4
    numbers = [int.from_bytes(one.payload[:4]) for one in chat.pushed]
    assert numbers == sorted(set(numbers))


async def test_31_no_thumbnail_of_anothers_picture_is_pushed(backends: Backends) -> None:
    """A chunk may name any id; the bytes go to the owner alone."""
    annas = await backends.store.put(png_bytes(), owner="anna")
    berts = await backends.store.put(png_bytes(), owner="bert")
    conversation = str(uuid4())
    async with (
        bare_chat(backends, owner="bert") as (address, streams, _),
        chatting(address, conversation, protocols=BINARY) as chat,
    ):
        await chat.resume()
        stream = streams.open(conversation, "bert")
        stream.begin_turn({"type": "data-turn", "transient": True, "data": {}})
        for reference in (annas, berts):
            stream.publish(media_part(reference.id, ready(reference.to_stored())))
        stream.publish({"type": "finish"})
        await chat.until("finish")
    assert [one.header.id for one in chat.pushed] == [berts.id]


async def test_attack_30_a_client_that_never_reads_is_let_go(
    backends: Backends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coatcheck_chat.streaming.socket.WRITE_SECONDS", 0.3)
    conversation = str(uuid4())
    async with (
        bare_chat(backends) as (address, streams, _),
        connect(
            f"ws://{address}/ws/chat", max_queue=1, ping_interval=None, close_timeout=0.1
        ) as socket,
    ):
        await Chat(socket, conversation).resume()
        stream = streams.open(conversation)
        socket.transport.pause_reading()
        for _ in range(14_000):
            stream.publish({"type": "text-delta", "id": "t", "delta": "x" * 900})
        with anyio.fail_after(20):
            while stream.is_followed:  # noqa: ASYNC110 - the server has no event for it
                await anyio.sleep(0.01)
        socket.transport.abort()


async def test_a_client_that_is_gone_without_a_word_is_found_out(data: Path) -> None:
    app = create_app(Settings(data=data, chat_sockets=1))
    async with serving(app, ping_seconds=0.2) as address:
        host, _, port = address.partition(":")
        # A client that shakes hands, and then neither reads nor answers.
        stream = await anyio.connect_tcp(host, int(port))  # noqa: TID251 - a test's own
        async with stream:
            await stream.send(
                f"GET /ws/chat HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            )
            assert (await stream.receive()).startswith(b"HTTP/1.1 101")
            with anyio.fail_after(20):
                while True:  # until the one socket that there is room for is free again
                    async with chatting(address) as chat:
                        with suppress(ConnectionClosed):
                            await chat.send(type="stream-resume", seq=0)
                            if (await chat.chunk())["type"] == "data-resumed":
                                return


# --- limits --------------------------------------------------------------------------------------


async def test_sockets_are_limited_for_each_principal(data: Path) -> None:
    settings = Settings(data=data, chat_sockets=2)
    async with serving(create_app(settings)) as address:
        async with chatting(address), chatting(address), chatting(address) as third:
            error = await third.chunk()
            assert (error["type"], error["code"]) == ("error", "too_many_sockets")
            with pytest.raises(ConnectionClosed) as closed:
                await third.chunk()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1013
        async with chatting(address) as again:
            assert (await again.turn("hello"))[-1]["type"] == "finish"


async def test_frames_are_limited_for_each_principal(data: Path) -> None:
    settings = Settings(data=data, chat_messages=3)
    async with serving(create_app(settings)) as address, chatting(address) as chat:
        for _ in range(3):
            await chat.turn("hello")
        await chat.ask("hello")
        assert await chat.refusal() == "rate_limited"
        async with chatting(address) as other:  # a new socket is no way around it
            await other.ask("hello")
            assert await other.refusal() == "rate_limited"


# --- the server's end ----------------------------------------------------------------------------


async def test_fault_23_a_chat_that_ends_tells_its_clients_to_come_back(
    backends: Backends,
) -> None:
    urls = MediaUrls()
    history = History(SqlConversationLog(backends.store), backends.store, urls)
    async with Turns.running(history, Idle()) as turns, AsyncExitStack() as stack:
        chat = ChatSocket(history, turns, backends.store, PreviewStore(), urls, ClientLimits())
        running = await stack.enter_async_context(chat.running())

        async def endpoint(websocket: WebSocket) -> None:
            await running.serve(websocket)

        app = Starlette(routes=[WebSocketRoute("/ws/chat", endpoint)])
        async with serving(app) as address, connect(f"ws://{address}/ws/chat") as socket:
            await Chat(socket, str(uuid4())).resume()
            await stack.aclose()
            with pytest.raises(ConnectionClosed) as closed, anyio.fail_after(5):
                await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        assert closed.value.rcvd.reason == "The server restarts."
