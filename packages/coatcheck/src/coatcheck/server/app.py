"""The media service as an application: media, its list, health, readiness and metrics."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from coatcheck.delivery.problems import EXCEPTION_HANDLERS
from coatcheck.delivery.ready import Answer, ReadyAnswers, send_answer
from coatcheck.reference import IMAGE_PATH
from coatcheck.server.access import read_origins, read_urls
from coatcheck.server.gathering import GatheredMetrics
from coatcheck.server.service import MediaService
from coatcheck.server.settings import ServiceSettings

_MEDIA: Final = "/api/media"
_PICTURES: Final = f"{_MEDIA}{IMAGE_PATH}/"
_LONGEST_HOST: Final = 255
_HOST: Final = re.compile(r"([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


class Worker(NamedTuple):
    """One of several processes that serve the same media.

    Attributes:
        number: its number, from 1; the process that replaces it has the same.
        directory: where the workers have sockets to each other.
    """

    number: int
    directory: Path


class ServiceApplication(Starlette):
    """Looks for ready answers before anything else but the check of the Host header.

    What was added with ``add_middleware`` may decide who gets what. Then no answer is ready.

    Args:
        allowed_hosts: names in the Host header that are answered.
        options: Starlette's.
    """

    def __init__(self, allowed_hosts: Sequence[str], **options: Any) -> None:
        check = Middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts))
        super().__init__(middleware=[check], **options)
        self.ready: ReadyAnswers | None = None
        self._any_host = "*" in allowed_hosts
        self._hosts = tuple(name.lower() for name in allowed_hosts)
        self._own_middleware = list(self.user_middleware)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = self.find_ready(scope) if scope["type"] == "http" else None
        if answer is None:
            await super().__call__(scope, receive, send)
        else:
            await send_answer(answer, send)

    def find_ready(self, scope: Scope) -> Answer | None:
        """Return the ready answer to a request; see `ReadyAnswers.find`.

        Args:
            scope: of the request.
        """
        if (
            self.ready is None
            or not (self._any_host or self._answers_to(scope))
            or self.user_middleware != self._own_middleware
        ):
            return None
        return self.ready.find(scope, _PICTURES)

    def _answers_to(self, scope: Scope) -> bool:
        """Whether the middleware would pass the request on; false also for an unusual Host."""
        for name, value in scope["headers"]:
            if name == b"host":
                return len(value) <= _LONGEST_HOST and _is_among(value, self._hosts)
        return False


@lru_cache(maxsize=256)
def _is_among(host: bytes, names: tuple[str, ...]) -> bool:
    found = _HOST.fullmatch(host.decode("latin-1").lower())
    return found is not None and any(
        found[1] == name or (name.startswith("*.") and found[1].endswith(name[1:]))
        for name in names
    )


def create_app(
    settings: ServiceSettings,
    *,
    allowed_hosts: Sequence[str] = ("*",),
    worker: Worker | None = None,
) -> ServiceApplication:
    """The media service by itself.

    Under access control an application beside it signs the URLs or grants the cookie, with the
    same keys.

    Args:
        settings: what the installation decides.
        allowed_hosts: names in the Host header that are answered; others get 400. A page of another
            site that makes its own name point here (DNS rebinding) is turned away by it.
        worker: which of several processes this is; None if it is the only one.

    Raises:
        ConfigurationError: a signing key, a URL or an origin that `settings` name cannot be used.
    """
    service = MediaService(settings, urls=read_urls(settings), allow_origins=read_origins(settings))
    gathered = None
    if worker is not None:
        gathered = GatheredMetrics(service.metrics, worker.directory, worker.number)

    @asynccontextmanager
    async def lifespan(app: ServiceApplication) -> AsyncIterator[None]:
        async with (
            nullcontext() if gathered is None else gathered.shared(),
            service.running() as running,
        ):
            app.ready = running.media.ready
            app.router.routes += [
                Route("/readyz", running.readiness.answer),
                Route(_MEDIA, running.media_list, methods=["GET"]),
                Mount(_MEDIA, running.media),
            ]
            yield

    app = ServiceApplication(
        allowed_hosts,
        routes=[
            *([] if gathered is None else [Route("/metrics", gathered.answer)]),
            *service.routes,
        ],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app
