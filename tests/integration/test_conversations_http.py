"""Conversations over HTTP: paged, searched, renamed, deleted and taken back, exported."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from coatcheck.media_part import media_part, ready
from coatcheck.opening import open_backends
from coatcheck.options import StoreOptions
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck_chat.app import create_app
from coatcheck_chat.history.history import History
from coatcheck_chat.history.participant import ChatHistory
from coatcheck_chat.history.sql_log import SqlConversationLog
from coatcheck_chat.settings import Settings
from tests.media import png_bytes
from tests.seeding import seed_data
from tests.serving import serving

pytestmark = pytest.mark.anyio

API = "/api/conversations"
UNKNOWN = "0f8fad5b-d9cb-469f-a165-70867728950e"


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def shown(reference: MediaReference) -> dict[str, Any]:
    return media_part(reference.id, ready(reference.to_stored()))


class Teller:
    """Writes conversations before the server starts."""

    def __init__(self, history: History) -> None:
        self.history = history

    async def say(self, *parts: dict[str, Any], conversation: str | None = None) -> str:
        identifier = conversation or str(uuid4())
        message = {"id": str(uuid4()), "role": "user", "parts": list(parts)}
        await self.history.append_or_edit(identifier, message, owner=None)
        return identifier


@asynccontextmanager
async def telling(data: Path) -> AsyncIterator[tuple[Teller, Any]]:
    async with open_backends(StoreOptions(data=data), participants=[ChatHistory()]) as backends:
        history = History(SqlConversationLog(backends.store), backends.store, MediaUrls())
        yield Teller(history), backends.store


@asynccontextmanager
async def client_of(data: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(create_app(Settings(data=data))) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=60) as client,
    ):
        yield client


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, max-age=0"
    return [one["id"] for one in answer.json()["conversations"]]


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["code"] == code
    assert answer.json()["detail"]


async def test_the_list_and_what_is_found_in_it_come_in_pages(data: Path) -> None:
    async with telling(data) as (teller, _):
        made = [await teller.say(text(f"draw lamp {number}")) for number in range(7)]
        await teller.say(text("something else"))
    async with client_of(data) as client:
        whole = await client.get(API)
        assert ids(whole)[1:] == made[::-1]
        assert "before" not in whole.json()
        for query in ({}, {"q": "LAMP draw"}):
            seen: list[str] = []
            page: dict[str, Any] = {"before": None}
            while "before" in page:
                place = {"before": page["before"]} if page["before"] else {}
                answer = await client.get(API, params={"limit": 3, **query, **place})
                seen += ids(answer)
                page = answer.json()
            assert seen == ids(whole)[len(query) :]
        found = (await client.get(API, params={"q": "lamp 3"})).json()["conversations"]
        assert [one["title"] for one in found] == ["draw lamp 3"]
        pieces = found[0]["match"]["snippet"]
        assert "".join(piece["text"] for piece in pieces) == "draw lamp 3"
        assert [piece["text"] for piece in pieces if piece.get("match")] == ["lamp", "3"]
        messages = (await client.get(f"{API}/{made[3]}/messages")).json()["messages"]
        assert found[0]["match"]["messageId"] == messages[0]["id"]
        assert ids(await client.get(API, params={"q": "nowhere to be found"})) == []


async def test_the_last_page_of_a_conversation_comes_first_and_leads_to_the_others(
    data: Path,
) -> None:
    async with telling(data) as (teller, _):
        conversation = await teller.say(text("0"))
        for number in range(1, 12):
            await teller.say(text(str(number)), conversation=conversation)
    async with client_of(data) as client:
        url = f"{API}/{conversation}/messages"
        words: list[str] = []
        parameters: dict[str, Any] = {"limit": 5}
        sizes = []
        while True:
            answer = await client.get(url, params=parameters)
            page = answer.json()
            words = [message["parts"][0]["text"] for message in page["messages"]] + words
            sizes.append(len(page["messages"]))
            if "before" not in page:
                break
            parameters["before"] = page["before"]
        assert words == [str(number) for number in range(12)]
        assert sizes == [5, 5, 2]
        assert len((await client.get(url)).json()["messages"]) == 12


async def test_opening_a_conversation_of_2000_messages_and_300_images_costs_what_a_short_one_does(
    data: Path,
) -> None:
    made = {"short": str(uuid4()), "long": str(uuid4())}
    async with telling(data) as (_, store):
        pictures = [await store.put(png_bytes(16, 16, seed=number)) for number in range(20)]
    for name, count in (("short", 60), ("long", 2000)):
        said = [
            {
                "id": f"m{number}",
                "role": "user",
                "parts": [
                    text(f"message number {number % 60:04}"),
                    *([shown(pictures[number % 20])] if number % 20 < 3 else []),
                ],
            }
            for number in range(count)
        ]
        await seed_data(data, made[name], said)
    async with client_of(data) as client:
        answers = {
            name: await client.get(f"{API}/{conversation}/messages")
            for name, conversation in made.items()
        }
        pages = {name: answer.json() for name, answer in answers.items()}
        assert [len(page["messages"]) for page in pages.values()] == [50, 50]
        assert all("before" in page for page in pages.values())
        assert len(answers["long"].content) <= 1.1 * len(answers["short"].content)
        assert len(answers["long"].content) < 64 * 1024


async def test_a_conversation_is_renamed_in_its_place(data: Path) -> None:
    async with telling(data) as (teller, _):
        first, second = [await teller.say(text(words)) for words in ("first", "second")]
    async with client_of(data) as client:
        answer = await client.patch(f"{API}/{first}", json={"title": " My\nlamps "})
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json()["title"] == "My lamps"
        assert ids(await client.get(API)) == [second, first]
        listed = (await client.get(API)).json()["conversations"]
        assert answer.json() == listed[1] == (await client.get(f"{API}/{first}")).json()
        assert_problem(await client.get(f"{API}/{UNKNOWN}"), 404, "not_found")
        for body in (b"", b"{}", b"[]", b'{"title": 7}', b"{", b'"x"', b'{"title": ""}'):
            assert_problem(await client.patch(f"{API}/{first}", content=body), 400, "invalid_input")
        deep = b"[" * 100_000
        assert_problem(await client.patch(f"{API}/{first}", content=deep), 400, "invalid_input")
        large = json.dumps({"title": "x" * 20_000}).encode()
        assert_problem(await client.patch(f"{API}/{first}", content=large), 400, "invalid_input")
        unknown = await client.patch(f"{API}/{UNKNOWN}", json={"title": "x"})
        assert_problem(unknown, 404, "not_found")


async def test_a_deleted_conversation_is_gone_until_it_is_restored(data: Path) -> None:
    async with telling(data) as (teller, store):
        picture = await store.put(png_bytes())
        conversation = await teller.say(text("draw a lamp"), shown(picture))
    async with client_of(data) as client:
        url = f"{API}/{conversation}"
        deleted = await client.delete(url)
        assert deleted.status_code == 200
        assert deleted.headers["cache-control"] == "no-store"
        until = datetime.fromisoformat(deleted.json()["restorableUntil"])
        assert timedelta(minutes=9) < until - datetime.now(UTC) <= timedelta(minutes=10)
        assert (await client.delete(url)).json() == deleted.json()
        assert ids(await client.get(API)) == []
        assert ids(await client.get(API, params={"q": "lamp"})) == []
        for path in ("", "/messages", "/export"):
            assert_problem(await client.get(url + path), 404, "not_found")
        assert_problem(await client.patch(url, json={"title": "x"}), 404, "not_found")
        restored = await client.post(f"{url}/restore")
        assert restored.status_code == 200
        assert restored.json()["title"] == "draw a lamp"
        assert (await client.post(f"{url}/restore")).json() == restored.json()
        assert ids(await client.get(API)) == [conversation]
        assert (await client.get(f"/api/media/image/{picture.id}")).status_code == 200
        for method, path in (("DELETE", ""), ("POST", "/restore")):
            unknown = await client.request(method, f"{API}/{UNKNOWN}{path}")
            assert_problem(unknown, 404, "not_found")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=many",
        "limit=",
        "before=somewhere",
        "q=" + "x" * 201,
    ],
)
async def test_a_parameter_that_cannot_be_used_is_named(data: Path, query: str) -> None:
    async with client_of(data) as client:
        answer = await client.get(f"{API}?{query}")
        assert_problem(answer, 400, "invalid_input")
        if not query.startswith("q="):
            assert query.partition("=")[0] in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    ["messages?before=0", "messages?before=x", "messages?limit=-1", "export?format=pdf"],
)
async def test_so_is_one_of_a_conversation(data: Path, path: str) -> None:
    async with telling(data) as (teller, _):
        conversation = await teller.say(text("hello"))
    async with client_of(data) as client:
        assert_problem(await client.get(f"{API}/{conversation}/{path}"), 400, "invalid_input")


async def test_a_conversation_is_saved_as_html_and_as_json_lines(data: Path) -> None:
    async with telling(data) as (teller, store):
        picture = await store.put(png_bytes(), alt="a lamp")
        conversation = await teller.say(text("Zeichne ein Öllämpchen / bitte"), shown(picture))
    async with client_of(data) as client:
        url = f"{API}/{conversation}/export"
        page = await client.get(url)
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["content-disposition"] == (
            "attachment; filename*=UTF-8''Zeichne%20ein%20%C3%96ll%C3%A4mpchen%20%2F%20bitte.html"
        )
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert page.headers["transfer-encoding"] == "chunked"
        assert "Öllämpchen" in page.text
        assert 'src="data:image/png;base64,iVBOR' in page.text
        assert not re.search(r"https?://|/api/", page.text)
        lines = await client.get(url, params={"format": "jsonl"})
        assert lines.headers["content-type"] == "application/jsonl"
        (message,) = [json.loads(line) for line in lines.text.splitlines()]
        assert message["parts"] == [text("Zeichne ein Öllämpchen / bitte"), shown(picture)]
        assert_problem(await client.get(f"{API}/{UNKNOWN}/export"), 404, "not_found")
