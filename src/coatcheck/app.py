"""The composition root: settings in, the server's application out."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI, WebSocket
from starlette.middleware.trustedhost import TrustedHostMiddleware

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
from coatcheck.frontend import page_routes
from coatcheck.integrations.pydantic_ai import PydanticAIResponder, load_model
from coatcheck.reference import MediaUrls
from coatcheck.settings import Settings
from coatcheck.version import __version__
from coatcheck.workers import WorkerPool


def create_app(settings: Settings, *, allowed_hosts: Sequence[str] = ("*",)) -> FastAPI:
    """The server: chat, media and the page.

    Args:
        settings: what the installation decides.
        allowed_hosts: names in the Host header that are answered; others get 400. A page of another
            site that makes its own name point here (DNS rebinding) is turned away by it.

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
            await stack.enter_async_context(responder)
            turns = await stack.enter_async_context(Turns.running(history, responder))
            chat = ChatSocket(history, turns)

            @app.websocket("/ws/chat")
            async def serve_chat(websocket: WebSocket) -> None:
                await chat.serve(websocket)

            app.include_router(conversations_api(history))
            app.mount("/api/media", media_app(backends.store, urls))
            yield

    app = FastAPI(
        title="Coatcheck",
        version=__version__,
        lifespan=lifespan,
        exception_handlers=EXCEPTION_HANDLERS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.router.routes.extend(page_routes())
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts))

    @app.api_route("/healthz", methods=["GET", "HEAD"], tags=["health"])
    async def healthz() -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "ok", "version": __version__}

    return app
