"""Coatcheck around an application that knows nothing of it.

::

    app = wrap(app)
"""

import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from anyio import Lock
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck.delivery import media_app
from coatcheck.delivery.access import Authorizer
from coatcheck.delivery.middleware import OffloadMiddleware, Owner
from coatcheck.errors import ConfigurationError
from coatcheck.opening import open_store
from coatcheck.payload.offload import OffloadLimits, OffloadReport
from coatcheck.reference import MediaUrls
from coatcheck.store import MediaStore

_log: Final = logging.getLogger(__name__)
_READING: Final = frozenset({"GET", "HEAD"})


def wrap(
    app: ASGIApp,
    data: Path | str = ".coatcheck",
    *,
    prefix: str = "/api/media",
    measure_only: bool = False,
    on_report: Callable[[OffloadReport], object] | None = None,
    owner: Owner = None,
    access: Authorizer | None = None,
    urls: MediaUrls | None = None,
    limits: OffloadLimits | None = None,
) -> "WrappedApp":
    """The application, with inline media taken out of what it sends and served beside it.

    The store is opened and closed with the life span, be there one of the application's own or not.
    Where the server tells of none, it is opened when the first media comes.

    Args:
        app: any ASGI application. Wrap it last: what is returned has no routes to add to.
        data: the directory of the store, see `open_store`.
        prefix: the path that media is read under. Only reading is served: to upload or delete over
            HTTP, mount `media_app`.
        measure_only: store, serve and change nothing, only report what would be.
        on_report: see `OffloadMiddleware`.
        owner: see `OffloadMiddleware`.
        access: who gets what; everyone who knows an id where it is left out.
        urls: mints the URLs, if they are signed or the prefix is another one for the browser.
        limits: what counts as media.

    Raises:
        ConfigurationError: `prefix` is no path.
    """
    if not prefix.startswith("/") or prefix.endswith("/"):
        raise ConfigurationError("A prefix begins with a slash and ends with none: /api/media")
    store = _Store(data)
    minted = urls or MediaUrls(prefix)
    middleware = OffloadMiddleware(
        app,
        store.get,
        measure_only=measure_only,
        on_report=on_report,
        owner=owner,
        urls=minted,
        limits=limits,
    )
    if measure_only:
        return WrappedApp(middleware, None, None)
    media = Mount(prefix, _Media(store, minted, access))
    return WrappedApp(middleware, media, store)


class WrappedApp:
    """What `wrap` returns.

    Attributes:
        middleware: takes the media out; ``middleware.totals`` says how much.
    """

    def __init__(
        self, middleware: OffloadMiddleware, media: Mount | None, store: "_Store | None"
    ) -> None:
        self.middleware = middleware
        self._media = media
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for media, and let the application answer everything else."""
        if self._media is not None and scope["type"] == "http" and scope["method"] in _READING:
            match, child = self._media.matches(scope)
            if match is Match.FULL:
                await self._media.handle({**scope, **child}, receive, send)
                return
        if self._store is not None and scope["type"] == "lifespan":
            await self._live(self._store, scope, receive, send)
            return
        await self.middleware(scope, receive, send)

    async def _live(self, store: "_Store", scope: Scope, receive: Receive, send: Send) -> None:
        """Hold the store open for the application's life span, or for one in its stead."""
        startup = await receive()
        try:
            await store.get()
        except Exception as error:
            # Told in this way, the server does not start.
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise

        async def tell(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                await store.aclose()  # the server ends as soon as it hears of it
            await send(message)

        try:
            if not await _answers(self.middleware, scope, startup, receive, tell):
                await tell({"type": "lifespan.startup.complete"})
                await receive()
                await tell({"type": "lifespan.shutdown.complete"})
        finally:
            await store.aclose()


async def _answers(
    app: ASGIApp, scope: Scope, startup: Message, receive: Receive, send: Send
) -> bool:
    """Run the application's life span to its end; False if it has none."""
    unheard = [startup]
    answered = False

    async def hear() -> Message:
        return unheard.pop() if unheard else await receive()

    async def answer(message: Message) -> None:
        nonlocal answered
        await send(message)
        answered = True

    try:
        await app(scope, hear, answer)
    except Exception:
        if answered:
            raise
        # By the protocol, any exception says that there is none.
        _log.debug("The application has no life span.", exc_info=True)
    return answered


class _Store:
    """A store that is opened when it is first asked for."""

    def __init__(self, data: Path | str) -> None:
        self._data = data
        self._opening = Lock()
        self._resources = AsyncExitStack()
        self._store: MediaStore | None = None

    async def get(self) -> MediaStore:
        if self._store is None:
            async with self._opening:
                if self._store is None:
                    opened = open_store(self._data)
                    self._store = await self._resources.enter_async_context(opened)
        return self._store

    async def aclose(self) -> None:
        async with self._opening:
            self._store = None
            await self._resources.aclose()


class _Media:
    """The media endpoint of a store that may not be open yet."""

    def __init__(self, store: _Store, urls: MediaUrls, access: Authorizer | None) -> None:
        self._store = store
        self._urls = urls
        self._access = access
        self._served: tuple[MediaStore, ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        store = await self._store.get()
        if self._served is None or self._served[0] is not store:
            self._served = (store, media_app(store, self._urls, self._access))
        await self._served[1](scope, receive, send)
