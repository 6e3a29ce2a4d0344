"""Who gets a signed URL for what a message names, on the real server in signed mode."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic_ai.models.function import FunctionModel
from starlette.responses import Response

from coatcheck.delivery.cookies import Principal, SignedCookie
from coatcheck.media_part import media_part, ready
from coatcheck.opening import open_backends
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck.signing import Keyring
from coatcheck_chat import app as composition
from coatcheck_chat.app import create_app
from coatcheck_chat.history.history import History
from coatcheck_chat.history.participant import ChatHistory
from coatcheck_chat.history.sql_log import SqlConversationLog
from coatcheck_chat.settings import Settings
from coatcheck_chat.visitors import SESSION_COOKIE
from tests.chatting import chatting
from tests.integration.test_tools_socket import Scripted, call
from tests.media import png_bytes
from tests.serving import serving

pytestmark = pytest.mark.anyio

KEYS = "b:jN3kq0Zr8vTf1xWm5yHc7uLp2sDg9aEo"
CONVERSATION, OTHER, ANNAS = (str(uuid4()) for _ in range(3))


def settings(data: Path) -> Settings:
    return Settings.model_validate({"data": data, "access": "signed", "keys": KEYS})


def cookies(visitor: str) -> dict[str, str]:
    """The cookie of a browser that the server knows as this visitor."""
    response = Response()
    session = SignedCookie(Keyring.parse(KEYS), time.time, name=SESSION_COOKIE, path="/")
    session.grant(response, Principal(visitor), secure=False)
    return {SESSION_COOKIE: response.headers["set-cookie"].split(";")[0].partition("=")[2]}


@asynccontextmanager
async def browser(address: str, visitor: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=f"http://{address}", timeout=60, cookies=cookies(visitor)
    ) as client:
        yield client


def result(reference: MediaReference) -> dict[str, Any]:
    """What a tool that made a picture returned."""
    return {"success": True, "data": {"imageReference": reference.to_stored(), "message": "Done."}}


def answer(*references: MediaReference) -> dict[str, Any]:
    """An answer that names each: in a tool's input and output, as a part of its own, by a link."""
    given = {
        "objects": [reference.to_stored() for reference in references],
        "text": " ".join(reference.uri for reference in references),
    }
    return {
        "id": "a1",
        "role": "assistant",
        "parts": [
            {"type": "tool-compare", "toolCallId": "c", "state": "output-available"}
            | {"input": given, "output": [result(reference) for reference in references]},
            *(media_part(one.id, ready(one.to_stored())) for one in references),
            {"type": "text", "text": " ".join(f"![it]({one.uri})" for one in references)},
        ],
    }


async def test_31_an_answer_gets_urls_for_media_of_its_own_conversation_alone(data: Path) -> None:
    async with open_backends(
        settings(data).store_options, participants=[ChatHistory()]
    ) as backends:
        store = backends.store
        own = await store.put(png_bytes(), owner="bert", conversation_id=CONVERSATION)
        upload = await store.put(png_bytes(), owner="bert")
        others = await store.put(png_bytes(), owner="bert", conversation_id=OTHER)
        annas = await store.put(png_bytes(), owner="anna", conversation_id=ANNAS)
        annas_upload = await store.put(png_bytes(), owner="anna")
        misplaced = await store.put(png_bytes(), owner="anna", conversation_id=CONVERSATION)
        history = History(SqlConversationLog(backends.store), store, MediaUrls())
        # A user may hand in what is theirs, whichever conversation it was made in.
        handed = media_part("m", ready(others.to_stored()))
        question = {"id": "u1", "role": "user", "parts": [handed]}
        await history.append_or_edit(
            CONVERSATION, await history.accept(question, owner="bert"), owner="bert"
        )
        told = answer(own, upload, others, annas, annas_upload, misplaced)
        await history.append(CONVERSATION, told)
    async with serving(create_app(settings(data))) as address, browser(address, "bert") as client:
        page = await client.get(f"/api/conversations/{CONVERSATION}/messages")
        asked, shown = page.json()["messages"]
        assert (await client.get(asked["parts"][0]["data"]["reference"]["url"])).status_code == 200
        tool, *parts, text = shown["parts"]
        assert tool["input"] == told["parts"][0]["input"]
        for index, reference in enumerate((own, upload)):
            minted = [
                parts[index]["data"]["reference"]["url"],
                tool["output"][index]["data"]["fullImageUrl"],
                *links_to(reference, text["text"]),
            ]
            assert len(minted) == 3
            for url in minted:
                assert (await client.get(url)).status_code == 200
        for reference in (others, annas, annas_upload, misplaced):
            assert f"/{reference.id}" not in json.dumps(shown).replace(reference.uri, "")
        assert tool["output"][2:] == told["parts"][0]["output"][2:]
        assert [one["data"]["reference"] for one in parts[2:]] == [
            one.to_stored() for one in (others, annas, annas_upload, misplaced)
        ]


def links_to(reference: MediaReference, text: str) -> list[str]:
    """The URL in Markdown that leads to this media."""
    urls = [piece.rstrip(")") for piece in text.split("](")[1:]]
    return [url.split(")")[0] for url in urls if url.startswith(f"/api/media/image/{reference.id}")]


async def test_31_a_model_that_names_anothers_picture_gets_its_reader_no_url(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bert has the model name a picture of Anna's wherever a model can name one."""
    script = Scripted()
    monkeypatch.setattr(
        composition, "load_model", lambda _name: FunctionModel(stream_function=script.stream)
    )
    async with (
        serving(create_app(settings(data))) as address,
        browser(address, "anna") as anna,
        browser(address, "bert") as bert,
        chatting(address, CONVERSATION, cookies=cookies("bert")) as chat,
    ):
        uploaded = await anna.post("/api/media/upload", content=png_bytes(96, 96))
        secret = {name: uploaded.json()[name] for name in ("id", "uri", "type", "version")} | {
            name: uploaded.json()[name] for name in ("mimeType", "size", "digest")
        }
        script.answers = [
            call("edit_image", id=secret["id"], edits=[secret, {"imageReference": secret}]),
            f"![it]({secret['uri']}) {json.dumps(secret)}",
        ]
        chunks = await chat.turn(f"Call edit_image with {json.dumps(secret)} and link to it.")
        assert [one for one in chunks if one["type"] == "tool-input-available"]
        page = await bert.get(f"/api/conversations/{CONVERSATION}/messages")
        assert page.json()["messages"][1]["parts"][1]["input"]["edits"][0] == secret
        for read in ("\n".join(chat.frames), page.text):
            assert secret["id"] in read
            assert f"/image/{secret['id']}" not in read
            assert "signature=" not in read
        assert (await bert.get(f"/api/media/image/{secret['id']}")).status_code == 403
        # And over server-sent events.
        script.answers = [call("edit_image", id="x", edits=[secret]), secret["uri"]]
        words = {"id": "u2", "role": "user", "parts": [{"type": "text", "text": "Again."}]}
        streamed = await bert.post("/api/chat", json={"id": CONVERSATION, "message": words})
        assert secret["id"] in streamed.text
        assert "signature=" not in streamed.text
