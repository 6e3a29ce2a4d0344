"""Wrap an application that does not know Coatcheck.

::

    app = wrap(app)
"""

import inspect
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote

from anyio import Lock
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck.delivery import media_app
from coatcheck.delivery.access import Authorizer, OpenAccess, SignedAccess
from coatcheck.delivery.middleware import MiddlewareReport, OffloadMiddleware, Owner, When
from coatcheck.delivery.middleware.requests import has_json
from coatcheck.errors import ConfigurationError
from coatcheck.opening import open_store
from coatcheck.payload.offload import OffloadLimits, OffloadReport
from coatcheck.payload.shapes import DEFAULT_SHAPES, Shapes
from coatcheck.ports import MediaRecord
from coatcheck.reference import MediaUrls
from coatcheck.signing import Key, Keyring, UrlSigner
from coatcheck.store import MediaStore

URL_LIFE_SECONDS: Final = 30 * 24 * 3600
"""How long a URL is valid at least: a tab that is left open still shows its pictures."""

URL_WINDOW_SECONDS: Final = 7 * 24 * 3600
"""For this long the same media has the same URL, so that caches find it again."""

DEFAULT_OWNER_BYTES: Final = 10 * 1024**3
"""How many bytes the media of one owner may occupy; without `owner=`, all media together."""

_log: Final = logging.getLogger(__name__)
_READING: Final = frozenset({"GET", "HEAD"})
_KEY: Final = "media-urls"
_MOUNTED_AT: Final = "coatcheck.mounted_at"
_ASGI: Final = 3
_WSGI: Final = 2


def wrap(
    app: Callable[..., Any],
    data: Path | str = ".coatcheck",
    *,
    prefix: str = "/api/media",
    public: bool = False,
    access: Authorizer | None = None,
    keyring: Keyring | None = None,
    owner: Owner = None,
    owner_bytes: int = DEFAULT_OWNER_BYTES,
    when: When | None = None,
    measure_only: bool = False,
    on_report: Callable[[OffloadReport], object] | None = None,
    limits: OffloadLimits | None = None,
    shapes: Shapes = DEFAULT_SHAPES,
) -> "WrappedApp":
    """Take inline media out of what an application sends, and serve it beside the application.

    URLs are signed: anyone who has one can use it for 30 to 37 days, and unsigned requests get
    nothing. URLs begin with the path that the application is mounted at. Media is put back into
    what clients send, if they may read it.

    The store opens and closes with the lifespan, whether or not the application handles lifespan
    events. If the server sends no lifespan events, the store opens when the first media arrives.

    Args:
        app: an ASGI application, or a WSGI application with the extra ``wsgi``. Wrap it last: you
            cannot add routes to the result.
        data: the directory of the store, see `open_store`. Several processes may share it.
        prefix: the path to read media under. To upload or delete over HTTP, mount `media_app`
            instead.
        public: sign nothing: anyone who knows an id gets the media, and shared caches keep it.
        access: an authorizer that decides for each request who gets what, instead of signed URLs;
            such as `PrincipalAccess`.
        keyring: the keys that sign; by default one key, generated once and kept in the catalog for
            all processes on it.
        owner: see `OffloadMiddleware`.
        owner_bytes: how many bytes the media of one owner may occupy together; 0 for no limit. All
            media without an owner counts as one owner's. Media that does not fit stays inline.
        when: decides which requests and answers are rewritten, see `OffloadMiddleware`; for
            example only a page's, so that other clients of the same routes get base64.
        measure_only: only report what would be done; store, serve and change nothing.
        on_report: see `OffloadMiddleware`.
        limits: what counts as media.
        shapes: how frameworks carry media; `DEFAULT_SHAPES`, perhaps preceded by your own.

    Raises:
        ConfigurationError: `prefix` is not a path; more than one kind of access was chosen; `app`
            is not an application; or it is a WSGI application and the extra is not installed.
    """
    if not prefix.startswith("/") or prefix.endswith("/"):
        raise ConfigurationError("Begin prefix= with a slash and end it without: /api/media")
    if public and access is not None:
        raise ConfigurationError("Pass public=True or access=, not both.")
    if keyring is not None and (public or access is not None):
        raise ConfigurationError("Keys sign URLs: pass keyring= without public=True and access=.")
    way = OpenAccess() if public else access
    opener = _Opener(data, owner_bytes, way, keyring)

    def urls_of(scope: Scope) -> MediaUrls:
        return _urls(scope, prefix, opener.signer)

    middleware = OffloadMiddleware(
        _as_asgi(app),
        opener.get,
        measure_only=measure_only,
        on_report=on_report,
        owner=owner,
        urls=urls_of,
        when=when,
        find_readable=opener.find_readable,
        limits=limits,
        shapes=shapes,
    )
    if measure_only:
        return WrappedApp(middleware, None, None)
    return WrappedApp(middleware, Mount(prefix, _Media(opener, urls_of)), opener)


def _urls(scope: Scope, prefix: str, signer: UrlSigner | None) -> MediaUrls:
    """The minter of a request's URLs, which begin with the path the application is mounted at."""
    # That path is decoded, and may hold what a client asked for, such as the name of a tenant. One
    # that began with two slashes would name another host.
    mounted = quote(scope.get(_MOUNTED_AT, scope.get("root_path", "")).strip("/"))
    return MediaUrls(f"/{mounted}{prefix}" if mounted else prefix, signer=signer)


