"""The examples of `docs/how-to/access.md`, served: who reads does not thereby delete."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import httpx
import pytest

from coatcheck.delivery.access import PrincipalAccess, SignedAccess
from coatcheck.delivery.cookies import Principal
from coatcheck.errors import ForbiddenError, NotFoundError
from coatcheck.signing import Key, Keyring, UrlSigner
from coatcheck.store import MediaStore
from tests.docs.blocks import ROOT, blocks_of
from tests.serving import serving

pytestmark = pytest.mark.anyio

PAGE: Final = ROOT / "docs" / "how-to" / "access.md"


def example(word: str) -> str:
    """The application of the example in which `word` stands, without the requests at its end."""
    (block,) = [
        block for block in blocks_of(PAGE) if block.language == "python" and word in block.text
    ]
    return block.text.partition("with TestClient(app)")[0]


@pytest.fixture
async def shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[httpx.AsyncClient, Any]]:
    """A client of the example with a hook of its own, and its application."""
    monkeypatch.chdir(tmp_path)
    module = ModuleType("access_example")
    exec(compile(example("async def authorize"), PAGE.name, "exec"), module.__dict__)  # noqa: S102
    app = module.__dict__["app"]
    async with (
        serving(app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=60) as client,
    ):
        yield client, app


async def test_a_reader_of_the_example_does_not_delete(
    shared: tuple[httpx.AsyncClient, Any],
) -> None:
    client, app = shared
    reference = await app.state.store.put(b"for all", owner="ada", conversation_id="holiday")
    image, described = f"/api/media/image/{reference.id}", f"/api/media/{reference.id}"
    await client.get("/chat/grace")
    assert (await client.get(image)).status_code == 200
    assert (await client.get(described)).json()["id"] == reference.id
    refused = await client.delete(described)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await client.patch(described, json={"alt": "mine"})).status_code == 405
    await client.get("/chat/mallory")  # who may not read is told nothing
    for method in ("GET", "DELETE"):
        answer = await client.request(method, described)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    await client.get("/chat/ada")
    assert (await client.get(image)).content == b"for all"
    assert (await client.delete(described)).status_code == 204
    assert (await client.get(image)).status_code == 404


def scope(reference_id: str) -> dict[str, Any]:
    return {"type": "http", "method": "DELETE", "path_params": {"id": reference_id}, "headers": []}


def asks(name: str) -> Any:
    return lambda _connection: Principal(name)


async def test_the_hooks_are_asked_each_for_its_own(store: MediaStore) -> None:
    reference = await store.put(b"text", owner="ada")

    async def members(principal: Principal, _record: object) -> bool:
        return principal.id in {"ada", "grace", "moderator"}

    async def moderators(principal: Principal, _record: object) -> bool:
        return principal.id in {"moderator", "stranger"}

    for name, error in (
        ("moderator", None),
        ("ada", ForbiddenError),
        ("grace", ForbiddenError),
        ("stranger", NotFoundError),  # nobody manages what they may not read
    ):
        access = PrincipalAccess(asks(name), members, moderators)
        if error is None:
            found = await access.find_manageable(scope(reference.id), store)
            assert found.reference == reference
            continue
        with pytest.raises(error):
            await access.find_manageable(scope(reference.id), store)


async def test_a_manage_hook_that_answers_anything_but_true_refuses(store: MediaStore) -> None:
    reference = await store.put(b"text", owner="ada")
    hook: Any = lambda _principal, _record: "yes"  # noqa: E731 - a mistake that types would find
    access = PrincipalAccess(asks("ada"), manage=hook)
    with pytest.raises(ForbiddenError):
        await access.find_manageable(scope(reference.id), store)


async def test_behind_signed_urls_the_hooks_are_those_of_the_second_authorizer(
    store: MediaStore,
) -> None:
    reference = await store.put(b"text", owner="ada")
    keyring = Keyring((Key("b", b"jN3kq0Zr8vTf1xWm5yHc7uLp2sDg9aEo"),))
    others = PrincipalAccess(asks("grace"), lambda _principal, _record: True)
    access = SignedAccess(UrlSigner(keyring, lambda: 1_795_003_200.0), others)
    found = await access.find_describable(scope(reference.id), store)
    assert found.reference == reference
    with pytest.raises(ForbiddenError):
        await access.find_manageable(scope(reference.id), store)
