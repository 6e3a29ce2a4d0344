"""The media service: all of `coatcheck serve`, and a part of the chat."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from coatcheck.delivery.access import Identify
from coatcheck.delivery.app import MediaApplication, media_app
from coatcheck.delivery.listing import media_list
from coatcheck.delivery.measuring import MeasuredRenderer
from coatcheck.delivery.metrics import Metrics
from coatcheck.delivery.uncached import UncachedJson
from coatcheck.opening import open_backends
from coatcheck.ports import Fetcher, Participant, PreviewBoard, Shrinker
from coatcheck.reference import MediaUrls
from coatcheck.server.access import guard, read_keyring, read_sendfile, upload_limit
from coatcheck.server.readiness import Readiness
from coatcheck.server.settings import Settings
from coatcheck.store import MediaStore
from coatcheck.version import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningMediaService:
    """A `MediaService` whose store is open.

    Attributes:
        store: keeps the media.
        fetcher: fetches URLs; None if the extra ``fetch`` is not installed.
        shrinker: makes small pictures in the store's own workers.
        media: the ASGI application to mount at ``/api/media``.
        media_list: the ASGI application for ``GET /api/media``.
        readiness: checks that the catalog and the encoder work.
    """

    store: MediaStore
    fetcher: Fetcher | None
    shrinker: Shrinker
    media: MediaApplication
    media_list: ASGIApp
    readiness: Readiness


class MediaService:
    """Serves media as the settings say: store, access, limits, metrics, health and readiness.

    Args:
        settings: the settings.
        reads: in cookie mode, identifies clients that ask for media; by default by the media
            cookie, which your application sets with the same keys (`SignedCookie.grant`).
        uploads: under access control, identifies clients that upload, describe and delete; by
            default `reads`.
        urls: mints the URLs, without their signature.
        allow_origins: front ends of other origins, see `media_app`.
        previews: previews of pictures that are being made, served beside media.
        participants: owners of other tables in the store's database.

    Attributes:
        urls: mints the URLs that this service answers.
        metrics: the metrics.
        routes: ``/healthz`` and ``/metrics``, which also answer before the store is open.

    Raises:
        ConfigurationError: a setting cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        reads: Identify | None = None,
        uploads: Identify | None = None,
        urls: MediaUrls | None = None,
        allow_origins: Collection[str] = (),
        previews: PreviewBoard | None = None,
        participants: Sequence[Participant] = (),
    ) -> None:
        self._settings = settings
        self._access = guard(
            settings, read_keyring(settings), reads=reads, uploads=uploads, urls=urls
        )
        self._allow_origins = allow_origins
        self._previews = previews
        self._participants = participants
        self.urls: MediaUrls = self._access.urls
        self.metrics = Metrics()
        self.routes = [Route("/healthz", _answer_health), Route("/metrics", self.metrics.answer)]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RunningMediaService]:
        """Open the store, and close it when the context ends.

        Raises:
            StorageError: the data directory or the catalog cannot be opened.
            ConfigurationError: a setting cannot be used.
        """
        settings, authorizer = self._settings, self._access.authorizer
        async with open_backends(
            replace(settings.store_options, eager=True),
            partial(MeasuredRenderer, metrics=self.metrics),
            participants=self._participants,
        ) as backends:
            yield RunningMediaService(
                store=backends.store,
                fetcher=backends.fetcher,
                shrinker=backends.shrinker,
                media=media_app(
                    backends.store,
                    self.urls,
                    authorizer,
                    upload_seconds=settings.upload_seconds,
                    metrics=self.metrics,
                    sendfile=read_sendfile(settings, backends.local_paths),
                    previews=self._previews,
                    admit_upload=upload_limit(settings),
                    allow_origins=self._allow_origins,
                ),
                media_list=media_list(
                    backends.store,
                    self.urls,
                    authorizer,
                    self.metrics,
                    allow_origins=self._allow_origins,
                ),
                readiness=Readiness(backends.catalog, backends.renderer),
            )


async def _answer_health(_request: Request) -> Response:
    """Answer that the process works, with its version."""
    return UncachedJson({"status": "ok", "version": __version__})
