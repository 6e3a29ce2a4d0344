"""Access control over HTTP, with the real store. Tests name attacks and faults by number."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http.cookies import SimpleCookie
from itertools import product
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from coatcheck.delivery import media_app
from coatcheck.delivery.access import Authorizer, PrincipalAccess, SignedAccess
from coatcheck.delivery.cookies import Principal, SignedCookie
from coatcheck.delivery.previews import PreviewStore
from coatcheck.errors import ConfigurationError, NotFoundError
from coatcheck.media_part import media_part, ready
from coatcheck.opening import Backends
from coatcheck.ports import RenderedImage
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck.signing import LEEWAY_SECONDS, URL_LIFE_SECONDS, Key, Keyring, UrlSigner
from coatcheck.store import MediaStore
from coatcheck_chat.app import create_app
from coatcheck_chat.history.history import History
from coatcheck_chat.history.sql_log import SqlConversationLog
from coatcheck_chat.settings import Settings
from coatcheck_chat.visitors import EVERYONE, PRINCIPAL_HEADER
from tests.media import png_bytes
from tests.serving import asking_media, serving

pytestmark = pytest.mark.anyio

NEW = Key("b", b"jN3kq0Zr8vTf1xWm5yHc7uLp2sDg9aEo")
OLD = Key("a", b"Qe4rTy6uIo8pAs1dFg3hJk5lZx7cVb9n")
NOON = 1_795_003_200.0
DRAWING = "Draw a lighthouse at dusk, 96x64, seed 7"
UNKNOWN = "9188cc90-b172-47e9-b493-4e22175bd478"
PRIVATELY = "private, max-age=31536000, immutable"
RENDITIONS = ("", "thumbnail=true", "w=64", "w=64&format=jpeg", "download=true")


class Clock:
    """A clock that a test sets."""

    now: float = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def signer(clock: Clock, *keys: Key) -> UrlSigner:
    return UrlSigner(Keyring(keys or (NEW,)), clock)


def cookie(clock: Clock, *keys: Key) -> SignedCookie:
    return SignedCookie(Keyring(keys or (NEW,)), clock)


def browser(clock: Clock, name: str, *keys: Key) -> dict[str, str]:
    """The request header of a browser that this principal's cookie was given to."""
    response = Response()
    granting = cookie(clock, *keys)
    granting.grant(response, Principal(name), secure=False)
    morsel = SimpleCookie(response.headers["set-cookie"])[granting.name]
    return {"cookie": f"{granting.name}={morsel.value}"}


@asynccontextmanager
async def mounted(
    store: MediaStore, access: Authorizer, urls: MediaUrls | None = None, mode: str = "cold"
) -> AsyncIterator[httpx.AsyncClient]:
    async with asking_media(media_app(store, urls, access), mode, base="") as client:
        yield client


@pytest.fixture
async def by_cookie(store: MediaStore, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    async with mounted(store, PrincipalAccess(cookie(clock).read)) as client:
        yield client


@pytest.fixture(params=["cold", "warm"])
async def by_url(
    store: MediaStore, clock: Clock, request: pytest.FixtureRequest
) -> AsyncIterator[httpx.AsyncClient]:
    access = SignedAccess(signer(clock), PrincipalAccess(cookie(clock).read))
    urls = MediaUrls(signer=signer(clock))
    async with mounted(store, access, urls, request.param) as client:
        yield client


@pytest.fixture(params=["cookie", "signed"])
def guarded(
    request: pytest.FixtureRequest, by_cookie: httpx.AsyncClient, by_url: httpx.AsyncClient
) -> httpx.AsyncClient:
    """Each of the two modes with access control."""
    return by_cookie if request.param == "cookie" else by_url


@pytest.fixture
async def annas(store: MediaStore) -> MediaReference:
    return await store.put(png_bytes(96, 96), display_name="secret.png", owner="anna")


def image(reference_id: str, query: str = "") -> str:
    return f"/api/media/image/{reference_id}" + (f"?{query}" if query else "")


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    """A refusal that no cache keeps and that tells nothing about the media."""
    assert answer.status_code == status, answer.text
    if answer.request.method != "HEAD":
        assert answer.json()["code"] == code
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) is (status == 401)
    for header in ("etag", "set-cookie", "content-disposition", "content-range"):
        assert header not in answer.headers
    assert "secret.png" not in answer.text


