"""The composition root: settings in, the server's application out."""

import time
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

from coatcheck.agent.offline import MODEL_NAME
from coatcheck.agent.painting import PAINTERS
from coatcheck.agent.previews import Previews
from coatcheck.agent.tools import ToolContext
from coatcheck.backends import Backends, open_backends
from coatcheck.budget import DailyBudget
from coatcheck.chat.api import conversations_api, nobody
from coatcheck.chat.budgeted import BudgetedResponder
from coatcheck.chat.conversations import Conversations
from coatcheck.chat.history import History
from coatcheck.chat.limits import ChatLimits, Client
from coatcheck.chat.socket import ChatSocket
from coatcheck.chat.sse import ChatStreams
from coatcheck.chat.turns import Turns
from coatcheck.comparison import ComparedPictures, ComparisonSocket
from coatcheck.delivery import media_app
from coatcheck.delivery.access import Authorizer, OpenAccess, PrincipalAccess, SignedAccess
from coatcheck.delivery.app import AdmitUpload
from coatcheck.delivery.listing import media_list
from coatcheck.delivery.measuring import MeasuredRenderer
from coatcheck.delivery.metrics import Metrics
from coatcheck.delivery.problems import EXCEPTION_HANDLERS, answer_error
from coatcheck.delivery.sendfile import SendFile
from coatcheck.delivery.uncached import UncachedJson
from coatcheck.directorylock import chat_lock
from coatcheck.errors import (
    ConfigurationError,
    InvalidInputError,
    QuotaExceededError,
    RateLimitError,
    UnauthorizedError,
)
from coatcheck.frontend import page_routes
from coatcheck.imagery import Imagery
from coatcheck.integrations.pydantic_ai import PydanticAIResponder, load_model
from coatcheck.origin import client_address
from coatcheck.ports import LocalPaths, Responder
from coatcheck.previews import PreviewStore
from coatcheck.reference import MediaUrls
from coatcheck.settings import Settings
from coatcheck.signing import Keyring, UrlSigner
from coatcheck.version import __version__
from coatcheck.visitors import EVERYONE, PRINCIPAL_HEADER, Addressed, Visitors
from coatcheck.workers import WorkerPool

