"""`spec/openapi.yaml` and the server say the same; Schemathesis looks for where they do not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import schemathesis
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, Phase, settings
from starlette.routing import Mount, Route, WebSocketRoute

from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings
from tests.media import png_bytes
from tests.serving import serving

DESCRIPTION: Final = Path(__file__).parents[2] / "spec" / "openapi.yaml"
# The page is for browsers, and what describes the rest need not describe itself.
PAGE: Final = {
    "/",
    "/c/{conversation}",
    "/pictures",
    "/shell",
    "/openapi.json",
    "/compare",
    "/components",
    "/media-worker.js",
}
EXAMPLES: Final = 60

# What a request may be answered that the description has nothing against: there is no such thing,
# what is sent is no media, or a condition of the client's own does not hold.
FAIR: Final = ("2xx", "304", "400", "404", "412", "415", "416", "422")

description = schemathesis.openapi.from_path(DESCRIPTION)
description.config.checks.positive_data_acceptance.expected_statuses = list(FAIR)


class Server:
    """A real server with one picture in it."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.calls = 0
        answer = httpx.post(f"{base_url}/api/media/upload", content=png_bytes(300, 200))
        self.reference_id: str = answer.json()["id"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    app = create_app(Settings(data=tmp_path_factory.mktemp("openapi")))
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serving(app)) as address,
    ):
        yield Server(f"http://{address}")


@description.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_server_does_what_the_description_says(
    case: schemathesis.Case[Any], server: Server
) -> None:
    server.calls += 1
    fair = case.meta is None or case.meta.generation.mode.is_positive
    if server.calls % 2 and fair and case.method != "DELETE" and "id" in case.path_parameters:
        # Ids that are drawn name nothing; behind one that does there is more to go wrong. A case
        # that is wrong on purpose stays so.
        case.path_parameters["id"] = server.reference_id
    case.call_and_validate(base_url=server.base_url, timeout=30)


def served(routes: list[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for route in routes:
        match route:
            case WebSocketRoute():
                pass
            case Route(methods=set(methods)):
                yield from ((name, prefix + route.path) for name in methods)
            case Mount(routes=list(inner)) if inner:
                yield from served(inner, prefix + route.path)


@pytest.mark.anyio
async def test_every_route_is_described_and_nothing_else(data: Path) -> None:
    app = create_app(Settings(data=data))
    async with app.router.lifespan_context(app):
        routes = set(served(list(app.routes)))
        for path, operations in app.openapi()["paths"].items():
            routes.update((name.upper(), path) for name in operations)
    described = {
        (method.upper(), path)
        for path, operations in description.raw_schema["paths"].items()
        for method in operations
        if method != "parameters"
    }
    assert described == {(method, path) for method, path in routes if path not in PAGE}
