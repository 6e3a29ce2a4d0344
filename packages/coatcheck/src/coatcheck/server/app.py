"""The media service as an application: media, its list, health, readiness and metrics."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from coatcheck.delivery import media_app, media_list
from coatcheck.delivery.cookies import SignedCookie
from coatcheck.delivery.measuring import MeasuredRenderer
from coatcheck.delivery.metrics import Metrics
from coatcheck.delivery.problems import EXCEPTION_HANDLERS
from coatcheck.delivery.uncached import UncachedJson
from coatcheck.opening import open_backends
from coatcheck.ports import QueuedRenderer
from coatcheck.server.access import (
    anonymous,
    guard,
    read_keyring,
    read_origins,
    read_sendfile,
    read_urls,
    upload_limit,
)
from coatcheck.server.readiness import Readiness
from coatcheck.server.settings import ServiceSettings
from coatcheck.version import __version__


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
    metrics = Metrics()
    keyring = read_keyring(settings)
    identify = anonymous if keyring is None else SignedCookie(keyring, time.time).read
    urls = read_urls(settings)
    access = guard(settings, keyring, reads=identify, uploads=identify, urls=urls)
    origins = read_origins(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        def measured(renderer: QueuedRenderer) -> MeasuredRenderer:
            return MeasuredRenderer(renderer, metrics)

        async with open_backends(settings.store_options, measured) as backends:
            readiness = Readiness(backends.catalog, backends.renderer)
            media = media_app(
                backends.store,
                access.urls,
                access.authorizer,
                upload_seconds=settings.upload_seconds,
                metrics=metrics,
                sendfile=read_sendfile(settings, backends.local_paths),
                admit_upload=upload_limit(settings),
                allow_origins=origins,
            )
            listed = media_list(
                backends.store, access.urls, access.authorizer, metrics, allow_origins=origins
            )
            app.router.routes += [
                Route("/readyz", readiness.answer),
                Route("/api/media", listed, methods=["GET"]),
                Mount("/api/media", media),
            ]
            yield

    app = Starlette(
        routes=[Route("/healthz", answer_health), Route("/metrics", metrics.answer)],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts))],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


async def answer_health(_request: Request) -> Response:
    """That the process answers, and which version it is."""
    return UncachedJson({"status": "ok", "version": __version__})