# --- the cookie mode -----------------------------------------------------------------------------


@pytest.mark.parametrize(("query", "method"), list(product(RENDITIONS, ["GET", "HEAD"])))
async def test_attack_23_media_is_its_owners_alone(
    by_cookie: httpx.AsyncClient, annas: MediaReference, clock: Clock, query: str, method: str
) -> None:
    url = image(annas.id, query)
    good = await by_cookie.request(method, url, headers=browser(clock, "anna"))
    assert good.status_code == 200
    assert good.headers["cache-control"] == PRIVATELY
    foreign = await by_cookie.request(method, url, headers=browser(clock, "bert"))
    assert_refused(foreign, 404, "not_found")
    assert_refused(await by_cookie.request(method, url), 401, "unauthorized")


async def test_another_owners_media_is_answered_like_none(
    by_cookie: httpx.AsyncClient, annas: MediaReference, clock: Clock
) -> None:
    bert = browser(clock, "bert")
    for method, url in product(["GET", "DELETE"], [f"/api/media/{annas.id}", image(annas.id)]):
        foreign = await by_cookie.request(method, url, headers=bert)
        none = await by_cookie.request(method, url.replace(annas.id, UNKNOWN), headers=bert)
        assert foreign.status_code == none.status_code
        assert foreign.content == none.content
        assert {*foreign.headers} == {*none.headers}
    assert (await by_cookie.get(image(annas.id), headers=browser(clock, "anna"))).is_success


@pytest.mark.parametrize("query", RENDITIONS)
async def test_attack_23_permission_comes_before_304_and_ranges(
    by_cookie: httpx.AsyncClient, annas: MediaReference, clock: Clock, query: str
) -> None:
    url, anna, bert = image(annas.id, query), browser(clock, "anna"), browser(clock, "bert")
    tag = (await by_cookie.get(url, headers=anna)).headers["etag"]
    for validator in (
        {"if-none-match": tag},
        {"if-none-match": "*"},
        {"if-match": '"other"'},
        {"range": "bytes=0-9"},
        {"range": "bytes=99999999-"},
    ):
        own = await by_cookie.get(url, headers={**anna, **validator})
        assert own.status_code in {304, 412, 206, 416}
        assert_refused(await by_cookie.get(url, headers={**bert, **validator}), 404, "not_found")
        assert_refused(await by_cookie.get(url, headers=validator), 401, "unauthorized")
    not_modified = await by_cookie.get(url, headers={**anna, "if-none-match": tag})
    assert not_modified.status_code == 304
    assert not_modified.headers["cache-control"] == PRIVATELY


async def test_attack_23_bad_parameters_tell_a_stranger_nothing(
    by_cookie: httpx.AsyncClient, annas: MediaReference, clock: Clock
) -> None:
    for query in ("w=x", "w=1&w=2", "format=bmp"):
        url = image(annas.id, query)
        assert (await by_cookie.get(url, headers=browser(clock, "anna"))).status_code == 400
        assert_refused(await by_cookie.get(url, headers=browser(clock, "bert")), 404, "not_found")


async def test_attack_23_the_same_content_of_two_owners_stays_apart(
    by_cookie: httpx.AsyncClient, store: MediaStore, clock: Clock
) -> None:
    content = png_bytes(80, 80)
    mine = await store.put(content, owner="anna")
    yours = await store.put(content, owner="bert")
    assert mine.digest == yours.digest
    for query in RENDITIONS:
        for reference, name in ((mine, "anna"), (yours, "bert")):
            headers = browser(clock, name)
            assert (await by_cookie.get(image(reference.id, query), headers=headers)).is_success
        headers = browser(clock, "anna")
        assert_refused(
            await by_cookie.get(image(yours.id, query), headers=headers), 404, "not_found"
        )


