"""Which names a server answers to: a foreign one that is made to point here is turned away."""

from pathlib import Path

import httpx
import pytest

from coatcheck.server.running import _allowed_hosts
from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("configured", "address", "answered", "refused"),
    [
        (
            "",
            "127.0.0.1",
            ("127.0.0.1:8787", "localhost"),
            ("evil.example", "127.0.0.1.evil.example"),
        ),
        ("", "127.0.0.2", ("127.0.0.2:8787", "localhost:8787"), ("evil.example", "127.0.0.3")),
        ("", "::1", ("[::1]:8787", "[::1]", "localhost"), ("evil.example", "[::2]")),
        ("", "localhost", ("localhost:8787", "127.0.0.1"), ("evil.example",)),
        ("", "0.0.0.0", ("evil.example", "10.1.2.3"), ()),  # noqa: S104
        ("", "::", ("evil.example", "[::1]"), ()),
        ("chat.example", "0.0.0.0", ("chat.example",), ("evil.example", "127.0.0.1")),  # noqa: S104
    ],
)
async def test_a_name_that_is_made_to_point_here_is_not_answered(
    data: Path, configured: str, address: str, answered: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    app = create_app(Settings(data=data), allowed_hosts=_allowed_hosts(configured, address))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        for host in answered:
            assert (await client.get("/healthz", headers={"host": host})).status_code == 200
        for host in refused:
            assert (await client.get("/healthz", headers={"host": host})).status_code == 400


async def test_the_page_runs_scripts_of_its_own_origin_alone(data: Path) -> None:
    app = create_app(Settings(data=data))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        for page in ("/", "/c/any", "/components", "/compare"):
            policy = (await client.get(page)).headers["content-security-policy"]
            directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
            assert directives["default-src"] == "'self'"
            assert "script-src" not in directives
            assert directives["connect-src"] == "'self'"
            assert directives["frame-ancestors"] == "'none'"
