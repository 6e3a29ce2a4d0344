"""The composition root: settings in, the server's application out."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

import anyio
from anyio.abc import TaskGroup
from fastapi import Depends, FastAPI, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection
from starlette.routing import Mount, Route

from coatcheck import __version__
from coatcheck.delivery import EXCEPTION_HANDLERS, ClientLimits, PreviewStore, answer_error
from coatcheck.errors import ConfigurationError, InvalidInputError, UnauthorizedError
from coatcheck.server import MediaService, read_keyring
from coatcheck.store import Fetcher
from coatcheck.workers import WorkerPool
from coatcheck_chat.agent.offline import MODEL_NAME
from coatcheck_chat.agent.previews import Previews
from coatcheck_chat.agent.pydantic_ai import PydanticAIResponder, load_model
from coatcheck_chat.agent.tools import ToolContext
from coatcheck_chat.api import anonymous_owner, conversations_api
from coatcheck_chat.budget import DailyBudget
from coatcheck_chat.comparison import ComparedPictures, ComparisonSocket
from coatcheck_chat.frontend import page_routes
from coatcheck_chat.history.conversations import Conversations
from coatcheck_chat.history.history import History
from coatcheck_chat.history.participant import ChatHistory
from coatcheck_chat.history.sql_directory import SqlConversationDirectory
from coatcheck_chat.history.sql_log import SqlConversationLog
from coatcheck_chat.lock import chat_lock
from coatcheck_chat.painting import PAINTERS
from coatcheck_chat.providers.registry import Imagery
from coatcheck_chat.settings import Settings
from coatcheck_chat.streaming.budgeted import BudgetedResponder
from coatcheck_chat.streaming.responder import Responder
from coatcheck_chat.streaming.socket import ChatSocket
from coatcheck_chat.streaming.sse import ChatStreams
from coatcheck_chat.streaming.turns import Turns
from coatcheck_chat.visitors import EVERYONE, PRINCIPAL_HEADER, Addressed, Visitors

_POLICY_VIOLATION: Final = 1008
_HOUSEKEEPING_SECONDS: Final = 30.0
_DAY_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class _Browsers:
    """Identifies browsers; in open mode they are anonymous."""

    visitors: Visitors | None

    def identify(self, connection: HTTPConnection) -> str | None:
        """The id of the browser; None in open mode.

        Raises:
            UnauthorizedError: the browser has not opened the page.
        """
        if self.visitors is None:
            return None
        visitor = self.visitors.identify(connection)
        if visitor is None:
            raise UnauthorizedError
        return visitor.id

    def name(self, connection: HTTPConnection) -> str | None:
        """The browser's name in `PRINCIPAL_HEADER`; None before it has opened the page."""
        return EVERYONE if self.visitors is None else self.visitors.name(connection)

    async def address(self, request: Request, response: Response) -> None:
        """Say on an answer whose it is."""
        if (name := self.name(request)) is not None:
            response.headers[PRINCIPAL_HEADER] = name

    def welcome(self, request: Request, response: Response) -> None:
        """Say on the answer with the page whose it is; under access control, name the browser."""
        if self.visitors is None:
            response.headers[PRINCIPAL_HEADER] = EVERYONE
        else:
            self.visitors.welcome(request, response)


