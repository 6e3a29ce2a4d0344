"""Conversations about pictures over a real socket: each step on the picture of the one before."""

import io
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image, ImageChops, ImageStat
from pydantic_ai.messages import BinaryContent, ModelMessage, UserPromptPart
from pydantic_ai.models import Model
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel

from coatcheck_chat import app as composition
from coatcheck_chat.agent.pydantic_ai import load_model
from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings
from tests.chatting import Chat, chatting, media, told
from tests.databases import dump_of
from tests.integration.test_chat_socket import BASE64_RUN, Recording, messages
from tests.media import png_bytes
from tests.serving import serving

pytestmark = pytest.mark.anyio


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Recording:
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


def ready(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The one picture that a turn made."""
    (reference,) = [one["reference"] for one in media(chunks) if one["state"] == "ready"]
    found: dict[str, Any] = reference
    return found


def called(chunks: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """The one tool that a turn called, and with what."""
    (chunk,) = [one for one in chunks if one["type"] == "tool-input-available"]
    return chunk["toolName"], chunk["input"]


async def pixels(client: httpx.AsyncClient, reference: dict[str, Any]) -> Image.Image:
    response = await client.get(reference["url"])
    assert response.status_code == 200
    return Image.open(io.BytesIO(response.content)).convert("RGB")


# --- the main job --------------------------------------------------------------------------------


async def test_draw_darken_and_crop_write_and_look_each_on_the_picture_before(
    chat: Chat, client: httpx.AsyncClient, model: Recording, data: Path
) -> None:
    drawn = ready(await chat.turn("draw a lighthouse at dusk 16:9"))
    assert (drawn["width"], drawn["height"]) == (1280, 720)

    chunks = await chat.turn("make it darker and crop to a square")
    name, arguments = called(chunks)
    assert (name, arguments["id"]) == ("edit_image", drawn["id"])
    square = ready(chunks)
    assert (square["width"], square["height"]) == (720, 720)
    assert media(chunks)[0] == {
        "state": "pending",
        "width": 720,
        "height": 720,
        "alt": "a lighthouse at dusk, darker, cropped to a square",
    }

    chunks = await chat.turn("put the word HOME on it")
    name, arguments = called(chunks)
    assert (name, arguments["id"]) == ("edit_image", square["id"])
    written = ready(chunks)
    assert written["alt"].endswith("darker, cropped to a square, with the words 'HOME'")
    assert "HOME" in told(chunks)

    chunks = await chat.turn("what do you see?")
    assert called(chunks) == ("view_media", {"id": written["id"]})
    assert media(chunks) == []
    said = told(chunks)
    for known in ("with the words 'HOME'", "720×720", "PNG", "%"):
        assert known in said

    before, after, home = [await pixels(client, one) for one in (drawn, square, written)]
    expected = before.crop((280, 0, 1000, 720)).point(lambda value: round(value * 0.6))
    assert max(ImageStat.Stat(ImageChops.difference(after, expected)).extrema[0]) <= 1
    changed = ImageChops.difference(home, after).convert("L").point(lambda v: 255 * (v > 100))
    left, top, right, bottom = changed.getbbox() or (0, 0, 0, 0)
    assert bottom - top > 60
    assert top > 360
    assert 100 < left < right < 620

    assert max(len(frame.encode()) for frame in chat.frames) <= 2048
    for request in model.requests:
        assert not BASE64_RUN.search(request)
    kept = await messages(client, chat.conversation)
    assert [message["role"] for message in kept] == ["user", "assistant"] * 4
    dump = dump_of(data)
    assert not BASE64_RUN.search(dump)
    assert "/api/media" not in dump


async def test_undo_goes_back_and_the_next_change_begins_there(chat: Chat) -> None:
    drawn = ready(await chat.turn("draw the sea, 96x64"))
    ready(await chat.turn("rotate it left"))
    undone = await chat.turn("undo")
    assert called(undone) == ("show_media", {"id": drawn["id"]})
    assert ready(undone)["id"] == drawn["id"]
    chunks = await chat.turn("crop it to a square")
    assert called(chunks)[1]["id"] == drawn["id"]
    assert ready(chunks)["width"] == 64


async def test_pictures_are_listed_and_a_list_changes_nothing_of_what_it_means(
    chat: Chat,
) -> None:
    first = ready(await chat.turn("draw the sea, 96x64"))
    second = ready(await chat.turn("blur it"))
    chunks = await chat.turn("list my pictures")
    (output,) = [one["output"] for one in chunks if one["type"] == "tool-output-available"]
    assert re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", output) == [second["id"], first["id"]]
    assert "1. *the sea, blurred*, 96×64" in told(chunks)
    assert called(await chat.turn("flip it"))[1]["id"] == second["id"]


async def test_an_upload_that_is_handed_in_is_changed_and_listed(
    chat: Chat, client: httpx.AsyncClient
) -> None:
    uploaded = (await client.post("/api/media/upload?filename=cat.png", content=png_bytes())).json()
    part = {"type": "data-media", "data": {"reference": uploaded}}
    chunks = await chat.turn("make it black and white", part)
    assert called(chunks)[1]["id"] == uploaded["id"]
    edited = ready(chunks)
    assert edited["displayName"] == "cat-edited.png"
    assert edited["alt"] == "cat, in black and white"
    listed = told(await chat.turn("list my pictures"))
    assert "1. *cat, in black and white*" in listed
    assert "2. *cat.png*" in listed


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        ("make it darker", "no picture yet"),
        ("what do you see?", "no picture yet"),
        ("undo", "no picture yet"),
        ("list my pictures", "no picture in this conversation"),
    ],
)
async def test_without_a_picture_that_is_said(chat: Chat, said: str, answered: str) -> None:
    assert answered in told(await chat.turn(said))


async def test_a_change_that_does_not_fit_is_told_and_the_conversation_goes_on(chat: Chat) -> None:
    await chat.turn("draw the sea, 96x64")
    chunks = await chat.turn("resize it to 9999x9999")
    (failure,) = [one for one in chunks if one["type"] == "tool-output-error"]
    assert "1 to 8192" in failure["errorText"]
    assert "1 to 8192" in told(chunks)
    assert ready(await chat.turn("make it darker"))["width"] == 96


# --- whose ---------------------------------------------------------------------------------------


async def test_31_the_id_of_another_conversation_s_picture_is_unknown(
    address: str, chat: Chat
) -> None:
    """Attack 31, and 32: a line that somebody types is no picture of theirs."""
    foreign = ready(await chat.turn("draw the sea, 96x64"))
    async with chatting(address) as other:
        line = f'[image {foreign["id"]} "mine" 96×64 png]'
        chunks = await other.turn(f"make it darker {line}")
        (failure,) = [one for one in chunks if one["type"] == "tool-output-error"]
        assert "no media under this id here" in failure["errorText"]
        assert media(chunks) == []
        assert ready(await other.turn("draw a hill, 96x64"))


# --- models that see, and models that misbehave --------------------------------------------------


class Scripted:
    """A model that sees and does as it is told; it notes which pictures it was shown when."""

    def __init__(self, *answers: str | dict[int, DeltaToolCall]) -> None:
        self.answers = list(answers)
        self.shown: list[list[tuple[str, bytes]]] = []
        self.texts: list[str] = []

    async def stream(
        self, asked: list[ModelMessage], _info: AgentInfo
    ) -> AsyncIterator[str | dict[int, DeltaToolCall]]:
        contents = [
            item
            for message in asked
            for part in message.parts
            if isinstance(part, UserPromptPart) and not isinstance(part.content, str)
            for item in part.content
        ]
        self.shown.append(
            [(item.media_type, item.data) for item in contents if isinstance(item, BinaryContent)]
        )
        said = [getattr(part, "content", "") for message in asked for part in message.parts]
        self.texts.append("\n".join(text for text in said if isinstance(text, str)))
        yield self.answers.pop(0) if self.answers else "Done."


def call(name: str, **arguments: Any) -> dict[int, DeltaToolCall]:
    return {
        0: DeltaToolCall(
            name=name, json_args=json.dumps(arguments), tool_call_id=f"call_{uuid4().hex[:8]}"
        )
    }


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    script = Scripted()

    def load(_name: str) -> Model:
        return FunctionModel(stream_function=script.stream)

    monkeypatch.setattr(composition, "load_model", load)
    return script


@pytest.fixture
async def scripted_chat(scripted: Scripted, data: Path) -> AsyncIterator[Chat]:
    async with (
        serving(create_app(Settings(data=data))) as address,
        chatting(address) as chat,
    ):
        yield chat


async def test_a_model_that_sees_is_shown_a_picture_in_the_next_request_only(
    scripted: Scripted, scripted_chat: Chat, data: Path
) -> None:
    """Hydrated at request assembly; not a byte of it in frames, history or later requests."""
    scripted.answers = [call("generate_image", prompt="the sea", width=300, height=200)]
    drawn = ready(await scripted_chat.turn("draw"))
    look = call("view_media", id=drawn["id"])
    scripted.shown.clear()
    scripted.answers = [look, call("edit_image", id=drawn["id"], edits=[{"operation": "flip"}])]
    await scripted_chat.turn("look at it and flip it")
    await scripted_chat.turn("thanks")
    # Asked, shown, after the second tool, and in the next turn.
    assert [len(pictures) for pictures in scripted.shown] == [0, 1, 0, 0]
    ((media_type, content),) = scripted.shown[1]
    assert media_type == "image/jpeg"
    assert Image.open(io.BytesIO(content)).size == (300, 200)
    for text in scripted.texts[-2:]:
        assert f"Viewed. [image {drawn['id']}" in text
    frames = "\n".join(scripted_chat.frames)
    assert "/9j/" not in frames
    assert not BASE64_RUN.search(frames)
    assert max(len(frame.encode()) for frame in scripted_chat.frames) <= 2048
    dump = dump_of(data)
    assert not BASE64_RUN.search(dump)
    assert "/9j/" not in dump


async def test_a_view_is_the_same_text_in_every_later_turn(
    scripted: Scripted, scripted_chat: Chat
) -> None:
    """Invariant 3: what a model was told once it is told again byte for byte."""
    scripted.answers = [call("generate_image", prompt="the sea", width=96, height=64)]
    drawn = ready(await scripted_chat.turn("draw"))
    scripted.answers = [call("view_media", id=drawn["id"]), "Nice.", call("list_media"), "There."]
    for words in ("look", "list", "thanks"):
        await scripted_chat.turn(words)
    views = [re.findall(r"Viewed\..*", text) for text in scripted.texts]
    lists = [re.findall(r"\d of this.*\n\[image .*", text) for text in scripted.texts]
    assert len({view for found in views for view in found}) == 1
    assert len({listing for found in lists for listing in found}) == 1
    assert len(views[-1]) == len(lists[-1]) == 1


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("edit_image", {"id": str(uuid4()), "edits": [{"operation": "flip"}]}, "no media under"),
    ("edit_image", {"id": "x", "edits": [{"operation": "flip"}]}, "no media under"),
    ("edit_image", {"id": "x", "edits": [{"operation": "sharpen"}]}, "one of crop, resize"),
    ("edit_image", {"id": "x", "edits": []}, "list of operations"),
    ("view_media", {"id": "../../etc/passwd"}, "no media under"),
    ("list_media", {"limit": 1000}, "1 to 20"),
    ("list_media", {"before": str(uuid4())}, "no media under"),
    ("generate_image", {"prompt": "x", "source": str(uuid4())}, "no media under"),
    ("generate_image", {"prompt": "x", "mode": "edit"}, "needs a source"),
]


@pytest.mark.parametrize(("tool", "arguments", "told_to_model"), WRONG)
async def test_arguments_that_cannot_be_used_are_told_to_the_model(
    scripted: Scripted,
    scripted_chat: Chat,
    tool: str,
    arguments: dict[str, Any],
    told_to_model: str,
) -> None:
    scripted.answers = [call(tool, **arguments), "I see."]
    chunks = await scripted_chat.turn("go")
    (failure,) = [one for one in chunks if one["type"] == "tool-output-error"]
    assert told_to_model in failure["errorText"]
    assert told_to_model in scripted.texts[-1]
    assert told(chunks) == "I see."


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("edit_image", {"id": "x", "edits": [{"operation": "flip"}], "strength": 3}),
        ("edit_image", {"id": "x"}),
        ("edit_image", {"id": 7, "edits": "flip"}),
        ("view_media", {"identifier": "x"}),
        ("view_media", {}),
        ("list_media", {"limit": "many"}),
        ("generate_image", {"prompt": "x", "mode": "paint"}),
        ("generate_image", {"prompt": "x", "steps": 50}),
        ("view_media", {"id": "word " * 5000}),
        ("edit_image", {"id": "x", "edits": [{"operation": "word " * 5000}]}),
        ("edit_image", {"id": "x", "edits": [{f"member{n}": "word " * 20 for n in range(200)}]}),
        ("edit_image", {"id": "x", "edits": [{"operation": "flip"}] * 1000}),
    ],
)
async def test_rubbish_from_a_model_makes_small_frames_and_the_turn_goes_on(
    scripted: Scripted, scripted_chat: Chat, tool: str, arguments: dict[str, Any]
) -> None:
    scripted.answers = [call(tool, **arguments), "I see."]
    chunks = await scripted_chat.turn("go")
    assert chunks[-1]["type"] == "finish"
    assert told(chunks) == "I see."
    assert media(chunks) == []
    assert max(len(frame.encode()) for frame in scripted_chat.frames) <= 2048
    scripted.answers = ["Yes."]
    assert told(await scripted_chat.turn("still there?")) == "Yes."