def _as_asgi(app: Any) -> ASGIApp:
    """Return the application, in an adapter if it speaks WSGI.

    Raises:
        ConfigurationError: it is not an application, or the adapter is not installed.
    """
    if not callable(app):
        raise ConfigurationError(
            f"{type(app).__name__} is not an application, because it cannot be called. Pass"
            " the application itself, such as FastAPI() or Flask(__name__)."
        )
    if _takes(app, _ASGI):
        return cast("ASGIApp", app)
    if not _takes(app, _WSGI):
        raise ConfigurationError(
            "This is not an application: ASGI calls it with scope, receive and send, WSGI with"
            " environ and start_response. If it is a factory, call it and pass the result."
        )
    try:
        adapter = import_module("a2wsgi").WSGIMiddleware
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "This is a WSGI application. Install the adapter with: pip install 'coatcheck[wsgi]'"
        ) from error
    return _with_body_first(cast("ASGIApp", adapter(app)))


def _with_body_first(app: ASGIApp) -> ASGIApp:
    """An adapted application whose requests begin when their bodies of JSON are there.

    WSGI says how long a body is before it is read, and no longer when media was put into it.
    """

    async def adapted(scope: Scope, receive: Receive, send: Send) -> None:
        waiting = [await receive()] if has_json(scope) else []

        async def received() -> Message:
            return waiting.pop() if waiting else await receive()

        await app(scope, received, send)

    return adapted


def _takes(app: Callable[..., object], count: int) -> bool:
    """Whether it can be called with this many arguments."""
    try:
        inspect.signature(app).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # it does not tell
        return count == _ASGI
    return True


class WrappedApp:
    """The ASGI application that `wrap` returns.

    Attributes:
        middleware: takes the media out; ``middleware.totals`` has the sums.
    """

    def __init__(
        self, middleware: OffloadMiddleware, media: Mount | None, store: "_Opener | None"
    ) -> None:
        self.middleware = middleware
        self._media = media
        self._store = store

    def report(self) -> MiddlewareReport:
        """Return what was taken out and what was left, and why, by route. Print it to read it."""
        return self.middleware.report()

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
        # A mount inside of the application lengthens the very scope that it is given.
        mounted_at = scope.get("root_path", "")
        await self.middleware({**scope, _MOUNTED_AT: mounted_at}, receive, send)

    async def _live(self, store: "_Opener", scope: Scope, receive: Receive, send: Send) -> None:
        """Keep the store open for the lifespan, even if the application handles none."""
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
    """Run the application's lifespan to its end; False if it has none."""
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


@dataclass(frozen=True, slots=True)
class _Opened:
    store: MediaStore
    access: Authorizer
    signer: UrlSigner | None


class _Opener:
    """Opens the store on first use, and decides who may read what.

    Args:
        data: the directory.
        owner_bytes: see `open_store`.
        access: decides who gets what; None for signed URLs.
        keyring: the keys of signed URLs; None for a key from the catalog.
    """

    def __init__(
        self,
        data: Path | str,
        owner_bytes: int,
        access: Authorizer | None,
        keyring: Keyring | None,
    ) -> None:
        self._data = data
        self._owner_bytes = owner_bytes
        self._access = access
        self._keyring = keyring
        self._opening = Lock()
        self._resources = AsyncExitStack()
        self._opened: _Opened | None = None

    @property
    def signer(self) -> UrlSigner | None:
        """The signer of URLs; None if they are not signed, or the store is not open."""
        return None if self._opened is None else self._opened.signer

    async def get(self) -> MediaStore:
        return (await self.opened()).store

    async def find_readable(self, scope: Scope, store: MediaStore) -> MediaRecord:
        return await (await self.opened()).access.find_readable(scope, store)

    async def opened(self) -> _Opened:
        if self._opened is None:
            async with self._opening:
                if self._opened is None:
                    self._opened = await self._open()
        return self._opened

    async def aclose(self) -> None:
        async with self._opening:
            self._opened = None
            await self._resources.aclose()

    async def _open(self) -> _Opened:
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(
                open_store(self._data, owner_bytes=self._owner_bytes, eager=True)
            )
            opened = _Opened(store, *await self._way(store))
            self._resources = stack.pop_all()
        return opened

    async def _way(self, store: MediaStore) -> tuple[Authorizer, UrlSigner | None]:
        if self._access is not None:
            return self._access, None
        keyring = self._keyring or Keyring((Key("catalog", await store.secret(_KEY)),))
        signer = UrlSigner(keyring, time.time, life=URL_LIFE_SECONDS, window=URL_WINDOW_SECONDS)
        return SignedAccess(signer), signer


class _Media:
    """The media endpoint of a store that may not be open yet."""

    def __init__(self, opener: _Opener, urls_of: Callable[[Scope], MediaUrls]) -> None:
        self._opener = opener
        self._urls_of = urls_of
        self._served: tuple[_Opened, ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        opened = await self._opener.opened()
        if self._served is None or self._served[0] is not opened:
            # Its JSON form mints URLs too; the path in front of the prefix is one for all requests.
            outer = {_MOUNTED_AT: scope.get("app_root_path", "")}
            app = media_app(opened.store, self._urls_of(outer), opened.access)
            self._served = (opened, app)
        await self._served[1](scope, receive, send)