async def test_attack_23_a_shared_cache_keeps_nothing(
    by_cookie: httpx.AsyncClient, annas: MediaReference, clock: Clock
) -> None:
    """RFC 9111 (3): a shared cache stores no answer that is private or no-store."""
    for query, name in product(RENDITIONS, ["anna", "bert", None]):
        headers = {} if name is None else browser(clock, name)
        answer = await by_cookie.get(image(annas.id, query), headers=headers)
        directives = {part.strip() for part in answer.headers["cache-control"].split(",")}
        assert directives & {"private", "no-store"}
        assert not directives & {"public", "s-maxage"}
        assert "set-cookie" not in answer.headers  # attack 24


async def test_attack_6_a_changed_expired_or_retired_cookie_is_nobodys(
    by_cookie: httpx.AsyncClient, annas: MediaReference, clock: Clock
) -> None:
    good = browser(clock, "anna")["cookie"]
    name, _, text = good.partition("=")
    forged = text.replace(text[0], "Z" if text[0] != "Z" else "Y", 1)
    for header in (f"{name}={forged}", good[:-1], f"{name}=", f"{name}=anna", f"{name}=~~"):
        answer = await by_cookie.get(image(annas.id), headers={"cookie": header})
        assert_refused(answer, 401, "unauthorized")
    retired = await by_cookie.get(image(annas.id), headers=browser(clock, "anna", OLD))
    assert_refused(retired, 401, "unauthorized")
    clock.now += 40 * 24 * 3600
    late = await by_cookie.get(image(annas.id), headers={"cookie": good})
    assert_refused(late, 401, "unauthorized")


# --- uploading, describing, deleting -------------------------------------------------------------


async def test_attack_26_a_stranger_plants_and_deletes_nothing(
    guarded: httpx.AsyncClient, annas: MediaReference, store: MediaStore, data: Path
) -> None:
    kept = sorted(path for path in data.rglob("*") if "sqlite3" not in path.name)
    raw = await guarded.post("/api/media/upload", content=png_bytes(32, 32))
    assert_refused(raw, 401, "unauthorized")
    files = {"file": ("x.png", png_bytes(32, 32), "image/png")}
    assert_refused(await guarded.post("/api/media/upload", files=files), 401, "unauthorized")
    assert_refused(await guarded.delete(f"/api/media/{annas.id}"), 401, "unauthorized")
    assert_refused(await guarded.get(f"/api/media/{annas.id}"), 401, "unauthorized")
    assert sorted(path for path in data.rglob("*") if "sqlite3" not in path.name) == kept
    assert await store.get(annas.id) == annas


async def test_attack_26_a_strangers_body_is_not_taken_in(store: MediaStore, clock: Clock) -> None:
    taken: list[bytes] = []

    async def body() -> AsyncIterator[bytes]:
        taken.append(b"x")
        yield b"x"

    app = media_app(store, access=PrincipalAccess(cookie(clock).read))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.post("/upload", content=body())).status_code == 401
    assert taken == []


async def test_attack_19_whose_it_is_the_client_does_not_say(
    guarded: httpx.AsyncClient, store: MediaStore, clock: Clock
) -> None:
    claims = {"owner": "bert", "id": UNKNOWN, "digest": "sha-256:" + "0" * 64, "principal": "bert"}
    headers = {**browser(clock, "anna"), "x-owner": "bert", "x-coatcheck-owner": "bert"}
    raw = await guarded.post(
        "/api/media/upload", params=claims, headers=headers, content=png_bytes(40, 40)
    )
    form = await guarded.post(
        "/api/media/upload",
        params=claims,
        headers=headers,
        data=claims,
        files={"file": ("x.png", png_bytes(40, 40), "image/png")},
    )
    for answer in (raw, form):
        assert answer.status_code == 201
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        told: dict[str, Any] = answer.json()
        record = await store.record(told["id"])
        assert record.owner == "anna"
        assert told["id"] != UNKNOWN
        assert told["digest"] == record.reference.digest != claims["digest"]
        assert "owner" not in told
        assert (await guarded.get(told["url"], headers=browser(clock, "anna"))).is_success