def create_app(settings: Settings, *, allowed_hosts: Sequence[str] = ("*",)) -> FastAPI:
    """The server: chat, media and the page.

    Args:
        settings: what the installation decides.
        allowed_hosts: names in the Host header that are answered; others get 400. A page of another
            site that makes its own name point here (DNS rebinding) is turned away by it.

    Raises:
        ConfigurationError: the model, an image provider or a signing key that `settings` name
            cannot be used.

    Its start raises `StorageError` where the data directory cannot be used, and `DataInUseError`
    where another such server uses it.
    """
    model = load_model(settings.model)
    imagery = Imagery(settings)
    keyring = read_keyring(settings)
    visitors = None if keyring is None else Visitors(keyring)
    browsers = _Browsers(visitors)
    previews = PreviewStore()
    service = MediaService(
        settings,
        reads=visitors.media.read if visitors else None,
        uploads=visitors.identify if visitors else None,
        previews=previews,
        participants=[ChatHistory()],
    )
    urls = service.urls

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            # No other chat server may use the directory.
            await stack.enter_async_context(chat_lock(settings.data))
            running = await stack.enter_async_context(service.running())
            store = running.store
            painters = WorkerPool("coatcheck_chat.painting", PAINTERS)
            stack.push_async_callback(painters.aclose)
            provider = await stack.enter_async_context(
                imagery.open(painters, _required(running.fetcher))
            )
            history = History(SqlConversationLog(store), store, urls)
            responder = PydanticAIResponder(
                model,
                ToolContext(
                    store=store,
                    provider=provider,
                    painters=painters,
                    urls=urls,
                    previews=Previews(shrinker=running.shrinker, board=previews),
                ),
            )
            await stack.enter_async_context(responder)
            turns = await stack.enter_async_context(
                Turns.running(history, _within_budget(responder, settings))
            )
            limits = _limits(settings)
            chat = await stack.enter_async_context(
                ChatSocket(history, turns, store, previews, urls, limits).running()
            )
            streams = ChatStreams(history, turns, urls, limits, browsers.identify)

            @app.websocket("/ws/chat")
            async def serve_chat(websocket: WebSocket) -> None:
                if visitors is None:
                    await chat.serve(websocket)
                elif (visitor := visitors.identify(websocket)) is not None:
                    await chat.serve(websocket, owner=visitor.id)
                else:
                    await websocket.close(_POLICY_VIOLATION)  # the page names every browser first

            if settings.access == "open":  # its pictures have no owner
                compared = ComparedPictures(store, painters)
                stack.push_async_callback(compared.aclose)
                comparison = ComparisonSocket(store, compared.all)
                app.add_api_websocket_route("/ws/compare", comparison.serve)

            conversations = Conversations(
                SqlConversationDirectory(store),
                store,
                grace=timedelta(seconds=settings.delete_grace_seconds),
            )
            tasks = await stack.enter_async_context(_cancelled_at_the_end())
            tasks.start_soon(partial(conversations.keep_house, every=_HOUSEKEEPING_SECONDS))
            app.include_router(
                conversations_api(
                    conversations,
                    history,
                    turns.streams,
                    store,
                    visitors.require if visitors else anonymous_owner,
                ),
                dependencies=[Depends(browsers.address)],
            )
            app.router.routes.extend(streams.routes())
            listed = Addressed(running.media_list, browsers.name)
            app.router.routes += [
                Route("/api/media", listed, methods=["GET"]),
                Mount("/api/media", running.media),
                Route("/readyz", running.readiness.answer),
            ]
            yield

    app = FastAPI(
        title="Coatcheck",
        version=__version__,
        lifespan=lifespan,
        exception_handlers=EXCEPTION_HANDLERS | {RequestValidationError: _answer_invalid},
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.router.routes += [
        *page_routes(browsers.welcome),
        *service.routes,
    ]
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts))
    return app


def _required(fetcher: Fetcher | None) -> Fetcher:
    if fetcher is None:
        raise ConfigurationError(
            "The chat fetches pictures. Install what that needs: pip install 'coatcheck[fetch]'"
        )
    return fetcher


@asynccontextmanager
async def _cancelled_at_the_end() -> AsyncIterator[TaskGroup]:
    async with anyio.create_task_group() as tasks:
        yield tasks
        tasks.cancel_scope.cancel()


async def _answer_invalid(request: Request, error: Exception) -> Response:
    """Turn FastAPI's validation error of a parameter into one of our own."""
    told = InvalidInputError()
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        told = InvalidInputError(f"{first['loc'][-1]}: {first['msg']}.")
    return await answer_error(request, told)


def _within_budget(responder: Responder, settings: Settings) -> Responder:
    if settings.model == MODEL_NAME or not settings.paid_turns:
        return responder
    return BudgetedResponder(responder, DailyBudget(settings.paid_turns))


def _limits(settings: Settings) -> ClientLimits:
    return ClientLimits(
        sockets=settings.chat_sockets,
        per_minute=settings.chat_messages,
        per_address=settings.per_address,
        in_all=settings.in_all,
    )
