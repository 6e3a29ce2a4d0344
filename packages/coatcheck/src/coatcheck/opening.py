"""From options to an open store: the one place that knows which engine stands behind each port."""

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
    """What an installation runs on."""

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
    """Open everything that `options` ask for, and close it at the end.

    Args:
        options: where the store lives and what it may use.
        wrap_renderer: puts something around the renderer, such as what counts its work.
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
    """Do what a killed process left to do, and go on where something cannot be removed."""
    try:
        await store.sweep()
    except StorageError:
        _logger.exception("What was deleted still takes room; the next start tries again.")


def _fetcher(options: StoreOptions) -> Fetcher | None:
    """What `put_url` fetches with; None where the extra `fetch` is not installed."""
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
    fetch_seconds: float = DEFAULT_FETCH_SECONDS,
    fetch_ports: str = DEFAULT_FETCH_PORTS,
    fetch_allow: str = "",
    participants: Sequence[Participant] = (),
) -> AsyncIterator[MediaStore]:
    """Open the embedded store in a directory: files and SQLite, nothing to configure.

    The environment is not read. Each option is described at `StoreOptions`.

    Args:
        data: the directory; made when missing. Several processes may share it.
        max_bytes: largest media that is accepted.
        max_pixels: largest image that is decoded: width × height × frames.
        variant_bytes: what rendered variants may occupy together.
        owner_bytes: what the media of one owner may occupy together; 0 for no limit.
        workers: processes that look at images.
        fetch_seconds: how long `MediaStore.put_url` may take to fetch.
        fetch_ports: ports that it fetches from, separated by commas.
        fetch_allow: addresses that it fetches from although they are not public.
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
        fetch_seconds=fetch_seconds,
        fetch_ports=fetch_ports,
        fetch_allow=fetch_allow,
    )
    async with open_backends(options, participants=participants) as backends:
        yield backends.store