async def test_an_owner_describes_and_deletes_and_nobody_else(
    by_cookie: httpx.AsyncClient, annas: MediaReference, store: MediaStore, clock: Clock
) -> None:
    url, anna, bert = f"/api/media/{annas.id}", browser(clock, "anna"), browser(clock, "bert")
    described = await by_cookie.get(url, headers=anna)
    assert described.json() == annas.to_ui(MediaUrls())
    assert described.headers["cache-control"] == "no-store"
    assert_refused(await by_cookie.get(url, headers=bert), 404, "not_found")
    assert_refused(await by_cookie.delete(url, headers=bert), 404, "not_found")
    assert await store.get(annas.id) == annas
    assert (await by_cookie.delete(url, headers=anna)).status_code == 204
    assert_refused(await by_cookie.get(image(annas.id), headers=anna), 404, "not_found")


async def test_media_without_an_owner_is_nobodys(
    by_cookie: httpx.AsyncClient, store: MediaStore, clock: Clock
) -> None:
    reference = await store.put(png_bytes())
    answer = await by_cookie.get(image(reference.id), headers=browser(clock, "anna"))
    assert_refused(answer, 404, "not_found")


@pytest.mark.parametrize("owner", ["bert", None])
async def test_attack_31_another_owners_reference_in_a_message_is_unknown(
    backends: Backends, owner: str | None
) -> None:
    history = History(SqlConversationLog(backends.store), backends.store, MediaUrls())
    theirs = await backends.store.put(png_bytes(), owner=owner)

    def message(reference: dict[str, Any]) -> dict[str, Any]:
        return {"role": "user", "parts": [media_part("m1", ready(reference))]}

    with pytest.raises(NotFoundError) as foreign:
        await history.accept(message(theirs.to_stored()), owner="anna")
    with pytest.raises(NotFoundError) as unknown:
        await history.accept(message({**theirs.to_stored(), "id": UNKNOWN}), owner="anna")
    assert foreign.value.message == unknown.value.message
    forged = {**theirs.to_stored(), "owner": "anna"}
    with pytest.raises(NotFoundError):
        await history.accept(message(forged), owner="anna")
    mine = await backends.store.put(png_bytes(), owner="anna")
    accepted = await history.accept(message(mine.to_stored()), owner="anna")
    assert accepted["parts"][0]["data"]["reference"] == mine.to_stored()


# --- the signed mode -----------------------------------------------------------------------------


@pytest.mark.parametrize("query", RENDITIONS)
async def test_one_signature_is_good_for_every_rendition(
    by_url: httpx.AsyncClient, annas: MediaReference, clock: Clock, query: str
) -> None:
    signed = signer(clock).query(annas.id)
    for text in (f"{signed}&{query}".rstrip("&"), f"{query}&{signed}".lstrip("&")):
        good = await by_url.get(image(annas.id, text))
        assert good.status_code == 200
        assert good.headers["cache-control"] == PRIVATELY
    assert_refused(await by_url.get(image(annas.id, query)), 403, "forbidden")


async def test_the_minted_urls_are_good(
    by_url: httpx.AsyncClient, annas: MediaReference, clock: Clock
) -> None:
    described = await by_url.get(f"/api/media/{annas.id}", headers=browser(clock, "anna"))
    for member in ("url", "thumbnailUrl"):
        assert (await by_url.get(described.json()[member])).status_code == 200
    # A leaked URL must not mint its own successor.
    signed = signer(clock).query(annas.id)
    assert_refused(await by_url.get(f"/api/media/{annas.id}?{signed}"), 401, "unauthorized")
    assert_refused(await by_url.delete(f"/api/media/{annas.id}?{signed}"), 401, "unauthorized")


