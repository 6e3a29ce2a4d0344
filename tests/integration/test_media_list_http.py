"""The list of all media over HTTP: paged, each visitor's own, without what is deleted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from coatcheck.delivery import media_app, media_list
from coatcheck.delivery.access import OpenAccess, PrincipalAccess
from coatcheck.delivery.cookies import Principal
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck.store import MediaStore
from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings
from tests.media import png_bytes
from tests.serving import serving

UNKNOWN = "9188cc90-b172-47e9-b493-4e22175bd478"

pytestmark = pytest.mark.anyio

API = "/api/media"
KEYS = "b:jN3kq0Zr8vTf1xWm5yHc7uLp2sDg9aEo"


@asynccontextmanager
async def visitors(data: Path, access: str, count: int) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Browsers that have not opened the page yet."""
    settings = Settings.model_validate({"data": data, "access": access, "keys": KEYS})
    async with serving(create_app(settings)) as address:
        clients = [
            httpx.AsyncClient(base_url=f"http://{address}", timeout=30) for _ in range(count)
        ]
        try:
            yield clients
        finally:
            for client in clients:
                await client.aclose()


async def upload(client: httpx.AsyncClient, edge: int = 32) -> dict[str, Any]:
    answer = await client.post(f"{API}/upload", content=png_bytes(edge, edge))
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def listed(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "private, max-age=0"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server-timing" in answer.headers
    assert "set-cookie" not in answer.headers
    media: list[dict[str, Any]] = answer.json()["media"]
    return media


def ids(answer: httpx.Response) -> list[str]:
    return [one["reference"]["id"] for one in listed(answer)]


async def test_media_comes_newest_first_in_pages(data: Path) -> None:
    async with visitors(data, "open", 1) as [client]:
        assert (await client.get(API)).json() == {"media": []}
        made = [await upload(client, 20 + number) for number in range(7)]
        whole = await client.get(API)
        assert ids(whole) == [one["id"] for one in made[::-1]]
        assert "before" not in whole.json()
        assert listed(whole)[0]["reference"] == made[-1]
        assert listed(whole)[0].keys() == {"reference", "createdAt"}  # said nowhere yet
        seen: list[str] = []
        place: dict[str, str] = {}
        while True:
            page = await client.get(API, params={"limit": 3, **place})
            seen += ids(page)
            if "before" not in page.json():
                break
            place = {"before": page.json()["before"]}
        assert seen == ids(whole)
        assert len(ids(await client.get(API, params={"limit": 7}))) == 7
        assert "before" not in (await client.get(API, params={"limit": 7})).json()
        await client.delete(f"{API}/{made[3]['id']}")
        assert ids(await client.get(API)) == [one["id"] for one in made[::-1] if one != made[3]]
        head = await client.head(API)
        assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=-1",
        "limit=",
        "limit=99999999999999999999",
        "limit=1&limit=2",
        "before=",
        "before=x",
        "before=1-2",
        f"before=1-{UNKNOWN}-",
        f"before=999999999999999-{UNKNOWN}",
        f"before=1-{UNKNOWN}&before=1-{UNKNOWN}",
        "before=1-%27%20OR%201%3D1%20--",
    ],
)
async def test_a_parameter_that_cannot_be_used_is_told(store: MediaStore, query: str) -> None:
    app = Starlette(
        routes=[Route(API, media_list(store, MediaUrls(), OpenAccess()), methods=["GET"])]
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test"
    ) as client:
        answer = await client.get(f"{API}?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["code"] == "invalid_input"
    assert query.partition("=")[0] in answer.json()["detail"]


async def test_other_methods_are_refused(data: Path) -> None:
    async with visitors(data, "open", 1) as [client]:
        for method in ("POST", "PUT", "DELETE"):
            answer = await client.request(method, API)
            assert answer.status_code == 405
            assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
            assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize("access", ["cookie", "signed"])
async def test_attack_23_each_visitor_has_their_own(
    data: Path, access: str, store: MediaStore
) -> None:
    await store.put(png_bytes(), display_name="nobodys.png")
    async with visitors(data, access, 3) as [anna, bert, nobody]:
        # Before any parameter is read.
        for query in ("", "?limit=x", "?before=x"):
            refused = await nobody.get(f"{API}{query}")
            assert refused.status_code == 401
            assert refused.json()["code"] == "unauthorized"
            assert refused.headers["cache-control"] == "no-store"
        await anna.get("/")
        await bert.get("/")
        annas, berts = await upload(anna, 40), await upload(bert, 41)
        assert ids(await anna.get(API)) == [annas["id"]]
        assert ids(await bert.get(API)) == [berts["id"]]
        # The place of another's media shows none of it.
        place = f"99999999999999-{berts['id']}"
        assert ids(await anna.get(API, params={"before": place})) == [annas["id"]]
        # Its URLs are good, and for signed ones without a cookie.
        url = listed(await anna.get(API))[0]["reference"]["url"]
        assert (await anna.get(url)).status_code == 200
        assert (await nobody.get(url)).status_code == (200 if access == "signed" else 401)
        await anna.delete(f"{API}/{annas['id']}")
        assert ids(await anna.get(API)) == []


async def test_open_mode_shows_what_is_nobodys(data: Path, store: MediaStore) -> None:
    annas = await store.put(png_bytes(), owner="anna")
    async with visitors(data, "open", 2) as [one, another]:
        told = await upload(one)
        assert ids(await another.get(API)) == [told["id"]]
        assert annas.id not in (await one.get(API)).text


async def test_a_drawn_picture_leads_to_its_message_until_that_is_deleted(data: Path) -> None:
    conversation = str(uuid4())
    async with visitors(data, "open", 1) as [client]:
        message = {
            "id": "u1",
            "role": "user",
            "parts": [{"type": "text", "text": "Draw a lighthouse at dusk, 96x64, seed 7"}],
        }
        answer = await client.post("/api/chat", json={"id": conversation, "message": message})
        assert answer.status_code == 200
        [one] = listed(await client.get(API))
        messages = (await client.get(f"/api/conversations/{conversation}/messages")).json()
        assert one["conversationId"] == conversation
        assert one["messageId"] == messages["messages"][-1]["id"]
        assert one["reference"]["alt"]
        await client.delete(f"/api/conversations/{conversation}")
        assert listed(await client.get(API)) == []
        await client.post(f"/api/conversations/{conversation}/restore")
        assert listed(await client.get(API)) == [one]


async def test_it_is_no_part_of_the_media_application(store: MediaStore) -> None:
    """Where knowing an id is the permission, listing ids has to be asked for."""
    reference: MediaReference = await store.put(png_bytes(), owner="anna")
    access = PrincipalAccess(lambda _: Principal("anna"))
    alone = Starlette(routes=[Mount(API, media_app(store, None, access))])
    both = Starlette(
        routes=[
            Route(API, media_list(store, MediaUrls(), access), methods=["GET"]),
            Mount(API, media_app(store, None, access)),
        ]
    )
    for app, status in ((alone, 404), (both, 200)):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.get(API, follow_redirects=True)  # Starlette adds a slash
            assert answer.status_code == status
            assert (await client.get(f"{API}/")).status_code == 404
            assert (await client.get(f"{API}/{reference.id}")).status_code == 200
