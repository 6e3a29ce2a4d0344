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
from starlette.routing import Route

from coatcheck.delivery import media_app
from coatcheck.delivery.limits import ClientLimits
from coatcheck.delivery.listing import media_list
from coatcheck.delivery.measuring import MeasuredRenderer
from coatcheck.delivery.metrics import Metrics
from coatcheck.delivery.previews import PreviewStore
from coatcheck.delivery.problems import EXCEPTION_HANDLERS, answer_error
from coatcheck.errors import ConfigurationError, InvalidInputError, UnauthorizedError
from coatcheck.opening import Backends, open_backends
from coatcheck.ports import Fetcher
from coatcheck.server.access import anonymous, guard, read_keyring, read_sendfile, upload_limit
from coatcheck.server.app import answer_health
from coatcheck.server.readiness import Readiness
from coatcheck.version import __version__
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
    """Who the browsers are; in open mode they are anonymous."""

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
        """What `PRINCIPAL_HEADER` calls the browser; None for one that has not opened the page."""
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
    metrics = Metrics()
    keyring = read_keyring(settings)
    visitors = None if keyring is None else Visitors(keyring)
    browsers = _Browsers(visitors)
    access = guard(
        settings,
        keyring,
        reads=anonymous if visitors is None else visitors.media.read,
        uploads=anonymous if visitors is None else visitors.identify,
    )
    urls = access.urls

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            backends = await stack.enter_async_context(_open_alone(settings, metrics))
            readiness = Readiness(backends.catalog, backends.renderer)
            painters = WorkerPool("coatcheck_chat.painting", PAINTERS)
            stack.push_async_callback(painters.aclose)
            provider = await stack.enter_async_context(
                imagery.open(painters, _required(backends.fetcher))
            )
            history = History(SqlConversationLog(backends.store), backends.store, urls)
            previews = PreviewStore()
            responder = PydanticAIResponder(
                model,
                ToolContext(
                    store=backends.store,
                    provider=provider,
                    painters=painters,
                    urls=urls,
                    previews=Previews(shrinker=backends.shrinker, board=previews),
                ),
            )
            await stack.enter_async_context(responder)
            turns = await stack.enter_async_context(
                Turns.running(history, _within_budget(responder, settings))
            )
            limits = _limits(settings)
            chat = await stack.enter_async_context(
                ChatSocket(history, turns, backends.store, previews, urls, limits).running()
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
                compared = ComparedPictures(backends.store, painters)
                stack.push_async_callback(compared.aclose)
                comparison = ComparisonSocket(backends.store, compared.all)
                app.add_api_websocket_route("/ws/compare", comparison.serve)

            conversations = Conversations(
                SqlConversationDirectory(backends.store),
                backends.store,
                grace=timedelta(seconds=settings.delete_grace_seconds),
            )
            tasks = await stack.enter_async_context(_cancelled_at_the_end())
            tasks.start_soon(partial(conversations.keep_house, every=_HOUSEKEEPING_SECONDS))
            app.include_router(
                conversations_api(
                    conversations,
                    history,
                    turns.streams,
                    backends.store,
                    visitors.require if visitors else anonymous_owner,
                ),
                dependencies=[Depends(browsers.address)],
            )
            app.router.routes.extend(streams.routes())
            listing = media_list(backends.store, urls, access.authorizer, metrics)
            app.router.routes.append(
                Route("/api/media", Addressed(listing, browsers.name), methods=["GET"])
            )
            app.mount(
                "/api/media",
                media_app(
                    backends.store,
                    urls,
                    access.authorizer,
                    upload_seconds=settings.upload_seconds,
                    metrics=metrics,
                    sendfile=read_sendfile(settings, backends.local_paths),
                    previews=previews,
                    admit_upload=upload_limit(settings),
                ),
            )

            app.add_route("/readyz", readiness.answer, include_in_schema=False)
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
        # Plain routes: FastAPI's own have either GET or HEAD in their Allow header, not both.
        Route("/healthz", answer_health),
        Route("/metrics", metrics.answer),
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
async def _open_alone(settings: Settings, metrics: Metrics) -> AsyncIterator[Backends]:
    """The back ends, in a directory that no other chat server uses."""
    async with (
        chat_lock(settings.data),
        open_backends(
            settings.store_options,
            lambda renderer: MeasuredRenderer(renderer, metrics),
            participants=[ChatHistory()],
        ) as backends,
    ):
        yield backends


@asynccontextmanager
async def _cancelled_at_the_end() -> AsyncIterator[TaskGroup]:
    async with anyio.create_task_group() as tasks:
        yield tasks
        tasks.cancel_scope.cancel()


async def _answer_invalid(request: Request, error: Exception) -> Response:
    """What FastAPI finds wrong with a parameter, as an error of our own."""
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