async def test_attack_5_a_repeated_signature_is_refused(
    by_url: httpx.AsyncClient, annas: MediaReference, clock: Clock
) -> None:
    good = signer(clock).query(annas.id)
    expires, signature = good.split("&")
    for query in (f"{good}&{signature}", f"{good}&{expires}", f"{good}&signature=", good * 2):
        assert_refused(await by_url.get(image(annas.id, query)), 403, "forbidden")
    for path in (f"{annas.id}&{good}", f"{annas.id}%3F{good}", f"{signature}{annas.id}"):
        assert_refused(await by_url.get(image(path, good)), 403, "forbidden")
    # A path with a slash more is no route at all.
    for path in (f"{signature}/{annas.id}", f"{annas.id}/{signature}", f"{annas.id}%2F{good}"):
        assert_refused(await by_url.get(image(path, good)), 404, "not_found")


async def test_attack_6_a_tampered_truncated_or_expired_signature_is_refused(
    by_url: httpx.AsyncClient, annas: MediaReference, store: MediaStore, clock: Clock
) -> None:
    good = signer(clock).query(annas.id)
    expires, signature = good.split("&")
    other = await store.put(png_bytes(), owner="anna")
    for query in (
        good[:-1],
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        f"expires=99999999999&{signature}",
        f"{expires}&signature=",
        expires,
        signature,
        signer(clock, OLD).query(annas.id),
        signer(clock).query(other.id),
    ):
        for headers in ({}, {"if-none-match": "*"}, {"range": "bytes=0-1"}):
            answer = await by_url.get(image(annas.id, query), headers=headers)
            assert_refused(answer, 403, "forbidden")
    tag = (await by_url.get(image(annas.id, good))).headers["etag"]
    clock.now += URL_LIFE_SECONDS + 3600 + LEEWAY_SECONDS + 1
    for headers in ({}, {"if-none-match": tag}):
        answer = await by_url.get(image(annas.id, good), headers=headers)
        assert_refused(answer, 403, "expired")


async def test_attack_7_a_rotated_key_has_its_grace(
    store: MediaStore, annas: MediaReference, clock: Clock
) -> None:
    url = image(annas.id, signer(clock, OLD).query(annas.id))
    transport = httpx.ASGITransport  # three servers, one after the other
    answers = []
    for keys in ((OLD,), (NEW, OLD), (NEW,)):
        app = Starlette(
            routes=[
                Mount("/api/media", media_app(store, access=SignedAccess(signer(clock, *keys))))
            ]
        )
        async with httpx.AsyncClient(transport=transport(app), base_url="http://test") as client:
            answers.append((await client.get(url)).status_code)
    assert answers == [200, 200, 403]


async def test_fault_19_a_server_whose_clock_is_ahead_forgives_a_minute(
    by_url: httpx.AsyncClient, annas: MediaReference, clock: Clock
) -> None:
    query = signer(clock).query(annas.id)
    end = int(query.partition("=")[2].partition("&")[0])
    clock.now = end + LEEWAY_SECONDS
    assert (await by_url.get(image(annas.id, query))).status_code == 200
    clock.now += 1
    assert_refused(await by_url.get(image(annas.id, query)), 403, "expired")


async def test_without_a_signature_nothing_is_told_about_what_exists(
    by_url: httpx.AsyncClient, annas: MediaReference, clock: Clock
) -> None:
    there = await by_url.get(image(annas.id))
    none = await by_url.get(image(UNKNOWN))
    assert_refused(there, 403, "forbidden")
    assert there.content == none.content
    signed = await by_url.get(image(UNKNOWN, signer(clock).query(UNKNOWN)))
    assert_refused(signed, 404, "not_found")


# --- the whole application -----------------------------------------------------------------------


