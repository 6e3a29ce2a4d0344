"""Front ends of other origins (CORS): what their pages may read and change, and what caches see."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from coatcheck.delivery import media_app
from coatcheck.delivery.access import Authorizer, OpenAccess, PrincipalAccess, SignedAccess
from coatcheck.delivery.cookies import Principal
from coatcheck.delivery.listing import media_list
from coatcheck.errors import ConfigurationError
from coatcheck.reference import MediaUrls
from coatcheck.server.app import create_app
from coatcheck.server.settings import ServiceSettings
from coatcheck.signing import Key, Keyring, UrlSigner
from coatcheck.store import MediaStore
from tests.media import png_bytes
from tests.serving import serving

pytestmark = pytest.mark.anyio

FRONT = "https://app.example.com"
OTHER = "http://localhost:5173"
EVIL = "https://evil.example"
SIGNER = UrlSigner(Keyring((Key("a", b"jN3kq0Zr8vTf1xWm5yHc7uLp2sDg9aEo"),)), lambda: 1e9)
ANNA = PrincipalAccess(lambda _: Principal("anna"))
ALLOW = "access-control-allow-origin"


@asynccontextmanager
async def shared(
    store: MediaStore, access: Authorizer | None = None, *, origins: Any = (FRONT, OTHER)
) -> AsyncIterator[httpx.AsyncClient]:
    rule = access or OpenAccess()
    app = Starlette(
        routes=[
            Route("/api/media", media_list(store, MediaUrls(), rule, allow_origins=origins)),
            Mount("/api/media", media_app(store, access=rule, allow_origins=origins)),
        ]
    )
    async with (
        serving(app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as client,
    ):
        yield client


def page_of(origin: str, site: str = "cross-site") -> dict[str, str]:
    """What a browser sends with a request of a page of that origin."""
    return {"origin": origin, "sec-fetch-site": site}


async def test_an_allowed_page_reads_and_another_does_not(store: MediaStore) -> None:
    reference = await store.put(png_bytes(), owner=None)
    paths = (
        f"/api/media/image/{reference.id}",
        f"/api/media/image/{reference.id}?thumbnail=true",
        f"/api/media/{reference.id}",
        "/api/media",
        "/api/media/image/none",
    )
    async with shared(store) as client:
        for path in paths:
            for origin in (FRONT, OTHER):
                answer = await client.get(path, headers=page_of(origin))
                assert answer.headers[ALLOW] == origin
                exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
                assert {"etag", "content-range", "accept-ranges", "retry-after"} <= set(exposed)
            for headers in ({}, page_of(EVIL), page_of("null"), page_of(FRONT + ".evil.example")):
                assert ALLOW not in (await client.get(path, headers=headers)).headers


async def test_every_answer_says_that_it_depends_on_the_origin(store: MediaStore) -> None:
    """Or a cache that has it for an `<img>`, which sends no Origin, hands it to a script."""
    reference = await store.put(png_bytes())
    image = f"/api/media/image/{reference.id}"
    async with shared(store) as client:
        tag = (await client.get(image)).headers["etag"]
        for origin in ({}, page_of(FRONT), page_of(EVIL)):
            for path, headers, status, vary in (
                (image, {}, 200, {"origin"}),
                (f"{image}?w=64", {}, 200, {"accept", "origin"}),
                (image, {"range": "bytes=0-9"}, 206, {"origin"}),
                (image, {"if-none-match": tag}, 304, {"origin"}),
                (f"{image}?w=x", {}, 400, {"origin"}),
                ("/api/media", {}, 200, {"origin"}),
            ):
                answer = await client.get(path, headers=origin | headers)
                assert answer.status_code == status
                named = answer.headers["vary"].lower().split(", ")
                assert sorted(named) == sorted(vary)
                assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        kept = await client.get(image, headers=page_of(FRONT))
        assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_an_allowed_page_uploads_and_deletes_and_another_does_not(
    store: MediaStore, site: str
) -> None:
    async with shared(store) as client:

        async def upload(origin: str) -> httpx.Response:
            return await client.post(
                "/api/media/upload", content=png_bytes(), headers=page_of(origin, site)
            )

        for origin in (EVIL, "null", FRONT + "/", FRONT.upper(), "http://app.example.com"):
            refused = await upload(origin)
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        # `Sec-Fetch-Site` alone says that a page sent it, and not which.
        bare = await client.post(
            "/api/media/upload", content=png_bytes(), headers={"sec-fetch-site": site}
        )
        assert bare.status_code == 403
        for origin in (FRONT, OTHER):
            stored = await upload(origin)
            assert (stored.status_code, stored.headers[ALLOW]) == (201, origin)
            path = f"/api/media/{stored.json()['id']}"
            assert (await client.delete(path, headers=page_of(EVIL, site))).status_code == 403
            assert (await client.delete(path, headers=page_of(origin, site))).status_code == 204
    assert await store.blob_count() == 0


async def test_a_preflight_is_answered_for_allowed_pages_alone(store: MediaStore) -> None:
    asked = {"access-control-request-method": "POST"}
    async with shared(store) as client:
        for headers, status in (
            (page_of(FRONT), 200),
            (page_of(FRONT) | {"access-control-request-headers": "content-type, range"}, 200),
            (page_of(FRONT) | {"access-control-request-headers": "authorization"}, 400),
            (page_of(FRONT) | {"access-control-request-method": "PUT"}, 400),
            (page_of(EVIL), 400),
        ):
            answer = await client.options("/api/media/upload", headers=asked | headers)
            assert answer.status_code == status
            assert (answer.headers.get(ALLOW) == FRONT) == (headers["origin"] == FRONT)
            assert "cache-control" not in answer.headers


@pytest.mark.parametrize(
    ("access", "sends_cookies"),
    [
        (OpenAccess(), False),
        (ANNA, True),
        (SignedAccess(SIGNER, ANNA), True),
    ],
)
async def test_cookies_may_come_where_they_say_who_asks(
    store: MediaStore, access: Authorizer, *, sends_cookies: bool
) -> None:
    expected = "true" if sends_cookies else None
    asked = page_of(FRONT) | {"access-control-request-method": "DELETE"}
    async with shared(store, access) as client:
        answers = [
            await client.options("/api/media/upload", headers=asked),
            await client.get("/api/media", headers=page_of(FRONT)),
        ]
    for answer in answers:
        assert answer.headers.get("access-control-allow-credentials") == expected
        assert answer.headers[ALLOW] == FRONT


async def test_without_the_option_nothing_is_shared(store: MediaStore) -> None:
    reference = await store.put(png_bytes())
    image = f"/api/media/image/{reference.id}"
    async with shared(store, origins=()) as client:
        for method, path, headers, status in (
            ("GET", image, {}, 200),
            ("GET", f"/api/media/{reference.id}", {}, 200),
            ("OPTIONS", "/api/media/upload", {"access-control-request-method": "POST"}, 405),
            ("POST", "/api/media/upload", {}, 403),
        ):
            answer = await client.request(method, path, headers=page_of(FRONT) | headers)
            assert answer.status_code == status
            names = [name for name in answer.headers if "origin" in name or name == "vary"]
            assert names == []


@pytest.mark.parametrize(
    "origin",
    [
        *("app.example.com", "//app.example.com", "https://app.example.com/", "https://a/b"),
        *("https://App.example.com", "HTTPS://a", "https://a:443", "http://a:80", "https://a:b"),
        *("ftp://a", "https://", "https://user@a", "https://a?b", "https://a#b", "null", "", " "),
        *(
            "https://*.example.com",
            "https://é.example",
            "https://[::1",
            "https://a b",
            "https://a:",
        ),
    ],
)
async def test_a_malformed_origin_is_refused(store: MediaStore, origin: str) -> None:
    with pytest.raises(ConfigurationError, match="is not an origin as browsers send it"):
        media_app(store, allow_origins=[FRONT, origin])
    with pytest.raises(ConfigurationError, match="is not an origin as browsers send it"):
        media_list(store, MediaUrls(), OpenAccess(), allow_origins=[origin])


async def test_origins_are_named_one_by_one(store: MediaStore) -> None:
    with pytest.raises(ConfigurationError, match="cannot be '\\*'"):
        media_app(store, allow_origins=["*"])
    with pytest.raises(ConfigurationError, match="Pass a list"):
        media_app(store, allow_origins=FRONT)
    for origin in ("http://localhost:5173", "http://[::1]:80000"[:-1], "https://a-b.example:8443"):
        media_app(store, allow_origins=[origin])


async def test_the_service_takes_its_front_ends_from_the_settings(data: Path) -> None:
    settings = ServiceSettings(
        data=data, base_url="https://media.example.com", allow_origins=f"{FRONT}, {OTHER},"
    )
    async with (
        serving(create_app(settings)) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=60) as client,
    ):
        upload = await client.post("/api/media/upload", content=png_bytes(), headers=page_of(OTHER))
        reference = upload.json()
        image = f"https://media.example.com/api/media/image/{reference['id']}"
        assert reference["url"] == image
        listed = await client.get("/api/media", headers=page_of(OTHER))
        assert listed.json()["media"][0]["reference"]["thumbnailUrl"] == f"{image}?thumbnail=true"
        assert listed.headers[ALLOW] == upload.headers[ALLOW] == OTHER
        assert ALLOW not in (await client.get("/metrics", headers=page_of(OTHER))).headers


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"base_url": "media.example.com"}, "^COATCHECK_BASE_URL: The base URL"),
        ({"allow_origins": f"{FRONT},*"}, "^COATCHECK_ALLOW_ORIGINS: The allowed origins"),
        ({"allow_origins": f"{FRONT}/"}, "^COATCHECK_ALLOW_ORIGINS: 'https://app.example.com/'"),
    ],
)
async def test_a_setting_that_cannot_be_used_is_named(
    data: Path, settings: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        create_app(ServiceSettings.model_validate({"data": data, **settings}))
