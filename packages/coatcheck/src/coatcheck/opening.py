"""Open a store from options. Only this module knows which engine implements each port."""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from coatcheck.errors import StorageError
from coatcheck.imaging import ImagingPool
from coatcheck.options import (
    DEFAULT_FETCH_PORTS,
    DEFAULT_FETCH_SECONDS,
    DEFAULT_MAX_BYTES,
    DEFAULT_MAX_PIXELS,
    DEFAULT_VARIANT_BYTES,
    DEFAULT_WORKERS,
    StoreOptions,
)
from coatcheck.ports import (
    Catalog,
    Fetcher,
    LocalPaths,
    Participant,
    QueuedRenderer,
    Renderer,
    Shrinker,
)
from coatcheck.storage import LocalBlobStore
from coatcheck.storage.catalog import (
    CachedCatalog,
    Database,
    SqlCatalog,
)
from coatcheck.store import MediaStore
from coatcheck.workers import WorkerLimits

_logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backends:
    """The engines of an installation."""

    store: MediaStore
    catalog: Catalog
    renderer: Renderer
    local_paths: LocalPaths
    fetcher: Fetcher | None
    shrinker: Shrinker


@asynccontextmanager
async def open_backends(
    options: StoreOptions,
    wrap_renderer: Callable[[QueuedRenderer], Renderer] = lambda inner: inner,
    *,
    participants: Sequence[Participant] = (),
) -> AsyncIterator[Backends]:
    """Open all engines that the options ask for, and close them at the end.

    Args:
        options: the store's directory and limits.
        wrap_renderer: wraps the renderer, for example to count its work.
        participants: what has tables of its own in the store's database.

    Raises:
        StorageError: the data directory or the catalog cannot be opened.
        ConfigurationError: an option cannot be used.
    """
    fetcher = _fetcher(options)
    async with AsyncExitStack() as stack:
        database = await Database.open(
            options.data / "catalog.sqlite3", [one.schema for one in participants]
        )
        stack.push_async_callback(database.aclose)
        blobs = await LocalBlobStore.open(options.data)
        catalog = CachedCatalog(SqlCatalog(database, participants))
        imaging = ImagingPool(
            max_pixels=options.max_pixels,
            limits=WorkerLimits(processes=options.workers),
            # As many as before a share had a half: a browser asks for six pictures at a time.
            max_renditions_waiting=2 * (2 * options.workers + 1),
        )
        renderer = wrap_renderer(imaging)
        store = MediaStore(
            blobs=blobs,
            catalog=catalog,
            renderer=renderer,
            fetcher=fetcher,
            max_bytes=options.max_bytes,
            owner_bytes=options.owner_bytes,
            variant_bytes=options.variant_bytes,
            eager=options.eager,
        )
        await stack.enter_async_context(store)
        await _finish_deletions(store)
        yield Backends(
            store=store,
            catalog=catalog,
            renderer=renderer,
            local_paths=blobs,
            fetcher=fetcher,
            shrinker=imaging,
        )


async def _finish_deletions(store: MediaStore) -> None:
    """Finish the deletions of a killed process; continue if something cannot be removed."""
    try:
        await store.sweep()
    except StorageError:
        _logger.exception("What was deleted still takes room; the next start tries again.")


def _fetcher(options: StoreOptions) -> Fetcher | None:
    """The fetcher of `put_url`; None if the extra `fetch` is not installed."""
    try:
        from coatcheck.fetching import (  # noqa: PLC0415 - an extra
            AddressPolicy,
            FetchClient,
            FetchLimits,
        )
    except ModuleNotFoundError as error:
        if error.name != "h11":
            raise
        return None
    policy = AddressPolicy.parse(ports=options.fetch_ports, allow=options.fetch_allow)
    return FetchClient(policy, FetchLimits(seconds=options.fetch_seconds))


@asynccontextmanager
async def open_store(
    data: Path | str = ".coatcheck",
    *,
    max_bytes: int = DEFAULT_MAX_BYTES,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    variant_bytes: int = DEFAULT_VARIANT_BYTES,
    owner_bytes: int = 0,
    workers: int = DEFAULT_WORKERS,
    eager: bool = False,
    fetch_seconds: float = DEFAULT_FETCH_SECONDS,
    fetch_ports: str = DEFAULT_FETCH_PORTS,
    fetch_allow: str = "",
    participants: Sequence[Participant] = (),
) -> AsyncIterator[MediaStore]:
    """Open the embedded store in a directory: files and SQLite, nothing to configure.

    It does not read the environment.

    Args:
        data: the directory; created if missing. Several processes may share it.
        max_bytes: largest media that is accepted, in bytes.
        max_pixels: largest image that is decoded: width × height × frames.
        variant_bytes: how many bytes all rendered variants may occupy.
        owner_bytes: how many bytes the media of one owner may occupy together; 0 for no limit.
        workers: how many processes decode images.
        eager: for programs that serve pictures: start these processes at once, in the background,
            rather than with the first picture, which then takes some 0.4 s longer; and make the
            WebP of 1024 pixels of a new picture in idle time, before a page asks for it. That needs
            two `workers`.
        fetch_seconds: how many seconds `MediaStore.put_url` may take to fetch.
        fetch_ports: ports that it may fetch from, separated by commas.
        fetch_allow: addresses that it may fetch from although they are not public, separated by
            commas.
        participants: what has tables of its own in the store's database (`coatcheck.ports`).

    Raises:
        StorageError: the directory or the catalog cannot be opened.
        ConfigurationError: an option cannot be used.
    """
    options = StoreOptions(
        data=Path(data),
        max_bytes=max_bytes,
        max_pixels=max_pixels,
        variant_bytes=variant_bytes,
        owner_bytes=owner_bytes,
        workers=workers,
        eager=eager,
        fetch_seconds=fetch_seconds,
        fetch_ports=fetch_ports,
        fetch_allow=fetch_allow,
    )
    async with open_backends(options, participants=participants) as backends:
        yield backends.store