def settings(data: Path, access: str) -> Settings:
    return Settings.model_validate(
        {"data": data, "access": access, "keys": f"b:{NEW.secret.decode()}"}
    )


@asynccontextmanager
async def application(data: Path, access: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings(data, access))
    async with (
        serving(app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as client,
    ):
        yield client


@pytest.mark.parametrize("access", ["cookie", "signed"])
async def test_attack_23_an_answer_that_a_browser_may_keep_names_its_visitor(
    data: Path, access: str
) -> None:
    kept = ["/api/conversations", "/api/media"]
    async with application(data, access) as anna:
        named = (await anna.get("/")).headers[PRINCIPAL_HEADER]
        # The name stays when the cookies are renewed, and tells nothing of what they hold.
        assert (await anna.head("/")).headers[PRINCIPAL_HEADER] == named
        for cookie in anna.cookies.jar:
            identifier = base64.urlsafe_b64decode((cookie.value or "").partition("~")[0]).decode()
            assert identifier not in named
            assert named not in (cookie.value or "")
        for path in kept:
            answer = await anna.get(path)
            assert answer.headers["cache-control"] == "private, max-age=0"
            assert answer.headers[PRINCIPAL_HEADER] == named
        async with httpx.AsyncClient(base_url=anna.base_url) as bert:
            for path in kept:
                refused = await bert.get(path)
                assert refused.status_code == 401
                assert PRINCIPAL_HEADER not in refused.headers
            assert (await bert.get("/")).headers[PRINCIPAL_HEADER] != named
            # The name is no cookie.
            for name in ("coatcheck_session", "coatcheck_media"):
                header = {"cookie": f"{name}={named}"}
                assert (await bert.get("/api/media", headers=header)).status_code == 401


async def test_in_open_mode_every_browser_has_the_one_name(data: Path) -> None:
    async with application(data, "open") as client:
        for path in ("/", "/api/conversations", "/api/media"):
            assert (await client.get(path)).headers[PRINCIPAL_HEADER] == EVERYONE


@pytest.mark.parametrize("access", ["open", "cookie", "signed"])
async def test_the_shell_is_the_page_without_a_visitor(data: Path, access: str) -> None:
    async with application(data, access) as client:
        page, shell = await client.get("/"), await client.get("/shell")
        assert shell.status_code == page.status_code
        assert shell.content == page.content
        assert shell.headers["cache-control"] == "no-cache"
        assert "set-cookie" not in shell.headers
        assert PRINCIPAL_HEADER not in shell.headers


@pytest.mark.parametrize("access", ["cookie", "signed"])
async def test_attack_24_the_page_names_a_browser_and_no_cache_keeps_it(
    data: Path, access: str
) -> None:
    async with application(data, access) as browser_one:
        page = await browser_one.get("/")
        assert page.headers["cache-control"] == "no-store"
        given = page.headers.get_list("set-cookie")
        assert {header.partition("=")[0] for header in given} == {
            "coatcheck_media",
            "coatcheck_session",
        }
        for header in given:
            assert "httponly" in header.lower()
            assert "samesite=lax" in header.lower()
            assert "secure" not in header.lower()
        media = next(header for header in given if header.startswith("coatcheck_media="))
        assert "path=/api/media" in media.lower()
        uploaded = await browser_one.post("/api/media/upload", content=png_bytes())
        assert uploaded.status_code == 201
        told = uploaded.json()
        again = await browser_one.get("/")
        assert again.headers.get_list("set-cookie")  # renewed, and still the same visitor
        assert (await browser_one.get(f"/api/media/{told['id']}")).status_code == 200
        shown = await browser_one.get(told["url"])
        assert shown.status_code == 200
        assert shown.headers["cache-control"] == PRIVATELY
        assert "set-cookie" not in shown.headers
        async with httpx.AsyncClient(base_url=browser_one.base_url) as browser_two:
            await browser_two.get("/")
            assert (await browser_two.get(f"/api/media/{told['id']}")).status_code == 404
            assert (await browser_two.delete(f"/api/media/{told['id']}")).status_code == 404
            plain = await browser_two.get(image(told["id"]))
            assert plain.status_code == (404 if access == "cookie" else 403)


@pytest.mark.parametrize("access", ["cookie", "signed"])
async def test_attack_31_what_the_chat_makes_is_its_visitors_alone(data: Path, access: str) -> None:
    app = create_app(settings(data, access))
    conversation = str(uuid4())
    async with serving(app) as address, AsyncExitStack() as stack:
        anna, bert, nobody = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"http://{address}", timeout=30)
            )
            for _ in range(3)
        ]
        await anna.get("/")
        await bert.get("/")
        url = f"/api/conversations/{conversation}/messages"
        made = await say(address, anna, conversation, {"type": "text", "text": DRAWING})
        references = [
            chunk["data"]["reference"]
            for chunk in made
            if chunk["type"] == "data-media" and chunk["data"]["state"] == "ready"
        ]
        assert len(references) == 1
        identifier = references[0]["id"]
        assert (await anna.get(references[0]["url"])).headers["cache-control"] == PRIVATELY
        assert (await anna.get(f"/api/media/{identifier}")).status_code == 200
        assert (await bert.get(f"/api/media/{identifier}")).status_code == 404
        if access == "cookie":
            assert_refused(await bert.get(references[0]["url"]), 404, "not_found")
        # Nobody learns the id of a conversation that is not their own.
        assert (await bert.get("/api/conversations")).json() == {"conversations": []}
        listed = (await anna.get("/api/conversations")).json()["conversations"]
        assert [one["id"] for one in listed] == [conversation]
        assert (await anna.get(url)).status_code == 200
        # And knowing it is not enough.
        one = url.removesuffix("/messages")
        for method, path, body in (
            ("GET", url, None),
            ("GET", one, None),
            ("GET", f"{one}/export", None),
            ("PATCH", one, {"title": "mine"}),
            ("DELETE", one, None),
            ("POST", f"{one}/restore", None),
        ):
            refused = await bert.request(method, path, json=body)
            assert_refused(refused, 404, "not_found")
            assert refused.json()["detail"] == "There is no conversation under this id."
            assert_refused(await nobody.request(method, path, json=body), 401, "unauthorized")
        intruding = await say(address, bert, conversation, {"type": "text", "text": "hello"})
        assert intruding[0]["code"] == "not_found"
        assert_refused(await nobody.get("/api/conversations"), 401, "unauthorized")
        assert len((await anna.get(url)).json()["messages"]) == 2
        with pytest.raises(InvalidStatus):
            await say(address, nobody, conversation, {"type": "text", "text": "hello"})
        part = media_part("m1", ready(references[0]))
        words = {"type": "text", "text": "Look at this"}
        forging = await say(address, bert, str(uuid4()), words, part)
        assert forging[0]["code"] == "not_found"
        taken = await say(address, anna, str(uuid4()), words, part)
        assert [chunk for chunk in taken if chunk["type"] == "error"] == []