_POLICY_VIOLATION: Final = 1008
_HOUSEKEEPING_SECONDS: Final = 30.0
_DAY_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class _Access:
    """How media is guarded: who gets it, which URLs it has, who the browsers are."""

    authorizer: Authorizer
    urls: MediaUrls
    visitors: Visitors | None

    def identify(self, connection: HTTPConnection) -> str | None:
        """The id of the browser; None where nobody is told apart.

        Raises:
            UnauthorizedError: the browser has no name.
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
    access = _guard(settings)
    urls, visitors = access.urls, access.visitors

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            backends = await stack.enter_async_context(_open_alone(settings, metrics))
            painters = WorkerPool("coatcheck.agent.painting", PAINTERS)
            stack.push_async_callback(painters.aclose)
            provider = await stack.enter_async_context(imagery.open(painters, backends.fetcher))
            history = History(backends.conversations, backends.store, urls)
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
            limits = _limits(settings, settings.chat_messages)
            chat = await stack.enter_async_context(
                ChatSocket(history, turns, backends.store, previews, urls, limits).running()
            )
            streams = ChatStreams(history, turns, urls, limits, access.identify)

            @app.websocket("/ws/chat")
            async def serve_chat(websocket: WebSocket) -> None:
                if visitors is None:
                    await chat.serve(websocket)
                elif (visitor := visitors.identify(websocket)) is not None:
                    await chat.serve(websocket, owner=visitor.id)
                else:
                    await websocket.close(_POLICY_VIOLATION)  # the page names every browser first

            if settings.access == "open":  # its pictures belong to nobody
                compared = ComparedPictures(backends.store, painters)
                stack.push_async_callback(compared.aclose)
                comparison = ComparisonSocket(backends.store, compared.all)
                app.add_api_websocket_route("/ws/compare", comparison.serve)

            conversations = Conversations(
                backends.directory,
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
                    visitors.require if visitors else nobody,
                ),
                dependencies=[Depends(access.address)],
            )
            app.router.routes.extend(streams.routes())
            listing = media_list(backends.store, urls, access.authorizer, metrics)
            app.router.routes.append(
                Route("/api/media", Addressed(listing, access.name), methods=["GET"])
            )
            app.mount(
                "/api/media",
                media_app(
                    backends.store,
                    urls,
                    access.authorizer,
                    upload_seconds=settings.upload_seconds,
                    metrics=metrics,
                    sendfile=_sendfile(settings, backends.local_paths),
                    previews=previews,
                    admit_upload=_upload_limit(settings),
                ),
            )

            async def readyz(_request: Request) -> Response:
                await backends.readiness.check()
                return UncachedJson({"status": "ready"})

            app.add_route("/readyz", readyz, include_in_schema=False)
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
    app.router.routes.extend(page_routes(access.welcome))
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts))

    async def healthz(_request: Request) -> Response:
        return UncachedJson({"status": "ok", "version": __version__})

    # Plain routes: FastAPI's own have either GET or HEAD in their Allow header, not both.
    app.add_route("/healthz", healthz, include_in_schema=False)
    app.add_route("/metrics", metrics.answer, include_in_schema=False)
    return app


@asynccontextmanager
async def _open_alone(settings: Settings, metrics: Metrics) -> AsyncIterator[Backends]:
    """The back ends, in a directory that no other chat server uses."""
    async with (
        chat_lock(settings.data),
        open_backends(settings, lambda renderer: MeasuredRenderer(renderer, metrics)) as backends,
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


def _limits(settings: Settings, per_minute: int) -> ChatLimits:
    return ChatLimits(
        sockets=settings.chat_sockets,
        per_minute=per_minute,
        per_address=settings.per_address,
        in_all=settings.in_all,
    )


def _upload_limit(settings: Settings) -> AdmitUpload:
    """How many uploads a client may begin, and under a quota how many bytes an address a day.

    A browser with a new name has a quota anew: without the latter, an address would have no end.
    """
    rates = _limits(settings, settings.uploads)
    share = settings.owner_bytes * settings.per_address
    daily = ChatLimits(per_minute=share, in_all=settings.in_all, minutes=_DAY_MINUTES)

    def admit(connection: HTTPConnection, owner: str | None) -> None:
        now, address = time.monotonic(), client_address(connection)
        rates.of(Client(owner, address), now).take(now)
        if share and owner is not None:
            length = connection.headers.get("content-length", "")
            size = int(length[:20]) if length.isdecimal() else settings.max_bytes
            try:
                daily.of(Client(None, address), now).take(now, size)
            except RateLimitError as error:
                raise QuotaExceededError(
                    "This address has uploaded what it may in a day; try again later."
                ) from error

    return admit


def _sendfile(settings: Settings, paths: LocalPaths) -> SendFile | None:
    try:
        return SendFile.parse(settings.sendfile, paths)
    except ConfigurationError as error:
        raise ConfigurationError(f"COATCHECK_SENDFILE: {error.message}") from error


def _guard(settings: Settings) -> _Access:
    if settings.access == "open":
        return _Access(OpenAccess(), MediaUrls(), None)
    try:
        keyring = Keyring.parse(settings.keys.get_secret_value())
    except ConfigurationError as error:
        raise ConfigurationError(f"COATCHECK_KEYS: {error.message}") from error
    visitors = Visitors(keyring)
    if settings.access == "cookie":
        return _Access(PrincipalAccess(visitors.media.read), MediaUrls(), visitors)
    signer = UrlSigner(keyring, time.time)
    return _Access(
        SignedAccess(signer, PrincipalAccess(visitors.identify)), MediaUrls(signer=signer), visitors
    )
