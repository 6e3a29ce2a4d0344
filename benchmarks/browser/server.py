"""The server of the browser benchmark, a process of its own: page, media and the comparisons."""

import argparse
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, WebSocketRoute
from starlette.staticfiles import StaticFiles

from coatcheck.delivery import media_app
from coatcheck.opening import open_store
from coatcheck.reference import MediaReference
from coatcheck_chat.comparison import ComparisonSocket


class Fixed:
    """Pictures that are in the store already."""

    def __init__(self, pictures: Sequence[MediaReference]) -> None:
        self._pictures = pictures

    async def all(self) -> Sequence[MediaReference]:
        """The pictures."""
        return self._pictures


def bench_app(data: Path, page: Path, pictures: dict[int, list[Path]]) -> Starlette:
    """The application.

    Args:
        data: the store's directory.
        page: the built page.
        pictures: PNG files by their edge; each edge is played at ``/ws/compare/{edge}``.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(open_store(data))
            for edge, files in pictures.items():
                stored = [await store.put(file, alt="a landscape") for file in files]
                socket = ComparisonSocket(store, Fixed(stored).all)
                app.router.routes.append(WebSocketRoute(f"/ws/compare/{edge}", socket.serve))
            app.router.routes.append(Mount("/api/media", media_app(store)))
            app.router.routes.append(Mount("/", StaticFiles(directory=page, html=True)))
            yield

    return Starlette(lifespan=lifespan)


def main() -> None:
    """Serve until terminated."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--page", type=Path, required=True)
    parser.add_argument(
        "pictures", type=Path, nargs="+", help="files that benchmarks.browser.pictures made"
    )
    arguments = parser.parse_args()
    pictures: dict[int, list[Path]] = {}
    for file in arguments.pictures:
        pictures.setdefault(int(file.stem.partition("-")[0]), []).append(file)
    app = bench_app(arguments.data, arguments.page, pictures)
    config = uvicorn.Config(
        app,
        port=arguments.port,
        log_level="warning",
        ws_per_message_deflate=False,  # as `coatcheck serve`; better for both sides
    )
    anyio.run(uvicorn.Server(config).serve)


if __name__ == "__main__":
    main()