async def say(
    address: str, client: httpx.AsyncClient, conversation: str, *parts: dict[str, Any]
) -> list[dict[str, Any]]:
    """Send one message over a browser's socket; the chunks of the answer."""
    cookies = "; ".join(f"{c.name}={c.value}" for c in client.cookies.jar if c.path == "/")
    headers = {"cookie": cookies} if cookies else {}
    chunks: list[dict[str, Any]] = []
    async with connect(f"ws://{address}/ws/chat", additional_headers=headers) as socket:
        message = {"id": "u1", "role": "user", "parts": list(parts)}
        frame = {"type": "message-send", "conversationId": conversation, "message": message}
        await socket.send(json.dumps(frame))
        while not chunks or chunks[-1]["type"] not in {"finish", "abort"}:
            chunks.append(json.loads(await socket.recv())["chunk"])
    return chunks


async def test_over_https_the_cookies_are_secure(data: Path) -> None:
    app = create_app(settings(data, "cookie"))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://test") as client,
    ):
        given = (await client.get("/")).headers.get_list("set-cookie")
        assert len(given) == 2
        assert all("; secure" in header.lower() for header in given)


async def test_in_open_mode_no_cookie_is_set(data: Path) -> None:
    async with application(data, "open") as client:
        assert "set-cookie" not in (await client.get("/")).headers


