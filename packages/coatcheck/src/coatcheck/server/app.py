"""The media service as an application: media, its list, health, readiness and metrics."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount, Route

from coatcheck.delivery.problems import EXCEPTION_HANDLERS
from coatcheck.server.access import read_origins, read_urls
from coatcheck.server.service import MediaService
from coatcheck.server.settings import ServiceSettings


def create_app(settings: ServiceSettings, *, allowed_hosts: Sequence[str] = ("*",)) -> Starlette:
    """The media service by itself.

    Under access control an application beside it signs the URLs or grants the cookie, with the
    same keys.

    Args:
        settings: what the installation decides.
        allowed_hosts: names in the Host header that are answered; others get 400. A page of another
            site that makes its own name point here (DNS rebinding) is turned away by it.

    Raises:
        ConfigurationError: a signing key, a URL or an origin that `settings` name cannot be used.
    """
    service = MediaService(settings, urls=read_urls(settings), allow_origins=read_origins(settings))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with service.running() as running:
            app.router.routes += [
                Route("/readyz", running.readiness.answer),
                Route("/api/media", running.media_list, methods=["GET"]),
                Mount("/api/media", running.media),
            ]
            yield

    app = Starlette(
        routes=service.routes,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts))],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app
