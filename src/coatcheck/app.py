"""The composition root: settings in, the server's application out."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from fastapi import FastAPI, WebSocket
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from coatcheck.agent.painting import PAINTERS
from coatcheck.agent.providers.procedural_provider import ProceduralProvider
from coatcheck.agent.tools import ToolContext
from coatcheck.backends import open_backends
from coatcheck.chat.api import conversations_api
from coatcheck.chat.history import History
from coatcheck.chat.socket import ChatSocket
from coatcheck.chat.turns import Turns
from coatcheck.delivery import media_app
from coatcheck.delivery.problems import EXCEPTION_HANDLERS
from coatcheck.integrations.pydantic_ai import PydanticAIResponder, load_model
from coatcheck.reference import MediaUrls
from coatcheck.settings import Settings
from coatcheck.version import __version__
from coatcheck.workers import WorkerPool

PAGE: Final = Path(__file__).parent / "page"
"""Where the built page is: made by ``make page``, part of the wheel."""

_PAGE_HEADERS: Final = {
    "cache-control": "no-cache",
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline';"
        " connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'"
    ),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


def create_app(settings: Settings) -> FastAPI:
    """The server: chat, media and the page.

    Raises:
        ConfigurationError: the model that `settings` name cannot be used.
    """
    model = load_model(settings.model)
    urls = MediaUrls()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            backends = await stack.enter_async_context(open_backends(settings))
            painters = WorkerPool("coatcheck.agent.painting", PAINTERS)
            stack.push_async_callback(painters.aclose)
            history = History(backends.conversations, backends.store, urls)
            responder = PydanticAIResponder(
                model,
                ToolContext(
                    store=backends.store,
                    provider=ProceduralProvider(painters),
                    painters=painters,
                    urls=urls,
                ),
            )
            turns = await stack.enter_async_context(Turns.running(history, responder))
            chat = ChatSocket(history, turns)

            @app.websocket("/ws/chat")
            async def serve_chat(websocket: WebSocket) -> None:
                await chat.serve(websocket)

            app.include_router(conversations_api(history))
            app.mount("/api/media", media_app(backends.store, urls))
            _serve_page(app)
            yield

    app = FastAPI(
        title="Coatcheck",
        version=__version__,
        lifespan=lifespan,
        exception_handlers=EXCEPTION_HANDLERS,
        docs_url=None,
        redoc_url=None,
    )

    @app.get("/healthz", tags=["health"])
    async def healthz() -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "ok", "version": __version__}

    return app


class _HashedAssets(StaticFiles):
    """Files whose names change with their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def _serve_page(app: FastAPI) -> None:
    index = PAGE / "index.html"

    async def page(_request: Request) -> Response:
        if not index.is_file():
            return PlainTextResponse(
                "The page is not built yet. Run `make page`, then reload.\n", 503, _PAGE_HEADERS
            )
        return FileResponse(index, headers=_PAGE_HEADERS)

    app.add_route("/", page, include_in_schema=False)
    app.add_route("/c/{conversation_id}", page, include_in_schema=False)
    if PAGE.is_dir():
        app.routes.append(Mount("/assets", _HashedAssets(directory=PAGE / "assets")))
        app.routes.append(Mount("/", StaticFiles(directory=PAGE)))