@pytest.mark.parametrize("access", ["cookie", "signed"])
@pytest.mark.parametrize(
    "keys", ["", "a:short", "a:change-me-change-me-change-me-please", "a:" + "x" * 40]
)
def test_attack_6_the_server_refuses_to_start_on_a_bad_key(
    data: Path, access: str, keys: str
) -> None:
    wanted = Settings.model_validate({"data": data, "access": access, "keys": keys})
    with pytest.raises(ConfigurationError, match="COATCHECK_KEYS"):
        create_app(wanted)


def test_a_key_is_not_shown(data: Path) -> None:
    assert NEW.secret.decode() not in repr(settings(data, "signed"))


# --- previews ------------------------------------------------------------------------------------


@pytest.fixture
def previews() -> PreviewStore:
    return PreviewStore()


def draft(previews: PreviewStore, owner: str | None = "anna") -> str:
    image = RenderedImage(data=b"RIFF....WEBP", media_type="image/webp", width=8, height=6)
    return previews.put(image, owner=owner, conversation_id=None)


@asynccontextmanager
async def previewing(
    store: MediaStore, previews: PreviewStore, access: Authorizer | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Mount("/api/media", media_app(store, None, access, previews=previews))])
    async with (
        serving(app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as client,
    ):
        yield client


async def test_a_preview_is_served_for_a_moment_and_kept_by_nobody(
    store: MediaStore, previews: PreviewStore
) -> None:
    url = MediaUrls().preview(draft(previews))
    async with previewing(store, previews) as client:
        for method in ("GET", "HEAD"):
            answer = await client.request(method, url)
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "image/webp"
            assert answer.headers["content-length"] == "12"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
            assert answer.content == (b"RIFF....WEBP" if method == "GET" else b"")
        for unknown in (UNKNOWN, "x", "%2e%2e%2fx"):
            assert_refused(await client.get(f"/api/media/preview/{unknown}"), 404, "not_found")
        assert (await client.post(url)).status_code == 405
        # Its id is that of no media.
        assert_refused(await client.get(url.replace("preview", "image")), 404, "not_found")


async def test_a_preview_is_its_owners_alone(
    store: MediaStore, previews: PreviewStore, clock: Clock
) -> None:
    url, nobodys = (MediaUrls().preview(draft(previews, owner)) for owner in ("anna", None))
    async with previewing(store, previews, PrincipalAccess(cookie(clock).read)) as client:
        assert (await client.get(url, headers=browser(clock, "anna"))).status_code == 200
        assert_refused(await client.get(url), 401, "unauthorized")
        assert_refused(await client.get(url, headers=browser(clock, "ben")), 404, "not_found")
        assert_refused(await client.get(nobodys, headers=browser(clock, "ben")), 404, "not_found")


async def test_a_preview_has_a_signed_url_where_media_has(
    store: MediaStore, previews: PreviewStore, clock: Clock, annas: MediaReference
) -> None:
    minted = MediaUrls(signer=signer(clock))
    url = minted.preview(draft(previews))
    async with previewing(store, previews, SignedAccess(signer(clock))) as client:
        assert (await client.get(url)).status_code == 200
        assert_refused(await client.get(url.partition("?")[0]), 403, "forbidden")
        assert_refused(await client.get(url[:-1] + "x"), 403, "forbidden")
        # The signature of other media is not good for it.
        _, query = minted.original(annas.id).split("?")
        assert_refused(await client.get(f"{url.partition('?')[0]}?{query}"), 403, "forbidden")
